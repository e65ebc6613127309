"""Following a job: what it does is shown until it stops, or until nobody wants to watch."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from transship.app import NOT_ASKED_TO_DELETE, JobState, JobView, limit_words
from transship.errors import CheckFailed, JobEnded, TransshipError
from transship.text import bytes_text, counted, duration_text, rate_text, safe
from transship_tui.commands.documents import job_document
from transship_tui.commands.output import (
    INTERRUPTED,
    Ink,
    fitted,
    is_screen,
    painted,
    say,
    say_problem,
    show,
    show_json,
    tail,
)
from transship_tui.commands.status import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transship.app import Application, Failure, FollowedJob

_LANES = 4
_CAUSES = 2
_LIMITS = 2
_BAR = 20
_LABEL = 9


def block(view: JobView, now: float, width: int) -> list[str]:
    """Return the lines for a job at `now`, in seconds since the epoch, for `width` columns."""
    if not view.planned:
        first = _labelled(word_of(view), f"{_since(view, now)}  {_found(view)}")
        return [first, *_limits(view, now, width)]
    return [
        _labelled(word_of(view), _times(view, now)),
        _labelled("images", _images(view)),
        *_data(view, width),
        *_limits(view, now, width),
        *_problem(view, width),
        *_lanes(view, width),
        *_failures(view),
    ]


def sentence(view: JobView, now: float) -> str:
    """Return the same in one line, for where lines can't be redrawn."""
    limits = [safe(words) for words in limit_words(view.limits, view.state, now)[:_LIMITS]]
    if not view.planned:
        found = [_found(view)] if view.found else []
        words = ", ".join(found + limits)
        return f"{word_of(view)}: {words}" if words else word_of(view)
    parts = [f"{word_of(view)}: {view.counts.ended:,} of {counted(view.counts.total, 'image')}"]
    if view.bytes.total:
        parts += [f"{_moved(view)} ({_percent(view.bytes.done, view.bytes.total)})"]
    if view.rate >= 1:
        parts.append(rate_text(view.rate))
    if view.eta:
        parts.append(f"about {duration_text(view.eta)} left")
    if view.counts.failed:
        parts.append(f"{view.counts.failed:,} failed")
    if view.problem is not None:
        parts.append(safe(view.problem[1] or view.problem[0]))
    return ", ".join(parts + limits)


def word_of(view: JobView) -> str:
    """Return what the job does at this moment, in a word."""
    if view.pausing:
        return "pausing"
    if view.state is JobState.RUNNING:
        return "copying" if view.planned else "looking"
    return "starting" if view.state is JobState.WAITING else str(view.state)


def _labelled(label: str, text: str) -> str:
    return f"{label:<{_LABEL}}{text}"


def _since(view: JobView, now: float) -> str:
    return duration_text(view.took(now))


def _found(view: JobView) -> str:
    return f"{counted(view.found, 'image')} found so far"


def _times(view: JobView, now: float) -> str:
    left = f", about {duration_text(view.eta)} left" if view.eta else ""
    return f"{_since(view, now)}{left}"


def _images(view: JobView) -> str:
    counts = view.counts
    parts = (
        (counts.copied, "copied"),
        (counts.same, "same"),
        (counts.deleted, "deleted"),
        (counts.skipped, "skipped"),
    )
    details = [f"{count:,} {word}" for count, word in parts if count]
    details += [f"{counts.failed:,} FAILED"] if counts.failed else []
    detail = f"  ({', '.join(details)})" if details else ""
    return f"{counts.ended:,} of {counts.total:,}{detail}"


def _data(view: JobView, width: int) -> Iterator[str]:
    done, total = view.bytes.done, view.bytes.total
    if not total:
        return
    text = f"{_percent(done, total):>4}  {_moved(view)}"
    if view.rate >= 1:
        text += f"  {rate_text(view.rate)}"
    room = min(_BAR, width - _LABEL - len(text) - 3)
    yield _labelled("data", f"{_bar(done / total, room)} {text}" if room > 4 else text.strip())
    if view.bytes.saved:
        yield _labelled("saved", f"{bytes_text(view.bytes.saved)} that needn't be sent")


def _limits(view: JobView, now: float, width: int) -> Iterator[str]:
    words = limit_words(view.limits, view.state, now)
    for number, each in enumerate(words[:_LIMITS]):
        yield _labelled("" if number else "limits", tail(safe(each), width - _LABEL - 1))


def _problem(view: JobView, width: int) -> Iterator[str]:
    if view.problem is not None:
        title, detail, _ = map(safe, view.problem)
        words = f"{title}: {detail}" if detail else title
        yield _labelled("problem", fitted(words, width - _LABEL - 1))


def _lanes(view: JobView, width: int) -> Iterator[str]:
    largest = sorted(view.lanes, key=lambda lane: lane.size, reverse=True)
    whats = [safe(lane.what) for lane in largest[:_LANES]]
    longest = max(map(len, whats), default=0)
    for what, lane in zip(whats, largest, strict=False):
        moved = f"{_percent(lane.moved, lane.size):>4} of {bytes_text(lane.size)}"
        room = min(longest, width - 2 - 2 - len(moved))
        yield f"  {tail(what, room):<{max(room, 0)}}  {moved}"
    if len(largest) > _LANES:
        yield f"  and {len(largest) - _LANES} more"


def _failures(view: JobView) -> Iterator[str]:
    for failure in view.failures[:_CAUSES]:
        example = f": {safe(failure.examples[0][0])}" if failure.examples else ""
        yield _labelled("failed", f"{failure.count:,}  {safe(failure.title)}{example}")


def _moved(view: JobView) -> str:
    return f"{bytes_text(view.bytes.done)} of {bytes_text(view.bytes.total)}"


def _percent(part: int, whole: int) -> str:
    return f"{min(100, part * 100 // whole)}%" if whole else "100%"


def _bar(share: float, room: int) -> str:
    filled = round(share * room)
    return f"[{'=' * filled}{' ' * (room - filled)}]"


_INKS = {JobState.DONE: Ink.GOOD, JobState.FAILED: Ink.BAD}


def summary(view: JobView) -> Iterator[str]:
    """Give the lines that say what became of a job."""
    word = painted(str(view.state), _INKS.get(view.state, Ink.WARNING), sys.stdout)
    yield f"{word}  {safe(view.source)} → {safe(view.target)}"
    if view.counts.total or view.problem is None:
        yield f"  {_counts(view)}"
    if view.bytes.total:
        yield f"  {_bytes(view)}"
    if view.trust is not None:
        yield f"  {safe(view.trust.words)}"
    for failure in view.failures:
        yield from _failure(failure)


def _counts(view: JobView) -> str:
    counts = view.counts
    parts = (
        (counts.copied, "copied"),
        (counts.same, "already the same"),
        (counts.deleted, "deleted"),
        (counts.skipped, "skipped"),
        (counts.failed, "failed"),
        (counts.waiting, "not begun or not finished"),
    )
    details = ", ".join(f"{count:,} {word}" for count, word in parts if count)
    return f"{counted(counts.total, 'image')}: {details}" if details else "no images"


def _bytes(view: JobView) -> str:
    text = f"{bytes_text(view.bytes.sent)} sent"
    if view.bytes.saved:
        text += f", {bytes_text(view.bytes.saved)} saved"
    seconds = view.took(view.ended or view.created)
    if seconds < 1:
        return text
    return f"{text}, {duration_text(seconds)} ({rate_text(view.bytes.sent / seconds)})"


def _failure(failure: Failure) -> Iterator[str]:
    title = painted(safe(failure.title), Ink.BAD, sys.stdout)
    yield f"  {counted(failure.count, 'image')} failed: {title}"
    for what, why in failure.examples:
        yield f"    {safe(what)}"
        if why and why != what:
            yield f"      {safe(why)}"
    if failure.count > len(failure.examples):
        yield f"    and {failure.count - len(failure.examples):,} more"
    yield f"    → {safe(failure.remedy)}"


_LOOK_SECONDS = 0.25
_LOOK_SECONDS_FAR = 0.75
_POLL_SECONDS = 0.05
_POLL_SECONDS_AT_FIRST = 0.01
_AT_FIRST_SECONDS = 2.0
"""So long a job may be over in a moment, and then nobody should wait for a look."""

_LINE_SECONDS = 10.0


class OnInterrupt(Enum):
    """What Ctrl-C does to the job that is followed."""

    PAUSE = "pause"
    """It is asked to pause, and followed until it has; Ctrl-C again leaves it to that."""
    LEAVE = "leave"
    """It goes on, unwatched."""


class Display(Protocol):
    """Shows a job while it runs."""

    def tell(self, line: str) -> None:
        """Write a line that stays."""

    def show(self, view: JobView, note: str) -> None:
        """Show the job as it is now, and what there is to say of it."""

    def close(self) -> None:
        """Make room for what comes after."""


def follow(
    app: Application, job: str, *, on_interrupt: OnInterrupt, verbose: bool = False
) -> JobView | None:
    """Show a job until its process lets go of it; return how it looks then.

    With `verbose` the lines of its log are shown too, from the first that is kept.
    Returns None when Ctrl-C left it. Raises RunnerFailed when its process is gone without having
    ended it.
    """
    display: Display = ScreenDisplay() if is_screen(sys.stderr) else LineDisplay()
    try:
        with app.jobs.follow(job) as followed, _interrupts() as interrupts:
            view = _watch(followed, display, interrupts, on_interrupt, verbose=verbose)
    finally:
        display.close()
    if view is not None:
        app.jobs.check_ended(view)
    return view


def leave(app: Application, job: str, *, as_json: bool) -> int:
    """Write that a job was begun and is left to itself; return the exit status."""
    if as_json:
        show_json(job_document(app.jobs.find(job)))
    else:
        show(job)
    say(f"it runs by itself; `transship attach {job}` follows it")
    return 0


def finish(
    app: Application, job: str, view: JobView | None, *, as_json: bool, adhoc: str = ""
) -> int:
    """Write how a followed job ended, or that it was left, and return the exit status.

    `adhoc` are the options for hosts that are no account, which a next command needs as well.
    """
    if view is None:
        say(f"job {job} goes on; `transship attach {job}` follows it")
        return INTERRUPTED
    status = show_end(view, as_json=as_json)
    if not as_json and (left := app.jobs.undeleted(job)):
        words = f"{counted(left, 'tag')} skipped: {NOT_ASKED_TO_DELETE}"
        say(f"{words}, with `transship run PLAN --delete`")
    if view.signed_out:
        return status  # The problem has said already what goes on with it.
    if view.state is JobState.PAUSED:
        say(f"paused; `transship resume {job}{adhoc}` goes on")
    elif view.stopped and not as_json:
        say("next: change the plan and run it again; this job keeps the plan that it began with")
    elif view.state is JobState.FAILED and not as_json:
        say(f"next: `transship retry {job}{adhoc}` tries again what failed")
    elif view.state is JobState.DONE and not as_json:
        say(f"next: `transship verify {job}{adhoc}` proves that all of it is there")
    return status


def show_end(view: JobView, *, as_json: bool = False) -> int:
    """Write how a job ended, and return the exit status for that."""
    if as_json:
        show_json(job_document(view))
    else:
        for line in summary(view):
            show(line)
    if view.problem is not None:
        say_problem(*view.problem)
    if view.stopped:
        return CheckFailed.exit_status
    return status_of(view)


def status_of(view: JobView) -> int:
    """Return the exit status for how a job stands that nobody works on."""
    if view.state is JobState.PAUSED:
        return TransshipError.exit_status if view.signed_out else INTERRUPTED
    return 0 if view.state is JobState.DONE else TransshipError.exit_status


class ScreenDisplay:
    """A block of lines on a terminal, redrawn in place."""

    def __init__(self) -> None:
        self._screen = Screen(sys.stderr)

    def show(self, view: JobView, note: str) -> None:
        """Redraw the block."""
        lines = block(view, time.time(), self._screen.width)
        self._screen.draw([f"{lines[0]}  {note}" if note else lines[0], *lines[1:]])

    def tell(self, line: str) -> None:
        """Write a line above the block."""
        self._screen.clear()
        say(line)

    def close(self) -> None:
        """Take the block away."""
        self._screen.clear()


class LineDisplay:
    """A line now and then: when the job does something else, and else every ten seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._word = ""
        self._line = ""
        self._next = 0.0

    def show(self, view: JobView, note: str) -> None:
        """Write a line if it is time for one."""
        word, line = word_of(view), sentence(view, time.time())
        due = self._now() >= self._next and line != self._line
        if view.state is not JobState.RUNNING or (word == self._word and not due):
            return
        say(f"{line} ({note})" if note else line)
        self._word, self._line, self._next = word, line, self._now() + _LINE_SECONDS

    def tell(self, line: str) -> None:
        """Write a line."""
        say(line)

    def close(self) -> None:
        """Nothing stands in the way."""


def _watch(
    job: FollowedJob,
    display: Display,
    interrupts: Callable[[], int],
    on_interrupt: OnInterrupt,
    *,
    verbose: bool,
) -> JobView | None:
    seconds = _LOOK_SECONDS_FAR if os.environ.get("SSH_CONNECTION") else _LOOK_SECONDS
    answered = 0
    began = time.monotonic()
    while True:
        # Asked first: what is seen of a job that nobody holds any more is its end.
        held = job.is_held
        view = job.look()
        for at, level, words in job.log() if verbose else ():
            moment = datetime.fromtimestamp(at)
            display.tell(f"{moment:%m-%d %H:%M:%S}  {level:<7}  {safe(words)}")
        if not held:
            return view
        display.show(view, "Ctrl-C again leaves it to that" if answered else "")
        now = time.monotonic()
        until, young = now + seconds, now < began + _AT_FIRST_SECONDS
        while time.monotonic() < until and interrupts() == answered and job.is_held:
            time.sleep(_POLL_SECONDS_AT_FIRST if young else _POLL_SECONDS)
        if interrupts() > answered:
            answered += 1
            if on_interrupt is OnInterrupt.LEAVE or answered > 1:
                return None
            with suppress(JobEnded):
                job.pause()


@contextmanager
def _interrupts() -> Iterator[Callable[[], int]]:
    """Count Ctrl-C while this is entered, so that it never strikes in the middle of a line."""
    count = 0

    def interrupted(*_: object) -> None:
        nonlocal count
        count += 1

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield lambda: count
    finally:
        signal.signal(signal.SIGINT, before)
