"""`transship cutover DOMAIN delta|keep`, and the rounds beside `watch` and before `rollback`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from transship.cutover.catchup import QUIET_ROUNDS, KeptSide, round_words, tag_name
from transship.cutover.progress import CutoverState
from transship.cutover.status import CHANGED_STATES
from transship.errors import BadRequest, CheckFailed, RollbackBlocked, TransshipError
from transship.reports.cutover import cutover_document
from transship.text import counted, safe
from transship.views.cutover import catchup_words, undecided_tags
from transship_tui.commands.asking import ask
from transship_tui.commands.output import say, show, show_json
from transship_tui.commands.status import watched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence

    from transship.app.application import Application
    from transship.cutover.status import CutoverStatus

_LEFT = 1
_ASKS = CheckFailed.exit_status


async def one_delta(engine: Application, name: str, *, yes: bool, as_json: bool) -> int:
    """Compare both registries, and copy what was pushed to the old one alone if that is wanted.

    Returns 0 when they are in step, 3 when somebody has to decide about tags, 1 when something
    wasn't copied.
    """
    if not yes:
        standing = await _waited("comparing both registries", engine.cutovers.rounds.compare(name))
        yes = _asked(standing)
    if yes:
        standing = await _waited("comparing and copying", engine.cutovers.rounds.catch_up(name))
    if as_json:
        show_json(cutover_document(standing, engine.clock.now()))
    else:
        for line in delta_lines(standing):
            show(line)
    return status_of(standing)


def _asked(standing: CutoverStatus) -> bool:
    """Ask whether what was pushed to the old registry is to be copied, if anything was."""
    copies = standing.rounds[-1].left.copies
    if not copies:
        return False
    if not sys.stdin.isatty():
        say("nothing is copied; --yes copies without asking")
        return False
    for line in delta_lines(standing):
        say(line)
    question = f"Copy {counted(len(copies), 'tag')} to {safe(standing.subject.new)}? [y/N] "
    return ask(question).lower() in ("y", "yes")


def status_of(standing: CutoverStatus) -> int:
    """Return the exit status that the last round comes to."""
    if undecided_tags(standing):
        return _ASKS
    last = standing.rounds[-1] if standing.rounds else None
    return _LEFT if last is not None and last.left.copies else 0


def keep_tags(engine: Application, name: str, words: Sequence[str]) -> int:
    """Say which registry's image tags are to have that both have pushed. Raises BadRequest."""
    if len(words) < 2 or words[0] not in get_args(KeptSide):
        raise BadRequest("keep needs old or new, and REPOSITORY:TAG", remedy="keep old team/app:1")
    keep: KeptSide = "old" if words[0] == "old" else "new"
    for tag in words[1:]:
        standing = engine.cutovers.rounds.keep_tag(name, tag, keep)
        show(safe(f"{tag}: what {getattr(standing.subject, keep)} has is kept"))
    say("the next round does it: transship cutover DOMAIN delta")
    return 0


def delta_lines(standing: CutoverStatus) -> Iterator[str]:
    """Give what the last round has found, and who has to decide what."""
    yield f"Both registries: {catchup_words(standing)}"
    if standing.rounds:
        yield from (
            safe(f"  not copied: {repository}:{tag}: {why}")
            for repository, tag, why in standing.rounds[-1].failed
        )
    for pair in undecided_tags(standing):
        old, new = pair.old or "deleted", pair.new or "deleted"
        yield safe(f"  {tag_name(pair)}  old {old}  new {new}", limit=600)
    if undecided_tags(standing):
        yield "  decide each: transship cutover DOMAIN keep old|new REPOSITORY:TAG"


class Rounds:
    """What the rounds beside a watch have come to. `quiet` writes nothing."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.going = False
        self._quiet = quiet
        self._told = ""

    def over(self, standing: CutoverStatus) -> bool:
        """Tell whether nothing more has to be waited for."""
        return not self.going or standing.state is CutoverState.ROLLED_BACK

    def tell(self, standing: CutoverStatus) -> None:
        """Write what is new in the last round, or what is in its way."""
        words = standing.checking
        if not words and standing.rounds:
            words = round_words(standing.rounds[-1])
            if standing.quiet >= QUIET_ROUNDS:
                words = catchup_words(standing)
        if words and words != self._told and not self._quiet:
            show(safe(f"  Both registries: {words}", limit=400))
        self._told = words


@asynccontextmanager
async def rounds_beside(
    engine: Application, name: str, *, wanted: bool, quiet: bool
) -> AsyncIterator[Rounds]:
    """Go on with rounds while something else is done.

    Why they had to end is said at once, and raised at the end.
    """
    rounds = Rounds(quiet=quiet)

    async def go() -> None:
        try:
            async with aclosing(engine.cutovers.rounds.run(name)) as standings:
                async for standing in standings:
                    rounds.tell(standing)
        except TransshipError as error:
            say(safe(f"  Both registries: no more rounds: {error}", limit=400))
            raise
        finally:
            rounds.going = False

    if not wanted:
        yield rounds
        return
    rounds.going = True
    task = asyncio.create_task(go())
    try:
        yield rounds
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Loss:
    """What is to become of what only the new registry has, when the record goes back."""

    copy_back: bool = False
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """How a cutover stands before it goes back; `failed` is why nothing could be compared."""

    standing: CutoverStatus
    failed: str = ""


async def before_going_back(
    engine: Application, standing: CutoverStatus, loss: Loss, *, quiet: bool = False
) -> Compared:
    """Compare both registries, and copy back what only the new one has if that is wanted.

    What was accepted to be lost isn't compared: going back may be urgent. `quiet` writes nothing
    of what was copied to standard output.
    """
    changed = standing.state in CHANGED_STATES
    if loss.copy_back and (changed or standing.state is CutoverState.ROLLED_BACK):
        try:
            copying = engine.cutovers.rounds.copy_back(standing.name)
            standing = await _waited("copying back", copying)
        except TransshipError as error:
            if not error.retryable:
                raise
            return Compared(standing, f"nothing can be copied back: {error}")
        for line in delta_lines(standing):
            (say if quiet else show)(line)
    elif changed and standing.subject.old and not loss.accepted:
        try:
            comparing = engine.cutovers.rounds.compare(standing.name)
            return Compared(await _waited("comparing both registries", comparing))
        except TransshipError as error:
            return Compared(standing, f"both registries can't be compared: {error}")
    return Compared(standing)


def way_back_blocked(why: str, *, never: bool) -> RollbackBlocked:
    """Return that going back is blocked, and what can be done about it."""
    if never:
        return RollbackBlocked(why)
    return RollbackBlocked(
        why,
        remedy="--copy-back copies to the old registry first what only the new one has; "
        "--accept-loss gives it up.",
    )


async def _waited(words: str, doing: Awaitable[CutoverStatus]) -> CutoverStatus:
    async with watched(lambda: words):
        return await doing
