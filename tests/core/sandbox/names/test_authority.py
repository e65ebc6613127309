"""A name server says what is in its zones, and what isn't, as other name servers do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import dns.asyncquery
import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.tsig
import dns.update
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from servers.dns.small import EXAMPLE, KEY, SECRET, TEST
from transship.sandbox.name_server import (
    LOOPBACK,
    Authority,
    CachingResolver,
    Listener,
    Zone,
    serial_of,
)

Ask = Callable[..., Awaitable[dns.message.Message]]
NXDOMAIN, NOERROR, REFUSED = dns.rcode.NXDOMAIN, dns.rcode.NOERROR, dns.rcode.REFUSED


def lines(message: dns.message.Message) -> list[str]:
    """Return the answer's records as lines of a zone file, in order."""
    return [line for rrset in message.answer for line in sorted(rrset.to_text().splitlines())]


async def test_it_answers_with_authority_and_ttl(ask: Ask) -> None:
    answer = await ask("images.example.test", "CNAME")

    assert answer.rcode() == NOERROR
    assert answer.flags & dns.flags.AA
    assert not answer.flags & dns.flags.RA
    assert lines(answer) == ["images.example.test. 20 IN CNAME old.example.test."]


async def test_a_cname_is_followed_within_the_zone(ask: Ask) -> None:
    answer = await ask("IMAGES.example.test", "A")

    assert lines(answer) == [
        "IMAGES.example.test. 20 IN CNAME old.example.test.",
        "old.example.test. 60 IN A 127.0.0.1",
    ]


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "records"),
    [
        ("many.example.test", "A", NOERROR, 2),
        ("old.example.test", "AAAA", NOERROR, 0),
        ("images.example.test", "AAAA", NOERROR, 1),
        ("below.example.test", "A", NOERROR, 0),
        ("nobody.example.test", "A", NXDOMAIN, 0),
        ("dangling.example.test", "A", NXDOMAIN, 1),
        ("away.example.test", "A", NOERROR, 1),
        ("loop.example.test", "A", NOERROR, 1),
        ("elsewhere.invalid", "A", REFUSED, 0),
        ("example.test", "AXFR", REFUSED, 0),
        ("old.example.test", "ANY", REFUSED, 0),
    ],
)
async def test_what_there_is_and_what_there_is_not(
    ask: Ask, name: str, kind: str, rcode: dns.rcode.Rcode, records: int
) -> None:
    answer = await ask(name, kind)

    assert answer.rcode() == rcode
    assert len(lines(answer)) == records


@pytest.mark.parametrize("name", ["nobody.example.test", "old.example.test"])
async def test_that_there_is_nothing_is_said_with_for_how_long(ask: Ask, name: str) -> None:
    (soa,) = (await ask(name, "AAAA")).authority

    # RFC 2308, 3: the lower of the SOA's TTL and its minimum.
    assert soa.ttl == 5
    assert soa.name.to_text() == "example.test."
    assert soa[0].serial == 7


async def test_the_parent_tells_of_a_delegation_and_that_it_is_not_signed(ask: Ask) -> None:
    answer = await ask("example.test", "DS")

    assert lines(answer) == []
    assert answer.authority[0].name.to_text() == "test."
    assert lines(await ask("test", "NS")) == ["test. 60 IN NS ns1.example.test."]


async def test_an_answer_that_is_too_long_is_cut_and_comes_by_tcp(
    ask: Ask, authority: Listener
) -> None:
    query = dns.message.make_query("big.example.test", "TXT", use_edns=0, payload=4096)
    cut = await dns.asyncquery.udp(query, LOOPBACK, 5, authority.port)

    assert cut.flags & dns.flags.TC
    assert lines(cut) == []
    assert len(lines(await ask("big.example.test", "TXT"))) == 1


async def test_it_names_itself_when_it_is_asked_who_it_is(ask: Ask) -> None:
    answer = await ask("example.test", "SOA", options=[dns.edns.NSIDOption(b"")])

    assert [option.nsid for option in answer.options] == [b"ns1"]
    assert (await ask("example.test", "SOA")).edns == -1


async def test_one_tcp_connection_carries_several_questions(authority: Listener) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, authority.port)
    for name in ("old.example.test", "new.example.test"):
        wire = dns.message.make_query(name, "A").to_wire()
        writer.write(len(wire).to_bytes(2, "big") + wire)
        length = int.from_bytes(await reader.readexactly(2), "big")
        answer = dns.message.from_wire(await reader.readexactly(length))
        assert len(lines(answer)) == 1
    writer.close()
    await writer.wait_closed()


async def test_what_it_does_not_know_is_answered_as_the_standards_say(
    authority: Listener,
) -> None:
    async def rcode(query: dns.message.Message) -> dns.rcode.Rcode:
        return (await dns.asyncquery.udp(query, LOOPBACK, 5, authority.port)).rcode()

    newer = dns.message.make_query("example.test", "SOA", use_edns=1)
    assert await rcode(newer) == dns.rcode.BADVERS
    notify = dns.message.make_query("example.test", "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    assert await rcode(notify) == dns.rcode.NOTIMP


async def test_rubbish_is_answered_where_it_has_a_number_and_never_stops_it(
    ask: Ask, authority: Listener, zone: Zone, clock: FakeClock
) -> None:
    respond = Authority("ns1", (zone,), clock).respond
    said = await respond(b"\x12\x34" + bytes(9) + b"\x09" + b"rubbish")
    assert said is not None
    assert (said.id, said.rcode()) == (0x1234, dns.rcode.FORMERR)
    assert await respond(b"short") is None
    response = dns.message.make_response(dns.message.make_query("example.test", "SOA"))
    assert await respond(response.to_wire()) is None

    reader, writer = await asyncio.open_connection(LOOPBACK, authority.port)
    writer.write(b"\x00\x05short")
    assert await reader.read() == b""
    writer.close()
    assert (await ask("example.test", "SOA")).rcode() == NOERROR


def _spoilt(wire: bytes, places: list[tuple[int, int]]) -> bytes:
    spoilt = bytearray(wire)
    for place, value in places:
        spoilt[place % len(spoilt)] = value
    return bytes(spoilt)


def _update() -> bytes:
    update = dns.update.UpdateMessage("example.test.")
    update.present("images", "CNAME")
    update.add("images", 20, "CNAME", "new")
    key = dns.tsig.Key(dns.name.from_text(KEY.name), SECRET, KEY.algorithm)
    update.use_tsig(key)
    return update.to_wire()


MESSAGES = (
    dns.message.make_query("images.example.test", "A", use_edns=0).to_wire(),
    dns.message.make_query("example.test", "SOA").to_wire(),
    _update(),
)


@given(
    st.binary(max_size=80)
    | st.builds(
        _spoilt,
        st.sampled_from(MESSAGES),
        st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    )
)
def test_whatever_comes_is_answered_or_passed_over_and_changes_nothing(wire: bytes) -> None:
    clock = FakeClock()
    zone = Zone("example.test.", EXAMPLE, clock)
    key = dns.tsig.Key(dns.name.from_text("another"), SECRET, KEY.algorithm)
    serves = Authority("ns1", (Zone("test.", TEST, clock), zone), clock, key=key)
    resolves = CachingResolver(1, clock)

    async def answered() -> None:
        # Without RD, nobody else is asked.
        cached = wire[:2] + bytes([wire[2] & ~1]) + wire[3:] if len(wire) > 2 else wire
        for answer in (await serves.respond(wire), await resolves.respond(cached)):
            assert answer is None or answer.to_wire()

    asyncio.run(answered())
    with zone.held() as held:
        assert serial_of(held, zone.name) == 7


async def test_a_secondary_is_behind(zone: Zone, clock: FakeClock) -> None:
    late = Authority("ns2", (zone,), clock, lag=2.0)

    async def serial() -> int:
        query = dns.message.make_query("example.test", "SOA")
        said = await late.respond(query.to_wire())
        assert said is not None
        return int(said.answer[0][0].serial)

    update = dns.update.UpdateMessage("example.test.")
    update.add("images", 20, "CNAME", "new")
    assert zone.update(dns.message.from_wire(update.to_wire())) == NOERROR  # type: ignore[arg-type]
    clock.advance(1.9)
    assert await serial() == 7
    clock.advance(0.1)
    assert await serial() == 8
