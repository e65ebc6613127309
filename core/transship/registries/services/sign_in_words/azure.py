"""The words of Azure Container Registry."""

from __future__ import annotations

from transship.registries.services.sign_in_words.asking import (
    Answers,
    Asks,
    Identity,
    Question,
    always,
)

_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_NOBODY = "00000000-0000-0000-0000-000000000000"


def _joined(answers: Answers) -> str:
    return f"{answers['name'].lower()}.azurecr.io"


ASKS = Asks(
    also="acr microsoft",
    parts=(
        Question(
            "name",
            "Registry name",
            "the name of the container registry",
            "In the Azure portal: Container registries. In the clouds of China and of the US "
            "government type the login server as the host.",
            example="example",
            shape=r"[A-Za-z0-9]{5,50}",
            is_what="5 to 50 letters and digits",
        ),
    ),
    joined=_joined,
    name=r"(?P<name>[a-z0-9]+)\.azurecr\.io",
    identities=(
        Identity(
            "principal",
            "service principal",
            Question(
                "secret",
                "Client secret",
                "the secret's value",
                "In the Azure portal: the app registration, Certificates & secrets. The value is "
                "shown once, and isn't the secret's ID.",
                secret=True,
            ),
            Question(
                "user",
                "Client ID",
                "application (client) ID",
                "In the Azure portal: App registrations, the app, Overview. On the registry it has "
                "the role AcrPull, or AcrPush to write.",
                example="1b4e28ba-2fa1-11d2-883f-0016d3cca427",
                shape=_GUID,
                is_what="an application ID (a GUID)",
            ),
            known_by=rf"(?!{_NOBODY}){_GUID}",
        ),
        Identity(
            "refresh-token",
            "token of az acr login",
            Question(
                "secret",
                "Token",
                "of `az acr login --expose-token`",
                "`az acr login -n NAME --expose-token` prints it as accessToken. It lives about 3 "
                "hours: too short for a long run.",
                secret=True,
            ),
            username=always(_NOBODY),
            known_by=_NOBODY,
        ),
        Identity(
            "token",
            "token of the registry",
            Question(
                "secret",
                "Password",
                "one of the token's two passwords",
                "In the Azure portal: the registry, Tokens, the token. A password is shown once, "
                "when it is made.",
                secret=True,
            ),
            Question(
                "user",
                "Token name",
                "name of the token",
                "In the Azure portal: the registry, Repository permissions, Tokens. Its scope map "
                "says which repositories it is for.",
                shape=r"[A-Za-z0-9-]{5,50}",
                is_what="the name of a token (5 to 50 letters, digits and -)",
            ),
        ),
        Identity(
            "admin",
            "admin user",
            Question(
                "secret",
                "Password",
                "password or password2",
                "In the Azure portal: the registry, Access keys, where the admin user has to be "
                "switched on.",
                secret=True,
            ),
            Question(
                "user",
                "Admin user",
                "user name of the admin user",
                "In the Azure portal: the registry, Access keys. It is the name of the registry.",
                shape=r"[A-Za-z0-9]{5,50}",
                is_what="the name of the registry",
            ),
        ),
    ),
    handed_out="by the Azure sign-in of this machine",
)
