"""Findings on resolvers, and on what goes before DNS, each made to appear for real."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import dns.message
import pytest

from cutovers.clean import finding, found, result
from cutovers.staging import answered, having, later, run
from servers.dns.crooked import answers
from servers.dns.lab import EXAMPLE
from servers.dns.staged import zone
from servers.dns.zones import NEW, OLD
from servers.process import free_port
from transship.cutover.domain import Resolver
from transship.cutover.finding import CheckOutcome
from transship.cutover.observe.resolvers import hosts_lines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from cutovers.staging import Looks
    from servers.dns.lab import DnsLab
    from transship.cutover.rules.case import Case

    Start = Callable[..., Awaitable[Resolver]]

NAME = "images.example.test"
PRIVATE = f"{NAME}. 30 IN A 10.0.3.7"


# Before the change


async def test_a_private_view_of_the_name(looks: Looks, resolver: Start) -> None:
    inside = await resolver(zone(EXAMPLE, "images 30 A 10.0.3.7"), "inside")
    seen = await looks.names(NAME, *looks.caches("plain"), inside)
    told = answered(seen, {"private-zones": "moved-too"})

    assert found(seen, "P-31") == {"private-view": "block"}
    assert "inside: 10.0.3.7; the zone's own servers say something else" in (
        result(seen, "P-31").seen
    )
    assert found(told, "P-31") == {"private-view": "info"}


async def test_a_resolver_that_makes_answers_up(looks: Looks, resolver: Start) -> None:
    def anything(query: dns.message.Message) -> bytes | None:
        name = query.question[0].name
        return answers(f"{name} 30 IN A 10.9.9.9", aa=False)(query)

    seen = await looks.names(NAME, await resolver(anything, "portal"))

    assert found(seen, "P-31") == {"private-view": "block", "answers-made-up": "warn"}


async def test_a_private_zone_that_the_operator_tells_of(looks: Looks) -> None:
    seen = await looks.names(NAME)
    elsewhere = "10.0.3.7  STREAM images.example.test\n10.0.3.7  DGRAM\n"
    here = "\n".join(f"{a}  STREAM {NAME}" for a in seen.evidence.today.addresses)  # type: ignore[union-attr]

    assert found(answered(seen, {"private-zones": elsewhere}), "P-31") == {
        "private-view-told": "block"
    }
    assert result(answered(seen, {"private-zones": here}), "P-31").outcome is CheckOutcome.PASS


async def test_answers_that_depend_on_the_place(looks: Looks, resolver: Start) -> None:
    far = await resolver(answers(PRIVATE, aa=False), "far", "public")
    seen = await looks.names(NAME, *looks.caches("plain"), far)
    sampled = answered(seen, {"geo-samples": "198.51.100.7\n198.51.100.8\n"})

    assert result(seen, "W-03").outcome is CheckOutcome.OPEN
    assert found(sampled, "W-03") == {"answers-by-place": "info"}
    assert "198.51.100.7" in result(sampled, "W-03").seen


async def test_a_file_that_goes_before_dns(looks: Looks, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n10.0.0.1\t{NAME}  # until the move\n")
    seen = await looks.names(NAME)
    overridden = having(seen, hosts=hosts_lines(NAME, hosts))

    assert "hosts-line" not in found(seen, "P-32")
    assert found(overridden, "P-32") == {"hosts-line": "warn"}
    assert f"10.0.0.1 {NAME}" in result(overridden, "P-32").seen


async def test_what_a_node_has_of_its_own(looks: Looks, tmp_path: Path) -> None:
    seen = await looks.names(NAME)
    clean = run("node-overrides", seen, "/etc/", f"{tmp_path}/")
    mirror = tmp_path / "containerd" / "certs.d" / NAME / "hosts.toml"
    mirror.parent.mkdir(parents=True)
    mirror.write_text('server = "https://mirror.example"\n')
    mirrored = run("node-overrides", seen, "/etc/", f"{tmp_path}/")

    assert clean == "done\n"
    assert found(answered(seen, {"node-overrides": clean}), "P-32") == {}
    assert found(answered(seen, {"node-overrides": mirrored}), "P-32") == {"node-overrides": "warn"}


async def test_others_that_use_the_name(looks: Looks) -> None:
    seen = await looks.names(NAME, told={"consumers": "unsure"})

    assert found(seen, "P-32") == {"consumers-unknown": "warn"}


# After it


@pytest.fixture
async def moving(looks: Looks, lab: DnsLab) -> tuple[Case, Case]:
    """The domain before its change and right after it, with a cache that still has the old one."""
    caches = looks.caches("plain", "clamping")
    lab.set(f"{NAME}.", "CNAME", OLD)
    before = await looks.names(NAME, *caches)
    lab.set(f"{NAME}.", "CNAME", NEW)
    lab.caches["plain"].flush()
    return before, await looks.names(NAME, *caches, before=before, flush=False)


async def test_a_cache_that_is_late(moving: tuple[Case, Case]) -> None:
    _, after = moving

    assert found(after, "W-06") == {"flush": "info"}
    assert "Late: clamping" in finding(after, "W-06", "flush").seen
    assert f"unbound-control flush {NAME}" in finding(after, "W-06", "flush").record
    assert found(after, "W-01") == {}
    assert result(after, "W-01").outcome is CheckOutcome.OPEN
    # By then it should have let go.
    assert found(later(after, 200), "W-01") == {"stragglers": "warn"}


async def test_how_long_the_way_back_takes(moving: tuple[Case, Case]) -> None:
    before, after = moving

    assert found(before, "R-02") == {}
    assert found(after, "R-02") == {"way-back-takes": "info"}
    assert "4 s by the rules" in result(after, "R-02").seen


async def test_a_cache_that_answers_with_what_has_expired(looks: Looks, lab: DnsLab) -> None:
    (stale,) = looks.caches("stale")
    lab.flush()
    lab.set(f"{NAME}.", "CNAME", OLD, ttl=1)
    seen = await looks.names(NAME, stale, flush=False)
    async with asyncio.timeout(30):
        while not found(seen, "W-07"):
            seen = await looks.names(NAME, stale, flush=False)

    assert found(seen, "W-07") == {"serves-expired": "info"}


async def test_resolvers_that_say_nothing(looks: Looks, resolver: Start) -> None:
    refusing = await resolver(answers(rcode="REFUSED", aa=False), "refusing")
    absent = Resolver("absent", "127.0.0.1", free_port())
    seen = await looks.names(NAME, refusing, absent)

    assert found(seen, "W-05") == {"resolver-refuses": "info", "resolver-silent": "info"}
    assert "absent (refused): no answer" in finding(seen, "W-05", "resolver-silent").seen
