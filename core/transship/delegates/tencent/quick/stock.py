"""What a personal account (CCR) holds in a region: all of it, and by name what couldn't be listed.

Everything is listed by the cloud's API, whose `Offset` counts entries here. A page that fails is a
gap that is named: what is before and after it is still known, and nobody takes it for the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from transship import errors
from transship.delegates.tencent.quick.pages import PAGE, Gap, Page, by_pages, may_pass_over
from transship.errors import TransshipError
from transship.services.tencent import region_at
from transship.services.tencent_cloud import TencentCloud, listed
from transship.text import safe

_T = TypeVar("_T")
_S = TypeVar("_S", bound=msgspec.Struct)

_AT_ONCE = 8
_NO_TAG = "ResourceNotFound.ErrNoTag"


@dataclass(frozen=True, slots=True)
class Repository:
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
class Stock:
    """What a personal account holds at `host`. `quota` has what it may have, by the API's words."""

    host: str
    namespaces: tuple[str, ...] = ()
    repositories: tuple[Repository, ...] = ()
    gaps: tuple[Gap, ...] = ()
    quota: Mapping[str, int] | None = None

    def inside(self, namespace: str) -> tuple[Repository, ...]:
        """Return the repositories of a namespace."""
        return tuple(each for each in self.repositories if each.namespace == namespace)


class _Namespace(msgspec.Struct, rename="pascal"):
    namespace: str
    repo_count: int = 0


class _Namespaces(msgspec.Struct, rename="pascal"):
    namespace_count: int = 0
    namespace_info: list[_Namespace] = []


class _Repo(msgspec.Struct, rename="pascal"):
    repo_name: str
    public: int = 0
    description: str = ""


class _Repos(msgspec.Struct, rename="pascal"):
    total_count: int = 0
    repo_info: list[_Repo] = []
    server: str = ""


class _Tag(msgspec.Struct, rename="pascal"):
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


class _Tags(msgspec.Struct, rename="pascal"):
    tag_count: int = 0
    tag_info: list[_Tag] = []


class _Limit(msgspec.Struct, rename="pascal"):
    type: str = ""
    value: int = 0


class _Limits(msgspec.Struct, rename="pascal"):
    limit_info: list[_Limit] = []


class _NamespacesPage(msgspec.Struct, rename="pascal"):
    data: _Namespaces = msgspec.field(default_factory=_Namespaces)


class _ReposPage(msgspec.Struct, rename="pascal"):
    data: _Repos = msgspec.field(default_factory=_Repos)


class _TagsPage(msgspec.Struct, rename="pascal"):
    data: _Tags = msgspec.field(default_factory=_Tags)


class _Quota(msgspec.Struct, rename="pascal"):
    data: _Limits = msgspec.field(default_factory=_Limits)


Looked = Callable[[int, int], None]
"""Is told of how many repositories the tags have been listed, and of how many in all."""


async def stock_at(cloud: TencentCloud, host: str, looked: Looked | None = None) -> Stock:
    """Return what the account of `cloud`'s keys holds at a host of CCR.

    Raises NoInstance where the API answers for another host, and what ends all asking; what keeps
    one page, repository or namespace from being listed is a gap.
    """
    return await _Taking(cloud, host, looked).stock()


class _Taking:
    def __init__(self, cloud: TencentCloud, host: str, looked: Looked | None) -> None:
        self._cloud = cloud
        self._looked = looked
        self._host = host
        self._region = region_at(host)
        self._gaps: list[Gap] = []

    async def stock(self) -> Stock:
        await self._check_place()
        namespaces = await self._namespaces()
        repos = await self._repositories()
        self._compare(namespaces, repos)
        found: list[Repository] = []
        for begin in range(0, len(repos), _AT_ONCE):
            some = repos[begin : begin + _AT_ONCE]
            found += await asyncio.gather(*map(self._with_tags, some))
            if self._looked is not None:
                self._looked(len(found), len(repos))
        names = dict.fromkeys((*(n.namespace for n in namespaces), *(r.namespace for r in found)))
        return Stock(
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
            answer = await self._call(action, _ReposPage, Offset=0, Limit=1)
        except errors.UnexpectedAnswer:
            # Where one entry can't be had twice, nothing else is likely to be.
            answer = await self._call(action, _ReposPage, Offset=0, Limit=1)
        server = answer.data.server.lower()
        if server and server != self._host:
            raise errors.NoInstance(
                f"{self._host}: the API answers for {safe(server)}",
                remedy="Use the host that the console names for the region that is meant.",
            )

    async def _namespaces(self) -> Sequence[_Namespace]:
        action = "DescribeNamespacePersonal"

        async def page(offset: int) -> tuple[int, Sequence[_Namespace]]:
            fields = {"Namespace": "", "Offset": offset, "Limit": PAGE}
            data = (await self._call(action, _NamespacesPage, **fields)).data
            return data.namespace_count, data.namespace_info

        whole = listed(self._cloud, action, _Namespace, {"Namespace": ""}, region=self._region)
        return await self._gathered(whole, page, lambda each: each.namespace, "namespaces")

    async def _repositories(self) -> Sequence[_Repo]:
        action = "DescribeRepositoryOwnerPersonal"

        async def page(offset: int) -> tuple[int, Sequence[_Repo]]:
            data = (await self._call(action, _ReposPage, Offset=offset, Limit=PAGE)).data
            return data.total_count, data.repo_info

        whole = listed(self._cloud, action, _Repo, region=self._region)
        return await self._gathered(whole, page, lambda each: each.repo_name, "repositories")

    async def _with_tags(self, repo: _Repo) -> Repository:
        action, name = "DescribeImagePersonal", repo.repo_name

        async def page(offset: int) -> tuple[int, Sequence[_Tag]]:
            fields = {"RepoName": name, "Offset": offset, "Limit": PAGE}
            data = (await self._call(action, _TagsPage, **fields)).data
            return data.tag_count, data.tag_info

        async def whole() -> list[_Tag]:
            try:
                return await listed(
                    self._cloud, action, _Tag, {"RepoName": name}, region=self._region
                )
            except errors.CloudLacks as error:
                if error.code == _NO_TAG:
                    return []
                raise

        tags = await self._gathered(whole(), page, lambda each: each.tag_name, "tags", of=name)
        newest = sorted(tags, key=lambda each: (each.pushed, each.tag_name), reverse=True)
        names = tuple(each.tag_name for each in newest)
        return Repository(name, bool(repo.public), repo.description, names)

    def _compare(self, namespaces: Sequence[_Namespace], repos: Sequence[_Repo]) -> None:
        """Name the namespaces that are said to have more repositories than were listed."""
        if any(gap.what.startswith("repositories") for gap in self._gaps):
            return
        for each in namespaces:
            has = sum(repo.repo_name.startswith(f"{each.namespace}/") for repo in repos)
            if has < each.repo_count:
                why = f"{each.repo_count:,} are said to be there, {has:,} were listed"
                self._gaps.append(Gap("repositories", each.namespace, errors.ListIncomplete(why)))

    async def _quota(self) -> Mapping[str, int] | None:
        try:
            answer = await self._call("DescribeUserQuotaPersonal", _Quota)
        except TransshipError as error:
            if not may_pass_over(error):
                raise
            return None
        return {each.type: each.value for each in answer.data.limit_info}

    async def _gathered(
        self,
        whole: Awaitable[list[_T]],
        page: Page[_T],
        key: Callable[[_T], str],
        what: str,
        of: str = "",
    ) -> Sequence[_T]:
        """Return a whole list; of one that doesn't come whole what does, and note the gaps."""
        try:
            return await whole
        except TransshipError as error:
            if not may_pass_over(error):
                raise
        found, gaps = await by_pages(page, key, what, of)
        self._gaps += gaps
        return found

    async def _call(self, action: str, kind: type[_S], **fields: object) -> _S:
        return await self._cloud.call(action, kind, fields, region=self._region)
