"""The command palette: everything that can be done, found by typing a part of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from transship_tui.keys import CONTEXTS, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from textual.binding import Binding

_MOVING = ("move", "page", "first", "last")
_GENERAL = {key.id: context for context in ("list", "everywhere") for key in CONTEXTS[context][1]}
_OURS = {key.id for _, keys in CONTEXTS.values() for key in keys}
_RANKS = ("screen", "list", "everywhere", "app", "moving")
"""Whose actions come first: the screen's, its lists', those that are everywhere, the toolkit's."""


class KeyProvider(Provider):
    """Offers what keys do, so that nobody has to know them, and what the toolkit can do."""

    async def discover(self) -> Hits:
        """Give everything, before anything was typed: first what this screen is for."""
        for _, title, words, command in sorted(self._commands(), key=lambda each: each[0]):
            yield DiscoveryHit(title, command, help=words)

    async def search(self, query: str) -> Hits:
        """Give what matches: by its name before by its words, then this screen's first."""
        matcher = self.matcher(query)
        for rank, title, words, command in self._commands():
            by_title, by_words = matcher.match(title), matcher.match(words)
            if by_title > 0 or by_words > 0:
                place = (len(_RANKS) if by_title > 0 else 0) + len(_RANKS) - rank
                fine = max(by_title, by_words) / (1 + max(by_title, by_words))
                score = (place + fine) / (2 * len(_RANKS) + 1)
                yield Hit(score, matcher.highlight(title), command, help=words)

    def _commands(self) -> Iterator[tuple[int, str, str, Callable[[], Any]]]:
        """Give rank, title, words and command of all that can be done."""
        seen: set[str] = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            # The toolkit's own, such as those that move in a field, have no id of ours.
            if not active.enabled or binding.id not in _OURS or binding.action in seen:
                continue
            seen.add(binding.action)
            title = f"{binding.description}  ({shown(binding.key)})"
            command = partial(self.screen.run_action, binding.action)
            yield _rank(binding), title, active.tooltip or binding.tooltip, command
        for each in self.app.get_system_commands(self.screen):
            yield _RANKS.index("app"), each.title, each.help, each.callback


def _rank(binding: Binding) -> int:
    if binding.action.partition("(")[0] in _MOVING:
        return _RANKS.index("moving")
    return _RANKS.index(_GENERAL.get(binding.id or "", "screen"))
