"""A list of the cloud's API that doesn't come whole: what comes of it, and by name what doesn't."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from transship import errors
from transship.errors import TransshipError
from transship.text import counted

_T = TypeVar("_T")

PAGE = 100
_MOST_ENTRIES = 200_000
_ENDS_ALL = (
    errors.WrongCredential,
    errors.ApiKeysNeeded,
    errors.ExtraMissing,
    errors.NameNotFound,
    errors.ConnectionRefused,
    errors.CertificateNotTrusted,
    errors.NoInstance,
)
"""What is no fault of one page: nothing else could be asked either."""

Page = Callable[[int], Awaitable[tuple[int, Sequence[_T]]]]
"""Asks for the page after so many entries; returns how many there are in all, and the page."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What couldn't be listed: `what` in words, `of` which namespace or repository, and why.

    An empty `of` means the account as a whole.
    """

    what: str
    of: str
    why: TransshipError

    def __str__(self) -> str:
        of = f" of {self.of}" if self.of else ""
        return f"{self.what}{of}: {self.why}"


def may_pass_over(error: TransshipError) -> bool:
    """Tell whether asking for something else may still succeed."""
    return not isinstance(error, _ENDS_ALL)


async def by_pages(
    page: Page[_T], key: Callable[[_T], str], what: str, of: str = ""
) -> tuple[list[_T], list[Gap]]:
    """Return what comes of a list page by page, each entry once, and what doesn't come.

    A page that fails costs its own entries only. `what` is their noun. Raises what ends all asking.
    """
    found: dict[str, _T] = {}
    failed: dict[int, TransshipError] = {}
    total: int | None = None
    offset = 0
    while offset < _MOST_ENTRIES and (total is None or offset < total):
        try:
            total, some = await page(offset)
            found |= {key(each): each for each in some}
        except TransshipError as error:
            if not may_pass_over(error):
                raise
            failed[offset] = error
            # How long the list is, the page after it may tell; after two nothing is likely to.
            if total is None and len(failed) > 1:
                return [], [Gap(what, of, error)]
        offset += PAGE
    return list(found.values()), list(_gaps(failed, total or 0, len(found), what, of))


def _gaps(
    failed: dict[int, TransshipError], total: int, came: int, what: str, of: str
) -> list[Gap]:
    lost = total - came
    gaps = []
    for offset, why in failed.items():
        end = min(offset + PAGE, total)
        if end > offset:
            gaps.append(Gap(f"{what} {offset + 1:,} to {end:,}", of, why))
            lost -= end - offset
    if lost > 0:
        said = errors.ListIncomplete(f"{total:,} are said to be there, {came:,} came")
        gaps.append(Gap(f"{counted(lost, 'entry', 'entries')} of the {what}", of, said))
    return gaps
