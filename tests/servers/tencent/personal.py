"""The actions of CCR, the personal edition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servers.tencent.api import UIN, Refused
from servers.tencent.pages import by_entries

if TYPE_CHECKING:
    from servers.tencent.api import Action, Call


@dataclass
class Personal:
    """What the account has in each region, and what others have.

    `servers` are the hosts by the names of the regions. `namespaces` are the account's own, each
    with its repositories, `taken` those of other accounts, `preserved` those of the service.
    `public` has for each repository that was asked for whether everybody may pull from it,
    `descriptions` what somebody wrote of it.
    """

    servers: dict[str, str] = field(default_factory=dict)
    namespaces: dict[str, list[str]] = field(default_factory=dict)
    public: dict[str, bool] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    preserved: set[str] = field(default_factory=lambda: {"library", "public", "tke"})
    quota: dict[str, int] = field(
        default_factory=lambda: {"namespace": 10, "repo": 500, "tag": 100}
    )


def _personal(call: Call) -> Personal:
    personal = call.api.of(Personal)
    if call.region not in personal.servers:
        raise Refused("UnsupportedOperation.ErrNoUserInitialized", "The user isn't initialized.")
    return personal


def _describe_namespaces(call: Call) -> dict[str, Any]:
    personal = _personal(call)
    part = call.need("Namespace")
    found = [name for name in sorted(personal.namespaces) if part in name]
    call.need("Offset"), call.need("Limit")
    shown = [
        {
            "Namespace": name,
            "CreationTime": "2024-01-02 03:04:05",
            "RepoCount": len(personal.namespaces[name]),
        }
        for name in by_entries(found, call)
    ]
    return {"Data": {"NamespaceCount": len(found), "NamespaceInfo": shown}}


def _describe_repositories(call: Call) -> dict[str, Any]:
    personal = _personal(call)
    found = [
        f"{name}/{each}" for name, names in sorted(personal.namespaces.items()) for each in names
    ]
    shown = [
        {
            "RepoName": name,
            "RepoType": "QCLOUD HUB",
            "TagCount": 1,
            "Public": int(personal.public.get(name, False)),
            "IsUserFavor": False,
            "IsQcloudOfficial": False,
            "FavorCount": 0,
            "PullCount": 0,
            "Description": personal.descriptions.get(name, ""),
            "CreationTime": "2024-01-02 03:04:05",
            "UpdateTime": "2024-01-02 03:04:05",
        }
        for name in by_entries(found, call)
    ]
    server = personal.servers[call.region]
    return {"Data": {"TotalCount": len(found), "RepoInfo": shown, "Server": server}}


def _validate(call: Call) -> dict[str, Any]:
    personal, name = _personal(call), call.need("Namespace")
    there = name in personal.namespaces or name in personal.taken
    return {"Data": {"IsExist": there, "IsPreserved": name in personal.preserved}}


def _create(call: Call) -> dict[str, Any]:
    personal, name = _personal(call), call.need("Namespace")
    if name in personal.preserved:
        raise Refused("InvalidParameter.ErrNamespaceReserved")
    if name in personal.namespaces or name in personal.taken:
        raise Refused("InvalidParameter.ErrNamespaceExist")
    if len(personal.namespaces) >= personal.quota["namespace"]:
        raise Refused("LimitExceeded.ErrNamespaceMaxLimit")
    personal.namespaces[name] = []
    return {}


def _validate_repository(call: Call) -> dict[str, Any]:
    personal = _personal(call)
    namespace, _, rest = call.need("RepoName").partition("/")
    return {"Data": {"IsExist": rest in personal.namespaces.get(namespace, ())}}


def _create_repository(call: Call) -> dict[str, Any]:
    personal, name = _personal(call), call.need("RepoName")
    namespace, _, rest = name.partition("/")
    if namespace not in personal.namespaces:
        raise Refused("ResourceNotFound.ErrNoNamespace")
    if rest in personal.namespaces[namespace]:
        raise Refused("InvalidParameter.ErrRepoExist")
    if sum(map(len, personal.namespaces.values())) >= personal.quota["repo"]:
        raise Refused("LimitExceeded.ErrRepoMaxLimit")
    personal.namespaces[namespace].append(rest)
    personal.public[name] = bool(call.need("Public"))
    return {}


def _quota(call: Call) -> dict[str, Any]:
    limits = _personal(call).quota.items()
    return {
        "Data": {
            "LimitInfo": [{"Username": UIN, "Type": kind, "Value": value} for kind, value in limits]
        }
    }


ACTIONS: dict[str, Action] = {
    "CreateNamespacePersonal": _create,
    "CreateRepositoryPersonal": _create_repository,
    "DescribeNamespacePersonal": _describe_namespaces,
    "DescribeRepositoryOwnerPersonal": _describe_repositories,
    "DescribeUserQuotaPersonal": _quota,
    "ValidateNamespaceExistPersonal": _validate,
    "ValidateRepositoryExistPersonal": _validate_repository,
}
