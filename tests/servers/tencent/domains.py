"""The actions of TCR that are about custom domains, and those of the SSL service behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servers.tencent.api import Refused
from servers.tencent.enterprise import Instances, instance_of, total
from servers.tencent.pages import by_entries

if TYPE_CHECKING:
    from servers.tencent.api import Action, Call


@dataclass
class Held:
    """A certificate in the SSL service; times are of GMT+8. `key` is what was uploaded with it."""

    id: str
    names: list[str]
    ends: str = "2027-01-01 07:59:59"
    status: int = 1
    alias: str | None = None
    national: bool = False
    key: str = field(default="", repr=False)


@dataclass
class Custom:
    """Custom domains, and certificates.

    `certificates_of` has the id of each domain's certificate by instance and name. `looks` is how
    often a domain is asked for until what was begun of it is done; -1 is never. `fails` are ids of
    certificates with which a domain comes out as FAILURE, `refused` those that aren't taken.
    `words` replaces the API's own words for how a domain is. `deleting` are certificates with how
    often that is asked for until it is done, `stays` is the status with which that fails, 0 for
    none.
    """

    held: list[Held] = field(default_factory=list)
    certificates_of: dict[tuple[str, str], str] = field(default_factory=dict)
    looks: int = 2
    left: dict[tuple[str, str], int] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    words: dict[str, str] = field(default_factory=dict)
    outages: int = 0
    deleting: dict[str, int] = field(default_factory=dict)
    stays: int = 0

    def hold(self, identity: str, names: Iterable[str], **more: Any) -> Held:
        """Put a certificate into the SSL service."""
        self.held.append(Held(identity, list(names), **more))
        return self.held[-1]


def _domains(call: Call) -> dict[str, Any]:
    custom, instance = call.api.of(Custom), instance_of(call)
    for name in list(instance.domains):
        _advance(custom, instance.id, name, instance.domains)
    found = [
        {
            "RegistryId": instance.id,
            "CertId": custom.certificates_of.get((instance.id, name), "cert"),
            "DomainName": name,
            "Status": custom.words.get(status, status),
        }
        for name, status in instance.domains.items()
    ]
    return {"TotalCount": total(call, len(found)), "DomainInfoList": by_entries(found, call)}


def _advance(custom: Custom, instance: str, name: str, domains: dict[str, str]) -> None:
    key = instance, name
    left = custom.left.get(key, 0)
    if domains[name] not in ("CREATING", "DELETING") or left < 0:
        return
    if left > 0:
        custom.left[key] = left - 1
    elif domains[name] == "DELETING":
        del domains[name]
    else:
        failed = custom.certificates_of[key] in custom.fails
        domains[name] = "FAILURE" if failed else "SUCCESS"


def _create(call: Call) -> dict[str, Any]:
    custom, instance = call.api.of(Custom), instance_of(call)
    name, identity = call.need("DomainName"), call.need("CertificateId")
    if name in instance.domains:
        raise Refused("FailedOperation", "The domain exists.")
    if not any(each.id == identity for each in custom.held):
        raise Refused("ResourceNotFound.CertificateNotFound", f"There is no {identity}.")
    if identity in custom.refused:
        raise Refused("FailedOperation.DependenceError", "The certificate can't be used.")
    instance.domains[name] = "CREATING"
    custom.certificates_of[instance.id, name] = identity
    custom.left[instance.id, name] = custom.looks
    return {}


def _delete(call: Call) -> dict[str, Any]:
    custom, instance, name = call.api.of(Custom), instance_of(call), call.need("DomainName")
    if name not in instance.domains:
        raise Refused("ResourceNotFound")
    custom.outages += instance.domains[name] == "SUCCESS"
    instance.domains[name] = "DELETING"
    custom.left[instance.id, name] = max(custom.looks, 0)
    return {}


def _certificates(call: Call) -> dict[str, Any]:
    found = call.api.of(Custom).held
    shown = [
        {
            "CertificateId": each.id,
            "Alias": each.alias,
            "CertificateType": "SVR",
            "Domain": each.names[0],
            "SubjectAltName": each.names,
            "CertEndTime": each.ends,
            "Status": each.status,
            "IsSM": each.national,
        }
        for each in by_entries(found, call)
    ]
    return {"TotalCount": len(found), "Certificates": shown}


def _upload(call: Call) -> dict[str, Any]:
    custom = call.api.of(Custom)
    identity = f"uploaded-{len(custom.held)}"
    names = sorted(_names_in(call.need("CertificatePublicKey")))
    custom.hold(identity, names, alias=call.get("Alias"), key=call.need("CertificatePrivateKey"))
    return {"CertificateId": identity}


def _names_in(chain: str) -> list[str]:
    from cryptography import x509

    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


def _delete_certificate(call: Call) -> dict[str, Any]:
    custom, identity = call.api.of(Custom), call.need("CertificateId")
    for instance in call.api.of(Instances).every:
        used = (custom.certificates_of.get((instance.id, name)) for name in instance.domains)
        if identity in used:
            raise Refused("FailedOperation.CertificateHasDependency")
    if not any(each.id == identity for each in custom.held):
        raise Refused("FailedOperation.CertificateNotFound")
    assert call.get("IsCheckResource"), "what uses it has to be looked at"
    custom.deleting[identity] = 1
    return {"DeleteResult": False, "TaskId": identity}


def _deletion(call: Call) -> dict[str, Any]:
    custom, results = call.api.of(Custom), []
    for identity in call.need("TaskIds"):
        custom.deleting[identity] -= 1
        status = 0 if custom.deleting[identity] >= 0 else custom.stays or 1
        if status == 1:
            custom.held = [each for each in custom.held if each.id != identity]
        results.append({"TaskId": identity, "CertId": identity, "Status": status, "Error": ""})
    return {"DeleteTaskResult": results}


ACTIONS: dict[str, Action] = {
    "CreateInstanceCustomizedDomain": _create,
    "DeleteCertificate": _delete_certificate,
    "DeleteInstanceCustomizedDomain": _delete,
    "DescribeCertificates": _certificates,
    "DescribeDeleteCertificatesTaskResult": _deletion,
    "DescribeInstanceCustomizedDomain": _domains,
    "UploadCertificate": _upload,
}
