"""Findings on both registries beside each other, each made to appear for real."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cutovers.clean import finding, found, result
from cutovers.staging import APP, QUICK, having, together
from servers.authority import Authority
from servers.dns.zones import IMAGES, NEW, OLD
from transship.cutover.finding import CheckOutcome
from transship.cutover.observe.endpoint import TargetOptions
from transship.cutover.observe.image_pulls import pull_by_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from cutovers.staging import Looks
    from servers.dns.lab import DnsLab
    from servers.docker_registry import DockerRegistry
    from transship.cutover.rules.case import Case

    Serve = Callable[..., DockerRegistry]
    Pulled = Callable[..., Awaitable[Case]]

NAME = IMAGES.rstrip(".")


@pytest.fixture
def old(lab: DnsLab) -> str:
    """The address of the old registry."""
    return lab.block.address("3.1")


@pytest.fixture
def pulled(looks: Looks, lab: DnsLab, old: str) -> Pulled:
    """Look at both sides before the change; then change it, and pull by the domain."""

    async def changed(*caches: str) -> Case:
        registry = await looks.registry(wishes=TargetOptions(old=(old,), pull=False))
        lab.set(IMAGES, "CNAME", OLD)
        before = await looks.names(NAME, *looks.caches(*caches))
        lab.set(IMAGES, "CNAME", NEW)
        for each in ("plain", "encrypted"):
            lab.caches[each].flush()
        seen = await looks.names(NAME, *looks.caches(*caches), before=before, flush=False)
        both = together(seen, registry)
        pulls = await pull_by_name(
            registry.subject, looks.dns_client, looks.caches(*caches), limits=QUICK
        )
        # This machine's own resolution isn't the lab's.
        return having(both, by_name=tuple(each for each in pulls if each.address))

    return changed


# Before the change


async def test_an_old_side_with_an_authority_that_is_pinned_on_nodes(
    serve: Serve,
    looks: Looks,
    authority: Authority,
    old: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everybody = Authority(tmp_path / "everybody")
    monkeypatch.setenv("SSL_CERT_FILE", str(everybody.ca_file))
    serve(tls=everybody.issue(NAME))
    serve(address=old, tls=authority.issue(NAME, below=True))

    seen = await looks.registry(wishes=TargetOptions(old=(old,), pull=False), node_ca="")

    assert found(seen, "P-17") == {
        "old-authority-private": "warn",
        # Mozilla's list doesn't have the authority that this machine trusts.
        "trusted-here-only": "warn",
    }
    issuer = next(h.chain[0].issuer for h in seen.evidence.handshakes if h.address == old)
    assert issuer in finding(seen, "P-17", "old-authority-private").seen
    assert found(seen, "P-16") == {}


async def test_one_authority_on_both_sides_is_no_trouble(
    serve: Serve, looks: Looks, old: str
) -> None:
    serve()
    serve(address=old)

    assert found(await looks.registry(wishes=TargetOptions(old=(old,), pull=False)), "P-17") == {}


@pytest.mark.parametrize(
    ("ends", "severity"), [(timedelta(days=1), "warn"), (timedelta(hours=-1), "block")]
)
async def test_an_old_side_whose_certificate_ends(
    serve: Serve, looks: Looks, authority: Authority, old: str, ends: timedelta, severity: str
) -> None:
    serve()
    serve(address=old, tls=authority.issue(NAME, starts=timedelta(days=-9), ends=ends))

    seen = await looks.registry(wishes=TargetOptions(old=(old,), pull=False))

    assert found(seen, "R-04").get("old-certificate-ends") == severity
    assert found(seen, "P-15") == {"renewal-unknown": "info"}


# After the change


async def test_both_sides_with_one_certificate(
    serve: Serve, authority: Authority, old: str, pulled: Pulled
) -> None:
    one = authority.issue(NAME)
    serve(tls=one)
    serve(address=old, tls=one)

    after = await pulled("plain")

    assert found(after, "V-02") == {"same-certificate": "info"}
    assert result(after, "V-02").seen.startswith("the new registry, at ")


async def test_both_sides_with_their_own(serve: Serve, old: str, pulled: Pulled) -> None:
    serve()
    serve(address=old)

    after = await pulled("plain")

    assert found(after, "V-01") == found(after, "V-02") == {}
    assert result(after, "V-01").outcome is CheckOutcome.PASS
    assert f"{after.subject.domain.host}/{APP}:" in result(after, "V-01").seen


async def test_a_cache_that_leads_to_the_old_side_still(
    serve: Serve, old: str, pulled: Pulled
) -> None:
    serve()
    serve(address=old)

    after = await pulled("plain", "clamping")

    assert found(after, "V-01") == {}
    assert found(after, "V-02") == {"still-old": "info"}
    assert f"{old} (clamping)" in finding(after, "V-02", "still-old").seen


async def test_pulls_that_fail_at_the_new_side(serve: Serve, old: str, pulled: Pulled) -> None:
    registry = serve()
    serve(address=old)
    registry.stop()

    one = await pulled("plain", "clamping")
    after = await pulled("plain", "encrypted", "clamping")

    assert found(one, "V-01") == {"pull-fails-for-one": "warn"}
    assert found(after, "V-01") == {"pull-fails-now": "block"}
    assert found(after, "R-01") == {"go-back": "warn"}
