"""How blobs come in (OCI distribution spec, "Pushing blobs")."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

from aiohttp import hdrs, web

from transship.errors import DigestMismatch
from transship.oci.digest import Digest, is_digest
from transship.oci.reference import is_repository
from transship.sandbox.answers import Code, Refusal
from transship.sandbox.pace import Pace
from transship.sandbox.ranges import parse_content_range, upload_range
from transship.sandbox.sessions import Session, Sessions
from transship.sandbox.store import Store


class Uploads:
    """Answers the requests that start, continue, finish and cancel uploads.

    `chunk_minimum` is the smallest piece, in bytes, that is taken before the last one.
    """

    def __init__(self, store: Store, sessions: Sessions, pace: Pace, chunk_minimum: int) -> None:
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

    def _held(self, request: web.Request) -> AbstractAsyncContextManager[Session]:
        return self._sessions.hold(request.match_info["name"], request.match_info["session"])

    async def _receive(self, request: web.Request, session: Session) -> None:
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

    async def _commit(self, name: str, session: Session, digest: Digest) -> web.Response:
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
    name: str, session: Session, status: int, headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(status=status, headers=_whereabouts(name, session) | (headers or {}))


def _out_of_order(name: str, session: Session) -> Refusal:
    return Refusal(Code.BLOB_UPLOAD_INVALID, status=416, headers=_whereabouts(name, session))


def _whereabouts(name: str, session: Session) -> dict[str, str]:
    return {
        hdrs.LOCATION: f"/v2/{name}/blobs/uploads/{session.id}",
        hdrs.RANGE: upload_range(session.offset),
        "Docker-Upload-UUID": session.id,
    }
