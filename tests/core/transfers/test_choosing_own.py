"""Rules at a place that lists only what belongs to the account, as Docker Hub does.

The place is a fake that does nothing but list: what is chosen is what this is about.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, cast

import pytest

from fakes.clock import FakeClock
from transship import errors
from transship.oci.reference import Reference
from transship.plans.plan import Rule
from transship.transfers.scanner import Scanner, ScanProgress, catalogue_of

if TYPE_CHECKING:
    from transship.registry.registry import Registry

HOST, TARGET = "hub.example", Reference("new.example")


class Own:
    """Lists two repositories, and has tags in all."""

    name = HOST

    def __init__(self, *, lists_own: bool = True) -> None:
        self.lists_own = lists_own

    async def repositories(self) -> AsyncIterator[str]:
        for name in ("acme/web", "acme/api"):
            yield name

    async def tags(self, repository: str) -> AsyncIterator[str]:
        yield "v1"


def rule(*repositories: str, path: str = "") -> Rule:
    return Rule(Reference(HOST, path), (TARGET,), repositories=repositories)


async def chosen(*rules: Rule, **options: Any) -> list[str]:
    place = cast("Registry", Own(**options))
    looking = Scanner({HOST: place}, FakeClock(), ScanProgress())
    return sorted((await catalogue_of(place, rules, looking)).tags)


async def test_what_a_rule_writes_out_is_taken_beside_the_list() -> None:
    found = await chosen(rule("acme/*"), rule("library/nginx"))

    assert found == ["acme/api", "acme/web", "library/nginx"]


async def test_a_pattern_for_what_is_not_listed_is_refused_and_not_taken_for_nothing() -> None:
    with pytest.raises(errors.CatalogClosed, match=r"hub\.example/library"):
        await chosen(rule("acme/*"), rule("**", path="library"))


async def test_where_all_is_listed_a_pattern_may_match_nothing() -> None:
    found = await chosen(rule("acme/*"), rule("other/*"), lists_own=False)

    assert found == ["acme/api", "acme/web"]
