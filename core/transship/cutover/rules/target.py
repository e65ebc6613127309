"""The new registry as the domain's target: attached, reachable, its API, its token server.

P-10 to P-12 and P-20 to P-23; by what was seen, and by what its service says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from transship.cutover.evidence import ApiProbe, Chain, Handshake, ServiceReport, TokenRealm
from transship.cutover.finding import (
    CheckVerdict,
    Finding,
    Severity,
    block,
    info,
    judged,
    listed,
    unknown,
    utc_text,
    warn,
)
from transship.cutover.rules.case import (
    Case,
    as_address,
    at_target,
    is_ipv6,
    is_private,
    is_synthesized,
    normalized_name,
    target_addresses,
)
from transship.registry.attachment import Attached, Attachment, AttachmentMessage
from transship.text import safe

SIGN_IN_REFUSED = ("wrong-credential", "no-right", "sign-in-needed", "token-expired")

_NEEDS = "a look at the registry at the target, under the domain's name"

_REDIRECTS = (301, 302, 303, 307, 308)


def probes_of(case: Case, side: str = "new") -> list[ApiProbe]:
    """Return the probes of one side's addresses."""
    return [probe for probe in case.evidence.probes if probe.side == side]


def cause_of(error: str) -> str:
    """Return the name of the cause that an error in evidence begins with."""
    return error.partition(":")[0].strip()


def check_api(case: Case) -> CheckVerdict:
    """P-20: at every address a registry answers under the domain's name (distribution spec)."""
    seen = probes_of(case)
    if not seen:
        return unknown(_NEEDS)
    by_address: dict[str, ApiProbe] = {}
    for probe in seen:
        if probe.address not in by_address or probe.registry:
            by_address[probe.address] = probe
    bad = [probe for probe in by_address.values() if not probe.registry]
    groups: dict[str, list[ApiProbe]] = {}
    for probe in bad:
        groups.setdefault(_kind(probe), []).append(probe)
    found: list[Finding | None] = [_answer(case, kind, group) for kind, group in groups.items()]
    found.append(_proxy(seen))
    tried = {as_address(a) for a in by_address}
    unseen = [a for a in target_addresses(case) if as_address(a) not in tried]
    needs = f"an answer of {listed(unseen)} to GET /v2/" if unseen else ""
    statuses = listed(str(p.status) for p in by_address.values() if p.status)
    return judged(found, f"GET /v2/: {statuses}", needs, min(p.at for p in seen))


def _kind(probe: ApiProbe) -> str:
    if not probe.status:
        return "no-answer"
    if probe.status in _REDIRECTS:
        return "redirect"
    if probe.status == 421 or probe.status == 404:
        return "default-host"
    if probe.status == 403:
        return "forbidden"
    return "server-failed" if probe.status >= 500 else "not-a-registry"


def _answer(case: Case, kind: str, group: Sequence[ApiProbe]) -> Finding:
    first = group[0]
    where = listed(probe.address for probe in group)
    location = dict(first.headers).get("location", "")
    host = case.subject.domain.host
    what = f"{where}: GET /v2/ for {host} gives {first.status or first.error or 'nothing'}"
    means, remedy = {
        "no-answer": (
            "No registry answers there under this name: pulls would fail.",
            "Look at the findings on TLS and the certificate first, then at the access list.",
        ),
        "redirect": (
            "Clients follow it when they read, and drop the sign-in on the way: pulls of private "
            "images fail with 401.",
            "Let the registry answer under this name itself, without a redirect.",
        ),
        "default-host": (
            "A default host or a load balancer answers, and no registry: the domain isn't bound "
            "to it there.",
            "Bind the domain to the registry: virtual host, ingress rule, or custom domain.",
        ),
        "forbidden": (
            "An access list or a firewall refuses, before it comes to a sign-in.",
            "Allow the clients' networks in the new registry's access list. If only they are "
            "allowed, run the check from there.",
        ),
        "server-failed": (
            "The registry, or what is in front of it, fails.",
            "Look at the new registry's state and its logs.",
        ),
        "not-a-registry": (
            "What answers there doesn't speak the registry API.",
            "Look whether the address and the port are the registry's.",
        ),
    }[kind]
    to = f", to {location}" if kind == "redirect" and location else ""
    return block(f"api-{kind}", f"{what}{to}.", means, remedy)


def _proxy(seen: Sequence[ApiProbe]) -> Finding | None:
    proxies = {probe.proxy for probe in seen if probe.proxy}
    if not proxies:
        return None
    return info(
        "proxy-passed-by",
        f"The environment names a proxy for this domain ({listed(sorted(proxies))}); it was passed "
        "by.",
        "A proxy looks the name up by itself. Nodes that use one see the change when it does.",
        "Ask for the proxy's DNS cache, and try one pull through it after the change.",
    )


def check_challenge(case: Case) -> CheckVerdict:
    """P-21: who isn't signed in is told how to (RFC 9110, 11.6.1)."""
    seen = [p for p in probes_of(case) if p.registry or p.status == 401]
    if not seen:
        return unknown(_NEEDS)
    open_ = [p for p in seen if 200 <= p.status < 300 and not p.challenge]
    mute = [p for p in seen if p.status == 401 and not _scheme(p)]
    found = [
        block(
            "challenge-missing",
            f"{listed(p.address for p in mute)}: 401 without a usable WWW-Authenticate header "
            f"({listed(p.challenge or 'none' for p in mute)}).",
            "Clients don't learn where to sign in: every pull fails.",
            "A proxy in front seems to strip the header. Let it pass.",
        )
        if mute
        else None,
        info(
            "registry-open",
            f"{listed(p.address for p in open_)} asks for no sign-in at /v2/.",
            "Either everybody may read, or the registry asks later, for the repository.",
        )
        if open_
        else None,
    ]
    words = listed((_scheme(p) for p in seen if _scheme(p)), 3)
    return judged(found, words or "no sign-in asked for", taken=min(p.at for p in seen))


def _scheme(probe: ApiProbe) -> str:
    first = probe.challenge.split(" ", 1)[0].lower()
    return first if first in ("bearer", "basic") else ""


def check_realm(case: Case) -> CheckVerdict:
    """P-22: the token server isn't the old registry, and works under the domain's name."""
    seen = [probe for probe in probes_of(case) if probe.registry]
    if not seen:
        return unknown(_NEEDS)
    realms = list({p.realm.url: p.realm for p in seen if p.realm is not None}.values())
    if not realms:
        waiting = [p for p in seen if _scheme(p) == "bearer"]
        if waiting:
            return unknown("the token server that the registry names", waiting[0].error)
        return judged([], "no token server is needed", taken=min(p.at for p in seen))
    found = [finding for each in realms for finding in _realm(case, each)]
    hosts = listed(r.host or r.url for r in realms)
    own = any(normalized_name(r.host) == normalized_name(case.subject.domain.host) for r in realms)
    words = f"tokens from {hosts}{', tried at the target' if own else ''}"
    return judged(found, words, taken=min(p.at for p in seen))


def _realm(case: Case, each: TokenRealm) -> list[Finding]:
    host = normalized_name(each.host.rsplit(":", 1)[0] if each.host.count(":") == 1 else each.host)
    found = []
    if host in _old_hosts(case):
        found.append(
            block(
                "realm-is-old",
                f"The new registry sends clients to {each.url} for tokens.",
                f"{each.host} is the old registry, which is to be switched off: sign-ins would "
                "fail then, and may be refused already.",
                "Set the new registry's external URL (in Harbor: externalURL) to the domain or to "
                "its own name.",
            )
        )
    elif at_old := _old_addresses(case, host, each):
        found.append(
            warn(
                "realm-at-old",
                f"The new registry sends clients to {each.url} for tokens, at {listed(at_old)}, "
                "where the domain leads today.",
                "If that is the old registry, or goes when it goes, sign-ins fail from then on.",
                "Look at what answers there. If it belongs to the old side, set the new "
                "registry's external URL to the domain or to its own name.",
            )
        )
    if each.url.lower().startswith("http://"):
        found.append(
            block(
                "realm-without-tls",
                f"The new registry sends clients to {each.url} for tokens, without TLS.",
                "Clients refuse to send a sign-in there, or send it for anybody to read.",
                "Set the external URL to https.",
            )
        )
    refused = cause_of(each.error) in SIGN_IN_REFUSED
    if (each.error and not refused) or (each.status >= 500) or each.status == 404:
        found.append(
            block(
                "realm-broken",
                f"The token server {each.url} gives {each.error or each.status}.",
                "Nobody can sign in at the new registry: pulls fail with 401.",
                "Look whether that host exists, has a certificate for its name, and answers from "
                "here; or set the external URL right.",
            )
        )
    return found


def _old_hosts(case: Case) -> set[str]:
    """Return the old registry's names, but not the domain itself and what leads to the new one."""
    names = {normalized_name(case.subject.old.partition(":")[0])}
    today, target = case.evidence.today, case.evidence.target
    if today:
        names |= {normalized_name(value) for link in today.links for value in link.values}
    new = {
        normalized_name(case.name),
        normalized_name(case.subject.points_at),
        normalized_name(case.subject.new.split(":")[0]),
    }
    if target:
        new |= {normalized_name(value) for link in target.links for value in link.values}
    return names - new - {""}


def _old_addresses(case: Case, host: str, each: TokenRealm) -> list[str]:
    """Return where a token server is, if that is nowhere but at the old registry's addresses."""
    new = target_addresses(case)
    if host == normalized_name(case.name) or case.evidence.today is None or not new:
        return []
    old = {as_address(a) for a in case.evidence.today.addresses}
    old -= {as_address(a) for a in new}
    is_old = bool(each.addresses) and all(as_address(a) in old for a in each.addresses)
    return list(each.addresses) if is_old else []


def check_token(case: Case) -> CheckVerdict:
    """P-23: the token that comes back holds the right to pull (distribution's token spec)."""
    seen = [p for p in probes_of(case) if p.registry]
    if not seen:
        return unknown(_NEEDS)
    realms = [(p, p.realm) for p in seen if p.realm is not None]
    if not realms:
        if any(_scheme(p) == "bearer" for p in seen):
            return unknown("a token for a repository that clusters pull")
        return judged([], "no token is needed", taken=min(p.at for p in seen))
    told = [(p, r) for p, r in realms if r.repository and r.granted is not None]
    without = [(p, r) for p, r in told if "pull" not in (r.granted or ()) and p.credential]
    good = [(p, r) for p, r in told if "pull" in (r.granted or ())]
    if without and not good:
        who, each = without[0]
        finding = block(
            "token-without-pull",
            f"{who.credential} gets a token for {each.repository} that allows "
            f"{listed(each.granted or ()) or 'nothing'}.",
            "The sign-in works, but it has no right to pull: pulls fail with 403 or 401.",
            "Give that account the right to pull at the new registry.",
        )
        return judged([finding], "")
    taken = min(p.at for p in seen)
    if good:
        return judged([], f"pull of {good[0][1].repository} is granted", taken=taken)
    if any(p.accepted and r.granted is None and r.repository for p, r in realms):
        return judged([], "a token came, and can't be read from outside", taken=taken)
    return unknown("a repository that clusters pull, and a sign-in for it")


UNASKED = ("service-not-asked", "domain-unseen", "access-unseen")
"""The findings that tell what a service couldn't be asked for."""

_MAKERS = {Severity.BLOCK: block, Severity.WARN: warn, Severity.INFO: info}

_STATES: Mapping[Attached, str] = {
    Attached.WORKS: "works",
    Attached.BEGUN: "is being attached",
    Attached.FAILED: "couldn't be attached",
    Attached.GOING: "is being taken away",
    Attached.ABSENT: "isn't attached",
    Attached.UNKNOWN: "is in a state that isn't known",
}


def attachment_of(case: Case) -> Attachment | None:
    """Return what the service says of the domain, None where it wasn't or couldn't be asked."""
    told = case.evidence.service
    return told.attachment if told else None


def domain_findings(case: Case, *, answers: bool) -> tuple[Finding, ...]:
    """Return what follows for P-10. `answers`: a registry answers under the domain's name there.

    What answers isn't kept from the change by a service that doesn't know the name: something
    that does may stand in front of it.
    """
    told = case.evidence.service
    if told is None:
        return ()
    attachment = told.attachment
    if attachment is None:
        return (_not_asked(case, told),)
    found = map(_finding, attachment.says)
    if answers and attachment.state in (Attached.ABSENT, Attached.FAILED):
        return tuple(
            _softened(
                each,
                "A registry answers under the name there all the same: something that has the name "
                "may stand in front of it. Without that, every pull would fail.",
            )
            for each in found
        )
    return tuple(found)


def reach_findings(case: Case, *, answers: bool) -> tuple[Finding, ...]:
    """Return what follows for P-12. `answers`: something listens at an address of the target."""
    attachment = attachment_of(case)
    if attachment is None:
        return ()
    found = map(_finding, attachment.reach)
    if not answers:
        return tuple(found)
    return tuple(_softened(each, f"This machine gets through. {each.means}") for each in found)


def attachment_words(case: Case) -> str:
    """Return in a few words how the domain is at the service, empty where that isn't known."""
    told, attachment = case.evidence.service, attachment_of(case)
    if told is None or attachment is None:
        return ""
    said = f" ({attachment.said})" if attachment.said else ""
    ends = f" until {utc_text(attachment.expires)[:10]}" if attachment.expires is not None else ""
    with_it = f", with the certificate {attachment.certificate}{ends}"
    certificate = with_it if attachment.certificate else ""
    return f"{told.service} says: {case.name} {_STATES[attachment.state]}{said}{certificate}"


def _not_asked(case: Case, told: ServiceReport) -> Finding:
    return info(
        "service-not-asked",
        f"{told.service} couldn't be asked for {case.name}: {told.error}.",
        "What it knows of the name, its certificate and its network isn't in these checks; what "
        "is seen at the target's addresses is.",
        told.remedy,
    )


def _finding(said: AttachmentMessage) -> Finding:
    """Return a judgement as a finding. One of a severity that isn't known is a warning."""
    grave = {each.value: each for each in Severity}.get(said.severity, Severity.WARN)
    return _MAKERS[grave](said.id, said.seen, said.means, said.remedy)


def _softened(finding: Finding, means: str) -> Finding:
    if finding.severity is not Severity.BLOCK:
        return finding
    return replace(finding, severity=Severity.WARN, means=means)


def has_block(findings: Iterable[Finding]) -> bool:
    """Tell whether any of these stands in the way."""
    return any(each.severity is Severity.BLOCK for each in findings)


_NOT_HERE = ("refused", "timeout", "unreachable", "no resolver", "closed")

_MISMATCH = 62  # X509_V_ERR_HOSTNAME_MISMATCH

_UNKNOWN_NAME = "unrecognized name"

_ATTACH = {
    ".tencentcloudcr.com": "In TCR: Custom domain, add the name with a certificate from the SSL "
    "certificate service, and wait 1 to 2 minutes until its status is SUCCESS.",
    ".myhuaweicloud.com": "In SWR: add the name as a custom domain with a certificate, and wait 60 "
    "to 90 seconds.",
    ".azurecr.io": "ACR's custom domains are a private preview, and need a data domain for each "
    "region too; otherwise put a reverse proxy in front.",
    ".amazonaws.com": "ECR has no custom domains: put a reverse proxy in front.",
    ".cloudfront.net": "In CloudFront: add it as an alternate domain name with a certificate. If "
    "that fails with CNAMEAlreadyExists, another distribution still has it: move it from there "
    "(associate-alias).",
    ".pkg.dev": "Artifact Registry has no custom domains: put a reverse proxy in front.",
}


def check_attachment(case: Case) -> CheckVerdict:
    """P-10: the target knows the domain as one of its own.

    Where no service can be asked, a certificate for the name and a registry's answer under it are
    the proof. The new registry's own name has to lead there too, where the record holds another.
    """
    seen, elsewhere = _known_there(case), _elsewhere(case)
    verdict = _told(case, seen)
    return replace(verdict, findings=(*verdict.findings, elsewhere)) if elsewhere else verdict


def _told(case: Case, seen: CheckVerdict) -> CheckVerdict:
    """Return what was seen, with what the service says by its own API, which knows it better."""
    answers = not seen.findings and not seen.needs
    findings = domain_findings(case, answers=answers)
    attachment = attachment_of(case)
    if attachment is None or attachment.state is Attached.UNKNOWN:
        return replace(seen, findings=(*findings, *seen.findings))
    # Both tell of one and the same fault: the service says why.
    shown = () if has_block(findings) else seen.findings
    taken = attachment.at if seen.needs else seen.taken
    words = "; ".join(filter(None, (attachment_words(case), seen.seen)))
    return judged((*findings, *shown), words, taken=taken)


def _elsewhere(case: Case) -> Finding | None:
    target, named = case.evidence.target, case.evidence.named
    if target is None or named is None or not target.addresses:
        return None
    if set(named.addresses) & set(target.addresses) or _one_leads_to_other(named, target):
        return None
    if not named.addresses and named.error in _NOT_HERE:
        return None
    leads = listed(named.addresses, 3) or f"nowhere ({named.error or named.rcode})"
    return warn(
        "record-elsewhere",
        f"{named.start}, the new registry, leads to {leads}; {target.start}, what the record is to "
        f"hold, leads to {listed(target.addresses, 3)}.",
        "What is copied to the one may not be what pulls by the domain find at the other.",
        "Correct the one that is wrong. Acknowledge it if both are the same registry, as behind a "
        "load balancer.",
    )


def _one_leads_to_other(one: Chain, other: Chain) -> bool:
    """Tell whether two chains have a name in common."""
    names = [
        {normalized_name(c.start), *(normalized_name(v) for k in c.links for v in k.values)}
        for c in (one, other)
    ]
    return bool(names[0] & names[1])


def _known_there(case: Case) -> CheckVerdict:
    shakes = _own(case)
    probes = at_target(case, case.evidence.probes)
    spoken = [h for h in shakes if h.error in ("", _UNKNOWN_NAME)]
    if not spoken or not probes:
        return unknown("a look at the target under the domain's name, by TLS and HTTP")
    strange = [h for h in spoken if h.error or h.verify_code == _MISMATCH]
    if strange and not any(probe.registry for probe in probes):
        where = listed(h.address for h in strange)
        finding = block(
            "domain-not-attached",
            f"At {where} the target has no certificate for {case.name}, and no registry answers "
            "under it.",
            f"{case.name} isn't attached to {case.subject.new}: every pull would fail.",
            _how_to_attach(case),
        )
        return judged([finding], "")
    if not any(probe.registry for probe in probes):
        return unknown("a registry's answer under the domain's name (see P-20)")
    return judged([], f"a registry answers under {case.subject.domain.host}")


def _how_to_attach(case: Case) -> str:
    host = case.subject.new.partition(":")[0]
    known = next((text for end, text in _ATTACH.items() if host.endswith(end)), "")
    return known or (
        f"Add {case.name} to the new registry as a name of its own, with a certificate: virtual "
        "host, custom domain, or external URL. A service that wants to see the domain lead to it "
        "first can mostly be shown a TXT record instead, or takes a certificate of your own."
    )


def _own(case: Case) -> list[Handshake]:
    shakes = at_target(case, case.evidence.handshakes)
    return [h for h in shakes if normalized_name(h.name) == normalized_name(case.name)]


def check_target_name(case: Case) -> CheckVerdict:
    """P-11: what the domain is to point at has addresses, without a loop or a detour."""
    chain = case.evidence.target
    if chain is None:
        return unknown("a look at what the domain is to point at")
    back = _leads_back(case, chain)
    if back:
        return judged([back], "")
    if not chain.addresses:
        finding = _leads_nowhere(chain)
        if finding is None:
            return unknown(f"a resolver that answers here ({chain.error or chain.rcode})")
        return judged([finding], "")
    found = (_ipv6_lost(case, chain), _private(case, chain), _made_up(chain))
    return judged(found, f"{chain.start}: {listed(chain.addresses)}")


def _leads_back(case: Case, chain: Chain) -> Finding | None:
    passed_by = [
        normalized_name(chain.start),
        *(normalized_name(v) for link in chain.links for v in link.values),
    ]
    if normalized_name(case.name) not in passed_by:
        return None
    return block(
        "target-leads-back",
        f"{chain.start} leads back to {case.name}.",
        "With the change the name would point at itself, and at nothing else.",
        "Point the domain at the new registry's own name.",
    )


def _leads_nowhere(chain: Chain) -> Finding | None:
    end = (
        normalized_name(chain.links[-1].values[0]) if chain.links and chain.links[-1].values else ""
    )
    through = f" (it points to {end})" if end else ""
    if chain.error == "loop":
        seen = f"{chain.start}: its CNAMEs go round in a circle{through}."
        return block("target-loop", seen, "No pull would find an address.", "Repair the chain.")
    if chain.error == "too long":
        return block(
            "target-chain-too-long",
            f"{chain.start} leads through more than {len(chain.links) - 1} CNAMEs.",
            "Resolvers give up on chains as long as this, each at another length.",
            "Point the domain at a name nearer to the end of the chain.",
        )
    if chain.rcode == "NXDOMAIN":
        through = f", and {chain.start} leads there" if end else ""
        return block(
            "target-missing",
            f"{end or chain.start} doesn't exist{through}.",
            "The name is mistyped or was deleted. Pointing here makes a dangling record: somebody "
            "else could register the name, and serve your images.",
            "Correct the name, or create the instance, before the change.",
        )
    if chain.error in _NOT_HERE:
        return None
    return block(
        "target-without-address",
        f"{chain.start} has no address{through}: {chain.error or chain.rcode}.",
        "Every pull would fail.",
        "Look the name up in the new registry's console, and whether its public access is on.",
    )


def _ipv6_lost(case: Case, chain: Chain) -> Finding | None:
    today = case.evidence.today
    before = [a for a in today.addresses if is_ipv6(a) and not is_synthesized(a)] if today else []
    after = [a for a in chain.addresses if is_ipv6(a) and not is_synthesized(a)]
    if not before or after:
        return None
    return warn(
        "ipv6-lost",
        f"Today the domain has IPv6 ({listed(before, 2)}); the target has none.",
        "Nodes that have IPv6 only can't pull after the change.",
        "Give the target IPv6, or make sure that every node has IPv4, or NAT64.",
    )


def _private(case: Case, chain: Chain) -> Finding | None:
    inside = [a for a in chain.addresses if is_private(a)]
    today = case.evidence.today
    if not inside or today is None or not today.addresses or any(map(is_private, today.addresses)):
        return None
    return warn(
        "target-private",
        f"The target has private addresses ({listed(inside, 3)}); the domain has public ones.",
        "Only networks with a route there can pull after the change.",
        "Use the new registry's public name, or make sure that every client has that route.",
    )


def _made_up(chain: Chain) -> Finding | None:
    made = [a for a in chain.addresses if is_synthesized(a)]
    if not made:
        return None
    return info(
        "dns64",
        f"{listed(made, 2)} was made from an IPv4 address by a resolver here (DNS64).",
        "It isn't an address of the target's own.",
    )


def check_reachability(case: Case) -> CheckVerdict:
    """P-12: something listens at every address of the target, and lets in who pulls."""
    verdict = _listening(case)
    told = reach_findings(case, answers=_someone_listens(case))
    attachment = attachment_of(case)
    lets_in = attachment.lets_in if attachment else ""
    words = "; ".join(filter(None, (verdict.seen, lets_in)))
    return replace(verdict, findings=(*told, *verdict.findings), seen=safe(words))


def _someone_listens(case: Case) -> bool:
    shakes = at_target(case, case.evidence.handshakes)
    return bool(_sorted(target_addresses(case), shakes)[0])


def _listening(case: Case) -> CheckVerdict:
    addresses = target_addresses(case)
    if not addresses:
        return unknown("the addresses of the target")
    shakes = at_target(case, case.evidence.handshakes)
    open_, shut, away, unseen = _sorted(addresses, shakes)
    port = case.subject.domain.port
    found = [_shut(shut, port, any(not is_ipv6(a) for a in open_)), _away(away)]
    if unseen:
        return judged(found, "", f"a connection to {listed(unseen)}")
    if not open_ and not any(found[:1]):
        return judged(found, "", f"a machine with a way to {listed(away)}")
    taken = min((h.at for h in shakes), default=None)
    return judged(found, f"{listed(open_)}, port {port}", taken=taken)


def _sorted(
    addresses: Sequence[str], shakes: Sequence[Handshake]
) -> tuple[list[str], dict[str, str], list[str], list[str]]:
    open_: list[str] = []
    shut: dict[str, str] = {}
    away: list[str] = []
    unseen: list[str] = []
    for address in addresses:
        errors = [h.error for h in shakes if as_address(h.address) == as_address(address)]
        if not errors:
            unseen.append(address)
        elif any(error not in ("refused", "timeout", "unreachable") for error in errors):
            open_.append(address)
        elif "unreachable" in errors:
            away.append(address)
        else:
            shut[address] = errors[0]
    return open_, shut, away, unseen


def _shut(shut: dict[str, str], port: int, ipv4_works: bool) -> Finding | None:
    if not shut:
        return None
    seen = f"{listed(f'{a}: {why}' for a, why in shut.items())}, port {port}."
    if ipv4_works and all(map(is_ipv6, shut)):
        return warn(
            "ipv6-shut",
            seen,
            "Nodes with IPv6 try it first: they stall for half a minute on each pull, or fail.",
            "Open IPv6 at the target, or take its AAAA record away.",
        )
    return block(
        "target-shut",
        seen,
        "Pulls that pick this address fail.",
        "Look at the new registry's access list and firewall: is public access on, and are the "
        "clients' networks allowed? If it is open for them only, run the check from there.",
    )


def _away(away: Sequence[str]) -> Finding | None:
    if not away:
        return None
    why = "this machine has no IPv6" if all(map(is_ipv6, away)) else "there is no way from here"
    return info(
        "address-out-of-reach",
        f"{listed(away)}: not tried, {why}.",
        "Nothing is known of these addresses, good or bad.",
        "Run the check once from a machine that reaches them.",
    )
