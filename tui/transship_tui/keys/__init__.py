"""Every key, as data: an id to remap it by, what it does, and what to say of it.

There is a file for each area. `config.toml` can put other keys in the place of these (`[keys]`, by
id), and `KEYS.md` is made from them. Letters move or look; nothing that writes to a registry is on
a bare letter.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import BindingType

from transship_tui.keys.cutover import CUTOVER
from transship_tui.keys.delegates import DELEGATES
from transship_tui.keys.general import GENERAL, LOGS
from transship_tui.keys.jobs import JOBS
from transship_tui.keys.key import Contexts, Key
from transship_tui.keys.plans import PLANS
from transship_tui.keys.registries import REGISTRIES

CONTEXTS: Contexts = {
    **GENERAL,
    **REGISTRIES,
    **PLANS,
    **JOBS,
    **DELEGATES,
    **CUTOVER,
    **LOGS,
}

_NAMES = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "asterisk": "*",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "pagedown": "page down",
    "pageup": "page up",
}


def bindings(*contexts: str) -> list[BindingType]:
    """Return the bindings of these contexts."""
    return [key.binding() for context in contexts for key in CONTEXTS[context][1]]


def chosen(*ids: str) -> list[BindingType]:
    """Return the bindings of single keys, where a whole context would be too much."""
    return [key.binding() for key in all_keys() if key.id in ids]


def all_keys() -> Iterable[Key]:
    """Give every key that there is."""
    for _, keys in CONTEXTS.values():
        yield from keys


def shown(key: str) -> str:
    """Return a key as it is written on a keyboard."""
    return _NAMES.get(key, key)
