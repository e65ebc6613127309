"""Browse: registries, the repositories of one, the tags of a repository, and what to copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from transship.accounts.registry_file import Account
from transship.accounts.sign_in import holding_images
from transship.errors import CatalogClosed, TransshipError
from transship.guide import Step
from transship.oci.reference import Reference, is_repository
from transship.registry.service import service_named, service_of
from transship.text import counted, safe
from transship_tui.keys import CONTEXTS, bindings, chosen, key_for, words_for
from transship_tui.lines import line, ls_line
from transship_tui.screens.browse.names import ImageNames, NameList
from transship_tui.screens.frame import Frame
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.workers import WorkerFailures

if TYPE_CHECKING:
    from transship.app.application import Application
    from transship.registry.inspection import Inspection

_COLUMNS = (Column("Registry"), Column("Alias", 16), Column("Service", 28, least=70))
_NONE = "No registries yet. Press {registries} to add the first one."


class _AccountChoiceRows:
    """Accounts as rows."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._accounts = accounts

    def __len__(self) -> int:
        return len(self._accounts)

    def key(self, index: int) -> str:
        """Return the host."""
        return self._accounts[index].host

    def cells(self, index: int) -> Sequence[Content]:
        """Return host, alias and service."""
        account = self._accounts[index]
        service = service_named(account.service) or service_of(account.host)
        return Content(account.host), Content(account.alias), Content(service.title)


class AccountList(VirtualTable):
    """Shows accounts by their hosts."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(_COLUMNS, id=id)

    def on_mount(self) -> None:
        """Say where the first account comes from."""
        self.show(_AccountChoiceRows(()), empty=words_for(self, _NONE))

    def put(self, accounts: Sequence[Account], host: str) -> None:
        """Show accounts; the cursor goes to `host`, or to the first."""
        hosts = [account.host for account in accounts]
        self.show(_AccountChoiceRows(accounts), at=hosts.index(host) if host in hosts else 0)


_WORDS = "Write their names with spaces between them. They are kept with the account."


class NameRepositories(ModalScreen[tuple[str, ...] | None]):
    """Asks for repositories; gives all of them, or None when nothing shall change."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    DEFAULT_CSS = """
    NameRepositories {
        & Input, & Input:focus { margin-top: 1; background: $surface; }
        & #problem { color: $text-error; height: auto; }
    }
    """

    def __init__(self, host: str, named: Sequence[str]) -> None:
        super().__init__()
        self._host = host
        self._named = tuple(named)

    def compose(self) -> ComposeResult:
        """Give the field and what is wrong with it."""
        with Vertical(classes="dialog"):
            yield Static(Content(f"Repositories of {safe(self._host)}"), classes="title")
            yield Static(Content(_WORDS))
            names = Input(
                " ".join(self._named),
                placeholder="team/web team/api",
                compact=True,
                select_on_focus=False,
            )
            names.cursor_blink = False
            yield names
            yield Static(id="problem")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Keep", id="keep", compact=True, variant="primary")

    def on_input_submitted(self) -> None:
        """Keep what was typed."""
        self._keep()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Keep, or leave it."""
        if event.button.id == "keep":
            self._keep()
        else:
            self.dismiss(None)

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def _keep(self) -> None:
        names = tuple(dict.fromkeys(self.query_one(Input).value.replace(",", " ").split()))
        wrong = next((name for name in names if not is_repository(name)), None)
        if wrong is None:
            self.dismiss(names)
            return
        hint = " Names are in lower case." if wrong != wrong.lower() else ""
        self.query_one("#problem", Static).update(
            Content(f"{safe(wrong)!r} is not a repository name.{hint}")
        )


_FOR_NAMES = frozenset(key.action for key in CONTEXTS["browse"][1])
_UNLISTED = (
    "This registry doesn't list its repositories. Press {browse.name} to name those that you need."
)


class Browser(WorkerFailures, Vertical):
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
        context = self._frame.context
        wanted, context.wanted_host = context.wanted_host, ""
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
        called = self._frame.context.naming.place(names.host)
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


class BrowseScreen(Frame):
    """The registries, their repositories and tags."""

    MODE = "browse"
    HELP = """
Choose a registry, then a repository, then a tag. {list.open} goes in, {back} comes
back.

{list.mark} marks; marks stay when you filter, or look into another repository. {browse.copy} copies
what is marked, or what is under the cursor if nothing is. Nothing is written before you have seen
what would be. {browse.plan} writes a plan that copies it, again and again.

Patterns: a part of a name, v1.* as in a shell, ~tapi for these letters in this order,
and ! before any of them for everything else.
"""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, Inspection] = {}

    def compose_body(self) -> ComposeResult:
        """Give the lists."""
        yield Browser(self.core, self._seen)

    def on_screen_resume(self) -> None:
        """Show the registry that was asked for elsewhere, and what was learned there."""
        self.query_one(Browser).come_back()

    def on_screen_suspend(self) -> None:
        """Ask for no more names once another area is in front; a dialog is no reason."""
        if self.app.current_mode != self.MODE:
            self.query_one(Browser).names.stop()

    def impossible(self) -> Mapping[str, str]:
        """Return what the browser can't do where it is."""
        return self.query_one(Browser).impossible()

    def take_step(self, step: Step) -> bool:
        """Go on with what is marked, as long as there is no job for it."""
        browser = self.query_one(Browser)
        later = (Step.PROVE, Step.CUTOVER)
        if browser.names.marked == 0 or step in later or self.context.guide.job:
            return False
        browser.action_copy()
        return True

    @on(Browser.Looked)
    def _looked(self, event: Browser.Looked) -> None:
        self.heading(event.heading, event.more)
        self.line(event.line)
        browser, journey = self.query_one(Browser), self.context.guide
        if browser.names.marked != journey.chosen:
            journey.chosen = browser.names.marked
            journey.source = browser.names.host
            journey.previewed = False
            if journey.chosen:
                journey.begin()
            self.context.shell.show_guide()

    @on(Browser.DetailsWanted)
    def _details_wanted(self, event: Browser.DetailsWanted) -> None:
        from transship_tui.screens.browse.image import ImageScreen

        self.app.push_screen(ImageScreen(event.reference, self._seen))

    @on(Browser.CopyWanted)
    def _copy_wanted(self, event: Browser.CopyWanted) -> None:
        from transship_tui.screens.browse.copy import CopyScreen

        self.app.push_screen(CopyScreen(event.sources, self.query_one(Browser).names.unmark))

    @on(Browser.PlanWanted)
    async def _plan_wanted(self, event: Browser.PlanWanted) -> None:
        from transship_tui.screens.plan.draft import OpenedPlan, rules_for
        from transship_tui.screens.plan.editor import PlanEditorScreen

        engine = self.core
        try:
            name = engine.plans.free_name(event.sources[0].repository.rpartition("/")[2])
            opened = OpenedPlan.new(
                name, rules_for(event.sources, engine, self.context.guide.target), engine
            )
        except TransshipError as error:
            self.fail(error)
            return
        editor = PlanEditorScreen(opened, lambda _: None)
        await self.context.shell.show_above("plan", editor)
