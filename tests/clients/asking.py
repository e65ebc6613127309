"""What a test asks of a registry's own API, through the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transship.registry.service import Creator

if TYPE_CHECKING:
    from transship.registry.distribution import DistributionRegistry
    from transship.registry.registry import TargetOutlook


async def names(registry: DistributionRegistry) -> list[str]:
    """Return the repositories that are listed."""
    return [name async for name in registry.repositories()]


async def look(registry: DistributionRegistry, *repositories: str) -> TargetOutlook:
    """Return what is foreseen of writing to repositories."""
    foreseer = registry.foreseer()
    assert foreseer is not None
    return await foreseer.look(dict.fromkeys(repositories, True))


def creator_of(registry: DistributionRegistry) -> Creator:
    """Return who makes what is missing."""
    creator = registry.creator()
    assert creator is not None
    return creator
