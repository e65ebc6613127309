"""A resolver remembers for as long as it was told to, counts that down, and asks again then."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import dns.flags
import dns.message
import dns.rcode
import dns.update
import pytest

from fakes.clock import FakeClock
from transship.sandbox.name_server import CachingResolver, Listener, Zone

Ask = Callable[..., Awaitable[dns.message.Message]]
IMAGES = "images.example.test"


@pytest.fixture
async def resolver(authority: Listener, clock: FakeClock) -> AsyncIterator[Listener]:
    async with Listener(CachingResolver(authority.port, clock).respond) as listener:
        yield listener


@pytest.fixture
async def slow(authority: Listener, clock: FakeClock) -> AsyncIterator[Listener]:
    async with Listener(CachingResolver(authority.port, clock, holds=50).respond) as listener:
        yield listener


def says(answer: dns.message.Message) -> list[tuple[str, int]]:
    """Return each record's value and what is left of its TTL."""
    return [(rrset[0].to_text(), rrset.ttl) for rrset in answer.answer]


def move(zone: Zone) -> None:
    """Let the domain lead to the new registry."""
    update = dns.update.UpdateMessage("example.test.")
    update.add("images", 20, "CNAME", "new")
    read = dns.message.from_wire(update.to_wire())
    assert isinstance(read, dns.update.UpdateMessage)
    assert zone.update(read) == dns.rcode.NOERROR


async def test_a_ttl_counts_down_and_the_name_server_is_asked_again(
    ask: Ask, resolver: Listener, zone: Zone, clock: FakeClock
) -> None:
    first = await ask(IMAGES, "A", port=resolver.port, recurse=True)
    assert first.flags & dns.flags.RA
    assert not first.flags & dns.flags.AA
    assert says(first) == [("old.example.test.", 20), ("127.0.0.1", 60)]

    move(zone)
    clock.advance(19.5)
    late = await ask(IMAGES, "A", port=resolver.port, recurse=True)
    assert says(late) == [("old.example.test.", 1), ("127.0.0.1", 41)]
    clock.advance(0.5)
    new = await ask(IMAGES, "A", port=resolver.port, recurse=True)
    assert says(new) == [("new.example.test.", 20), ("127.0.0.2", 60)]


async def test_a_slow_one_holds_a_record_for_longer_than_it_was_told_to(
    ask: Ask, slow: Listener, zone: Zone, clock: FakeClock
) -> None:
    assert says(await ask(IMAGES, "CNAME", port=slow.port, recurse=True))[0][1] == 50
    move(zone)
    clock.advance(49)
    assert says(await ask(IMAGES, "A", port=slow.port, recurse=True))[0] == ("old.example.test.", 1)
    clock.advance(1)
    assert says(await ask(IMAGES, "A", port=slow.port, recurse=True))[0][0] == "new.example.test."


async def test_without_rd_only_what_is_cached_is_told(
    ask: Ask, resolver: Listener, clock: FakeClock
) -> None:
    empty = await ask(IMAGES, "A", port=resolver.port)
    assert (says(empty), empty.authority, empty.rcode()) == ([], [], dns.rcode.NOERROR)

    await ask(IMAGES, "A", port=resolver.port, recurse=True)
    clock.advance(5)
    assert says(await ask(IMAGES, "A", port=resolver.port))[0] == ("old.example.test.", 15)


async def test_that_there_is_nothing_is_remembered_too(
    ask: Ask, resolver: Listener, zone: Zone, clock: FakeClock
) -> None:
    async def rcode(name: str) -> str:
        answer = await ask(name, "A", port=resolver.port, recurse=True)
        assert all(rrset.ttl <= 5 for rrset in answer.authority)
        return dns.rcode.to_text(answer.rcode())

    assert await rcode("dangling.example.test") == "NXDOMAIN"
    update = dns.update.UpdateMessage("example.test.")
    update.add("gone", 20, "A", "192.0.2.9")
    zone.update(dns.message.from_wire(update.to_wire()))  # type: ignore[arg-type]
    clock.advance(4)
    assert await rcode("dangling.example.test") == "NXDOMAIN"
    clock.advance(1)
    assert await rcode("dangling.example.test") == "NOERROR"


@pytest.mark.parametrize(
    ("name", "rcode"), [("elsewhere.invalid", "SERVFAIL"), ("old.example.test", "NOERROR")]
)
async def test_a_name_that_nobody_answers_for_fails(
    ask: Ask, resolver: Listener, name: str, rcode: str
) -> None:
    answer = await ask(name, "AAAA", port=resolver.port, recurse=True)

    assert dns.rcode.to_text(answer.rcode()) == rcode


async def test_one_without_a_name_server_fails_and_answers_from_what_it_has(
    ask: Ask, resolver: Listener, authority: Listener
) -> None:
    await ask(IMAGES, "A", port=resolver.port, recurse=True)
    await authority.__aexit__(None, None, None)

    assert says(await ask(IMAGES, "A", port=resolver.port, recurse=True))
    failed = await ask("many.example.test", "A", port=resolver.port, recurse=True)
    assert failed.rcode() == dns.rcode.SERVFAIL
