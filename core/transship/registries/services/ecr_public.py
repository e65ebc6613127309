"""Amazon ECR Public, the gallery at `public.ecr.aws`: everybody may pull, its owners push.

Its API is another than that of the private registries, and lives in one region. It is asked through
boto3 (the extra `aws`), as whoever boto3 finds by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from transship.registries.creation_options import NO_OPTIONS, CreationOptions
from transship.registries.foreseeing import Asked, Missing, Outlook, Standing, Writes
from transship.registries.place import MEBIBYTE, Capabilities
from transship.registries.services.api import Ask, no_option
from transship.registries.services.aws import (
    answered,
    client,
    resource_tags,
    resource_tags_refusal,
)
from transship.registries.services.facts import NO_RESUME, Facts, no, partly, yes
from transship.registries.services.service import Service
from transship.registries.visibility import Visibility

_REGION = "us-east-1"
"""Where the API is, for all regions."""


def _api(host: str, ask: Ask) -> object:  # noqa: ARG001 - the API is at another host
    return _Api()


class _Api:
    """Lists the caller's own repositories, says which aren't there, and makes them."""

    def __init__(self) -> None:
        self._clients = Asked[Any]()
        self._seen = Asked[frozenset[str]]()
        self._names = Asked[frozenset[str]]()

    async def look(self, writes: Writes) -> Outlook:
        """Return which repositories, in a registry of the caller's own, aren't there.

        What is in another's registry can't be asked: who may not push there is told by the push.
        """
        own = await self._names.once("", self._own)
        seen = await self._seen.once("", self._all)
        standings: dict[str, Standing] = {}
        for repository in writes:
            is_own = repository.partition("/")[0] in own
            if is_own and repository not in seen:
                standings[repository] = Standing(missing=Missing("repository", repository))
        return Outlook(standings)

    async def repositories(self) -> AsyncIterator[str]:
        """Give the caller's own repositories, page by page."""
        asked = await self._clients.once("", _new_client)
        async for repository in _each(asked, "describe_repositories", "repositories"):
            yield _path(repository)

    def refusal(self, missing: Missing, visibility: Visibility) -> str:
        """Return that a repository here can't be private."""
        if visibility is Visibility.PRIVATE:
            return f"a {missing.kind} is public at this service: everybody may pull from it"
        return ""

    async def create(self, missing: Missing, visibility: Visibility) -> None:
        """Make a repository in the caller's registry."""
        await self.create_with(missing, visibility, NO_OPTIONS)

    def options_refusal(self, missing: Missing, options: CreationOptions) -> str:
        """Return that tags here can always be moved, or which resource tags AWS doesn't take."""
        if options.immutable_tags:
            return no_option(missing, "immutable tags")
        return resource_tags_refusal(options)

    async def create_with(
        self,
        missing: Missing,
        visibility: Visibility,  # noqa: ARG002 - all are public
        options: CreationOptions,
    ) -> None:
        """Make a repository in the caller's registry, with resource tags."""
        ecr = await self._clients.once("", _new_client)
        asked: dict[str, Any] = {"repositoryName": missing.name.partition("/")[2]}
        if options.resource_tags:
            asked["tags"] = resource_tags(options)
        await answered(lambda: ecr.create_repository(**asked))

    async def has(self, missing: Missing) -> bool:
        """Tell whether a repository is there."""
        return missing.name in await self._all()

    async def _own(self) -> frozenset[str]:
        """Return the names that the caller's registry has: its aliases."""
        asked = await self._clients.once("", _new_client)
        registries = _each(asked, "describe_registries", "registries")
        return frozenset(
            [each["name"] async for found in registries for each in found.get("aliases", ())]
        )

    async def _all(self) -> frozenset[str]:
        return frozenset([name async for name in self.repositories()])


async def _new_client() -> Any:
    return await answered(lambda: client("ecr-public", _REGION))


async def _each(asked: Any, operation: str, field: str) -> AsyncIterator[Mapping[str, Any]]:
    """Give what the pages of an operation hold."""
    pages = iter(asked.get_paginator(operation).paginate())
    while (page := await answered(lambda: next(pages, None))) is not None:
        for each in page[field]:
            yield each


def _path(repository: Mapping[str, Any]) -> str:
    """Return a repository as it is in references: `ALIAS/NAME`."""
    return str(repository["repositoryUri"]).partition("/")[2]


# What holds for pieces at ECR is taken to hold here.
ECR_PUBLIC = Service(
    kind="ecr-public",
    title="Amazon ECR Public",
    hosts=(r"public\.ecr\.aws",),
    username="AWS",
    secret="password of `aws ecr-public get-login-password` (ends after 12 hours)",
    lists=False,
    capabilities=Capabilities(
        whole_limit=10 * MEBIBYTE,
        piece=10 * MEBIBYTE,
        resumable=False,
        cuts_absent=True,
        blob_indexes=False,
        empty_blobs=False,
        parts=(2, 0),
    ),
    api=_api,
    lists_own=True,
    facts=Facts(
        list=partly(
            "by its API with boto3, the caller's own",
            "Name the repositories of others yourself; they can be pulled without an account.",
        ),
        create=yes("repository, by its API with boto3; it is public"),
        resume=no(NO_RESUME, "it doesn't tell what an upload holds"),
        limits="paths are ALIAS/REPOSITORY; pulls without an account are held to a lower rate",
        credential="12 hours: too short for a longer run, which pauses until you sign in again",
    ),
)
