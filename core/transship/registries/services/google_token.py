"""Tokens of Google's, by google-auth (the extra `google`), imported only when it is used.

What can be said of a service account's key without it is said without it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import msgspec

from transship import errors
from transship.extras import extra_missing
from transship.registries.addresses import is_loopback, resolve
from transship.registries.credential import Confidential, Credential, seconds_until
from transship.text import safe

ACCESS_TOKEN = "oauth2accesstoken"
_KEY = "_json_key"
_KEY_BASE64 = "_json_key_base64"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_LOOKING_SECONDS = 45.0
_ASKING_SECONDS = 15
_LIFE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, for how many seconds it holds, and the project of who has it, if known."""

    secret: str = field(repr=False)
    seconds: float = _LIFE_SECONDS
    project: str = ""


class _Key(Confidential):
    """What of a service account's key is looked at."""

    type: str
    project_id: str
    private_key: str
    client_email: str
    token_uri: str


def fault_of(credential: Credential) -> str:
    """Return in words what is wrong with a user name and secret, or an empty string.

    Never quotes the secret.
    """
    if credential.username == ACCESS_TOKEN:
        return ""
    if credential.username not in (_KEY, _KEY_BASE64):
        return f"the user is {_KEY}, {_KEY_BASE64} or {ACCESS_TOKEN}"
    try:
        _read(credential)
    except ValueError as error:
        return str(error)
    return ""


async def of(credential: Credential) -> Token:
    """Return a token for what a registry is signed in to with. Raises why there is none."""
    if credential.username == ACCESS_TOKEN:
        return Token(credential.secret)
    try:
        key, document = _read(credential)
    except ValueError as error:
        raise errors.WrongCredential(str(error)) from None

    def fetched() -> Token:
        from google.oauth2 import service_account

        made = service_account.Credentials.from_service_account_info(document, scopes=[_SCOPE])  # type: ignore[no-untyped-call]
        return _fetched(made, key.project_id)

    return await _answered(fetched)


async def ambient() -> Token:
    """Return a token for whoever google-auth finds by itself. Raises why there is none."""

    def fetched() -> Token:
        import google.auth

        found, project = google.auth.default(scopes=[_SCOPE])
        return _fetched(found, project or "")

    return await _answered(fetched)


def _read(credential: Credential) -> tuple[_Key, dict[str, Any]]:
    """Return a service account's key. Raises ValueError, which says what is wrong with it."""
    text = credential.secret.encode()
    if credential.username == _KEY_BASE64:
        try:
            text = base64.b64decode(b"".join(text.split()), validate=True)
        except binascii.Error:
            raise ValueError("the key isn't base64") from None
    try:
        document = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"the key is no JSON; give the whole file, or {_KEY_BASE64}") from None
    try:
        key = msgspec.convert(document, _Key)
    except msgspec.ValidationError:
        fields = ", ".join(_Key.__struct_fields__)
        raise ValueError(f"the key isn't that of a service account, which has {fields}") from None
    if key.type != "service_account":
        raise ValueError("the key isn't that of a service account, whose type is service_account")
    if "PRIVATE KEY" not in key.private_key:
        raise ValueError("the key has no private key in it")
    _check_token_server(key.token_uri)
    return key, document


def _check_token_server(address: str) -> None:
    """Raise ValueError unless what the key signs may be sent to its token server."""
    with suppress(ValueError):
        host = resolve(address, "").partition("//")[2].partition("/")[0]
        if address.startswith("https://") or is_loopback(host):
            return
    raise ValueError("the key's token server isn't spoken to by https")


def _fetched(found: Any, project: str) -> Token:
    import google.auth.transport.requests

    asking = google.auth.transport.requests.Request()
    found.refresh(lambda *a, **named: asking(*a, **{**named, "timeout": _ASKING_SECONDS}))
    end = found.expiry
    seconds = (
        seconds_until(end.replace(tzinfo=UTC).timestamp(), _LIFE_SECONDS) if end else _LIFE_SECONDS
    )
    return Token(str(found.token), seconds, project)


async def _answered(work: Callable[[], Token]) -> Token:
    """Return what google-auth does beside the loop. Raises its failures as errors of ours."""
    try:
        import google.auth.transport.requests  # noqa: F401 - whether it is there
        from google.auth import exceptions as failures
    except ImportError as error:
        raise extra_missing("google", "a token of Google's") from error
    # Without this, what it has to say would go to the terminal.
    if not (logger := logging.getLogger("google")).handlers:
        logger.addHandler(logging.NullHandler())
    warnings.filterwarnings("ignore", category=UserWarning, module=r"google\.auth\b")
    try:
        async with asyncio.timeout(_LOOKING_SECONDS):
            return await asyncio.to_thread(work)
    except TimeoutError:
        raise errors.TimedOut("Google's token server, through google-auth") from None
    except failures.DefaultCredentialsError as error:
        raise errors.SignInNeeded(
            "google-auth finds nobody to sign in as (`gcloud auth application-default login`, "
            f"GOOGLE_APPLICATION_CREDENTIALS): {safe(str(error), limit=200)}"
        ) from None
    except failures.RefreshError as error:
        said = error.args[0] if error.args else ""
        raise errors.WrongCredential(f"Google: {safe(str(said), limit=300)}") from None
    except failures.TransportError as error:
        raise errors.ConnectionLost(f"Google: {safe(str(error), limit=300)}") from None
    except (failures.GoogleAuthError, ValueError) as error:
        # Of a key that can't be read; what is wrong with it says nothing of what is in it.
        raise errors.WrongCredential(f"Google: {type(error).__name__}") from None
