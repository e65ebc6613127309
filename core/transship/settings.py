"""The operator's own settings: `config.toml`, which a person writes and Transship only reads.

```toml
theme = "transship"          # any of Textual's, or "transship-cvd", safe for colour blindness
refresh = 4                  # looks at the jobs per second; 2 over SSH when left out
clipboard = "auto"           # or "osc52", "native", "off"
mouse = true
guide = true                 # the guide opens until the first job has been done
keyring = ""                 # a keyring backend to trust beside the well-known ones

[keys]                       # the id of a key (see KEYS.md) and what to press instead
"jobs.pause" = "p"
```
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from transship.errors import BadFile


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set, with what holds when it isn't."""

    theme: str = "transship"
    refresh: float | None = None
    clipboard: Literal["auto", "osc52", "native", "off"] = "auto"
    mouse: bool = True
    guide: bool = True
    keyring: str = ""
    keys: dict[str, str] = {}

    def refreshes_per_second(self, *, over_ssh: bool) -> float:
        """Return how often the screens look at the jobs; every look may cost bytes on the wire."""
        if self.refresh is not None:
            return min(10.0, max(0.2, self.refresh))
        return 2.0 if over_ssh else 4.0


def read_settings(path: Path) -> Settings:
    """Return what is set in a file, or the defaults when there is none. Raises BadFile."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadFile(f"{path}: it isn't text in UTF-8") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadFile(f"{path}: {error}") from error
    try:
        return msgspec.convert(document, Settings)
    except msgspec.ValidationError as error:
        raise BadFile(f"{path}, {_mistake(text, document)}") from error


_WANTED = {
    "theme": "a theme's name in quotes",
    "refresh": "a number",
    "clipboard": '"auto", "osc52", "native" or "off"',
    "mouse": "true or false",
    "guide": "true or false",
    "keyring": "the name of a keyring backend in quotes",
    "keys": "a table of keys, each in quotes",
}


def _mistake(text: str, document: Mapping[str, Any]) -> str:
    """Return where the first setting is that can't be taken, and what is wanted there."""
    for name, value in document.items():
        if name not in _WANTED:
            return f"line {_line_of(text, name)}: there is no setting {name}"
        if name == "keys" and isinstance(value, dict):
            wrong = next((key for key, keys in value.items() if not isinstance(keys, str)), None)
            if wrong is not None:
                return f"line {_line_of(text, wrong)}: the key for {wrong} goes in quotes"
        elif not _can_be(name, value):
            return f"line {_line_of(text, name)}: {name} must be {_WANTED[name]}"
    return "one of the settings can't be taken"


def _can_be(name: str, value: object) -> bool:
    try:
        msgspec.convert({name: value}, Settings)
    except msgspec.ValidationError:
        return False
    return True


def _line_of(text: str, name: str) -> int:
    """Return the number of the line that begins with a name, bare, quoted, or as a table."""
    begins = re.compile(rf"""\s*\[?\s*["']?{re.escape(name)}["']?\s*[=\].]""")
    lines = text.splitlines()
    return next((number for number, line in enumerate(lines, 1) if begins.match(line)), 1)
