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

import tomllib
from pathlib import Path
from typing import Literal

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
    try:
        return msgspec.convert(tomllib.loads(text), Settings)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadFile(f"{path}: {error}") from error
