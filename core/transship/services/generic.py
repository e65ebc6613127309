"""What signing in asks at a registry that is none of the known services."""

from __future__ import annotations

from transship.services.sign_in import SignInForm, SignInIdentity, SignInQuestion

USER = SignInQuestion("user", "User", "user name", "The name that `docker login` takes there.")
SECRET = SignInQuestion(
    "secret",
    "Secret",
    "password or token",
    "The password, or a token that is used in its place. Whoever runs the registry gives it out.",
    secret=True,
)

FORM = SignInForm(
    also="docker registry distribution zot other",
    identities=(SignInIdentity("user", "user and password", SECRET, USER),),
)


def plain(username: str, secret: str) -> SignInForm:
    """Return the words of a service of which no more is known than these two."""
    user = SignInQuestion("user", "User", username)
    return SignInForm(
        (
            SignInIdentity(
                "user",
                "user and secret",
                SignInQuestion("secret", "Secret", secret, secret=True),
                user,
            ),
        )
    )
