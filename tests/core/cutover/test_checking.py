"""Who is looked at, and what an operator may leave out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cutovers.clean import probe
from servers.dns.zones import IMAGES as DOMAIN
from servers.dns.zones import NEW
from transship.cutover.domain import Domain, Resolver, Subject, parse_domain
from transship.cutover.evidence import Evidence, Parity, Statement
from transship.cutover.observe.endpoint import TargetLimits
from transship.cutover.observe.resolvers import PUBLIC_RESOLVERS
from transship.cutover.observer import (
    BY_NAME_STEP,
    NAMES_STEP,
    PARITY_STEP,
    TARGET_STEP,
    ObservationStep,
    ObserverSetup,
    make_subject,
    observe_all,
    observe_change,
    resolvers_of,
)
from transship.errors import BadDomain, BadRequest

if TYPE_CHECKING:
    from servers.dns.lab import DnsLab
    from transship.cutover.observe.dns_queries import DnsClient

IMAGES = parse_domain("images.example.com")


def test_public_resolvers_come_last_and_can_be_left_out() -> None:
    subject = make_subject(IMAGES, "registry.new.example", resolvers=("192.0.2.1",))
    inside = make_subject(IMAGES, "registry.new.example", resolvers=("192.0.2.1",), public=False)

    assert resolvers_of(subject)[0].address == "192.0.2.1"
    assert resolvers_of(subject)[-len(PUBLIC_RESOLVERS) :] == PUBLIC_RESOLVERS
    assert not {each.origin for each in resolvers_of(inside)} & {"public"}
    assert resolvers_of(inside)[0] == resolvers_of(subject)[0]


def test_this_machine_s_own_resolvers_can_be_left_out_too() -> None:
    apart = make_subject(IMAGES, "registry.new.example", resolvers=("192.0.2.1",), public=False)
    apart = replace(apart, system=False)

    assert [each.address for each in resolvers_of(apart)] == ["192.0.2.1"]


def test_a_public_resolver_that_the_operator_names_is_asked_all_the_same() -> None:
    subject = make_subject(IMAGES, "registry.new.example", resolvers=("1.1.1.1",), public=False)

    assert resolvers_of(subject)[0].address == "1.1.1.1"


def test_a_domain_does_not_point_at_itself_nor_back_at_the_old_registry() -> None:
    with pytest.raises(BadRequest, match="would point at itself"):
        make_subject(IMAGES, "images.example.com")
    with pytest.raises(BadRequest, match="both the old registry and the new one"):
        make_subject(IMAGES, "registry.new.example", old="registry.new.example")


@pytest.mark.parametrize("record", ["not a host", "-registry.new.example", "a..example"])
def test_what_the_record_is_to_hold_is_an_address_or_a_host_name(record: str) -> None:
    with pytest.raises(BadDomain):
        make_subject(IMAGES, "registry.new.example", record=record)
    for right in ("192.0.2.1", "2001:db8::1", "LB.new.example."):
        held = make_subject(IMAGES, "registry.new.example", record=right).points_at
        assert held == right.lower().rstrip(".")


# Once the change is made


@pytest.fixture
def inside(lab: DnsLab) -> Subject:
    """The lab's domain, in a network whose names this machine and the public don't know."""
    return Subject(
        Domain("images.example.test"),
        NEW.rstrip("."),
        served=lab.served,
        public=False,
        system=False,
    )


@pytest.fixture
def means(lab: DnsLab, dns_client: DnsClient) -> ObserverSetup:
    """What it takes to look through the lab's plain cache, with little patience."""
    plain = (Resolver("plain", lab.caches["plain"].address, lab.caches["plain"].port),)
    return ObserverSetup(dns_client, plain, plain, limits=TargetLimits(connect=1.0, answer=1.0))


async def steps(
    subject: Subject, means: ObserverSetup, before: Evidence | None = None
) -> list[ObservationStep]:
    return [each async for each in observe_all(subject, means, before)]


async def test_pulls_by_the_domain_are_a_step_once_every_server_says_the_new_value(
    lab: DnsLab, inside: Subject, means: ObserverSetup
) -> None:
    before = await steps(inside, means)
    lab.set(DOMAIN, "CNAME", NEW)
    lab.caches["plain"].flush()
    after = await steps(inside, means, before[-1].evidence)

    assert [each.checking for each in before] == [NAMES_STEP, TARGET_STEP, PARITY_STEP, ""]
    assert [each.checking for each in after] == [
        NAMES_STEP,
        TARGET_STEP,
        BY_NAME_STEP,
        PARITY_STEP,
        "",
    ]
    (pull,) = after[-1].evidence.by_name
    assert (pull.by, pull.address) == (("plain",), lab.block.address("3.2"))
    assert pull.error.startswith("connection-refused: "), "nobody listens in this test"


async def test_the_old_side_stays_known_when_the_domain_doesnt_lead_there_any_more(
    lab: DnsLab, inside: Subject, means: ObserverSetup
) -> None:
    before = (await steps(inside, means))[-1].evidence
    lab.set(DOMAIN, "CNAME", NEW)
    lab.caches["plain"].flush()
    after = (await steps(inside, means, before))[-1].evidence

    old = lab.block.address("3.1")
    for seen in (before, after):
        assert {each.address for each in seen.probes if each.side == "old"} == {old}
        assert old in {each.address for each in seen.handshakes}


async def test_looking_after_the_change_leaves_everything_else_as_old_as_it_is(
    lab: DnsLab, inside: Subject, means: ObserverSetup
) -> None:
    said = (Statement("pushes", "frozen", 4.0),)
    before = Evidence(5.0, parity=Parity(3, ()), probes=(probe(),), statements=said)
    lab.set(DOMAIN, "CNAME", NEW)
    lab.caches["plain"].flush()

    seen = await observe_change(inside, means, before)

    assert seen.parity == Parity(3, (), at=5.0)
    assert (seen.probes, seen.statements) == (before.probes, said)
    assert seen.today is not None
    assert seen.today.addresses == (lab.block.address("3.2"),)
    assert [each.by for each in seen.by_name] == [("plain",)]
    assert seen.taken > before.taken


async def test_before_the_change_and_after_a_way_back_nothing_is_pulled_by_the_domain(
    inside: Subject, means: ObserverSetup
) -> None:
    assert (await observe_change(inside, means)).by_name == ()
