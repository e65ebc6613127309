"""How everything of a personal account is to be moved, and what would come of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from transship.delegates.changes import ChangeSet
from transship.delegates.tencent.quick.pages import Gap
from transship.plans.plan import OnConflict, Plan
from transship.registry.registry import Visibility
from transship.text import counted


@dataclass(frozen=True, slots=True)
class Terms:
    """How everything of an account is to be moved.

    `newest` takes so many tags of each repository, those pushed last; None takes all. `names` gives
    namespaces other names at the target, `leave_out` leaves some behind. `visibility` says who may
    pull from a namespace that is made; without it, everyone where everyone might pull all that is
    in it, else who is given the right. With `incomplete` what could be listed is moved without the
    rest, with `expose` private images may become public. `target` is the domain of the instance
    that is written to, empty for its public one.
    """

    newest: int | None = None
    on_conflict: OnConflict = OnConflict.FAIL
    names: Mapping[str, str] = field(default_factory=dict)
    leave_out: frozenset[str] = frozenset()
    visibility: Mapping[str, Visibility] = field(default_factory=dict)
    incomplete: bool = False
    expose: bool = False
    target: str = ""


@dataclass(frozen=True, slots=True)
class Collision:
    """A repository that is at the target already, by its name there.

    `both` are the tags that both sides have: whether they are the same the plan finds out, digest
    by digest. `there` are those that only the target has, which stay. Both are None where they
    couldn't be asked for.
    """

    repository: str
    both: frozenset[str] | None = None
    there: frozenset[str] | None = None

    def __str__(self) -> str:
        if self.both is None or self.there is None:
            return f"{self.repository} is there already, and its tags couldn't be listed."
        return (
            f"{self.repository} is there already: {counted(len(self.both), 'tag')} of the same "
            f"name, {counted(len(self.there), 'tag')} that only the target has."
        )


@dataclass(frozen=True, slots=True)
class Quick:
    """What a quick migration would make and copy.

    Without a `plan` there is nothing to copy, or `changes.refusals` say what is in the way.
    `gaps` are all that couldn't be listed: the plan isn't whole while there are any. `empty` are
    the repositories without a tag.
    """

    changes: ChangeSet
    plan: Plan | None = None
    repositories: int = 0
    tags: int = 0
    empty: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    collisions: tuple[Collision, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether everything that the account has was listed."""
        return not self.gaps
