"""The log of what the app has told, and the console of what was asked of registries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.registry.http.exchange_log import Exchanged, Fields
from transship.text import bytes_text, counted
from transship_tui.context import LogEntry
from transship_tui.keys import bindings
from transship_tui.marks import BAD, CARE, OK, QUIET, mark
from transship_tui.screens.frame import Frame
from transship_tui.widgets.dialogs import FactsDialog
from transship_tui.widgets.patterns import FilteredTable
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.widgets.totals import clock_text

_LOG_COLUMNS = (Column("When", 8), Column("What", 13), Column("Told"))


class LogScreen(Frame):
    """Errors, what went well, and the states of jobs, the newest last."""

    MODE = "log"
    WITHOUT_LINE = "No line shows this: it is of the open app only.."
    BINDINGS: ClassVar[list[BindingType]] = bindings("log")
    HELP = """
Everything that was told since the app was opened, the newest last. {list.open} shows the whole of
it with what to do about it. A job's own log is in the job; what was asked of registries is in the
API console ({console}).
"""

    def __init__(self) -> None:
        super().__init__()
        self._shown = -1

    def compose_body(self) -> ComposeResult:
        """Give the table."""
        yield FilteredTable[LogEntry](_LOG_COLUMNS, _log_cells, empty="Nothing was told yet.")

    def on_mount(self) -> None:
        """Show what is there, and what comes."""
        self.query_one(VirtualTable).focus()
        self._show()
        self.set_interval(0.5, self._show)

    def _show(self) -> None:
        record = self.context.log
        if record.revision == self._shown:
            return
        self._shown = record.revision
        told = record.told()
        errors = sum(each.kind == "error" for each in told)
        self.heading("Log", f"{counted(len(told), 'entry', 'entries')}, {counted(errors, 'error')}")
        self.query_one(FilteredTable).show(told)

    def action_filter(self) -> None:
        """Let the operator type what to show."""
        self.query_one(FilteredTable).ask_filter()

    async def action_back(self) -> None:
        """Show everything again if some is hidden; else go back."""
        if not self.query_one(FilteredTable).clear_filter():
            await super().action_back()

    @on(VirtualTable.Opened)
    def action_explain(self) -> None:
        """Show the whole of what was told."""
        told = self.query_one(FilteredTable).under_cursor
        if isinstance(told, LogEntry):
            facts = (
                ("When", clock_text(told.at)),
                ("What", told.title),
                ("Detail", told.detail),
                ("What to do", told.remedy),
            )
            shown = [(name, value) for name, value in facts if value]
            self.app.push_screen(FactsDialog(mark(told.kind), shown))


def _log_cells(told: LogEntry) -> Sequence[Content]:
    words = f"{told.title}: {told.detail}" if told.detail else told.title
    return (Content(clock_text(told.at)), mark(told.kind), Content(words))


_REQUEST_COLUMNS = (
    Column("When", 8),
    Column("Asked", 6),
    Column("Of"),
    Column("Answer", 8),
    Column("Took", 7, right=True),
    Column("Sent", 8, right=True, least=100),
    Column("Received", 8, right=True, least=76),
)
_DIGEST = re.compile("(sha256:[0-9a-f]{12})[0-9a-f]{52}")


class ConsoleScreen(Frame):
    """The last requests and answers, the newest last, without any secret."""

    MODE = "console"
    WITHOUT_LINE = "No line shows this: it is of the open app only."
    BINDINGS: ClassVar[list[BindingType]] = bindings("log")
    HELP = """
What this app has asked of registries, the newest last; jobs ask by themselves, in a process of
their own. {list.open} shows the headers. Bodies aren't kept, and every value that isn't known to be
harmless is struck out (***) before it gets here, so this can be shown to others.
"""

    def __init__(self) -> None:
        super().__init__()
        self._shown = -1

    def compose_body(self) -> ComposeResult:
        """Give the table."""
        yield FilteredTable[Exchanged](
            _REQUEST_COLUMNS, _request_cells, empty="Nothing was asked of a registry yet."
        )

    def on_mount(self) -> None:
        """Show what is there, and what comes."""
        self.query_one(VirtualTable).focus()
        self._show()
        self.set_interval(0.5, self._show)

    def _show(self) -> None:
        recorder = self.core.recorder
        if recorder.revision == self._shown:
            return
        self._shown = recorder.revision
        exchanges = recorder.exchanges()
        self.heading("API console", counted(len(exchanges), "request"))
        self.query_one(FilteredTable).show(exchanges)

    def action_filter(self) -> None:
        """Let the operator type what to show."""
        self.query_one(FilteredTable).ask_filter()

    async def action_back(self) -> None:
        """Show everything again if some is hidden; else go back."""
        if not self.query_one(FilteredTable).clear_filter():
            await super().action_back()

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        exchanged = self.query_one(FilteredTable).under_cursor
        if isinstance(exchanged, Exchanged):
            title = Content.assemble(f"{exchanged.method}  ", _answer(exchanged))
            self.app.push_screen(FactsDialog(title, list(_facts(exchanged))))


def _request_cells(exchanged: Exchanged) -> Sequence[Content]:
    return (
        Content(clock_text(exchanged.at)),
        Content(exchanged.method),
        Content(_short(exchanged.url)),
        _answer(exchanged),
        Content(_took(exchanged)),
        Content(_bytes(exchanged.sent)),
        Content(_bytes(exchanged.received)),
    )


def _short(address: str) -> str:
    """Return an address as a table has room for it: without the scheme, and digests cut."""
    return _DIGEST.sub(r"\1", address.partition("://")[2] or address)


def _answer(exchanged: Exchanged) -> Content:
    status = exchanged.status
    if exchanged.seconds is None:
        return Content.styled("…", QUIET)
    if not status:
        return Content.styled("✗ none", BAD)
    if status < 400:
        return Content.styled(f"{'✓' if status < 300 else '→'} {status}", OK)
    if status < 500:
        # 401 asks for a sign-in and 404 says that something isn't there yet: nothing is broken.
        return Content.styled(f"! {status}", CARE)
    return Content.styled(f"✗ {status}", BAD)


def _facts(exchanged: Exchanged) -> Iterator[tuple[str, str]]:
    yield "Address", exchanged.url
    yield "When", clock_text(exchanged.at)
    if exchanged.seconds is None:
        yield "Answer", "not yet"
    elif exchanged.problem:
        yield "Answer", f"none after {_took(exchanged)}: {exchanged.problem}"
    else:
        yield "Answer", f"{exchanged.status}{_phrase(exchanged.status)} after {_took(exchanged)}"
    yield from _fields("Request", exchanged.request)
    yield from _fields("Answer", exchanged.answer)


def _phrase(status: int) -> str:
    return f" {HTTPStatus(status).phrase}" if status in set(HTTPStatus) else ""


def _fields(title: str, fields: Fields) -> Iterator[tuple[str, str]]:
    if fields:
        yield title, ""
        yield from ((name, value or "(empty)") for name, value in fields)


def _took(exchanged: Exchanged) -> str:
    if exchanged.seconds is None:
        return ""
    if exchanged.seconds < 1:
        return f"{exchanged.seconds * 1000:.0f} ms"
    return f"{exchanged.seconds:.1f} s"


def _bytes(count: int | None) -> str:
    return "–" if count is None else bytes_text(count)
