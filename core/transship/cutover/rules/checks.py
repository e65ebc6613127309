"""All checks, in the order in which they are shown, and what makes of them whether to go on.

The gates of the change and of the rollback say what still stands in the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from transship.cutover.domain import Subject
from transship.cutover.evidence import Evidence, Statement
from transship.cutover.finding import (
    CheckOutcome,
    CheckResult,
    CheckVerdict,
    Finding,
    Phase,
    Severity,
    listed,
    passed,
    unknown,
)
from transship.cutover.questions import ACCEPTED_PREFIX
from transship.cutover.rules import (
    certificates,
    change,
    clients,
    content,
    nameservers,
    resolvers,
    target,
    verification,
    zone,
)
from transship.cutover.rules.case import Case
from transship.cutover.rules.clients import missing_agreements
from transship.cutover.timeline import Sample, Served
from transship.text import counted

CheckRule = Callable[[Case], CheckVerdict]

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
    rule: CheckRule
    must: bool = True
    questions: tuple[str, ...] = ()


def _before(
    name: str, title: str, rule: CheckRule, *needs: str, must: bool = True, ask: str = ""
) -> Check:
    return Check(name, title, Phase.BEFORE, needs, rule, must, tuple(ask.split()))


def _change(name: str, title: str, rule: CheckRule, *needs: str) -> Check:
    return Check(name, title, Phase.CHANGE, needs, rule, must=False)


def _after(name: str, title: str, rule: CheckRule, *needs: str, ask: str = "") -> Check:
    return Check(name, title, Phase.AFTER, needs, rule, False, tuple(ask.split()))


READY_CHECK = "P-35"
"""The last check before the change is made of all the others: see `judging`."""

CHECKS = (
    _before("P-01", "The name is one that DNS can move", zone.check_name),
    _before("P-02", "The zone, and the name's place in it", zone.check_zone_and_apex, NAMES,
            ask="apex-record"),
    _before("P-03", "Every name server serves the zone", nameservers.check_delegation, NAMES,
            must=False),
    _before("P-04", "The name servers' copies are the same", nameservers.check_serials, NAMES,
            must=False),
    _before("P-05", "The record can be read, to be put back", zone.check_record_today, NAMES,
            ask="record-exported"),
    _before("P-06", "DNS shows what the provider keeps", zone.check_flattening, NAMES, must=False,
            ask="provider-value"),
    _before("P-07", "The TTL is low, and the old one has run out", zone.check_ttl_ready, NAMES,
            WATCH, ask="ttl-before"),
    _before("P-08", "The name has a record of its own", zone.check_wildcard, NAMES, must=False),
    _before("P-09", "Nothing puts the record back", zone.check_ownership, NAMES, OPERATOR,
            ask="automation"),
    _before("P-10", "The target knows the domain", target.check_attachment, TARGET),
    _before("P-11", "The target's name leads somewhere", target.check_target_name, NAMES),
    _before("P-12", "Something listens at every address", target.check_reachability, TARGET),
    _before("P-13", "A certificate for the name", certificates.check_certificate, TARGET),
    _before("P-14", "Names in the certificate", certificates.check_certificate_names, TARGET),
    _before("P-15", "The certificate outlives the change", certificates.check_certificate_expiry,
            TARGET, ask="renewal"),
    _before("P-16", "The whole chain is sent", certificates.check_full_chain, TARGET),
    _before("P-17", "Nodes trust the certificate", certificates.check_node_trust, TARGET, OPERATOR,
            ask="node-trust"),
    _before("P-18", "Who may issue certificates (CAA)", certificates.check_issuers, NAMES,
            must=False),
    _before("P-19", "Version of TLS", certificates.check_tls_versions, TARGET, must=False),
    _before("P-20", "A registry answers under the name", target.check_api, TARGET),
    _before("P-21", "It says how to sign in", target.check_challenge, TARGET),
    _before("P-22", "The token server survives the change", target.check_realm, TARGET),
    _before("P-23", "The token allows to pull", target.check_token, TARGET),
    _before("P-24", "Sign-ins in use work at the target", clients.check_credentials_in_use,
            TARGET, OPERATOR,
            ask="node-secrets"),
    _before("P-25", "Late nodes can sign in at the old side", clients.check_credentials_at_old,
            TARGET, must=False),
    _before("P-26", "The same paths", content.check_paths, TARGET),
    _before("P-27", "The same digests under every tag", content.check_parity, PARITY),
    _before("P-28", "Where layers come from", content.check_blob_hosts, TARGET, ask="node-egress"),
    _before("P-29", "A whole image, pulled and hashed", content.check_sample_pull, TARGET),
    _before("P-30", "Pushes by this name", clients.check_pushes, OPERATOR, must=False,
            ask="push-path"),
    _before("P-31", "No private view of the name", resolvers.check_private_views, NAMES, OPERATOR,
            ask="private-zones"),
    _before("P-32", "Nothing goes before DNS", clients.check_overrides, NAMES, OPERATOR, must=False,
            ask="node-overrides consumers"),
    _before("P-33", "Signatures (DNSSEC)", nameservers.check_signed, NAMES),
    _before("P-34", '"No such name" is soon forgotten', zone.check_negative_ttl, NAMES, must=False),
    _before(READY_CHECK, "All is ready", lambda _: CheckVerdict(), OPERATOR, ask="old-kept pushes"),
    _change("F-01", "Every name server says the new value", change.check_changed_everywhere,
           NAMES, WATCH),
    _change("F-02", "The record isn't gone", change.check_record_missing, NAMES, WATCH),
    _change("F-03", "No dot was forgotten", change.check_forgotten_dot, NAMES),
    _change("F-04", "The value is what was planned", change.check_planned_value, NAMES, TARGET,
           WATCH),
    _change("F-05", "Nothing else is left at the name", change.check_nothing_else, NAMES),
    _change("F-06", "The new record is rightly signed", nameservers.check_new_signatures, NAMES),
    _change("F-07", "The domain doesn't dangle", change.check_dangling, NAMES),
    _after("W-01", "Resolvers have moved", resolvers.check_resolvers_moved, WATCH),
    _after("W-02", "IPv4 and IPv6 lead to one side", resolvers.check_address_families, NAMES),
    _after("W-03", "The same from everywhere", resolvers.check_places, NAMES, OPERATOR,
           ask="geo-samples"),
    _after("W-04", "No resolver lengthens the TTL", resolvers.check_ttl_clamps, NAMES, WATCH),
    _after("W-05", "Resolvers answer", resolvers.check_resolvers_answer, NAMES),
    _after("W-06", "Caches that are late", resolvers.check_late_caches, NAMES, WATCH),
    _after("W-07", "Expired answers", resolvers.check_stale_answers, NAMES, WATCH),
    _after("W-08", "Nobody pulls from the old side", verification.check_old_traffic, OPERATOR,
           ask="old-traffic"),
    _after("V-01", "Pulls by the domain", verification.check_pulls_by_name, TARGET, WATCH),
    _after("V-02", "The new registry answers", verification.check_answering_side, TARGET, WATCH),
    _after("V-03", "Nothing was left behind", content.check_parity_after, PARITY),
    _after("V-04", "The certificate, by the domain", verification.check_certificate_by_name,
           TARGET),
    _after("V-05", "The old side has been quiet", verification.check_old_quiet, OPERATOR,
           ask="old-traffic"),
    _after("V-06", "The TTL is raised again", verification.check_ttl_raised, NAMES),
    _after("V-07", "Cleared up", verification.check_cleanup, OPERATOR),
    _after("R-01", "Reasons to go back", change.check_rollback_reasons, NAMES, TARGET, WATCH),
    _after("R-02", "How long going back takes", change.check_rollback_duration, NAMES, WATCH),
    _after("R-03", "What going back would hide", change.check_rollback_losses, PARITY),
    _after("R-04", "What going back needs", change.check_rollback_conditions, TARGET),
)  # fmt: skip
"""Every check there is, each once."""

CHECKS_BY_ID = {check.id: check for check in CHECKS}

_ORDER = (Severity.BLOCK, Severity.WARN, Severity.INFO)

_ROLLBACK_CHECKS = "R-"


@dataclass(frozen=True, slots=True)
class ChangeGate:
    """What still stands in the way of a step.

    `blocks` have to be put right, `open` to be found out, `unaccepted` are warnings that somebody
    has to acknowledge.
    """

    blocks: tuple[Finding, ...] = ()
    open: tuple[CheckResult, ...] = ()
    unaccepted: tuple[Finding, ...] = ()

    @property
    def clear(self) -> bool:
        """Whether the step may be made."""
        return not (self.blocks or self.open or self.unaccepted)


def run_checks(
    subject: Subject,
    evidence: Evidence,
    now: float,
    *,
    history: Sequence[Served] = (),
    samples: Sequence[Sample] = (),
) -> tuple[CheckResult, ...]:
    """Return every check of the catalogue, in its order, each with its findings, the worst first.

    `history` is what each name server said over time (`case.observed`), `samples` what resolvers
    did (`case.sampled`). What there is no evidence for comes out as open.
    """
    case = Case(subject, evidence, now, tuple(history), tuple(samples))
    results = [
        _result(check, check.rule(case), evidence) for check in CHECKS if check.id != READY_CHECK
    ]
    ready = _result(CHECKS_BY_ID[READY_CHECK], _ready(case, results), evidence)
    return tuple(sorted([*results, ready], key=lambda each: _PLACES[each.check]))


_PLACES = {check.id: place for place, check in enumerate(CHECKS)}


def change_gate(results: Iterable[CheckResult], statements: Sequence[Statement] = ()) -> ChangeGate:
    """Return what still stands in the way of the change.

    Checks before the change count, and those of the record as it is now. A warning counts until it
    is acknowledged (`accepted`). A check that is open counts if nothing may be changed without it.
    """
    before = [
        r
        for r in results
        if r.check in CHECKS_BY_ID and CHECKS_BY_ID[r.check].phase is not Phase.AFTER
    ]
    findings = [finding for result in before for finding in result.findings]
    taken = {s.question for s in statements if s.answer.strip()}
    return ChangeGate(
        blocks=tuple(f for f in findings if f.severity is Severity.BLOCK),
        open=tuple(r for r in before if r.needs and CHECKS_BY_ID[r.check].must),
        unaccepted=tuple(
            f for f in findings if f.severity is Severity.WARN and _acceptance(f) not in taken
        ),
    )


def rollback_gate(results: Iterable[CheckResult]) -> ChangeGate:
    """Return what stands in the way of going back. Only what it would hide or break counts."""
    mine = [r for r in results if r.check.startswith(_ROLLBACK_CHECKS)]
    return ChangeGate(
        blocks=tuple(f for r in mine for f in r.findings if f.severity is Severity.BLOCK),
        open=tuple(r for r in mine if r.needs),
    )


def acknowledge(finding: Finding, at: float, by: str = "") -> Statement:
    """Return the statement that acknowledges a warning, with what was seen when it was given."""
    return Statement(_acceptance(finding), finding.seen or "yes", at, by)


def _acceptance(finding: Finding) -> str:
    return f"{ACCEPTED_PREFIX}{finding.check}/{finding.id}"


def _result(check: Check, verdict: CheckVerdict, evidence: Evidence) -> CheckResult:
    found = sorted(verdict.findings, key=lambda each: _ORDER.index(each.severity))
    findings = tuple(replace(each, check=check.id) for each in found)
    grave = any(each.severity is not Severity.INFO for each in findings)
    if grave:
        outcome = CheckOutcome.FINDING
    elif verdict.needs:
        outcome = CheckOutcome.OPEN
    else:
        outcome = CheckOutcome.FINDING if findings else CheckOutcome.PASS
    seen = findings[0].seen if findings and (grave or not verdict.seen) else verdict.seen
    taken = evidence.taken if verdict.taken is None else verdict.taken
    return CheckResult(
        check.id,
        check.title,
        check.phase,
        outcome,
        findings,
        seen,
        verdict.needs,
        None if outcome is CheckOutcome.OPEN and not seen else taken,
    )


def _ready(case: Case, results: Sequence[CheckResult]) -> CheckVerdict:
    """P-35: all that has to be green is, warnings are acknowledged, and the rest is agreed."""
    gate = change_gate(results, case.evidence.statements)
    parts = []
    if gate.blocks:
        parts.append(f"{listed((f.check for f in gate.blocks), 8)} to be put right")
    if gate.open:
        parts.append(f"{listed((r.check for r in gate.open), 8)} to be found out")
    if gate.unaccepted:
        parts.append(f"{listed((f.check for f in gate.unaccepted), 8)} to be acknowledged")
    still = missing_agreements(case)
    if still:
        parts.append(f"an agreement (question {listed(still)})")
    if parts:
        count = len(gate.blocks) + len(gate.open) + len(gate.unaccepted) + len(still)
        return unknown("; ".join(parts), f"{counted(count, 'thing')} left before the change")
    return passed("everything that blocks is out of the way")
