"""A change set: what would be changed at an engine, agreed to, journalled, applied and read back.

`ChangeSet` is what is shown; nothing is changed by it. `ChangeJournal` keeps what was agreed to:
`changes.json`, and in `journal.jsonl` a line for each step, which is on the disk before the step is
taken. `apply_changes` makes them one after another through an `Engine`, `read_items` tells how all
of it is now. No secret is in any of it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.locks import held
from transship.paths import private_file, private_folder
from transship.registry.credential import Credential

Settings = Mapping[str, Any]
"""What something at an engine is set to: JSON values by the engine's own names of fields.

No secret is ever in it. Where the engine is handed the login of an account, the value says whose.
"""


class ChangeAction(StrEnum):
    """What a change does."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    LEAVE = "leave"
    """Nothing: it is as it should be."""


@dataclass(frozen=True, slots=True)
class ChangedField:
    """One field that a change sets: what it was (None: nothing), and what it will be."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One thing at an engine, as it is and as it would be.

    `kind` is the engine's own word (`replication policy`), `name` what it is called there.
    `before` is None when it isn't there, `after` when it won't be; `after` has only the fields that
    are asked for. `gives` are the hosts of the accounts whose login the engine is handed with it,
    `warns` says in sentences what to know before agreeing. What is changed `anew` is taken away and
    added again: where that was broken off, nothing may be there.
    """

    does: ChangeAction
    kind: str
    name: str
    before: Settings | None = None
    after: Settings | None = None
    gives: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    anew: bool = False

    def __str__(self) -> str:
        return f"{self.does} {self.kind} {self.name}"

    @property
    def fields(self) -> tuple[ChangedField, ...]:
        """What it sets to something else, by the names of the fields."""
        before, after = self.before or {}, self.after or {}
        names = after if self.after is not None else before
        return tuple(
            ChangedField(name, before.get(name), after.get(name))
            for name in names
            if before.get(name) != after.get(name)
        )


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """All that one wish would change at an engine, in the order in which it is made.

    `engine` says which engine and where, `purpose` in a sentence what it is for, `notes` in
    sentences what follows from it. While there are `refusals`, nothing of it can be made.
    """

    engine: str
    purpose: str
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    refusals: tuple[TransshipError, ...] = ()

    @property
    def to_make(self) -> tuple[Change, ...]:
        """Those that do something."""
        return tuple(change for change in self.changes if change.does is not ChangeAction.LEAVE)

    @property
    def gives(self) -> tuple[str, ...]:
        """The hosts of all accounts whose login the engine is handed, in order."""
        return tuple(dict.fromkeys(host for change in self.to_make for host in change.gives))


def change_between(
    kind: str,
    name: str,
    before: Settings | None,
    after: Settings | None,
    *,
    gives: tuple[str, ...] = (),
    warns: tuple[str, ...] = (),
    anew: bool = False,
) -> Change:
    """Return the change that leads from `before` to `after`; LEAVE where that is nothing.

    Of what is left as it is, nothing is handed over and nothing is to be known.
    """
    if before is None and after is None:
        raise ValueError(f"{kind} {name} is not there, and is not to be")
    if after is None:
        return Change(ChangeAction.DELETE, kind, name, before, None, warns=warns)
    if before is None:
        return Change(ChangeAction.CREATE, kind, name, None, after, gives, warns)
    if has_settings(before, after):
        return Change(ChangeAction.LEAVE, kind, name, before, after)
    return Change(ChangeAction.CHANGE, kind, name, before, after, gives, warns, anew)


def has_settings(found: Settings, asked: Settings) -> bool:
    """Tell whether every field that is asked for is set so in what was found."""
    return all(name in found and found[name] == value for name, value in asked.items())


def reversed_change(change: Change, warns: tuple[str, ...] = ()) -> Change:
    """Return what leads back from a change that was made; `warns` is what to know before that."""
    before, after = change.before, change.after
    if before is not None and after is not None:
        before = {name: before.get(name) for name in after}
    return change_between(
        change.kind, change.name, after, before, gives=change.gives, warns=warns, anew=change.anew
    )


GetLogin = Callable[[str], Awaitable[Credential]]
"""Returns the login of the account at a host, to be handed to an engine as the operator agreed.

Raises SignInNeeded when there is none, and what the place where secrets live raises.
"""


@dataclass(frozen=True, slots=True)
class EngineItem:
    """Something that is at an engine.

    `settings` have the fields that a change of this kind may ask for. `id` is what the engine calls
    it by, `status` the engine's own word for how it is (`CREATING`); empty when it has none.
    """

    settings: Settings
    id: str = ""
    status: str = ""


class Engine(Protocol):
    """A server-side engine at one host."""

    @property
    def name(self) -> str:
        """Which engine and where, as in `Harbor at harbor.example.com`."""

    async def read(self, kind: str, name: str) -> EngineItem | None:
        """Return what is there, asked anew; None when it isn't. Raises what stands in the way."""

    async def make(self, change: Change, gives: GetLogin) -> None:
        """Make one change. Raises why it can't be made.

        What takes a while at the engine is only begun; `read` tells how it is.
        """


_CHANGES = "changes.json"
_JOURNAL = "journal.jsonl"
_LOCK = "lock"
_T = TypeVar("_T")


class ChangeStep(StrEnum):
    """How far a change got."""

    WAITING = "waiting"
    """It wasn't begun."""
    BEGUN = "begun"
    """It was sent, or was about to be: whether it was made isn't known."""
    MADE = "made"
    FAILED = "failed"


class AgreedChanges(msgspec.Struct, frozen=True):
    """What the operator agreed to.

    `engine` and `host` say where, `who` which engine by its kind. `undoes` is the id of the
    delegation that it takes back, empty when it does something new.
    """

    who: str
    host: str
    engine: str
    purpose: str
    created: float
    changes: tuple[Change, ...]
    undoes: str = ""


class ChangeJournalLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the journal: when (seconds since the epoch), which change (from 0), and what.

    `found` is what was read there after it was made.
    """

    at: float
    change: int
    step: ChangeStep
    why: str = ""
    found: Settings | None = None


@dataclass(frozen=True, slots=True)
class Delegation:
    """One delegation, as its journal tells. `lines` are the last of each change, by its number."""

    id: str
    agreed: AgreedChanges
    lines: tuple[ChangeJournalLine | None, ...]

    def step(self, number: int) -> ChangeStep:
        """Return how far a change got."""
        line = self.lines[number]
        return line.step if line else ChangeStep.WAITING

    @property
    def is_whole(self) -> bool:
        """Whether each change was made."""
        return all(self.step(number) is ChangeStep.MADE for number in range(len(self.lines)))


class ChangeJournal:
    """All delegations, below one folder.

    All methods raise BadFile when a file can't be read, written or understood.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def begin(self, who: str, host: str, changes: ChangeSet, *, undoes: str = "") -> str:
        """Keep what was agreed to, and return the id of the delegation."""
        created = self._clock.now()
        day = datetime.fromtimestamp(created, UTC).strftime("%Y%m%d")
        identity = f"{day}-{secrets.token_hex(3)}"
        agreed = AgreedChanges(
            who, host, changes.engine, changes.purpose, created, changes.to_make, undoes
        )
        with _bad_file_named(self._folder):
            folder = private_folder(self._folder / identity)
            # Last, because a folder without it is no delegation.
            private_file(folder / _JOURNAL)
            _write_durably(folder / _CHANGES, msgspec.json.encode(agreed))
        return identity

    def all(self) -> tuple[Delegation, ...]:
        """Return all delegations, the oldest first."""
        if not self._folder.is_dir():
            return ()
        found = (path.name for path in self._folder.iterdir() if (path / _CHANGES).is_file())
        return tuple(sorted(map(self.read, found), key=lambda each: each.agreed.created))

    def find(self, name: str) -> Delegation:
        """Return the delegation with this id, or the only one whose id begins so.

        Raises DelegationNotFound.
        """
        known = [each for each in self.all() if each.id.startswith(name)]
        exact = [each for each in known if each.id == name]
        if not exact and len(known) != 1:
            raise errors.DelegationNotFound(repr(name))
        return (exact or known)[0]

    def read(self, identity: str) -> Delegation:
        """Return a delegation as its journal tells now."""
        folder = self._folder / identity
        with _bad_file_named(folder):
            agreed = _decode((folder / _CHANGES).read_bytes(), AgreedChanges)
            lines: list[ChangeJournalLine | None] = [None] * len(agreed.changes)
            for text in (folder / _JOURNAL).read_bytes().splitlines(keepends=True):
                if not text.endswith(b"\n"):
                    break  # A line that a crash cut off was not acted on.
                line = _decode(text, ChangeJournalLine)
                lines[line.change] = line
        return Delegation(identity, agreed, tuple(lines))

    def note(
        self,
        identity: str,
        number: int,
        step: ChangeStep,
        why: str = "",
        found: Settings | None = None,
    ) -> None:
        """Write a line to the disk."""
        line = ChangeJournalLine(self._clock.now(), number, step, why, found)
        with _bad_file_named(self._folder / identity):
            _append_durably(self._folder / identity / _JOURNAL, msgspec.json.encode(line) + b"\n")

    @contextmanager
    def working_on(self, identity: str) -> Iterator[None]:
        """Keep other Transships from working on it meanwhile. Raises DelegationBusy."""
        with held(self._folder / identity / _LOCK) as had:
            if not had:
                raise errors.DelegationBusy(identity)
            yield


@contextmanager
def _bad_file_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, msgspec.MsgspecError, IndexError) as error:
        raise errors.BadFile(f"{path}: {error}") from error


def _decode(data: bytes, kind: type[_T]) -> _T:
    return msgspec.json.decode(data, type=kind)


def _write_durably(path: Path, data: bytes) -> None:
    fresh = private_file(path.with_name(f".{path.name}.new"))
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync_folder(path.parent)


def _append_durably(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        whole = file.read()
        # What a crash cut off is taken away, so that the next line is one.
        file.seek(whole.rfind(b"\n") + 1)
        file.truncate()
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class DelegationStatus(StrEnum):
    """How far a delegation came. The values are stable."""

    MADE = "made"
    PARTLY = "partly made"
    NOT = "not made"
    UNDONE = "taken back"


class ItemStatus(StrEnum):
    """How something is now, against what a delegation asked for. The values are stable."""

    AS_MADE = "as made"
    OTHERWISE = "changed since"
    GONE = "gone"
    AS_BEFORE = "as before"


@dataclass(frozen=True, slots=True)
class DelegatedItem:
    """Something that a delegation is about, as it is now. `said` is the engine's word for it."""

    number: int
    change: Change
    now: ItemStatus
    is_there: bool
    said: str = ""


def delegation_status(delegation: Delegation, every: Iterable[Delegation]) -> DelegationStatus:
    """Return how far a delegation came; `every` are all there are, those that undo it too.

    What was undone and whose undoing was undone in turn, is there again.
    """
    every = tuple(every)
    undone_by = (each for each in every if each.agreed.undoes == delegation.id)
    if any(
        each.is_whole and delegation_status(each, every) is not DelegationStatus.UNDONE
        for each in undone_by
    ):
        return DelegationStatus.UNDONE
    if delegation.is_whole:
        return DelegationStatus.MADE
    steps = {delegation.step(number) for number in range(len(delegation.lines))}
    return (
        DelegationStatus.NOT
        if steps <= {ChangeStep.WAITING, ChangeStep.FAILED}
        else DelegationStatus.PARTLY
    )


async def read_items(delegation: Delegation, engine: Engine) -> tuple[DelegatedItem, ...]:
    """Return how everything is that a delegation is about. Only reads."""
    count = len(delegation.agreed.changes)
    return tuple([await read_item(delegation, number, engine) for number in range(count)])


async def read_item(delegation: Delegation, number: int, engine: Engine) -> DelegatedItem:
    """Return how one of the things is that a delegation is about. Only reads."""
    change = delegation.agreed.changes[number]
    there = await engine.read(change.kind, change.name)
    said = there.status if there else ""
    return DelegatedItem(number, change, _item_status(change, there), there is not None, said)


def _item_status(change: Change, found: EngineItem | None) -> ItemStatus:
    if found is None:
        return ItemStatus.AS_MADE if change.after is None else _status_when_absent(change)
    if change.after is not None and has_settings(found.settings, change.after):
        return ItemStatus.AS_MADE
    if change.before is not None and has_settings(found.settings, change.before):
        return ItemStatus.AS_BEFORE
    return ItemStatus.OTHERWISE


def _status_when_absent(change: Change) -> ItemStatus:
    return ItemStatus.AS_BEFORE if change.before is None else ItemStatus.GONE


_MADE_BY_OTHERS = (errors.AlreadyThere, errors.CloudHasIt)
"""What says that somebody else was first."""


@dataclass(frozen=True, slots=True)
class AppliedChange:
    """A change that was made, and what was read there afterwards (None: it is gone)."""

    number: int
    change: Change
    found: EngineItem | None


async def apply_changes(
    identity: str, engine: Engine, gives: GetLogin, journal: ChangeJournal
) -> AsyncIterator[AppliedChange]:
    """Make the changes of a delegation that weren't made yet, in order; give each when it is.

    The first that fails is journalled, and raises its error: the rest waits, and can be gone on
    with by calling this again. A change that a crash left uncertain is looked at first. Raises
    ChangedMeanwhile when something isn't as it was when it was shown, NotAsAsked when what is read
    back isn't what was asked for, TakenBack when all of it was undone.
    """
    with journal.working_on(identity):
        delegation = journal.read(identity)
        if delegation_status(delegation, journal.all()) is DelegationStatus.UNDONE:
            raise errors.TakenBack(identity)
        for number, change in enumerate(delegation.agreed.changes):
            step = delegation.step(number)
            if step is ChangeStep.MADE:
                continue
            begun = step is not ChangeStep.WAITING

            def begin(number: int = number) -> None:
                journal.note(identity, number, ChangeStep.BEGUN)

            try:
                found = await _apply_change(change, engine, gives, begin, begun=begun)
            except TransshipError as error:
                # What is there then isn't ours to go on with or undo.
                never_sent = journal.read(identity).step(number) is ChangeStep.WAITING
                of_others = isinstance(error, _MADE_BY_OTHERS) and not begun
                failed = ChangeStep.WAITING if never_sent or of_others else ChangeStep.FAILED
                journal.note(identity, number, failed, str(error))
                raise
            settings = found.settings if found else None
            journal.note(identity, number, ChangeStep.MADE, found=settings)
            yield AppliedChange(number, change, found)


async def _apply_change(
    change: Change, engine: Engine, gives: GetLogin, begin: Callable[[], None], *, begun: bool
) -> EngineItem | None:
    found = await engine.read(change.kind, change.name)
    # What is as it should be before anything was sent is somebody else's doing, not to be undone.
    if not (begun and is_set_to(found, change.after)):
        if not is_set_to(found, change.before) and not (begun and is_half_replaced(found, change)):
            raise errors.ChangedMeanwhile(f"{change.kind} {change.name}")
        begin()
        await engine.make(change, gives)
        found = await engine.read(change.kind, change.name)
    if not is_set_to(found, change.after):
        raise errors.NotAsAsked(f"{change.kind} {change.name}{_difference(change, found)}")
    return found


def is_set_to(found: EngineItem | None, settings: Settings | None) -> bool:
    if found is None or settings is None:
        return found is None and settings is None
    return has_settings(found.settings, settings)


def is_half_replaced(found: EngineItem | None, change: Change) -> bool:
    """Tell whether it was taken away, and not added again yet."""
    return change.anew and change.does is ChangeAction.CHANGE and found is None


def _difference(change: Change, found: EngineItem | None) -> str:
    if change.does is ChangeAction.DELETE:
        return " is there still"
    if found is None or change.after is None:
        return " isn't there"
    names = [
        name
        for name, value in change.after.items()
        if name not in found.settings or found.settings[name] != value
    ]
    return f": {', '.join(names)}"
