"""Rules by which TCR synchronises two instances: as they are wished, read, shown and sent. Pure.

Fields have the API's own names. Of what a rule is set to, the API tells only some: neither whether
it deletes, nor the number of the region or the owner it leads to, nor, in a form that could be
relied on, the namespace. So a rule that is made from here says all that in its description, where
whoever opens it in the console reads it too. No secret is among it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from transship.delegates.changes import Settings
from transship.delegates.engine import Found
from transship.services.tencent_cloud import TcrInstance
from transship.text import safe

RULE = "sync rule"

MADE_BY = "Made by Transship"
"""How the descriptions of rules begin that were made from here: they may be changed from here."""

FORGETS = "What it has done so far, its executions and their tasks, may be forgotten with it."

RESOURCES = ("", "image", "chart")
"""What a rule can be bounded to; empty: both."""

LEADS = ("DestinationRegistryId", "DestinationRegionId", "PeerRegistryUin")
"""The fields that say where a rule leads: the API has no way to change them."""

_SAYS = re.compile(
    rf"{MADE_BY}: to (?P<id>[^/ ,]+)/(?P<namespace>[^ ,]*), region (?P<region>\d+)"
    r"(, owner (?P<uin>\d+))?, deletion (?P<deletion>on|off)"
)
# The API's example is `tcr-e8pg46c6/event-center/eric ap-guangzhou`.
_LEADS_TO = re.compile(r"(?P<id>tcr-[a-z0-9]+)/(?P<path>\S*) (?P<region>\S+)")
_WILD = re.compile(r"[*?\[{(+]|\.\*")


@dataclass(frozen=True, slots=True)
class Destination:
    """The instance that rules lead to, and how it is known by.

    `host` is its registry's, `region_id` the cloud's number for its region. `edition`, `status` and
    `region` are empty where the keys don't see it. `uin` is the root account that owns it, where
    that isn't the one of the source; then the login of the account at `host` is what TCR is handed.
    """

    id: str
    host: str
    region_id: int
    region: str = ""
    edition: str = ""
    status: str = ""
    uin: str = ""

    @classmethod
    def of(cls, instance: TcrInstance, host: str = "", uin: str = "") -> Destination:
        """Return an instance that keys see, those of the source or its owner's own."""
        return cls(
            instance.id,
            host or instance.public_domain,
            instance.region_id,
            instance.region,
            instance.edition,
            instance.status,
            uin,
        )

    def __str__(self) -> str:
        return f"{self.host} ({', '.join(filter(None, (self.id, self.region)))})"


@dataclass(frozen=True, slots=True)
class SyncRule:
    """A rule that is wished for.

    `names` and `tags` are patterns, sent as they are; empty ones take everything. `resource` is one
    of RESOURCES. `namespace` goes in the place of a repository's own at the destination; empty, the
    names stay. `override` says that a tag that differs is overwritten, `deletion` that what is
    deleted at the source is deleted at the destination.
    """

    name: str
    names: str = ""
    tags: str = ""
    resource: str = ""
    namespace: str = ""
    override: bool = False
    deletion: bool = False
    enabled: bool = True

    @property
    def filters(self) -> list[dict[str, str]]:
        """The filters as they are sent. Their types are in small letters: others do nothing."""
        given = {"name": self.names, "resource": self.resource, "tag": self.tags}
        return [{"Type": kind, "Value": value} for kind, value in given.items() if value]

    def settings(self, to: Destination) -> dict[str, Any]:
        """Return what the rule is set to where it leads to `to`."""
        deletion = "on" if self.deletion else "off"
        owner = f", owner {to.uin}" if to.uin else ""
        return {
            "DestinationRegistryId": to.id,
            "DestinationRegionId": to.region_id,
            "PeerRegistryUin": to.uin,
            "DestNamespace": self.namespace,
            "Filters": self.filters,
            "Override": self.override,
            "Deletion": self.deletion,
            "Enabled": self.enabled,
            "Description": f"{MADE_BY}: to {to.id}/{self.namespace}, region {to.region_id}{owner}, "
            f"deletion {deletion}",
        }


class PolicyFilter(msgspec.Struct, rename="pascal"):
    """A filter, as the API tells."""

    type: str = ""
    value: str = ""


class Policy(msgspec.Struct, rename="pascal"):
    """A rule, as the API tells (`ReplicationPolicyInfo`)."""

    id: int = msgspec.field(name="ID")
    name: str = ""
    description: str = ""
    filters: tuple[PolicyFilter, ...] = ()
    override: bool = False
    enabled: bool = False
    src_resource: str = ""
    dest_resource: str = ""


@dataclass(frozen=True, slots=True)
class KnownRule:
    """A rule that is there. `source` and `destination` are the API's own words for them."""

    name: str
    found: Found
    source: str
    destination: str

    @property
    def is_ours(self) -> bool:
        """Whether it was made from here, by what it says of itself."""
        return is_ours(self.found.settings)

    @property
    def leads_to(self) -> str:
        """The id of the instance that it leads to; empty where that can't be told."""
        said = self.found.settings.get("DestinationRegistryId")
        there = _LEADS_TO.fullmatch(self.destination)
        return str(said or (there["id"] if there else ""))


def known(policy: Policy) -> KnownRule:
    """Return a rule as it was read."""
    status = "enabled" if policy.enabled else "disabled"
    return KnownRule(
        safe(policy.name),
        Found(_settings(policy), str(policy.id), status),
        safe(policy.src_resource),
        safe(policy.dest_resource),
    )


def is_ours(settings: Settings) -> bool:
    """Tell whether a rule with these settings was made from here."""
    return _SAYS.fullmatch(str(settings.get("Description", ""))) is not None


def sent(name: str, settings: Settings) -> dict[str, Any]:
    """Return the rule of a ManageReplication."""
    wanted = ("DestNamespace", "Override", "Filters", "Deletion")
    return {"Name": name, **{key: settings[key] for key in wanted}}


def modified(settings: Settings) -> dict[str, Any]:
    """Return the rule of a ModifyReplication: all that it can set, so that nothing is left over."""
    wanted = ("DestNamespace", "Override", "Deletion", "Filters", "Enabled")
    return {key: settings[key] for key in wanted if key in settings}


def is_wild(pattern: str) -> bool:
    """Tell whether a pattern is more than one text, read as a glob or as a regular expression."""
    return bool(_WILD.search(pattern))


def _settings(policy: Policy) -> dict[str, Any]:
    filters = [{"Type": each.type, "Value": each.value} for each in policy.filters if each.value]
    read = {
        "Filters": sorted(filters, key=lambda each: (each["Type"], each["Value"])),
        "Override": policy.override,
        "Enabled": policy.enabled,
        "Description": policy.description,
    }
    says = _SAYS.fullmatch(policy.description)
    if says is None:
        return read
    return {**_claimed(says, policy.dest_resource), **read}


def _claimed(says: Mapping[str, Any] | re.Match[str], leads: str) -> dict[str, Any]:
    """Return what a description says, but for what the API says otherwise."""
    identity, namespace = says["id"], says["namespace"]
    there = _LEADS_TO.fullmatch(leads)
    if there is not None:
        identity = there["id"]
        first = there["path"].partition("/")[0]
        if namespace and first and not is_wild(first) and first != namespace:
            namespace = first
    return {
        "DestinationRegistryId": identity,
        "DestinationRegionId": int(says["region"]),
        "PeerRegistryUin": says["uin"] or "",
        "DestNamespace": namespace,
        "Deletion": says["deletion"] == "on",
    }
