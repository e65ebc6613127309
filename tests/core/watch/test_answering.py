"""The places that a watch asks: they are asked all that others are."""

from __future__ import annotations

import inspect
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from transship.oci.reference import Reference
from transship.plans.plan import Plan, Wanted
from transship.registry.access import Access, open_registry
from transship.registry.registry import HasPreflight
from transship.registry.service import Creating
from transship.watch.offline import find_answering

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from transship.registry.registry import Registry

HARBOR = "harbor.example"


class Reach:
    """Opens a Harbor, of which nothing is asked, and layouts."""

    @asynccontextmanager
    async def place(self, reference: Reference, *, create: bool = False) -> AsyncIterator[Registry]:
        access = Access(HARBOR, service="harbor") if reference.registry == HARBOR else None
        async with aclosing(open_registry(reference, access, create=create)) as place:
            yield place

    async def accesses(self, plan: Plan) -> list[Access]:
        return []


@pytest.mark.parametrize(("protocol", "asked"), [(HasPreflight, "foreseer"), (Creating, "creator")])
async def test_what_a_service_says_of_itself_is_asked_for_in_a_watch_too(
    tmp_path: Path, protocol: type, asked: str
) -> None:
    layout = Reference(f"layout:{tmp_path / 'images'}", "team/app")
    plan = Plan((Wanted(layout, Reference(HARBOR, "team/app")),))
    async with find_answering(plan, Reach(), {}) as sides:
        for place in sides.places.values():
            assert isinstance(place, protocol)
            # As `isinstance` looks since Python 3.12, whichever runs here.
            inspect.getattr_static(place, asked)
        assert getattr(sides.places[HARBOR], asked)() is not None
        assert getattr(sides.places[layout.registry], asked)() is None
