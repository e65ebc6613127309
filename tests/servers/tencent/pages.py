"""Pages of a list in each way that the API has, after what the SDK says of each action's fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from servers.tencent.api import Refused

if TYPE_CHECKING:
    from servers.tencent.api import Call

_T = TypeVar("_T")
_MOST = 100


def by_entries(entries: Sequence[_T], call: Call) -> list[_T]:
    """Leave out `Offset` entries, give `Limit`."""
    first, size = call.get("Offset", 0), _size(call, "Limit")
    return list(entries[first : first + size])


def by_page_in_offset(entries: Sequence[_T], call: Call) -> list[_T]:
    """Give the page whose number, from 1, is in `Offset`; 0 is the first one too."""
    return _page(entries, call.get("Offset", 1), _size(call, "Limit"))


def by_page(entries: Sequence[_T], call: Call) -> list[_T]:
    """Give the page `Page`, from 1, of `PageSize` entries."""
    return _page(entries, call.get("Page", 1), _size(call, "PageSize"))


def _page(entries: Sequence[_T], number: int, size: int) -> list[_T]:
    first = (max(1, number) - 1) * size
    return list(entries[first : first + size])


def _size(call: Call, name: str) -> int:
    size: int = call.get(name, 20)
    if not 0 < size <= _MOST:
        raise Refused("InvalidParameter", f"{name} is 1 to {_MOST}.")
    return size
