"""Findings after the change, on tags, and on the way back, each made to appear for real."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from cutovers.clean import finding, found, result
from cutovers.staging import BAD, answered, having, later, run, together
from servers.dns.staged import zone
from servers.dns.zones import IMAGES, NEW, OLD
from servers.images import push_image, random_layer
from servers.process import comes_true
from transship.clock import SystemClock
from transship.cutover.finding import CheckOutcome
from transship.cutover.observe.endpoint import TargetOptions
from transship.cutover.observe.parity import compare_listed
from transship.registry.distribution import DistributionRegistry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from cutovers.staging import Looks
    from servers.authority import Authority
    from servers.dns.lab import DnsLab
    from servers.docker_registry import DockerRegistry
    from transship.cutover.domain import Resolver
    from transship.cutover.evidence import Parity
    from transship.cutover.rules.case import Case

    Serve = Callable[..., DockerRegistry]
    Start = Callable[..., Awaitable[Resolver]]

NAME = IMAGES.rstrip(".")
DAY = 86400.0


@pytest.fixture
async def flipped(looks: Looks, lab: DnsLab) -> Case:
    """The domain, looked at before its change and right after it."""
    lab.set(IMAGES, "CNAME", OLD)
    before = await looks.names(NAME)
    lab.set(IMAGES, "CNAME", NEW)
    return await looks.names(NAME, before=before)


@pytest.fixture
async def parity(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str
) -> Parity:
    """Two registries with tags that are the same, others that aren't, and some on one side only."""
    for registry in (open_registry, other_registry):
        push_image(registry, repository, "same")
    push_image(open_registry, repository, "moved", [random_layer(100, "moved")])
    push_image(other_registry, repository, "moved")
    push_image(open_registry, repository, "late")
    push_image(other_registry, repository, "new")
    old, new = DistributionRegistry(open_registry.host), DistributionRegistry(other_registry.host)
    compared = await compare_listed(old, new, [repository])
    await old.aclose()
    await new.aclose()
    return compared


# Tags


async def test_tags_that_differ(looks: Looks, parity: Parity) -> None:
    before = having(await looks.names(NAME), parity=parity)

    assert found(before, "P-27") == {
        "tags-missing": "block",
        "tags-different": "block",
        "tags-only-new": "info",
    }
    assert ":late" in finding(before, "P-27", "tags-missing").seen


async def test_tags_that_were_pushed_meanwhile(flipped: Case, parity: Parity) -> None:
    after = having(flipped, parity=parity)

    assert found(after, "V-03") == {
        "pushed-to-old": "warn",
        "pushed-to-both": "warn",
        "tags-only-new": "info",
    }
    assert found(after, "R-03") == {"would-hide-tags": "block", "would-change-tags": "warn"}
    assert ":new" in finding(after, "R-03", "would-hide-tags").seen


# What answers


async def test_a_certificate_that_fails_now(
    flipped: Case, serve: Serve, looks: Looks, authority: Authority
) -> None:
    serve(tls=authority.issue("registry.newcloud.test"))
    wrong = together(flipped, await looks.registry())

    assert found(wrong, "V-04") == {"certificate-fails-now": "block"}


async def test_a_good_certificate_now(flipped: Case, serve: Serve, looks: Looks) -> None:
    serve()
    good = together(flipped, await looks.registry(wishes=TargetOptions(pull=False)))

    assert result(good, "V-04").outcome is CheckOutcome.PASS
    assert result(good, "F-04").outcome is CheckOutcome.PASS


async def test_pulls_that_somebody_else_answers(
    flipped: Case, serve: Serve, looks: Looks, lab: DnsLab, resolver: Start
) -> None:
    stranger = lab.block.address("3.7")
    serve()
    serve(address=stranger)
    moved = together(flipped, await looks.registry(wishes=TargetOptions(pull=False)))
    aside = await resolver(zone("example.test.", f"images 4 A {stranger}"), "aside")
    seen = await looks.pulls(moved, *looks.caches("plain"), aside)

    assert found(seen, "V-01") == {}
    assert found(seen, "V-02") == {"unknown-side": "warn"}


async def test_pulls_that_the_old_registry_answers(
    serve: Serve, looks: Looks, lab: DnsLab, authority: Authority
) -> None:
    old, certificate = lab.block.address("3.1"), authority.issue(NAME)
    late = looks.caches("clamping")
    serve(tls=certificate)
    serve(tls=certificate, address=old)
    lab.set(IMAGES, "CNAME", OLD, ttl=1)
    await looks.names(NAME, *late)
    before = await looks.names(NAME, flush=False)
    lab.set(IMAGES, "CNAME", NEW, ttl=1)
    registry = await looks.registry(wishes=TargetOptions(old=(old,), pull=False))
    lab.caches["plain"].flush()
    moved = together(await looks.names(NAME, before=before, flush=False), registry)
    await comes_true(lambda: SystemClock().now() > moved.now + 2, "an end by the rules")
    seen = await looks.pulls(moved, *looks.caches("plain"), *late)

    assert found(seen, "V-02") == {"other-side-answers": "warn", "same-certificate": "info"}
    assert f"{old} (clamping)" in finding(seen, "V-02", "other-side-answers").seen


async def test_an_address_that_nobody_has_tried(looks: Looks, lab: DnsLab, serve: Serve) -> None:
    serve()
    registry = await looks.registry(wishes=TargetOptions(pull=False))
    lab.set(IMAGES, "CNAME", NEW)
    lab.primary.set("newcloud.test.", NEW, "A", lab.block.address("3.7"), ttl=4)
    moved = together(await looks.names(NAME), registry)

    assert found(moved, "F-04") == {"address-unprobed": "warn"}
    assert lab.block.address("3.7") in result(moved, "F-04").seen


async def test_a_reason_to_go_back(flipped: Case, serve: Serve, looks: Looks) -> None:
    serve(auth="htpasswd")
    refused = together(flipped, await looks.registry(wishes=TargetOptions((BAD,), pull=False)))

    assert found(refused, "R-01") == {"go-back": "warn"}
    assert found(flipped, "R-01") == {}
    assert found(flipped, "R-02") == {"way-back-takes": "info"}


# The old registry, until nobody needs it


async def test_an_old_registry_that_is_still_used_and_then_is_not(
    flipped: Case, new_registry: Callable[..., DockerRegistry], tmp_path: Path
) -> None:
    old = new_registry()
    push_image(old, "team/app", "1")
    mark = old.mark()
    quiet = printed(flipped, old.log_since(mark), tmp_path)
    httpx.get(f"{old.url}/v2/team/app/manifests/1", trust_env=False)
    busy = printed(flipped, old.log_since(mark), tmp_path)

    assert found(answered(flipped, {"old-traffic": busy}), "W-08") == {"old-still-used": "warn"}
    assert "127.0.0.1 (1)" in result(answered(flipped, {"old-traffic": busy}), "W-08").seen
    over = answered(flipped, {"old-traffic": quiet}, later=2 * DAY)
    assert found(over, "W-08") == {}
    assert result(later(over, 2 * DAY), "V-05").outcome is CheckOutcome.PASS
    assert found(later(over, 2 * DAY), "V-06") == {"ttl-still-low": "info"}
    assert found(later(over, 2 * DAY), "V-07") == {"clear-up": "info"}
    assert result(answered(flipped, {"old-traffic": quiet}), "V-05").outcome is CheckOutcome.OPEN


def printed(case: Case, log: str, folder: Path) -> str:
    """What the command of the question prints where the registry's access log is."""
    (folder / "access.log").write_text(log)
    return run("old-traffic", case, "access.log", f"{folder}/access.log")
