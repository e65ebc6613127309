"""A cutover with nothing wrong, and the means to spoil one thing of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from transship.cutover.domain import Domain, Subject
from transship.cutover.evidence import (
    THIS_MACHINE,
    ApiProbe,
    Chain,
    DnsAnswer,
    Evidence,
    Handshake,
    NamedPull,
    NameServer,
    Parity,
    PathProbe,
    Pull,
    RecordSet,
    ResolverView,
    Signature,
    Statement,
    TlsCertificate,
    TokenRealm,
    ZoneEvidence,
)
from transship.cutover.finding import CheckResult, Finding
from transship.cutover.rules.case import Case
from transship.cutover.rules.checks import run_checks
from transship.cutover.timeline import Sample, Served

NOW = 1_800_000_000.0
DAY = 86400.0
NAME, ZONE = "images.example.com", "example.com"
OLD, NEW = "registry.oldcloud.net.", "registry.newcloud.org."
OLD_AT, NEW_AT = "1.2.3.4", "5.6.7.8"
NS1, NS2 = ("ns1.example.com", "9.1.1.1"), ("ns2.example.com", "9.1.1.2")
TTL = 60
KINDS = ("CNAME", "A", "AAAA", "TXT", "CAA", "HTTPS", "SVCB", "MX", "NS", "DS", "SRV")

SUBJECT = Subject(Domain(NAME, shown=NAME), "registry.newcloud.org", "registry.oldcloud.net")


def record(kind: str, *values: str, ttl: int = TTL, name: str = NAME) -> RecordSet:
    return RecordSet(name, kind, ttl, tuple(sorted(values)))


def answer(kind: str, *records: RecordSet, name: str = NAME, **more: Any) -> DnsAnswer:
    given = {"rcode": "NOERROR", "authoritative": True, "at": NOW, **more}
    at = given.pop("at")
    server, address = given.pop("by", NS1)
    return DnsAnswer(name, kind, server, address, at, records=records, **given)


def soa(serial: int = 17, primary: str = "ns1.example.com.") -> RecordSet:
    value = f"{primary} admin.example.com. {serial} 3600 600 86400 300"
    return RecordSet(ZONE, "SOA", 300, (value,))


def server(
    who: tuple[str, str] = NS1,
    *records: RecordSet,
    serial: int = 17,
    primary: str = "ns1.example.com.",
    name: str = NAME,
    at: float = NOW,
) -> NameServer:
    """A server that serves the zone, with these records at the domain's name."""
    link = [r for r in records if r.type == "CNAME"]
    rcode = "NOERROR" if records else "NXDOMAIN"
    answers = tuple(
        answer(
            kind,
            *([r for r in records if r.type == kind] or link),
            by=who,
            rcode=rcode,
            name=name,
            at=at,
        )
        for kind in KINDS
    )
    top = answer("SOA", soa(serial, primary), name=ZONE, by=who)
    return NameServer(*who, top, replace(top, transport="tcp"), answers)


def broken(who: tuple[str, str], **more: Any) -> NameServer:
    """A server that doesn't serve the zone."""
    top = answer("SOA", name=ZONE, by=who, **{"authoritative": False, **more})
    return NameServer(*who, top, replace(top, transport="tcp"))


def zone(*servers: NameServer, **more: Any) -> ZoneEvidence:
    names = tuple(dict.fromkeys(each.name for each in servers))
    given: dict[str, Any] = {
        "parent_servers": names,
        "child_servers": names,
        "negative_ttl": 300,
        "parent": "com",
        "ds": answer("DS", name=ZONE, authoritative=True),
        **more,
    }
    return ZoneEvidence(ZONE, servers=servers, **given)


def at_both(*records: RecordSet, **more: Any) -> ZoneEvidence:
    """The zone with the same records at both servers."""
    return zone(server(NS1, *records), server(NS2, *records), **more)


def view(
    name: str = "office", *records: RecordSet, origin: str = "operator", **more: Any
) -> ResolverView:
    """A resolver that gives the domain's records, three times."""
    records = records or (record("CNAME", OLD), record("A", OLD_AT, name=OLD[:-1]))
    said = answer("A", *records, by=(name, "10.0.0.53"), authoritative=False, **more)
    no_ipv6 = answer("AAAA", *[r for r in records if r.type == "CNAME"], by=(name, "10.0.0.53"))
    nobody = answer("A", name="x.invalid", rcode="NXDOMAIN", by=(name, "10.0.0.53"))
    return ResolverView(name, "10.0.0.53", "udp", origin, (said,) * 3, no_ipv6, None, nobody)


def chain(start: str, *values: str, to: tuple[str, ...] = (), **more: Any) -> Chain:
    """Where a name leads, by the names of `values`."""
    names = [start, *(value.rstrip(".") for value in values)]
    links = [RecordSet(n, "CNAME", TTL, (v,)) for n, v in zip(names, values, strict=False)]
    return Chain(start, tuple(links), to, **more)


INTERMEDIATE = TlsCertificate(
    "CN=Some CA 1", "CN=Some Root", (), NOW - 900 * DAY, NOW + 900 * DAY, "i"
)


def leaf(*names: str, **more: Any) -> TlsCertificate:
    given: dict[str, Any] = {"not_before": NOW - DAY, "not_after": NOW + 90 * DAY, **more}
    return TlsCertificate(
        given.get("subject", f"CN={NAME}"),
        given.get("issuer", "CN=Some CA 1"),
        names,
        given["not_before"],
        given["not_after"],
        given.get("fingerprint", "leaf"),
    )


def shake(address: str = NEW_AT, **more: Any) -> Handshake:
    given: dict[str, Any] = {
        "chain": (leaf(NAME), INTERMEDIATE),
        "version": "TLSv1.3",
        "trust": "system",
        **more,
    }
    return Handshake(address, 443, NAME, NOW, **given)


def shakes(address: str = NEW_AT, **more: Any) -> tuple[Handshake, ...]:
    """What the authorities of this machine, and Mozilla's, say of one address."""
    return tuple(shake(address, **{"trust": trust, **more}) for trust in ("system", "certifi"))


REALM = TokenRealm(
    "https://registry.newcloud.org/token", "newcloud", "registry.newcloud.org", "team/app", 200
)


def probe(address: str = NEW_AT, **more: Any) -> ApiProbe:
    given: dict[str, Any] = {
        "status": 401,
        "registry": True,
        "challenge": 'Bearer realm="https://registry.newcloud.org/token",service="newcloud"',
        "realm": REALM,
        **more,
    }
    return ApiProbe(address, NOW, **given)


def signed_in(address: str = NEW_AT, who: str = "robot", **more: Any) -> ApiProbe:
    given: dict[str, Any] = {
        "credential": who,
        "accepted": True,
        "in_use": True,
        "realm": replace(REALM, granted=("pull",)),
        **more,
    }
    return probe(address, **given)


def said(question: str, text: str, at: float = NOW) -> Statement:
    return Statement(question, text, at, "op")


SAID = (
    said("automation", "none"),
    said("node-trust", "Verify return code: 0 (ok)"),
    said("node-overrides", "done"),
    said("consumers", "none"),
    said("private-zones", "none"),
    said("push-path", "no"),
    said("renewal", "automated"),
    said("old-kept", "2027-03-01"),
    said("pushes", "frozen"),
)


def clean_evidence() -> Evidence:
    link = record("CNAME", OLD)
    return Evidence(
        taken=NOW,
        zone=at_both(link),
        resolvers=(view("office"), view("Quad9", origin="public")),
        today=chain(NAME, OLD, to=(OLD_AT,)),
        target=chain("registry.newcloud.org", to=(NEW_AT,)),
        wildcard=answer("A", name="f00.example.com", rcode="NXDOMAIN"),
        ownership=tuple(
            answer("TXT", name=f"{mark}{NAME}", rcode="NXDOMAIN") for mark in ("", "cname-", "a-")
        ),
        authorities=tuple(
            answer("CAA", name=name)
            for name in (NAME, ZONE, "com", "registry.newcloud.org", "newcloud.org", "org")
        ),
        misspelt=(
            answer("CNAME", name=f"{NAME}.{ZONE}", rcode="NXDOMAIN"),
            answer("CNAME", name=f"registry.newcloud.org.{ZONE}", rcode="NXDOMAIN"),
        ),
        aliases=(answer("DNAME", name=ZONE),),
        local=(OLD_AT,),
        handshakes=(*shakes(), *shakes(OLD_AT, chain=(leaf(NAME, fingerprint="old"),))),
        probes=(probe(), signed_in(), signed_in(OLD_AT, side="old")),
        paths=(PathProbe("team/app", "1.0", "sha256:aa"),),
        pulls=(Pull("team/app:1.0", NEW_AT, NOW, 5_000_000, 3, (f"{NAME}:443",)),),
        parity=Parity(120, ()),
        statements=SAID,
    )


HISTORY = tuple(
    each
    for _, address in (NS1, NS2)
    for each in (
        Served(address, (OLD,), 3600, NOW - 3 * DAY, NOW - 2 * DAY),
        Served(address, (OLD,), TTL, NOW - 2 * DAY + 1, NOW),
    )
)

CLEAN = Case(SUBJECT, clean_evidence(), NOW, HISTORY)


def case(subject: Subject = SUBJECT, **evidence: Any) -> Case:
    """The clean case with other evidence in places. `history` and `samples` aren't evidence."""
    own = {key: evidence.pop(key) for key in ("now", "history", "samples") if key in evidence}
    return replace(CLEAN, subject=subject, evidence=replace(CLEAN.evidence, **evidence), **own)


FLIPPED = {
    "zone": at_both(record("CNAME", NEW)),
    "today": chain(NAME, NEW, to=(NEW_AT,)),
    "local": (NEW_AT,),
    "resolvers": (view("office", record("CNAME", NEW), record("A", NEW_AT, name=NEW[:-1])),),
    "history": (
        *HISTORY,
        *(Served(address, (NEW,), TTL, NOW, NOW + 600) for _, address in (NS1, NS2)),
    ),
    "now": NOW + 600,
}
"""The clean case ten minutes after the change; for `case(**FLIPPED)`."""


def by_name(address: str = NEW_AT, *by: str, **more: Any) -> NamedPull:
    """A pull by the domain itself, long after the change."""
    given: dict[str, Any] = {
        "at": NOW + 500,
        "image": f"{NAME}/team/app:1.0",
        "fingerprint": "leaf",
        "bytes": 5_000_000,
        "blobs": 3,
        **more,
    }
    return NamedPull(by or (THIS_MACHINE,), address=address, **given)


def moved(*names: str, values: tuple[str, ...] = (NEW,)) -> tuple[Sample, ...]:
    """Three answers of each of these resolvers, long after the change."""
    return tuple(Sample(n, values, 30, NOW + 300 + i) for n in names for i in range(3))


def result(of: Case, check: str) -> CheckResult:
    rows = run_checks(of.subject, of.evidence, of.now, history=of.history, samples=of.samples)
    return next(row for row in rows if row.check == check)


def found(of: Case, check: str) -> dict[str, str]:
    """The findings of one check: severity by id."""
    return {each.id: each.severity.value for each in result(of, check).findings}


def finding(of: Case, check: str, name: str) -> Finding:
    return next(each for each in result(of, check).findings if each.id == name)


def signature(address: str, **more: Any) -> Signature:
    given: dict[str, Any] = {"valid": True, "expires": NOW + 10 * DAY, **more}
    return Signature(address, **given)
