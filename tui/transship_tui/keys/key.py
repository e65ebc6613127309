"""One key, as data: an id to remap it by, what it does, and what to say of it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Key:
    """One key or several for the same thing. `show` puts it into the footer."""

    id: str
    keys: str
    action: str
    description: str
    tooltip: str
    show: bool = False

    def binding(self) -> Binding:
        """Return the binding that Textual knows."""
        return Binding(
            self.keys,
            self.action,
            self.description,
            show=self.show,
            tooltip=self.tooltip,
            id=self.id,
        )


Contexts = dict[str, tuple[str, tuple[Key, ...]]]
"""Keys by where they can be pressed: a name, its title, and the keys there."""
