"""DNS providers: recognised by their servers, and an edit in the words of each. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from transship.cutover.evidence import RecordSet


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """A DNS provider. `flattens`: may show addresses where a name is kept (ALIAS, proxy)."""

    id: str
    title: str
    servers: str = ""
    flattens: bool = False


_KNOWN_PROVIDERS = (
    KnownProvider(
        "route53", "Amazon Route 53", r"\.awsdns-\d+\.(com|net|org|co\.uk)$", flattens=True
    ),
    KnownProvider("cloudflare", "Cloudflare", r"\.ns\.cloudflare\.com$", flattens=True),
    KnownProvider(
        "dnspod", "Tencent Cloud DNSPod", r"\.(dnspod\.(net|com)|dnsv\d\.com|dnspod\.cn)$"
    ),
    KnownProvider("alidns", "Alibaba Cloud DNS", r"\.(hichina|alidns|aliyun)\.com$"),
    KnownProvider("azure", "Azure DNS", r"\.azure-dns\.(com|net|org|info)$", flattens=True),
    KnownProvider("google", "Google Cloud DNS", r"\.(googledomains|google)\.com$", flattens=True),
    KnownProvider("gandi", "Gandi", r"\.gandi\.net$", flattens=True),
    KnownProvider("ovh", "OVHcloud", r"\.(ovh\.(net|ca|com)|anycast\.me)$"),
)

GENERIC_PROVIDER = KnownProvider("generic", "a DNS server of your own")


def provider_of(servers: Iterable[str]) -> KnownProvider:
    """Return whose name servers these are: the provider of most of them, else the generic one."""
    names = [name.rstrip(".").lower() for name in servers]
    counts = {
        each: sum(bool(re.search(each.servers, n)) for n in names) for each in _KNOWN_PROVIDERS
    }
    best = max(counts, key=lambda each: counts[each])
    return best if counts[best] * 2 > len(names) else GENERIC_PROVIDER


_Records = Sequence[RecordSet]

_Steps = Callable[[str, str, _Records, _Records], tuple[str, ...]]


def edit_steps(
    provider: KnownProvider, name: str, zone: str, old: _Records, new: _Records
) -> tuple[str, ...]:
    """Return the steps that bring the name from the old records to the new ones."""
    return _STEPS.get(provider.id, _generic)(name, zone, old, new)


def relative_name(name: str, zone: str) -> str:
    """Return the name as consoles want it: the part before the zone, `@` for its top."""
    if not zone:
        return name
    return "@" if name == zone else name.removesuffix(f".{zone}")


def _by_hand(
    name: str, zone: str, old: _Records, new: _Records, *, path: str, dot: bool, extra: str = ""
) -> tuple[str, ...]:
    """Return the steps for a console with a row for each record."""
    host = relative_name(name, zone)
    steps = [f"Open {path}, zone {zone}."]
    if len(old) == len(new) == 1 and old[0].type == new[0].type:
        steps.append(f"Edit the {old[0].type} record of {host}; don't delete it.")
        steps.append(f"Value: {_value(new[0], dot=dot)} (it was {_value(old[0], dot=dot)}).")
    else:
        steps += [f"Take away: {host} {r.type} {_value(r, dot=dot)}" for r in old]
        steps += [f"Put there at once: {host} {r.type} {_value(r, dot=dot)}" for r in new]
    steps.append(f"TTL: {new[0].ttl if new else 60}. Save.")
    return (*steps, *([extra] if extra else []))


def _value(records: RecordSet, *, dot: bool) -> str:
    values = [v if dot or records.type not in ("CNAME", "ALIAS") else v.rstrip(".")
              for v in records.values]  # fmt: skip
    return ", ".join(values)


def _console(path: str, *, dot: bool, extra: str = "") -> _Steps:
    def steps(name: str, zone: str, old: _Records, new: _Records) -> tuple[str, ...]:
        return _by_hand(name, zone, old, new, path=path, dot=dot, extra=extra)

    return steps


def _route53(name: str, zone: str, old: _Records, new: _Records) -> tuple[str, ...]:
    """One change batch: DELETE of exactly what is there, and CREATE; all of it or nothing."""
    if any(records.type == "ALIAS" for records in (*old, *new)):
        return _by_hand(
            name,
            zone,
            old,
            new,
            path="Route 53, Hosted zones",
            dot=False,
            extra="ALIAS leads only to AWS resources and names of the same zone: otherwise use A "
            "and AAAA.",
        )
    changes = [_aws("DELETE", records) for records in old]
    changes += [_aws("CREATE", records) for records in new]
    batch = json.dumps({"Changes": changes}, separators=(",", ":"))
    return (
        "One change batch: it fails as a whole if the record isn't what it was.",
        "aws route53 change-resource-record-sets --hosted-zone-id ZONE-ID --change-batch "
        f"{shlex.quote(batch)}",
        "Wait for INSYNC: aws route53 wait resource-record-sets-changed --id CHANGE-ID",
    )


def _aws(action: str, records: RecordSet) -> dict[str, object]:
    return {
        "Action": action,
        "ResourceRecordSet": {
            "Name": f"{records.name}.",
            "Type": records.type,
            "TTL": records.ttl,
            "ResourceRecords": [{"Value": value} for value in records.values],
        },
    }


def _azure(name: str, zone: str, old: _Records, new: _Records) -> tuple[str, ...]:
    if not (_is_cname(old) and _is_cname(new)):
        return _by_hand(name, zone, old, new, path="Azure portal, DNS zones", dot=False)
    target, host = shlex.quote(new[0].values[0].rstrip(".")), relative_name(name, zone)
    return (
        "The record set's value is replaced in one step:",
        f"az network dns record-set cname set-record -g RESOURCE-GROUP -z {zone} -n {host} "
        f"-c {target} --ttl {new[0].ttl}",
    )


def _google(name: str, zone: str, old: _Records, new: _Records) -> tuple[str, ...]:
    if any(records.type == "ALIAS" for records in (*old, *new)):
        return _by_hand(name, zone, old, new, path="Cloud DNS, Zones", dot=True)
    if len(old) == len(new) == 1 and old[0].type == new[0].type:
        return (
            "The record set's value is replaced in one step:",
            f"gcloud dns record-sets update {name}. --zone=ZONE --type={new[0].type} "
            f"--ttl={new[0].ttl} --rrdatas={shlex.quote(','.join(new[0].values))}",
        )
    lines = ["gcloud dns record-sets transaction start --zone=ZONE"]
    for verb, records in [*(("remove", r) for r in old), *(("add", r) for r in new)]:
        values = " ".join(shlex.quote(value) for value in records.values)
        lines.append(
            f"gcloud dns record-sets transaction {verb} {values} --zone=ZONE --name={name}. "
            f"--type={records.type} --ttl={records.ttl}"
        )
    return ("One transaction:", *lines, "gcloud dns record-sets transaction execute --zone=ZONE")


def _generic(name: str, zone: str, old: _Records, new: _Records) -> tuple[str, ...]:
    """For BIND (and whatever takes RFC 2136), Knot and PowerDNS, which alone of them has ALIAS."""
    if any(records.type == "ALIAS" for records in (*old, *new)):
        return ("PowerDNS (with expand-alias):", *_pdnsutil(name, zone, old, new))
    return (
        "BIND and others that take updates (RFC 2136):",
        *_nsupdate(name, zone, old, new),
        "Knot:",
        *_knot(name, zone, old, new),
        "PowerDNS:",
        *_pdnsutil(name, zone, old, new),
    )


def _nsupdate(name: str, zone: str, old: _Records, new: _Records) -> tuple[str, ...]:
    """Return an update that only happens if the old record is there.

    A CNAME takes the place of a CNAME by being added (RFC 2136, 3.4.2.2): some signed primaries
    take a deletion in the same message for the whole.
    """
    lines = ["nsupdate -k KEY-FILE", f"zone {zone}."]
    lines += [f"prereq yxrrset {name}. IN {r.type} {value}" for r in old for value in r.values]
    if not (_is_cname(old) and _is_cname(new)) and old:
        lines.append(f"update delete {name}.")
    lines += [f"update add {name}. {r.ttl} IN {r.type} {v}" for r in new for v in r.values]
    return (*lines, "send")


def _knot(name: str, zone: str, old: _Records, new: _Records) -> tuple[str, ...]:
    host = relative_name(name, zone)
    lines = [f"knotc zone-begin {zone}"]
    lines += [f"knotc zone-unset {zone} {host} {records.type}" for records in old]
    lines += [
        f"knotc zone-set {zone} {host} {r.ttl} {r.type} {shlex.quote(v)}"
        for r in new
        for v in r.values
    ]
    return (*lines, f"knotc zone-diff {zone}", f"knotc zone-commit {zone}")


def _pdnsutil(name: str, zone: str, old: _Records, new: _Records) -> tuple[str, ...]:
    host, kinds = relative_name(name, zone), {records.type for records in new}
    lines = [f"pdnsutil delete-rrset {zone} {host} {r.type}" for r in old if r.type not in kinds]
    for records in new:
        values = " ".join(shlex.quote(value) for value in records.values)
        lines.append(f"pdnsutil replace-rrset {zone} {host} {records.type} {records.ttl} {values}")
    return (*lines, f"pdnsutil increase-serial {zone}")


def _is_cname(records: _Records) -> bool:
    return [each.type for each in records] == ["CNAME"]


_STEPS: dict[str, _Steps] = {
    "route53": _route53,
    "cloudflare": _console(
        "the Cloudflare dashboard, DNS, Records",
        dot=False,
        extra="Proxy status: DNS only (grey cloud). Behind the proxy, uploads are limited in size.",
    ),
    "dnspod": _console("the DNSPod console (DNS resolution)", dot=False),
    "alidns": _console("the Alibaba Cloud DNS console (Resolution settings)", dot=False),
    "azure": _azure,
    "google": _google,
    "gandi": _console("Gandi, Domain, DNS Records", dot=True),
    "ovh": _console(
        "the OVHcloud control panel, Web Cloud, Domain names, DNS zone",
        dot=True,
        extra="The target needs the dot at its end here.",
    ),
}
