"""The lab does what it says: without that, nothing proven in it is proven."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update
import pytest

from servers.dns import powerdns
from servers.dns.asked import asked, values
from servers.dns.block import own_block
from servers.dns.clients import with_resolver
from servers.dns.knot import KEY_ALGORITHM, KEY_NAME, KEY_SECRET
from servers.dns.lab import EXAMPLE
from servers.dns.zones import IMAGES, NEW, OLD
from servers.process import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from servers.dns.lab import DnsLab


def links(lab: DnsLab) -> list[tuple[str, ...]]:
    """What primary and secondary say that the domain is another name of."""
    both = (lab.primary.address, lab.secondary)
    return [values(IMAGES, "CNAME", address, lab.block.port) for address in both]


def updated(lab: DnsLab, update: dns.update.UpdateMessage) -> dns.rcode.Rcode:
    """Send an update to the primary (RFC 2136) and return what it says."""
    return dns.query.tcp(update, lab.primary.address, port=lab.block.port, timeout=5).rcode()


@pytest.fixture
def update(lab: DnsLab) -> dns.update.UpdateMessage:
    """An update of `example.test.`, signed; what it does to the domain is put back."""
    lab.primary.remember(EXAMPLE, IMAGES)
    keyring = dns.tsigkeyring.from_text({KEY_NAME: KEY_SECRET})
    return dns.update.UpdateMessage(EXAMPLE, keyring=keyring, keyalgorithm=KEY_ALGORITHM)


@pytest.mark.parametrize("cache", ["plain", "clamping", "stale", "forwarder", "encrypted"], ids=str)
def test_every_cache_finds_the_domain(lab: DnsLab, cache: str) -> None:
    at = lab.caches[cache]

    assert values(IMAGES, "A", at.address, at.port) == (lab.block.address("3.1"),)


def test_a_change_reaches_both_servers_and_is_put_back(lab: DnsLab) -> None:
    lab.set(IMAGES, "CNAME", NEW)
    assert links(lab) == [(NEW,), (NEW,)]

    lab.reset()
    assert links(lab) == [(OLD,), (OLD,)]


def test_a_change_of_type_leaves_nothing_behind(lab: DnsLab) -> None:
    lab.set(IMAGES, "A", "192.0.2.1", "192.0.2.2")

    assert links(lab) == [(), ()]
    for address in (lab.primary.address, lab.secondary):
        assert values(IMAGES, "A", address, lab.block.port) == ("192.0.2.1", "192.0.2.2")


def test_a_stuck_secondary_comes_on_when_it_may(lab: DnsLab) -> None:
    with lab.stuck_secondary():
        lab.primary.set(EXAMPLE, IMAGES, "CNAME", NEW, ttl=4)
        assert links(lab) == [(NEW,), (OLD,)]
    assert links(lab) == [(NEW,), (NEW,)]


def test_an_update_that_only_adds_replaces_the_link(
    lab: DnsLab, update: dns.update.UpdateMessage
) -> None:
    update.present(IMAGES, "CNAME", OLD)
    update.add(IMAGES, 4, "CNAME", NEW)

    assert updated(lab, update) == dns.rcode.NOERROR
    lab.settle()
    assert links(lab) == [(NEW,), (NEW,)]


def test_an_update_that_expects_something_else_changes_nothing(
    lab: DnsLab, update: dns.update.UpdateMessage
) -> None:
    update.present(IMAGES, "CNAME", NEW)
    update.add(IMAGES, 4, "CNAME", "nowhere.test.")

    assert updated(lab, update) == dns.rcode.NXRRSET
    assert links(lab) == [(OLD,), (OLD,)]


def test_an_update_that_deletes_and_adds_loses_the_name_and_says_nothing(
    lab: DnsLab, update: dns.update.UpdateMessage
) -> None:
    update.replace(IMAGES, 4, "CNAME", NEW)

    assert updated(lab, update) == dns.rcode.NOERROR
    answer = asked(IMAGES, "CNAME", lab.primary.address, lab.block.port)
    assert answer is not None
    assert answer.rcode() == dns.rcode.NXDOMAIN


def test_powerdns_is_changed_over_http(lab: DnsLab) -> None:
    at = (lab.power.address, lab.block.port)
    assert values(powerdns.IMAGES, "CNAME", *at) == (OLD,)

    lab.power.set(powerdns.IMAGES, "CNAME", NEW)
    assert values(powerdns.IMAGES, "CNAME", *at) == (NEW,)
    lab.power.set(powerdns.IMAGES, "CNAME", OLD)

    lab.flush()
    plain = lab.caches["plain"]
    assert values(powerdns.IMAGES, "CNAME", plain.address, plain.port) == (OLD,)


def test_a_flushed_cache_asks_again(lab: DnsLab) -> None:
    at = lab.caches["clamping"]
    assert values(IMAGES, "CNAME", at.address, at.port) == (OLD,)
    lab.set(IMAGES, "CNAME", NEW)
    assert values(IMAGES, "CNAME", at.address, at.port) == (OLD,)

    lab.flush()
    assert values(IMAGES, "CNAME", at.address, at.port) == (NEW,)


def test_a_forwarder_forgets_too(lab: DnsLab) -> None:
    at = lab.caches["forwarder"]
    assert values(IMAGES, "CNAME", at.address, at.port) == (OLD,)
    lab.set(IMAGES, "CNAME", NEW)
    lab.flush()

    # It is told by a signal, and nobody says when it has heard.
    eventually(lambda: values(IMAGES, "CNAME", at.address, at.port) == (NEW,))


def test_two_sessions_have_a_part_of_loopback_each() -> None:
    with own_block() as one, own_block() as other:
        assert one.number != other.number


def test_a_program_finds_names_by_a_cache_of_the_lab(lab: DnsLab, tmp_path: Path) -> None:
    lookup = "import socket; print(socket.gethostbyname('images.example.test'))"
    command = [*with_resolver(lab, "plain", tmp_path), sys.executable, "-c", lookup]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.stdout.strip() == lab.block.address("3.1"), done.stderr
