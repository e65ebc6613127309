"""The actions of TCR that are about who gets through to an instance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servers.tencent.api import Refused
from servers.tencent.enterprise import Instances, instance_of

if TYPE_CHECKING:
    from servers.tencent.api import Action, Call


@dataclass
class Link:
    """A VPC that is linked. It has no address before it is `Running`."""

    vpc: str
    subnet: str
    status: str = "Running"
    address: str = "10.0.0.7"


@dataclass
class Access:
    """Who gets through to one instance.

    `looks` is how often something that was begun is asked for until it is done. `dns` has what is
    said of the private DNS of a VPC, by the id of that and whether it is for the public domain.
    """

    status: str = "Closed"
    reason: str | None = None
    policies: list[tuple[str, str]] = field(default_factory=list)
    version: int = 1
    links: list[Link] = field(default_factory=list)
    dns: dict[tuple[str, bool], str] = field(default_factory=dict)
    looks: int = 2
    left: int = 0


@dataclass
class Networks:
    """The access of all instances, by their ids. `on` and `off` are the words for private DNS."""

    every: dict[str, Access] = field(default_factory=dict)
    on: str = "ENABLE"
    off: str = "DISABLE"

    def at(self, instance: str) -> Access:
        """Return that of one."""
        return self.every.setdefault(instance, Access())


def _access(call: Call) -> Access:
    return call.api.of(Networks).at(instance_of(call).id)


def _status(call: Call) -> dict[str, Any]:
    access = _access(call)
    if access.status == "Opening":
        access.left -= 1
        if access.left < 0:
            access.status = "Opened"
    return {"Status": access.status, "Reason": access.reason}


def _manage_endpoint(call: Call) -> dict[str, Any]:
    access, operation = _access(call), call.need("Operation")
    if operation == "Create":
        access.status, access.left = "Opening", access.looks
    elif operation == "Delete":
        access.status, access.policies = "Closed", []
    else:
        raise Refused("InvalidParameter", "Operation is Create or Delete.")
    return {"RegistryId": call.need("RegistryId")}


def _policies(call: Call) -> dict[str, Any]:
    access = _access(call)
    if access.status != "Opened":
        raise Refused("FailedOperation.GetSecurityPolicyFail", "There is no security policy.")
    shown = [
        {
            "PolicyIndex": index,
            "Description": note,
            "CidrBlock": block,
            "PolicyVersion": str(access.version),
        }
        for index, (block, note) in enumerate(access.policies)
    ]
    return {"SecurityPolicySet": shown or None}


def _create_policy(call: Call) -> dict[str, Any]:
    access = _access(call)
    if access.status != "Opened":
        raise Refused("FailedOperation.PreconditionFailed", "The public endpoint isn't open.")
    access.policies.insert(0, (call.need("CidrBlock"), call.get("Description", "")))
    access.version += 1
    return {"RegistryId": call.need("RegistryId")}


def _modify_policy(call: Call) -> dict[str, Any]:
    access = _access(call)
    access.policies[call.need("PolicyIndex")] = (call.need("CidrBlock"), call.get("Description"))
    access.version += 1
    return {"RegistryId": call.need("RegistryId")}


def _delete_policy(call: Call) -> dict[str, Any]:
    access = _access(call)
    if call.get("PolicyVersion") != str(access.version):
        raise Refused("FailedOperation", "The list is another one by now.")
    left = [each for each in access.policies if each[0] != call.need("CidrBlock")]
    if len(left) == len(access.policies):
        raise Refused("ResourceNotFound")
    access.policies = left
    access.version += 1
    return {"RegistryId": call.need("RegistryId")}


def _links(call: Call) -> dict[str, Any]:
    access = _access(call)
    shown = [
        {
            "VpcId": link.vpc,
            "SubnetId": link.subnet,
            "Status": link.status,
            "AccessIp": link.address if link.status == "Running" else None,
        }
        for link in access.links
    ]
    for link in access.links:
        link.status = "Running" if link.status == "Pending" else link.status
    access.links = [link for link in access.links if link.status != "Deleting"]
    return {"AccessVpcSet": shown or None, "TotalCount": len(shown)}


def _manage_link(call: Call) -> dict[str, Any]:
    access, vpc, subnet = _access(call), call.need("VpcId"), call.need("SubnetId")
    there = [link for link in access.links if (link.vpc, link.subnet) == (vpc, subnet)]
    if call.need("Operation") == "Create":
        if there:
            raise Refused("FailedOperation", "The VPC is linked already.")
        access.links.append(Link(vpc, subnet, "Pending"))
    else:
        for link in there:
            link.status = "Deleting"
    return {"RegistryId": call.need("RegistryId")}


def _access_by_instance(call: Call, instance: str) -> Access:
    known = {each.id: each.region for each in call.api.of(Instances).every}
    if known.get(instance) != call.region:
        raise Refused("ResourceNotFound", f"{instance} isn't in {call.region}.")
    return call.api.of(Networks).at(instance)


def _dns_status(call: Call) -> dict[str, Any]:
    networks = call.api.of(Networks)
    shown = []
    for asked in call.need("VpcSet"):
        access = _access_by_instance(call, asked["InstanceId"])
        key = asked["VpcId"], bool(asked.get("UsePublicDomain"))
        shown.append(
            {
                "Region": call.region,
                "VpcId": asked["VpcId"],
                "Status": access.dns.get(key, networks.off),
            }
        )
    return {"VpcSet": shown}


def _dns(call: Call) -> tuple[Access, tuple[str, bool]]:
    access = _access_by_instance(call, call.need("InstanceId"))
    vpc = call.need("VpcId")
    if not any(link.vpc == vpc and link.address == call.need("EniLBIp") for link in access.links):
        raise Refused("InvalidParameter", "No such link.")
    return access, (vpc, bool(call.get("UsePublicDomain")))


def _create_dns(call: Call) -> dict[str, Any]:
    access, key = _dns(call)
    access.dns[key] = call.api.of(Networks).on
    return {}


def _delete_dns(call: Call) -> dict[str, Any]:
    access, key = _dns(call)
    access.dns.pop(key, None)
    return {}


ACTIONS: dict[str, Action] = {
    "CreateInternalEndpointDns": _create_dns,
    "CreateSecurityPolicy": _create_policy,
    "DeleteInternalEndpointDns": _delete_dns,
    "DeleteSecurityPolicy": _delete_policy,
    "DescribeExternalEndpointStatus": _status,
    "DescribeInternalEndpointDnsStatus": _dns_status,
    "DescribeInternalEndpoints": _links,
    "DescribeSecurityPolicies": _policies,
    "ManageExternalEndpoint": _manage_endpoint,
    "ManageInternalEndpoint": _manage_link,
    "ModifySecurityPolicy": _modify_policy,
}
