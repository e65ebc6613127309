"""What would be changed at an engine, in a form that can be shown before it is made. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from transship.errors import TransshipError

Settings = Mapping[str, Any]
"""What something at an engine is set to: JSON values by the engine's own names of fields.

No secret is ever in it. Where the engine is handed the login of an account, the value says whose.
"""


class Does(StrEnum):
    """What a change does."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    LEAVE = "leave"
    """Nothing: it is as it should be."""


@dataclass(frozen=True, slots=True)
class Field:
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

    does: Does
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
    def fields(self) -> tuple[Field, ...]:
        """What it sets to something else, by the names of the fields."""
        before, after = self.before or {}, self.after or {}
        names = after if self.after is not None else before
        return tuple(
            Field(name, before.get(name), after.get(name))
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
        return tuple(change for change in self.changes if change.does is not Does.LEAVE)

    @property
    def gives(self) -> tuple[str, ...]:
        """The hosts of all accounts whose login the engine is handed, in order."""
        return tuple(dict.fromkeys(host for change in self.to_make for host in change.gives))


def change_to(
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
        return Change(Does.DELETE, kind, name, before, None, warns=warns)
    if before is None:
        return Change(Does.CREATE, kind, name, None, after, gives, warns)
    if holds(before, after):
        return Change(Does.LEAVE, kind, name, before, after)
    return Change(Does.CHANGE, kind, name, before, after, gives, warns, anew)


def holds(found: Settings, asked: Settings) -> bool:
    """Tell whether every field that is asked for is set so in what was found."""
    return all(name in found and found[name] == value for name, value in asked.items())


def undone(change: Change, warns: tuple[str, ...] = ()) -> Change:
    """Return what leads back from a change that was made; `warns` is what to know before that."""
    before, after = change.before, change.after
    if before is not None and after is not None:
        before = {name: before.get(name) for name in after}
    return change_to(
        change.kind, change.name, after, before, gives=change.gives, warns=warns, anew=change.anew
    )
