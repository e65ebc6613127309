"""Lists in pages: where the next one is, by the Link field, and that none comes twice.

The field is that of RFC 8288, as in the distribution spec's "Listing Tags".
"""

from __future__ import annotations

import re

from transship.errors import UnexpectedAnswer
from transship.registries.addresses import resolve

_PARAMETER = r';\s*([^\s=;,]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,]*))?\s*'
_LINK = re.compile(rf"<([^>]*)>\s*((?:{_PARAMETER})*)")


class Pages:
    """The pages of one list that have been asked for, by whatever tells them apart."""

    def __init__(self, first: str) -> None:
        self._asked = {first}

    def turn(self, page: str, where: str) -> None:
        """Say that the next page is asked for. Raises UnexpectedAnswer for one that was already.

        `where` says in words what is listed.
        """
        if page in self._asked:
            raise UnexpectedAnswer(f"{where}: its pages go round in circles")
        self._asked.add(page)


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
