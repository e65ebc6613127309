"""States as the operator sees them: a sign and a word, with a colour that only underlines them."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign, a word, and the name of a theme variable for the colour."""

    sign: str
    word: str
    color: str

    def content(self) -> Content:
        """Return sign and word in the mark's colour."""
        return Content.styled(f"{self.sign} {self.word}", self.color)


OK = "$text-success"
BAD = "$text-error"
CARE = "$text-warning"
NEWS = "$text-accent"
QUIET = "$foreground-muted"

MARKS = {
    "waiting": Mark("·", "waiting", QUIET),
    "running": Mark("▸", "running", NEWS),
    "pausing": Mark("‖", "pausing", CARE),
    "paused": Mark("‖", "paused", CARE),
    "interrupted": Mark("!", "interrupted", CARE),
    "done": Mark("✓", "done", OK),
    "failed": Mark("✗", "failed", BAD),
    "not done": Mark("–", "not done", QUIET),
    "cancelled": Mark("–", "cancelled", QUIET),
    "copy": Mark("+", "copy", NEWS),
    "copied": Mark("✓", "copied", OK),
    "same": Mark("=", "same", QUIET),
    "overwrite": Mark("↻", "overwrite", CARE),
    "delete": Mark("×", "delete", CARE),
    "conflict": Mark("✗", "conflict", BAD),
    "blocked": Mark("✗", "blocked", BAD),
    "skip": Mark("–", "skip", QUIET),
    "skipped": Mark("–", "skipped", QUIET),
    "deleted": Mark("×", "deleted", QUIET),
    "info": Mark("·", "info", QUIET),
    "warning": Mark("!", "warning", CARE),
    "error": Mark("✗", "error", BAD),
    "ok": Mark("✓", "ok", OK),
    "locked": Mark("!", "locked", CARE),
    "hung": Mark("✗", "hung", BAD),
    "absent": Mark("–", "absent", CARE),
    "insecure": Mark("✗", "insecure", BAD),
    "unused": Mark("–", "not used", QUIET),
    "checking": Mark("…", "checking", QUIET),
    "untested": Mark("·", "untested", QUIET),
    "unlisted": Mark("✓", "unlisted", OK),
    "sign-in": Mark("!", "sign-in", CARE),
    "keyring": Mark("!", "keyring", CARE),
    "untrusted": Mark("!", "untrusted", CARE),
    "unreachable": Mark("✗", "unreachable", BAD),
    "now": Mark("▸", "now", NEWS),
    "later": Mark("·", "later", QUIET),
}


def mark(word: str) -> Content:
    """Return how a state is shown. A word without a mark of its own is shown as it is."""
    known = MARKS.get(word)
    return known.content() if known else Content(word)
