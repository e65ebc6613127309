"""The repositories of one registry and the tags of one of them, and what of both is marked.

They stand side by side where there is room, else one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer

from transship.names import natural_key
from transship.oci.digest import short
from transship.oci.reference import Reference, parse_reference
from transship.text import bytes_text, counted
from transship_tui.widgets.name_list import NameList
from transship_tui.widgets.rows import Column
from transship_tui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from transship.app.application import Application
    from transship.registry.inspection import Inspection

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
