"""Text that may stand in Markdown: no link, no mention and no markup comes of it.

Code spans are those of CommonMark 6.1, tables those of GFM.
"""

from __future__ import annotations

import re

from transship.text import safe

_MARKUP = re.compile(r"[\\*_{}\[\]<>#|~!&]")
_LIVE = re.compile(r"@|://|www\.")


def code(text: str, *, cell: bool = False) -> str:
    """Return `text` as a code span; in the `cell` of a table a bar is escaped."""
    text = safe(text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    room = " " if text.startswith("`") or text.endswith("`") or not text else ""
    span = f"{fence}{room}{text}{room}{fence}"
    return span.replace("|", r"\|") if cell else span


def escaped(text: str) -> str:
    """Return `text` so that only what it quotes as code is markup.

    What could become a link or a mention by itself is quoted as a whole.
    """
    text = safe(text)
    return code(text) if _LIVE.search(text) else _MARKUP.sub(r"\\\g<0>", text)
