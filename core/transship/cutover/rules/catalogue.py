"""All checks, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from transship.cutover.finding import Phase
from transship.cutover.rules import (
    after,
    certificates,
    change,
    content,
    credentials,
    issuing,
    lifetimes,
    names,
    registry,
    resolvers,
    rollback,
    servers,
    signing,
    statements,
    target,
    zone,
)
from transship.cutover.rules.case import Case
from transship.cutover.rules.wording import Verdict

Rule = Callable[[Case], Verdict]

NAMES, TARGET, PARITY, WATCH, OPERATOR = "names", "target", "parity", "watch", "operator"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it is called, when it matters, where its evidence comes from, and its rule.

    `needs` are the observers: `names` (DNS), `target` (TLS and registry), `parity`, `watch` (what
    was seen over time), `operator` (`questions`, by their ids). `must`: while it is open, nothing
    may be changed.
    """

    id: str
    title: str
    phase: Phase
    needs: tuple[str, ...]
    rule: Rule
    must: bool = True
    questions: tuple[str, ...] = ()


def _before(
    name: str, title: str, rule: Rule, *needs: str, must: bool = True, ask: str = ""
) -> Check:
    return Check(name, title, Phase.BEFORE, needs, rule, must, tuple(ask.split()))


def _change(name: str, title: str, rule: Rule, *needs: str) -> Check:
    return Check(name, title, Phase.CHANGE, needs, rule, must=False)


def _after(name: str, title: str, rule: Rule, *needs: str, ask: str = "") -> Check:
    return Check(name, title, Phase.AFTER, needs, rule, False, tuple(ask.split()))


GO = "P-35"
"""The last check before the change is made of all the others: see `judging`."""

CHECKS = (
    _before("P-01", "The name is one that DNS can move", names.name),
    _before("P-02", "The zone, and the name's place in it", zone.zone_and_apex, NAMES,
            ask="apex-record"),
    _before("P-03", "Every name server serves the zone", servers.delegation, NAMES, must=False),
    _before("P-04", "The name servers' copies are the same", servers.serials, NAMES, must=False),
    _before("P-05", "The record can be read, to be put back", zone.record_today, NAMES,
            ask="record-exported"),
    _before("P-06", "DNS shows what the provider keeps", names.flattening, NAMES, must=False,
            ask="provider-value"),
    _before("P-07", "The TTL is low, and the old one has run out", lifetimes.ttl_ready, NAMES,
            WATCH, ask="ttl-before"),
    _before("P-08", "The name has a record of its own", names.wildcard, NAMES, must=False),
    _before("P-09", "Nothing puts the record back", names.ownership, NAMES, OPERATOR,
            ask="automation"),
    _before("P-10", "The target knows the domain", target.attached, TARGET),
    _before("P-11", "The target's name leads somewhere", target.leads_somewhere, NAMES),
    _before("P-12", "Something listens at every address", target.reachable, TARGET),
    _before("P-13", "A certificate for the name", certificates.certificate, TARGET),
    _before("P-14", "Names in the certificate", certificates.names_inside, TARGET),
    _before("P-15", "The certificate outlives the change", certificates.expiry, TARGET,
            ask="renewal"),
    _before("P-16", "The whole chain is sent", certificates.full_chain, TARGET),
    _before("P-17", "Nodes trust the certificate", certificates.trusted_by_nodes, TARGET, OPERATOR,
            ask="node-trust"),
    _before("P-18", "Who may issue certificates (CAA)", issuing.authorities, NAMES, must=False),
    _before("P-19", "Version of TLS", certificates.versions, TARGET, must=False),
    _before("P-20", "A registry answers under the name", registry.api, TARGET),
    _before("P-21", "It says how to sign in", registry.challenge, TARGET),
    _before("P-22", "The token server survives the change", registry.realm, TARGET),
    _before("P-23", "The token allows to pull", registry.token, TARGET),
    _before("P-24", "Sign-ins in use work at the target", credentials.in_use, TARGET, OPERATOR,
            ask="node-secrets"),
    _before("P-25", "Late nodes can sign in at the old side", credentials.new_at_old, TARGET,
            must=False),
    _before("P-26", "The same paths", content.paths, TARGET),
    _before("P-27", "The same digests under every tag", content.parity, PARITY),
    _before("P-28", "Where layers come from", content.blob_hosts, TARGET, ask="node-egress"),
    _before("P-29", "A whole image, pulled and hashed", content.sample_pull, TARGET),
    _before("P-30", "Pushes by this name", statements.pushes, OPERATOR, must=False,
            ask="push-path"),
    _before("P-31", "No private view of the name", resolvers.private_views, NAMES, OPERATOR,
            ask="private-zones"),
    _before("P-32", "Nothing goes before DNS", statements.overrides, NAMES, OPERATOR, must=False,
            ask="node-overrides consumers"),
    _before("P-33", "Signatures (DNSSEC)", signing.signed, NAMES),
    _before("P-34", '"No such name" is soon forgotten', zone.negative_ttl, NAMES, must=False),
    _before(GO, "All is ready", lambda _: Verdict(), OPERATOR, ask="old-kept pushes"),
    _change("F-01", "Every name server says the new value", change.everywhere, NAMES, WATCH),
    _change("F-02", "The record isn't gone", change.missing, NAMES, WATCH),
    _change("F-03", "No dot was forgotten", change.forgotten_dot, NAMES),
    _change("F-04", "The value is what was planned", change.typed_right, NAMES, TARGET, WATCH),
    _change("F-05", "Nothing else is left at the name", change.nothing_else, NAMES),
    _change("F-06", "The new record is rightly signed", signing.signed_anew, NAMES),
    _change("F-07", "The domain doesn't dangle", change.dangling, NAMES),
    _after("W-01", "Resolvers have moved", resolvers.grid, WATCH),
    _after("W-02", "IPv4 and IPv6 lead to one side", resolvers.families, NAMES),
    _after("W-03", "The same from everywhere", resolvers.places, NAMES, OPERATOR,
           ask="geo-samples"),
    _after("W-04", "No resolver lengthens the TTL", resolvers.clamps, NAMES, WATCH),
    _after("W-05", "Resolvers answer", resolvers.refusing, NAMES),
    _after("W-06", "Caches that are late", resolvers.hurrying, NAMES, WATCH),
    _after("W-07", "Expired answers", resolvers.stale, NAMES, WATCH),
    _after("W-08", "Nobody pulls from the old side", after.old_traffic, OPERATOR,
           ask="old-traffic"),
    _after("V-01", "Pulls by the domain", after.real_pulls, TARGET, WATCH),
    _after("V-02", "The new registry answers", after.answering_side, TARGET, WATCH),
    _after("V-03", "Nothing was left behind", content.parity_after, PARITY),
    _after("V-04", "The certificate, by the domain", after.certificate_by_name, TARGET),
    _after("V-05", "The old side has been quiet", after.old_quiet, OPERATOR, ask="old-traffic"),
    _after("V-06", "The TTL is raised again", after.ttl_back, NAMES),
    _after("V-07", "Cleared up", after.clearing_up, OPERATOR),
    _after("R-01", "Reasons to go back", rollback.reasons, NAMES, TARGET, WATCH),
    _after("R-02", "How long going back takes", rollback.duration, NAMES, WATCH),
    _after("R-03", "What going back would hide", rollback.losses, PARITY),
    _after("R-04", "What going back needs", rollback.conditions, TARGET),
)  # fmt: skip
"""Every check there is, each once."""

BY_ID = {check.id: check for check in CHECKS}
