"""What a job moves at this moment: its largest lanes, their rates, and whether they stand still."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content

from transship.text import bytes_text, duration_text, rate_text, safe
from transship.transfers.journal import Lane
from transship_tui.marks import CARE, QUIET
from transship_tui.widgets.totals import labelled, share_text

_STILL_SECONDS = 5.0
_WEIGHT = 0.3
_NARROW = 70
_PACE = 12


@dataclass(slots=True)
class _Motion:
    """How one lane moves, as far as it was seen. `rate` in bytes per second."""

    moved: int
    at: float
    rate: float = 0.0

    def see(self, moved: int, now: float) -> None:
        if moved == self.moved:
            return
        if now > self.at and moved > self.moved:
            current = (moved - self.moved) / (now - self.at)
            self.rate += (current - self.rate) * (_WEIGHT if self.rate else 1.0)
        self.moved, self.at = moved, now


class LaneWatch:
    """Remembers between two looks how the lanes of a job move."""

    def __init__(self) -> None:
        self._motions: dict[tuple[str, float], _Motion] = {}

    def look(self, lanes: Sequence[Lane], now: float) -> None:
        """Take note of where the lanes are at `now`, in seconds since the epoch."""
        seen = {}
        for lane in lanes:
            key = (lane.what, lane.started)
            seen[key] = self._motions.get(key) or _Motion(lane.moved, now)
            seen[key].see(lane.moved, now)
        self._motions = seen

    def lines(self, lanes: Sequence[Lane], now: float, width: int, most: int) -> Iterator[Content]:
        """Give a line for each of the largest lanes, at most `most`, and one about the others."""
        if not lanes:
            return
        largest = sorted(lanes, key=lambda lane: (-lane.size, lane.started, lane.what))[:most]
        numbers = [self._numbers(lane, now, short=width < _NARROW) for lane in largest]
        room = max(10, width - 10 - max(number.cell_length for number in numbers))
        whats = [_tail(safe(lane.what), room) for lane in largest]
        longest = max(map(len, whats))
        for index, (what, number) in enumerate(zip(whats, numbers, strict=True)):
            yield labelled("" if index else "Lanes", f"{what:<{longest}}  ", number)
        newest = max((motion.at for motion in self._motions.values()), default=now)
        if now - newest >= _STILL_SECONDS:
            yield labelled("", (f"nothing has moved for {duration_text(now - newest)}", CARE))
        elif len(lanes) > most:
            yield labelled("", (f"and {len(lanes) - most} more", QUIET))

    def _numbers(self, lane: Lane, now: float, *, short: bool) -> Content:
        motion = self._motions.get((lane.what, lane.started)) or _Motion(lane.moved, now)
        size = "" if short else f" of {bytes_text(lane.size):<8}"
        pace, color = rate_text(motion.rate) if motion.rate else "", ""
        if now - motion.at >= _STILL_SECONDS:
            pace, color = f"still {duration_text(now - motion.at)}", CARE
        share = f"{share_text(lane.moved, lane.size):>4}"
        return Content.assemble(f"{share}{size}  ", (f"{pace:<{_PACE}}", color))


def _tail(what: str, room: int) -> str:
    """Cut a lane's name at its beginning: its end, the digest, tells lanes apart."""
    return what if len(what) <= room else f"…{what[1 - room :]}"
