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
from transship.cutover.catchup import (
    CatchupRound,
    CopiedTags,
    PairDigests,
    TagDifferences,
    run_round,
)
from transship.cutover.change.execution import (
    ChangeOutcome,
    ReadBackPolicy,
    RecordChange,
    apply_change,
    prepare_change,
)
from transship.cutover.change.powerdns import PowerDnsProvider, PowerDnsServer
from transship.cutover.change.records import PlannedChange, desired_records
from transship.cutover.change.settings import ManualSettings, open_provider
from transship.cutover.domain import Domain, Subject
from transship.cutover.evidence import TagPair
from transship.cutover.journal import CutoverJournal, EntryKind
from transship.cutover.rollback import plan_rollback, roll_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.dns.lab import DnsLab
    from transship.cutover.observer import DnsObserver

NAME = IMAGES.rstrip(".")
AFTER = desired_records(NAME, [NEW], 60)


class Same:
    """Two registries that hold the same. A fake: the rules are about what is found, not how."""

    def __init__(self, *only_new: str) -> None:
        self._only_new = only_new

    async def settle(self, doing: object) -> None:
        return

    async def digests(self) -> PairDigests:
        old = {("team/app", "1"): "sha256:1"}
        return PairDigests(
            old, old | {("team/app", tag): f"sha256:{tag}" for tag in self._only_new}
        )

    async def copy(self, pairs: object) -> CopiedTags:
        raise AssertionError

    copy_back = copy


def served(lab: DnsLab) -> set[tuple[str, ...]]:
    port = lab.block.port
    return {values(IMAGES, "CNAME", at, port) for at in (lab.primary.address, lab.secondary)}


@pytest.fixture
async def changed(change: Callable[..., RecordChange]) -> RecordChange:
    """A change that was made."""
    made = change()
    await apply_change(made, await prepare_change(made, NAME, AFTER))
    return made


async def test_the_way_back_is_the_reverse_and_takes_as_long_as_the_new_ttl(
    changed: RecordChange, journal: CutoverJournal
) -> None:
    way = plan_rollback(journal)

    assert way.reverse is not None
    assert (way.reverse.before, way.reverse.after) == (AFTER, desired_records(NAME, [OLD], TTL))
    assert (way.seconds, way.clamped) == (60, 0)


async def test_the_way_back_stays_that_of_the_first_change(
    lab: DnsLab, changed: RecordChange, journal: CutoverJournal
) -> None:
    await apply_change(
        changed, await prepare_change(changed, NAME, desired_records(NAME, [NEW], 30))
    )
    lab.set(IMAGES, "CNAME", "elsewhere.test.")
    await apply_change(changed, await prepare_change(changed, NAME, AFTER))

    way = plan_rollback(journal)

    assert way.reverse is not None
    assert way.reverse.after == desired_records(NAME, [OLD], TTL)
    assert (await roll_back(changed, accept_loss=True)).outcome is ChangeOutcome.DONE
    assert served(lab) == {(OLD,)}


async def test_a_change_by_hand_goes_back_by_the_edit_that_moved_something(
    lab: DnsLab, change: Callable[..., RecordChange], journal: CutoverJournal
) -> None:
    made = change()
    await prepare_change(made, NAME, AFTER)
    lab.set(IMAGES, "CNAME", NEW, ttl=TTL)
    await prepare_change(made, NAME, AFTER)

    way = plan_rollback(journal)

    assert way.reverse is not None
    assert way.reverse.after == desired_records(NAME, [OLD], TTL)


async def test_what_was_shown_is_what_goes_back(lab: DnsLab, changed: RecordChange) -> None:
    seen = PlannedChange(NAME, AFTER, desired_records(NAME, ["elsewhere.test."], TTL))

    with pytest.raises(errors.RecordChanged, match=r"shown was .*elsewhere\.test"):
        await roll_back(changed, accept_loss=True, seen=seen)

    assert served(lab) == {(NEW,)}


async def test_the_record_goes_back_once_the_registries_were_compared(
    lab: DnsLab, changed: RecordChange, journal: CutoverJournal
) -> None:
    with pytest.raises(errors.RollbackBlocked, match="nobody has compared"):
        await roll_back(changed)
    await run_round(Same(), journal, changed.clock)

    ended = await roll_back(changed)

    assert (ended.outcome, ended.direction) == (ChangeOutcome.DONE, "rollback")
    assert served(lab) == {(OLD,)}
    with pytest.raises(errors.NothingToPutBack, match="already"):
        await roll_back(changed)


async def test_a_comparison_older_than_the_change_that_was_seen_does_not_count(
    lab: DnsLab, changed: RecordChange, journal: CutoverJournal
) -> None:
    await run_round(Same(), journal, changed.clock)

    with pytest.raises(errors.RollbackBlocked, match="nobody has compared"):
        await roll_back(changed, since=changed.clock.now())

    assert served(lab) == {(NEW,)}


async def test_tags_that_only_the_new_side_has_stand_in_the_way_unless_it_is_said(
    lab: DnsLab, changed: RecordChange, journal: CutoverJournal
) -> None:
    await run_round(Same("2", "3"), journal, changed.clock)

    with pytest.raises(errors.RollbackBlocked, match=r"hide 2 tags: team/app:2, team/app:3"):
        await roll_back(changed)
    assert served(lab) == {(NEW,)}

    assert (await roll_back(changed, accept_loss=True)).outcome is ChangeOutcome.DONE
    assert served(lab) == {(OLD,)}


async def test_it_works_while_a_server_says_something_else_or_the_name_is_gone(
    lab: DnsLab, changed: RecordChange
) -> None:
    lab.remove(IMAGES)

    ended = await roll_back(changed, accept_loss=True)

    assert ended.outcome is ChangeOutcome.DONE
    assert served(lab) == {(OLD,)}


async def test_what_somebody_else_made_of_the_record_is_left_alone(
    lab: DnsLab, changed: RecordChange
) -> None:
    lab.set(IMAGES, "CNAME", "elsewhere.test.")

    with pytest.raises(errors.RecordChanged, match=r"elsewhere\.test"):
        await roll_back(changed, accept_loss=True)

    assert served(lab) == {("elsewhere.test.",)}


async def test_without_a_change_there_is_nothing_to_go_back_from(
    change: Callable[..., RecordChange],
) -> None:
    with pytest.raises(errors.NothingToPutBack, match="no change was planned"):
        await roll_back(change(), accept_loss=True)


async def test_a_change_by_hand_is_put_back_by_hand_with_the_exact_lines(
    lab: DnsLab, change: Callable[..., RecordChange], observers: Callable[..., DnsObserver]
) -> None:
    look = observers()
    clock = SystemClock()
    applier = await open_provider(
        ManualSettings(), SessionStore(), lambda: look.servers(whole=True), clock
    )
    made = change(applier)
    planned = await prepare_change(made, NAME, AFTER)
    with pytest.raises(errors.ByHandOnly, match=f"put there .*{NEW}"):
        await apply_change(made, planned)
    lab.set(IMAGES, "CNAME", NEW, ttl=60)

    with pytest.raises(errors.ByHandOnly, match=f"put there {IMAGES} {TTL} IN CNAME {OLD}"):
        await roll_back(made, accept_loss=True)


async def test_powerdns_there_and_back(
    lab: DnsLab, journal: CutoverJournal, observers: Callable[..., DnsObserver], change: object
) -> None:
    name = POWER_IMAGES.rstrip(".")
    look = observers(subject=Subject(Domain(name), NEW.rstrip(".")))
    applier = PowerDnsProvider(PowerDnsServer(lab.power.url, "power.test"), API_KEY)
    made = RecordChange(
        journal,
        applier,
        look,
        SystemClock(),
        change().by,
        ReadBackPolicy(0.1, 5.0),  # type: ignore[operator]
    )

    ended = await apply_change(
        made, await prepare_change(made, name, desired_records(name, [NEW], 60))
    )
    assert ended.outcome is ChangeOutcome.DONE
    assert values(POWER_IMAGES, "CNAME", lab.power.address, lab.block.port) == (NEW,)

    assert (await roll_back(made, accept_loss=True)).outcome is ChangeOutcome.DONE
    assert values(POWER_IMAGES, "CNAME", lab.power.address, lab.block.port) == (OLD,)


async def test_what_only_the_new_side_had_before_the_change_is_not_lost(
    lab: DnsLab, change: Callable[..., RecordChange], journal: CutoverJournal
) -> None:
    made = change()
    await run_round(Same("7"), journal, made.clock)
    await apply_change(made, await prepare_change(made, NAME, AFTER))
    assert "nobody has compared" in plan_rollback(journal).blocked

    await run_round(Same("7"), journal, made.clock)
    assert plan_rollback(journal).blocked == ""
    await run_round(Same("7", "8"), journal, made.clock)
    assert plan_rollback(journal).lost == (TagPair("team/app", "8", "", "sha256:8"),)


def test_a_registry_that_does_not_list_its_repositories_leaves_it_unknown(
    journal: CutoverJournal,
) -> None:
    seen = CatchupRound(
        FakeClock().now(), TagDifferences(), unlisted="new.example doesn't list its repositories"
    )
    journal.add(EntryKind.DELTA, seen, 0.0)

    assert "new.example doesn't list" in plan_rollback(journal).blocked


def test_many_tags_are_counted_and_some_are_named(journal: CutoverJournal) -> None:
    lost = tuple(TagPair("team/app", str(tag), "", "sha256:x") for tag in range(7))
    journal.add(
        EntryKind.DELTA, CatchupRound(FakeClock().now(), TagDifferences(only_new=lost)), 0.0
    )

    assert plan_rollback(journal).blocked.endswith("team/app:4 and 2 more")
