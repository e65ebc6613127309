"""The way back: the exact reverse, and what stands in the way of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from servers.dns.asked import values
from servers.dns.powerdns import API_KEY
from servers.dns.powerdns import IMAGES as POWER_IMAGES
from servers.dns.zones import IMAGES, NEW, OLD, TTL
from transship import errors
from transship.accounts.secrets import SessionStore
from transship.clock import SystemClock
from transship.cutover.change.powerdns import PowerDns, PowerDnsServer
from transship.cutover.change.records import PlannedChange, desired
from transship.cutover.change.ways import ByHand, open_applier
from transship.cutover.delta import Copied, Round, Seen, Sorted, one_round
from transship.cutover.evidence import TagPair
from transship.cutover.flipping import Change, Outcome, Patience, flip, prepare
from transship.cutover.journal import Journal, Kind
from transship.cutover.rollback import roll_back, way_back
from transship.cutover.subject import Domain, Subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.dns.lab import DnsLab
    from transship.cutover.looking import DnsObservers

NAME = IMAGES.rstrip(".")
AFTER = desired(NAME, [NEW], 60)


class Same:
    """Two registries that hold the same. A fake: the rules are about what is found, not how."""

    def __init__(self, *only_new: str) -> None:
        self._only_new = only_new

    async def settle(self, doing: object) -> None:
        return

    async def digests(self) -> Seen:
        old = {("team/app", "1"): "sha256:1"}
        return Seen(old, old | {("team/app", tag): f"sha256:{tag}" for tag in self._only_new})

    async def copy(self, pairs: object) -> Copied:
        raise AssertionError

    copy_back = copy


def served(lab: DnsLab) -> set[tuple[str, ...]]:
    port = lab.block.port
    return {values(IMAGES, "CNAME", at, port) for at in (lab.primary.address, lab.secondary)}


@pytest.fixture
async def changed(change: Callable[..., Change]) -> Change:
    """A change that was made."""
    made = change()
    await flip(made, await prepare(made, NAME, AFTER))
    return made


async def test_the_way_back_is_the_reverse_and_takes_as_long_as_the_new_ttl(
    changed: Change, journal: Journal
) -> None:
    way = way_back(journal)

    assert way.reverse is not None
    assert (way.reverse.before, way.reverse.after) == (AFTER, desired(NAME, [OLD], TTL))
    assert (way.seconds, way.clamped) == (60, 0)


async def test_the_way_back_stays_that_of_the_first_change(
    lab: DnsLab, changed: Change, journal: Journal
) -> None:
    await flip(changed, await prepare(changed, NAME, desired(NAME, [NEW], 30)))
    lab.set(IMAGES, "CNAME", "elsewhere.test.")
    await flip(changed, await prepare(changed, NAME, AFTER))

    way = way_back(journal)

    assert way.reverse is not None
    assert way.reverse.after == desired(NAME, [OLD], TTL)
    assert (await roll_back(changed, accept_loss=True)).outcome is Outcome.DONE
    assert served(lab) == {(OLD,)}


async def test_a_change_by_hand_goes_back_by_the_edit_that_moved_something(
    lab: DnsLab, change: Callable[..., Change], journal: Journal
) -> None:
    made = change()
    await prepare(made, NAME, AFTER)
    lab.set(IMAGES, "CNAME", NEW, ttl=TTL)
    await prepare(made, NAME, AFTER)

    way = way_back(journal)

    assert way.reverse is not None
    assert way.reverse.after == desired(NAME, [OLD], TTL)


async def test_what_was_shown_is_what_goes_back(lab: DnsLab, changed: Change) -> None:
    seen = PlannedChange(NAME, AFTER, desired(NAME, ["elsewhere.test."], TTL))

    with pytest.raises(errors.RecordChanged, match=r"shown was .*elsewhere\.test"):
        await roll_back(changed, accept_loss=True, seen=seen)

    assert served(lab) == {(NEW,)}


async def test_the_record_goes_back_once_the_registries_were_compared(
    lab: DnsLab, changed: Change, journal: Journal
) -> None:
    with pytest.raises(errors.RollbackBlocked, match="nobody has compared"):
        await roll_back(changed)
    await one_round(Same(), journal, changed.clock)

    ended = await roll_back(changed)

    assert (ended.outcome, ended.direction) == (Outcome.DONE, "rollback")
    assert served(lab) == {(OLD,)}
    with pytest.raises(errors.NothingToPutBack, match="already"):
        await roll_back(changed)


async def test_a_comparison_older_than_the_change_that_was_seen_does_not_count(
    lab: DnsLab, changed: Change, journal: Journal
) -> None:
    await one_round(Same(), journal, changed.clock)

    with pytest.raises(errors.RollbackBlocked, match="nobody has compared"):
        await roll_back(changed, since=changed.clock.now())

    assert served(lab) == {(NEW,)}


async def test_tags_that_only_the_new_side_has_stand_in_the_way_unless_it_is_said(
    lab: DnsLab, changed: Change, journal: Journal
) -> None:
    await one_round(Same("2", "3"), journal, changed.clock)

    with pytest.raises(errors.RollbackBlocked, match=r"hide 2 tags: team/app:2, team/app:3"):
        await roll_back(changed)
    assert served(lab) == {(NEW,)}

    assert (await roll_back(changed, accept_loss=True)).outcome is Outcome.DONE
    assert served(lab) == {(OLD,)}


async def test_it_works_while_a_server_says_something_else_or_the_name_is_gone(
    lab: DnsLab, changed: Change
) -> None:
    lab.remove(IMAGES)

    ended = await roll_back(changed, accept_loss=True)

    assert ended.outcome is Outcome.DONE
    assert served(lab) == {(OLD,)}


async def test_what_somebody_else_made_of_the_record_is_left_alone(
    lab: DnsLab, changed: Change
) -> None:
    lab.set(IMAGES, "CNAME", "elsewhere.test.")

    with pytest.raises(errors.RecordChanged, match=r"elsewhere\.test"):
        await roll_back(changed, accept_loss=True)

    assert served(lab) == {("elsewhere.test.",)}


async def test_without_a_change_there_is_nothing_to_go_back_from(
    change: Callable[..., Change],
) -> None:
    with pytest.raises(errors.NothingToPutBack, match="no change was planned"):
        await roll_back(change(), accept_loss=True)


async def test_a_change_by_hand_is_put_back_by_hand_with_the_exact_lines(
    lab: DnsLab, change: Callable[..., Change], observers: Callable[..., DnsObservers]
) -> None:
    look = observers()
    clock = SystemClock()
    applier = await open_applier(ByHand(), SessionStore(), lambda: look.servers(whole=True), clock)
    made = change(applier)
    planned = await prepare(made, NAME, AFTER)
    with pytest.raises(errors.ByHandOnly, match=f"put there .*{NEW}"):
        await flip(made, planned)
    lab.set(IMAGES, "CNAME", NEW, ttl=60)

    with pytest.raises(errors.ByHandOnly, match=f"put there {IMAGES} {TTL} IN CNAME {OLD}"):
        await roll_back(made, accept_loss=True)


async def test_powerdns_there_and_back(
    lab: DnsLab, journal: Journal, observers: Callable[..., DnsObservers], change: object
) -> None:
    name = POWER_IMAGES.rstrip(".")
    look = observers(subject=Subject(Domain(name), NEW.rstrip(".")))
    applier = PowerDns(PowerDnsServer(lab.power.url, "power.test"), API_KEY)
    made = Change(
        journal,
        applier,
        look,
        SystemClock(),
        change().by,
        Patience(0.1, 5.0),  # type: ignore[operator]
    )

    ended = await flip(made, await prepare(made, name, desired(name, [NEW], 60)))
    assert ended.outcome is Outcome.DONE
    assert values(POWER_IMAGES, "CNAME", lab.power.address, lab.block.port) == (NEW,)

    assert (await roll_back(made, accept_loss=True)).outcome is Outcome.DONE
    assert values(POWER_IMAGES, "CNAME", lab.power.address, lab.block.port) == (OLD,)


async def test_what_only_the_new_side_had_before_the_change_is_not_lost(
    lab: DnsLab, change: Callable[..., Change], journal: Journal
) -> None:
    made = change()
    await one_round(Same("7"), journal, made.clock)
    await flip(made, await prepare(made, NAME, AFTER))
    assert "nobody has compared" in way_back(journal).blocked

    await one_round(Same("7"), journal, made.clock)
    assert way_back(journal).blocked == ""
    await one_round(Same("7", "8"), journal, made.clock)
    assert way_back(journal).lost == (TagPair("team/app", "8", "", "sha256:8"),)


def test_a_registry_that_does_not_list_its_repositories_leaves_it_unknown(
    journal: Journal,
) -> None:
    seen = Round(FakeClock().now(), Sorted(), unlisted="new.example doesn't list its repositories")
    journal.add(Kind.DELTA, seen, 0.0)

    assert "new.example doesn't list" in way_back(journal).blocked


def test_many_tags_are_counted_and_some_are_named(journal: Journal) -> None:
    lost = tuple(TagPair("team/app", str(tag), "", "sha256:x") for tag in range(7))
    journal.add(Kind.DELTA, Round(FakeClock().now(), Sorted(only_new=lost)), 0.0)

    assert way_back(journal).blocked.endswith("team/app:4 and 2 more")
