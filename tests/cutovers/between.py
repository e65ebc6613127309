"""A domain of the lab that is to move between two registries of a test's own."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from servers.dns.lab import EXAMPLE
from servers.dns.zones import IMAGES, NEW, TTL
from servers.images import make_layer, push_image
from transship.app.application import Application
from transship.cutover.domain import Domain, Resolver, Subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.dns.lab import DnsLab
    from servers.docker_registry import DockerRegistry
    from transship.accounts.sign_in import Sources
    from transship.cutover.folder import CutoverFolder
    from transship.cutover.status import CutoverStatus
    from transship.paths import Paths

APP = "team/app"
DOMAIN = IMAGES.rstrip(".")


class QuickEngine(Application):
    """An engine that doesn't wait long between rounds.

    What stands in the way of a change isn't looked at: neither registry serves the domain.
    """

    def __init__(self, paths: Paths, sources: Sources) -> None:
        super().__init__(paths, sources)
        self.cutovers.rounds.every = 0.05
        let_every_change_be_made(self)


def let_every_change_be_made(application: Application) -> None:
    """Have nothing looked at that stands in the way of a change."""

    async def nothing(cutover: CutoverFolder, tell: object) -> str:
        return ""

    application.cutovers.changes._why_not_now = nothing  # type: ignore[method-assign]


def push(registry: DockerRegistry, tag: str, content: str) -> str:
    """Push a small image; return its digest."""
    return push_image(registry, APP, tag, [make_layer(content.encode())]).digest


def domain_between(lab: DnsLab, old: DockerRegistry, new: DockerRegistry) -> Subject:
    """Return a cutover between registries which hold the same: one tag.

    Only the lab's resolver is asked.
    """
    lab.primary.remember(EXAMPLE, IMAGES)
    for registry in (old, new):
        push(registry, "1", "one")
    plain = lab.caches["plain"]
    return Subject(
        Domain(DOMAIN),
        new.host,
        old.host,
        NEW.rstrip("."),
        (Resolver("plain", plain.address, plain.port),),
        served=lab.served,
        public=False,
        system=False,
        ttl=TTL,
    )


async def checked(engine: Application, name: str) -> CutoverStatus:
    """Make all checks."""
    return [each async for each in engine.cutovers.checks.check(name)][-1]


async def seen(
    engine: Application, name: str, wanted: Callable[[CutoverStatus], bool]
) -> CutoverStatus:
    """Watch until something holds."""
    async with aclosing(engine.cutovers.checks.watch(name)) as standings:
        async for standing in standings:
            if wanted(standing):
                return standing
    raise AssertionError("the watch has ended")
