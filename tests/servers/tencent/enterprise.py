"""The actions of TCR that are about instances, namespaces, repositories, rules and tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servers.tencent.api import UIN, Refused
from servers.tencent.pages import by_entries, by_page, by_page_in_offset

if TYPE_CHECKING:
    from servers.tencent.api import Action, Call

_LIFE_SECONDS = 3600


@dataclass
class Namespace:
    """A namespace, its repositories by their names within it, and its immutable-tag rules.

    `descriptions` are what somebody wrote of its repositories.
    """

    public: bool = False
    repositories: list[str] = field(default_factory=list)
    descriptions: dict[str, str] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    may_look_into: bool = True


@dataclass
class Instance:
    """An instance. `domains` are its custom domains, each with its status.

    `issue` is told of each token that is handed out: the user name and the secret. With `forgets`
    a namespace is made, and isn't there after all.
    """

    id: str
    name: str
    public_domain: str
    edition: str = "standard"
    status: str = "Running"
    region: str = "ap-guangzhou"
    region_id: int = 1
    internal_endpoint: str | None = None
    domains: dict[str, str] = field(default_factory=dict)
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    issue: Callable[[str, str], None] = lambda _user, _secret: None
    tokens: list[str] = field(default_factory=list)
    forgets: bool = False


@dataclass
class Instances:
    """All instances. `said` is what a list's total says beyond what there is, by the action."""

    every: list[Instance] = field(default_factory=list)
    said: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, public_domain: str, **more: Any) -> Instance:
        """Add an instance and return it."""
        instance = Instance(f"tcr-{len(self.every):08x}", name, public_domain, **more)
        self.every.append(instance)
        return instance


def instance_of(call: Call) -> Instance:
    """Return the instance that a call names. Actions are asked where the instance is."""
    wanted = call.need("RegistryId")
    for each in call.api.of(Instances).every:
        if each.id == wanted and each.region == call.region:
            return each
    raise Refused("ResourceNotFound", f"{wanted} isn't in {call.region}.")


def total(call: Call, count: int) -> int:
    """Return what a list says that it has."""
    return count + call.api.of(Instances).said.get(call.action, 0)


def _describe_regions(call: Call) -> dict[str, Any]:
    region = {"Alias": "gz", "RegionId": 1, "RegionName": "ap-guangzhou", "Status": "alluser"}
    return {"TotalCount": 1, "Regions": [region]}


def _describe_instances(call: Call) -> dict[str, Any]:
    every = call.api.of(Instances).every
    found = [each for each in every if call.get("AllRegion") or each.region == call.region]
    shown = [_shown(each) for each in by_entries(found, call)]
    return {"TotalCount": total(call, len(found)), "Registries": shown}


def _shown(instance: Instance) -> dict[str, Any]:
    return {
        "RegistryId": instance.id,
        "RegistryName": instance.name,
        "RegistryType": instance.edition,
        "Status": instance.status,
        "PublicDomain": instance.public_domain,
        "CreatedAt": "2024-01-02T03:04:05+08:00",
        "RegionName": instance.region,
        "RegionId": instance.region_id,
        "EnableAnonymous": False,
        "TokenValidTime": 1,
        "InternalEndpoint": instance.internal_endpoint,
        "TagSpecification": None,
        "ExpiredAt": "",
        "PayMod": 0,
        "DeletionProtection": False,
    }


def _describe_domains(call: Call) -> dict[str, Any]:
    instance = instance_of(call)
    found = [
        {"RegistryId": instance.id, "CertId": "cert", "DomainName": name, "Status": status}
        for name, status in instance.domains.items()
    ]
    return {"TotalCount": total(call, len(found)), "DomainInfoList": by_entries(found, call)}


def _describe_namespaces(call: Call) -> dict[str, Any]:
    instance = instance_of(call)
    part = call.get("NamespaceName", "")
    found = [name for name in sorted(instance.namespaces) if part in name]
    shown = [
        {
            "Name": name,
            "CreationTime": "2024-01-02T03:04:05+08:00",
            "Public": instance.namespaces[name].public,
            "NamespaceId": 1 + found.index(name),
            "TagSpecification": None,
            "Metadata": [{"Key": "auto_scan", "Value": "false"}],
        }
        for name in by_page_in_offset(found, call)
    ]
    return {"TotalCount": total(call, len(found)), "NamespaceList": shown}


def _describe_repositories(call: Call) -> dict[str, Any]:
    instance = instance_of(call)
    part = call.get("NamespaceName", "")
    looked_into = {name: each for name, each in instance.namespaces.items() if part in name}
    if part in looked_into and not looked_into[part].may_look_into:
        raise Refused("FailedOperation.ErrorTcrUnauthorized", f"no right to {part}")
    found = sorted(
        (f"{name}/{each}", name)
        for name, space in looked_into.items()
        for each in space.repositories
        if call.get("RepositoryName", "") in each
    )
    shown = [
        {
            "Name": name,
            "Namespace": namespace,
            "CreationTime": "2024-01-02 03:04:05 +0800 CST",
            "Public": instance.namespaces[namespace].public,
            "Description": instance.namespaces[namespace].descriptions.get(name.partition("/")[2]),
        }
        for name, namespace in by_page_in_offset(found, call)
    ]
    return {"TotalCount": total(call, len(found)), "RepositoryList": shown}


def _describe_rules(call: Call) -> dict[str, Any]:
    spaces = instance_of(call).namespaces
    rules = [
        {
            "NsName": name,
            "RuleId": number,
            "RepositoryPattern": "**",
            "TagPattern": "**",
            "RepositoryDecoration": "repoMatches",
            "TagDecoration": "matches",
            "Disabled": False,
            **rule,
        }
        for name in sorted(spaces)
        for number, rule in enumerate(spaces[name].rules, 1)
    ]
    without = [name for name in sorted(spaces) if not spaces[name].rules]
    # What is counted isn't what is given, as in the API's own example.
    return {"Rules": by_page(rules, call), "EmptyNs": without, "Total": len(rules) + len(spaces)}


def _create_namespace(call: Call) -> dict[str, Any]:
    instance, name = instance_of(call), call.need("NamespaceName")
    if name in instance.namespaces:
        raise Refused("FailedOperation.ErrorTcrResourceConflict", f"{name} is there already.")
    if not instance.forgets:
        instance.namespaces[name] = Namespace(public=call.need("IsPublic"))
    return {}


def _create_token(call: Call) -> dict[str, Any]:
    instance = instance_of(call)
    assert call.get("TokenType", "temp") == "temp", "nobody asked for one that lives for ever"
    secret = f"temporary token {len(instance.tokens)} of {instance.name}"
    instance.tokens.append(secret)
    instance.issue(UIN, secret)
    ends = int((call.api.now() + _LIFE_SECONDS) * 1000)
    return {"Username": UIN, "Token": secret, "ExpTime": ends, "TokenId": None}


ACTIONS: dict[str, Action] = {
    "CreateInstanceToken": _create_token,
    "CreateNamespace": _create_namespace,
    "DescribeImmutableTagRules": _describe_rules,
    "DescribeInstanceCustomizedDomain": _describe_domains,
    "DescribeInstances": _describe_instances,
    "DescribeNamespaces": _describe_namespaces,
    "DescribeRegions": _describe_regions,
    "DescribeRepositories": _describe_repositories,
}
