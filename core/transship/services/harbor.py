"""Harbor, which runs under any name and is recognised by its token server.

Its API names the projects that an account sees, what is in them, and the rules by which their tags
are immutable; and it makes projects.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote

import msgspec

from transship.errors import ListIncomplete, NoRight, TransshipError, UnexpectedAnswer
from transship.registry.http.answer import number
from transship.registry.registry import (
    Capabilities,
    Immutable,
    MissingTarget,
    PreflightAnswers,
    TargetOutlook,
    TargetStatus,
    UnknownTarget,
    Visibility,
    Writes,
)
from transship.registry.service import AskApi, Facts, Service, ServicePing, Unlisted, partly, yes
from transship.registry.sign_in_form import SignInForm, SignInIdentity, SignInQuestion
from transship.registry.wildcards import selects

_FORM = SignInForm(
    host=SignInQuestion(
        "host",
        "Host",
        "host of your Harbor",
        "The host in the address of its web pages, with the port where that has one.",
        example="harbor.example.com",
    ),
    identities=(
        SignInIdentity(
            "robot",
            "robot account",
            SignInQuestion(
                "secret",
                "Robot secret",
                "secret of the robot account",
                "Shown once, when the robot account is made. In its menu the secret can be "
                "refreshed; the one before ends then.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "Robot account",
                "its whole name, prefix and $ included",
                "In Harbor: the project, Robot Accounts; or Administration, Robot Accounts. In a "
                "shell put the name into single quotes.",
                example="robot$team+ci",
            ),
            known_by=r".*\$.*",
        ),
        SignInIdentity(
            "user",
            "user",
            SignInQuestion(
                "secret",
                "Secret",
                "password, or CLI secret where sign-in is by OIDC",
                "Where you sign in through another page (OIDC): your name at the top right, User "
                "Profile, CLI secret. Else your password.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "User",
                "user name in Harbor",
                "At the top right of Harbor's pages. Only an administrator sees every project.",
            ),
        ),
    ),
)

_PROJECTS = "/api/v2.0/projects"
_PAGE = 100
_MOST_PAGES = 1000

_T = TypeVar("_T")


class _Selector(msgspec.Struct):
    decoration: str = ""
    pattern: str = ""

    def selects(self, name: str, excludes: str) -> bool:
        """Tell whether a name is meant; `excludes` is what turns the pattern round."""
        return selects(self.pattern, name, excludes=self.decoration == excludes)


class _Rule(msgspec.Struct):
    """A rule for immutable tags. Of each list of selectors Harbor itself reads only the first."""

    disabled: bool = False
    tag_selectors: list[_Selector] = msgspec.field(default_factory=list)
    scope_selectors: dict[str, list[_Selector]] = msgspec.field(default_factory=dict)

    def holds_in(self, repository: str) -> bool:
        """Tell whether it holds in a repository, by its name within the project."""
        scopes = self.scope_selectors.get("repository", [])
        if self.disabled or not scopes or not self.tag_selectors:
            return False
        return scopes[0].selects(repository, "repoExcludes")

    def immutable(self, project: str) -> Immutable:
        """Return the tags that it is about."""
        tags = self.tag_selectors[0]
        but = "all but " if tags.decoration == "excludes" else ""
        return Immutable(
            f"the project {project} keeps {but}{tags.pattern or '**'} immutable",
            lambda tag: tags.selects(tag, "excludes"),
        )


class _Project(msgspec.Struct):
    name: str
    registry_id: int | None = None
    """The registry that it is a proxy cache of."""


class _Tag(msgspec.Struct):
    name: str
    immutable: bool = False


class _Artifact(msgspec.Struct):
    tags: list[_Tag] | None = None


class _Repository(msgspec.Struct):
    name: str
    """With its project."""


class _Api:
    """Asks which projects are there, can be written to, and keep which of their tags."""

    def __init__(self, host: str, ask: AskApi) -> None:  # noqa: ARG002 - a path is enough
        self._ask = ask
        self._projects = PreflightAnswers[_Project | None](gives_up=True)
        self._rules = PreflightAnswers[Sequence[_Rule]]()
        self._tags: dict[str, PreflightAnswers[frozenset[str]]] = {}

    async def look(self, writes: Writes) -> TargetOutlook:
        """Return what is known of repositories: of the projects, and of rules where tags move."""
        standings: dict[str, TargetStatus] = {}
        unknown: list[UnknownTarget] = []
        for repository, moves in writes.items():
            project, _, rest = repository.partition("/")
            try:
                standing = await self._standing(project)
            except TransshipError as error:
                unknown.append(UnknownTarget("whether projects are there", project, error))
                continue
            try:
                if moves and standing == TargetStatus():
                    standing = replace(standing, immutable=await self._immutable(project, rest))
            except TransshipError as error:
                unknown.append(UnknownTarget("which tags are immutable", project, error))
            standings[repository] = standing
        return TargetOutlook(standings, tuple(unknown))

    async def repositories(self) -> AsyncIterator[str | Unlisted]:
        """Give what is in the projects that the account sees; the catalog is for administrators."""
        async for project in _each(self._ask, _PROJECTS, "", _Project):
            path = f"{_PROJECTS}/{quote(project.name, safe='')}/repositories"
            try:
                async for repository in _each(self._ask, path, "", _Repository):
                    yield repository.name
            except NoRight as error:
                # It is shown in the list of all, and not to be looked into.
                yield Unlisted(project.name, error)

    def refusal(self, missing: MissingTarget, visibility: Visibility) -> str:  # noqa: ARG002
        """Return that a project can be made, private or public."""
        return ""

    async def create(self, missing: MissingTarget, visibility: Visibility) -> None:
        """Make a project. Its storage quota is what Harbor gives by itself."""
        public = str(visibility is Visibility.PUBLIC).lower()
        project = {"project_name": missing.name, "metadata": {"public": public}}
        await self._ask(_PROJECTS, method="POST", body=project)

    async def has(self, missing: MissingTarget) -> bool:
        """Tell whether a project is there."""
        return await _project(self._ask, missing.name) is not None

    async def _standing(self, name: str) -> TargetStatus:
        """Return what is known of all repositories of a project.

        A list is asked for, and not the project by its name: by name some accounts get the same
        answer for what isn't there and for what they may not read.
        """
        project = await self._projects.once(name, lambda: _project(self._ask, name))
        if project is None:
            return TargetStatus(missing=MissingTarget("project", name, hidden=True))
        if project.registry_id:
            return TargetStatus(read_only=f"the project {name} is a proxy cache")
        return TargetStatus()

    async def _immutable(self, project: str, repository: str) -> tuple[Immutable, ...]:
        """Return what keeps tags of a repository: the rules, or else what its tags say themselves.

        Who may push may see the tags, but not always the rules.
        """
        path = f"{_PROJECTS}/{quote(project, safe='')}"
        try:
            rules = await self._rules.once(project, lambda: self._kept_by(path))
        except NoRight as error:
            asked = self._tags.setdefault(project, PreflightAnswers(gives_up=True))
            # Harbor wants the name encoded twice.
            named = f"{path}/repositories/{quote(quote(repository, safe=''), safe='')}"
            try:
                tags = await asked.once(repository, lambda: self._pinned(named))
            except TransshipError:
                raise error from None
            return (Immutable(f"the project {project} keeps it immutable", tags.__contains__),)
        return tuple(rule.immutable(project) for rule in rules if rule.holds_in(repository))

    async def _kept_by(self, path: str) -> Sequence[_Rule]:
        rules = _each(self._ask, f"{path}/immutabletagrules", "", _Rule)
        return [rule async for rule in rules]

    async def _pinned(self, repository: str) -> frozenset[str]:
        query = "with_tag=true&with_immutable_status=true&"
        artifacts = _each(self._ask, f"{repository}/artifacts", query, _Artifact)
        tags = [tag async for artifact in artifacts for tag in artifact.tags or ()]
        return frozenset(tag.name for tag in tags if tag.immutable)


async def _project(ask: AskApi, name: str) -> _Project | None:
    async for project in _each(ask, _PROJECTS, f"name={quote(name, safe='')}&", _Project):
        if project.name == name:
            return project
    return None


async def _each(ask: AskApi, path: str, query: str, kind: type[_T]) -> AsyncIterator[_T]:
    """Give a whole list, page by page. Raises ListIncomplete when it isn't as long as is said."""
    came = 0
    for page in range(1, _MOST_PAGES + 1):
        answer = await ask(f"{path}?{query}page={page}&page_size={_PAGE}")
        some: Sequence[_T] = answer.json(list[kind] | None) or ()  # type: ignore[arg-type, valid-type]
        for each in some:
            yield each
        came += len(some)
        total = number(answer.headers.get("x-total-count", ""))
        if not some and came < total:
            raise ListIncomplete(f"{path}: {came:,} of {total:,} entries came")
        if not some or (len(some) < _PAGE and came >= total):
            return
    raise UnexpectedAnswer(f"{path}: more than {_MOST_PAGES * _PAGE:,} entries")


HARBOR = Service(
    kind="harbor",
    title="Harbor",
    form=_FORM,
    greeting=ServicePing(realm=r".*/service/token", service="harbor-registry"),
    username="user, or robot account (robot$project+name)",
    secret="password, CLI secret or robot token",
    capabilities=Capabilities(parts=(2, 0)),
    api=_Api,
    facts=Facts(
        list=yes("by its API, the projects that the account sees"),
        create=yes("project, by its API"),
        mount=yes("where the account may read both projects"),
        resume=yes("from the last piece"),
        delete=partly("where the account may, and no rule keeps the tag"),
        limits="the storage quota of a project, as its administrator has set it",
        credential="a robot account lives as set",
    ),
)
