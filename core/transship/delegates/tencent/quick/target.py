"""What an instance of TCR has of what a personal account is to be moved to."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from transship.delegates.tencent.at_instance import AtInstance
from transship.delegates.tencent.quick.pages import Gap, may_pass_over
from transship.errors import TransshipError
from transship.services.tencent_cloud import TcrInstance

_AT_ONCE = 8
_UNLISTED = "repositories at the target"


@dataclass(frozen=True, slots=True)
class Target:
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
    gaps: tuple[Gap, ...] = ()

    @property
    def unlisted(self) -> frozenset[str]:
        """The namespaces of which it isn't known what is in them."""
        return frozenset(gap.of for gap in self.gaps if gap.what == _UNLISTED)


class _Namespace(msgspec.Struct, rename="pascal"):
    name: str
    public: bool = False


class _Repository(msgspec.Struct, rename="pascal"):
    name: str
    """With its namespace."""
    description: str = ""


class _Image(msgspec.Struct, rename="pascal"):
    image_version: str


class _Count(msgspec.Struct, rename="pascal"):
    total_count: int = 0


async def target_at(at: AtInstance, repositories: Collection[str]) -> Target:
    """Return what an instance has of these repositories, and of the namespaces they are in.

    Raises what keeps its namespaces from being listed; all else that couldn't be is a gap.
    """
    found = await at.listed("DescribeNamespaces", _Namespace)
    namespaces = {each.name: each.public for each in found}
    gaps: list[Gap] = []
    descriptions: dict[str, str] = {}
    wanted = sorted({name.partition("/")[0] for name in repositories} & namespaces.keys())
    for namespace in wanted:
        descriptions |= await _descriptions(at, namespace, gaps)
    tags = await _all_tags(at, sorted(descriptions.keys() & set(repositories)), gaps)
    return Target(at.instance, namespaces, descriptions, tags, await _count(at), tuple(gaps))


async def _descriptions(at: AtInstance, namespace: str, gaps: list[Gap]) -> Mapping[str, str]:
    try:
        # In the order of their names, which no push changes between two pages.
        found = await at.listed(
            "DescribeRepositories", _Repository, NamespaceName=namespace, SortBy="-name"
        )
    except TransshipError as error:
        if not may_pass_over(error):
            raise
        gaps.append(Gap(_UNLISTED, namespace, error))
        return {}
    return {each.name: each.description for each in found}


async def _all_tags(
    at: AtInstance, names: Sequence[str], gaps: list[Gap]
) -> Mapping[str, frozenset[str]]:
    tags: dict[str, frozenset[str]] = {}
    for begin in range(0, len(names), _AT_ONCE):
        some = names[begin : begin + _AT_ONCE]
        found = await asyncio.gather(*(_tags(at, name) for name in some))
        for name, inside in zip(some, found, strict=True):
            if isinstance(inside, TransshipError):
                gaps.append(Gap("tags at the target", name, inside))
            else:
                tags[name] = inside
    return tags


async def _tags(at: AtInstance, name: str) -> frozenset[str] | TransshipError:
    namespace, _, rest = name.partition("/")
    try:
        found = await at.listed(
            "DescribeImages", _Image, NamespaceName=namespace, RepositoryName=rest
        )
    except TransshipError as error:
        if not may_pass_over(error):
            raise
        return error
    return frozenset(each.image_version for each in found)


async def _count(at: AtInstance) -> int | None:
    try:
        return (await at.call("DescribeRepositories", _Count, Offset=1, Limit=1)).total_count
    except TransshipError as error:
        if not may_pass_over(error):
            raise
        return None
