"""What is said of plans that are watched, in the app and on the line."""

from __future__ import annotations

from transship.text import safe


def watched_words(file: str) -> str:
    """Return what a plan that is watched, in `file`, would make of an undo."""
    return f"{safe(file)} is being watched, and will copy what it selects again: stop that first"
