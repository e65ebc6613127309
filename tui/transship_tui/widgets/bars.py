"""The lines around every screen. Each answers one question, always in the same place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Footer, Input, Static
from textual.widgets._footer import FooterKey

from transship.errors import TransshipError
from transship.text import safe
from transship_tui.keys import chosen_keys, key_of
from transship_tui.widgets.text_lines import TextLines

_LONGEST_LINE = 100_000
_ROOM_FOR_OUR_NAME = 70

MODES = (
    ("registries", "Registries"),
    ("browse", "Browse"),
    ("plan", "Plan"),
    ("jobs", "Jobs"),
    ("cutover", "Cutover"),
)


class ModeTabs(Static):
    """The five areas, and which one this is. A click goes there."""

    DEFAULT_CSS = """
    ModeTabs { height: 1; background: $panel; color: $text-muted; }
    """

    def __init__(self, active: str) -> None:
        super().__init__()
        self._active = active

    def render(self) -> Content:
        """Return the tabs; without our own name where there is little room."""
        return Content.assemble(*((label, self._style(mode)) for mode, label in self._labels()))

    def on_click(self, event: events.Click) -> None:
        """Go to the area that was clicked."""
        start = 0
        for mode, label in self._labels():
            if mode and start <= event.x < start + len(label):
                self.app.switch_mode(mode)
            start += len(label)

    def _labels(self) -> Iterator[tuple[str, str]]:
        if self.size.width >= _ROOM_FOR_OUR_NAME:
            yield "", " transship  "
        for mode, title in MODES:
            yield mode, f" {key_of(mode, chosen_keys(self))} {title} "

    def _style(self, mode: str) -> str:
        if not mode:
            return "bold $text-accent"
        return "bold reverse" if mode == self._active else ""


class Heading(TextLines):
    """What am I looking at."""

    DEFAULT_CSS = """
    Heading {
        height: 1; padding: 0 1; text-style: bold; color: $text;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def say(self, text: str, more: str = "") -> None:
        """Say what this is, and something more in a lighter tone."""
        lighter = (f"  {safe(more)}" if more else "", "not bold $foreground-muted")
        self.show([Content.assemble(safe(text), lighter)])


class _HintedBar(Static):
    """A line with a hint of the key that does more with it, while that key isn't typed text."""

    DEFAULT_CSS = """
    _HintedBar { height: 1; padding: 0 1; }
    """

    def on_mount(self) -> None:
        """Follow where the keys go."""
        self.watch(self.screen, "focused", self._draw_again)

    def _draw_again(self) -> None:
        self.refresh()

    def hinted(self, text: Content, hint: str) -> Content:
        """Return a text with the hint behind it, cut so that the hint is always seen."""
        if isinstance(self.screen.focused, Input):
            return text.truncate(self.size.width, ellipsis=True)
        room = max(10, self.size.width - len(hint) - 3)
        return Content.assemble(
            text.truncate(room, ellipsis=True), (f"   {hint}", "$foreground-disabled")
        )


class LineBar(_HintedBar):
    """The line command that does the same."""

    DEFAULT_CSS = """
    LineBar { color: $text-muted; }
    """

    line: reactive[str] = reactive("")

    def validate_line(self, line: str) -> str:
        """Keep out what would do more than be read when it is pasted."""
        return safe(line, limit=_LONGEST_LINE)

    def render(self) -> Content:
        """Return the line, with the key that copies it."""
        if not self.line:
            return Content("")
        key = key_of("copy-line", chosen_keys(self))
        return self.hinted(Content(f"$ {self.line}"), f"{key} copies it")


class MessageBar(_HintedBar):
    """What went wrong, and what next; or what went well. `e` opens what there is no room for."""

    def __init__(self) -> None:
        super().__init__()
        self.error: TransshipError | None = None
        self.message = Content("")
        """All of it, its sign included."""

    @property
    def is_cut(self) -> bool:
        """Whether there is more to it than is shown."""
        return self.message.cell_length > self.size.width

    def clear(self) -> None:
        """Say nothing."""
        self._say(Content(""))

    def tell(self, text: str) -> None:
        """Say that something went well, or simply is so."""
        self._say(Content.assemble(("✓ ", "$text-success"), safe(text)))

    def warn(self, text: str) -> None:
        """Say why something isn't done."""
        self._say(Content.assemble(("! ", "$text-warning"), safe(text)))

    def fail(self, error: TransshipError) -> None:
        """Say what went wrong. The remedy is in the dialog that `e` opens."""
        detail = f": {error.detail}" if error.detail else ""
        self._say(Content.assemble((f"✗ {error.title}", "bold $text-error"), detail), error)

    def render(self) -> Content:
        """Return as much of it as there is room for."""
        key = key_of("explain", chosen_keys(self))
        if self.error is not None:
            return self.hinted(self.message, f"{key} explains")
        if self.is_cut:
            return self.hinted(self.message, f"{key} shows all")
        return self.message

    def _say(self, message: Content, error: TransshipError | None = None) -> None:
        self.error = error
        self.message = message
        self.refresh()


class StatusBar(TextLines):
    """What is happening."""

    DEFAULT_CSS = """
    StatusBar {
        height: 1; padding: 0 1; background: $panel; color: $text-muted;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """


class TabLine(TextLines):
    """Tabs on one line, the active one reversed. Which is active is up to who owns it."""

    DEFAULT_CSS = """
    TabLine { height: 1; }
    """

    @dataclass
    class Chosen(Message):
        """A tab was clicked."""

        index: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._labels: Sequence[str] = ()

    def tabs(self, labels: Sequence[str], active: int) -> None:
        """Show these tabs."""
        self._labels = labels
        parts = [
            (f" {label} ", "bold reverse" if index == active else "$foreground-muted")
            for index, label in enumerate(labels)
        ]
        self.show([Content.assemble(*parts)])

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the mouse."""
        end = 0
        for index, label in enumerate(self._labels):
            end += len(label) + 2
            if event.x < end:
                self.post_message(self.Chosen(index))
                return


ALWAYS = ("help", "commands")
"""The ids of the keys that lead to all others: they are seen however little room there is."""

_MORE = "…"


class KeyFooter(Footer):
    """Shows as many keys as there is room for, and `…` where some have none."""

    DEFAULT_CSS = """
    KeyFooter { background: $panel; }
    KeyFooter .more { width: auto; height: 1; color: $foreground-muted; }
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._laid_out_for = 0
        self._shown: tuple[object, ...] = ()
        """What was chosen from last, so that it isn't drawn anew for nothing."""

    def compose(self) -> ComposeResult:
        """Give the keys that there is room for."""
        keys = list(self._keys())
        self._laid_out_for = self.app.size.width
        self._shown = self._facts(keys)
        leading = self._leading()
        always = [number for number, key in enumerate(keys) if key.action in leading]
        widths = [self._width_of(key) for key in keys]
        fits = fitting(widths, always, self._laid_out_for)
        yield from (keys[number] for number in fits)
        if len(fits) < len(keys):
            yield Static(Content(_MORE), classes="more")

    def on_resize(self, _: events.Resize) -> None:
        """Choose anew when there is another width to fill."""
        if self.app.size.width != self._laid_out_for and self._bindings_ready:
            self.call_after_refresh(self.recompose)

    async def recompose(self) -> None:
        """Choose anew, unless it comes to the same: bindings change far more often than keys."""
        if self.is_attached and self._facts(self._keys()) != self._shown:
            await super().recompose()

    def _keys(self) -> Iterator[FooterKey]:
        return (key for key in super().compose() if isinstance(key, FooterKey))

    def _facts(self, keys: Iterable[FooterKey]) -> tuple[object, ...]:
        """Return all that decides what is seen: the room, and the keys in their order."""
        seen = (
            (k.key, k.key_display, k.description, k.action, k.has_class("-disabled"), k.tooltip)
            for k in keys
        )
        return self.app.size.width, *seen

    def _leading(self) -> set[str]:
        """Return what the keys do that are always seen: asked once, since it asks for every key."""
        bindings = (active.binding for active in self.screen.active_bindings.values())
        return {binding.action for binding in bindings if _leads(binding)}

    def _width_of(self, key: FooterKey) -> int:
        return Content(f"{key.key_display} {key.description} ").cell_length


def fitting(widths: Sequence[int], always: Sequence[int], room: int) -> list[int]:
    """Return the numbers of the entries that fit into `room` columns, in their order.

    Those in `always` come first; of the others the last give way, to the sign that says so.
    """
    if sum(widths) - 1 <= room:
        return list(range(len(widths)))
    left = room - len(_MORE) - sum(widths[number] for number in always)
    chosen = list(always)
    for number, width in enumerate(widths):
        if number in always:
            continue
        left -= width
        if left < 0:
            break
        chosen.append(number)
    return sorted(chosen)


def _leads(binding: Binding) -> bool:
    return binding.id in ALWAYS
