"""Where the next page is: the Link field (RFC 8288; distribution spec, "Listing Tags")."""

from __future__ import annotations

import re
from urllib.parse import urljoin

_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[^,;=]+(?:=(?:\"[^\"]*\"|[^,;]*))?)*)")
_NEXT = re.compile(r";\s*rel\s*=\s*(\"[^\"]*\"|[^\s;,]+)", re.IGNORECASE)


def next_page(link: str, current: str) -> str | None:
    """Return the absolute address of the next page named in a Link field, or None.

    `current` is the address of the page that the field came with; a relative target is meant
    from there.
    """
    for match in _LINK.finditer(link):
        relation = _NEXT.search(match[2])
        if relation and "next" in relation[1].strip('"').lower().split():
            return str(urljoin(current, match[1]))
    return None
