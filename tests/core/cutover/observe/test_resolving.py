"""Resolvers of every temper, and what this machine itself makes of a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servers.dns import crooked as wrong
from servers.dns.crooked import answers, crooked
from servers.dns.lab import MINIMUM_TTL
from servers.dns.zones import NEW, OLD, TTL
from servers.process import free_port
from transship import errors
from transship.cutover.domain import Resolver
from transship.cutover.evidence import DnsAnswer, ResolverView
from transship.cutover.observe.resolvers import (
    PUBLIC_RESOLVERS,
    hosts_lines,
    local_addresses,
    observe_resolver,
    observe_resolvers,
    parse_resolver,
    system_resolvers,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.dns.lab import DnsLab
    from transship.cutover.observe.dns_queries import DnsClient

    Caches = Callable[[str], Resolver]

IMAGES = "images.example.test"
SECONDS = 10.0  # More than any record of these tests lives, much less than the least of 90.


def said(answer: DnsAnswer) -> tuple[str, int]:
    """The value and the TTL of the domain's CNAME."""
    record = answer.of("CNAME")
    assert record is not None, answer
    return record.values[0], record.ttl


async def until(dns_client: DnsClient, resolver: Resolver, name: str, value: str) -> ResolverView:
    """Look at a resolver until it says `value`."""
    end = dns_client.clock.monotonic() + SECONDS
    while dns_client.clock.monotonic() < end:
        seen = await observe_resolver(dns_client, resolver, name, samples=1, thorough=False)
        if said(seen.samples[0])[0] == value:
            return seen
        await dns_client.clock.sleep(0.05)
    raise TimeoutError(f"{resolver.name} never said {value}")


async def test_a_resolver_is_asked_several_times(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    lab.flush()
    seen = await observe_resolver(dns_client, plain, IMAGES)

    assert [said(sample)[0] for sample in seen.samples] == [OLD] * 3
    assert said(seen.samples[0]) == (OLD, TTL)
    assert seen.ipv6 is not None
    assert (seen.ipv6.type, seen.ipv6.rcode) == ("AAAA", "NOERROR")
    assert seen.unchecked is None
    assert seen.canary is not None
    assert seen.canary.rcode == "NXDOMAIN"
    assert (seen.resolver, seen.transport, seen.origin) == ("plain", "udp", "operator")


async def test_a_cache_keeps_the_old_record_for_its_ttl_and_no_longer(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver, cache: Caches
) -> None:
    lab.set("moved.example.test.", "CNAME", OLD, ttl=2)
    before = await observe_resolver(dns_client, cache("forwarder"), "moved.example.test", samples=1)
    lab.set("moved.example.test.", "CNAME", NEW, ttl=2)
    held = await observe_resolver(dns_client, plain, "moved.example.test", samples=1)
    after = await until(dns_client, plain, "moved.example.test", NEW)

    assert said(before.samples[0]) == (OLD, 2)
    assert said(held.samples[0])[0] == OLD
    assert said(held.samples[0])[1] <= 2
    assert said(after.samples[0])[0] == NEW


async def test_a_cache_that_raises_ttls_shows_it(
    lab: DnsLab, dns_client: DnsClient, cache: Caches
) -> None:
    lab.flush()
    seen = await observe_resolver(dns_client, cache("clamping"), IMAGES, samples=1)

    assert said(seen.samples[0]) == (OLD, MINIMUM_TTL)


async def test_a_cache_that_serves_stale_answers_shows_it_once(
    lab: DnsLab, dns_client: DnsClient, cache: Caches
) -> None:
    async def sample() -> DnsAnswer:
        # A whole view asks for IPv6 too, and the first question of any kind makes it fetch anew.
        return await dns_client.ask("stale.example.test", "A", cache("stale"))

    lab.set("stale.example.test.", "CNAME", OLD, ttl=1)
    await sample()
    lab.set("stale.example.test.", "CNAME", NEW, ttl=1)
    seen = await sample()
    while said(seen)[1] <= 1 and said(seen)[0] == OLD:
        await dns_client.clock.sleep(0.05)
        seen = await sample()
    then = await until(dns_client, cache("stale"), "stale.example.test", NEW)

    assert said(seen) == (OLD, 30)
    assert said(then.samples[0])[0] == NEW


async def test_a_missing_name_is_remembered_as_missing(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    missing = await observe_resolver(dns_client, plain, "late.example.test", samples=1)
    lab.set("late.example.test.", "CNAME", NEW)
    remembered = await observe_resolver(dns_client, plain, "late.example.test", samples=1)

    assert missing.samples[0].rcode == "NXDOMAIN"
    assert remembered.samples[0].rcode == "NXDOMAIN"


async def test_bogus_is_told_from_broken(dns_client: DnsClient, cache: Caches) -> None:
    seen = await observe_resolver(dns_client, cache("bogus"), IMAGES)
    broken = await observe_resolver(dns_client, cache("plain"), "images.dead.test")

    assert {sample.rcode for sample in seen.samples} == {"SERVFAIL"}
    assert seen.unchecked is not None
    assert said(seen.unchecked)[0] == OLD
    assert broken.unchecked is not None
    assert broken.unchecked.rcode == "SERVFAIL"


async def test_a_peek_fills_no_cache(lab: DnsLab, dns_client: DnsClient, plain: Resolver) -> None:
    if not lab.block.privileged:
        pytest.skip("unbound fills its cache for a zone whose servers are named in its settings")
    lab.flush()
    peeked = await observe_resolver(dns_client, plain, IMAGES, samples=1, peek=True, thorough=False)
    again = await observe_resolver(dns_client, plain, IMAGES, samples=1, peek=True, thorough=False)

    assert peeked.samples[0].of("CNAME") is None
    assert again.samples[0].of("CNAME") is None


async def test_a_resolver_that_forbids_a_peek_is_asked_as_usual(impatient: DnsClient) -> None:
    link = answers(f"{IMAGES}. 4 IN CNAME {OLD}")
    refuse = answers(rcode="REFUSED")

    async with crooked(lambda query: (link if query.flags & 0x100 else refuse)(query)) as server:
        at = Resolver("", "127.0.0.1", server.port)
        seen = await observe_resolver(impatient, at, IMAGES, samples=2, peek=True, thorough=False)

    assert [said(sample)[0] for sample in seen.samples] == [OLD, OLD]


async def test_a_resolver_that_makes_answers_up_is_seen_by_the_canary(impatient: DnsClient) -> None:
    def portal(query: object) -> bytes:
        name = query.question[0].name  # type: ignore[attr-defined]
        return answers(f"{name} 60 IN A 192.0.2.80")(query)  # type: ignore[arg-type,return-value]

    async with crooked(portal) as server:
        seen = await observe_resolver(impatient, Resolver("", "127.0.0.1", server.port), IMAGES)

    assert seen.canary is not None
    assert seen.canary.records[0].values == ("192.0.2.80",)


async def test_a_silent_resolver_is_asked_one_question_only(impatient: DnsClient) -> None:
    async with crooked(wrong.silence, wrong.silence) as server:
        seen = await observe_resolver(impatient, Resolver("", "127.0.0.1", server.port), IMAGES)

    assert [sample.error for sample in seen.samples] == ["timeout"]
    assert (seen.ipv6, seen.unchecked, seen.canary) == (None, None, None)
    assert {text.split()[1] for text in server.asked} == {f"{IMAGES}."}


async def test_several_resolvers_are_asked_and_each_answers_for_itself(
    lab: DnsLab, dns_client: DnsClient, cache: Caches
) -> None:
    closed = Resolver("closed", "127.0.0.1", free_port())
    names = ("plain", "forwarder", "bogus")
    seen = await observe_resolvers(
        dns_client, [*(cache(name) for name in names), closed], IMAGES, samples=1
    )

    assert [each.resolver for each in seen] == [*names, "closed"]
    assert [each.samples[0].rcode for each in seen] == ["NOERROR", "NOERROR", "SERVFAIL", ""]
    assert seen[-1].samples[0].error == "refused"


@pytest.mark.parametrize(
    ("text", "resolver"),
    [
        ("192.0.2.1", Resolver("192.0.2.1", "192.0.2.1")),
        ("192.0.2.1:5300", Resolver("192.0.2.1:5300", "192.0.2.1", 5300)),
        ("2001:db8::1", Resolver("2001:db8::1", "2001:db8::1")),
        ("tcp://[2001:db8::1]:54", Resolver("[2001:db8::1]:54", "2001:db8::1", 54, "tcp")),
        (
            "tls://dns.example@192.0.2.1",
            Resolver("dns.example", "192.0.2.1", 853, "tls", "dns.example"),
        ),
        (
            "https://DNS.example@192.0.2.1:8443",
            Resolver("dns.example", "192.0.2.1", 8443, "https", "dns.example"),
        ),
    ],
)
def test_a_resolver_is_read_as_an_operator_writes_it(text: str, resolver: Resolver) -> None:
    assert parse_resolver(text) == resolver


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dns.example",
        "192.0.2.1:0",
        "192.0.2.1:99999",
        "tls://192.0.2.1",
        "https://dns.example",
        "name@192.0.2.1",
        "quic://dns.example@192.0.2.1",
        "tls://no name@192.0.2.1",
    ],
)
def test_what_is_no_resolver_is_refused(text: str) -> None:
    with pytest.raises(errors.BadResolver):
        parse_resolver(text)


def test_public_resolvers_are_marked_as_public() -> None:
    assert {each.origin for each in PUBLIC_RESOLVERS} == {"public"}
    assert {each.transport for each in PUBLIC_RESOLVERS} == {"udp", "tls", "https"}
    assert all(
        bool(each.hostname) == (each.transport in ("tls", "https")) for each in PUBLIC_RESOLVERS
    )
    assert len({each.name for each in PUBLIC_RESOLVERS}) == len(PUBLIC_RESOLVERS)


def test_the_machines_resolvers_are_read(tmp_path: Path) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text(
        "# by hand\nsearch example.com\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n"
        "nameserver 192.0.2.1\nnameserver nonsense\nnameserver\noptions ndots:5\n"
    )
    found = system_resolvers(conf)

    assert [each.address for each in found] == ["192.0.2.1", "2001:db8::1"]
    assert {each.origin for each in found} == {"system"}
    assert system_resolvers(tmp_path / "none") == ()


def test_behind_the_stub_are_those_that_it_asks(tmp_path: Path) -> None:
    conf, behind = tmp_path / "resolv.conf", tmp_path / "behind"
    conf.write_text("nameserver 127.0.0.53\n")
    behind.write_text("nameserver 192.0.2.1\nnameserver fe80::1%eth0\n")

    found = [each.address for each in system_resolvers(conf, behind)]
    assert found == ["127.0.0.53", "192.0.2.1", "fe80::1%eth0"]
    conf.write_text("nameserver 192.0.2.9\n")
    assert [each.address for each in system_resolvers(conf, behind)] == ["192.0.2.9"]


def test_lines_that_override_dns_are_found(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(
        f"127.0.0.1 localhost\n# 192.0.2.1 {IMAGES}\n192.0.2.2\tother IMAGES.example.test # old\n"
        f"192.0.2.3 not-{IMAGES}\n"
    )
    assert hosts_lines(IMAGES, hosts) == ("192.0.2.2 other IMAGES.example.test",)
    assert hosts_lines(IMAGES, tmp_path / "none") == ()


async def test_the_machines_own_resolution_is_asked() -> None:
    found, error = await local_addresses("localhost", 443)
    assert set(found) <= {"127.0.0.1", "::1"}
    assert (bool(found), error) == (True, "")

    nothing, why = await local_addresses("nobody.invalid", 443)
    assert nothing == ()
    assert why
