"""A small registry on loopback: the distribution API, a token server, resumable uploads."""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import hmac
import json
import logging
import re
import secrets
import socket
import sqlite3
import ssl
import uuid
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, unique
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, urlencode

import msgspec
from aiohttp import hdrs, web

from transship.clock import Clock, SystemClock
from transship.concurrency import Runs
from transship.errors import DigestMismatch, InvalidManifest, UnsupportedManifest
from transship.oci.digest import Digest, digest_of, is_digest
from transship.oci.manifest import MANIFEST_LIMIT, Descriptor, Manifest, make_index, parse_manifest
from transship.oci.media_types import OCI_INDEX, bare
from transship.oci.reference import is_repository, is_tag


@unique
class Code(Enum):
    """The specification's error codes, each with its usual status and its meaning."""

    BLOB_UNKNOWN = (404, "blob unknown to registry")
    BLOB_UPLOAD_INVALID = (400, "blob upload invalid")
    BLOB_UPLOAD_UNKNOWN = (404, "blob upload unknown to registry")
    DIGEST_INVALID = (400, "provided digest did not match uploaded content")
    MANIFEST_BLOB_UNKNOWN = (400, "manifest references a manifest or blob unknown to registry")
    MANIFEST_INVALID = (400, "manifest invalid")
    MANIFEST_UNKNOWN = (404, "manifest unknown to registry")
    NAME_INVALID = (400, "invalid repository name")
    NAME_UNKNOWN = (404, "repository name not known to registry")
    SIZE_INVALID = (400, "provided length did not match content length")
    UNAUTHORIZED = (401, "authentication required")
    UNSUPPORTED = (405, "the operation is unsupported")


class Refusal(Exception):
    """A request that is refused: one error for each of `details`, or one without a detail."""

    def __init__(
        self,
        code: Code,
        *details: object,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code.name)
        usual, message = code.value
        self.status = status or usual
        self.headers = headers
        self.errors = [
            {"code": code.name, "message": message, "detail": detail}
            for detail in details or [None]
        ]

    def answer(self) -> web.Response:
        """Return the response that says so."""
        return json_answer({"errors": self.errors}, status=self.status, headers=self.headers)


def json_answer(
    document: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a response that carries a JSON document."""
    return web.Response(
        body=json.dumps(document).encode(),
        status=status,
        headers=headers,
        content_type="application/json",
    )


async def read_body(request: web.Request, limit: int) -> bytes:
    """Return the body. Raises Refusal (413) as soon as it is longer than `limit` bytes."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > limit:
            raise Refusal(Code.SIZE_INVALID, {"limit": limit}, status=413)
    return bytes(body)


class SandboxPace:
    """Lets bytes pass at a steady rate, which all who spend share.

    `bytes_per_second` of None lets everything pass at once.
    """

    def __init__(self, bytes_per_second: float | None, clock: Clock) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._free_at = 0.0

    async def spend(self, count: int) -> None:
        """Wait until `count` more bytes may have passed."""
        if self._rate is None:
            return
        now = self._clock.monotonic()
        self._free_at = max(self._free_at, now) + count / self._rate
        await self._clock.sleep(self._free_at - now)


_BYTES = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)
_CONTENT_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


def parse_range(header: str, size: int) -> range | None:
    """Return what a Range header asks of `size` bytes (RFC 9110, section 14.2).

    None means the whole: the header holds no single range of bytes and is to be ignored. An empty
    range means that nothing of what is asked for is there.
    """
    match = _BYTES.fullmatch(header.replace(" ", ""))
    if not match or match[0].endswith("=-"):
        return None
    first, last = match[1], match[2]
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(min(int(first), size), min(int(last) + 1, size) if last else size)


def parse_content_range(header: str) -> range | None:
    """Return where a chunk of an upload belongs, or None if the header can't be read.

    OCI distribution spec, "Pushing a blob in chunks": `<first>-<last>`, both inclusive.
    """
    match = _CONTENT_RANGE.fullmatch(header)
    if not match or int(match[2]) < int(match[1]):
        return None
    return range(int(match[1]), int(match[2]) + 1)


def upload_range(offset: int) -> str:
    """Return how many bytes an upload holds, as its Range header says it.

    Nothing and one byte look alike (`0-0`), as in every registry.
    """
    return f"0-{max(0, offset - 1)}"


_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS blobs (
    repository TEXT, digest TEXT, PRIMARY KEY (repository, digest)
);
CREATE TABLE IF NOT EXISTS manifests (
    repository TEXT, digest TEXT, media_type TEXT, subject TEXT, PRIMARY KEY (repository, digest)
);
CREATE TABLE IF NOT EXISTS tags (
    repository TEXT, tag TEXT, digest TEXT, PRIMARY KEY (repository, tag)
);
"""


class Store:
    """A registry's content in `folder`, which is made if it isn't there.

    Names are taken as they are: whoever calls has checked them (`oci.reference`). The store may
    be used from several threads, one at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._content = folder / "content"
        self._incoming = folder / "incoming"
        for made in (self._content, self._incoming):
            made.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            folder / "names.sqlite", isolation_level=None, check_same_thread=False
        )
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # Content

    def path(self, digest: Digest) -> Path:
        """Return where content is kept, whether it is there or not."""
        algorithm, _, encoded = digest.partition(":")
        return self._content / algorithm / encoded[:2] / encoded

    def keep(self, file: Path, digest: Digest) -> None:
        """Take a finished file in as the content that `digest` names.

        Raises DigestMismatch, and leaves the file where it is, when its bytes are others.
        """
        with file.open("rb") as opened:
            hashed = hashlib.file_digest(opened, digest.partition(":")[0])
        if hashed.hexdigest() != digest.partition(":")[2]:
            raise DigestMismatch(digest)
        self._place(file, digest)

    def _write(self, data: bytes, digest: Digest) -> None:
        if self.path(digest).exists():
            return
        file = self._incoming / uuid.uuid4().hex
        file.write_bytes(data)
        self._place(file, digest)

    def _place(self, file: Path, digest: Digest) -> None:
        path = self.path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        file.replace(path)

    # Blobs

    def add_blob(self, repository: str, data: bytes) -> Digest:
        """Write a blob into a repository and return its digest."""
        digest = digest_of(data)
        self._write(data, digest)
        self.link_blob(repository, digest)
        return digest

    def link_blob(self, repository: str, digest: Digest) -> None:
        """Let a repository see content that is there."""
        self._db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (repository, digest))

    def blob_size(self, repository: str, digest: Digest) -> int | None:
        """Return a blob's length in bytes, or None if the repository doesn't see it."""
        seen = self._one(
            "SELECT 1 FROM blobs WHERE repository = ? AND digest = ?", repository, digest
        )
        return self.path(digest).stat().st_size if seen else None

    def remove_blob(self, repository: str, digest: Digest) -> bool:
        """Let a repository see a blob no longer. Returns whether it did."""
        where = "DELETE FROM blobs WHERE repository = ? AND digest = ?"
        return self._db.execute(where, (repository, digest)).rowcount > 0

    # Manifests and tags

    def put_manifest(self, repository: str, manifest: Manifest, tag: str = "") -> None:
        """Write a manifest into a repository and, if one is given, let a tag point at it."""
        self._write(manifest.body, manifest.digest)
        subject = manifest.subject.digest if manifest.subject else ""
        row = (repository, manifest.digest, manifest.media_type, subject)
        self._db.execute("INSERT OR IGNORE INTO manifests VALUES (?, ?, ?, ?)", row)
        if tag:
            self._db.execute(
                "INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", (repository, tag, manifest.digest)
            )

    def missing_parts(self, repository: str, manifest: Manifest) -> list[Digest]:
        """Return the blobs and child manifests that a manifest names and the repository lacks."""
        blobs = [b.digest for b in manifest.blobs if self.blob_size(repository, b.digest) is None]
        children = (child.digest for child in manifest.children)
        return blobs + [c for c in children if self.find_manifest(repository, c) is None]

    def find_manifest(self, repository: str, reference: str) -> Manifest | None:
        """Return what a tag or a digest names, or None."""
        digest = reference if is_digest(reference) else self._tagged(repository, reference)
        media_type = self._one(
            "SELECT media_type FROM manifests WHERE repository = ? AND digest = ?",
            repository,
            digest,
        )
        return self._read(Digest(digest), media_type) if media_type else None

    def remove_manifest(self, repository: str, digest: Digest) -> bool:
        """Remove a manifest and the tags that point at it. Returns whether it was there."""
        key = (repository, digest)
        self._db.execute("DELETE FROM tags WHERE repository = ? AND digest = ?", key)
        where = "DELETE FROM manifests WHERE repository = ? AND digest = ?"
        return self._db.execute(where, key).rowcount > 0

    def remove_tag(self, repository: str, tag: str) -> bool:
        """Remove a tag and leave what it points at. Returns whether it was there."""
        where = "DELETE FROM tags WHERE repository = ? AND tag = ?"
        return self._db.execute(where, (repository, tag)).rowcount > 0

    # Lists

    def has_repository(self, repository: str) -> bool:
        """Tell whether a repository holds any manifest."""
        return bool(self._one("SELECT 1 FROM manifests WHERE repository = ?", repository))

    def repositories(self, after: str = "", limit: int = -1) -> list[str]:
        """Return the repositories that come after `after`, sorted; all if `limit` is negative."""
        return self._column(
            "SELECT DISTINCT repository FROM manifests WHERE repository > ? "
            "ORDER BY repository LIMIT ?",
            after,
            limit,
        )

    def tags(self, repository: str, after: str = "", limit: int = -1) -> list[str]:
        """Return a repository's tags that come after `after`, sorted as ASCII sorts."""
        return self._column(
            "SELECT tag FROM tags WHERE repository = ? AND tag > ? ORDER BY tag LIMIT ?",
            repository,
            after,
            limit,
        )

    def referrers(self, repository: str, subject: Digest) -> list[Descriptor]:
        """Return what refers to a manifest, in the order in which it first came."""
        rows = self._db.execute(
            "SELECT digest, media_type FROM manifests "
            "WHERE repository = ? AND subject = ? ORDER BY rowid",
            (repository, subject),
        )
        return [self._read(Digest(row[0]), row[1]).descriptor() for row in rows.fetchall()]

    def _read(self, digest: Digest, media_type: str) -> Manifest:
        return parse_manifest(self.path(digest).read_bytes(), media_type, digest)

    def _tagged(self, repository: str, tag: str) -> str:
        return self._one(
            "SELECT digest FROM tags WHERE repository = ? AND tag = ?", repository, tag
        )

    def _one(self, query: str, *values: object) -> str:
        row = self._db.execute(query, values).fetchone()
        return str(row[0]) if row else ""

    def _column(self, query: str, *values: object) -> list[str]:
        return [str(row[0]) for row in self._db.execute(query, values)]


@dataclass(slots=True, eq=False)
class SandboxUpload:
    """One upload. `complete` says that a piece came which can only be the last one."""

    id: str
    file: Path
    complete: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def offset(self) -> int:
        """How many bytes have come."""
        return self.file.stat().st_size

    async def append(self, body: AsyncIterator[bytes], pace: SandboxPace) -> None:
        """Write the bytes of a request at the end of what has come, each as it comes."""
        with self.file.open("ab", buffering=0) as file:
            async for piece in body:
                file.write(piece)
                await pace.spend(len(piece))

    def truncate(self, offset: int) -> None:
        """Forget what came after `offset`."""
        with self.file.open("r+b") as file:
            file.truncate(offset)


class Sessions:
    """The sessions of one registry, under `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, SandboxUpload] = {}

    def start(self, repository: str) -> str:
        """Start a session and return its id, a UUID as the specification asks for."""
        session_id = str(uuid.uuid4())
        file = self._file(repository, session_id)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(exist_ok=False)
        return session_id

    @asynccontextmanager
    async def hold(self, repository: str, session_id: str) -> AsyncIterator[SandboxUpload]:
        """Have a session for one request alone; another request waits.

        Raises Refusal when there is no such session, or none any more.
        """
        file = self._file(repository, session_id)
        if not file.is_file():
            raise Refusal(Code.BLOB_UPLOAD_UNKNOWN)
        session = self._known.setdefault(file, SandboxUpload(session_id, file))
        async with session.lock:
            if not file.is_file():
                raise Refusal(Code.BLOB_UPLOAD_UNKNOWN)
            yield session

    def end(self, session: SandboxUpload) -> None:
        """Forget a session and what it holds."""
        session.file.unlink(missing_ok=True)
        self._known.pop(session.file, None)

    def _file(self, repository: str, session_id: str) -> Path:
        try:
            canonical = str(uuid.UUID(session_id))
        except ValueError:
            raise Refusal(Code.BLOB_UPLOAD_UNKNOWN) from None
        # No part of a repository's name begins with an underscore.
        return self._folder / repository / f"_{canonical}"


class Uploads:
    """Answers the requests that start, continue, finish and cancel uploads.

    `chunk_minimum` is the smallest piece, in bytes, that is taken before the last one.
    """

    def __init__(
        self, store: Store, sessions: Sessions, pace: SandboxPace, chunk_minimum: int
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._pace = pace
        self._chunk_minimum = chunk_minimum

    def routes(self) -> list[web.RouteDef]:
        """Return what is answered where."""
        session = "/v2/{name:.+}/blobs/uploads/{session}"
        return [
            web.post("/v2/{name:.+}/blobs/uploads/", self._start),
            web.get(session, self._status, allow_head=False),
            web.patch(session, self._append),
            web.put(session, self._finish),
            web.delete(session, self._cancel),
        ]

    async def _start(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        mount, source = request.query.get("mount", ""), request.query.get("from", "")
        if self._mount(name, mount, source):
            return _created(name, Digest(mount))
        digest = _digest(request) if "digest" in request.query else None
        session_id = self._sessions.start(name)
        async with self._sessions.hold(name, session_id) as session:
            if digest is None:
                headers = {"OCI-Chunk-Min-Length": str(self._chunk_minimum)}
                return _progress(name, session, 202, headers if self._chunk_minimum else {})
            try:
                await self._receive(request, session)
                return await self._commit(name, session, digest)
            finally:
                self._sessions.end(session)

    def _mount(self, name: str, digest: str, source: str) -> bool:
        if not (is_digest(digest) and is_repository(source)):
            return False
        if self._store.blob_size(source, Digest(digest)) is None:
            return False
        self._store.link_blob(name, Digest(digest))
        return True

    async def _status(self, request: web.Request) -> web.Response:
        async with self._held(request) as session:
            return _progress(request.match_info["name"], session, 204)

    async def _append(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        async with self._held(request) as session:
            if session.complete:
                raise Refusal(Code.SIZE_INVALID, "only the last chunk may be this small")
            before = session.offset
            await self._receive(request, session)
            session.complete = (
                hdrs.CONTENT_RANGE in request.headers
                and session.offset - before < self._chunk_minimum
            )
            return _progress(name, session, 202)

    async def _finish(self, request: web.Request) -> web.Response:
        digest = _digest(request)
        async with self._held(request) as session:
            await self._receive(request, session)
            return await self._commit(request.match_info["name"], session, digest)

    async def _cancel(self, request: web.Request) -> web.Response:
        async with self._held(request) as session:
            self._sessions.end(session)
            return web.Response(status=204)

    def _held(self, request: web.Request) -> AbstractAsyncContextManager[SandboxUpload]:
        return self._sessions.hold(request.match_info["name"], request.match_info["session"])

    async def _receive(self, request: web.Request, session: SandboxUpload) -> None:
        """Take in the body, which must be what its Content-Range says, if it has one."""
        body = request.content.iter_any()
        header = request.headers.get(hdrs.CONTENT_RANGE)
        if header is None:
            await session.append(body, self._pace)
            return
        place = parse_content_range(header)
        offset = session.offset
        if place is None or place.start != offset:
            raise _out_of_order(request.match_info["name"], session)
        await session.append(body, self._pace)
        if session.offset != place.stop:
            session.truncate(offset)
            raise Refusal(Code.SIZE_INVALID)

    async def _commit(self, name: str, session: SandboxUpload, digest: Digest) -> web.Response:
        try:
            await asyncio.to_thread(self._store.keep, session.file, digest)
        except DigestMismatch:
            raise Refusal(Code.DIGEST_INVALID, {"digest": digest}) from None
        finally:
            self._sessions.end(session)
        self._store.link_blob(name, digest)
        return _created(name, digest)


def _digest(request: web.Request) -> Digest:
    digest = request.query.get("digest", "")
    if not is_digest(digest):
        raise Refusal(Code.DIGEST_INVALID, {"digest": digest})
    return Digest(digest)


def _created(name: str, digest: Digest) -> web.Response:
    headers = {hdrs.LOCATION: f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
    return web.Response(status=201, headers=headers)


def _progress(
    name: str, session: SandboxUpload, status: int, headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(status=status, headers=_whereabouts(name, session) | (headers or {}))


def _out_of_order(name: str, session: SandboxUpload) -> Refusal:
    return Refusal(Code.BLOB_UPLOAD_INVALID, status=416, headers=_whereabouts(name, session))


def _whereabouts(name: str, session: SandboxUpload) -> dict[str, str]:
    return {
        hdrs.LOCATION: f"/v2/{name}/blobs/uploads/{session.id}",
        hdrs.RANGE: upload_range(session.offset),
        "Docker-Upload-UUID": session.id,
    }


_PIECE = 256 * 1024


class BlobAnswer(web.StreamResponse):
    """A blob on its way out; `sent` is how many of its bytes went."""

    sent = 0


class Contents:
    """Answers the requests that read, list, name and remove what the store holds.

    `page_limit` is the largest page of a list, in entries.
    """

    def __init__(self, store: Store, pace: SandboxPace, page_limit: int) -> None:
        self._store = store
        self._pace = pace
        self._page_limit = page_limit

    def routes(self) -> list[web.RouteDef]:
        """Return what is answered where."""
        manifest = "/v2/{name:.+}/manifests/{reference}"
        blob = "/v2/{name:.+}/blobs/{digest}"
        return [
            web.get("/v2/", self._base),
            web.get("/v2/_catalog", self._catalog),
            web.get("/v2/{name:.+}/tags/list", self._tags),
            web.get("/v2/{name:.+}/referrers/{digest}", self._referrers),
            web.get(manifest, self._get_manifest),
            web.put(manifest, self._put_manifest),
            web.delete(manifest, self._delete_manifest),
            web.get(blob, self._get_blob),
            web.delete(blob, self._delete_blob),
        ]

    async def _base(self, _request: web.Request) -> web.Response:
        return json_answer({})

    # Lists

    async def _catalog(self, request: web.Request) -> web.Response:
        names, headers = self._page(request, self._store.repositories)
        return json_answer({"repositories": names}, headers=headers)

    async def _tags(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if not self._store.has_repository(name):
            raise Refusal(Code.NAME_UNKNOWN, {"name": name})
        tags, headers = self._page(request, lambda *place: self._store.tags(name, *place))
        return json_answer({"name": name, "tags": tags}, headers=headers)

    def _page(
        self, request: web.Request, entries: Callable[[str, int], list[str]]
    ) -> tuple[list[str], dict[str, str]]:
        """Return one page of a list, and the Link to the next where there is more."""
        asked = request.query.get("n", str(self._page_limit))
        if not re.fullmatch("[0-9]{1,9}", asked):
            raise Refusal(Code.UNSUPPORTED, {"n": asked}, status=400)
        count = min(int(asked), self._page_limit)
        page = entries(request.query.get("last", ""), count + 1)
        if not count or len(page) <= count:
            return page[:count], {}
        query = urlencode({"n": count, "last": page[count - 1]})
        return page[:count], {hdrs.LINK: f'<{request.path}?{query}>; rel="next"'}

    async def _referrers(self, request: web.Request) -> web.Response:
        referrers = self._store.referrers(request.match_info["name"], _contents_digest(request))
        headers = {}
        if artifact_type := request.query.get("artifactType"):
            referrers = [r for r in referrers if r.artifact_type == artifact_type]
            headers["OCI-Filters-Applied"] = "artifactType"
        body = make_index(referrers).body
        return web.Response(body=body, headers=headers, content_type=OCI_INDEX)

    # Manifests

    async def _get_manifest(self, request: web.Request) -> web.Response:
        manifest = self._store.find_manifest(request.match_info["name"], _reference(request))
        if manifest is None:
            raise Refusal(Code.MANIFEST_UNKNOWN, {"reference": _reference(request)})
        headers = _identity(manifest.digest)
        if request.headers.get(hdrs.IF_NONE_MATCH) == headers[hdrs.ETAG]:
            return web.Response(status=304, headers=headers)
        return web.Response(body=manifest.body, headers=headers, content_type=manifest.media_type)

    async def _put_manifest(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], _reference(request)
        manifest = await _read_manifest(request, reference)
        if missing := self._store.missing_parts(name, manifest):
            raise Refusal(Code.MANIFEST_BLOB_UNKNOWN, *({"digest": digest} for digest in missing))
        tag = "" if is_digest(reference) else reference
        self._store.put_manifest(name, manifest, tag)
        headers = {
            hdrs.LOCATION: f"/v2/{name}/manifests/{manifest.digest}",
            "Docker-Content-Digest": manifest.digest,
        }
        if manifest.subject:
            headers["OCI-Subject"] = manifest.subject.digest
        return web.Response(status=201, headers=headers)

    async def _delete_manifest(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], _reference(request)
        if is_digest(reference):
            removed = self._store.remove_manifest(name, Digest(reference))
        else:
            removed = self._store.remove_tag(name, reference)
        if not removed:
            raise Refusal(Code.MANIFEST_UNKNOWN, {"reference": reference})
        return web.Response(status=202)

    # Blobs

    async def _get_blob(self, request: web.Request) -> web.StreamResponse:
        digest = _contents_digest(request)
        size = self._store.blob_size(request.match_info["name"], digest)
        if size is None:
            raise Refusal(Code.BLOB_UNKNOWN, {"digest": digest})
        headers = _identity(digest) | {hdrs.ACCEPT_RANGES: "bytes"}
        if request.headers.get(hdrs.IF_NONE_MATCH) == headers[hdrs.ETAG]:
            return web.Response(status=304, headers=headers)
        part = parse_range(request.headers.get(hdrs.RANGE, ""), size)
        if part is None:
            part, status = range(size), 200
        elif not part:
            raise Refusal(
                Code.SIZE_INVALID, status=416, headers={"Content-Range": f"bytes */{size}"}
            )
        else:
            headers[hdrs.CONTENT_RANGE] = f"bytes {part.start}-{part.stop - 1}/{size}"
            status = 206
        answer = BlobAnswer(status=status, headers=headers)
        answer.content_type = "application/octet-stream"
        answer.content_length = len(part)
        with self._store.path(digest).open("rb") as file:
            await answer.prepare(request)
            if request.method == hdrs.METH_GET:
                await self._send(file, part, answer)
        return answer

    async def _send(self, file: BinaryIO, part: range, answer: BlobAnswer) -> None:
        file.seek(part.start)
        try:
            while piece := file.read(min(_PIECE, len(part) - answer.sent)):
                await self._pace.spend(len(piece))
                await answer.write(piece)
                answer.sent += len(piece)
        except ConnectionError:
            # The client has gone; there is nobody left to tell.
            return

    async def _delete_blob(self, request: web.Request) -> web.Response:
        digest = _contents_digest(request)
        if not self._store.remove_blob(request.match_info["name"], digest):
            raise Refusal(Code.BLOB_UNKNOWN, {"digest": digest})
        return web.Response(status=202)


async def _read_manifest(request: web.Request, reference: str) -> Manifest:
    """Read the body as the manifest that is to stand at `reference`."""
    body = await read_body(request, MANIFEST_LIMIT)
    algorithm = reference.partition(":")[0] if is_digest(reference) else "sha256"
    digest = digest_of(body, algorithm)
    if is_digest(reference) and reference != digest:
        raise Refusal(Code.DIGEST_INVALID, {"digest": reference})
    content_type = bare(request.headers.get(hdrs.CONTENT_TYPE, ""))
    try:
        manifest = parse_manifest(body, content_type, digest)
    except (InvalidManifest, UnsupportedManifest) as error:
        raise Refusal(Code.MANIFEST_INVALID, str(error)) from error
    if content_type not in ("", manifest.media_type):
        raise Refusal(Code.MANIFEST_INVALID, "the Content-Type is not the manifest's mediaType")
    return manifest


def _contents_digest(request: web.Request) -> Digest:
    digest = request.match_info["digest"]
    if not is_digest(digest):
        raise Refusal(Code.DIGEST_INVALID, {"digest": digest})
    return Digest(digest)


def _reference(request: web.Request) -> str:
    reference = request.match_info["reference"]
    if not (is_digest(reference) or is_tag(reference)):
        raise Refusal(Code.MANIFEST_INVALID, "neither a tag nor a digest")
    return reference


def _identity(digest: Digest) -> dict[str, str]:
    return {"Docker-Content-Digest": digest, hdrs.ETAG: f'"{digest}"'}


_ACTIONS = frozenset({"pull", "push", "delete", "*"})


@dataclass(frozen=True, slots=True)
class Scope:
    """Actions on a resource: `repository:team/web:pull,push`."""

    type: str
    name: str
    actions: frozenset[str]

    def __str__(self) -> str:
        return f"{self.type}:{self.name}:{','.join(sorted(self.actions))}"

    def allows(self, wanted: Scope) -> bool:
        """Tell whether this scope holds all of another."""
        same = (self.type, self.name) == (wanted.type, wanted.name)
        return same and ("*" in self.actions or wanted.actions <= self.actions)


CATALOG = Scope("registry", "catalog", frozenset({"*"}))


def repository_scope(name: str, *actions: str) -> Scope:
    """Return the scope of actions on a repository."""
    return Scope("repository", name, frozenset(actions))


def parse_scopes(text: str) -> list[Scope]:
    """Return the scopes in a space-separated list that this registry knows, each once.

    What can't be granted to anybody is left out, as token servers do.
    """
    scopes: dict[tuple[str, str], Scope] = {}
    for word in text.split():
        kind, _, rest = word.partition(":")
        name, _, actions = rest.rpartition(":")
        scope = Scope(kind, name, frozenset(actions.split(",")) & _ACTIONS)
        if scope == CATALOG or (kind == "repository" and is_repository(name) and scope.actions):
            known = scopes.get((kind, name), scope)
            scopes[kind, name] = Scope(kind, name, known.actions | scope.actions)
    return list(scopes.values())


class Note(msgspec.Struct, frozen=True):
    """What a token says. `scopes` is None in a refresh token; `expires` is in epoch seconds."""

    user: str
    scopes: str | None
    expires: float | None

    def allows(self, wanted: Iterable[Scope]) -> bool:
        """Tell whether the token allows all that is wanted."""
        held = parse_scopes(self.scopes or "")
        return all(any(scope.allows(want) for scope in held) for want in wanted)


class Tokens:
    """Makes and reads the tokens of one registry.

    `users` are passwords by user name; each user may do everything, the unnamed user nothing.
    `lifetime` is in seconds.
    """

    def __init__(self, users: Mapping[str, str], lifetime: float, clock: Clock) -> None:
        self.lifetime = lifetime
        self._users = users
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def is_user(self, username: str, password: str) -> bool:
        """Tell whether this is a user's password."""
        known = self._users.get(username)
        same = hmac.compare_digest(password.encode(), (known or "").encode())
        return same and known is not None

    def access(self, user: str, scopes: Iterable[Scope]) -> str:
        """Return a token that allows as much of `scopes` as the user may do."""
        granted = " ".join(str(scope) for scope in scopes) if user else ""
        return self._sign(Note(user, granted, self._clock.now() + self.lifetime))

    def refresh(self, user: str) -> str:
        """Return a token that stands for the user's password at the token realm."""
        return self._sign(Note(user, None, None))

    def read_access(self, token: str) -> Note | None:
        """Return what an access token says, or None if it isn't one or has expired."""
        note = self._verify(token)
        if note is None or note.expires is None or note.expires <= self._clock.now():
            return None
        return note

    def read_refresh(self, token: str) -> str | None:
        """Return the user for whom a refresh token stands, or None if it isn't one."""
        note = self._verify(token)
        return note.user if note and note.scopes is None else None

    def _sign(self, note: Note) -> str:
        body = urlsafe_b64encode(msgspec.json.encode(note))
        return f"{body.decode()}.{self._seal(body)}"

    def _verify(self, token: str) -> Note | None:
        body, _, seal = token.encode(errors="replace").rpartition(b".")
        if not hmac.compare_digest(seal, self._seal(body).encode()):
            return None
        return msgspec.json.decode(urlsafe_b64decode(body), type=Note)

    def _seal(self, body: bytes) -> str:
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()


REALM = "/token"
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_FORM_LIMIT = 64 * 1024
_REALM_ACTIONS = {
    hdrs.METH_GET: ("pull",),
    hdrs.METH_HEAD: ("pull",),
    hdrs.METH_POST: ("pull", "push"),
    hdrs.METH_PUT: ("pull", "push"),
    hdrs.METH_PATCH: ("pull", "push"),
    hdrs.METH_DELETE: ("delete",),
}


class Realm:
    """Gives tokens by GET and by OAuth2's POST, and asks every other request for one."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        """Return what is answered where."""
        return [web.get(REALM, self._get, allow_head=False), web.post(REALM, self._post)]

    async def _get(self, request: web.Request) -> web.Response:
        user = self._user(request)
        offline = request.query.get("offline_token") == "true"
        return self._grant(user, " ".join(request.query.getall("scope", [])), offline=offline)

    async def _post(self, request: web.Request) -> web.Response:
        form = await _form(request)
        grant = form.get("grant_type", "")
        if grant == "password":
            user = form.get("username", "")
            if not self._tokens.is_user(user, form.get("password", "")):
                raise Refusal(Code.UNAUTHORIZED)
        elif grant == "refresh_token":
            known = self._tokens.read_refresh(form.get("refresh_token", ""))
            if known is None:
                raise Refusal(Code.UNAUTHORIZED)
            user = known
        else:
            raise Refusal(Code.UNSUPPORTED, {"grant_type": grant}, status=400)
        offline = form.get("access_type") == "offline" or grant == "refresh_token"
        return self._grant(user, form.get("scope", ""), offline=offline)

    def _grant(self, user: str, scopes: str, *, offline: bool) -> web.Response:
        token = self._tokens.access(user, parse_scopes(scopes))
        document = {
            "token": token,
            "access_token": token,
            "expires_in": int(self._tokens.lifetime),
        }
        if offline and user:
            document["refresh_token"] = self._tokens.refresh(user)
        return json_answer(document)

    def _user(self, request: web.Request) -> str:
        """Return the user of a Basic credential, or nothing if there is none."""
        header = request.headers.get(hdrs.AUTHORIZATION)
        if header is None:
            return ""
        try:
            scheme, _, encoded = header.partition(" ")
            user, _, password = b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeError):
            raise Refusal(Code.UNAUTHORIZED) from None
        if scheme.lower() != "basic" or not self._tokens.is_user(user, password):
            raise Refusal(Code.UNAUTHORIZED)
        return user

    def admit(self, request: web.Request) -> None:
        """Raise Refusal with a challenge unless the request carries a token that allows it.

        The realm is named as the registry was: a name that comes to lead here works at once.
        """
        wanted = _wanted(request)
        scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        error = ""
        if scheme.lower() == "bearer":
            note = self._tokens.read_access(token)
            if note and note.allows(wanted):
                return
            error = "insufficient_scope" if note else "invalid_token"
        host = request.host
        if not _HOST.fullmatch(host):
            raise Refusal(Code.UNSUPPORTED, {"host": host}, status=400)
        challenge = f'Bearer realm="{request.scheme}://{host}{REALM}",service="{host}"'
        if wanted:
            challenge += f',scope="{" ".join(str(scope) for scope in wanted)}"'
        if error:
            challenge += f',error="{error}"'
        raise Refusal(Code.UNAUTHORIZED, headers={hdrs.WWW_AUTHENTICATE: challenge})


def _wanted(request: web.Request) -> list[Scope]:
    """Return the scopes that a request needs; none for those that name no repository."""
    name = request.match_info.get("name")
    if name is None:
        return [CATALOG] if request.path == "/v2/_catalog" else []
    # Who may push may also give up an upload of their own.
    cancels = request.method == hdrs.METH_DELETE and "session" in request.match_info
    actions = ("pull", "push") if cancels else _REALM_ACTIONS[request.method]
    scopes = [repository_scope(name, *actions)]
    source = request.query.get("from", "")
    if "mount" in request.query and is_repository(source):
        scopes.append(repository_scope(source, "pull"))
    return scopes


async def _form(request: web.Request) -> dict[str, str]:
    body = await read_body(request, _FORM_LIMIT)
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


LOOPBACK = "127.0.0.1"

_LOG = logging.getLogger(__name__)
_LOG.addHandler(logging.NullHandler())

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class LoggedRequest:
    """One request: what was asked and how it went.

    `path` and `query` are decoded. `status` is 0 while it is being answered. `received` and
    `sent` count bytes of bodies.
    """

    method: str
    path: str
    query: str = ""
    status: int = 0
    received: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Door:
    """Where a registry listens: `port` 0 takes a free one. With `tls` it speaks https.

    A `listener` listens there already; it is whose who has made it.
    """

    address: str = LOOPBACK
    port: int = 0
    tls: ssl.SSLContext | None = None
    listener: socket.socket | None = None


class SandboxRegistry(Runs):
    """A registry that runs while it is entered: `async with SandboxRegistry(folder) as registry`.

    All it holds is in `folder` and is there again when it is entered the next time. It listens at
    `door`, which may be another one each time. `users` are passwords by user name and make it ask
    for Bearer tokens, which hold for `token_lifetime` seconds; without users everything is open to
    everybody. `bytes_per_second` slows blobs down, both ways together. `chunk_minimum` and
    `page_limit` are what it takes of chunks (bytes) and gives of lists (entries).
    """

    def __init__(
        self,
        folder: Path,
        *,
        door: Door | None = None,
        users: Mapping[str, str] | None = None,
        token_lifetime: float = 300,
        bytes_per_second: float | None = None,
        chunk_minimum: int = 0,
        page_limit: int = 100,
        clock: Clock | None = None,
    ) -> None:
        self.host = ""
        self.requests: deque[LoggedRequest] = deque(maxlen=100_000)
        self.folder = folder
        self.door = door or Door()
        clock = clock or SystemClock()
        self._tokens = Tokens(users, token_lifetime, clock) if users else None
        self._pace = SandboxPace(bytes_per_second, clock)
        self._chunk_minimum = chunk_minimum
        self._page_limit = page_limit
        self._realm: Realm | None = None

    async def _start(self, stack: AsyncExitStack) -> None:
        self.store = Store(self.folder)
        stack.callback(self.store.close)
        listener = self.door.listener
        if listener is None:
            listener = socket.create_server((self.door.address, self.door.port))
            stack.callback(listener.close)
        self.host = f"{self.door.address}:{listener.getsockname()[1]}"
        runner = web.AppRunner(
            self._application(),
            logger=_LOG,
            access_log=None,
            auto_decompress=False,
            shutdown_timeout=1,
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener, ssl_context=self.door.tls).start()

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._log_request])
        app.on_response_prepare.append(_name_api)
        app.add_routes(Contents(self.store, self._pace, self._page_limit).routes())
        sessions = Sessions(self.folder / "uploads")
        app.add_routes(Uploads(self.store, sessions, self._pace, self._chunk_minimum).routes())
        if self._tokens:
            self._realm = Realm(self._tokens)
            app.add_routes(self._realm.routes())
        return app

    @web.middleware
    async def _log_request(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        entry = LoggedRequest(request.method, request.path, request.query_string)
        self.requests.append(entry)
        answer = await self._answer(request, handler)
        entry.status = answer.status
        entry.received = request.content.total_bytes
        if isinstance(answer, BlobAnswer):
            entry.sent = answer.sent
        elif isinstance(answer, web.Response) and isinstance(answer.body, bytes):
            entry.sent = len(answer.body) if request.method != hdrs.METH_HEAD else 0
        return answer

    async def _answer(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Answer a request, whatever it is and however it ends."""
        try:
            self._admit(request)
            return await handler(request)
        except Refusal as refusal:
            return refusal.answer()
        except web.HTTPException as error:
            answer = Refusal(Code.UNSUPPORTED, status=error.status).answer()
            if hdrs.ALLOW in error.headers:
                answer.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
            return answer
        except (ConnectionError, web.RequestPayloadError):
            return Refusal(Code.SIZE_INVALID, "the body ended early").answer()
        except (OSError, sqlite3.Error):
            _LOG.exception("%s %s", request.method, request.path)
            return web.Response(status=500, text="the registry's storage failed")

    def _admit(self, request: web.Request) -> None:
        name = request.match_info.get("name")
        if name is not None and not is_repository(name):
            raise Refusal(Code.NAME_INVALID, {"name": name})
        if self._realm and request.path != REALM:
            self._realm.admit(request)


async def _name_api(_request: web.Request, answer: web.StreamResponse) -> None:
    answer.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
