"""Where an upload under the domain's name would go. Only when the operator asks for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from transship import errors
from transship.cutover.evidence import Push
from transship.cutover.observe.pinned import Way, error_text, origin_of
from transship.errors import TransshipError
from transship.oci.digest import digest_of
from transship.registries.credential import Credential
from transship.text import safe


async def try_push(
    way: Way, credential: Credential | None, repository: str, *, seconds: float = 30.0
) -> Push:
    """Begin an upload to a repository, see where its bytes are wanted, and give it up.

    This asks for the right to push, and some services make the repository by it. Nothing is
    uploaded.
    """
    blank = Push(repository, way.address, way.clock.now())
    recorder = way.recorder()
    error = ""
    try:
        async with (
            asyncio.timeout(seconds),
            way.registry(credential, recorder=recorder) as registry,
        ):
            upload = await registry.start_upload(repository, digest_of(b""))
            if upload is not None:
                await upload.cancel()
    except TimeoutError:
        error = error_text(errors.TimedOut())
    except TransshipError as failure:
        error = error_text(failure)
    location = next(
        (
            value if "://" in value else each.url
            for each in recorder.exchanges()
            if each.method == "POST" and each.status in (201, 202)
            for name, value in each.answer
            if name == "location"
        ),
        "",
    )
    return replace(blank, location=safe(origin_of(location)), error=error)
