"""What reads and changes records at a DNS provider: the plugin point.

With it the one switch that turns all writing off, and the secrets by which a provider knows us,
kept in the keyring as those of accounts are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from transship import errors
from transship.accounts.secrets import SecretStore
from transship.cutover.change.records import PlannedChange, RecordSets, Snapshot, records_text


class DnsProvider(Protocol):
    """Reads and changes the records of names in one zone.

    Names are absolute, without the dot at the end. Reading raises KeyRefused, ProviderRefused,
    ProviderUnreachable or RecordNotPlain.
    """

    @property
    def place(self) -> str:
        """Where it reads and writes, for the journal and for the operator."""

    @property
    def writes(self) -> bool:
        """Whether it changes anything at all."""

    async def read(self, name: str) -> RecordSets:
        """Return all that `name` holds at the provider, empty where there is nothing."""

    def plan(self, old: RecordSets, new: RecordSets) -> PlannedChange:
        """Return the change that lets a name hold `new` where it holds `old`. Writes nothing."""

    async def apply(self, planned: PlannedChange, expect: RecordSets) -> None:
        """Make the change, if the name holds what is expected: all of it, or nothing.

        Raises RecordChanged where it holds something else, ChangeUncertain where no answer says
        whether it was made, and what reading raises.
        """

    async def restore(self, snapshot: Snapshot) -> None:
        """Let a name hold what it held, whatever it holds now. Raises what `apply` raises."""


class ReadOnlyProvider:
    """An applier of which nothing is left but reading and planning."""

    def __init__(self, inner: DnsProvider) -> None:
        self._inner = inner

    @property
    def place(self) -> str:
        """Where it reads."""
        return self._inner.place

    @property
    def writes(self) -> bool:
        """It doesn't."""
        return False

    async def read(self, name: str) -> RecordSets:
        """Return all that `name` holds at the provider."""
        return await self._inner.read(name)

    def plan(self, old: RecordSets, new: RecordSets) -> PlannedChange:
        """Return the change that lets a name hold `new` where it holds `old`."""
        return self._inner.plan(old, new)

    async def apply(self, planned: PlannedChange, expect: RecordSets) -> None:
        """Raise WritesOff, with what would have been changed."""
        edit = f"{records_text(expect)} -> {records_text(planned.after)}"
        raise errors.WritesOff(f"{edit} at {self.place}")

    async def restore(self, snapshot: Snapshot) -> None:
        """Raise WritesOff, with what would have been put back."""
        raise errors.WritesOff(records_text(snapshot.sets))


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


async def store_tsig_key(store: SecretStore, server: str, key: TsigKey) -> None:
    """Keep a key for a server. Raises the `Keyring...` errors."""
    await store.set(_host(server), key.name, key.secret)


async def api_key(store: SecretStore, url: str) -> str:
    """Return the key of an API. Raises KeyMissing and the `Keyring...` errors."""
    return await _secret(store, url, _API_KEY)


async def store_api_key(store: SecretStore, url: str, key: str) -> None:
    """Keep the key of an API. Raises the `Keyring...` errors."""
    await store.set(_host(url), _API_KEY, key)


async def _secret(store: SecretStore, place: str, name: str) -> str:
    found = await store.get(_host(place), name)
    if not found:
        raise errors.KeyMissing(
            f"{name} for {place}",
            remedy="Give it as a file, or - for standard input: `transship cutover apply DOMAIN "
            "--key-file FILE`, rollback alike; `plan --key-file FILE` keeps it in the keyring.",
        )
    return found


def _host(place: str) -> str:
    """Return what it is kept under: apart from registries, which may have the same name."""
    return f"dns:{place}"
