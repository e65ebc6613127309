"""Running text that names keys: as the operator has them, whatever was chosen in `config.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from transship_tui.keys import all_keys, shown

if TYPE_CHECKING:
    from textual.dom import DOMNode

Chosen = Mapping[str, str]
"""The operator's own keys, by id; of the others ours hold."""

_NAMED = re.compile(r"\{([a-z][a-z.-]*)\}")


@cache
def _ours() -> Mapping[str, str]:
    return {key.id: key.keys for key in all_keys()}


def chosen_keys(node: DOMNode) -> Chosen:
    """Return the keys that the operator of the app around a widget has chosen."""
    from transship_tui.app import TransshipApp

    return node.app.settings.keys if isinstance(node.app, TransshipApp) else {}


def key_of(name: str, chosen: Chosen) -> str:
    """Return the first key with this id as it is written, where `chosen` ones go before ours."""
    return shown((chosen.get(name) or _ours()[name]).split(",")[0].strip())


def with_keys(text: str, chosen: Chosen) -> str:
    """Return a text of ours with the key in the place of each `{id}`.

    What comes from elsewhere is put in only after that.
    """
    return _NAMED.sub(lambda match: key_of(match[1], chosen), text)


def key_for(node: DOMNode, name: str) -> str:
    """Return the key with this id, as the operator of the app around a widget has it."""
    return key_of(name, chosen_keys(node))


def words_for(node: DOMNode, text: str) -> str:
    """Return a text of ours with the keys that the operator of the app around a widget has."""
    return with_keys(text, chosen_keys(node))
