"""What can be said of a registry after knocking: what it is, wants, and lets us do."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from transship import errors
from transship.errors import TransshipError
from transship.oci.digest import digest_of
from transship.registry.access import Access, open_distribution
from transship.registry.http.address import is_loopback
from transship.registry.service import GENERIC, Service, service_named, service_of

if TYPE_CHECKING:
    from transship.registry.distribution import DistributionRegistry
    from transship.registry.http.exchange_log import Recorder
    from transship.registry.registry import Quota

_NOBODY = digest_of(b"")
"""A digest to ask for the referrers of; that nothing refers to it is an answer too."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found. `lists` is None when it couldn't be asked.

    `proposed` says that the service was recognised by what it answers: the operator said none, and
    the host name doesn't tell. `referrers` says whether it lists referrers by itself, None when it
    couldn't be seen without a repository; `quota` is what it said is left to be read.
    """

    service: Service
    protection: str
    signed_in: bool
    lists: bool | None
    problem: TransshipError | None = None
    proposed: bool = False
    referrers: bool | None = None
    quota: Quota | None = None

    @property
    def usable(self) -> bool:
        """Whether the registry can be worked with as it was asked."""
        return self.problem is None


async def examine(access: Access, *, recorder: Recorder | None = None) -> Examination:
    """Knock at a registry, sign in if there is a credential, and look into it. Only reads."""
    service = service_named(access.service) or service_of(access.host)
    seen = Examination(service, protection(access), signed_in=False, lists=None)
    try:
        if service is GENERIC and not access.service:
            seen = await _recognised(access, seen, recorder)
        known = replace(access, service=seen.service.kind)
        async with aclosing(open_distribution(known, recorder=recorder)) as registry:
            await registry.check_sign_in()
            if registry.service.holds_images:
                seen = await look_into(registry, seen)
    except TransshipError as error:
        return replace(seen, problem=error)
    return replace(seen, signed_in=access.credential is not None or access.handed_out)


def protection(access: Access) -> str:
    """Return in words how the way to a registry is protected."""
    if access.tls.plain_http:
        return "plain http, as asked"
    if access.tls.insecure:
        return "NOT VERIFIED, as asked"
    if is_loopback(access.host):
        return "this machine"
    return "verified, own authority" if access.tls.ca_file else "verified"


async def _recognised(access: Access, seen: Examination, recorder: Recorder | None) -> Examination:
    """Return what it is by its answer to `/v2/`, which nothing is sent along with."""
    nobody = replace(access, credential=None, handed_out=False)
    async with aclosing(open_distribution(nobody, recorder=recorder)) as registry:
        await registry.knock()
        found = registry.recognised
    return replace(seen, service=found, proposed=True) if found else seen


async def look_into(registry: DistributionRegistry, seen: Examination) -> Examination:
    """Return whether it lists, and what is seen at the first repository that it lists."""
    try:
        async with aclosing(registry.repositories()) as names:
            first = await anext(names, None)
    except errors.CatalogClosed:
        return replace(seen, lists=False)
    except TransshipError as error:
        if registry.service.api is None or not error.retryable:
            raise
        return seen  # The registry answers; whether it lists, its service's API will tell.
    if first is None:
        return replace(seen, lists=True)
    try:
        await registry.referrers(first, _NOBODY)
        if registry.service.metered:
            await registry.head_manifest(first, "latest")
    except TransshipError:
        # What isn't told of one repository is no problem of the registry.
        return replace(seen, lists=True, referrers=registry.has_referrers_api)
    return replace(seen, lists=True, referrers=registry.has_referrers_api, quota=registry.quota)
