"""The words of Quay."""

from __future__ import annotations

from transship.registries.services.sign_in_words.asking import Asks, Identity, Question, always

ASKS = Asks(
    also="red hat redhat",
    host=Question(
        "host",
        "Host",
        "quay.io, or the host of your own Quay",
        "The host in the address of its web pages.",
        example="quay.example.com",
        default="quay.io",
    ),
    identities=(
        Identity(
            "robot",
            "robot account",
            Question(
                "secret",
                "Robot token",
                "token of the robot account",
                "On the page of the robot account: Robot Token. It can be shown again at any time.",
                secret=True,
            ),
            Question(
                "user",
                "Robot account",
                "namespace+robot",
                "In Quay: the organization or your account settings, Robot Accounts. It needs "
                "Read or Write on each repository.",
                example="team+ci",
                shape=r"[^\s+]+\+[^\s+]+",
                is_what="NAMESPACE+ROBOT",
            ),
            known_by=r".+\+.+",
        ),
        Identity(
            "oauth-token",
            "OAuth access token",
            Question(
                "secret",
                "OAuth token",
                "access token of an OAuth application",
                "In Quay: the organization, Applications, the application, Generate Token. It also "
                "lists repositories and creates organizations.",
                secret=True,
            ),
            username=always("$oauthtoken"),
            known_by=r"\$oauthtoken",
        ),
        Identity(
            "user",
            "user",
            Question(
                "secret",
                "Password",
                "encrypted password",
                "In Quay: your account settings, Generate Encrypted Password. The password of the "
                "web pages does too where sign-in isn't by SSO.",
                secret=True,
            ),
            Question("user", "User", "user name in Quay", "At the top right of Quay's pages."),
        ),
    ),
)
