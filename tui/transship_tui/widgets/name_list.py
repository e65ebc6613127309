"""A list of names that fills itself as they come: repositories, tags.

It never waits for all of them, and a registry that sends fifty thousand at once doesn't hold the
app up: what comes is taken in by portions, and shown ten times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from transship.errors import TransshipError
from transship.matching import is_everything, matcher
from transship.names import Names
from transship.text import counted, safe
from transship_tui.keys.words import key_for, words_for
from transship_tui.widgets.pattern_input import NOTHING_MATCHES, PatternInput
from transship_tui.widgets.rows import Column
from transship_tui.widgets.virtual_table import VirtualTable
from transship_tui.workers import WorkersMinded

_PORTION = 1000
"""How many names are taken in before the app gets its turn."""

_NAMED = 4
_LONGEST_NAME = 40
"""How many of those that are left out are named, and how much of each."""

_HINT = "part of a name, v1.*, ~fuzzy, !not"

More = Callable[[str], Sequence[Content]]
"""Gives the cells that stand beside a name, by the key of its row."""


class Filling(Enum):
    """How far a list is."""

    EMPTY = auto()
    RUNNING = auto()
    COMPLETE = auto()
    STOPPED = auto()
    FAILED = auto()


class _NameRows:
    """Names as rows. A key is the name, with what all of the list's keys begin with."""

    def __init__(self, names: Sequence[str], prefix: str, more: More) -> None:
        self._names = names
        self._prefix = prefix
        self._more = more

    def __len__(self) -> int:
        return len(self._names)

    def key(self, index: int) -> str:
        """Return the name with its prefix."""
        return self._prefix + self._names[index]

    def cells(self, index: int) -> Sequence[Content]:
        """Return the name, made harmless, and what stands beside it."""
        return (Content(safe(self._names[index])), *self._more(self.key(index)))


class NameList(WorkersMinded, Vertical):
    """A table of names with marks, narrowed and ordered as the operator likes.

    `one` and `many` say what the names are names of. `columns` stand beside the name, filled by
    `more`.
    """

    DEFAULT_CSS = """
    NameList {
        height: 1fr;
        &>#left-out { height: auto; padding: 0 1; color: $text-warning; display: none; }
    }
    """

    @dataclass
    class Changed(Message):
        """There are more names, or others are shown."""

        names: NameList

        @property
        def control(self) -> NameList:
            """The list."""
            return self.names

    @dataclass
    class Failed(Message):
        """The names that are missing can't be had."""

        names: NameList
        error: TransshipError

        @property
        def control(self) -> NameList:
            """The list."""
            return self.names

    def __init__(
        self,
        one: str,
        many: str,
        columns: Sequence[Column],
        more: More,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._nouns = (one, many)
        self._columns = (Column(many.capitalize()), *columns)
        self._more = more
        self._names = Names()
        self._prefix = ""
        self._title = ""
        self._empty = ""
        self._marking = False
        self._drawn = 0
        self._held: str | None = None
        self._ticks: Timer | None = None
        self.filling = Filling.EMPTY

    def compose(self) -> ComposeResult:
        """Give the table, and the line for a pattern."""
        yield VirtualTable(self._columns, can_mark=True, empty="")
        yield Static(id="left-out")
        yield PatternInput()

    @property
    def table(self) -> VirtualTable:
        """The table that shows the names."""
        return self.query_one(VirtualTable)

    @property
    def filled(self) -> bool:
        """Whether the names are there, or on their way."""
        return self.filling in (Filling.RUNNING, Filling.COMPLETE)

    @property
    def count(self) -> str:
        """How many there are, in words that say whether that is all."""
        if self.filling is Filling.EMPTY:
            return ""
        if self.filling is Filling.FAILED and not self._names.total:
            return "not listed"
        total = counted(self._names.total, *self._nouns)
        if not is_everything(self._names.pattern):
            total = f"{len(self._names.shown):,} of {total}"
        words = {
            Filling.RUNNING: "found so far",
            Filling.STOPPED: "found, then stopped",
            Filling.FAILED: "found, then it failed",
        }
        return f"{total} {words.get(self.filling, '')}".rstrip()

    @property
    def hides_all(self) -> bool:
        """Whether there are names and the pattern matches none of them."""
        return bool(self._names.total) and not self._names.shown

    def fill(
        self,
        names: AsyncIterator[str],
        left_out: Callable[[], Sequence[str]],
        *,
        title: str = "",
        prefix: str = "",
        keep: bool = False,
    ) -> None:
        """List anew. `prefix` is what all keys begin with, `title` what the list is of.

        `left_out` tells at the end what had to be. With `keep` the pattern still holds.
        """
        self.clear("Listing…", title=title, prefix=prefix, keep=keep)
        self.filling = Filling.RUNNING
        coming: list[str] = []
        self._list(names, coming, left_out)
        self._ticks = self.set_interval(0.1, partial(self._tick, coming))

    def clear(
        self, empty: str = "", *, title: str = "", prefix: str = "", keep: bool = False
    ) -> None:
        """Hold no names. `empty` is said instead."""
        self._end(Filling.EMPTY, cancel=True)
        self._held = self.table.key_at_cursor() if keep else None
        pattern = self._names.pattern if keep else ""
        self._names = Names(natural=self._names.natural)
        self._names.narrow(pattern)
        self._title, self._prefix = title, prefix
        self._say_left_out(())
        if not pattern:
            self.query_one(PatternInput).close()
        self._draw(empty)

    def put(self, names: Sequence[str]) -> None:
        """Take in names that are known without asking."""
        self._end(Filling.COMPLETE, cancel=True)
        self._names.add(names)
        self._draw()

    def stop(self) -> None:
        """Ask for no more names; what has come stays."""
        if self.filling is Filling.RUNNING:
            self._end(Filling.STOPPED, cancel=True)
            self._draw(f"Stopped. {key_for(self, 'browse.refresh')} lists anew.")

    @work(group="list", exclusive=True, exit_on_error=False)
    async def _list(
        self, names: AsyncIterator[str], coming: list[str], left_out: Callable[[], Sequence[str]]
    ) -> None:
        error: TransshipError | None = None
        try:
            async for name in names:
                coming.append(name)
                if len(coming) == _PORTION:
                    self._take(coming)
                    await asyncio.sleep(0)
        except TransshipError as problem:
            error = problem
        finally:
            # However the listing ends, the connection that it reads from is let go.
            if isinstance(names, AsyncGenerator):
                await names.aclose()
        self._take(coming)
        self._end(Filling.FAILED if error else Filling.COMPLETE)
        self._say_left_out(left_out())
        self._draw(error.title if error else f"There are no {self._nouns[1]}.")
        self._held = None
        if error:
            self.post_message(self.Failed(self, error))

    def work_failed(self, group: str) -> None:  # noqa: ARG002 - there is one only
        """Say that no more names come."""
        self._end(Filling.FAILED)
        self._draw(f"The rest can't be had. {key_for(self, 'browse.refresh')} lists anew.")

    def _say_left_out(self, names: Sequence[str]) -> None:
        foot = self.query_one("#left-out", Static)
        foot.display = bool(names)
        if names:
            named = ", ".join(safe(name, limit=_LONGEST_NAME) for name in names[:_NAMED])
            more = ", …" if len(names) > _NAMED else ""
            count = counted(len(names), "name")
            words = f"! {count} left out, by the rules no {self._nouns[0]}: {named}{more}"
            foot.update(Content(words))

    def _take(self, coming: list[str]) -> None:
        self._names.add(coming)
        coming.clear()

    def _tick(self, coming: list[str]) -> None:
        self._take(coming)
        if self._names.total != self._drawn:
            self._draw()

    def _end(self, filling: Filling, *, cancel: bool = False) -> None:
        if cancel:
            self.workers.cancel_group(self, "list")
        if self._ticks is not None:
            self._ticks.stop()
            self._ticks = None
        self.filling = filling

    def _draw(self, empty: str | None = None) -> None:
        """Show the names as they are. The cursor stays on its row; at the top, at the top."""
        if empty is not None:
            self._empty = empty
        shown = self._names.shown
        held = self.table.key_at_cursor() if self.table.cursor else self._held
        at = 0
        if held is not None:
            with suppress(ValueError):
                at = shown.index(held.removeprefix(self._prefix))
        self.table.title(0, self._heading())
        self.table.show(
            _NameRows(shown, self._prefix, self._more),
            empty=words_for(self, NOTHING_MATCHES) if self._names.total else self._empty,
            at=at,
        )
        self._drawn = self._names.total
        if not self._marking:
            self._say_hits()
        self.post_message(self.Changed(self))

    def _narrow(self, pattern: str) -> None:
        self._names.narrow(pattern)
        self._draw()

    def _heading(self) -> str:
        named = f" of {safe(self._title)}" if self._title else ""
        if self.filling is Filling.EMPTY:
            return f"{self._nouns[1].capitalize()}{named}"
        return f"{self.count}{named}"

    def _say_hits(self) -> None:
        narrowed = not is_everything(self._names.pattern)
        words = f"{len(self._names.shown):,} of {self._names.total:,}" if narrowed else ""
        self.query_one(PatternInput).hits(words)

    def ask_filter(self) -> None:
        """Let the operator type what to show."""
        self._marking = False
        self.query_one(PatternInput).ask("/", self._names.pattern, _HINT)
        self._say_hits()

    def ask_marks(self) -> None:
        """Let the operator type what to mark."""
        self._marking = True
        self.query_one(PatternInput).ask("mark", "", _HINT)

    def clear_filter(self) -> bool:
        """Show all again; tell whether anything was hidden."""
        self.query_one(PatternInput).close()
        if not self._names.pattern:
            return False
        self._narrow("")
        return True

    def turn_order(self) -> str:
        """Order by name, or as the registry has it; return which it is now."""
        natural = not self._names.natural
        self._names.order(natural=natural)
        self._draw()
        return "by name" if natural else "as the registry has it"

    @on(PatternInput.Changed)
    def _pattern_changed(self, event: PatternInput.Changed) -> None:
        event.stop()
        if not self._marking:
            self._narrow(event.pattern)
            return
        hits = sum(map(matcher(event.pattern), self._names.shown)) if event.pattern else 0
        self.query_one(PatternInput).hits(f"marks {hits:,}")

    @on(PatternInput.Accepted)
    def _pattern_accepted(self, event: PatternInput.Accepted) -> None:
        event.stop()
        if self._marking and event.pattern.strip():
            wanted, prefix = matcher(event.pattern), self._prefix
            self.table.mark_where(lambda key: wanted(key.removeprefix(prefix)))
        self._back_to_list()

    @on(PatternInput.GivenUp)
    def _pattern_given_up(self, event: PatternInput.GivenUp) -> None:
        event.stop()
        if not self._marking:
            self._narrow("")
        self._back_to_list()

    def _back_to_list(self) -> None:
        """Leave the pattern. One that still hides something stays in sight."""
        self._marking = False
        asked = self.query_one(PatternInput)
        if self._names.pattern:
            asked.open("/", self._names.pattern)
            self._say_hits()
        else:
            asked.close()
        self.table.focus()
