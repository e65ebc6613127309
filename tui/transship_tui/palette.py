"""The command palette: everything that can be done, found by typing a part of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from transship_tui.keys import shown

if TYPE_CHECKING:
    from collections.abc import Iterator


class KeyProvider(Provider):
    """Offers what the screen's own keys do, so that nobody has to know them."""

    async def discover(self) -> Hits:
        """Give everything, before anything was typed."""
        for title, words, action in self._commands():
            yield DiscoveryHit(title, partial(self.screen.run_action, action), help=words)

    async def search(self, query: str) -> Hits:
        """Give what matches."""
        matcher = self.matcher(query)
        for title, words, action in self._commands():
            score = max(matcher.match(title), matcher.match(words))
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(title),
                    partial(self.screen.run_action, action),
                    help=words,
                )

    def _commands(self) -> Iterator[tuple[str, str, str]]:
        seen: set[str] = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            # Textual's own, such as those that scroll sideways, have no words of ours.
            words = active.tooltip or binding.tooltip
            if not active.enabled or not words or binding.action in seen:
                continue
            seen.add(binding.action)
            title = f"{binding.description}  ({shown(binding.key)})"
            yield title, words, binding.action
