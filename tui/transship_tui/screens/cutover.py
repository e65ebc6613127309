"""Cutover: what comes, and how to look after a domain without it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from transship_tui.marks import QUIET
from transship_tui.screens.frame import Frame


class CutoverScreen(Frame):
    """Says what the cutover will be, and what to check by hand today."""

    MODE = "cutover"
    HELP = "The cutover isn't there yet. Until then, these are the checks that matter most by hand."

    def compose_body(self) -> ComposeResult:
        """Give the words."""
        with VerticalScroll(classes="notice"):
            yield Static(_words())

    def on_mount(self) -> None:
        """Say where this is."""
        self.heading("Cutover", "not in this version")
        self.line("transship verify SOURCE TARGET")


def _words() -> Content:
    steps = (
        ("dig +noall +answer images.example.com", "where the name points, and its TTL in seconds"),
        ("transship verify SOURCE TARGET", "everything is at the target, by digest"),
        (
            "curl -sI --connect-to ::NEW: https://images.example.com/v2/",
            "NEW answers for the name, with a certificate for it (200 or 401)",
        ),
        ("dig +trace images.example.com", "after the change: what the name servers say themselves"),
    )
    lines: list[str | tuple[str, str]] = [
        ("What will be here\n", "bold"),
        "Checks, the change of the record, a watch over it, and the way back.\n\n",
        ("What to check by hand now, in this order\n", "bold"),
    ]
    for number, (command, finds) in enumerate(steps, 1):
        lines += [(f"{number}  ", QUIET), (command, "$text-accent"), (f"\n   {finds}\n", QUIET)]
    lines.append("\nLower the TTL first, and wait as long as it was before you change the record.")
    return Content.assemble(*lines)
