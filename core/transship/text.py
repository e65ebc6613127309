"""Text that may be shown: remote strings made harmless, and quantities in words."""

from __future__ import annotations

import re

# Everything of the Unicode categories Cc, Cf, Cs, Zl and Zp and all that is Default_Ignorable:
# controls, bidirectional controls (UAX #9), zero-width, filler and tag characters, variation
# selectors, line and paragraph separators, lone surrogates.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]+"
)


def safe(text: str, *, limit: int = 2000) -> str:
    """Return `text` without anything that could steer a terminal or hide what it says.

    Each run of control, bidirectional or invisible characters becomes one space (nothing at
    either end), and what is longer than `limit` characters is cut with an ellipsis. Everything
    that comes from a registry, a DNS server or a file passes through here before it is shown,
    logged or journalled.
    """
    clean = _HARMFUL.sub(" ", text).strip()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def escaped(text: str) -> str:
    r"""Return `text` with each character that `safe` takes away as an escape (`\u202e`).

    As TOML (1.0, "String") and most languages read them back.
    """
    return _HARMFUL.sub(lambda found: "".join(map(_escape, found[0])), text)


def _escape(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def bytes_text(count: float) -> str:
    """Return a byte count in IEC units: `0 B`, `999 B`, `1.0 KiB`, `318 MiB`."""
    units = iter(("KiB", "MiB", "GiB", "TiB"))
    unit = "B"
    while round(count) >= 1024 and unit != "TiB":
        count, unit = count / 1024, next(units)
    return f"{count:.1f} {unit}" if unit != "B" and round(count, 1) < 10 else f"{count:.0f} {unit}"


def rate_text(per_second: float) -> str:
    """Return a byte rate: `38 MiB/s`."""
    return f"{bytes_text(per_second)}/s"


def duration_text(seconds: float) -> str:
    """Return a duration as a person reads it: `8 s`, `2 min 05 s`, `14 min`, `3 h 20 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 3600:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 tag`, `12 tags`, `3 repositories`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
