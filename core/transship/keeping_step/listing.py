"""Lists both registries of a cutover: every tag with its digest, by the names at the new one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from transship import errors
from transship.cutover.catchup import PairDigests, TagKey
from transship.errors import TransshipError
from transship.registries.place import Place, unlisted_of
from transship.transfers.gather import both, each_of

REPOSITORIES_AT_ONCE = 8
TAGS_AT_ONCE = 16
"""How many of each are looked at together, at both registries."""

HIDDEN = (errors.NoRight, errors.SignInNeeded)
"""What a registry says of a repository that these accounts may not look at."""


class Listing(Protocol):
    """Lists both registries of a cutover."""

    @property
    def hosts(self) -> tuple[str, str]:
        """The registries as `host[:port]`, the old one first."""

    def at_old(self, tag: TagKey) -> TagKey | None:
        """Return what a tag of the new registry is called at the old one, None for nothing."""

    async def digests(self) -> PairDigests:
        """Return what is on both sides.

        Nothing is left out because it can't be seen: what stands in the way is raised. What nobody
        may look at is named in `unlisted`.
        """


@dataclass(slots=True)
class Seeing:
    """What was seen so far."""

    old: dict[TagKey, str] = field(default_factory=dict)
    new: dict[TagKey, str] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)

    def hidden(self, repository: str, error: TransshipError) -> None:
        """Say that a repository can't be looked at."""
        self.unlisted.append(f"{repository} can't be looked at ({error.title})")

    def closed(self, host: str) -> None:
        """Say that a registry doesn't list its repositories."""
        self.unlisted.append(f"{host} doesn't list its repositories")

    def not_listed(self, host: str, place: Place) -> None:
        """Say what the list of a registry has left out."""
        for path, error in unlisted_of(place).items():
            self.hidden(f"{host}/{path}/…" if path else host, error)

    def result(self) -> PairDigests:
        """Return all of it."""
        return PairDigests(self.old, self.new, ", ".join(dict.fromkeys(self.unlisted)))


@dataclass(slots=True)
class Whole:
    """Lists all that both registries have: a `Listing`.

    Repositories that one registry has are looked for at the other as well. `known` are some more,
    for registries that don't list theirs.
    """

    old: Place
    new: Place
    hosts: tuple[str, str]
    known: tuple[str, ...] = ()

    def at_old(self, tag: TagKey) -> TagKey | None:
        """Return the same name: it is the same on both sides."""
        return tag

    async def digests(self) -> PairDigests:
        """Return what is on both sides. Raises CatalogClosed where nothing tells what there is."""
        seen = Seeing()
        repositories = await self._repositories(seen)

        async def look(name: str) -> None:
            try:
                at_old, at_new = await both(tags_of(self.old, name), tags_of(self.new, name))
            except HIDDEN as error:
                seen.hidden(name, error)
                return
            seen.old |= {(name, tag): digest for tag, digest in at_old.items()}
            seen.new |= {(name, tag): digest for tag, digest in at_new.items()}

        await each_of(repositories, look, at_once=REPOSITORIES_AT_ONCE)
        return seen.result()

    async def _repositories(self, seen: Seeing) -> tuple[str, ...]:
        found = list(self.known)
        listings = await both(catalog(self.old), catalog(self.new))
        sides = zip(self.hosts, (self.old, self.new), listings, strict=True)
        for host, place, listed in sides:
            if listed is None:
                seen.closed(host)
            seen.not_listed(host, place)
            found += listed or ()
        if not found and seen.unlisted:
            raise errors.CatalogClosed(", ".join(self.hosts))
        return tuple(dict.fromkeys(found))


async def catalog(place: Place) -> list[str] | None:
    """Return a registry's repositories, None where it doesn't list them."""
    try:
        return [name async for name in place.repositories()]
    except errors.CatalogClosed:
        return None


async def tags_of(place: Place, repository: str) -> dict[str, str]:
    """Return the digest of each tag of a repository; none where there is no such repository."""
    try:
        tags = [tag async for tag in place.tags(repository)]
    except errors.RepositoryNotFound:
        return {}

    async def digest(tag: str) -> tuple[str, str]:
        return tag, await digest_of(place, (repository, tag))

    found = await each_of(dict.fromkeys(tags), digest, at_once=TAGS_AT_ONCE)
    return {tag: value for tag, value in found if value}


async def digest_of(place: Place, tag: TagKey) -> str:
    """Return what a tag points at, empty where there is no such tag."""
    try:
        head = await place.head_manifest(*tag)
    except errors.RepositoryNotFound:
        return ""
    return head.digest if head else ""
