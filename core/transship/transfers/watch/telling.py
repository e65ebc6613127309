"""What a watch tells who looks on: each thing once, until it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from transship.errors import ManifestNotFound
from transship.plans.schedule import LOCAL
from transship.text import counted
from transship.transfers.jobs import Job
from transship.transfers.watch.away import Absence
from transship.transfers.watch.looks import Look
from transship.transfers.work import Copy

_EXAMPLES = 3


class Telling:
    """Tells lines with `tell`, and of each thing only what is news."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self._said: dict[str, int] = {}

    def once(self, about: str, line: str, what: object = None) -> None:
        """Tell a line, unless `what` it says, or the line, was the last that was told of this."""
        key = hash(line if what is None else what)
        if self._said.get(about, hash("")) != key:
            self._said[about] = key
            if line:
                self.tell(line)

    def not_done(self, found: Look, left_out: Iterable[str]) -> None:
        """Tell what a look has found that isn't done.

        Because of what is `left_out` nothing is deleted.
        """
        examples = "; ".join(copy.reason for copy in found.blocked[:_EXAMPLES])
        more = len(found.blocked) - _EXAMPLES
        more_words = f"; and {more:,} more" if more > 0 else ""
        count = counted(len(found.blocked), "image")
        self.once(
            "blocked",
            f"{count} can't be copied: {examples}{more_words}" if examples else "",
            frozenset((copy.source, copy.reason) for copy in found.blocked) if examples else None,
        )
        self._unknown(found)
        gone = frozenset(each.target for each in found.inventory.vanished.found)
        away = ", ".join(sorted(left_out))
        self.once("deletions away", f"nothing is deleted while {away} is left out" if away else "")
        self.once(
            "deletions",
            f"nothing is deleted: {found.undone}" if found.undone else "",
            gone if found.undone else None,
        )

    def _unknown(self, found: Look) -> None:
        """Tell what the targets didn't say of themselves, so that it couldn't be foreseen."""
        unknown = found.foresight.unknown if found.foresight else ()
        self.once(
            "unknown",
            "; ".join(f"{each.target}: it isn't known {each}" for each in unknown),
            frozenset((u.target, u.what, frozenset(u.of), u.why.cause) for u in unknown)
            if unknown
            else None,
        )

    def away(self, absences: Iterable[Absence]) -> None:
        """Tell which registries are left out, and why."""
        for absence in absences:
            title, detail, _ = absence.problem
            again = datetime.fromtimestamp(absence.again_at, UTC).astimezone(LOCAL)
            self.once(
                f"away {absence.registry}",
                f"{absence.registry} is left out, and asked again from {again:%H:%M:%S} on: "
                f"{title}{': ' if detail else ''}{detail}",
                absence.problem,
            )

    def back(self, registries: Iterable[str]) -> None:
        """Tell which registries answer again."""
        for registry in registries:
            self.once(f"away {registry}", "")
            self.tell(f"{registry} answers again")


def summary(found: Look, copies: tuple[Copy, ...], job: Job | None) -> str:
    """Return in a line what a look has found, and what becomes of it."""
    count = f"{len(found.to_do):,} of {counted(found.found, 'image')} changed"
    if job is not None:
        return f"{count}; job {job.id} copies {len(copies):,}"
    return f"{count}; what failed before waits" if found.to_do else count


def is_gone(copy: Copy) -> bool:
    """Tell whether nothing can be copied since its source isn't there: not only a part of it."""
    problem = copy.problem
    return isinstance(problem, ManifestNotFound) and problem.detail == str(copy.source)


def names(copies: tuple[Copy, ...]) -> str:
    """Return what is copied, in a line that stays short."""
    more = f" and {len(copies) - _EXAMPLES:,} more" if len(copies) > _EXAMPLES else ""
    return ", ".join(str(copy.source) for copy in copies[:_EXAMPLES]) + more
