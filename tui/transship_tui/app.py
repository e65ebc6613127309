"""The app: its five areas, and what is the same in all of them."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.command import Provider
from textual.content import Content
from textual.events import Event, Key, Paste
from textual.screen import Screen
from textual.worker import WorkerFailed

from transship.app.application import Application
from transship.errors import JobEnded, PluginBroken, SecretMissing, TransshipError
from transship.guide import next_step
from transship.plugins import tell_broken
from transship.settings import Settings
from transship_tui.clipboard import Clipboard
from transship_tui.context import Context, JobMonitor, SessionLog
from transship_tui.faults import Faults
from transship_tui.guarded import guarded
from transship_tui.guide import GuideProgress
from transship_tui.palette import KeyProvider
from transship_tui.screens.frame import Frame
from transship_tui.screens.secret import SecretAsking
from transship_tui.themes import THEMES, without_ansi
from transship_tui.type_ahead import TypeAhead
from transship_tui.widgets.guide import GuideBar
from transship_tui.workers import WorkerFailures

if TYPE_CHECKING:
    from transship_tui.screens.quit import Leaving

_CTRL_C_SECONDS = 3.0


def _registries() -> Screen[None]:
    from transship_tui.screens.registries.accounts import RegistriesScreen

    return RegistriesScreen()


def _browse() -> Screen[None]:
    from transship_tui.screens.browse.browser import BrowseScreen

    return BrowseScreen()


def _plan() -> Screen[None]:
    from transship_tui.screens.plan.plans import PlanScreen

    return PlanScreen()


def _jobs() -> Screen[None]:
    from transship_tui.screens.jobs.jobs import JobsScreen

    return JobsScreen()


def _cutover() -> Screen[None]:
    from transship_tui.screens.cutover.cutovers import CutoverScreen

    return CutoverScreen()


class TransshipApp(WorkerFailures, App[None]):
    """Transship in a terminal: five areas over one core.

    `core` carries out what is asked for; `settings` is what the operator has set.
    """

    TITLE = "Transship"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {KeyProvider}
    BINDINGS: ClassVar[list[BindingType]] = []
    MODES = {  # noqa: RUF012
        "registries": _registries,
        "browse": _browse,
        "plan": _plan,
        "jobs": _jobs,
        "cutover": _cutover,
    }
    DEFAULT_MODE = "registries"

    def __init__(self, core: Application, settings: Settings | None = None) -> None:
        super().__init__()
        settings = settings or Settings()
        faults = Faults()
        self.fault: TransshipError | None = None
        """Why the app had to end, if nobody wanted it to."""
        self._unforeseen: BaseException | None = None
        self._core = guarded(core, faults, self._ask_secret)
        self._typed = TypeAhead(self, super().on_event)
        self._secrets = SecretAsking(self, self._core, self._typed)
        self._last_ctrl_c = -_CTRL_C_SECONDS
        over_ssh = bool(os.environ.get("SSH_CONNECTION"))
        refreshes = settings.refreshes_per_second(over_ssh=over_ssh)
        log = SessionLog(core.clock)
        self.context = Context(
            shell=self,
            core=self._core,
            settings=settings,
            faults=faults,
            clipboard=Clipboard(settings.clipboard, os.environ, self.copy_to_clipboard),
            log=log,
            monitor=JobMonitor(self, self, self._core, log, refreshes),
            guide=GuideProgress(),
        )
        self.chosen_keys = settings.keys
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = settings.theme if settings.theme in self.available_themes else "transship"
        self.set_keymap(settings.keys)

    def validate_theme(self, name: str) -> str:
        """Take a theme that can be read: Textual's filter for NO_COLOR blackens ANSI colours."""
        return without_ansi(self.available_themes[name]) if self.no_color else name

    async def _ask_secret(self, error: SecretMissing) -> bool:
        return await self._secrets.ask(error)

    def get_system_commands(self, screen: Screen[Any]) -> Iterator[SystemCommand]:
        """Give what the toolkit can do beside what our own keys do."""
        ours = ("Quit", "Keys")
        yield from (each for each in super().get_system_commands(screen) if each.title not in ours)

    async def on_event(self, event: Event) -> None:
        """Take keys one after the other, so that each reaches what it was typed for."""
        if isinstance(event, (Key, Paste)) and not event.is_forwarded:
            await self._typed.take(event)
        else:
            await super().on_event(event)

    def on_mount(self) -> None:
        """Begin to watch the jobs, and show the guide to who has none yet."""
        asyncio.get_running_loop().set_exception_handler(self._keep_unawaited)
        tell_broken(self._warn_of)
        self.context.monitor.start()
        self.context.guide.take_up(self.context.monitor.jobs)
        self.context.guide.on = self.context.settings.guide and not self.context.monitor.jobs
        self.show_guide()
        self.call_after_refresh(self.settle_memory)

    async def on_unmount(self) -> None:
        """Close what the core holds open."""
        tell_broken(None)
        self.context.monitor.stop()
        await self._core.aclose()

    def _warn_of(self, plugin: PluginBroken) -> None:
        words = f"{plugin.detail}\n{plugin.remedy}"
        self.notify(words, title=plugin.title, severity="warning", markup=False)

    def settle_memory(self) -> None:
        """Take what was loaded for good: it stays as long as the app does.

        Looking through it for garbage would stop the app for a tenth of a second, again and again.
        """
        if not self.is_headless:
            gc.freeze()
        gc.enable()

    def show_job(self, job: str) -> None:
        """Go to Jobs, which takes `wanted_job` when it comes to the front."""
        self.context.wanted_job = job
        self.switch_mode("jobs")

    def show_wanted_job(self, screen: Screen[Any]) -> None:
        """Show the job that is wanted over `screen`, which is in front in Jobs and shows none."""
        from transship_tui.screens.jobs.job import JobScreen

        wanted, self.context.wanted_job = self.context.wanted_job, ""
        if wanted and self.screen is screen:
            self.push_screen(JobScreen(wanted))

    async def show_delegation(self, delegation: str) -> None:
        """Go to Jobs, and show a delegation there."""
        from transship_tui.screens.engines.delegations import DelegationScreen

        await self.show_above("jobs", DelegationScreen(delegation))

    async def show_above(self, mode: str, screen: Screen[Any]) -> None:
        """Go to another area, and show a screen there."""
        await self.switch_mode(mode)
        self.push_screen(screen)

    def browse(self, host: str) -> None:
        """Go to Browse, which looks at the registry `host` then."""
        self.context.wanted_host = host
        self.switch_mode("browse")

    def show_status(self) -> None:
        """Write the status line of the screen in front."""
        if isinstance(self.screen, Frame):
            self.screen.show_status()

    def show_guide(self) -> None:
        """Show on the screen in front how far the guided way is, if the guide is on."""
        for bar in self.screen.query(GuideBar):
            bar.set_class(self.context.guide.on, "-on")
            try:
                bar.world = self.context.guide.world(self._core, self.context.monitor.jobs)
                bar.about = self.context.guide.about(self.context.naming)
            except TransshipError as error:
                self.context.log.add_error(error)

    def action_guide(self) -> None:
        """Show the guide, or leave it. Nothing is lost either way."""
        self.context.guide.on = not self.context.guide.on
        self.show_guide()
        if isinstance(self.screen, Frame):
            self.screen.show_focused()

    def action_next_step(self) -> None:
        """Take the next step here, else go to where it is taken; there, say what it waits for."""
        coming = next_step(self.context.guide.world(self._core, self.context.monitor.jobs))
        if isinstance(self.screen, Frame) and self.screen.take_step(coming.step):
            return
        mode = self.context.guide.mode_of(coming.step)
        if mode != self.current_mode:
            if mode == "jobs" and self.context.guide.job:
                self.show_job(self.context.guide.job)
            elif mode == "browse":
                self.browse(self.context.guide.source)
            else:
                self.switch_mode(mode)
        elif isinstance(self.screen, Frame):
            self.screen.warn(coming.waits_for)

    def explain(self, error: TransshipError) -> None:
        """Show an error in full."""
        from transship_tui.widgets.dialogs import ErrorDialog

        self.push_screen(ErrorDialog(error))

    def tell_unforeseen(self, error: BaseException, where: str) -> None:
        """Say what ended some work that no screen was ready for, and keep it for the log."""
        if error is self._unforeseen:
            return
        self._unforeseen = error
        shown = self.context.faults.shown(error, where)
        if isinstance(self.screen, Frame):
            self.screen.fail(shown)
        else:
            self.context.log.add_error(shown)
            self.explain(shown)

    def _handle_exception(self, error: Exception) -> None:
        """End the app because of an error in it. The work beside it fails without that."""
        if isinstance(error, WorkerFailed):
            self.tell_unforeseen(error.error, "the app")
            return
        if self.fault is None:
            self.context.faults.keep(error)
            self.fault = self.context.faults.shown(error, "the app")
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End without Textual's traceback: it shows what variables hold. `fault` has the words."""
        self.panic()

    def panic(self, *_: object) -> None:
        """End, and leave the words to whoever opened the app."""
        super().panic()

    def _keep_unawaited(self, _: object, context: Mapping[str, Any]) -> None:
        """Keep what went wrong in a task that nobody waits for; asyncio would write its words."""
        if isinstance(error := context.get("exception"), BaseException):
            self.context.faults.keep(error)

    def action_log(self) -> None:
        """Show what was told so far."""
        from transship_tui.screens.log import LogScreen

        if not isinstance(self.screen, LogScreen):
            self.push_screen(LogScreen())

    def action_console(self) -> None:
        """Show what was asked of registries."""
        from transship_tui.screens.log import ConsoleScreen

        if not isinstance(self.screen, ConsoleScreen):
            self.push_screen(ConsoleScreen())

    def action_help(self) -> None:
        """Explain what is in front."""
        from transship_tui.screens.help import HelpDialog

        self.push_screen(HelpDialog(self.screen))

    def action_mode(self, mode: str) -> None:
        """Go to another area."""
        self.switch_mode(mode)

    async def action_quit(self) -> None:
        """Quit; ask before something is lost, and while jobs run, what becomes of them."""
        from transship_tui.widgets.dialogs import ConfirmDialog

        stakes = [stake for tell in self.context.quit_warnings if (stake := tell()) is not None]
        if not stakes:
            self._quit_or_ask()
        elif not isinstance(self.screen, ConfirmDialog):
            words = Content("\n\n".join(dict.fromkeys(stake.words for stake in stakes)))
            dialog = ConfirmDialog(stakes[0].question, words, "Quit", danger=True)
            self.push_screen(dialog, lambda wanted: self._quit_or_ask() if wanted else None)

    def _quit_or_ask(self) -> None:
        from transship_tui.screens.quit import QuitDialog

        self.context.monitor.look()
        if not self.context.monitor.running:
            self.exit()
        elif not isinstance(self.screen, QuitDialog):
            self.push_screen(
                QuitDialog(self.context.monitor.running, self.context.naming), self._quit
            )

    def action_help_quit(self) -> None:
        """Quit when ctrl+c is pressed twice: once may have been meant for something else."""
        now = self._core.clock.monotonic()
        if now - self._last_ctrl_c < _CTRL_C_SECONDS:
            self.call_next(self.action_quit)
        else:
            self._last_ctrl_c = now
            words = "Press ctrl+c again to quit."
            if isinstance(self.screen, Frame):
                self.screen.warn(words)
            else:
                self.notify(words, timeout=_CTRL_C_SECONDS)

    def _quit(self, leaving: Leaving | None) -> None:
        if leaving is None:
            return
        try:
            for job in self.context.monitor.running if leaving == "pause" else ():
                # One that has ended meanwhile needs no pause.
                with suppress(JobEnded):
                    self._core.jobs.pause(job.id)
        except TransshipError as error:
            self.context.log.add_error(error)
            self.explain(error)
        else:
            self.exit()
