"""Where the next page is: the Link field (RFC 8288; distribution spec, "Listing Tags")."""

from __future__ import annotations

import re

from transship.registries.addresses import resolve

_PARAMETER = r';\s*([^\s=;,]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,]*))?\s*'
_LINK = re.compile(rf"<([^>]*)>\s*((?:{_PARAMETER})*)")


def next_page(link: str, current: str) -> str | None:
    """Return the absolute address of the next page named in a Link field, or None.

    `current` is the address of the page that the field came with; a relative target is meant
    from there. Raises ValueError for a target that is no web address.
    """
    for target, parameters, *_ in _LINK.findall(link):
        # A second `rel` doesn't count (RFC 8288, 3.3).
        relations = [
            value.strip('"').lower().split()
            for name, value in re.findall(_PARAMETER, parameters)
            if name.lower() == "rel"
        ]
        if relations and "next" in relations[0]:
            return resolve(current, target)
    return None
