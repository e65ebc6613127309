"""The footer: the keys that do something here, each in whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Footer, Static
from textual.widgets._footer import FooterKey

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
