"""A zone changes as RFC 2136 says: all of an update or nothing, and only if it was as expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.message
import dns.name
import dns.rcode
import dns.update
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from transship.sandbox.name_server import Zone, exists, serial_of

if TYPE_CHECKING:
    from collections.abc import Callable

TOP = dns.name.from_text("example.test.")
IMAGES = "images.example.test."


def message() -> dns.update.UpdateMessage:
    return dns.update.UpdateMessage(TOP)


def send(zone: Zone, update: dns.update.UpdateMessage) -> str:
    read = dns.message.from_wire(update.to_wire())
    assert isinstance(read, dns.update.UpdateMessage)
    return dns.rcode.to_text(zone.update(read))


def holds(zone: Zone, name: str = IMAGES) -> set[str]:
    """Return everything at a name, as `TTL TYPE VALUE`."""
    wanted = dns.name.from_text(name)
    with zone.held() as held:
        return {
            line.split(" ", 1)[1].replace("IN ", "")
            for at, found in held.iterate_rdatasets()
            if at == wanted
            for line in found.to_text(at).splitlines()
        }


def serial(zone: Zone) -> int:
    with zone.held() as held:
        return serial_of(held, zone.name)


def test_a_cname_takes_the_place_of_another(zone: Zone) -> None:
    update = message()
    update.present(IMAGES, "CNAME", "old.example.test.")
    update.add(IMAGES, 60, "CNAME", "new.example.test.")

    assert send(zone, update) == "NOERROR"
    assert holds(zone) == {"60 CNAME new.example.test."}
    assert serial(zone) == 8
    assert send(zone, update) == "NXRRSET", "it isn't what is expected any more"
    assert serial(zone) == 8


@pytest.mark.parametrize(
    ("expect", "rcode"),
    [
        (lambda u: u.present("images"), "NOERROR"),
        (lambda u: u.present("nobody"), "NXDOMAIN"),
        (lambda u: u.present("images", "CNAME"), "NOERROR"),
        (lambda u: u.present("images", "A"), "NXRRSET"),
        (lambda u: u.present("many", "A", "192.0.2.2", "192.0.2.1"), "NOERROR"),
        (lambda u: u.present("many", "A", "192.0.2.1"), "NXRRSET"),
        (lambda u: u.absent("nobody"), "NOERROR"),
        (lambda u: u.absent("images"), "YXDOMAIN"),
        (lambda u: u.absent("images", "A"), "NOERROR"),
        (lambda u: u.absent("images", "CNAME"), "YXRRSET"),
    ],
)
def test_nothing_changes_unless_everything_is_as_expected(
    zone: Zone, expect: Callable[[dns.update.UpdateMessage], None], rcode: str
) -> None:
    update = message()
    expect(update)
    update.add("added", 60, "A", "192.0.2.9")

    assert send(zone, update) == rcode
    assert bool(holds(zone, "added.example.test.")) is (rcode == "NOERROR")


def test_records_come_and_go_one_by_one(zone: Zone) -> None:
    update = message()
    update.delete("many", "A", "192.0.2.1")
    update.add("many", 30, "A", "192.0.2.3")

    assert send(zone, update) == "NOERROR"
    assert holds(zone, "many.example.test.") == {"30 A 192.0.2.2", "30 A 192.0.2.3"}


def test_what_is_there_already_gets_its_new_ttl(zone: Zone) -> None:
    update = message()
    update.add("many", 10, "A", "192.0.2.1")

    assert send(zone, update) == "NOERROR"
    assert holds(zone, "many.example.test.") == {"10 A 192.0.2.1", "10 A 192.0.2.2"}


def test_a_whole_type_and_a_whole_name_go(zone: Zone) -> None:
    update = message()
    update.delete("many", "A")
    update.delete("images")

    assert send(zone, update) == "NOERROR"
    assert holds(zone) == holds(zone, "many.example.test.") == set()
    with zone.held() as held:
        assert not exists(held, dns.name.from_text(IMAGES))
        assert exists(held, dns.name.from_text("below.example.test."))


def test_a_cname_and_anything_else_are_never_at_one_name(zone: Zone) -> None:
    update = message()
    update.add("images", 60, "A", "192.0.2.9")
    update.add("many", 60, "CNAME", "old.example.test.")

    assert send(zone, update) == "NOERROR"
    assert holds(zone) == {"20 CNAME old.example.test."}
    assert len(holds(zone, "many.example.test.")) == 2
    assert serial(zone) == 7, "nothing has changed"


def test_the_top_of_the_zone_stays(zone: Zone) -> None:
    before = holds(zone, "example.test.")
    update = message()
    for taken in (("@",), ("@", "NS"), ("@", "SOA"), ("@", "NS", "ns1.example.test.")):
        update.delete(*taken)
    update.add("@", 60, "SOA", "ns9 admin 99 1 1 1 1")

    assert send(zone, update) == "NOERROR"
    assert holds(zone, "example.test.") == before


def test_a_name_of_another_zone_is_refused(zone: Zone) -> None:
    update = message()
    update.add("images", 60, "CNAME", "new.example.test.")
    update.add(dns.name.from_text("www.other.test."), 60, "A", "192.0.2.9")

    assert send(zone, update) == "NOTZONE"
    assert holds(zone) == {"20 CNAME old.example.test."}


@given(st.lists(st.tuples(st.floats(0.1, 5), st.integers(1, 250)), max_size=12), st.floats(0, 20))
def test_what_it_held_is_known_for_every_moment(
    changes: list[tuple[float, int]], lag: float
) -> None:
    clock = FakeClock()
    zone = Zone(
        "example.test.", "@ 60 SOA ns admin 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1", clock
    )
    said = [(0.0, "192.0.2.1")]
    for pause, number in changes:
        clock.advance(pause)
        update = message()
        update.delete("ns", "A")
        update.add("ns", 60, "A", f"192.0.2.{number}")
        assert send(zone, update) == "NOERROR"
        said.append((clock.monotonic(), f"192.0.2.{number}"))

    expected = [value for at, value in said if at <= clock.monotonic() - lag] or [said[0][1]]
    with zone.held(lag=lag) as held:
        found = held.get(dns.name.from_text("ns.example.test."), "A")
        assert found is not None
        assert found[0].to_text() == expected[-1]
