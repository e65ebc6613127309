"""Who can tell of domains: the APIs of the services behind registries, asked with the keys kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from transship.accounts.sign_in import service_at
from transship.cutover.observe.target import DomainService
from transship.errors import ApiKeysNeeded
from transship.registry.access import open_distribution
from transship.registry.service import service_of

if TYPE_CHECKING:
    from transship.accounts.registry_file import Accounts
    from transship.clock import Clock
    from transship.registry.access import Access
    from transship.registry.attachment import Attachment, TellsAttachment
    from transship.registry.service import Service as RegistryService

AccessTo = Callable[[str], Awaitable["Access"]]
"""Returns what it takes to open the registry at a host (`host[:port]`)."""


def who_tells(
    host: str, accounts: Accounts, access: AccessTo, clock: Clock
) -> DomainService | None:
    """Return the service behind a registry, where its API can tell of domains; asks nobody."""
    account = accounts.find(host)
    service = service_at(account) if account else service_of(host)
    teller = _TELLERS.get(service.kind)
    if teller is None:
        return None
    return DomainService(service.title, teller(service, host, access, clock))


class _Tencent:
    """Asks the API of TCR of the instance that a host is a domain of."""

    def __init__(self, service: RegistryService, host: str, access: AccessTo, clock: Clock) -> None:
        self._service = service
        self._host = host
        self._access = access
        self._clock = clock

    async def attachment(self, domain: str) -> Attachment:
        """Return what is said of a domain. Raises ApiKeysNeeded, and what `opened` raises."""
        access = await self._access(self._host)
        # Who has no keys needs none of what speaks to the cloud.
        await self._check_keys(access)
        from transship.engines.reach import AccountReach
        from transship.engines.tcr.attachment import InstanceAttachments, open_instance

        async def known(_: str) -> Access:
            return access

        async with AccountReach(known, self._clock) as reach:
            instance = await open_instance(reach, self._host)
            return await InstanceAttachments(instance, self._clock).attachment(domain)

    async def _check_keys(self, access: Access) -> None:
        registry = open_distribution(access, clock=self._clock)
        try:
            registry.asks().keys()
        except ApiKeysNeeded as error:
            apis = self._service.keys_for(self._host)
            lines = " or ".join(f"`transship login {each}`" for each in apis)
            raise ApiKeysNeeded(
                error.detail, remedy=f"Add its keys with {lines}, and check again."
            ) from None
        finally:
            await registry.aclose()


_TELLERS: Mapping[str, Callable[..., TellsAttachment]] = {"tcr": _Tencent}
"""By the kind of service."""
