"""What it costs to keep a job's journal, and to look at it, while it grows to 100,000 copies.

    python tests/benchmarks/bench_journal.py

A worklist is kept, and then every copy is recorded as a runner does it: begun, two blobs placed,
the tag about to move, done; one in fifty fails. As many as move their tags at the same time are
written together, with what was gathered since. Meanwhile another process looks on as the screens
do, four times a second: at the job, at the copies that its list shows, at what came to pass last.
Figures are of CPU, so that a busy machine changes little. It exits with 1 when a copy or a look
costs more where there are more copies.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.figures import Figure, keep
from moving.jobs import plan_of
from transship import errors
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.transfers.copies import BlobWork, Copy, JobState, Verdict, Worklist
from transship.transfers.job_view import copy_rows, events, look, read_job
from transship.transfers.jobs import Job, JobStore
from transship.transfers.journal import Journal

_SIZES = (1_000, 10_000, 100_000)
_LOOKS_PER_SECOND = 4
_LINES = 40
_TOGETHER = 6
"""How many tags wait for the same write: with 300 images a second, what comes within 20 ms."""

_MOST_GROWTH = 1.5
"""How much dearer it may be with the most copies than with the fewest: that much is noise."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Microseconds of CPU a copy: to keep the worklist, and to record what becomes of it."""

    keeping: float
    recording: float
    looks: Mapping[str, float]
    """Milliseconds of CPU a look, by what is looked at, in the process that reads along."""


def measure(copies: int, folder: Path) -> Kept:
    """Keep a journal of so many copies while somebody reads along."""
    job = JobStore(folder).create(plan_of(("old.example/a", "new.example/a")))
    worklist = _worklist(copies)
    with job.locked(), job.journal() as journal:
        began = time.process_time()
        journal.keep(worklist)
        keeping = time.process_time() - began
        journal.note(state=JobState.RUNNING, started=time.time())
        report = folder / "looks.json"
        line = [sys.executable, __file__, "look", str(job.folder), str(report)]
        reader = subprocess.Popen(line, stdout=subprocess.PIPE)
        assert reader.stdout is not None
        reader.stdout.readline()
        recording = _record(job, worklist)
        journal.note(state=JobState.DONE)
        reader.wait()
    return Kept(keeping / copies * 1e6, recording / copies * 1e6, json.loads(report.read_text()))


def _record(job: Job, worklist: Worklist) -> float:
    """Record what becomes of every copy; return the CPU seconds that it took."""
    began = time.process_time()
    with job.journal() as journal, journal.gathering():
        for start in range(0, len(worklist.copies), _TOGETHER):
            some = worklist.copies[start : start + _TOGETHER]
            for copy in some:
                _bring(copy, journal)
            journal.flush()  # As whoever awaits `committed` has it done.
            for copy in some:
                _end(copy, journal)
    return time.process_time() - began


def _bring(copy: Copy, journal: Journal) -> None:
    journal.begun(copy)
    for number in (2 * copy.id, 2 * copy.id + 1):
        home = copy.target.repository
        if journal.upload("new.example", home, _digest(number)) is None:
            journal.placed("new.example", home, _digest(number), outcome="sent")
    if not _fails(copy):
        journal.moving(copy, None)


def _end(copy: Copy, journal: Journal) -> None:
    if _fails(copy):
        journal.failed(copy, errors.TooLarge("413 of a proxy"), time.time())
    else:
        journal.done(copy, time.time())


def _fails(copy: Copy) -> bool:
    return copy.id % 50 == 0


def _worklist(copies: int) -> Worklist:
    return Worklist(
        tuple(_copy(number) for number in range(1, copies + 1)),
        tuple(
            BlobWork("new.example", _digest(n), 4096, Reference("old.example", "a"), "a")
            for n in range(2, 2 * copies + 2)
        ),
        {},
    )


def _copy(number: int) -> Copy:
    name, tag = f"team/service-{number % 40}", f"v{number}"
    source, target = (Reference(f"{host}.example", name, tag) for host in ("old", "new"))
    return Copy(number, source, target, _digest(number), None, Verdict.COPY)


def _digest(number: int) -> Digest:
    return Digest(f"sha256:{number:064x}")


def read_along(folder: Path, report: Path) -> None:
    """Look at a job as screens do until it is done, and write down what a look costs."""
    job, plan = Job(folder), Job(folder).plan()
    spent: dict[str, list[float]] = {"job": [], "opened": [], "copies": [], "log": []}
    print("reading", flush=True)
    with job.journal() as journal:
        while True:
            began = time.process_time()
            seen = look(job, plan, journal)
            spent["job"].append(time.process_time() - began)
            at = seen.counts.ended
            for what, act in (
                ("copies", lambda: copy_rows(journal, range(at, at + _LINES))),  # noqa: B023
                ("log", lambda: events(journal)),
                ("opened", lambda: read_job(job)),
            ):
                began = time.process_time()
                act()
                spent[what].append(time.process_time() - began)
            if seen.state is JobState.DONE:
                break
            time.sleep(1 / _LOOKS_PER_SECOND)
    report.write_text(json.dumps({what: median(each) * 1e3 for what, each in spent.items()}))


def _figures(kept: Mapping[int, Kept]) -> Iterator[Figure]:
    for copies, each in kept.items():
        what = f"journal, {copies:,} copies"
        yield Figure(f"{what}: CPU to keep the worklist, a copy", each.keeping, "us")
        yield Figure(f"{what}: CPU to record a copy", each.recording, "us")
        yield Figure(f"{what}: CPU of a look at the job", each.looks["job"], "ms")
        yield Figure(f"{what}: the same, opening its file", each.looks["opened"], "ms")
        yield Figure(f"{what}: CPU of a look at {_LINES} copies", each.looks["copies"], "ms")
        yield Figure(f"{what}: CPU of a look at the log", each.looks["log"], "ms")
    fewest, most = kept[_SIZES[0]], kept[_SIZES[-1]]
    grown = most.recording / fewest.recording
    yield Figure("journal: to record a copy, most to fewest", grown, "times", _MOST_GROWTH)
    for what in ("job", "copies"):
        grown = most.looks[what] / fewest.looks[what]
        yield Figure(f"journal: a look at the {what}, most to fewest", grown, "times", _MOST_GROWTH)


def main() -> int:
    """Measure each size, and print what it came to."""
    kept = {}
    for copies in _SIZES:
        with tempfile.TemporaryDirectory() as folder:
            kept[copies] = measure(copies, Path(folder))
    return keep(*_figures(kept))


if __name__ == "__main__":
    if sys.argv[1:2] == ["look"]:
        read_along(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main())
