"""What a personal account (CCR) holds, and what an instance of TCR has of it already.

Everything is listed by the cloud's API, whose `Offset` counts entries here. A page that fails is a
`ListGap` that is named: what is before and after it is still known, and nobody takes it for the
end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from transship import errors
from transship.engines.tcr.api import InstanceApi
from transship.errors import TransshipError
from transship.services.tencent import region_at
from transship.services.tencent_cloud import TcrInstance, TencentCloud, listed
from transship.text import counted, safe

_T = TypeVar("_T")

PAGE = 100
_MOST_ENTRIES = 200_000
_ENDS_ASKING = (
    errors.WrongCredential,
    errors.ApiKeysNeeded,
    errors.ExtraMissing,
    errors.NameNotFound,
    errors.ConnectionRefused,
    errors.CertificateNotTrusted,
    errors.NoInstance,
)
"""What is no fault of one page: nothing else could be asked either."""

AskPage = Callable[[int], Awaitable[tuple[int, Sequence[_T]]]]
"""Asks for the page after so many entries; returns how many there are in all, and the page."""


@dataclass(frozen=True, slots=True)
class ListGap:
    """What couldn't be listed: `what` in words, `of` which namespace or repository, and why.

    An empty `of` means the account as a whole.
    """

    what: str
    of: str
    why: TransshipError

    def __str__(self) -> str:
        of = f" of {self.of}" if self.of else ""
        return f"{self.what}{of}: {self.why}"


def may_go_on(error: TransshipError) -> bool:
    """Tell whether asking for something else may still succeed."""
    return not isinstance(error, _ENDS_ASKING)


async def list_by_pages(
    page: AskPage[_T], key: Callable[[_T], str], what: str, of: str = ""
) -> tuple[list[_T], list[ListGap]]:
    """Return what comes of a list page by page, each entry once, and what doesn't come.

    A page that fails costs its own entries only. `what` is their noun. Raises what ends all asking.
    """
    found: dict[str, _T] = {}
    failed: dict[int, TransshipError] = {}
    total: int | None = None
    offset = 0
    while offset < _MOST_ENTRIES and (total is None or offset < total):
        try:
            total, some = await page(offset)
            found |= {key(each): each for each in some}
        except TransshipError as error:
            if not may_go_on(error):
                raise
            failed[offset] = error
            # How long the list is, the page after it may tell; after two nothing is likely to.
            if total is None and len(failed) > 1:
                return [], [ListGap(what, of, error)]
        offset += PAGE
    return list(found.values()), list(_list_gaps(failed, total or 0, len(found), what, of))


def _list_gaps(
    failed: dict[int, TransshipError], total: int, came: int, what: str, of: str
) -> list[ListGap]:
    lost = total - came
    gaps = []
    for offset, why in failed.items():
        end = min(offset + PAGE, total)
        if end > offset:
            gaps.append(ListGap(f"{what} {offset + 1:,} to {end:,}", of, why))
            lost -= end - offset
    if lost > 0:
        said = errors.ListIncomplete(f"{total:,} are said to be there, {came:,} came")
        gaps.append(ListGap(f"{counted(lost, 'entry', 'entries')} of the {what}", of, said))
    return gaps


_S = TypeVar("_S", bound=msgspec.Struct)

_AT_ONCE = 8
_NO_TAG = "ResourceNotFound.ErrNoTag"


@dataclass(frozen=True, slots=True)
class PersonalRepository:
    """A repository with its namespace in its name; `tags` with the one pushed last first.

    The description is as somebody wrote it.
    """

    name: str
    public: bool = False
    description: str = ""
    tags: tuple[str, ...] = ()

    @property
    def namespace(self) -> str:
        """The first component of its name."""
        return self.name.partition("/")[0]


@dataclass(frozen=True, slots=True)
class PersonalInventory:
    """What a personal account holds at `host`. `quota` has what it may have, by the API's words."""

    host: str
    namespaces: tuple[str, ...] = ()
    repositories: tuple[PersonalRepository, ...] = ()
    gaps: tuple[ListGap, ...] = ()
    quota: Mapping[str, int] | None = None

    def inside(self, namespace: str) -> tuple[PersonalRepository, ...]:
        """Return the repositories of a namespace."""
        return tuple(each for each in self.repositories if each.namespace == namespace)


class _PersonalNamespace(msgspec.Struct, rename="pascal"):
    namespace: str
    repo_count: int = 0


class _PersonalNamespaces(msgspec.Struct, rename="pascal"):
    namespace_count: int = 0
    namespace_info: list[_PersonalNamespace] = []


class _PersonalRepo(msgspec.Struct, rename="pascal"):
    repo_name: str
    public: int = 0
    description: str = ""


class _PersonalRepos(msgspec.Struct, rename="pascal"):
    total_count: int = 0
    repo_info: list[_PersonalRepo] = []
    server: str = ""


class _PersonalTag(msgspec.Struct, rename="pascal"):
    tag_name: str
    push_time: str = ""
    update_time: str = ""
    creation_time: str = ""

    @property
    def pushed(self) -> str:
        """When it was pushed, as the API writes it; such times are in order as texts.

        What has none is kept as if it were new.
        """
        return self.push_time or self.update_time or self.creation_time or "~"


class _PersonalTags(msgspec.Struct, rename="pascal"):
    tag_count: int = 0
    tag_info: list[_PersonalTag] = []


class _PersonalLimit(msgspec.Struct, rename="pascal"):
    type: str = ""
    value: int = 0


class _PersonalLimits(msgspec.Struct, rename="pascal"):
    limit_info: list[_PersonalLimit] = []


class _PersonalNamespacesPage(msgspec.Struct, rename="pascal"):
    data: _PersonalNamespaces = msgspec.field(default_factory=_PersonalNamespaces)


class _PersonalReposPage(msgspec.Struct, rename="pascal"):
    data: _PersonalRepos = msgspec.field(default_factory=_PersonalRepos)


class _PersonalTagsPage(msgspec.Struct, rename="pascal"):
    data: _PersonalTags = msgspec.field(default_factory=_PersonalTags)


class _PersonalQuotaAnswer(msgspec.Struct, rename="pascal"):
    data: _PersonalLimits = msgspec.field(default_factory=_PersonalLimits)


ScanProgress = Callable[[int, int], None]
"""Is told of how many repositories the tags have been listed, and of how many in all."""


async def scan_personal_account(
    cloud: TencentCloud, host: str, looked: ScanProgress | None = None
) -> PersonalInventory:
    """Return what the account of `cloud`'s keys holds at a host of CCR.

    Raises NoInstance where the API answers for another host, and what ends all asking; what keeps
    one page, repository or namespace from being listed is a gap.
    """
    return await _AccountScan(cloud, host, looked).stock()


class _AccountScan:
    def __init__(self, cloud: TencentCloud, host: str, looked: ScanProgress | None) -> None:
        self._cloud = cloud
        self._looked = looked
        self._host = host
        self._region = region_at(host)
        self._gaps: list[ListGap] = []

    async def stock(self) -> PersonalInventory:
        await self._check_place()
        namespaces = await self._namespaces()
        repos = await self._repositories()
        self._compare(namespaces, repos)
        found: list[PersonalRepository] = []
        for begin in range(0, len(repos), _AT_ONCE):
            some = repos[begin : begin + _AT_ONCE]
            found += await asyncio.gather(*map(self._with_tags, some))
            if self._looked is not None:
                self._looked(len(found), len(repos))
        names = dict.fromkeys((*(n.namespace for n in namespaces), *(r.namespace for r in found)))
        return PersonalInventory(
            self._host,
            tuple(sorted(names)),
            tuple(sorted(found, key=lambda each: each.name)),
            # Some are asked for at a time: who answers first says nothing.
            tuple(sorted(self._gaps, key=lambda each: each.of)),
            await self._quota(),
        )

    async def _check_place(self) -> None:
        action = "DescribeRepositoryOwnerPersonal"
        try:
            answer = await self._call(action, _PersonalReposPage, Offset=0, Limit=1)
        except errors.UnexpectedAnswer:
            # Where one entry can't be had twice, nothing else is likely to be.
            answer = await self._call(action, _PersonalReposPage, Offset=0, Limit=1)
        server = answer.data.server.lower()
        if server and server != self._host:
            raise errors.NoInstance(
                f"{self._host}: the API answers for {safe(server)}",
                remedy="Use the host that the console names for the region that is meant.",
            )

    async def _namespaces(self) -> Sequence[_PersonalNamespace]:
        action = "DescribeNamespacePersonal"

        async def page(offset: int) -> tuple[int, Sequence[_PersonalNamespace]]:
            fields = {"Namespace": "", "Offset": offset, "Limit": PAGE}
            data = (await self._call(action, _PersonalNamespacesPage, **fields)).data
            return data.namespace_count, data.namespace_info

        whole = listed(
            self._cloud, action, _PersonalNamespace, {"Namespace": ""}, region=self._region
        )
        return await self._gathered(whole, page, lambda each: each.namespace, "namespaces")

    async def _repositories(self) -> Sequence[_PersonalRepo]:
        action = "DescribeRepositoryOwnerPersonal"

        async def page(offset: int) -> tuple[int, Sequence[_PersonalRepo]]:
            data = (await self._call(action, _PersonalReposPage, Offset=offset, Limit=PAGE)).data
            return data.total_count, data.repo_info

        whole = listed(self._cloud, action, _PersonalRepo, region=self._region)
        return await self._gathered(whole, page, lambda each: each.repo_name, "repositories")

    async def _with_tags(self, repo: _PersonalRepo) -> PersonalRepository:
        action, name = "DescribeImagePersonal", repo.repo_name

        async def page(offset: int) -> tuple[int, Sequence[_PersonalTag]]:
            fields = {"RepoName": name, "Offset": offset, "Limit": PAGE}
            data = (await self._call(action, _PersonalTagsPage, **fields)).data
            return data.tag_count, data.tag_info

        async def whole() -> list[_PersonalTag]:
            try:
                return await listed(
                    self._cloud, action, _PersonalTag, {"RepoName": name}, region=self._region
                )
            except errors.CloudLacks as error:
                if error.code == _NO_TAG:
                    return []
                raise

        tags = await self._gathered(whole(), page, lambda each: each.tag_name, "tags", of=name)
        newest = sorted(tags, key=lambda each: (each.pushed, each.tag_name), reverse=True)
        names = tuple(each.tag_name for each in newest)
        return PersonalRepository(name, bool(repo.public), repo.description, names)

    def _compare(
        self, namespaces: Sequence[_PersonalNamespace], repos: Sequence[_PersonalRepo]
    ) -> None:
        """Name the namespaces that are said to have more repositories than were listed."""
        if any(gap.what.startswith("repositories") for gap in self._gaps):
            return
        for each in namespaces:
            has = sum(repo.repo_name.startswith(f"{each.namespace}/") for repo in repos)
            if has < each.repo_count:
                why = f"{each.repo_count:,} are said to be there, {has:,} were listed"
                self._gaps.append(
                    ListGap("repositories", each.namespace, errors.ListIncomplete(why))
                )

    async def _quota(self) -> Mapping[str, int] | None:
        try:
            answer = await self._call("DescribeUserQuotaPersonal", _PersonalQuotaAnswer)
        except TransshipError as error:
            if not may_go_on(error):
                raise
            return None
        return {each.type: each.value for each in answer.data.limit_info}

    async def _gathered(
        self,
        whole: Awaitable[list[_T]],
        page: AskPage[_T],
        key: Callable[[_T], str],
        what: str,
        of: str = "",
    ) -> Sequence[_T]:
        """Return a whole list; of one that doesn't come whole what does, and note the gaps."""
        try:
            return await whole
        except TransshipError as error:
            if not may_go_on(error):
                raise
        found, gaps = await list_by_pages(page, key, what, of)
        self._gaps += gaps
        return found

    async def _call(self, action: str, kind: type[_S], **fields: object) -> _S:
        return await self._cloud.call(action, kind, fields, region=self._region)


_UNLISTED = "repositories at the target"


@dataclass(frozen=True, slots=True)
class TargetInventory:
    """What is at an instance: all namespaces, each with whether everybody may pull from it.

    `descriptions` are those of the repositories in the namespaces that were asked about, `tags`
    those of the repositories that were asked about and are there. `count` is how many repositories
    the instance has, None where that isn't known.
    """

    instance: TcrInstance
    namespaces: Mapping[str, bool] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    count: int | None = None
    gaps: tuple[ListGap, ...] = ()

    @property
    def unlisted(self) -> frozenset[str]:
        """The namespaces of which it isn't known what is in them."""
        return frozenset(gap.of for gap in self.gaps if gap.what == _UNLISTED)


class _TargetNamespace(msgspec.Struct, rename="pascal"):
    name: str
    public: bool = False


class _TargetRepository(msgspec.Struct, rename="pascal"):
    name: str
    """With its namespace."""
    description: str = ""


class _TargetImage(msgspec.Struct, rename="pascal"):
    image_version: str


class _RepositoryCount(msgspec.Struct, rename="pascal"):
    total_count: int = 0


async def scan_target(at: InstanceApi, repositories: Collection[str]) -> TargetInventory:
    """Return what an instance has of these repositories, and of the namespaces they are in.

    Raises what keeps its namespaces from being listed; all else that couldn't be is a gap.
    """
    found = await at.listed("DescribeNamespaces", _TargetNamespace)
    namespaces = {each.name: each.public for each in found}
    gaps: list[ListGap] = []
    descriptions: dict[str, str] = {}
    wanted = sorted({name.partition("/")[0] for name in repositories} & namespaces.keys())
    for namespace in wanted:
        descriptions |= await _scan_descriptions(at, namespace, gaps)
    tags = await _scan_tags(at, sorted(descriptions.keys() & set(repositories)), gaps)
    return TargetInventory(
        at.instance, namespaces, descriptions, tags, await _count_repositories(at), tuple(gaps)
    )


async def _scan_descriptions(
    at: InstanceApi, namespace: str, gaps: list[ListGap]
) -> Mapping[str, str]:
    try:
        # In the order of their names, which no push changes between two pages.
        found = await at.listed(
            "DescribeRepositories", _TargetRepository, NamespaceName=namespace, SortBy="-name"
        )
    except TransshipError as error:
        if not may_go_on(error):
            raise
        gaps.append(ListGap(_UNLISTED, namespace, error))
        return {}
    return {each.name: each.description for each in found}


async def _scan_tags(
    at: InstanceApi, names: Sequence[str], gaps: list[ListGap]
) -> Mapping[str, frozenset[str]]:
    tags: dict[str, frozenset[str]] = {}
    for begin in range(0, len(names), _AT_ONCE):
        some = names[begin : begin + _AT_ONCE]
        found = await asyncio.gather(*(_scan_repository_tags(at, name) for name in some))
        for name, inside in zip(some, found, strict=True):
            if isinstance(inside, TransshipError):
                gaps.append(ListGap("tags at the target", name, inside))
            else:
                tags[name] = inside
    return tags


async def _scan_repository_tags(at: InstanceApi, name: str) -> frozenset[str] | TransshipError:
    namespace, _, rest = name.partition("/")
    try:
        found = await at.listed(
            "DescribeImages", _TargetImage, NamespaceName=namespace, RepositoryName=rest
        )
    except TransshipError as error:
        if not may_go_on(error):
            raise
        return error
    return frozenset(each.image_version for each in found)


async def _count_repositories(at: InstanceApi) -> int | None:
    try:
        return (
            await at.call("DescribeRepositories", _RepositoryCount, Offset=1, Limit=1)
        ).total_count
    except TransshipError as error:
        if not may_go_on(error):
            raise
        return None
