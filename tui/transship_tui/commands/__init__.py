"""The line: `transship COMMAND`. Each command parses, calls the core, and prints.

Whoever waits for a line waits for its imports first: here stand none that some line can do without.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


_STARTS_JOB = frozenset({"copy", "run"})
_STARTS_NOTHING = frozenset({"--dry-run", "--help", "-h", "--watch", "-w"})


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command line and exit with its status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    gc.disable()  # Nothing that is imported becomes garbage.
    if words and words[0] in _STARTS_JOB and _STARTS_NOTHING.isdisjoint(words):
        from transship.app.standby import leave_standby

        leave_standby()
    for stream in (sys.stdout, sys.stderr):
        # Where the terminal's encoding lacks a character, a question mark beats an error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if hasattr(sys.stdout, "reconfigure") and not sys.stdout.isatty():
        # Who reads a pipe wants each line when it is written, not when the watch is over.
        sys.stdout.reconfigure(line_buffering=True)
    from transship_tui.commands.application import app_for

    app = app_for(words)
    gc.freeze()
    gc.enable()
    app(args=words, prog_name="transship")
