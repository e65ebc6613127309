"""The words of GitHub's container registry."""

from __future__ import annotations

from transship.registries.services.sign_in_words.asking import Asks, Identity, Question

ASKS = Asks(
    also="packages",
    at="ghcr.io",
    identities=(
        Identity(
            "token",
            "personal access token (classic)",
            Question(
                "secret",
                "Token",
                "personal access token (classic)",
                "On github.com: Settings, Developer settings, Personal access tokens (classic). "
                "Scopes: read:packages to read, write:packages to write, read:org to list an "
                "organization's.",
                example="ghp_…",
                shape=r"(?!github_pat_).+",
                is_what="a classic token: packages don't take fine-grained ones",
                secret=True,
            ),
            Question(
                "user",
                "User",
                "user name on GitHub",
                "The name in the address of your profile. For an organization with SSO the token "
                "is authorized for it.",
                shape=r"[A-Za-z0-9][A-Za-z0-9-]*(\[bot\])?",
                is_what="a user name of GitHub",
            ),
        ),
    ),
)
