"""The words of Docker Hub."""

from __future__ import annotations

from transship.registries.services.sign_in_words.asking import Asks, Identity, Question

ASKS = Asks(
    also="dockerhub",
    at="docker.io",
    identities=(
        Identity(
            "personal",
            "personal access token",
            Question(
                "secret",
                "Access token",
                "personal access token",
                "On hub.docker.com: Account settings, Personal access tokens. Read & Write to "
                "write there; Read-only is enough for a source.",
                example="dckr_pat_…",
                secret=True,
            ),
            Question(
                "user",
                "Docker ID",
                "the name that you sign in with, no e-mail address",
                "On hub.docker.com it stands in the menu under your picture.",
                shape=r"[^@\s]+",
                is_what="a Docker ID (an e-mail address won't do)",
            ),
        ),
        Identity(
            "organization",
            "organization access token",
            Question(
                "secret",
                "Access token",
                "organization access token",
                "On hub.docker.com: the organization, Access tokens. It names the repositories "
                "that it is for.",
                example="dckr_oat_…",
                secret=True,
            ),
            Question(
                "user",
                "Organization",
                "name of the organization",
                "The first part of its repositories' names.",
                shape=r"[^@\s]+",
                is_what="the name of an organization",
            ),
        ),
    ),
)
