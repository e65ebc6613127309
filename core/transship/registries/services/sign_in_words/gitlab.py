"""The words of GitLab."""

from __future__ import annotations

from transship.registries.services.sign_in_words.asking import Asks, Identity, Question

_SCOPES = "read_registry to read, write_registry to write, and read_api so that it can list."

ASKS = Asks(
    host=Question(
        "host",
        "Host",
        "host of the container registry, not of GitLab",
        "In GitLab: a project, Deploy, Container registry; its commands name the host. It often "
        "isn't that of the web pages.",
        example="registry.example.com",
        default="registry.gitlab.com",
    ),
    identities=(
        Identity(
            "personal",
            "personal access token",
            Question(
                "secret",
                "Token",
                "personal access token",
                f"In GitLab: your settings, Access tokens. Scopes: {_SCOPES}",
                example="glpat-…",
                secret=True,
            ),
            Question("user", "User", "user name in GitLab", "It stands after @ on your profile."),
        ),
        Identity(
            "deploy-token",
            "deploy token",
            Question(
                "secret",
                "Deploy token",
                "the token itself",
                "Shown once, when the deploy token is made. It can't list repositories: name them "
                "with the account.",
                secret=True,
            ),
            Question(
                "user",
                "User name",
                "user name of the deploy token",
                "In GitLab: the project or group, Settings, Repository, Deploy tokens. Scopes: "
                "read_registry, and write_registry to write.",
                example="gitlab+deploy-token-1",
            ),
            known_by=r"gitlab\+deploy-token-\d+",
        ),
        Identity(
            "access-token",
            "project or group access token",
            Question(
                "secret",
                "Token",
                "project or group access token",
                f"In GitLab: the project or group, Settings, Access tokens. Scopes: {_SCOPES}",
                example="glpat-…",
                secret=True,
            ),
            Question(
                "user",
                "User name",
                "any name; that of the token is best",
                "GitLab looks at the token only, but takes no empty name.",
            ),
        ),
    ),
)
