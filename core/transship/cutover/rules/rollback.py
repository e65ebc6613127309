"""The way back: whether to take it, how long it takes, what it would cost, what it needs."""

from __future__ import annotations

from transship.cutover.evidence import LISTED, Certificate
from transship.cutover.finding import Finding, Severity
from transship.cutover.rules import after, change, content, signing
from transship.cutover.rules.case import (
    Case,
    elsewhere,
    has_begun,
    leads_to_target,
    ttl_served,
)
from transship.cutover.rules.registry import probes
from transship.cutover.rules.wording import (
    Verdict,
    block,
    info,
    judged,
    listed,
    span,
    unknown,
    warn,
    when,
)
from transship.text import counted

_CHANGE = "the change"
_RED = (change.missing, signing.signed_anew, change.dangling, after.real_pulls)


def reasons(case: Case) -> Verdict:
    """R-01: nothing that was seen asks for going back.

    A record that is gone counts as changed: a change may do that and nothing else.
    """
    begun = has_begun(case) or any(leads_to_target(case, e.values) for e in case.history)
    if not begun and not change.missing(case).findings:
        return unknown(_CHANGE)
    red = [f for rule in _RED for f in rule(case).findings if f.severity is Severity.BLOCK]
    seen = [f.seen for f in red]
    refused = after.refused(case)
    if refused:
        seen.append(f"The new registry refuses {listed(refused)}, which nodes use.")
    hosts = [f for f in content.blob_hosts(case).findings if f.severity is Severity.BLOCK]
    seen += [f.seen for f in hosts]
    if not seen:
        return judged([], "nothing asks for it")
    finding = warn(
        "go-back",
        " ".join(seen[:3]),
        "Pulls fail, or are about to.",
        "If it can't be put right within two minutes, put the old record back.",
    )
    return judged([finding], "")


def duration(case: Case) -> Verdict:
    """R-02: how long the way back takes: the new record's TTL, and what resolvers add to it."""
    ttl = ttl_served(case)
    if ttl is None:
        return unknown("the record, from a name server")
    new = [e.ttl for e in case.history if leads_to_target(case, e.values)]
    begun = has_begun(case)
    today, ttl = ttl, ttl if begun else case.subject.new_ttl([ttl])
    rules = max([ttl, *new])
    held = [s.ttl for s in case.samples if leads_to_target(case, s.values)]
    seen = max([rules, *held])
    words = f"{span(rules)} by the rules" + (f", {span(seen)} as seen" if seen > rules else "")
    if not begun:
        whose = "today's TTL" if ttl == today else "the new record's TTL"
        return judged([], f"with {whose}: {words}")
    finding = info(
        "way-back-takes",
        f"Put back now, the old record is everywhere by {when(case.now + rules)}"
        f"{f', at slow resolvers by {when(case.now + seen)}' if seen > rules else ''}.",
        f"Going back takes {words}.",
    )
    return judged([finding], words)


def losses(case: Case) -> Verdict:
    """R-03: nothing would be hidden by going back: no tag is at the new registry alone."""
    compared = case.evidence.parity
    if (
        compared is None
        or compared.source != LISTED
        or (not compared.compared and not compared.different)
    ):
        return unknown("a comparison of the tags of both registries")
    safe_ones = {*compared.had, *compared.to_old}
    different = [pair for pair in compared.different if pair not in safe_ones]
    only = [pair for pair in different if pair.new and not pair.old]
    other = [pair for pair in different if pair.new and pair.old]
    found: list[Finding | None] = []
    if only:
        count = counted(len(only), "tag is", "tags are")
        found.append(
            block(
                "would-hide-tags",
                f"{count} at the new registry only: "
                f"{listed(f'{pair.repository}:{pair.tag}' for pair in only)}.",
                f"Going back now would hide {counted(len(only), 'tag')}: pulls of them would fail.",
                "Copy them to the old registry first, then go back.",
            )
        )
    if other:
        found.append(
            warn(
                "would-change-tags",
                f"{counted(len(other), 'tag means', 'tags mean')} something else on each side: "
                f"{listed(f'{pair.repository}:{pair.tag}' for pair in other)}.",
                "After going back nodes would get the old registry's images under them.",
                "Decide for each which one is right; nothing is overwritten without being asked.",
            )
        )
    needs = f"the tags that couldn't be compared ({compared.error})" if compared.error else ""
    return judged(found, "no tag would be hidden", needs, taken=compared.at)


def conditions(case: Case) -> Verdict:
    """R-04: the old registry still answers under the domain, with a certificate and a sign-in."""
    seen = probes(case, "old")
    shakes = elsewhere(case, case.evidence.handshakes)
    if not seen and not shakes:
        return unknown("a look at the old registry under the domain's name")
    found = [_gone(case), _unbound(case), _refuses(case), _ends(case)]
    answers = listed(p.address for p in seen if p.registry)
    words = f"the old registry answers at {answers or listed(h.address for h in shakes)}"
    return judged(found, words, taken=max([p.at for p in seen] + [h.at for h in shakes]))


def _gone(case: Case) -> Finding | None:
    seen = probes(case, "old")
    if not seen or any(probe.status for probe in seen):
        return None
    return block(
        "old-gone",
        listed(f"{p.address}: {p.error or 'no answer'}" for p in seen) + ".",
        "The old registry doesn't answer: going back would make every pull fail.",
        "Bring it up again before going back. Until then, don't.",
    )


def _unbound(case: Case) -> Finding | None:
    seen = [probe for probe in probes(case, "old") if probe.status]
    if not seen or any(probe.registry for probe in seen):
        return None
    return block(
        "old-unbound",
        f"{listed(f'{p.address}: {p.status}' for p in seen)}, and no registry, under the domain's "
        "name.",
        "The domain isn't bound to the old registry any more. Some services let one owner only "
        "have a name: moving it back there may take long.",
        "Bind it there again first. Never take the old binding away before V-05.",
    )


def _refuses(case: Case) -> Finding | None:
    tried = [p for p in probes(case, "old") if p.in_use and p.accepted is not None]
    if not tried or any(probe.accepted for probe in tried):
        return None
    return block(
        "old-sign-in-refused",
        f"The old registry refuses {listed(p.credential for p in tried)}, which nodes use.",
        "After going back nodes would get 401.",
        "Make that sign-in good there again, or keep the old pull secrets on the nodes.",
    )


def _ends(case: Case) -> Finding | None:
    chain: dict[str, Certificate] = {
        each.fingerprint: each
        for shake in elsewhere(case, case.evidence.handshakes)
        for each in shake.chain
    }
    first = min(chain.values(), key=lambda each: each.not_after, default=None)
    if first is None or not first.not_after < case.now + case.subject.window:
        return None
    over = first.not_after < case.now
    return (block if over else warn)(
        "old-certificate-ends",
        f"The old registry's certificate {'ended' if over else 'ends'} at {when(first.not_after)}.",
        "Going back after that makes every pull fail. HTTP-01 can't renew it while the domain "
        "leads elsewhere.",
        "Renew it there, by DNS-01.",
    )
