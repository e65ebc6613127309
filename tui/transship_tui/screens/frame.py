"""The frame that every screen stands in: the same four answers in the same places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen

from transship.errors import TransshipError
from transship_tui.context import Context, context_of
from transship_tui.keys import bindings
from transship_tui.widgets.bars import Heading, KeyFooter, LineBar, MessageBar, ModeTabs, StatusBar
from transship_tui.widgets.dialogs import ErrorDialog, WordsDialog
from transship_tui.widgets.guide import GuideBar
from transship_tui.workers import WorkerFailures

if TYPE_CHECKING:
    from transship.app.application import Application
    from transship.guide import Next, Step


class Frame(WorkerFailures, Screen[None]):
    """A screen with its heading, its line, its message, the status and the footer.

    A screen fills `compose_body`, and says with `heading`, `line`, `tell`, `warn` and `fail` what
    the four questions ask for.
    """

    MODE: ClassVar[str] = ""
    WITHOUT_LINE: ClassVar[str] = "There is no line before what is missing here is filled in."
    """What is said to who wants to copy the line while there is none."""
    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (76, "-normal"), (110, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (22, "-tall")]  # noqa: RUF012
    DEFAULT_CSS = """
    Frame > #body { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._done = False

    def compose(self) -> ComposeResult:
        """Put the body between the lines around it."""
        yield ModeTabs(self.MODE)
        yield GuideBar()
        yield Heading()
        with Container(id="body"):
            yield from self.compose_body()
        yield LineBar()
        yield MessageBar()
        yield StatusBar()
        yield KeyFooter()

    def compose_body(self) -> ComposeResult:
        """Give what the screen shows."""
        yield from ()

    @property
    def context(self) -> Context:
        """What the screens of the app share."""
        return context_of(self)

    @property
    def core(self) -> Application:
        """What carries out whatever is asked for here."""
        return self.context.core

    def heading(self, text: str, more: str = "") -> None:
        """Say what this is."""
        self.query_one(Heading).say(text, more)

    def line(self, line: str) -> None:
        """Say which line command does the same."""
        self.query_one(LineBar).line = line

    def tell(self, text: str) -> None:
        """Say that something went well."""
        self.query_one(MessageBar).tell(text)
        self.context.log.add_words(text)

    def warn(self, text: str) -> None:
        """Say why something isn't done."""
        self.query_one(MessageBar).warn(text)

    def fail(self, error: TransshipError) -> None:
        """Say what went wrong, and remember it for the log."""
        self.query_one(MessageBar).fail(error)
        self.context.log.add_error(error)

    def hush(self) -> None:
        """Say nothing more of what was."""
        self.query_one(MessageBar).clear()

    def on_resize(self) -> None:
        """Keep what has the focus in sight."""
        self.show_focused()

    def show_focused(self) -> None:
        """Scroll to what has the focus, once what took its room is there."""
        if self.focused is not None:
            self.call_after_refresh(self.focused.scroll_visible, animate=False)

    def on_screen_resume(self) -> None:
        """Show the status as it is now; close what was done while another area was in front."""
        if self._done:
            # By now another area may be in front, whose screens aren't these.
            if self.app.screen is self:
                self.app.pop_screen()
            return
        self.show_status()
        self.context.shell.show_guide()
        if self.MODE == "jobs":
            self.context.shell.show_wanted_job(self)

    def show_status(self) -> None:
        """Write the status line: what the jobs do, and how the keyring is."""
        self.query_one(StatusBar).show([self.context.monitor.status])

    def impossible(self) -> Mapping[str, str]:
        """Return the actions that can't be taken now, each with the reason. Screens fill this in.

        Their keys are greyed; who presses one is told why. `refresh_bindings` asks anew.
        """
        return {}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what can't be done now; offer nothing before there is anything to do it with."""
        if not self.is_mounted:
            return False
        return None if action in self.impossible() else super().check_action(action, parameters)

    def on_key(self, event: events.Key) -> None:
        """Say why a key does nothing now."""
        active = self.active_bindings.get(event.key)
        if self.is_mounted and active is not None and not active.enabled:
            why = self.impossible().get(active.binding.action.partition("(")[0])
            if why:
                self.warn(why)

    def take_step(self, step: Step) -> bool:  # noqa: ARG002 - screens fill this in
        """Take a step of the guide here, if it can be; tell whether it was."""
        return False

    def next_here(self, coming: Next) -> Next:
        """Return the guide's next step as it is on this screen. Screens fill this in."""
        return coming

    async def copy(self, text: str) -> None:
        """Copy text for the operator, and say what came of it."""
        copied = await self.context.clipboard.copy(text)
        if copied.done:
            self.tell(copied.words)
        else:
            self.warn(copied.words)

    async def action_copy_line(self) -> None:
        """Copy the line command."""
        line = self.query_one(LineBar).line
        if line:
            await self.copy(line)
        else:
            self.warn(self.WITHOUT_LINE)

    def explain(self, error: TransshipError) -> None:
        """Show an error in full."""
        self.app.push_screen(ErrorDialog(error))

    def action_explain(self) -> None:
        """Open what the message bar has no room for."""
        bar = self.query_one(MessageBar)
        if bar.error is not None:
            self.explain(bar.error)
        elif bar.is_cut:
            self.app.push_screen(WordsDialog(bar.message))

    def close_when_in_front(self) -> None:
        """Close this screen now, or as soon as its area comes to the front again."""
        self._done = True
        if self.app.screen is self:
            self.app.pop_screen()

    async def action_back(self) -> None:
        """Close this screen, if it lies on another."""
        if len(self.app.screen_stack) > 1:
            # Not awaited: a screen that waits for its own end waits for ever.
            self.dismiss()

    async def action_leave(self) -> None:
        """Go back, or quit from the first screen."""
        if len(self.app.screen_stack) > 1:
            await self.action_back()
        else:
            await self.app.action_quit()
