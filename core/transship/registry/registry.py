"""The seam: what every place that holds images can do, and what it says of itself.

`Registry` is the protocol. Besides: what a target says before anything is written to it, what is
to be created at it and for whom to see, and how many images may still be pulled from it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Protocol, TypeVar, runtime_checkable

from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.oci.manifest import Descriptor, Manifest
from transship.text import counted


@dataclass(frozen=True, slots=True)
class ManifestHead:
    """What is known of a manifest without reading it. `size` is in bytes, 0 when not said."""

    digest: Digest
    media_type: str
    size: int


MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How a place wants to be written to. Sizes are in bytes.

    A blob of up to `whole_limit` goes up in one request; a larger one in pieces of `piece`, or in
    one request all the same where `piece` is 0. `resumable` says that what an upload session
    holds can be asked for and believed; `range_excess` is by how much it then says too much. With
    `cuts_absent` a push to a repository that isn't there is cut, not refused. A repository's name
    has `parts` components: the fewest and the most, 0 for no bound. Manifests of the media types in
    `refused` aren't taken, an index that points at blobs only where `blob_indexes` says so, and a
    blob without a byte only where `empty_blobs` does.
    """

    whole_limit: int = 64 * MEBIBYTE
    piece: int = 32 * MEBIBYTE
    resumable: bool = True
    range_excess: int = 0
    cuts_absent: bool = False
    parts: tuple[int, int] = (1, 0)
    refused: frozenset[str] = frozenset()
    blob_indexes: bool = True
    empty_blobs: bool = True

    def refusal(self, repository: str) -> str:
        """Return why a repository can't have this name here, or an empty string."""
        least, most = self.parts
        count = repository.count("/") + 1
        if count < least or (most and count > most):
            wanted = f"{least}" if least == most else f"{least} or more"
            wanted = f"{least} to {most}" if most > least else wanted
            return f"{repository} has {counted(count, 'part')}; names here have {wanted}"
        return ""

    def manifest_refusal(self, manifest: Manifest) -> str:
        """Return why a manifest of this kind isn't taken here, or an empty string."""
        if manifest.media_type in self.refused:
            return f"{manifest.media_type} isn't taken here"
        if not self.blob_indexes and any(not entry.is_manifest for entry in manifest.entries):
            return "an index of blobs, as a build cache may be, isn't taken here"
        if not self.empty_blobs and any(blob.size == 0 for blob in manifest.blobs):
            return "a layer without a single byte isn't taken here"
        return ""


class BlobReader(Protocol):
    """An open blob, from the offset that was asked for. Iterating gives its bytes once."""

    size: int
    """The length of the whole blob in bytes."""

    offset: int
    """Where reading really starts: 0 when the place can't start elsewhere."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the bytes from `offset` on, in pieces of up to about 1 MiB."""


class Upload(Protocol):
    """An upload session for one blob (distribution spec, "Pushing blobs").

    Bytes count only once `finish` has returned: the place checks the digest there. Errors that
    may pass are raised as they are; after one the session may hold anything, and only what
    `Place.resume_upload` says of it is believed.
    """

    location: str
    """Where the session lives. Opaque, may change after every piece, can be kept in a journal."""

    offset: int
    """How many bytes the place holds, in whole finished pieces."""

    chunk_minimum: int
    """The smallest piece that the place takes before the last one, in bytes; 0 when not said."""

    async def put(self, digest: Digest, size: int, body: AsyncIterator[bytes]) -> None:
        """Send the whole blob in one request and finish."""

    async def put_small(self, digest: Digest, data: bytes) -> None:
        """Send a blob that is in memory whole, in one request, and finish."""

    async def append(self, size: int, body: AsyncIterator[bytes]) -> None:
        """Send the next `size` bytes as one piece; on return the place holds them."""

    async def finish(self, digest: Digest) -> None:
        """Declare the blob complete. Raises DigestMismatch when the place holds other bytes."""

    async def cancel(self) -> None:
        """Give the session up and let the place forget it. Never fails."""


class Registry(Protocol):
    """A place that holds images.

    All methods may raise the errors of `transship.errors` for the network, sign-in and rights.
    A `reference` is a tag or a digest.
    """

    name: str
    """`host[:port]` or `layout:PATH`: what stands before the repository in a reference."""

    @property
    def capabilities(self) -> Capabilities:
        """How it wants blobs to be written."""

    def repositories(self) -> AsyncIterator[str]:
        """Give the repositories' names, as they come. Raises CatalogClosed."""

    def tags(self, repository: str) -> AsyncIterator[str]:
        """Give the tags of a repository, as they come. Raises RepositoryNotFound."""

    def untagged(self, repository: str) -> AsyncIterator[Digest]:
        """Give what stands in a repository of itself, without a tag, where that can be listed."""

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
        """Return what a tag or digest points at, without reading it, or None if it isn't there."""

    async def get_manifest(self, repository: str, reference: str) -> Manifest:
        """Read a manifest; what is returned has the digest asked for. Raises ManifestNotFound."""

    async def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> bool:
        """Write a manifest under a tag or its own digest.

        Returns whether the place keeps the list of referrers by itself for a manifest with a
        subject (`OCI-Subject`); True for manifests without one.
        """

    async def delete_tag(self, repository: str, tag: str) -> None:
        """Take a tag away; what it points at, and other tags that do, stay.

        A tag that isn't there is fine. Raises DeletionRefused where the place doesn't allow it.
        """

    async def referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        """Return what refers to a manifest, or None where there is no referrers API."""

    async def blob_size(self, repository: str, digest: Digest) -> int | None:
        """Return the length of a blob in bytes, or None if the repository doesn't have it."""

    def read_blob(
        self, repository: str, digest: Digest, offset: int = 0
    ) -> AbstractAsyncContextManager[BlobReader]:
        """Open a blob for reading. The reader of the bytes checks the digest.

        Raises BlobNotFound.
        """

    async def start_upload(
        self, repository: str, digest: Digest, *, mount_from: str | None = None
    ) -> Upload | None:
        """Start writing a blob, or mount it from another repository of this place.

        Returns None when the repository has the blob now (mounted, or there before) and nothing
        is to be sent.
        """

    async def resume_upload(self, repository: str, location: str) -> Upload:
        """Return a session that was started before, with the offset that the place says.

        Raises UploadLost when the place doesn't know it any more, or says what can't be.
        """

    async def aclose(self) -> None:
        """Close connections and files."""


@runtime_checkable
class PingedRegistry(Protocol):
    """A place that is found before it is asked: a registry, but no folder on a disk."""

    async def knock(self) -> None:
        """Find out how it is spoken to, once. Raises why it can't be."""


@runtime_checkable
class ReadsWhole(Protocol):
    """A place where a small blob is read as quickly as a manifest is."""

    async def whole_blob(self, repository: str, digest: Digest, most: int) -> bytes:
        """Return a blob of up to `most` bytes. The reader checks the digest.

        Raises BlobNotFound, and UnexpectedAnswer where it is longer.
        """


@runtime_checkable
class ListsPartly(Protocol):
    """A place whose list of repositories may leave something out that it has."""

    unlisted: dict[str, TransshipError]
    """Below which paths nothing could be listed the last time, and why."""


@runtime_checkable
class LeavesOut(Protocol):
    """A place that may list what is no name, so that nobody can ask it for that."""

    left_out: dict[str, list[str]]
    """What the last lists had of that: tags by repository, and repositories under an empty name."""


def left_out_of(place: Registry) -> dict[str, tuple[str, ...]]:
    """Return what the last lists of a place had that is no name: see `LeavesOut`."""
    if not isinstance(place, LeavesOut):
        return {}
    return {repository: tuple(names) for repository, names in place.left_out.items() if names}


def unlisted_of(place: Registry) -> dict[str, TransshipError]:
    """Return below which paths the last list of a place has nothing, and why."""
    return dict(place.unlisted) if isinstance(place, ListsPartly) else {}


_T = TypeVar("_T")

Writes = Mapping[str, bool]
"""The repositories that are to be written to, each with whether a tag that it has is to move."""


@dataclass(frozen=True, slots=True)
class MissingTarget:
    """What must be there before a repository can be written to, and isn't.

    `kind` is the service's own word for it (`project`, `repository`); `hidden` says that the
    service shows what the account may not see in the same way, `perhaps` that a push may make it
    after all: that refuses nothing.
    """

    kind: str
    name: str
    hidden: bool = False
    perhaps: bool = False

    def __str__(self) -> str:
        hidden = ", or is hidden from this account" if self.hidden else ""
        return f"the {self.kind} {self.name} isn't there{hidden}"


@dataclass(frozen=True, slots=True)
class Immutable:
    """Tags that can't be made to point at something else. `rule` says in words what makes them."""

    rule: str
    covers: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """What is known of one repository that is to be written to.

    `read_only` says in words why nothing can be written to it, `immutable` which of its tags can't
    be moved.
    """

    missing: MissingTarget | None = None
    read_only: str = ""
    immutable: tuple[Immutable, ...] = ()

    def pinned_by(self, tag: str) -> str:
        """Return, in words, what keeps a tag as it is; nothing if nothing does."""
        return next((each.rule for each in self.immutable if each.covers(tag)), "")


@dataclass(frozen=True, slots=True)
class UnknownTarget:
    """What a target didn't say: `what` in words, of whom (empty: of all of it), and why not."""

    what: str
    of: str
    why: TransshipError


@dataclass(frozen=True, slots=True)
class TargetOutlook:
    """What one target says of some repositories, by their names, and what it didn't say."""

    standings: Mapping[str, TargetStatus] = field(default_factory=dict)
    unknown: tuple[UnknownTarget, ...] = ()


@runtime_checkable
class PreflightSource(Protocol):
    """Asks one target what it says of itself. Lives for one look at a plan."""

    async def look(self, writes: Writes) -> TargetOutlook:
        """Return what is known of the repositories that are to be written to.

        Nothing is asked twice, in later looks neither. What can't be asked is named as unknown, or
        raised.
        """


@runtime_checkable
class HasPreflight(Protocol):
    """A place that may say something of itself before it is written to."""

    def foreseer(self) -> PreflightSource | None:
        """Return who asks it, None when it has nothing to say."""


class PreflightAnswers(Generic[_T]):
    """Answers by what was asked: each question goes out once, also where it fails.

    With `gives_up` a failure is the answer to every question after it.
    """

    def __init__(self, *, gives_up: bool = False) -> None:
        self._gives_up = gives_up
        self._failed: TransshipError | None = None
        self._known: dict[str, _T | TransshipError] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def once(self, question: str, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Return the answer to a question. Raises what asking for it came to."""
        async with self._asking.setdefault(question, asyncio.Lock()):
            if question not in self._known:
                self._known[question] = self._failed or await self._answer(ask)
        found = self._known[question]
        if isinstance(found, TransshipError):
            raise found
        return found

    async def _answer(self, ask: Callable[[], Awaitable[_T]]) -> _T | TransshipError:
        try:
            return await ask()
        except TransshipError as error:
            if self._gives_up:
                self._failed = error
            return error


@dataclass(frozen=True, slots=True)
class CreationOptions:
    """What is asked for beside who may pull; nothing by default.

    With `immutable_tags` no tag in it can be made to point at something else. `resource_tags` are
    names and values that the cloud's console and bills show (Google calls them labels).
    """

    immutable_tags: bool = False
    resource_tags: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return self.immutable_tags or bool(self.resource_tags)

    def __str__(self) -> str:
        parts = ["immutable tags"] if self.immutable_tags else []
        if self.resource_tags:
            parts.append(
                "tagged " + ", ".join(f"{key}={value}" for key, value in self.resource_tags)
            )
        return ", ".join(parts)


NO_OPTIONS = CreationOptions()


class Visibility(StrEnum):
    """Who may pull what is in something that is created."""

    PRIVATE = "private"
    """Who is given the right."""
    PUBLIC = "public"
    """Everyone."""


_FIELD = re.compile(r"\s*(\d+)\s*(?:;\s*w=(\d+))?")


@dataclass(frozen=True, slots=True)
class Quota:
    """How many manifests may still be read, out of how many, in how many seconds (0: unknown)."""

    left: int
    limit: int
    seconds: int = 0


@runtime_checkable
class Metered(Protocol):
    """A place that may count what is read from it."""

    @property
    def quota(self) -> Quota | None:
        """What it said last, or None when it says nothing of the kind."""


def quota_of(headers: Mapping[str, str]) -> Quota | None:
    """Return what the headers (names in lower case) of an answer say, or None."""
    left = _FIELD.match(headers.get("ratelimit-remaining", ""))
    if left is None:
        return None
    limit = _FIELD.match(headers.get("ratelimit-limit", ""))
    return Quota(
        left=int(left[1]),
        limit=int(limit[1]) if limit else 0,
        seconds=int(left[2] or 0),
    )
