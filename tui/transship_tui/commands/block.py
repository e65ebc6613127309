"""A running job in a few lines: what a terminal shows while it runs. Pure text, no colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transship.text import bytes_text, counted, duration_text, rate_text, safe
from transship.transfers.copies import JobState
from transship.transfers.limits import limit_words
from transship_tui.commands.output import fitted, tail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transship.transfers.job_view import JobView

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
