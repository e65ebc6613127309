"""What refers to a manifest, as a registry lists it (distribution spec, "Listing Referrers")."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from transship import errors
from transship.oci.digest import Digest
from transship.oci.manifest import Descriptor, parse_manifest
from transship.oci.media_types import bare
from transship.registries.answers import Answer
from transship.registries.exchange import Exchange
from transship.registries.paged import Lists
from transship.registries.scopes import pull

_ABSENT = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)


class Referrers:
    """The referrers API of one registry. `there` says whether it has one, None while unknown.

    The first answer tells, so only one question goes out until it is known.
    """

    def __init__(self, exchange: Exchange, lists: Lists) -> None:
        self.there: bool | None = None
        self._exchange = exchange
        self._lists = lists
        self._first = asyncio.Lock()

    async def of(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        """Return what refers to a manifest, or None where there is no referrers API."""
        if self.there is None:
            async with self._first:
                if self.there is None:
                    return await self._asked(repository, digest)
        return await self._asked(repository, digest) if self.there else None

    async def _asked(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        scopes = (pull(repository),)
        path = f"/v2/{repository}/referrers/{digest}"
        answer = await self._exchange.ask("GET", path, scopes=scopes)
        if answer.status in _ABSENT or (answer.ok and not _is_json(answer)):
            missing = self._exchange.error_of(answer, missing=errors.ManifestNotFound)
            if self.there is None and isinstance(missing, errors.RepositoryNotFound):
                return None  # That says nothing of the other repositories.
            self.there = bool(self.there)
            return () if self.there else None
        self.there = True
        found: list[Descriptor] = []
        async for page in self._lists.pages_after(answer, scopes, errors.RepositoryNotFound):
            found += parse_manifest(page.body, page.headers.get("content-type", "")).entries
        return tuple({entry.digest: entry for entry in found}.values())


def _is_json(answer: Answer) -> bool:
    return bare(answer.headers.get("content-type", "")).endswith("json")
