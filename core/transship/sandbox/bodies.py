"""Request bodies that are read whole."""

from __future__ import annotations

from aiohttp import web

from transship.sandbox.answers import Code, Refusal


async def read_body(request: web.Request, limit: int) -> bytes:
    """Return the body. Raises Refusal (413) as soon as it is longer than `limit` bytes."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > limit:
            raise Refusal(Code.SIZE_INVALID, {"limit": limit}, status=413)
    return bytes(body)
