"""What the operator calls places: by the alias of an account, where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.content import Content

from transship.oci.reference import Reference
from transship.plans.plan import Plan
from transship.text import safe

if TYPE_CHECKING:
    from transship.accounts.registry_file import Account

_HOST = re.compile(r"[^/ ]+")


class Naming:
    """Puts aliases in the place of hosts."""

    def __init__(self, accounts: Iterable[Account] = ()) -> None:
        self._aliases = {account.host: account.alias for account in accounts if account.alias}

    def place(self, text: str) -> str:
        """Return a place, as `host/team/web:1.4` or `host +2`, with the alias of its host."""
        found = _HOST.match(text)
        alias = self._aliases.get(found[0]) if found else None
        return safe(f"{alias}{text[found.end() :]}" if found and alias else text)

    def way(self, source: str, target: str) -> str:
        """Return from where to where, in a word."""
        return f"{self.place(source)} → {self.place(target)}"


def middle_cut(text: Content, room: int) -> Content:
    """Return a text of at most `room` cells, cut in the middle: the ends tell names apart."""
    if text.cell_length <= room:
        return text
    if room < 4:
        return text.truncate(room, ellipsis=True)
    tail = (room - 1) * 2 // 3
    end = text[max(0, len(text) - tail) :]
    while end.cell_length > tail:
        end = end[1:]
    return Content.assemble(text.truncate(room - 1 - tail), "…", end)


_NAMED = 2


def way_of(plan: Plan, naming: Naming) -> str:
    """Return in words where a plan copies from and to; `naming` says what places are called."""
    if plan.rules:
        sources = [rule.source for rule in plan.rules]
        targets = [target for rule in plan.rules for target in rule.targets]
    else:
        sources = [Reference(place.registry) for place in plan.sources]
        targets = [Reference(place.registry) for place in plan.targets]
    return f"{_places(sources, naming)} → {_places(targets, naming)}"


def _places(places: Iterable[Reference], naming: Naming) -> str:
    names = list(dict.fromkeys(naming.place(str(place)) for place in places))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
