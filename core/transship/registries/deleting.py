"""Takes one tag away from a registry, and nothing else.

The distribution specification lets a registry delete a tag by its name ("Deleting tags"). Where a
registry doesn't, a manifest can be deleted by its digest, which takes away every tag that points
at it: so the tag is first made to point at a manifest of its own, and that one is deleted.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus
from weakref import WeakValueDictionary

from transship import errors
from transship.oci.digest import Digest, digest_of, short
from transship.oci.manifest import Manifest, parse_manifest
from transship.oci.media_types import OCI_CONFIG, OCI_MANIFEST
from transship.oci.reference import Reference
from transship.registries.addresses import manifest_path
from transship.registries.exchange import Exchange
from transship.registries.place import ManifestHead, Place
from transship.registries.scopes import delete

_LABEL = "dev.transship.deleted-tag"
_LARGEST_CONFIG = 1024
_STAND_INS = 3
_LOOKS_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
"""The pauses between looks for a tag that goes some time after its deletion was accepted."""

_NOT_BY_TAG = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
)


@dataclass(slots=True)
class Deletions:
    """What is known of deleting at one registry, and whose turn it is in each repository.

    A registry looks through all tags of a repository to delete a manifest, and some fail over a tag
    that is written at that moment. So one tag of a repository goes after another.
    """

    let: set[str] = field(default_factory=set)
    """The repositories that are known to let manifests be deleted."""
    _turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def turn(self, repository: str) -> asyncio.Lock:
        """Return what is held while a tag of a repository is deleted."""
        return self._turns.setdefault(repository, asyncio.Lock())


async def delete_tag(
    place: Place, exchange: Exchange, repository: str, tag: str, deletions: Deletions
) -> None:
    """Delete a tag; the manifest that it points at stays, and so do its other tags.

    A tag that isn't there is fine. Raises DeletionRefused where the registry doesn't delete (the
    tag is then as it was), TagNotGone where it says that it did and the tag is there, and what else
    stands in the way.
    """
    async with deletions.turn(repository):
        answer = await exchange.ask(
            "DELETE", manifest_path(repository, tag), scopes=(delete(repository),)
        )
        if answer.status in _NOT_BY_TAG:
            await _delete_by_digest(place, exchange, repository, tag, deletions)
        elif not answer.ok and answer.status != HTTPStatus.NOT_FOUND:
            raise exchange.error_of(answer, missing=errors.ManifestNotFound)
        head = await _left(place, exchange, repository, tag)
    if head is not None:
        where = Reference(place.name, repository, tag)
        raise errors.TagNotGone(f"{where} points at {short(head.digest)} after it was deleted")


async def _left(place: Place, exchange: Exchange, repository: str, tag: str) -> ManifestHead | None:
    """Return what a deleted tag points at all the same: some registries delete in a queue."""
    head = await place.head_manifest(repository, tag)
    for seconds in _LOOKS_SECONDS:
        if head is None:
            break
        await exchange.pause(seconds)
        head = await place.head_manifest(repository, tag)
    return head


async def _delete_by_digest(
    place: Place, exchange: Exchange, repository: str, tag: str, deletions: Deletions
) -> None:
    if repository not in deletions.let:
        await _check_deletes(exchange, repository)
        deletions.let.add(repository)
    for _ in range(_STAND_INS):
        stand_in = await put_stand_in(place, repository, tag)
        answer = await exchange.ask(
            "DELETE", manifest_path(repository, stand_in), scopes=(delete(repository),)
        )
        if answer.ok:
            return
        if answer.status != HTTPStatus.NOT_FOUND:
            raise exchange.error_of(answer, missing=errors.ManifestNotFound)
        # An attempt that failed halfway has deleted the manifest, and may have left the tag without
        # one: listed, and leading nowhere. With a manifest of its own again, it can go.
    where = Reference(place.name, repository, tag)
    raise errors.TagNotGone(f"{where}: the manifest that it points at isn't found to be deleted")


async def is_stand_in(place: Place, repository: str, digest: Digest) -> bool:
    """Tell whether a manifest is one that a tag was made to point at, so that it can go.

    It is there for longer only if the deletion was broken off.
    """
    try:
        manifest = await place.get_manifest(repository, digest)
        config = manifest.config
        if config is None or manifest.layers or config.size > _LARGEST_CONFIG:
            return False
        async with place.read_blob(repository, config.digest) as blob:
            data = b""
            async for piece in blob:
                data += piece
                if len(data) > _LARGEST_CONFIG:
                    return False
    except (errors.BlobNotFound, errors.ManifestNotFound, errors.UnsupportedManifest):
        return False
    return f'"{_LABEL}"'.encode() in data


async def _check_deletes(exchange: Exchange, repository: str) -> None:
    """See whether manifests can be deleted, by one that nobody has. Raises DeletionRefused."""
    nobodys = digest_of(uuid.uuid4().bytes)
    answer = await exchange.ask(
        "DELETE", manifest_path(repository, nobodys), scopes=(delete(repository),)
    )
    if answer.status != HTTPStatus.NOT_FOUND and not answer.ok:
        error = exchange.error_of(answer, missing=errors.ManifestNotFound)
        if isinstance(error, errors.NoRight | errors.SignInNeeded):
            raise error
        raise errors.DeletionRefused(error.detail)


async def put_stand_in(place: Place, repository: str, tag: str) -> Digest:
    """Let the tag point at a manifest that nothing else is, and return its digest."""
    config = json.dumps(
        {
            "architecture": "unknown",
            "os": "unknown",
            "config": {"Labels": {_LABEL: uuid.uuid4().hex}},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
    ).encode()
    await _upload(place, repository, config)
    manifest = _stand_in(config)
    await place.put_manifest(repository, tag, manifest)
    return manifest.digest


def _stand_in(config: bytes) -> Manifest:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [],
    }
    return parse_manifest(json.dumps(document).encode(), OCI_MANIFEST)


async def _upload(place: Place, repository: str, data: bytes) -> None:
    digest = digest_of(data)
    upload = await place.start_upload(repository, digest)
    if upload is None:
        return

    async def body() -> AsyncIterator[bytes]:
        yield data

    if len(data) <= place.capabilities.whole_limit:
        await upload.put(digest, len(data), body())
    else:
        await upload.append(len(data), body())
        await upload.finish(digest)
