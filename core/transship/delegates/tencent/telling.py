"""What TCR's API says of a domain that is to be moved to an instance. Only asks."""

from __future__ import annotations

from dataclasses import replace

from transship.clock import Clock
from transship.delegates.tencent.getting_through import lets_in, reach_says
from transship.delegates.tencent.opening import Opened
from transship.errors import TransshipError
from transship.registry.attachment import Attached, Attachment, AttachmentMessage


class Telling:
    """Tells of domains at one instance: `registries.attachment.TellsAttachment`."""

    def __init__(self, opened: Opened, clock: Clock) -> None:
        self._opened = opened
        self._clock = clock

    async def attachment(self, domain: str) -> Attachment:
        """Return what is said of a domain, and of who gets through to the instance.

        What one of both couldn't be asked for is told in it. Raises nothing.
        """
        found = await self._of_domain(domain.lower())
        try:
            access = await self._opened.network.access()
        except TransshipError as error:
            unseen = AttachmentMessage(
                "access-unseen",
                "info",
                f"Who gets through to {found.registry} couldn't be asked for: {error}",
                "What is seen at the target's addresses from here tells of this machine alone.",
                error.remedy,
            )
            return replace(found, reach=(unseen,))
        return replace(found, reach=reach_says(access), lets_in=lets_in(access))

    async def _of_domain(self, domain: str) -> Attachment:
        try:
            return await self._opened.domains.attachment(domain)
        except TransshipError as error:
            registry = self._opened.at.instance.public_domain
            unseen = AttachmentMessage(
                "domain-unseen",
                "info",
                f"Whether {registry} has the custom domain {domain} couldn't be asked for: {error}",
                "What is seen at the target's addresses tells whether it works.",
                error.remedy,
            )
            now = self._clock.now()
            return Attachment(registry, domain, Attached.UNKNOWN, now, says=(unseen,))
