"""The words of Harbor."""

from __future__ import annotations

from transship.registries.services.sign_in_words.asking import Asks, Identity, Question

ASKS = Asks(
    host=Question(
        "host",
        "Host",
        "host of your Harbor",
        "The host in the address of its web pages, with the port where that has one.",
        example="harbor.example.com",
    ),
    identities=(
        Identity(
            "robot",
            "robot account",
            Question(
                "secret",
                "Robot secret",
                "secret of the robot account",
                "Shown once, when the robot account is made. In its menu the secret can be "
                "refreshed; the one before ends then.",
                secret=True,
            ),
            Question(
                "user",
                "Robot account",
                "its whole name, prefix and $ included",
                "In Harbor: the project, Robot Accounts; or Administration, Robot Accounts. In a "
                "shell put the name into single quotes.",
                example="robot$team+ci",
            ),
            known_by=r".*\$.*",
        ),
        Identity(
            "user",
            "user",
            Question(
                "secret",
                "Secret",
                "password, or CLI secret where sign-in is by OIDC",
                "Where you sign in through another page (OIDC): your name at the top right, User "
                "Profile, CLI secret. Else your password.",
                secret=True,
            ),
            Question(
                "user",
                "User",
                "user name in Harbor",
                "At the top right of Harbor's pages. Only an administrator sees every project.",
            ),
        ),
    ),
)
