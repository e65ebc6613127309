"""A worklist whose rows are in a scratch database, and are read a page at a time."""

from __future__ import annotations

from abc import abstractmethod
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar, overload

from transship.oci.digest import Digest
from transship.oci.manifest import Manifest
from transship.transfers.scratch import Scratch
from transship.transfers.work import BlobWork, Copy, Need, Verdict, Worklist

_PAGE = 256
"""How many rows are read at once: more than a screen has lines."""

_T = TypeVar("_T")


class Pages(Sequence[_T]):
    """Rows that are read as they are asked for; the page that was read last is remembered."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._read: tuple[int, Sequence[_T]] = (-1, ())

    @abstractmethod
    def page(self, first: int, count: int) -> list[_T]:
        """Return the rows from the place `first` on, `count` of them or what is left."""

    def pages(self, size: int = _PAGE) -> Iterator[tuple[int, list[_T]]]:
        """Give all rows, so many at a time, each time with the place of the first."""
        for first in range(0, self._length, size):
            yield first, self.page(first, size)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[_T]:
        for _, rows in self.pages():
            yield from rows

    @overload
    def __getitem__(self, index: int) -> _T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[_T]: ...
    def __getitem__(self, index: int | slice) -> _T | Sequence[_T]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(self._length)))
        place = range(self._length)[index]
        page, offset = divmod(place, _PAGE)
        number, rows = self._read
        if number != page:
            rows = self.page(page * _PAGE, _PAGE)
            self._read = page, rows
        return rows[offset]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(
            one == another for one, another in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # As a list: what is equal may be of another type.


class KeptCopies(Pages[Copy]):
    """The copies, or those with some verdicts, in order."""

    def __init__(self, scratch: Scratch, verdicts: Sequence[Verdict] | None = None) -> None:
        self._scratch = scratch
        self._verdicts = tuple(Verdict) if verdicts is None else verdicts
        self._ids: Sequence[int] = (
            range(1, scratch.length + 1) if verdicts is None else array("Q", scratch.ids(verdicts))
        )
        super().__init__(len(self._ids))

    def page(self, first: int, count: int) -> list[Copy]:
        """Return the copies from the place `first` on."""
        ids = self._ids[first : first + count]
        return self._scratch.copies(ids[0], ids[-1], self._verdicts) if ids else []


class KeptBlobs(Pages[BlobWork]):
    """The blobs, in the order in which they are needed first."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        super().__init__(scratch.count("blobs"))

    def page(self, first: int, count: int) -> list[BlobWork]:
        """Return the blobs from the place `first` on."""
        return self._scratch.blobs(first, count)


class KeptManifests(Mapping[Digest, Manifest]):
    """The manifests to be written, by digest, children before their parents."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch

    def __getitem__(self, digest: Digest) -> Manifest:
        manifest = self._scratch.manifest(digest)
        if manifest is None:
            raise KeyError(digest)
        return manifest

    def __iter__(self) -> Iterator[Digest]:
        return self._scratch.digests()

    def __len__(self) -> int:
        return self._scratch.count("manifests")


class KeptWorklist(Worklist):
    """A worklist in a scratch database, which adds up what others would have to walk through."""

    _scratch: Scratch

    def __init__(self, scratch: Scratch, needs: Sequence[Need] = ()) -> None:
        super().__init__(KeptCopies(scratch), KeptBlobs(scratch), KeptManifests(scratch), needs)
        object.__setattr__(self, "_scratch", scratch)  # As a frozen dataclass does it.

    @cached_property
    def counts(self) -> Mapping[Verdict, int]:
        """How many copies there are of each verdict."""
        return Counter(self._scratch.counts())

    @cached_property
    def bytes_total(self) -> int:
        """The bytes of every blob in every repository that needs it: what a naive copy sends."""
        return self._scratch.amounts()[0]

    @cached_property
    def bytes_to_move(self) -> int:
        """The bytes that are sent, as far as is known: each blob once, and none that is there."""
        return self._scratch.amounts()[1]

    @cached_property
    def written_to(self) -> frozenset[tuple[str, str]]:
        """The repositories that something is written to, by place and name."""
        return self._scratch.targets(verdict for verdict in Verdict if verdict.moves)

    def of(self, *verdicts: Verdict) -> Sequence[Copy]:
        """Return the copies with one of these verdicts, in order."""
        return KeptCopies(self._scratch, verdicts)
