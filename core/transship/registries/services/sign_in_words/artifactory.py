"""The words of JFrog Artifactory."""

from __future__ import annotations

from transship.registries.services.sign_in_words.asking import Asks, Identity, Question

_USER = Question(
    "user",
    "User",
    "user name in Artifactory",
    "At the top right of its pages: Edit Profile.",
)

_IDENTITIES = (
    Identity(
        "identity-token",
        "identity token",
        Question(
            "secret",
            "Token",
            "identity token",
            "In Artifactory: your name at the top right, Edit Profile, Generate an Identity "
            "Token. Shown once.",
            secret=True,
        ),
        _USER,
    ),
    Identity(
        "access-token",
        "access token",
        Question(
            "secret",
            "Token",
            "access token",
            "In Artifactory: Administration, User Management, Access Tokens. Its scope has to "
            "take in the Docker repositories.",
            secret=True,
        ),
        Question("user", "User", "the user that the token is for", "The token's list names it."),
    ),
    Identity(
        "password",
        "password or API key",
        Question(
            "secret",
            "Password",
            "password or API key",
            "The password of its pages, unless sign-in is by SSO; an API key stands in Edit "
            "Profile.",
            secret=True,
        ),
        _USER,
    ),
)

ASKS = Asks(
    host=Question(
        "host",
        "Host",
        "NAME.jfrog.io, or the host of your own",
        "In Artifactory: Artifacts, the repository, Set Me Up; its `docker login` names the host.",
        example="example.jfrog.io",
    ),
    identities=_IDENTITIES,
)

KEY = Asks(
    host=Question(
        "host",
        "Host",
        "the subdomain, or the port, of the one repository",
        "In Artifactory: Artifacts, the repository, Set Me Up; its `docker login` names the host.",
        example="docker-local.example.com",
    ),
    identities=_IDENTITIES,
)
