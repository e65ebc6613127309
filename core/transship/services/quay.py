"""Quay, hosted or your own.

Its API takes an OAuth token, which opens the registry as well: as the password of the user
`$oauthtoken`. Robot accounts and passwords open the registry only, whose catalog then holds what
they may read.

To ask its token server for a token to push with makes the repository that it is for, and the
organization too where that is switched on. So nothing here, and nothing that only looks, asks for
more than pull.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registry.credential import Credential
from transship.registry.http.address import PageChain
from transship.registry.http.answer import Answer
from transship.registry.registry import (
    Capabilities,
    MissingTarget,
    PreflightAnswers,
    TargetOutlook,
    TargetStatus,
    UnknownTarget,
    Visibility,
    Writes,
)
from transship.registry.service import (
    AskApi,
    Facts,
    Service,
    ServicePing,
    Unlisted,
    bearer,
    partly,
    yes,
)
from transship.registry.sign_in_form import SignInForm, SignInIdentity, SignInQuestion, always

_FORM = SignInForm(
    also="red hat redhat",
    host=SignInQuestion(
        "host",
        "Host",
        "quay.io, or the host of your own Quay",
        "The host in the address of its web pages.",
        example="quay.example.com",
        default="quay.io",
    ),
    identities=(
        SignInIdentity(
            "robot",
            "robot account",
            SignInQuestion(
                "secret",
                "Robot token",
                "token of the robot account",
                "On the page of the robot account: Robot Token. It can be shown again at any time.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "Robot account",
                "namespace+robot",
                "In Quay: the organization or your account settings, Robot Accounts. It needs "
                "Read or Write on each repository.",
                example="team+ci",
                shape=r"[^\s+]+\+[^\s+]+",
                is_what="NAMESPACE+ROBOT",
            ),
            known_by=r".+\+.+",
        ),
        SignInIdentity(
            "oauth-token",
            "OAuth access token",
            SignInQuestion(
                "secret",
                "OAuth token",
                "access token of an OAuth application",
                "In Quay: the organization, Applications, the application, Generate Token. It also "
                "lists repositories and creates organizations.",
                secret=True,
            ),
            username=always("$oauthtoken"),
            known_by=r"\$oauthtoken",
        ),
        SignInIdentity(
            "user",
            "user",
            SignInQuestion(
                "secret",
                "Password",
                "encrypted password",
                "In Quay: your account settings, Generate Encrypted Password. The password of the "
                "web pages does too where sign-in isn't by SSO.",
                secret=True,
            ),
            SignInQuestion(
                "user", "User", "user name in Quay", "At the top right of Quay's pages."
            ),
        ),
    ),
)

OAUTH = "$oauthtoken"
"""The user name of who signs in with an OAuth token."""

REPOSITORY = "repository"
WITH_ORGANIZATION = "repository with its organization"

_API = "/api/v1"
_READ_ONLY = {
    "READ_ONLY": "is read-only",
    "MIRROR": "is a mirror, which only its own robot writes to",
}


class _Organization(msgspec.Struct):
    name: str


class _User(msgspec.Struct):
    username: str
    organizations: list[_Organization] = msgspec.field(default_factory=list)


class _Repository(msgspec.Struct):
    name: str
    """Without its namespace."""
    state: str | None = None


class _Repositories(msgspec.Struct):
    repositories: list[_Repository]
    next_page: str | None = None


class _Api:
    """Lists what is in the namespaces of an account, and makes repositories and organizations.

    Asks which are there, and which of them take nothing.
    """

    def __init__(self, host: str, ask: AskApi) -> None:  # noqa: ARG002 - a path is enough
        self._ask = ask
        self._held = PreflightAnswers[Mapping[str, _Repository]](gives_up=True)
        self._known = PreflightAnswers[bool](gives_up=True)

    async def repositories(self) -> AsyncIterator[str | Unlisted]:
        """Give what is in the account's own namespace, and in its organizations."""
        user: _User = (await self._asked(f"{_API}/user/")).json(_User)
        namespaces = (user.username, *(each.name for each in user.organizations))
        for namespace in dict.fromkeys(namespaces):
            try:
                async for repository in self._in(namespace):
                    yield f"{namespace}/{repository.name}"
            except (errors.NoRight, errors.RepositoryNotFound) as error:
                yield Unlisted(namespace, error)

    async def look(self, writes: Writes) -> TargetOutlook:
        """Return which repositories aren't there, or take nothing. Raises without an OAuth token.

        One that isn't there is made by a push, but not its organization.
        """
        standings: dict[str, TargetStatus] = {}
        unknown: list[UnknownTarget] = []
        for path in writes:
            namespace, _, name = path.partition("/")
            try:
                standings[path] = await self._standing(namespace, name)
            except (errors.NoRight, errors.UnexpectedAnswer) as error:
                unknown.append(UnknownTarget("whether repositories are there", namespace, error))
        return TargetOutlook(standings, tuple(unknown))

    def refusal(self, missing: MissingTarget, visibility: Visibility) -> str:  # noqa: ARG002
        """Return that a repository can be made, private or public."""
        return ""

    async def create(self, missing: MissingTarget, visibility: Visibility) -> None:
        """Make a repository, and its organization where that was foreseen as missing too."""
        namespace, _, name = missing.name.partition("/")
        if missing.kind == WITH_ORGANIZATION and not await self._has_namespace(namespace):
            try:
                await self._asked(f"{_API}/organization/", {"name": namespace})
            except TransshipError:
                # Another repository of this organization may have been quicker.
                if not await self._has_namespace(namespace):
                    raise
        settings = {
            "namespace": namespace,
            "repository": name,
            "visibility": str(visibility),
            "description": "",
            "repo_kind": "image",
        }
        await self._asked(f"{_API}/repository", settings)

    async def has(self, missing: MissingTarget) -> bool:
        """Tell whether a repository is there, and shown to the account."""
        path = f"{_API}/repository/{quote(missing.name)}?includeTags=false"
        return await self._answers(path, hides=True)

    async def _standing(self, namespace: str, name: str) -> TargetStatus:
        held = await self._held.once(namespace, lambda: self._hold(namespace))
        if repository := held.get(name):
            why = _READ_ONLY.get(repository.state or "")
            path = f"{namespace}/{name}"
            return TargetStatus(read_only=f"the repository {path} {why}" if why else "")
        if await self._known.once(namespace, lambda: self._has_namespace(namespace)):
            missing = MissingTarget(REPOSITORY, f"{namespace}/{name}", hidden=True, perhaps=True)
        else:
            missing = MissingTarget(WITH_ORGANIZATION, f"{namespace}/{name}")
        return TargetStatus(missing=missing)

    async def _hold(self, namespace: str) -> Mapping[str, _Repository]:
        """Return what a namespace holds, by name; nothing where it isn't there."""
        try:
            return {repository.name: repository async for repository in self._in(namespace)}
        except errors.RepositoryNotFound:
            return {}

    async def _in(self, namespace: str) -> AsyncIterator[_Repository]:
        """Give the repositories of a namespace that the account sees, page by page."""
        path = f"{_API}/repository?namespace={quote(namespace, safe='')}"
        pages = PageChain("")
        token = ""
        while True:
            following = f"&next_page={quote(token, safe='')}" if token else ""
            answer = await self._asked(path + following)
            page: _Repositories = answer.json(_Repositories)
            for repository in page.repositories:
                yield repository
            token = page.next_page or ""
            if not token:
                return
            pages.turn(token, path)

    async def _asked(self, path: str, body: object = None) -> Answer:
        """Ask, with a `body` by POST. Raises RepositoryNotFound for what isn't there."""
        return await self._ask(
            path,
            method="GET" if body is None else "POST",
            body=body,
            authorization=_authorization(self._ask.credential()),
            missing=errors.RepositoryNotFound,
        )

    async def _has_namespace(self, name: str) -> bool:
        """Tell whether there is an organization, or a user, of this name."""
        named = quote(name, safe="")
        return await self._answers(f"{_API}/organization/{named}") or await self._answers(
            f"{_API}/users/{named}"
        )

    async def _answers(self, path: str, *, hides: bool = False) -> bool:
        """Tell whether something is there. What isn't shown counts as nothing where that `hides`.

        Who may not look gets the same answer for what isn't there.
        """
        try:
            await self._asked(path)
        except errors.RepositoryNotFound:
            return False
        except errors.NoRight:
            if not hides:
                raise
            return False
        return True


def _authorization(credential: Credential) -> str:
    if credential.username != OAUTH:
        raise errors.SignInNeeded(
            f"{credential.username} opens Quay's registry, not its API",
            remedy=f"Sign in as {OAUTH} with an OAuth token of the service, or name the "
            "repositories yourself.",
        )
    return bearer(credential.secret)


# Of an upload session it reports one byte more than it holds.
QUAY = Service(
    kind="quay",
    title="Quay",
    form=_FORM,
    hosts=(r"quay\.io",),
    greeting=ServicePing(realm=r"/v2/auth", service="{host}"),
    username=f"robot account (namespace+robot), user, or {OAUTH}",
    secret="robot token, encrypted password, or OAuth token",
    lists=False,
    capabilities=Capabilities(parts=(2, 0), range_excess=1),
    api=_Api,
    lists_own=True,
    facts=Facts(
        list=partly(
            f"by its API as {OAUTH}; by its catalog what a robot account may read",
            "Where a robot account gets no list, name the repositories yourself.",
        ),
        create=yes("repository with its organization, by its API with an OAuth token"),
        mount=yes("where the account may read both repositories"),
        resume=yes("from the last piece"),
        delete=yes("who may push may delete"),
        limits=(
            "more than two components only where that is switched on; layers to 20 GB, unless set "
            "otherwise"
        ),
        credential="a robot's or an OAuth token lives until it is revoked; sign-ins of 1 hour",
    ),
)
