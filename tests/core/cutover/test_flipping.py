"""The whole of a change, against a primary that signs, its secondary, and what goes wrong there."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import dns.tsig
import dns.update
import pytest

from servers.dns.asked import values
from servers.dns.knot import KEY_ALGORITHM, KEY_NAME, KEY_SECRET
from servers.dns.lab import EXAMPLE
from servers.dns.relay import relay
from servers.dns.zones import IMAGES, NEW, OLD, TTL
from servers.process import comes_true, eventually
from transship import errors
from transship.cutover.change.execution import (
    ChangeOutcome,
    ChangeResult,
    ReadBack,
    RecordChange,
    RecordState,
    apply_change,
    confirm_made,
    pending_change,
    prepare_change,
    resume_change,
)
from transship.cutover.change.provider import ReadOnlyProvider, TsigKey
from transship.cutover.change.records import PlannedChange, RecordSets, Snapshot, desired_records
from transship.cutover.change.rfc2136 import Rfc2136Provider, UpdateServer
from transship.cutover.journal import EntryKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.dns.lab import DnsLab
    from transship.cutover.journal import CutoverJournal

NAME = IMAGES.rstrip(".")
AFTER = desired_records(NAME, [NEW], 60)
KEY = TsigKey(KEY_NAME, KEY_SECRET, KEY_ALGORITHM)


class Careless(Rfc2136Provider):
    """Deletes and adds in one message, as `update.replace` does: a primary that signs loses it."""

    async def apply(self, planned: PlannedChange, expect: RecordSets) -> None:
        update = dns.update.UpdateMessage(EXAMPLE)
        update.replace(IMAGES, planned.after[0].ttl, "CNAME", *planned.after[0].values)
        update.use_tsig(dns.tsig.Key(KEY_NAME, KEY_SECRET))
        await self._exchange(update)

    async def restore(self, snapshot: Snapshot) -> None:
        now = await self.read(snapshot.name)
        await Rfc2136Provider.apply(self, PlannedChange(snapshot.name, now, snapshot.sets), now)


def careless(lab: DnsLab) -> Careless:
    return Careless(UpdateServer(EXAMPLE.rstrip("."), lab.primary.address, lab.block.port), KEY)


def everywhere(lab: DnsLab) -> set[tuple[str, ...]]:
    """What the two servers say, each by its newest version of the zone."""
    port = lab.block.port
    eventually(lab.is_of_one_mind)
    return {values(IMAGES, "CNAME", at, port) for at in (lab.primary.address, lab.secondary)}


def ends(journal: CutoverJournal) -> list[ChangeOutcome]:
    return [each.read(ChangeResult).outcome for each in journal.entries(EntryKind.ENDED)]


async def test_a_change_is_made_and_seen_at_every_name_server(
    lab: DnsLab, change: Callable[..., RecordChange], journal: CutoverJournal
) -> None:
    made = change()
    planned = await prepare_change(made, NAME, AFTER)
    before = lab.serial(lab.primary.address)

    ended = await apply_change(made, planned)

    assert ended.outcome is ChangeOutcome.DONE
    assert everywhere(lab) == {(NEW,)}
    kinds = [each.kind for each in journal.entries() if each.kind is not EntryKind.LOOKED]
    assert kinds == [
        EntryKind.CREATED,
        EntryKind.SNAPSHOT,
        EntryKind.PLANNED,
        EntryKind.ASKED,
        EntryKind.ENDED,
    ]
    newest = journal.newest(EntryKind.SNAPSHOT)
    assert newest is not None
    assert newest.read(Snapshot).lines == (f"{IMAGES} {TTL} IN CNAME {OLD}",)
    assert str(newest.by) == "maria on laptop"
    last = journal.newest(EntryKind.LOOKED)
    assert last is not None
    told = last.read(ReadBack).told
    assert {each.said for each in told} == {RecordState.NEW}
    # The new zone may reach a server between the question for its serial and that for its records.
    assert {each.serial for each in told[1:]} <= {before, lab.serial(lab.primary.address)}
    assert {each.nsid for each in told[1:]} == {"primary-knot", "secondary-nsd"}
    served = {(each.server, each.values) for each in journal.served()}
    assert (lab.secondary, (OLD,)) in served
    assert (lab.secondary, (NEW,)) in served


async def test_nothing_is_sent_when_the_record_is_not_what_it_was(
    lab: DnsLab, change: Callable[..., RecordChange], journal: CutoverJournal
) -> None:
    made = change()
    planned = await prepare_change(made, NAME, AFTER)
    lab.set(IMAGES, "CNAME", "elsewhere.test.")

    with pytest.raises(errors.RecordChanged, match=r"elsewhere\.test"):
        await apply_change(made, planned)

    assert everywhere(lab) == {("elsewhere.test.",)}
    assert journal.newest(EntryKind.ASKED) is None


async def test_what_is_changed_in_the_very_last_moment_is_left_alone(
    lab: DnsLab, change: Callable[..., RecordChange], journal: CutoverJournal
) -> None:
    async with relay(lab.primary.address, lab.block.port) as between:
        between.hook = lambda: lab.primary.set(EXAMPLE, IMAGES, "CNAME", "other.test.", ttl=TTL)
        made = change(Rfc2136Provider(UpdateServer("example.test", "127.0.0.1", between.port), KEY))
        planned = await prepare_change(made, NAME, AFTER)

        with pytest.raises(errors.RecordChanged, match="NXRRSET"):
            await apply_change(made, planned)

    lab.settle()
    assert everywhere(lab) == {("other.test.",)}
    assert ends(journal) == [ChangeOutcome.REFUSED]
    assert pending_change(journal) is None


async def test_a_change_is_not_planned_while_a_server_is_behind(
    lab: DnsLab, change: Callable[..., RecordChange]
) -> None:
    with lab.stuck_secondary():
        lab.primary.set(EXAMPLE, IMAGES, "CNAME", "elsewhere.test.", ttl=TTL)
        with pytest.raises(errors.RecordChanged, match=f"{lab.secondary}.*{OLD}"):
            await prepare_change(change(), NAME, AFTER)


async def test_a_name_that_the_change_has_lost_is_put_back_within_seconds(
    lab: DnsLab, change: Callable[..., RecordChange], journal: CutoverJournal
) -> None:
    made = change(careless(lab))
    planned = await prepare_change(made, NAME, AFTER)

    ended = await apply_change(made, planned)

    assert ended.outcome is ChangeOutcome.UNDONE
    assert "no record" in ended.detail
    assert everywhere(lab) == {(OLD,)}
    looks = [each.read(ReadBack) for each in journal.entries(EntryKind.LOOKED)]
    assert any(told.said is RecordState.MISSING for look in looks for told in look.told)
    asked, done = journal.newest(EntryKind.ASKED), journal.newest(EntryKind.ENDED)
    assert asked is not None
    assert done is not None
    assert done.at - asked.at < 5


async def test_a_value_that_nobody_asked_for_is_put_back(
    lab: DnsLab, change: Callable[..., RecordChange], primary: Rfc2136Provider
) -> None:
    class Misspelling(Careless):
        async def apply(self, planned: PlannedChange, expect: RecordSets) -> None:
            wrong = desired_records(NAME, ["registry.newcloud.test.example.test"], 60)
            await Rfc2136Provider.apply(self, replace(planned, after=wrong), expect)

    server = UpdateServer("example.test", lab.primary.address, lab.block.port)
    made = change(Misspelling(server, KEY))

    ended = await apply_change(made, await prepare_change(made, NAME, AFTER))

    assert ended.outcome is ChangeOutcome.UNDONE
    assert everywhere(lab) == {(OLD,)}


async def test_a_record_that_can_not_be_put_back_is_said_with_its_lines(
    lab: DnsLab, change: Callable[..., RecordChange], journal: CutoverJournal
) -> None:
    class Stubborn(Careless):
        async def restore(self, snapshot: Snapshot) -> None:
            raise errors.ProviderUnreachable("gone")

    server = UpdateServer("example.test", lab.primary.address, lab.block.port)
    made = change(Stubborn(server, KEY))
    planned = await prepare_change(made, NAME, AFTER)

    with pytest.raises(errors.NotPutBack, match=f"{IMAGES} {TTL} IN CNAME {OLD}"):
        await apply_change(made, planned)

    assert ends(journal) == [ChangeOutcome.NOT_PUT_BACK]


async def test_a_change_whose_answer_was_lost_is_found_out_by_asking(
    lab: DnsLab, change: Callable[..., RecordChange]
) -> None:
    async with relay(lab.primary.address, lab.block.port) as between:
        between.fault = "mute"
        made = change(Rfc2136Provider(UpdateServer("example.test", "127.0.0.1", between.port), KEY))

        ended = await apply_change(made, await prepare_change(made, NAME, AFTER))

    assert between.updates == 1
    assert ended.outcome is ChangeOutcome.DONE
    assert everywhere(lab) == {(NEW,)}


async def test_a_change_that_never_arrived_was_not_made(
    lab: DnsLab, change: Callable[..., RecordChange]
) -> None:
    async with relay(lab.primary.address, lab.block.port) as between:
        between.fault = "deaf"
        applier = Rfc2136Provider(UpdateServer("example.test", "127.0.0.1", between.port), KEY)
        made = change(applier, deadline=0.5)

        ended = await apply_change(made, await prepare_change(made, NAME, AFTER))

    assert ended.outcome is ChangeOutcome.NOT_MADE
    assert everywhere(lab) == {(OLD,)}


async def test_a_stuck_secondary_is_named_and_nothing_is_taken_back(
    lab: DnsLab, change: Callable[..., RecordChange], journal: CutoverJournal
) -> None:
    made = change(deadline=0.5)
    planned = await prepare_change(made, NAME, AFTER)
    with lab.stuck_secondary():
        ended = await apply_change(made, planned)

        assert ended.outcome is ChangeOutcome.PARTLY
        assert lab.secondary in ended.detail
        assert everywhere(lab) == {(NEW,), (OLD,)}


async def test_a_wrong_key_changes_nothing_and_has_an_end(
    lab: DnsLab, change: Callable[..., RecordChange], journal: CutoverJournal
) -> None:
    planned = await prepare_change(change(), NAME, AFTER)
    server = UpdateServer("example.test", lab.primary.address, lab.block.port)

    with pytest.raises(errors.KeyRefused):
        await apply_change(
            change(Rfc2136Provider(server, replace(KEY, secret="d3Jvbmc="))), planned
        )

    assert everywhere(lab) == {(OLD,)}
    assert pending_change(journal) is None


async def test_a_change_that_was_broken_off_goes_on_from_the_journal(
    lab: DnsLab, change: Callable[..., RecordChange], journal: CutoverJournal
) -> None:
    made = change(deadline=60.0)
    planned = await prepare_change(made, NAME, AFTER)
    with lab.stuck_secondary():
        running = asyncio.create_task(apply_change(made, planned))
        await comes_true(lambda: journal.newest(EntryKind.LOOKED) is not None)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        with pytest.raises(errors.ChangePending):
            await apply_change(made, planned)

    ended = await resume_change(made)

    assert ended is not None
    assert ended.outcome is ChangeOutcome.DONE
    assert len(journal.entries(EntryKind.ASKED)) == 1
    assert await resume_change(made) is None


async def test_read_only_stops_before_anything_is_asked(
    lab: DnsLab,
    change: Callable[..., RecordChange],
    primary: Rfc2136Provider,
    journal: CutoverJournal,
) -> None:
    made = change(ReadOnlyProvider(primary))
    planned = await prepare_change(made, NAME, AFTER)

    with pytest.raises(errors.WritesOff):
        await apply_change(made, planned)

    assert journal.newest(EntryKind.ASKED) is None
    assert everywhere(lab) == {(OLD,)}


async def test_a_record_that_holds_the_new_value_is_only_read_back(
    lab: DnsLab, change: Callable[..., RecordChange], journal: CutoverJournal
) -> None:
    made = change()
    assert await confirm_made(made, await made.applier.read(NAME), AFTER) is None
    lab.set(IMAGES, "CNAME", NEW, ttl=TTL)

    ended = await confirm_made(made, await made.applier.read(NAME), AFTER)

    assert ended is not None
    assert (ended.outcome, ended.detail) == (
        ChangeOutcome.ALREADY,
        f"{NAME} already points at {NEW}",
    )
    assert {each.kind for each in journal.entries()} == {EntryKind.CREATED}


async def test_a_server_that_is_late_with_a_record_that_is_there_already_is_named(
    lab: DnsLab, change: Callable[..., RecordChange]
) -> None:
    told: list[str] = []
    made = replace(
        change(deadline=0.5), tell=lambda looked: told.append("; ".join(e.words for e in looked))
    )
    with lab.stuck_secondary():
        lab.primary.set(EXAMPLE, IMAGES, "CNAME", NEW, ttl=TTL)
        ended = await confirm_made(made, await made.applier.read(NAME), AFTER)

    assert ended is not None
    assert ended.outcome is ChangeOutcome.PARTLY
    assert lab.secondary in ended.detail
    assert f"says {OLD}" in ended.detail
    assert any(ended.detail in line for line in told)


async def test_an_edit_of_something_else_than_was_shown_is_not_planned(
    lab: DnsLab, change: Callable[..., RecordChange], journal: CutoverJournal
) -> None:
    shown = desired_records(NAME, [OLD], 3600)
    lab.set(IMAGES, "CNAME", "other.oldcloud.test.")

    with pytest.raises(errors.RecordChanged, match=r"other\.oldcloud.*shown was .*registry\.old"):
        await prepare_change(change(), NAME, AFTER, shown)

    assert journal.newest(EntryKind.PLANNED) is None
    lab.set(IMAGES, "CNAME", OLD)
    planned = await prepare_change(change(), NAME, AFTER, shown)
    assert planned.before == desired_records(NAME, [OLD], TTL), "another TTL is no other record"


async def test_a_ttl_is_lowered_in_the_same_way(
    lab: DnsLab, change: Callable[..., RecordChange]
) -> None:
    made = change()

    ended = await apply_change(
        made, await prepare_change(made, NAME, desired_records(NAME, [OLD], 2))
    )

    assert ended.outcome is ChangeOutcome.DONE
    assert await made.applier.read(NAME) == desired_records(NAME, [OLD], 2)
