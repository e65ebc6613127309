"""Dynamic update, against a primary that signs and its secondary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servers.dns.asked import values
from servers.dns.knot import KEY_NAME, KEY_SECRET
from servers.dns.lab import EXAMPLE
from servers.dns.relay import relay
from servers.dns.zones import IMAGES, NEW, OLD, TTL
from transship import errors
from transship.cutover.change.provider import TsigKey
from transship.cutover.change.records import PlannedChange, Snapshot, desired_records, same_records
from transship.cutover.change.rfc2136 import Rfc2136Provider, UpdateServer, update_message
from transship.cutover.evidence import RecordSet

if TYPE_CHECKING:
    from servers.dns.lab import DnsLab

NAME = IMAGES.rstrip(".")
BEFORE = desired_records(NAME, [OLD], TTL)
AFTER = desired_records(NAME, [NEW], 60)
ONE, TWO, THREE = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def at_primary(lab: DnsLab, kind: str, name: str = IMAGES) -> tuple[str, ...]:
    return values(name, kind, lab.primary.address, lab.block.port)


def at_secondary(lab: DnsLab, kind: str) -> tuple[str, ...]:
    return values(IMAGES, kind, lab.secondary, lab.block.port)


async def test_all_that_a_name_holds_is_read_with_the_key(
    lab: DnsLab, primary: Rfc2136Provider
) -> None:
    lab.set(IMAGES, "A", ONE, TWO, ttl=7)

    assert await primary.read(NAME) == (RecordSet(NAME, "A", 7, (ONE, TWO)),)
    assert await primary.read("nothing.example.test") == ()
    assert primary.place == f"{lab.primary.address}:{lab.block.port} (zone example.test)"


async def test_a_changed_cname_arrives_at_both_name_servers(
    lab: DnsLab, primary: Rfc2136Provider
) -> None:
    planned = primary.plan(await primary.read(NAME), AFTER)
    assert (planned.added, planned.removed, planned.turns) == (AFTER, (), False)

    await primary.apply(planned, planned.before)
    lab.settle()

    assert at_primary(lab, "CNAME") == at_secondary(lab, "CNAME") == (NEW,)
    assert await primary.read(NAME) == AFTER


async def test_a_change_back_makes_it_as_it_was(lab: DnsLab, primary: Rfc2136Provider) -> None:
    planned = primary.plan(BEFORE, AFTER)
    await primary.apply(planned, BEFORE)

    await primary.apply(planned.reverse, AFTER)

    assert await primary.read(NAME) == BEFORE


async def test_what_somebody_else_has_changed_is_left_alone(
    lab: DnsLab, primary: Rfc2136Provider
) -> None:
    planned = primary.plan(BEFORE, AFTER)
    lab.set(IMAGES, "CNAME", "elsewhere.test.")

    with pytest.raises(errors.RecordChanged, match="NXRRSET"):
        await primary.apply(planned, BEFORE)

    assert at_primary(lab, "CNAME") == ("elsewhere.test.",)


async def test_what_came_beside_the_record_is_a_change_too(
    lab: DnsLab, primary: Rfc2136Provider
) -> None:
    lab.set(IMAGES, "A", ONE)
    expected = await primary.read(NAME)
    lab.primary.set(EXAMPLE, IMAGES, "AAAA", "2001:db8::1", ttl=TTL)

    with pytest.raises(errors.RecordChanged):
        await primary.apply(primary.plan(expected, desired_records(NAME, [TWO], TTL)), expected)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([ONE, TWO], [TWO, THREE], id="some addresses stay"),
        pytest.param([ONE], [TWO], id="one address becomes another"),
        pytest.param([ONE, "2001:db8::1"], [TWO], id="IPv6 goes"),
        pytest.param([ONE], [TWO, "2001:db8::1"], id="IPv6 comes"),
        pytest.param([ONE, "2001:db8::1"], [NEW], id="addresses become a name"),
        pytest.param([OLD], [ONE, TWO], id="a name becomes addresses"),
        pytest.param([ONE, TWO], [ONE, TWO], id="only the TTL changes"),
        pytest.param([OLD], [OLD], id="only the TTL of a name changes"),
        pytest.param([], [NEW], id="a name comes from nothing"),
    ],
)
async def test_every_kind_of_change_and_its_reverse(
    lab: DnsLab, primary: Rfc2136Provider, before: list[str], after: list[str]
) -> None:
    wanted = desired_records(NAME, before, TTL)
    now = await primary.read(NAME)
    await primary.restore(Snapshot(NAME, 0.0, wanted))
    assert same_records(await primary.read(NAME), wanted), now

    planned = primary.plan(wanted, desired_records(NAME, after, 60))
    await primary.apply(planned, wanted)
    assert same_records(await primary.read(NAME), desired_records(NAME, after, 60))

    await primary.apply(planned.reverse, planned.after)
    assert same_records(await primary.read(NAME), wanted)


async def test_a_name_comes_back_with_all_that_it_held(
    lab: DnsLab, primary: Rfc2136Provider
) -> None:
    lab.set(IMAGES, "A", ONE)
    beside = RecordSet(NAME, "TXT", TTL, ('"of ours"',))
    held = (*desired_records(NAME, [ONE], TTL), beside)
    await primary.apply(PlannedChange(NAME, desired_records(NAME, [ONE], TTL), held), held[:1])
    snapshot = Snapshot(NAME, 0.0, await primary.read(NAME))
    planned = primary.plan(snapshot.sets, AFTER)
    assert planned.removed == snapshot.sets
    await primary.apply(planned, snapshot.sets)

    await primary.restore(snapshot)

    assert same_records(await primary.read(NAME), held)


def test_the_message_takes_nothing_away_where_a_name_becomes_another() -> None:
    update = update_message("example.test", PlannedChange(NAME, BEFORE, AFTER))

    changes = [(each.rdtype.name, each.deleting) for each in update.update]
    conditions = sorted(each.rdtype.name for each in update.prerequisite)
    assert changes == [("CNAME", None)]
    assert conditions == ["A", "AAAA", "CNAME"]


@pytest.mark.parametrize(
    ("name", "secret", "algorithm", "said"),
    [
        (KEY_NAME, "d3Jvbmc=", "hmac-sha256", "BADSIG"),
        ("stranger.", KEY_SECRET, "hmac-sha256", "BADKEY"),
        (KEY_NAME, KEY_SECRET, "hmac-sha512", "BADKEY|BADSIG"),
    ],
)
async def test_a_wrong_key_is_refused_before_anything_is_written(
    lab: DnsLab, name: str, secret: str, algorithm: str, said: str
) -> None:
    server = UpdateServer("example.test", lab.primary.address, lab.block.port)
    stranger = Rfc2136Provider(server, TsigKey(name, secret, algorithm))

    with pytest.raises(errors.KeyRefused, match=said) as caught:
        await stranger.read(NAME)
    assert secret not in f"{caught.value} {caught.value.detail}"
    with pytest.raises(errors.KeyRefused):
        await stranger.apply(stranger.plan(BEFORE, AFTER), BEFORE)

    assert at_primary(lab, "CNAME") == (OLD,)


@pytest.mark.parametrize(("secret", "algorithm"), [("no base64!", "hmac-sha256"), ("AA==", "md9")])
def test_a_key_that_can_not_be_one_is_refused_at_once(secret: str, algorithm: str) -> None:
    with pytest.raises(errors.KeyRefused):
        Rfc2136Provider(UpdateServer("example.test", "127.0.0.1"), TsigKey("k.", secret, algorithm))


def test_a_secret_is_in_no_words_about_the_key() -> None:
    assert KEY_SECRET not in repr(TsigKey(KEY_NAME, KEY_SECRET))


async def test_a_zone_that_the_server_does_not_have_is_refused(lab: DnsLab) -> None:
    key = TsigKey(KEY_NAME, KEY_SECRET)
    other = Rfc2136Provider(UpdateServer("example.com", lab.primary.address, lab.block.port), key)
    before, after = (desired_records("images.example.com", [value], 60) for value in (OLD, NEW))
    planned = other.plan(before, after)

    with pytest.raises((errors.ProviderRefused, errors.KeyRefused)):
        await other.read("images.example.com")
    with pytest.raises((errors.ProviderRefused, errors.KeyRefused, errors.ChangeUncertain)):
        await other.apply(planned, planned.before)


async def test_a_server_that_is_not_there_is_told_from_one_that_says_nothing(lab: DnsLab) -> None:
    key = TsigKey(KEY_NAME, KEY_SECRET)
    async with relay(lab.primary.address, lab.block.port) as server:
        server.fault = "deaf"
        silent = Rfc2136Provider(UpdateServer("example.test", "127.0.0.1", server.port), key)
        with pytest.raises(errors.ChangeUncertain, match="ended before an answer"):
            await silent.apply(silent.plan(BEFORE, AFTER), BEFORE)
    with pytest.raises(errors.ProviderUnreachable):
        await silent.read(NAME)
    with pytest.raises(errors.ProviderUnreachable):
        await silent.apply(silent.plan(BEFORE, AFTER), BEFORE)


async def test_an_answer_that_nobody_signed_proves_nothing(lab: DnsLab) -> None:
    key = TsigKey(KEY_NAME, KEY_SECRET)
    async with relay(lab.primary.address, lab.block.port) as server:
        server.fault = "unsigned"
        forged = Rfc2136Provider(UpdateServer("example.test", "127.0.0.1", server.port), key)
        with pytest.raises(errors.ProviderRefused, match="isn't signed"):
            await forged.read(NAME)
        with pytest.raises(errors.ChangeUncertain, match="isn't signed"):
            await forged.apply(forged.plan(BEFORE, AFTER), BEFORE)
