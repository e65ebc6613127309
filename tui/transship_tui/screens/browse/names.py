"""Lists of names that fill themselves as they come: repositories and tags, and what is marked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widgets import Static

from transship.errors import TransshipError
from transship.matching import is_everything, matcher
from transship.names import Names, natural_key
from transship.oci.digest import short
from transship.oci.reference import Reference, parse_reference
from transship.text import bytes_text, counted, safe
from transship_tui.keys import key_for, words_for
from transship_tui.widgets.patterns import NOTHING_MATCHES, PatternInput
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.workers import WorkerFailures

if TYPE_CHECKING:
    from transship.app.application import Application
    from transship.registry.inspection import Inspection

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


class NameList(WorkerFailures, Vertical):
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


_SIDE_BY_SIDE = 76
"""The width from which on repositories and tags have room beside each other."""

_MARKED = (Column("Marked", 9, right=True, least=44),)
_KNOWN = (Column("Digest", 19, least=52), Column("Size", 9, right=True, least=64))


class ImageNames(Horizontal):
    """Lists the names of one registry, `host`, and of one `repository` there.

    `seen` holds the images that were looked at, by their reference as it is written.
    """

    DEFAULT_CSS = """
    ImageNames {
        #repositories, #tags { width: 1fr; }
        VirtualTable { scrollbar-size-vertical: 1; }
        #tags { border-left: solid $panel; }
        &.-narrow #tags { border-left: none; }
        &.-narrow.-repositories #tags, &.-narrow.-tags #repositories { display: none; }
    }
    """
    REST: ClassVar[float] = 0.3
    """The seconds that the cursor rests on a repository before its tags are asked for."""

    level: reactive[str] = reactive("repositories", repaint=False)
    """Which list the operator is in: `repositories` or `tags`."""

    @dataclass
    class Changed(Message):
        """There are other names in the list that the operator is in, or other marks."""

    def __init__(
        self,
        engine: Application,
        seen: Mapping[str, Inspection],
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id, classes="-narrow")
        self._engine = engine
        self._seen = seen
        self._marks_in: Counter[str] = Counter()
        self._rest: Timer | None = None
        self._rests_at: str | None = None
        self.host = ""
        self.repository = ""

    def compose(self) -> ComposeResult:
        """Give the two lists."""
        yield NameList("repository", "repositories", _MARKED, self._marked_in, id="repositories")
        yield NameList("tag", "tags", _KNOWN, self._known_of, id="tags")

    @property
    def repositories(self) -> NameList:
        """The list of repositories."""
        return self.query_one("#repositories", NameList)

    @property
    def tags(self) -> NameList:
        """The list of tags."""
        return self.query_one("#tags", NameList)

    @property
    def here(self) -> NameList:
        """The list that the operator is in."""
        return self.tags if self.level == "tags" else self.repositories

    def open(self, host: str) -> None:
        """List the repositories of a registry. What is marked in another one isn't any longer."""
        if host != self.host:
            self.host, self.repository = host, ""
            self.unmark()
            self.tags.clear()
            self._list_repositories()
        elif not self.repositories.filled:
            self._list_repositories(keep=True)

    def list_tags(self, repository: str, *, anew: bool = False) -> None:
        """List the tags of a repository, unless that was done."""
        keep = repository == self.repository
        if keep and self.tags.filled and not anew:
            return
        self.repository = repository
        names = self._engine.registries.tags(self.host, repository)
        left_out = partial(self._engine.registries.left_out, self.host, repository)
        prefix = f"{repository}:"
        self.tags.fill(names, left_out, title=repository, prefix=prefix, keep=keep)

    def list_anew(self) -> None:
        """List anew what the operator is in."""
        if self.level == "tags":
            self.list_tags(self.repository, anew=True)
        else:
            self._list_repositories(keep=True)

    def stop(self) -> None:
        """Ask the registry for no more."""
        self.repositories.stop()
        self.tags.stop()

    def unmark(self) -> None:
        """Take all marks away."""
        for names in (self.repositories, self.tags):
            names.table.action_unmark()

    @property
    def marked(self) -> int:
        """How many repositories and tags are marked."""
        return len(self.repositories.table.marked) + len(self.tags.table.marked)

    @property
    def marked_words(self) -> str:
        """How many are marked, in words; nothing if none is."""
        repositories, tags = self.repositories.table.marked, self.tags.table.marked
        words = (
            counted(len(repositories), "repository", "repositories") if repositories else "",
            counted(len(tags), "tag") if tags else "",
        )
        return f"● {', '.join(filter(None, words))} marked" if repositories or tags else ""

    def selection(self) -> tuple[Reference, ...]:
        """Return what is marked, else what is under the cursor. Raises BadReference."""
        keys = [*self.repositories.table.marked, *self.tags.table.marked]
        if not keys and (key := self.here.table.key_at_cursor()) is not None:
            keys = [key]
        return tuple(parse_reference(f"{self.host}/{key}") for key in sorted(keys, key=natural_key))

    def tag_at_cursor(self) -> Reference | None:
        """Return the tag under the cursor. Raises BadReference."""
        key = self.tags.table.key_at_cursor()
        return parse_reference(f"{self.host}/{key}") if key is not None else None

    def watch_level(self) -> None:
        """Show what belongs to the level where there is room for one list only."""
        for level in ("repositories", "tags"):
            self.set_class(self.level == level, f"-{level}")

    def on_resize(self, event: events.Resize) -> None:
        """Put the lists side by side where they have room."""
        self.set_class(event.size.width < _SIDE_BY_SIDE, "-narrow")
        self._wait_for_rest()

    @on(VirtualTable.CursorMoved, "#repositories VirtualTable")
    def _at_repository(self, event: VirtualTable.CursorMoved) -> None:
        event.stop()
        self._wait_for_rest()

    def _wait_for_rest(self) -> None:
        self._rests_at = self.repositories.table.key_at_cursor()
        if self._rest is not None:
            self._rest.stop()
        if not self.has_class("-narrow"):
            self._rest = self.set_timer(self.REST, self._rested)

    def _rested(self) -> None:
        key = self.repositories.table.key_at_cursor()
        if key is not None and self.level == "repositories":
            self.list_tags(key)

    @on(VirtualTable.MarksChanged)
    def _marks_changed(self, event: VirtualTable.MarksChanged) -> None:
        event.stop()
        self._marks_in = Counter(key.rpartition(":")[0] for key in self.tags.table.marked)
        self.repositories.table.changed()
        self.post_message(self.Changed())

    @on(NameList.Changed)
    def _names_changed(self, event: NameList.Changed) -> None:
        event.stop()
        if event.names is self.repositories and self.level == "repositories":
            self._follow_repositories()
        if event.names is self.here:
            self.post_message(self.Changed())

    def _follow_repositories(self) -> None:
        """Show the tags of a repository only while that is in sight.

        Of a cursor that stands elsewhere because other rows are shown, nobody else tells.
        """
        key = self.repositories.table.key_at_cursor()
        if self.repositories.hides_all:
            self._rests_at = None
            if self.repository:
                self.repository = ""
                self.tags.clear()
        elif key is not None and key != self._rests_at:
            self._wait_for_rest()

    def _list_repositories(self, *, keep: bool = False) -> None:
        left_out = partial(self._engine.registries.left_out, self.host)
        self.repositories.fill(self._engine.registries.repositories(self.host), left_out, keep=keep)

    def _marked_in(self, repository: str) -> Sequence[Content]:
        count = self._marks_in[repository]
        return (Content(counted(count, "tag") if count else ""),)

    def _known_of(self, key: str) -> Sequence[Content]:
        known = self._seen.get(f"{self.host}/{key}")
        if known is None:
            return Content(""), Content("")
        return Content(short(known.manifest.digest)), Content(bytes_text(known.size))
