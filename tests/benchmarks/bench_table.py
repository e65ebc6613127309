"""How long the table keeps the event loop busy, in a real (pseudo-)terminal.

50,000 rows come in pages of a thousand; then 5,000 of their states change each second, a tenth of
them in the window, which is looked at four times a second, while somebody presses keys twenty
times a second. The lag is how much later than asked a sleeper is woken. Run it by hand:

    python tests/benchmarks/bench_table.py

It prints the lag in milliseconds, and exits with 1 when it isn't under 50 ms at the 99th
percentile.
"""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import json
import os
import pty
import random
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from textual import work
from textual.app import App, ComposeResult
from textual.content import Content

from benchmarks.figures import Figure, keep
from transship_tui.marks import mark
from transship_tui.themes import TRANSSHIP
from transship_tui.widgets.table import Column, VirtualTable

_ROWS = 50_000
_PAGE = 1_000
_CHANGES_PER_SECOND = 5_000
_REPAINTS_PER_SECOND = 4
_SECONDS = 20.0
_SAMPLE_SECONDS = 0.005
_KEYS = "jjjjkk\x04\x04\x15 jG k\x15g"
_STATES = ("waiting", "running", "done", "failed")
_COLUMNS, _LINES = 120, 40
_MOST = 50.0


class _Copies:
    """Rows whose states change."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.states: list[str] = []

    def __len__(self) -> int:
        return len(self.names)

    def key(self, index: int) -> str:
        return self.names[index]

    def cells(self, index: int) -> Sequence[Content]:
        return Content(self.names[index]), mark(self.states[index]), Content(f"{index % 900} MiB")

    def add_page(self) -> None:
        first = len(self.names)
        self.names += [f"team/service-{n % 40}:v1.{n}" for n in range(first, first + _PAGE)]
        self.states += ["waiting"] * _PAGE


class _BenchApp(App[dict[str, dict[str, float]]]):
    def __init__(self) -> None:
        super().__init__()
        self.register_theme(TRANSSHIP)
        self.theme = "transship"

    def compose(self) -> ComposeResult:
        columns = (Column("Name"), Column("State", 14), Column("Size", 10, right=True))
        yield VirtualTable(columns, can_mark=True)

    def on_mount(self) -> None:
        self._measure()

    @work
    async def _measure(self) -> None:
        table = self.query_one(VirtualTable)
        copies = _Copies()
        table.focus()
        table.show(copies)
        async with _sampled() as opening:
            while len(copies) < _ROWS:
                copies.add_page()
                table.grew()
                await asyncio.sleep(0)
        self.set_interval(1 / _REPAINTS_PER_SECOND, table.changed)
        async with _sampled() as running:
            await self._change(table, copies)
        self.exit({"opening": _lag(opening), "running": _lag(running)})

    async def _change(self, table: VirtualTable, copies: _Copies) -> None:
        ends = time.monotonic() + _SECONDS
        changed, started = 0, time.monotonic()
        while (now := time.monotonic()) < ends:
            due = int((now - started) * _CHANGES_PER_SECOND)
            for number in range(changed, due):
                first = table.scroll_offset.y
                index = (
                    min(first + number // 10 % table.size.height, _ROWS - 1)
                    if number % 10 == 0
                    else random.randrange(_ROWS)
                )
                copies.states[index] = random.choice(_STATES)
            changed = due
            await asyncio.sleep(0.01)


@asynccontextmanager
async def _sampled() -> AsyncIterator[list[float]]:
    """Note, in milliseconds, how late the loop wakes a sleeper."""
    late: list[float] = []

    async def sample() -> None:
        while True:
            asked = time.monotonic()
            await asyncio.sleep(_SAMPLE_SECONDS)
            late.append((time.monotonic() - asked - _SAMPLE_SECONDS) * 1000)

    task = asyncio.create_task(sample())
    try:
        yield late
        # One more, for what the end of it has left to be drawn.
        await asyncio.sleep(0.2)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _lag(late: list[float]) -> dict[str, float]:
    late = sorted(late)
    return {
        "samples": len(late),
        "p50": round(late[len(late) // 2], 2),
        "p99": round(late[len(late) * 99 // 100], 2),
        "max": round(late[-1], 2),
    }


def _drive(terminal: int, process: subprocess.Popen[bytes]) -> int:
    """Press keys until the app has ended; return how many bytes it has written."""
    written = 0
    keys = itertools.cycle(_KEYS)
    next_key = time.monotonic() + 1
    while process.poll() is None:
        if select.select([terminal], [], [], 0.02)[0]:
            with suppress(OSError):
                written += len(os.read(terminal, 65536))
        if time.monotonic() >= next_key:
            os.write(terminal, next(keys).encode())
            next_key += 0.05
    return written


def main() -> int:
    """Run the app in a terminal of its own and say how it went."""
    own, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, _COLUMNS, 0, 0))
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        process = subprocess.Popen(
            [sys.executable, __file__, str(result)], stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        written = _drive(own, process)
        os.close(own)
        lags = json.loads(result.read_text())
    for phase, lag in lags.items():
        sys.stdout.write(f"{phase}: {', '.join(f'{k} {v:g}' for k, v in lag.items())}\n")
    written_per_second = written / _SECONDS / 1024
    what = f"table, {_ROWS:,} rows, {_CHANGES_PER_SECOND:,} changes a second"
    return keep(
        Figure(f"{what}: lag, p99", lags["running"]["p99"], "ms", _MOST),
        Figure(f"{what}: written", written_per_second, "KiB/s"),
    )


def _child(result: Path) -> None:
    lags = _BenchApp().run()
    result.write_text(json.dumps(lags))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _child(Path(sys.argv[1]))
    else:
        sys.exit(main())
