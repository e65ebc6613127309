"""What the registry says when it refuses (OCI distribution spec, "Error Codes")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum, unique

from aiohttp import web


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
