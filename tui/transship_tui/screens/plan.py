"""Plan: what comes, and what can be done without it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from transship_tui.marks import QUIET
from transship_tui.screens.frame import Frame


class PlanScreen(Frame):
    """Says what plans will be, and how to copy today."""

    MODE = "plan"
    HELP = "Plans aren't there yet. Until then, copy from Browse; every copy has its own preview."

    def compose_body(self) -> ComposeResult:
        """Give the words."""
        with VerticalScroll(classes="notice"):
            yield Static(_words())

    def on_mount(self) -> None:
        """Say where this is."""
        self.heading("Plan", "not in this version")
        self.line("transship copy SOURCE TARGET --dry-run")


def _words() -> Content:
    return Content.assemble(
        ("What will be here\n", "bold"),
        "Sync: rules choose what is copied, again and again.\n",
        "Replication: a registry is kept in step with another.\n\n",
        ("What you can do now\n", "bold"),
        ("2  ", "$text-accent"),
        "Browse: space marks repositories and tags,\n   c copies them.\n",
        ("   You see what would be written before anything is.\n", QUIET),
        ("y  ", "$text-accent"),
        "copies the line that only looks, for a script.",
    )
