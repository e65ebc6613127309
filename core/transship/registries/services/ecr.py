"""Amazon Elastic Container Registry.

Its API is asked through boto3 (the extra `aws`), imported only when it is used, and as whoever
boto3 finds by itself (profile, role, SSO): the password of a registry opens no API.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from transship import errors
from transship.errors import TransshipError
from transship.registries.creation_options import NO_OPTIONS, CreationOptions
from transship.registries.credential import Credential, Login, seconds_until
from transship.registries.foreseeing import (
    Asked,
    Immutable,
    Missing,
    Outlook,
    Standing,
    Unknown,
    Writes,
)
from transship.registries.place import MEBIBYTE, Capabilities
from transship.registries.services.api import Ask
from transship.registries.services.aws import (
    answered,
    client,
    resource_tags,
    resource_tags_refusal,
)
from transship.registries.services.facts import NO_RESUME, Facts, no, partly, yes
from transship.registries.services.service import Service
from transship.registries.visibility import Visibility
from transship.registries.wildcards import covering

_HOST = re.compile(r"(\d{12})\.dkr\.ecr(-fips)?\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?")
_LIFE_SECONDS = 12 * 3600.0
_EVERY = "ROOT"
"""The prefix of the template for every repository that no other template is for."""


def _api(host: str, ask: Ask) -> object:  # noqa: ARG001 - the API is at another host
    named = _HOST.fullmatch(host.partition(":")[0])
    # A name of the operator's own says no account.
    return _Api(named) if named else None


class _Api:
    """Asks which repositories aren't there and aren't made by a push, and which keep their tags.

    Lists and makes repositories, and hands out logins to the registry.
    """

    def __init__(self, host: re.Match[str]) -> None:
        self._account, self._fips, self._region = host[1], bool(host[2]), host[3]
        self._clients = Asked[Any]()
        self._repositories = Asked[Mapping[str, Any] | None](gives_up=True)
        self._prefixes = Asked[Sequence[str]]()

    async def look(self, writes: Writes) -> Outlook:
        """Return what is known of repositories. Raises what the account may not ask."""
        client = await self._clients.once("", self._new_client)
        standings: dict[str, Standing] = {}
        unknown: list[Unknown] = []
        for name in writes:

            async def described(name: str = name) -> Mapping[str, Any] | None:
                return await answered(lambda: _described(client, self._account, name))

            repository = await self._repositories.once(name, described)
            if repository is not None:
                standings[name] = Standing(immutable=_immutable(repository))
                continue
            try:
                prefixes = await self._prefixes.once("", lambda: self._made_by_push(client))
            except TransshipError as error:
                unknown.append(Unknown("whether a push makes a repository", name, error))
                perhaps = Missing("repository", name, perhaps=True)
                standings[name] = Standing(missing=perhaps)
                continue
            if not any(prefix == _EVERY or name.startswith(f"{prefix}/") for prefix in prefixes):
                standings[name] = Standing(missing=Missing("repository", name))
        return Outlook(standings, tuple(unknown))

    async def repositories(self) -> AsyncIterator[str]:
        """Give the repositories of the account, page by page."""
        client = await self._clients.once("", self._new_client)
        paginator = client.get_paginator("describe_repositories")
        pages = iter(paginator.paginate(registryId=self._account))
        while (page := await answered(lambda: next(pages, None))) is not None:
            for repository in page["repositories"]:
                yield repository["repositoryName"]

    def refusal(self, missing: Missing, visibility: Visibility) -> str:
        """Return that a repository here can't be public."""
        if visibility is Visibility.PUBLIC:
            return f"a {missing.kind} is private at this service; only ECR Public has others"
        return ""

    async def create(self, missing: Missing, visibility: Visibility) -> None:
        """Make a repository with the settings that ECR gives by itself; its tags can be moved."""
        await self.create_with(missing, visibility, NO_OPTIONS)

    def options_refusal(self, missing: Missing, options: CreationOptions) -> str:  # noqa: ARG002
        """Return which resource tags AWS doesn't take."""
        return resource_tags_refusal(options)

    async def create_with(
        self,
        missing: Missing,
        visibility: Visibility,  # noqa: ARG002 - all are private
        options: CreationOptions,
    ) -> None:
        """Make a repository; resource tags need the right to `ecr:TagResource` too."""
        client = await self._clients.once("", self._new_client)
        asked: dict[str, Any] = {"registryId": self._account, "repositoryName": missing.name}
        if options.immutable_tags:
            asked["imageTagMutability"] = "IMMUTABLE"
        if options.resource_tags:
            asked["tags"] = resource_tags(options)
        await answered(lambda: client.create_repository(**asked))

    async def has(self, missing: Missing) -> bool:
        """Tell whether a repository is there."""
        client = await self._clients.once("", self._new_client)
        name = missing.name
        return await answered(lambda: _described(client, self._account, name)) is not None

    async def login(self) -> Login:
        """Return a login for as long as ECR gives it, which is 12 hours."""
        client = await self._clients.once("", self._new_client)
        answer = await answered(client.get_authorization_token)
        given = answer["authorizationData"][0]
        username, _, secret = base64.b64decode(given["authorizationToken"]).decode().partition(":")
        return Login(
            Credential(username, secret),
            seconds_until(given["expiresAt"].timestamp(), _LIFE_SECONDS),
        )

    async def _new_client(self) -> Any:
        return await answered(lambda: client("ecr", self._region, fips=self._fips))

    async def _made_by_push(self, client: Any) -> Sequence[str]:
        return await answered(lambda: _prefixes(client, self._account))


def _described(client: Any, account: str, name: str) -> Mapping[str, Any] | None:
    """Return what the API says of a repository, None when it isn't there."""
    try:
        answer = client.describe_repositories(registryId=account, repositoryNames=[name])
    except client.exceptions.RepositoryNotFoundException:
        return None
    return next(iter(answer["repositories"]), None)


def _prefixes(client: Any, account: str) -> list[str]:
    """Return below which prefixes a push makes the repository that it goes to."""
    pages = client.get_paginator("describe_repository_creation_templates").paginate()
    prefixes: list[str] = []
    for page in pages:
        if page.get("registryId", account) != account:
            raise errors.NoRight(f"{page['registryId']} sees no templates of {account}")
        prefixes += [
            template["prefix"]
            for template in page["repositoryCreationTemplates"]
            if "CREATE_ON_PUSH" in template.get("appliedFor", ())
        ]
    return prefixes


def _immutable(repository: Mapping[str, Any]) -> tuple[Immutable, ...]:
    """Return which tags of a repository can't be moved."""
    setting = repository.get("imageTagMutability", "MUTABLE")
    filters = repository.get("imageTagMutabilityExclusionFilters", ())
    texts = [each["filter"] for each in filters if each["filterType"] == "WILDCARD"]
    tests = [covers for text in texts if (covers := covering(text)) is not None]
    rule = f"the repository {repository['repositoryName']} is {setting}"
    if texts:
        rule += f" ({', '.join(texts)})"

    def excepted(tag: str) -> bool:
        return any(covers(tag) for covers in tests)

    if setting == "MUTABLE_WITH_EXCLUSION":
        return (Immutable(rule, excepted),)
    if setting in ("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"):
        return (Immutable(rule, lambda tag: not excepted(tag)),)
    return ()


# A part that isn't the last must have 5 to 10 MiB, and an upload at most 4,200 of them. What an
# upload holds is told wrongly, or not at all (aws/containers-roadmap#2831, dotnet/sdk#33019). Of a
# build cache only the form of an image is taken, not that of an index.
ECR = Service(
    kind="ecr",
    title="Amazon ECR",
    hosts=(r"\d{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?",),
    username="AWS",
    secret="password of `aws ecr get-login-password` (ends after 12 hours)",
    capabilities=Capabilities(
        whole_limit=10 * MEBIBYTE,
        piece=10 * MEBIBYTE,
        resumable=False,
        cuts_absent=True,
        blob_indexes=False,
        empty_blobs=False,
    ),
    api=_api,
    hands_out=(_HOST.pattern,),
    facts=Facts(
        list=yes("by its API, with boto3"),
        create=yes("repository, by its API with boto3"),
        mount=partly("a layer that a manifest has already"),
        resume=no(NO_RESUME, "it doesn't tell what an upload holds"),
        delete=partly("where the account may, and the repository's tags aren't immutable"),
        referrers=partly("a manifest with a subject is refused in some cases"),
        limits="100,000 repositories, 100,000 images each; layers to 52,000 MiB",
        credential="12 hours; a new one is fetched with boto3 where the account keeps none",
    ),
)
