"""A job in a few lines: how far it is as a whole. Text from a job's view, without any widget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from textwrap import wrap

from textual.content import Content

from transship.text import bytes_text, counted, duration_text, rate_text, safe
from transship.transfers.copies import JobState
from transship.transfers.job_view import JobView
from transship.transfers.limits import limit_words
from transship_tui.keys import Chosen, with_keys
from transship_tui.marks import BAD, CARE, NEWS, QUIET, mark
from transship_tui.naming import Naming

_BAR = 20
_HEIGHTS = "▁▂▃▄▅▆▇█"
_MOST_LIMITS = 2
_LEAST_ROOM = 20
_REMEDIES = {
    JobState.WAITING: "its process is being started",
    JobState.PAUSED: "{jobs.resume} goes on with it",
    JobState.INTERRUPTED: "its process ended; {jobs.resume} goes on from where it was",
    JobState.FAILED: "{jobs.retry} tries again what failed",
}
_STOPPED = "change its plan, and run that again: the job keeps its own"
_PAUSING = "its lanes come to a good point first"

Part = str | Content | tuple[str, str]


def total_lines(
    view: JobView,
    now: float,
    width: int,
    naming: Naming,
    keys: Chosen,
    rates: Sequence[float] = (),
) -> Iterator[Content]:
    """Give the lines for a job at `now`, in seconds since the epoch, for `width` cells.

    `rates` are the last rates in bytes per second, the oldest first. Until the inventory has ended
    there is no whole, and so no share of it. `naming` says what places are called, `keys` which
    keys the operator has chosen.
    """
    yield _state(view, now, keys)
    if view.problem is not None:
        title, detail, remedy = map(safe, view.problem)
        yield labelled("Problem", (f"{title}: {detail}" if detail else title, BAD))
        yield labelled("", f"→ {remedy}")
    if view.planned:
        yield labelled("Images", *_images(view))
    elif view.found or not view.state.ended:
        yield labelled("Images", f"{view.found:,} found so far")
    if view.planned and view.bytes.total:
        yield labelled("Data", *_data(view, width, rates))
        yield labelled("Sent", _sent(view, now))
    yield from _limits(view, now, width, naming)


def labelled(label: str, *parts: Part) -> Content:
    """Return a line with what it is about in front."""
    return Content.assemble((f"{label:<8}", QUIET), *parts)


def word_of(view: JobView) -> str:
    """Return the state of a job, in the word that has a mark."""
    return "pausing" if view.pausing else str(view.state)


def share_text(part: int, whole: int) -> str:
    """Return a share that is 100 % only when nothing is missing."""
    return f"{min(100, part * 100 // whole)}%" if whole else ""


def when_text(at: float, now: float) -> str:
    """Return a time as short as it is clear: with the day only if that is another one."""
    then, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now)
    if then.date() == today.date():
        return f"{then:%H:%M}"
    return f"{then:%d %b %H:%M}" if then.year == today.year else f"{then:%d %b %Y}"


def left_text(seconds: float) -> str:
    """Return how long something takes as short as a table has room for."""
    if seconds < 60:
        return f"{seconds:.0f} s left"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min left"
    return f"{seconds / 3600:.0f} h left" if seconds < 360_000 else "days left"


def clock_text(at: float) -> str:
    """Return a time of this session, to the second."""
    return f"{datetime.fromtimestamp(at):%H:%M:%S}"


def sparkline(rates: Sequence[float]) -> str:
    """Return rates as a row of little bars, the highest for the highest rate."""
    most = max(rates, default=0)
    return "".join(_HEIGHTS[round(rate / most * 7)] for rate in rates) if most >= 1 else ""


def _state(view: JobView, now: float, keys: Chosen) -> Content:
    parts: list[Part] = [mark(word_of(view)), "  ", _since(view, now)]
    if view.eta is not None:
        parts.append(f", about {duration_text(view.eta)} left")
    elif view.state is JobState.RUNNING and not view.planned:
        parts.append(", looking at both sides")
    if view.undo is not None:
        parts.append(
            (f"   {'' if view.undo.whole else 'partly '}undone by {safe(view.undo.by)}", CARE)
        )
    remedy = _STOPPED if view.stopped else _REMEDIES.get(view.state)
    remedy = _PAUSING if view.pausing else remedy
    if remedy:
        parts.append((f"   {with_keys(remedy, keys)}", QUIET))
    return Content.assemble(*parts)


def _since(view: JobView, now: float) -> str:
    if view.started is None:
        return f"since {when_text(view.created, now)}"
    if view.state is JobState.RUNNING:
        return duration_text(view.took(now))
    if view.ended is None:
        return f"begun {when_text(view.started, now)}"
    return f"{when_text(view.ended, now)}, after {duration_text(view.took(now))}"


def _images(view: JobView) -> Iterator[Part]:
    counts = view.counts
    yield f"{counts.ended:,} of {counts.total:,}"
    # What failed comes first: it is never cut off.
    parts = (
        (counts.failed, "failed", BAD),
        (counts.copied, "copied", ""),
        (counts.same, "same", ""),
        (counts.deleted, "deleted", ""),
        (counts.skipped, "skipped", ""),
    )
    gap = "   "
    for count, word, color in parts:
        if count:
            yield gap
            yield (f"{count:,} {word}", color)
            gap = " · "


def _data(view: JobView, width: int, rates: Sequence[float]) -> Iterator[Part]:
    done, total = view.bytes.done, view.bytes.total
    share = f"{share_text(done, total):>4}"
    amount = f"{bytes_text(done)} of {bytes_text(total)}"
    rate = rate_text(view.rate) if view.rate >= 1 else ""
    room = width - 8 - len(share) - 2 - len(amount) - (len(rate) + 2 if rate else 0) - 2
    bar = min(_BAR, room) if room >= 10 else 0
    if bar:
        yield from _bar(done / total, bar)
        yield " "
    yield f"{share}  {amount}"
    if not rate:
        return
    yield f"  {rate}"
    left = room - bar - 3
    if bar and left > 5 and (bars := sparkline(rates[-left:])):
        yield (f"  {bars}", NEWS)


def _bar(share: float, room: int) -> Iterator[Part]:
    filled = int(share * room)
    yield ("━" * filled, NEWS)
    yield ("─" * (room - filled), QUIET)


def _limits(view: JobView, now: float, width: int, naming: Naming) -> Iterator[Content]:
    limits = [replace(each, registry=naming.place(each.registry)) for each in view.limits]
    words = limit_words(limits, view.state, now)
    room = max(_LEAST_ROOM, width - len(labelled("").plain))
    told = [line for each in words[:_MOST_LIMITS] for line in wrap(safe(each), room)]
    for number, line in enumerate(told):
        yield labelled("" if number else "Limits", (line, CARE))
    if len(words) > _MOST_LIMITS:
        more = counted(len(words) - _MOST_LIMITS, "other registry", "other registries")
        yield labelled("", (f"and {more}", QUIET))


def _sent(view: JobView, now: float) -> str:
    text = bytes_text(view.bytes.sent)
    if view.state.ended and (seconds := view.took(now)):
        text += f" ({rate_text(view.bytes.sent / seconds)})"
    if view.bytes.saved:
        text += f", saved {bytes_text(view.bytes.saved)} (mounted, or there already)"
    return text
