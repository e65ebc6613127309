"""What there is to copy: registries, the repositories of one, the tags of a repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input

from transship.accounts.registry_file import Account
from transship.accounts.sign_in import holding_images
from transship.errors import CatalogClosed, TransshipError
from transship.oci.reference import Reference
from transship.text import counted
from transship_tui.dialogs.name_repositories import NameRepositories
from transship_tui.keys import CONTEXTS, bindings, chosen
from transship_tui.keys.words import key_for, words_for
from transship_tui.lines import line, ls_line
from transship_tui.widgets.account_list import AccountList
from transship_tui.widgets.image_names import ImageNames
from transship_tui.widgets.name_list import NameList
from transship_tui.widgets.virtual_table import VirtualTable
from transship_tui.workers import WorkersMinded

if TYPE_CHECKING:
    from transship.app.application import Application
    from transship.registry.inspection import Inspection
    from transship_tui.screens.frame import Frame

_FOR_NAMES = frozenset(key.action for key in CONTEXTS["browse"][1])
_UNLISTED = (
    "This registry doesn't list its repositories. Press {browse.name} to name those that you need."
)


class Browser(WorkersMinded, Vertical):
    """Walks from registries to tags, and keeps what is marked on the way.

    `seen` holds the images that were looked at, by their reference as it is written.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("browse"), *chosen("back")]
    DEFAULT_CSS = """
    Browser {
        &>#names { display: none; }
        &.-repositories>#accounts, &.-tags>#accounts { display: none; }
        &.-repositories>#names, &.-tags>#names { display: block; }
    }
    """

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

    @dataclass
    class PlanWanted(Message):
        """Repositories and tags are to be copied by a plan."""

        sources: tuple[Reference, ...]

    def __init__(self, engine: Application, seen: Mapping[str, Inspection]) -> None:
        super().__init__()
        self._engine = engine
        self._seen = seen
        self._accounts: tuple[Account, ...] = ()
        self._ready = False

    def compose(self) -> ComposeResult:
        """Give the registries, and what is in one of them."""
        yield AccountList(id="accounts")
        yield ImageNames(self._engine, self._seen, id="names")

    def on_mount(self) -> None:
        """Begin; the only registry there is needs no choosing."""
        self._ready = True
        self.come_back()
        if not self.names.host and len(self._accounts) == 1:
            self.open(self._accounts[0].host)
        elif not self.names.host:
            self._go("accounts")
        self.looked()

    def come_back(self) -> None:
        """Show what may have changed meanwhile, and the registry that was asked for elsewhere."""
        if not self._ready:
            return
        app = self._frame.transship
        wanted, app.wanted_host = app.wanted_host, ""
        self.show_accounts()
        self.names.tags.table.changed()
        if wanted:
            self.open(wanted)

    @property
    def names(self) -> ImageNames:
        """The names of the registry that is open."""
        return self.query_one(ImageNames)

    @property
    def _frame(self) -> Frame:
        from transship_tui.screens.frame import Frame

        assert isinstance(self.screen, Frame)
        return self.screen

    def show_accounts(self) -> None:
        """Show the registries as they are now: they may have changed elsewhere."""
        try:
            self._accounts = holding_images(self._engine.registries.all())
        except TransshipError as error:
            self._frame.fail(error)
            return
        self.query_one(AccountList).put(self._accounts, self.names.host)

    def open(self, host: str) -> None:
        """Show the repositories of a registry."""
        self.names.open(host)
        self._go("repositories")

    def looked(self) -> None:
        """Say what is in sight."""
        if self.level == "accounts":
            more = f"choose one of {counted(len(self._accounts), 'registry', 'registries')}"
            self.post_message(self.Looked("Browse", more if self._accounts else "", line("ls")))
            return
        names = self.names
        called = self._frame.transship.naming.place(names.host)
        repository = names.repository if self.level == "tags" else ""
        heading = f"{called}/{repository}" if repository else called
        more = " · ".join(filter(None, (names.marked_words, names.here.count)))
        self.post_message(self.Looked(heading, more, ls_line(called, repository)))

    def _go(self, level: str) -> None:
        self._frame.hush()
        self.level = level
        table = self.query_one(AccountList) if level == "accounts" else self.names.here.table
        # At once, so that what is typed after the key isn't taken for another list's.
        self.screen.set_focus(table)

    def watch_level(self) -> None:
        """Show what belongs to the level."""
        for level in ("accounts", "repositories", "tags"):
            self.set_class(self.level == level, f"-{level}")
        if self.level != "accounts":
            self.names.level = self.level
        self.refresh_bindings()
        if self._ready:
            self.looked()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Be where the focus is."""
        for level in ("accounts", "repositories", "tags"):
            if self.query_one(f"#{level}") in event.widget.ancestors_with_self:
                self.level = level

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what is for names only where there are names."""
        if not self.is_mounted:
            return False
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

    @on(VirtualTable.Opened, "#repositories VirtualTable")
    def _open_repository(self, event: VirtualTable.Opened) -> None:
        event.stop()
        self.names.list_tags(event.key)
        self._go("tags")

    @on(VirtualTable.Opened, "#tags VirtualTable")
    def _open_tag(self, event: VirtualTable.Opened) -> None:
        event.stop()
        self.action_details()

    @on(ImageNames.Changed)
    def _names_changed(self, event: ImageNames.Changed) -> None:
        event.stop()
        self.looked()

    @on(NameList.Failed)
    def _names_failed(self, event: NameList.Failed) -> None:
        event.stop()
        self._frame.fail(event.error)
        if isinstance(event.error, CatalogClosed) and event.names is self.names.repositories:
            self._put_named()

    def _put_named(self) -> None:
        """Show the repositories that the operator named, where the registry lists none."""
        named = self._named()
        if named:
            self.names.repositories.put(named)
            changes = f"{key_for(self, 'browse.name')} changes them"
            self._frame.warn(f"The registry lists none. These you named yourself; {changes}.")
        else:
            self.names.repositories.clear(words_for(self, _UNLISTED))

    def _named(self) -> tuple[str, ...]:
        found = (a.repositories for a in self._accounts if a.host == self.names.host)
        return next(found, ())

    # What can be done

    async def action_back(self) -> None:
        """Show all again, or go to where this belongs."""
        if self.level != "accounts" and self.names.here.clear_filter():
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
        self.names.here.ask_filter()

    def action_mark_matching(self) -> None:
        """Mark what matches."""
        self.names.here.ask_marks()

    def action_order(self) -> None:
        """Order by name, or as the registry has it."""
        self._frame.tell(f"Ordered {self.names.here.turn_order()}")

    def action_refresh_list(self) -> None:
        """List anew."""
        self._frame.hush()
        self.names.list_anew()

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
            looks = f"{key_for(self, 'browse.details')} looks at the tag"
            self._frame.warn(f"The digest isn't known yet: {looks}.")
        else:
            await self._frame.copy(str(reference.at(known.manifest.digest)))

    def action_copy(self) -> None:
        """Copy what is marked, or what is under the cursor."""
        if sources := self._selection():
            self.post_message(self.CopyWanted(sources))

    def action_plan(self) -> None:
        """Write a plan that copies what is marked, or what is under the cursor."""
        if sources := self._selection():
            self.post_message(self.PlanWanted(sources))

    def _selection(self) -> tuple[Reference, ...]:
        try:
            return self.names.selection()
        except TransshipError as error:
            self._frame.fail(error)
            return ()

    @work(group="name", exclusive=True, exit_on_error=False)
    async def action_name(self) -> None:
        """Name repositories of a registry that doesn't list them."""
        names = await self.app.push_screen_wait(NameRepositories(self.names.host, self._named()))
        if names is None:
            return
        try:
            await self._engine.registries.keep_repositories(self.names.host, names)
        except TransshipError as error:
            self._frame.fail(error)
            return
        self.show_accounts()
        self.names.list_anew()

    def _tag_at_cursor(self) -> Reference | None:
        try:
            return self.names.tag_at_cursor()
        except TransshipError as error:
            self._frame.fail(error)
            return None
