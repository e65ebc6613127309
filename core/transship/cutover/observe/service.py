"""What the service behind the new registry says of the domain. Nothing is raised."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from transship.clock import Clock
from transship.cutover.evidence import ServiceSays
from transship.cutover.observe.pinned import error_text
from transship.errors import TransshipError
from transship.registries.attachment import TellsAttachment
from transship.text import duration_text

PATIENCE_SECONDS = 60.0
"""So long a look waits for all of a service's answers."""


@dataclass(frozen=True, slots=True)
class Service:
    """The service behind a registry: what it is called, and who asks its API."""

    title: str
    tells: TellsAttachment


async def observe_service(
    service: Service, domain: str, clock: Clock, *, seconds: float = PATIENCE_SECONDS
) -> ServiceSays:
    """Ask a service of a domain; what stands in the way of that is in what is returned."""
    try:
        async with asyncio.timeout(seconds):
            attachment = await service.tells.attachment(domain)
    except TimeoutError:
        late = f"timeout: no whole answer in {duration_text(seconds)}"
        return ServiceSays(service.title, clock.now(), error=late, remedy="Check again.")
    except TransshipError as error:
        return ServiceSays(service.title, clock.now(), error=error_text(error), remedy=error.remedy)
    return ServiceSays(service.title, clock.now(), attachment)
