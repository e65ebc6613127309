"""Parity: whether both registries hold the same under every tag."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from transship import errors
from transship.cutover.evidence import Parity, TagPair
from transship.cutover.observe.endpoint import error_text
from transship.errors import TransshipError
from transship.registry.registry import ManifestHead
from transship.text import counted, safe

MOST_TAGS = 100_000
"""So many tags are compared and no more, unless somebody says so."""

_AT_ONCE = 16

_WAITING = 256

_MOST_FAILURES = 8

OnCompared = Callable[[int, int], None]
"""Told how many tags have been compared, and how many are known of."""


class ParitySide(Protocol):
    """What is asked of a registry here; any `Place` is one."""

    def repositories(self) -> AsyncIterator[str]:
        """Give the repositories' names. Raises CatalogClosed."""

    def tags(self, repository: str) -> AsyncIterator[str]:
        """Give the tags of a repository. Raises RepositoryNotFound."""

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
        """Return what a tag points at, or None if it isn't there."""


class CopiedDigests(Protocol):
    """What a job has copied, by the names at the target."""

    @property
    def id(self) -> str:
        """The job's name."""

    def copied(self) -> Iterable[tuple[str, str, str]]:
        """Give repository, tag and digest of each tag that was copied."""


@dataclass(frozen=True, slots=True)
class _TagToCompare:
    """A tag to compare, where it may be: a digest, empty where it isn't there, None to be asked."""

    repository: str
    tag: str
    old: str | None = None
    new: str | None = None


async def compare_listed(
    old: ParitySide,
    new: ParitySide,
    repositories: Iterable[str] = (),
    *,
    known: Iterable[str] = (),
    most: int = MOST_TAGS,
    compared: OnCompared | None = None,
) -> Parity:
    """Compare every tag of both registries, listed afresh: of these repositories, or of all of old.

    `known` are compared besides what old lists: it may not list all, or nothing. A repository has
    the same name on both sides, as it has under the domain. Nothing is raised for what registries
    do: what kept tags from being compared is in `error`, and the others count.
    """
    comparing = _ParityComparison(old, new, most, compared)
    await comparing.run(comparing.listed(old, tuple(repositories), tuple(known)))
    return comparing.parity("listed")


async def compare_copied(
    old: ParitySide | None,
    new: ParitySide,
    copies: CopiedDigests,
    *,
    most: int = MOST_TAGS,
    compared: OnCompared | None = None,
) -> Parity:
    """Compare the tags that a job has copied. Without `old`, what it copied stands for that side.

    Tags that were made since aren't seen: `compare_listed` finds them.
    """
    comparing = _ParityComparison(old, new, most, compared)
    await comparing.run(comparing.copied(copies))
    return comparing.parity(copies.id)


class _ParityComparison:
    """Compares tags as they come, a bounded number at a time."""

    def __init__(
        self, old: ParitySide | None, new: ParitySide, most: int, told: OnCompared | None
    ) -> None:
        self._old = old
        self._new = new
        self._most = most
        self._told = told
        self._known = 0
        self._done = 0
        self._different: list[TagPair] = []
        self._errors: list[str] = []
        self._failures = 0

    def parity(self, source: str) -> Parity:
        """Return what came of it."""
        different = sorted(self._different, key=lambda pair: (pair.repository, pair.tag))
        error = self._errors[0] if self._errors else ""
        if len(self._errors) > 1:
            error += f" (and {len(self._errors) - 1:,} more)"
        return Parity(self._done, tuple(different), source, error)

    async def run(self, wanted: AsyncGenerator[_TagToCompare, None]) -> None:
        """Compare all that is wanted, or until a registry can't be asked any more."""
        queue: asyncio.Queue[_TagToCompare | None] = asyncio.Queue(_WAITING)
        try:
            async with aclosing(wanted), asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(self._work(queue))
                async for tag in wanted:
                    if self._known >= self._most:
                        self._errors.append(f"only the first {counted(self._most, 'tag')}")
                        break
                    self._known += 1
                    await queue.put(tag)
                for _ in range(_AT_ONCE):
                    await queue.put(None)
        except* TransshipError as failures:
            found = (e for e in failures.exceptions if isinstance(e, TransshipError))
            self._errors += [error_text(error) for error in found][:1]

    async def listed(
        self, old: ParitySide, repositories: tuple[str, ...], known: tuple[str, ...] = ()
    ) -> AsyncGenerator[_TagToCompare, None]:
        """Give the tags of repositories, those on one side only as well."""
        async for repository in _each(repositories) if repositories else self._all(old, known):
            try:
                at_old, at_new = await asyncio.gather(
                    _tags(old, repository), _tags(self._new, repository)
                )
            except TransshipError as error:
                self._failed(error)
                continue
            for tag in dict.fromkeys([*at_old, *at_new]):
                yield _TagToCompare(
                    repository,
                    tag,
                    None if tag in at_old else "",
                    None if tag in at_new else "",
                )

    async def _all(self, old: ParitySide, known: tuple[str, ...]) -> AsyncIterator[str]:
        """Give what a registry lists, and then what else is known of."""
        given: set[str] = set()
        try:
            async for repository in old.repositories():
                given.add(repository)
                yield repository
        except errors.CatalogClosed as error:
            if not known:
                raise
            self._errors.append(error_text(error))
        for repository in known:
            if repository not in given:
                yield repository

    async def copied(self, copies: CopiedDigests) -> AsyncGenerator[_TagToCompare, None]:
        """Give the tags that a job has copied."""
        for repository, tag, digest in copies.copied():
            yield _TagToCompare(repository, tag, None if self._old else digest)

    async def _work(self, queue: asyncio.Queue[_TagToCompare | None]) -> None:
        while (wanted := await queue.get()) is not None:
            try:
                pair = await self._pair(wanted)
            except TransshipError as error:
                self._failed(error)
                continue
            self._done += 1
            self._failures = 0
            if pair.old != pair.new:
                self._different.append(pair)
            if self._told:
                self._told(self._done, self._known)

    async def _pair(self, wanted: _TagToCompare) -> TagPair:
        old, new = await asyncio.gather(
            _digest(self._old, wanted, wanted.old), _digest(self._new, wanted, wanted.new)
        )
        return TagPair(safe(wanted.repository), safe(wanted.tag), old, new)

    def _failed(self, error: TransshipError) -> None:
        """Keep an error and go on, unless a registry seems to be able to answer nothing at all."""
        self._failures += error.retryable
        if self._failures > _MOST_FAILURES:
            raise error
        self._errors.append(error_text(error))


async def _digest(side: ParitySide | None, wanted: _TagToCompare, known: str | None) -> str:
    if known is not None or side is None:
        return known or ""
    head = await side.head_manifest(wanted.repository, wanted.tag)
    return head.digest if head else ""


async def _tags(side: ParitySide, repository: str) -> dict[str, None]:
    """Return the tags of a repository, in order; none if there is no such repository."""
    try:
        return {tag: None async for tag in side.tags(repository)}
    except errors.RepositoryNotFound:
        return {}


async def _each(repositories: tuple[str, ...]) -> AsyncIterator[str]:
    for repository in repositories:
        yield repository
