"""What there is to copy: registries, the repositories of one, the tags of a repository.

Repositories and tags stand side by side where there is room, else one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widgets import Input

from transship.accounts.account import Account
from transship.errors import CatalogClosed, TransshipError
from transship.names import natural_key
from transship.oci.digest import short
from transship.oci.reference import Reference, parse_reference
from transship.text import bytes_text, counted
from transship_tui.dialogs.name_repositories import NameRepositories
from transship_tui.keys import CONTEXTS, bindings, chosen
from transship_tui.lines import line, ls_line
from transship_tui.widgets.account_list import AccountList
from transship_tui.widgets.name_list import NameList
from transship_tui.widgets.virtual_table import Column, VirtualTable

if TYPE_CHECKING:
    from transship.registries.inspection import Inspection
    from transship_tui.screens.frame import Frame

_SIDE_BY_SIDE = 76
"""The width from which on repositories and tags have room beside each other."""

_MARKED = (Column("Marked", 9, right=True, least=44),)
_KNOWN = (Column("Digest", 19, least=52), Column("Size", 9, right=True, least=64))

_FOR_NAMES = frozenset(key.action for key in CONTEXTS["browse"][1])


class Browser(Vertical):
    """Walks from registries to tags, and keeps what is marked on the way.

    `seen` holds the images that were looked at, by their reference as it is written.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("browse"), *chosen("back")]
    DEFAULT_CSS = """
    Browser {
        &>#names { display: none; }
        &.-repositories>#accounts, &.-tags>#accounts { display: none; }
        &.-repositories>#names, &.-tags>#names { display: block; }
        #repositories, #tags { width: 1fr; }
        VirtualTable { scrollbar-size-vertical: 1; }
        #tags { border-left: solid $panel; }
        &.-narrow #tags { border-left: none; }
        &.-narrow.-repositories #tags, &.-narrow.-tags #repositories { display: none; }
    }
    """
    REST: ClassVar[float] = 0.3
    """The seconds that the cursor rests on a repository before its tags are asked for."""

    level: reactive[str] = reactive("accounts", repaint=False)
    """Where the operator is: `accounts`, `repositories` or `tags`."""

    @dataclass
    class Looked(Message):
        """Something else is in sight: how to call it, how much there is, and the line for it."""

        heading: str
        more: str
        line: str

    @dataclass
    class DetailsWanted(Message):
        """One image is to be looked at."""

        reference: Reference

    @dataclass
    class CopyWanted(Message):
        """Repositories and tags are to be copied."""

        sources: tuple[Reference, ...]

    def __init__(self, seen: Mapping[str, Inspection] | None = None) -> None:
        super().__init__()
        self._seen = {} if seen is None else seen
        self._accounts: tuple[Account, ...] = ()
        self._repository = ""
        self._marks_in: Counter[str] = Counter()
        self._rest: Timer | None = None
        self._ready = False
        self.host = ""

    def compose(self) -> ComposeResult:
        """Give the three lists."""
        yield AccountList(id="accounts")
        with Horizontal(id="names"):
            yield NameList(
                "repository", "repositories", _MARKED, self._marked_in, id="repositories"
            )
            yield NameList("tag", "tags", _KNOWN, self._known_of, id="tags")

    def on_mount(self) -> None:
        """Begin; the only registry there is needs no choosing."""
        self._ready = True
        self.come_back()
        if not self.host and len(self._accounts) == 1:
            self.open(self._accounts[0].host)
        elif not self.host:
            self._go("accounts")
        self.looked()

    def come_back(self) -> None:
        """Show what may have changed meanwhile, and the registry that was asked for elsewhere."""
        if not self._ready:
            return
        app = self._frame.transship
        wanted, app.wanted_host = app.wanted_host, ""
        self.show_accounts()
        self.tags.table.changed()
        if wanted:
            self.open(wanted)

    @property
    def repositories(self) -> NameList:
        """The list of repositories."""
        return self.query_one("#repositories", NameList)

    @property
    def tags(self) -> NameList:
        """The list of tags."""
        return self.query_one("#tags", NameList)

    @property
    def _frame(self) -> Frame:
        from transship_tui.screens.frame import Frame

        assert isinstance(self.screen, Frame)
        return self.screen

    @property
    def _here(self) -> NameList:
        return self.tags if self.level == "tags" else self.repositories

    def show_accounts(self) -> None:
        """Show the registries as they are now: they may have changed elsewhere."""
        try:
            self._accounts = self._frame.transship.engine.accounts()
        except TransshipError as error:
            self._frame.fail(error)
            return
        self.query_one(AccountList).put(self._accounts, self.host)

    def open(self, host: str) -> None:
        """Show the repositories of a registry. What is marked in another one isn't any longer."""
        if host != self.host:
            self.host, self._repository = host, ""
            self.unmark()
            self.tags.clear()
            self._list_repositories()
        elif not self.repositories.filled:
            self._list_repositories(keep=True)
        self._go("repositories")

    def stop(self) -> None:
        """Ask the registry for no more."""
        self.repositories.stop()
        self.tags.stop()

    def unmark(self) -> None:
        """Take all marks away."""
        for names in (self.repositories, self.tags):
            names.table.action_unmark()

    def selection(self) -> tuple[Reference, ...]:
        """Return what is marked, else what is under the cursor. Raises BadReference."""
        keys = [*self.repositories.table.marked, *self.tags.table.marked]
        if not keys and (key := self._here.table.key_at_cursor()) is not None:
            keys = [key]
        return tuple(parse_reference(f"{self.host}/{key}") for key in sorted(keys, key=natural_key))

    def looked(self) -> None:
        """Say what is in sight."""
        if self.level == "accounts":
            more = f"choose one of {counted(len(self._accounts), 'registry', 'registries')}"
            self.post_message(self.Looked("Browse", more if self._accounts else "", line("ls")))
            return
        repository = self._repository if self.level == "tags" else ""
        heading = f"{self.host}/{repository}" if repository else self.host
        more = " · ".join(filter(None, (self._marked_words(), self._here.count)))
        self.post_message(self.Looked(heading, more, ls_line(self.host, repository)))

    @property
    def marked(self) -> int:
        """How many repositories and tags are marked."""
        return len(self.repositories.table.marked) + len(self.tags.table.marked)

    def _go(self, level: str) -> None:
        self._frame.hush()
        self.level = level
        table = self.query_one(AccountList) if level == "accounts" else self._here.table
        self.call_after_refresh(table.focus)

    def watch_level(self) -> None:
        """Show what belongs to the level."""
        for level in ("accounts", "repositories", "tags"):
            self.set_class(self.level == level, f"-{level}")
        self.refresh_bindings()
        if self._ready:
            self.looked()

    def on_resize(self, event: events.Resize) -> None:
        """Put the lists side by side where they have room."""
        self.set_class(event.size.width < _SIDE_BY_SIDE, "-narrow")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Be where the focus is."""
        for level in ("accounts", "repositories", "tags"):
            if self.query_one(f"#{level}") in event.widget.ancestors_with_self:
                self.level = level

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what is for names only where there are names."""
        typing = isinstance(self.screen.focused, Input)
        if action in _FOR_NAMES and (self.level == "accounts" or typing):
            return False
        return None if action in self.impossible() else super().check_action(action, parameters)

    def impossible(self) -> Mapping[str, str]:
        """Return what can't be done where the operator is, each with the reason."""
        why = "That is for tags: open a repository first."
        return {} if self.level == "tags" else {"details": why, "copy_digest": why}

    # What the lists say

    @on(VirtualTable.Opened, "#accounts")
    def _open_account(self, event: VirtualTable.Opened) -> None:
        event.stop()
        self.open(event.key)

    @on(VirtualTable.CursorMoved, "#repositories VirtualTable")
    def _at_repository(self, event: VirtualTable.CursorMoved) -> None:
        event.stop()
        if self._rest is not None:
            self._rest.stop()
        if not self.has_class("-narrow"):
            self._rest = self.set_timer(self.REST, self._rested)

    def _rested(self) -> None:
        key = self.repositories.table.key_at_cursor()
        if key is not None and self.level == "repositories":
            self._list_tags(key)

    @on(VirtualTable.Opened, "#repositories VirtualTable")
    def _open_repository(self, event: VirtualTable.Opened) -> None:
        event.stop()
        self._list_tags(event.key)
        self._go("tags")

    @on(VirtualTable.Opened, "#tags VirtualTable")
    def _open_tag(self, event: VirtualTable.Opened) -> None:
        event.stop()
        self.action_details()

    @on(VirtualTable.MarksChanged)
    def _marks_changed(self, event: VirtualTable.MarksChanged) -> None:
        event.stop()
        self._marks_in = Counter(key.rpartition(":")[0] for key in self.tags.table.marked)
        self.repositories.table.changed()
        self.looked()

    @on(NameList.Changed)
    def _names_changed(self, event: NameList.Changed) -> None:
        event.stop()
        if event.names is self._here:
            self.looked()

    @on(NameList.Failed)
    def _names_failed(self, event: NameList.Failed) -> None:
        event.stop()
        self._frame.fail(event.error)
        if isinstance(event.error, CatalogClosed) and event.names is self.repositories:
            self._put_named()

    # Listing

    def _list_repositories(self, *, keep: bool = False) -> None:
        names = self._frame.transship.engine.repositories(self.host)
        self.repositories.fill(names, keep=keep)

    def _list_tags(self, repository: str, *, anew: bool = False) -> None:
        keep = repository == self._repository
        if keep and self.tags.filled and not anew:
            return
        self._repository = repository
        names = self._frame.transship.engine.tags(self.host, repository)
        self.tags.fill(names, title=repository, prefix=f"{repository}:", keep=keep)

    def _put_named(self) -> None:
        """Show the repositories that the operator named, where the registry lists none."""
        named = self._named()
        if named:
            self.repositories.put(named)
            self._frame.warn("The registry lists none. These you named yourself; a changes them.")
        else:
            self.repositories.clear(
                "This registry doesn't list its repositories. Press a to name those that you need."
            )

    def _named(self) -> tuple[str, ...]:
        found = (a.repositories for a in self._accounts if a.host == self.host)
        return next(found, ())

    # Beside the names

    def _marked_in(self, repository: str) -> Sequence[Content]:
        count = self._marks_in[repository]
        return (Content(counted(count, "tag") if count else ""),)

    def _known_of(self, key: str) -> Sequence[Content]:
        known = self._seen.get(f"{self.host}/{key}")
        if known is None:
            return Content(""), Content("")
        return Content(short(known.manifest.digest)), Content(bytes_text(known.size))

    def _marked_words(self) -> str:
        repositories, tags = self.repositories.table.marked, self.tags.table.marked
        words = (
            counted(len(repositories), "repository", "repositories") if repositories else "",
            counted(len(tags), "tag") if tags else "",
        )
        return f"● {', '.join(filter(None, words))}" if repositories or tags else ""

    # What can be done

    async def action_back(self) -> None:
        """Show all again, or go to where this belongs."""
        if self.level != "accounts" and self._here.clear_filter():
            return
        if self.level == "tags":
            self._go("repositories")
        elif self.level == "repositories":
            self.action_account()
        else:
            await self._frame.action_back()

    def action_account(self) -> None:
        """Choose another registry."""
        self.show_accounts()
        self._go("accounts")

    def action_filter(self) -> None:
        """Show only what matches."""
        self._here.ask_filter()

    def action_mark_matching(self) -> None:
        """Mark what matches."""
        self._here.ask_marks()

    def action_order(self) -> None:
        """Order by name, or as the registry has it."""
        self._frame.tell(f"Ordered {self._here.turn_order()}")

    def action_refresh_list(self) -> None:
        """List anew."""
        self._frame.hush()
        if self.level == "tags":
            self._list_tags(self._repository, anew=True)
        else:
            self._list_repositories(keep=True)

    def action_details(self) -> None:
        """Look at the tag under the cursor."""
        if (reference := self._tag_at_cursor()) is not None:
            self._frame.hush()
            self.post_message(self.DetailsWanted(reference))

    async def action_copy_digest(self) -> None:
        """Copy the tag under the cursor by its digest, where that is known."""
        reference = self._tag_at_cursor()
        if reference is None:
            return
        known = self._seen.get(str(reference))
        if known is None:
            self._frame.warn("The digest isn't known yet: i looks at the tag.")
        else:
            await self._frame.copy(str(reference.at(known.manifest.digest)))

    def action_copy(self) -> None:
        """Copy what is marked, or what is under the cursor."""
        try:
            sources = self.selection()
        except TransshipError as error:
            self._frame.fail(error)
            return
        if sources:
            self.post_message(self.CopyWanted(sources))

    @work(group="name", exclusive=True, exit_on_error=False)
    async def action_name(self) -> None:
        """Name repositories of a registry that doesn't list them."""
        names = await self.app.push_screen_wait(NameRepositories(self.host, self._named()))
        if names is None:
            return
        try:
            await self._frame.transship.engine.keep_repositories(self.host, names)
        except TransshipError as error:
            self._frame.fail(error)
            return
        self.show_accounts()
        self._list_repositories(keep=True)

    def _tag_at_cursor(self) -> Reference | None:
        key = self.tags.table.key_at_cursor()
        try:
            return parse_reference(f"{self.host}/{key}") if key is not None else None
        except TransshipError as error:
            self._frame.fail(error)
            return None
