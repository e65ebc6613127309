"""What would be changed at an engine, as lines and as JSON; asked about, and made."""

from __future__ import annotations

import shlex
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from transship.clock import SystemClock
from transship.engines.changes import ChangeAction, ChangeJournal, apply_changes
from transship.engines.reach import AccountReach, login_at
from transship.errors import BadHost, BadRequest
from transship.oci.reference import Reference
from transship.text import counted, safe
from transship_tui.commands.asking import ask
from transship_tui.commands.output import (
    Ink,
    painted,
    say,
    say_problem,
    show,
    show_json,
    width_of,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from typing import TextIO

    from transship.engines.changes import Change, ChangeSet, Engine
    from transship.engines.reach import EngineReach
    from transship.errors import TransshipError
    from transship.registry.access import Access
    from transship.registry.credential import Credential
    from transship_tui.commands.session import Session

REFUSED = 3
"""The exit status where something stands in the way."""

_LONGEST = 4000
_MARKS = {
    ChangeAction.CREATE: ("+", Ink.GOOD),
    ChangeAction.CHANGE: ("~", Ink.WARNING),
    ChangeAction.DELETE: ("-", Ink.BAD),
    ChangeAction.LEAVE: ("=", Ink.QUIET),
}


@asynccontextmanager
async def reached(session: Session) -> AsyncIterator[AccountReach]:
    """Open what the operator's accounts lead to, for as long as the block lasts."""

    async def access(host: str) -> Access:
        return await session.access(Reference(host))

    async with AccountReach(access, SystemClock()) as reach:
        yield reach


def host_named(session: Session, text: str) -> str:
    """Return the host that a word of the line names; an alias may stand for it.

    Raises BadHost and BadReference.
    """
    reference = session.reference(text)
    if reference.layout is not None or reference.repository:
        raise BadHost(f"{text!r} is more than a host")
    return reference.registry


def journal_of(session: Session) -> ChangeJournal:
    """Return the journal of all delegations."""
    return ChangeJournal(session.paths.delegations, SystemClock())


def lines_of(changes: ChangeSet, stream: TextIO) -> Iterator[str]:
    """Give what would be created, changed, left and taken away, and what to know of it.

    Each field that is set has a line: what it will be, and before that what it was.
    """
    width = width_of(stream)
    yield from wrapped(f"{changes.engine}: {changes.purpose}", "", width)
    for change in changes.changes:
        yield ""
        yield from _change_lines(change, stream, width)
    if changes.notes:
        yield ""
        for note in changes.notes:
            yield from wrapped(note, "", width)


def say_refusals(changes: ChangeSet) -> None:
    """Write what is in the way, each with what to do about it."""
    for refusal in changes.refusals:
        say_problem(refusal.title, refusal.detail, refusal.remedy)


def show_changes(changes: ChangeSet, *, as_json: bool) -> int:
    """Write what would be changed, and return the exit status: 3 where something is in the way."""
    if as_json:
        show_json(changes_document(changes))
    else:
        for line in lines_of(changes, sys.stdout):
            show(line)
    say_refusals(changes)
    return REFUSED if changes.refusals else 0


def nothing_made(changes: ChangeSet, document: dict[str, object], *, as_json: bool) -> int:
    """Say why nothing is made: something is in the way, or all is as it should be.

    `document` is what is written as JSON. Returns the exit status.
    """
    if as_json:
        show_json(document)
    else:
        for line in lines_of(changes, sys.stderr):
            say(line)
    say_refusals(changes)
    if changes.refusals:
        return REFUSED
    say("all of it is as it should be: nothing to be made")
    return 0


def changes_document(changes: ChangeSet) -> dict[str, object]:
    """Return a set of changes as JSON writes it."""
    return {
        "engine": changes.engine,
        "purpose": changes.purpose,
        "changes": [_change_entry(change) for change in changes.changes],
        "gives": list(changes.gives),
        "notes": list(changes.notes),
        "refusals": [error_entry(error) for error in changes.refusals],
    }


def error_entry(error: TransshipError) -> dict[str, object]:
    """Return an error as JSON writes it."""
    return {
        "cause": error.cause,
        "title": error.title,
        "detail": error.detail,
        "remedy": error.remedy,
    }


def agreed(changes: ChangeSet, *, yes: bool, then: str = "", as_json: bool = False) -> bool:
    """Show the changes, and ask whether to make them.

    `then` is what is done after that, as in `copy 2 tags`. With `as_json` they are written as a
    document too where the answer is no. Raises BadRequest where there is nobody to ask.
    """
    for line in lines_of(changes, sys.stderr):
        say(line)
    if yes:
        return True
    if not sys.stdin.isatty():
        raise BadRequest(
            "There is no terminal to ask on",
            remedy=f"Look at what is shown, then say yes to it: {_line_again()} --yes",
        )
    if ask(_question(changes, then)).lower() in ("y", "yes"):
        return True
    say("nothing was changed")
    if as_json:
        show_json(changes_document(changes))
    return False


def _line_again() -> str:
    """Return the line that was typed; no secret is ever in one."""
    return shlex.join(("transship", *sys.argv[1:]))


async def check_logins(reach: EngineReach, changes: ChangeSet) -> None:
    """Have what the engine is to be handed read, or asked for, before anything is agreed to.

    Raises SignInNeeded where an account has no login.
    """
    for host in changes.gives:
        await login_at(reach, host)


def _question(changes: ChangeSet, then: str) -> str:
    asked = [then] if then else []
    if changes.to_make:
        asked.insert(0, f"make {counted(len(changes.to_make), 'change')}")
    words = ", then ".join(asked)
    return f"{words[0].upper()}{words[1:]}? [y/N] "


async def make_agreed(
    session: Session, reach: EngineReach, engine: Engine, agreement: tuple[str, str],
    changes: ChangeSet,
    *, undoes: str = "",
) -> str:  # fmt: skip
    """Keep what was agreed to, make it, and return the id of the delegation.

    `agreement` is who by its kind, and the host.
    """
    who, host = agreement
    identity = journal_of(session).begin(who, host, changes, undoes=undoes)
    await go_on(session, reach, engine, identity)
    return identity


async def go_on(session: Session, reach: EngineReach, engine: Engine, identity: str) -> None:
    """Make what of a delegation wasn't made yet. What stands in the way is raised."""

    async def gives(host: str) -> Credential:
        return await login_at(reach, host)

    ended = False
    try:
        async for made in apply_changes(identity, engine, gives, journal_of(session)):
            say(safe(f"made and read back: {made.change}"))
        ended = True
    finally:
        if not ended:
            say(
                f"kept as {identity}: `transship delegate resume {identity}` goes on with it, "
                f"`transship delegate undo {identity}` takes back what was made"
            )


def value_text(value: object) -> str:
    """Return a setting as it is shown: text as it is, all else as JSON, nothing as `-`."""
    if value is None or value == "":
        return "-"
    if isinstance(value, str):
        return safe(value, limit=_LONGEST)
    return safe(msgspec.json.encode(value).decode(), limit=_LONGEST)


def _change_lines(change: Change, stream: TextIO, width: int | None) -> Iterator[str]:
    mark, ink = _MARKS[change.does]
    yield painted(f"{mark} {change.does} {safe(f'{change.kind} {change.name}')}", ink, stream)
    if change.does in (ChangeAction.CREATE, ChangeAction.CHANGE):
        for field in change.fields:
            before = None if change.before is None else field.before
            yield from _field_lines(field.name, before, field.after, width, change.does)
    for warning in change.warns:
        yield from wrapped(warning, "    ", width, "! ")


def _field_lines(
    name: str, before: object, after: object, width: int | None, does: ChangeAction
) -> Iterator[str]:
    if does is ChangeAction.CHANGE:
        yield from wrapped(f"{name}: {value_text(before)} → {value_text(after)}", "    ", width)
    elif isinstance(after, list) and after:
        yield f"    {safe(name)}:"
        for each in after:
            yield from wrapped(value_text(each), "      ", width)
    elif after not in (None, ""):
        yield from wrapped(f"{name}: {value_text(after)}", "    ", width)


def _change_entry(change: Change) -> dict[str, object]:
    fields: Sequence[dict[str, object]] = [
        {"name": field.name, "before": field.before, "after": field.after}
        for field in change.fields
    ]
    return {
        "does": str(change.does),
        "kind": change.kind,
        "name": change.name,
        "fields": list(fields),
        "gives": list(change.gives),
        "warns": list(change.warns),
    }
