"""The secrets by which a DNS provider knows us, kept in the keyring as those of accounts are."""

from __future__ import annotations

from dataclasses import dataclass, field

from transship import errors
from transship.accounts.secrets import SecretStore

_API_KEY = "api-key"


@dataclass(frozen=True, slots=True)
class TsigKey:
    """A key for signing updates (RFC 8945). `secret` is in base64."""

    name: str
    secret: str = field(repr=False)
    algorithm: str = "hmac-sha256"


async def tsig_key(store: SecretStore, server: str, name: str, algorithm: str) -> TsigKey:
    """Return the key of this name for a server. Raises KeyMissing and the `Keyring...` errors."""
    return TsigKey(name, await _secret(store, server, name), algorithm)


async def keep_tsig_key(store: SecretStore, server: str, key: TsigKey) -> None:
    """Keep a key for a server. Raises the `Keyring...` errors."""
    await store.set(_host(server), key.name, key.secret)


async def api_key(store: SecretStore, url: str) -> str:
    """Return the key of an API. Raises KeyMissing and the `Keyring...` errors."""
    return await _secret(store, url, _API_KEY)


async def keep_api_key(store: SecretStore, url: str, key: str) -> None:
    """Keep the key of an API. Raises the `Keyring...` errors."""
    await store.set(_host(url), _API_KEY, key)


async def _secret(store: SecretStore, place: str, name: str) -> str:
    found = await store.get(_host(place), name)
    if not found:
        raise errors.KeyMissing(
            f"{name} for {place}",
            remedy="Give it as a file, or - for standard input: `transship cutover DOMAIN apply "
            "--key-file FILE`, rollback alike; `plan --key-file FILE` keeps it in the keyring.",
        )
    return found


def _host(place: str) -> str:
    """Return what it is kept under: apart from registries, which may have the same name."""
    return f"dns:{place}"
