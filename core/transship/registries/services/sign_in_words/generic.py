"""The words of every registry that is none of the known services, and of one without own words."""

from __future__ import annotations

from transship.registries.services.sign_in_words.asking import Asks, Identity, Question

USER = Question("user", "User", "user name", "The name that `docker login` takes there.")
SECRET = Question(
    "secret",
    "Secret",
    "password or token",
    "The password, or a token that is used in its place. Whoever runs the registry gives it out.",
    secret=True,
)

ASKS = Asks(
    also="docker registry distribution zot other",
    identities=(Identity("user", "user and password", SECRET, USER),),
)


def plain(username: str, secret: str) -> Asks:
    """Return the words of a service of which no more is known than these two."""
    user = Question("user", "User", username)
    return Asks(
        (
            Identity(
                "user", "user and secret", Question("secret", "Secret", secret, secret=True), user
            ),
        )
    )
