"""Questions on the terminal."""

from __future__ import annotations

import getpass
import signal
import sys


def ask(question: str, *, hidden: bool = False) -> str:
    """Return what the operator answers; `hidden` keeps it off the screen.

    Ctrl-C ends the question, and the command. Left to a running event loop, it would be kept
    until an answer had been given.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if hidden:
            return getpass.getpass(question)
        sys.stderr.write(question)
        sys.stderr.flush()
        return sys.stdin.readline().strip()
    finally:
        signal.signal(signal.SIGINT, before)
