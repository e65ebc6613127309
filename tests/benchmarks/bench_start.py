"""What it costs to start: to import the core, to list the commands, to open the app.

CPU seconds of a whole process, so that a busy machine changes little. The app is opened in a
terminal of 120x40 on an empty home, and is ended as soon as its first screen stands and has nothing
more to draw. Run it by itself:

    python tests/benchmarks/bench_start.py
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.figures import Figure, keep

_TIMES = 5
_PROGRAM = str(Path(sys.executable).with_name("transship"))
_IMPORT, _HELP, _APP = 0.10, 0.15, 0.70
"""The most CPU seconds."""
_STANDS = b"Registries"
"""What the first screen says."""
_STILL_SECONDS = 0.3
_LIMIT_SECONDS = 60.0


def of_line(line: Sequence[str], environment: Mapping[str, str]) -> float:
    """Return the CPU seconds of a command line that ends by itself: the median of some runs."""
    return median(_once(line, environment) for _ in range(_TIMES))


def _once(line: Sequence[str], environment: Mapping[str, str]) -> float:
    process = subprocess.Popen(
        line,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return _ended(process.pid)


def of_app(environment: Mapping[str, str]) -> float:
    """Return the CPU seconds until the app's first screen stands: the median of some runs."""
    return median(_opened(environment) for _ in range(_TIMES))


def _opened(environment: Mapping[str, str]) -> float:
    child, terminal = pty.fork()
    if child == 0:
        os.execve(_PROGRAM, [_PROGRAM], dict(environment))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    try:
        _until_it_stands(terminal)
    finally:
        os.kill(child, 9)
        spent = _ended(child)
        os.close(terminal)
    return spent


def _until_it_stands(terminal: int) -> None:
    written = b""
    deadline = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], _STILL_SECONDS)[0]:
            written += os.read(terminal, 65536)
        elif _STANDS in written:
            return
    raise SystemExit(f"the app didn't open: {written[-400:]!r}")


def _ended(pid: int) -> float:
    _, _, usage = os.wait4(pid, 0)
    return usage.ru_utime + usage.ru_stime


def _environment(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "TERM": "xterm-256color",
        "TRANSSHIP_HOME": str(home / "transship"),
    }


def main() -> int:
    """Measure, and print what it came to."""
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        empty = _environment(Path(folder))
        # What Python itself takes, and the first import that writes byte code.
        bare = of_line([python, "-c", "pass"], empty)
        of_line([_PROGRAM, "run", "--help"], empty)
        figures = [
            Figure("start: Python alone", bare, "CPU s"),
            Figure("start: import transship", _import(python, empty), "CPU s", _IMPORT),
            Figure("start: transship --help", of_line([_PROGRAM, "--help"], empty), "CPU s", _HELP),
            Figure("start: transship jobs", of_line([_PROGRAM, "jobs"], empty), "CPU s"),
            Figure("start: the app, to its first screen", of_app(empty), "CPU s", _APP),
        ]
    return keep(*figures)


def _import(python: str, environment: Mapping[str, str]) -> float:
    return of_line([python, "-c", "import transship"], environment)


if __name__ == "__main__":
    sys.exit(main())
