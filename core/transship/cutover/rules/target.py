"""What the domain is to point at: that it exists, leads somewhere, and is there for the name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from transship.cutover.evidence import Chain, Handshake
from transship.cutover.finding import Finding
from transship.cutover.rules import service
from transship.cutover.rules.case import (
    Case,
    as_address,
    at_target,
    is_ipv6,
    is_made_up,
    is_private,
    plain,
    target_addresses,
)
from transship.cutover.rules.wording import (
    Verdict,
    block,
    info,
    judged,
    listed,
    unknown,
    warn,
)
from transship.registries.attachment import Attached
from transship.text import safe

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


def attached(case: Case) -> Verdict:
    """P-10: the target knows the domain as one of its own.

    Where no service can be asked, a certificate for the name and a registry's answer under it are
    the proof. The new registry's own name has to lead there too, where the record holds another.
    """
    seen, elsewhere = _known_there(case), _elsewhere(case)
    verdict = _told(case, seen)
    return replace(verdict, findings=(*verdict.findings, elsewhere)) if elsewhere else verdict


def _told(case: Case, seen: Verdict) -> Verdict:
    """Return what was seen, with what the service says by its own API, which knows it better."""
    answers = not seen.findings and not seen.needs
    findings = service.of_domain(case, answers=answers)
    attachment = service.attachment_of(case)
    if attachment is None or attachment.state is Attached.UNKNOWN:
        return replace(seen, findings=(*findings, *seen.findings))
    # Both tell of one and the same fault: the service says why.
    shown = () if service.blocks(findings) else seen.findings
    taken = attachment.at if seen.needs else seen.taken
    words = "; ".join(filter(None, (service.words(case), seen.seen)))
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
    names = [{plain(c.start), *(plain(v) for k in c.links for v in k.values)} for c in (one, other)]
    return bool(names[0] & names[1])


def _known_there(case: Case) -> Verdict:
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
    return [h for h in shakes if plain(h.name) == plain(case.name)]


def leads_somewhere(case: Case) -> Verdict:
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
    passed_by = [plain(chain.start), *(plain(v) for link in chain.links for v in link.values)]
    if plain(case.name) not in passed_by:
        return None
    return block(
        "target-leads-back",
        f"{chain.start} leads back to {case.name}.",
        "With the change the name would point at itself, and at nothing else.",
        "Point the domain at the new registry's own name.",
    )


def _leads_nowhere(chain: Chain) -> Finding | None:
    end = plain(chain.links[-1].values[0]) if chain.links and chain.links[-1].values else ""
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
    before = [a for a in today.addresses if is_ipv6(a) and not is_made_up(a)] if today else []
    after = [a for a in chain.addresses if is_ipv6(a) and not is_made_up(a)]
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
    made = [a for a in chain.addresses if is_made_up(a)]
    if not made:
        return None
    return info(
        "dns64",
        f"{listed(made, 2)} was made from an IPv4 address by a resolver here (DNS64).",
        "It isn't an address of the target's own.",
    )


def reachable(case: Case) -> Verdict:
    """P-12: something listens at every address of the target, and lets in who pulls."""
    verdict = _listening(case)
    told = service.of_reach(case, answers=_someone_listens(case))
    attachment = service.attachment_of(case)
    lets_in = attachment.lets_in if attachment else ""
    words = "; ".join(filter(None, (verdict.seen, lets_in)))
    return replace(verdict, findings=(*told, *verdict.findings), seen=safe(words))


def _someone_listens(case: Case) -> bool:
    shakes = at_target(case, case.evidence.handshakes)
    return bool(_sorted(target_addresses(case), shakes)[0])


def _listening(case: Case) -> Verdict:
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
