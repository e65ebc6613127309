"""The registry at the target, asked under the domain's name: its API and its token server."""

from __future__ import annotations

from collections.abc import Sequence

from transship.cutover.evidence import ApiProbe, Realm
from transship.cutover.finding import Finding
from transship.cutover.rules.case import Case, as_address, plain, target_addresses
from transship.cutover.rules.wording import (
    Verdict,
    block,
    info,
    judged,
    listed,
    unknown,
    warn,
)

SIGN_IN_REFUSED = ("wrong-credential", "no-right", "sign-in-needed", "token-expired")
_NEEDS = "a look at the registry at the target, under the domain's name"
_REDIRECTS = (301, 302, 303, 307, 308)


def probes(case: Case, side: str = "new") -> list[ApiProbe]:
    """Return the probes of one side's addresses."""
    return [probe for probe in case.evidence.probes if probe.side == side]


def cause_of(error: str) -> str:
    """Return the name of the cause that an error in evidence begins with."""
    return error.partition(":")[0].strip()


def api(case: Case) -> Verdict:
    """P-20: at every address a registry answers under the domain's name (distribution spec)."""
    seen = probes(case)
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


def challenge(case: Case) -> Verdict:
    """P-21: who isn't signed in is told how to (RFC 9110, 11.6.1)."""
    seen = [p for p in probes(case) if p.registry or p.status == 401]
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


def realm(case: Case) -> Verdict:
    """P-22: the token server isn't the old registry, and works under the domain's name."""
    seen = [probe for probe in probes(case) if probe.registry]
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
    own = any(plain(r.host) == plain(case.subject.domain.host) for r in realms)
    words = f"tokens from {hosts}{', tried at the target' if own else ''}"
    return judged(found, words, taken=min(p.at for p in seen))


def _realm(case: Case, each: Realm) -> list[Finding]:
    host = plain(each.host.rsplit(":", 1)[0] if each.host.count(":") == 1 else each.host)
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
    names = {plain(case.subject.old.partition(":")[0])}
    today, target = case.evidence.today, case.evidence.target
    if today:
        names |= {plain(value) for link in today.links for value in link.values}
    new = {plain(case.name), plain(case.subject.points_at), plain(case.subject.new.split(":")[0])}
    if target:
        new |= {plain(value) for link in target.links for value in link.values}
    return names - new - {""}


def _old_addresses(case: Case, host: str, each: Realm) -> list[str]:
    """Return where a token server is, if that is nowhere but at the old registry's addresses."""
    new = target_addresses(case)
    if host == plain(case.name) or case.evidence.today is None or not new:
        return []
    old = {as_address(a) for a in case.evidence.today.addresses}
    old -= {as_address(a) for a in new}
    is_old = bool(each.addresses) and all(as_address(a) in old for a in each.addresses)
    return list(each.addresses) if is_old else []


def token(case: Case) -> Verdict:
    """P-23: the token that comes back holds the right to pull (distribution's token spec)."""
    seen = [p for p in probes(case) if p.registry]
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
