"""Amazon ECR, private and public, by boto3 (the extra `aws`), imported only when it is used."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from transship import errors
from transship.errors import TransshipError
from transship.extras import extra_missing
from transship.registry.credential import Credential, Login, seconds_until
from transship.registry.registry import (
    MEBIBYTE,
    NO_OPTIONS,
    Capabilities,
    CreationOptions,
    Immutable,
    MissingTarget,
    PreflightAnswers,
    TargetOutlook,
    TargetStatus,
    UnknownTarget,
    Visibility,
    Writes,
)
from transship.registry.service import NO_RESUME, AskApi, Facts, Service, no, no_option, partly, yes
from transship.registry.sign_in_form import (
    Answers,
    SignInForm,
    SignInIdentity,
    SignInQuestion,
    always,
)
from transship.registry.wildcards import covering
from transship.text import counted, safe


def _joined(answers: Answers) -> str:
    region = answers["region"]
    china = ".cn" if region.startswith("cn-") else ""
    return f"{answers['account']}.dkr.ecr.{region}.amazonaws.com{china}"


_PRIVATE_FORM = SignInForm(
    also="aws",
    parts=(
        SignInQuestion(
            "account",
            "Account ID",
            "the AWS account that the registry belongs to",
            "In the AWS console in the menu under your name at the top right; or `aws sts "
            "get-caller-identity`.",
            example="123456789012",
            shape=r"\d{12}",
            is_what="12 digits",
        ),
        SignInQuestion(
            "region",
            "Region",
            "the region that the registry is in",
            "In the AWS console at the top right, next to your name. Every region has a registry "
            "of its own.",
            example="eu-west-1",
            shape=r"[a-z]{2}(-[a-z]+)+-\d",
            is_what="a region's code, like eu-west-1",
        ),
    ),
    joined=_joined,
    name=r"(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?",
    identities=(
        SignInIdentity(
            "password",
            "password of the AWS CLI",
            SignInQuestion(
                "secret",
                "Password",
                "of `aws ecr get-login-password`",
                "`aws ecr get-login-password --region REGION` prints it. It ends after 12 hours; "
                "by a profile of this machine none has to be typed.",
                secret=True,
            ),
            username=always("AWS"),
        ),
    ),
    handed_out="by the AWS profile of this machine",
    lasting=False,
)

_PUBLIC_FORM = SignInForm(
    also="aws gallery",
    at="public.ecr.aws",
    identities=(
        SignInIdentity(
            "password",
            "password of the AWS CLI",
            SignInQuestion(
                "secret",
                "Password",
                "of `aws ecr-public get-login-password`",
                "`aws ecr-public get-login-password --region us-east-1` prints it. It ends after "
                "12 hours. To pull, none is needed: sign in as nobody.",
                secret=True,
            ),
            username=always("AWS"),
        ),
    ),
)

_T = TypeVar("_T")

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
_KEYS = ("ExpiredTokenException", "InvalidSignatureException", "UnrecognizedClientException")
_MOST_TAGS = 50
_TAG_NAME = re.compile(r"(?!aws:)[\w .:/=+@-]{1,128}", re.IGNORECASE)
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")


async def answered(work: Callable[[], _T]) -> _T:
    """Return what boto3 answers, asked beside the loop.

    Raises its failures as errors of ours, and ExtraMissing.
    """
    try:
        from botocore import exceptions as failures
    except ImportError as error:
        raise extra_missing("aws", "the API of ECR") from error
    try:
        return await asyncio.to_thread(work)
    except failures.ClientError as error:
        said = error.response.get("Error", {})
        code, words = str(said.get("Code", "")), _words(str(said.get("Message", "")))
        detail = f"{error.operation_name}: {code} {words}".rstrip()
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _KEYS:
            raise errors.KeysRefused(detail) from None
        if code in _DENIED or status == HTTPStatus.FORBIDDEN:
            raise errors.NoRight(detail) from None
        if status == HTTPStatus.TOO_MANY_REQUESTS or "Throttl" in code:
            raise errors.RateLimited(detail) from None
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise errors.ServerFailed(detail) from None
        raise errors.UnexpectedAnswer(detail) from None
    except failures.NoCredentialsError:
        raise errors.SignInNeeded("boto3 finds no credentials for the API of ECR") from None
    except (failures.ConnectionError, failures.HTTPClientError) as error:
        raise errors.ConnectionLost(safe(str(error), limit=300)) from None
    except failures.BotoCoreError as error:
        raise errors.UnexpectedAnswer(safe(str(error), limit=300)) from None


def resource_tags(options: CreationOptions) -> list[dict[str, str]]:
    """Return the resource tags that are asked for, as AWS's APIs take them."""
    return [{"Key": name, "Value": value} for name, value in options.resource_tags]


def resource_tags_refusal(options: CreationOptions) -> str:
    """Return in words what AWS wouldn't take of the resource tags, or an empty string.

    See "Tag naming limits and requirements" in its guide to tagging.
    """
    if len(options.resource_tags) > _MOST_TAGS:
        return f"{counted(len(options.resource_tags), 'resource tag')}; AWS takes {_MOST_TAGS}"
    for name, value in options.resource_tags:
        if not _TAG_NAME.fullmatch(name) or not _TAG_VALUE.fullmatch(value):
            return f"AWS doesn't take the resource tag {name}={value}"
    return ""


def _words(message: str) -> str:
    """Return what an answer says in words: none if it is a page, as of a proxy on the way."""
    return "" if message.lstrip().startswith("<") else safe(message, limit=300)


def client(api: str, region: str, *, fips: bool = False) -> Any:
    """Return boto3's client of an API (`ecr`, `ecr-public`). Called beside the loop."""
    import boto3
    from botocore.config import Config

    config = Config(
        region_name=region,
        use_fips_endpoint=fips or None,
        connect_timeout=5,
        read_timeout=15,
        retries={"total_max_attempts": 2},
    )
    return boto3.session.Session().client(api, config=config)


_HOST = re.compile(r"(\d{12})\.dkr\.ecr(-fips)?\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?")
_LIFE_SECONDS = 12 * 3600.0
_EVERY = "ROOT"
"""The prefix of the template for every repository that no other template is for."""


def _api(host: str, ask: AskApi) -> object:  # noqa: ARG001 - the API is at another host
    named = _HOST.fullmatch(host.partition(":")[0])
    # A name of the operator's own says no account.
    return _Api(named) if named else None


class _Api:
    """Asks which repositories aren't there and aren't made by a push, and which keep their tags.

    Lists and makes repositories, and hands out logins to the registry.
    """

    def __init__(self, host: re.Match[str]) -> None:
        self._account, self._fips, self._region = host[1], bool(host[2]), host[3]
        self._clients = PreflightAnswers[Any]()
        self._repositories = PreflightAnswers[Mapping[str, Any] | None](gives_up=True)
        self._prefixes = PreflightAnswers[Sequence[str]]()

    async def look(self, writes: Writes) -> TargetOutlook:
        """Return what is known of repositories. Raises what the account may not ask."""
        client = await self._clients.once("", self._new_client)
        standings: dict[str, TargetStatus] = {}
        unknown: list[UnknownTarget] = []
        for name in writes:

            async def described(name: str = name) -> Mapping[str, Any] | None:
                return await answered(lambda: _described(client, self._account, name))

            repository = await self._repositories.once(name, described)
            if repository is not None:
                standings[name] = TargetStatus(immutable=_immutable(repository))
                continue
            try:
                prefixes = await self._prefixes.once("", lambda: self._made_by_push(client))
            except TransshipError as error:
                unknown.append(UnknownTarget("whether a push makes a repository", name, error))
                perhaps = MissingTarget("repository", name, perhaps=True)
                standings[name] = TargetStatus(missing=perhaps)
                continue
            if not any(prefix == _EVERY or name.startswith(f"{prefix}/") for prefix in prefixes):
                standings[name] = TargetStatus(missing=MissingTarget("repository", name))
        return TargetOutlook(standings, tuple(unknown))

    async def repositories(self) -> AsyncIterator[str]:
        """Give the repositories of the account, page by page."""
        client = await self._clients.once("", self._new_client)
        paginator = client.get_paginator("describe_repositories")
        pages = iter(paginator.paginate(registryId=self._account))
        while (page := await answered(lambda: next(pages, None))) is not None:
            for repository in page["repositories"]:
                yield repository["repositoryName"]

    def refusal(self, missing: MissingTarget, visibility: Visibility) -> str:
        """Return that a repository here can't be public."""
        if visibility is Visibility.PUBLIC:
            return f"a {missing.kind} is private at this service; only ECR Public has others"
        return ""

    async def create(self, missing: MissingTarget, visibility: Visibility) -> None:
        """Make a repository with the settings that ECR gives by itself; its tags can be moved."""
        await self.create_with(missing, visibility, NO_OPTIONS)

    def options_refusal(self, missing: MissingTarget, options: CreationOptions) -> str:  # noqa: ARG002
        """Return which resource tags AWS doesn't take."""
        return resource_tags_refusal(options)

    async def create_with(
        self,
        missing: MissingTarget,
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

    async def has(self, missing: MissingTarget) -> bool:
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
    form=_PRIVATE_FORM,
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

_REGION = "us-east-1"
"""Where the API is, for all regions."""


def _ecr_public_api(host: str, ask: AskApi) -> object:  # noqa: ARG001 - the API is at another host
    return _EcrPublicApi()


class _EcrPublicApi:
    """Lists the caller's own repositories, says which aren't there, and makes them."""

    def __init__(self) -> None:
        self._clients = PreflightAnswers[Any]()
        self._seen = PreflightAnswers[frozenset[str]]()
        self._names = PreflightAnswers[frozenset[str]]()

    async def look(self, writes: Writes) -> TargetOutlook:
        """Return which repositories, in a registry of the caller's own, aren't there.

        What is in another's registry can't be asked: who may not push there is told by the push.
        """
        own = await self._names.once("", self._own)
        seen = await self._seen.once("", self._all)
        standings: dict[str, TargetStatus] = {}
        for repository in writes:
            is_own = repository.partition("/")[0] in own
            if is_own and repository not in seen:
                standings[repository] = TargetStatus(
                    missing=MissingTarget("repository", repository)
                )
        return TargetOutlook(standings)

    async def repositories(self) -> AsyncIterator[str]:
        """Give the caller's own repositories, page by page."""
        asked = await self._clients.once("", _new_client)
        async for repository in _each(asked, "describe_repositories", "repositories"):
            yield _path(repository)

    def refusal(self, missing: MissingTarget, visibility: Visibility) -> str:
        """Return that a repository here can't be private."""
        if visibility is Visibility.PRIVATE:
            return f"a {missing.kind} is public at this service: everybody may pull from it"
        return ""

    async def create(self, missing: MissingTarget, visibility: Visibility) -> None:
        """Make a repository in the caller's registry."""
        await self.create_with(missing, visibility, NO_OPTIONS)

    def options_refusal(self, missing: MissingTarget, options: CreationOptions) -> str:
        """Return that tags here can always be moved, or which resource tags AWS doesn't take."""
        if options.immutable_tags:
            return no_option(missing, "immutable tags")
        return resource_tags_refusal(options)

    async def create_with(
        self,
        missing: MissingTarget,
        visibility: Visibility,  # noqa: ARG002 - all are public
        options: CreationOptions,
    ) -> None:
        """Make a repository in the caller's registry, with resource tags."""
        ecr = await self._clients.once("", _new_client)
        asked: dict[str, Any] = {"repositoryName": missing.name.partition("/")[2]}
        if options.resource_tags:
            asked["tags"] = resource_tags(options)
        await answered(lambda: ecr.create_repository(**asked))

    async def has(self, missing: MissingTarget) -> bool:
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
    form=_PUBLIC_FORM,
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
    api=_ecr_public_api,
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
