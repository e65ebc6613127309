"""Lists of Tencent Cloud's API, each in the pages of its own contract, and whole or not at all.

What a field is called doesn't tell what it counts: an `Offset` counts entries in one action and
pages in the next. Whoever takes the one for the other gets entries twice, or not at all, without
an error. So the contract of each action is written down here, after the SDK's models, and what
came is counted against the total that the API says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import msgspec

from transship import errors
from transship.registries.services.tencent.cloud import TencentCloud, converted

_T = TypeVar("_T", bound=msgspec.Struct)

_READINGS = 3
_MOST_ENTRIES = 200_000


class Contract(Enum):
    """What the two numbers in a request for a page mean."""

    ENTRIES = "entries"
    """`Offset` is how many entries to leave out, `Limit` how many to give."""
    PAGES_IN_OFFSET = "pages-in-offset"
    """`Offset` is the number of the page, from 1, `Limit` how many entries a page has."""
    PAGES = "pages"
    """`Page` is the number of the page, from 1, `PageSize` how many entries it has."""

    def fields(self, page: int, came: int, size: int) -> dict[str, int]:
        """Return what asks for the page after `page` pages, in which `came` entries came."""
        match self:
            case Contract.ENTRIES:
                return {"Offset": came, "Limit": size}
            case Contract.PAGES_IN_OFFSET:
                return {"Offset": page + 1, "Limit": size}
            case Contract.PAGES:
                return {"Page": page + 1, "PageSize": size}


@dataclass(frozen=True, slots=True)
class Listing:
    """How an action lists: its contract, and where in an answer what is.

    `entries` and `total` are fields, with those above them before a dot; an empty `total` says
    that what the API calls so can't be counted by. `key` are the fields that tell entries apart.
    `also` are further entries of a page, which are read over, but make it no empty one.
    """

    action: str
    contract: Contract
    entries: str
    key: tuple[str, ...]
    total: str = "TotalCount"
    size: int = 100
    also: str = ""


def _listings(*listings: Listing) -> Mapping[str, Listing]:
    return {listing.action: listing for listing in listings}


# The rules for immutable tags are kept by namespace, and those without any are listed beside them:
# what `Total` counts isn't said, and in the API's own example it is neither.
LISTINGS = _listings(
    Listing("DescribeInstances", Contract.ENTRIES, "Registries", ("RegistryId",)),
    Listing(
        "DescribeInstanceCustomizedDomain", Contract.ENTRIES, "DomainInfoList", ("DomainName",)
    ),
    Listing("DescribeInstanceToken", Contract.ENTRIES, "Tokens", ("Id",)),
    Listing(
        "DescribeReplicationInstances",
        Contract.ENTRIES,
        "ReplicationRegistries",
        ("ReplicationRegistryId", "ReplicationRegionId"),
    ),
    Listing("DescribeServiceAccounts", Contract.ENTRIES, "ServiceAccounts", ("Name",)),
    Listing("DescribeNamespaces", Contract.PAGES_IN_OFFSET, "NamespaceList", ("Name",)),
    Listing("DescribeRepositories", Contract.PAGES_IN_OFFSET, "RepositoryList", ("Name",)),
    Listing("DescribeImages", Contract.PAGES_IN_OFFSET, "ImageInfoList", ("ImageVersion",)),
    Listing(
        "DescribeImmutableTagRules",
        Contract.PAGES,
        "Rules",
        ("NsName", "RuleId"),
        total="",
        also="EmptyNs",
    ),
    Listing("DescribeReplicationPolicies", Contract.PAGES, "ReplicationPolicyInfoList", ("ID",)),
    Listing(
        "DescribeReplicationExecutions",
        Contract.PAGES,
        "ReplicationExecutionList",
        ("ExecutionID",),
    ),
    Listing(
        "DescribeReplicationTasks",
        Contract.PAGES,
        "ReplicationTaskList",
        ("JobID", "SrcResource", "DstResource"),
    ),
    Listing(
        "DescribeNamespacePersonal",
        Contract.ENTRIES,
        "Data.NamespaceInfo",
        ("Namespace",),
        total="Data.NamespaceCount",
    ),
    Listing(
        "DescribeRepositoryOwnerPersonal",
        Contract.ENTRIES,
        "Data.RepoInfo",
        ("RepoName",),
        total="Data.TotalCount",
    ),
    Listing(
        "DescribeImagePersonal",
        Contract.ENTRIES,
        "Data.TagInfo",
        ("TagName",),
        total="Data.TagCount",
    ),
    Listing("DescribeCertificates", Contract.ENTRIES, "Certificates", ("CertificateId",)),
)
"""By the name of the action."""


class Reading:
    """One reading of a list from its beginning, page by page.

    It has `ended` with an empty page, with one that has nothing new, or with as many entries as
    the list is said to have. `fault` says in words what then keeps it from being the whole list.
    """

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._entries: dict[tuple[str, ...], dict[str, Any]] = {}
        self._further: set[str] = set()
        self._pages = 0
        self._came = 0
        self._total: int | None = None
        self.ended = False
        self.fault = ""

    @property
    def entries(self) -> tuple[dict[str, Any], ...]:
        """What has come, each once."""
        return tuple(self._entries.values())

    @property
    def fields(self) -> dict[str, int]:
        """What asks for the next page."""
        return self._listing.contract.fields(self._pages, self._came, self._listing.size)

    def take(self, answer: Mapping[str, Any]) -> None:
        """Take in a page. Raises UnexpectedAnswer for what is none."""
        listing = self._listing
        page = _list_at(answer, listing.entries)
        further = {str(each) for each in _list_at(answer, listing.also)} if listing.also else set()
        total = _total_of(answer, listing)
        new = {_key(each, listing.key): each for each in page}
        known = len(new.keys() & self._entries.keys()) + len(page) - len(new)
        grows = bool(new.keys() - self._entries.keys() or further - self._further)
        if total is not None:
            self._look(total, known)
        self._entries |= new
        self._further |= further
        self._pages += 1
        self._came += len(page)
        whole = total is not None and len(self._entries) >= total
        self.ended = whole or not grows or bool(self.fault)
        if self.ended and total is not None and len(self._entries) != total:
            self.fault = self.fault or f"{len(self._entries):,} of {total:,} entries came"
        if self._came > _MOST_ENTRIES:
            raise errors.UnexpectedAnswer(f"{listing.action}: more than {_MOST_ENTRIES:,} entries")

    def _look(self, total: int, known: int) -> None:
        """See whether the list is still the one that the reading began with."""
        if self._total not in (None, total):
            self.fault = f"{self._total:,} entries became {total:,}"
        elif known:
            self.fault = f"{known:,} entries came twice"
        self._total = total


async def listed(
    cloud: TencentCloud,
    action: str,
    kind: type[_T],
    fields: Mapping[str, object] | None = None,
    *,
    region: str = "",
) -> list[_T]:
    """Return a whole list, each entry decoded as `kind`.

    One that changes while it is read is read again. Raises ListIncomplete when it doesn't come
    whole, and what `TencentCloud.call` raises: a page that fails is never taken for the end.
    """
    listing = LISTINGS[action]
    for _ in range(_READINGS):
        reading = Reading(listing)
        while not reading.ended:
            wanted = {**(fields or {}), **reading.fields}
            reading.take(await cloud.document(action, wanted, region=region))
        if not reading.fault:
            return [converted(action, entry, kind) for entry in reading.entries]
    raise errors.ListIncomplete(f"{action}: {reading.fault}")


def _at(answer: Mapping[str, Any], path: str) -> Any:
    found: Any = answer
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _list_at(answer: Mapping[str, Any], path: str) -> list[Any]:
    found = _at(answer, path)
    if found is None:
        return []
    if not isinstance(found, list):
        raise errors.UnexpectedAnswer(f"{path} is no list")
    return found


def _total_of(answer: Mapping[str, Any], listing: Listing) -> int | None:
    if not listing.total:
        return None
    total = _at(answer, listing.total)
    if total is None and not _list_at(answer, listing.entries):
        return 0
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise errors.UnexpectedAnswer(f"{listing.action}: {listing.total} is no count")
    return total


def _key(entry: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(entry, dict):
        raise errors.UnexpectedAnswer("an entry of a list is no object")
    return tuple(str(entry.get(name, "")) for name in names)
