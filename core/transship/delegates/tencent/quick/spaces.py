"""The namespaces and repositories of an instance of TCR as an engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from transship import errors
from transship.delegates.changes import Change, Does
from transship.delegates.engine import Found, Gives
from transship.delegates.tencent.at_instance import AtInstance

NAMESPACE = "namespace"
REPOSITORY = "repository"
KINDS = (NAMESPACE, REPOSITORY)


class _Namespace(msgspec.Struct, rename="pascal"):
    name: str
    public: bool = False
    namespace_id: int = 0


class _Repository(msgspec.Struct, rename="pascal"):
    name: str
    description: str = ""
    brief_description: str = ""


class _Count(msgspec.Struct, rename="pascal"):
    total_count: int = 0


class Spaces:
    """The engine of one instance. Raises, beside what is named, what `TencentCloud.call` does.

    A namespace goes by its name, a repository by its own with its namespace. What holds something
    isn't deleted.
    """

    def __init__(self, at: AtInstance) -> None:
        self._at = at

    @property
    def name(self) -> str:
        """Which engine and where."""
        return self._at.name

    async def read(self, kind: str, name: str) -> Found | None:
        """Return the namespace or the repository of this name; None when there is none."""
        if kind == NAMESPACE:
            # A name that is asked for finds all that it is a part of.
            spaces = await self._at.listed("DescribeNamespaces", _Namespace, NamespaceName=name)
            space = next((each for each in spaces if each.name == name), None)
            return None if space is None else _found_namespace(space)
        found = await self._repository(name)
        return None if found is None else Found({"Description": found.description})

    async def make(self, change: Change, gives: Gives) -> None:  # noqa: ARG002 - no login is given
        """Make one change. Raises EngineRefused for what would delete images."""
        makers: Mapping[tuple[str, Does], Callable[[Change], Awaitable[None]]] = {
            (NAMESPACE, Does.CREATE): self._create_namespace,
            (NAMESPACE, Does.CHANGE): self._change_namespace,
            (NAMESPACE, Does.DELETE): self._delete_namespace,
            (REPOSITORY, Does.CREATE): self._create_repository,
            (REPOSITORY, Does.CHANGE): self._describe_repository,
            (REPOSITORY, Does.DELETE): self._delete_repository,
        }
        await makers[change.kind, change.does](change)

    async def _create_namespace(self, change: Change) -> None:
        await self._at.do("CreateNamespace", NamespaceName=change.name, IsPublic=_public(change))

    async def _change_namespace(self, change: Change) -> None:
        await self._at.do("ModifyNamespace", NamespaceName=change.name, IsPublic=_public(change))

    async def _delete_namespace(self, change: Change) -> None:
        inside = await self._at.listed(
            "DescribeRepositories", _Repository, NamespaceName=change.name, SortBy="-name"
        )
        own = [each for each in inside if each.name.startswith(f"{change.name}/")]
        if own:
            raise errors.EngineRefused(
                f"the namespace {change.name} has repositories, {own[0].name} among them",
                remedy="What holds images isn't deleted from here.",
            )
        await self._at.do("DeleteNamespace", NamespaceName=change.name)

    async def _create_repository(self, change: Change) -> None:
        namespace, _, rest = change.name.partition("/")
        await self._at.do(
            "CreateRepository",
            NamespaceName=namespace,
            RepositoryName=rest,
            Description=_description(change),
        )

    async def _describe_repository(self, change: Change) -> None:
        namespace, _, rest = change.name.partition("/")
        found = await self._repository(change.name)
        if found is None:
            raise errors.ChangedMeanwhile(str(change))
        await self._at.do(
            "ModifyRepository",
            NamespaceName=namespace,
            RepositoryName=rest,
            # Both are set by it: what isn't said would be empty.
            BriefDescription=found.brief_description,
            Description=_description(change),
        )

    async def _delete_repository(self, change: Change) -> None:
        namespace, _, rest = change.name.partition("/")
        where = {"NamespaceName": namespace, "RepositoryName": rest}
        images = await self._at.call("DescribeImages", _Count, Offset=1, Limit=1, **where)
        if images.total_count:
            raise errors.EngineRefused(
                f"the repository {change.name} has images",
                remedy="What holds images isn't deleted from here.",
            )
        await self._at.do("DeleteRepository", **where)

    async def _repository(self, name: str) -> _Repository | None:
        namespace, _, rest = name.partition("/")
        found = await self._at.listed(
            "DescribeRepositories", _Repository, NamespaceName=namespace, RepositoryName=rest
        )
        return next((each for each in found if each.name == name), None)


def _found_namespace(space: _Namespace) -> Found:
    return Found({"IsPublic": space.public}, str(space.namespace_id))


def _public(change: Change) -> bool:
    return bool((change.after or {}).get("IsPublic"))


def _description(change: Change) -> str:
    return str((change.after or {}).get("Description", ""))
