"""What a registry holds, asked for and changed: lists, manifests, blobs, referrers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO
from urllib.parse import urlencode

from aiohttp import hdrs, web

from transship.errors import InvalidManifest, UnsupportedManifest
from transship.oci.digest import Digest, digest_of, is_digest
from transship.oci.manifest import MANIFEST_LIMIT, Manifest, make_index, parse_manifest
from transship.oci.media_types import OCI_INDEX, bare
from transship.oci.reference import is_tag
from transship.sandbox.answers import Code, Refusal, json_answer
from transship.sandbox.bodies import read_body
from transship.sandbox.pace import Pace
from transship.sandbox.ranges import parse_range
from transship.sandbox.store import Store

_PIECE = 256 * 1024


class BlobAnswer(web.StreamResponse):
    """A blob on its way out; `sent` is how many of its bytes went."""

    sent = 0


class Contents:
    """Answers the requests that read, list, name and remove what the store holds.

    `page_limit` is the largest page of a list, in entries.
    """

    def __init__(self, store: Store, pace: Pace, page_limit: int) -> None:
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
        referrers = self._store.referrers(request.match_info["name"], _digest(request))
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
        digest = _digest(request)
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
        digest = _digest(request)
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


def _digest(request: web.Request) -> Digest:
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
