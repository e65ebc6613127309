"""What can be said of a registry after knocking: what it is, wants, and lets us do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from transship import errors
from transship.errors import TransshipError
from transship.registries.access import Access, open_registry
from transship.registries.addresses import is_loopback
from transship.registries.exchanges import Recorder
from transship.registries.services import Service, service_named, service_of


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found. `lists` is None when it wasn't asked because of a `problem`."""

    service: Service
    protection: str
    signed_in: bool
    lists: bool | None
    problem: TransshipError | None = None

    @property
    def usable(self) -> bool:
        """Whether the registry can be worked with as it was asked."""
        return self.problem is None


async def examine(access: Access, *, recorder: Recorder | None = None) -> Examination:
    """Knock at a registry, sign in if there is a credential, and ask for its list. Only reads."""
    service = service_named(access.service) or service_of(access.host)
    lists: bool | None = None
    problem: TransshipError | None = None
    registry = open_registry(access, recorder=recorder)
    try:
        await registry.check_sign_in()
        lists = await _lists(registry.repositories())
    except TransshipError as error:
        problem = error
    finally:
        await registry.aclose()
    return Examination(
        service=service,
        protection=protection(access),
        signed_in=problem is None and access.credential is not None,
        lists=lists,
        problem=problem,
    )


def protection(access: Access) -> str:
    """Return in words how the way to a registry is protected."""
    if access.tls.plain_http:
        return "plain http, as asked"
    if access.tls.insecure:
        return "NOT VERIFIED, as asked"
    if is_loopback(access.host):
        return "this machine"
    return "verified, own authority" if access.tls.ca_file else "verified"


async def _lists(repositories: AsyncIterator[str]) -> bool:
    try:
        await anext(repositories, None)
    except errors.CatalogClosed:
        return False
    return True
