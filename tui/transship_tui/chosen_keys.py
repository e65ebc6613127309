"""The keys that the operator has chosen in `config.toml`: whether each can be what it is to be."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key

from transship_tui.keys import CONTEXTS, all_keys, shown
from transship_tui.keys.key import Key

_WITH = frozenset(("ctrl", "shift", "alt", "super", "meta", "hyper"))
_NAMED = frozenset(key.value for key in Keys) | frozenset(KEY_NAME_REPLACEMENTS.values())


def normal(keys: Mapping[str, str]) -> dict[str, str]:
    """Return chosen keys by id, each as Textual calls it: `question_mark` for `?`."""
    return {name: ",".join(_parts(chosen)) for name, chosen in keys.items()}


def faults_in(keys: Mapping[str, str]) -> Iterator[str]:
    """Give what is wrong with chosen keys by id, as `normal` returns them."""
    known = {key.id for key in all_keys()}
    for name, chosen in keys.items():
        if name not in known:
            yield f'"{name}" is the id of no key; KEYS.md has them'
        for key in _parts(chosen):
            if not _is_key(key):
                yield f'"{name}": {shown(key) or "nothing"} is no key'
    by_default = {pair for pair, _ in _clashes({})}
    said: set[frozenset[str]] = set()
    for pair, key in _clashes(keys):
        if pair not in by_default | said:
            said.add(pair)
            both = " and ".join(f'"{name}"' for name in sorted(pair))
            yield f"{both} are both {shown(key)}"


def _parts(chosen: str) -> Sequence[str]:
    parts = (part.strip() for part in chosen.split(","))
    return [_character_to_key(part) if len(part) == 1 else part for part in parts]


def _is_key(name: str) -> bool:
    *held, key = name.split("+")
    if not set(held) <= _WITH:
        return False
    return len(key) == 1 or key in _NAMED or _is_character(key)


def _is_character(name: str) -> bool:
    try:
        unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return False
    return bool(name)


def _clashes(keys: Mapping[str, str]) -> Iterator[tuple[frozenset[str], str]]:
    """Give the ids that share a key where both may be pressed, and the key."""
    for context in CONTEXTS:
        taken: dict[str, Key] = {}
        for name in dict.fromkeys(("everywhere", "list", context)):
            for entry in CONTEXTS[name][1]:
                for key in _parts(keys.get(entry.id, entry.keys)):
                    other = taken.setdefault(key, entry)
                    if other is not entry:
                        yield frozenset((other.id, entry.id)), key
