"""The sign-ins that nodes have: kept by host name, and the host name stays."""

from __future__ import annotations

from transship.cutover.finding import Finding
from transship.cutover.questions import reading
from transship.cutover.rules.case import Case
from transship.cutover.rules.registry import probes
from transship.cutover.rules.wording import (
    Verdict,
    block,
    info,
    judged,
    listed,
    unknown,
    warn,
)


def in_use(case: Case) -> Verdict:
    """P-24: a sign-in that nodes have under the domain's name works at the target."""
    seen = [p for p in probes(case) if p.registry]
    if not seen:
        return unknown("a look at the registry at the target, under the domain's name")
    tried = [p for p in seen if p.credential and p.accepted is not None]
    held = [p for p in tried if p.in_use]
    taken = min(p.at for p in seen)
    refused = list(dict.fromkeys(p.credential for p in held if not p.accepted))
    accepted = list(dict.fromkeys(p.credential for p in held if p.accepted))
    given = reading(case.evidence, "node-secrets")
    prepared = given is not None and given.good is True
    if accepted and not refused:
        return judged([], f"{listed(accepted)}: taken by the new registry", taken=taken)
    if accepted or (refused and prepared):
        finding = info(
            "some-sign-ins-refused",
            f"The new registry refuses {listed(refused)}.",
            "Nodes that have another sign-in for this name try that one too."
            if accepted
            else f"Nodes: {given.seen if given else ''}.",
        )
        return judged([finding], "", taken=taken)
    if refused:
        return judged([_refused(case, refused)], "", taken=taken)
    if all(200 <= p.status < 300 for p in seen):
        return judged([], "the new registry asks for no sign-in", taken=taken)
    if given and given.good is False:
        return judged([_unprepared(case)], "", taken=taken)
    return unknown("a sign-in that nodes use today under this name, to be tried", taken=taken)


def _record(case: Case) -> str:
    return (
        "kubectl -n NAMESPACE create secret generic images-new "
        "--type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=new.json\n"
        "kubectl -n NAMESPACE patch serviceaccount default --type=json -p "
        '\'[{"op":"add","path":"/imagePullSecrets/-","value":{"name":"images-new"}}]\'\n'
        f'# new.json: {{"auths": {{"{case.subject.domain.host}": {{"auth": "..."}}}}}}'
    )


def _refused(case: Case, names: list[str]) -> Finding:
    return block(
        "sign-in-refused",
        f"The new registry refuses {listed(names)}, which nodes use today.",
        "Pull secrets are kept by host name, and the name stays: at the moment of the change "
        "nodes get 401, although DNS, TLS and images are right.",
        "Before the change, add a second pull secret for the same host name with the new "
        "registry's sign-in; the kubelet tries each. Take the old one away after the time for "
        "going back. On docker hosts, where there is one only, make the old sign-in good there. "
        "The kubelet's credential providers don't know the domain: they go by the service's own "
        "host names.",
        _record(case),
    )


def _unprepared(case: Case) -> Finding:
    return block(
        "sign-in-not-prepared",
        f"Nodes don't have the new registry's sign-in under {case.subject.domain.host}.",
        "At the moment of the change they get 401.",
        "Add it as a second pull secret for the same host name before the change.",
        _record(case),
    )


def new_at_old(case: Case) -> Verdict:
    """P-25: late nodes that still reach the old registry can sign in there."""
    tried = [p for p in probes(case, "old") if p.credential and p.accepted is not None]
    taken_new = {p.credential for p in probes(case) if p.credential and p.accepted}
    if not tried or not taken_new:
        return unknown("the same sign-ins, tried at the old registry too")
    good = {p.credential for p in tried if p.accepted}
    missing = sorted({p.credential for p in tried if not p.accepted} & taken_new - good)
    if not missing:
        return judged([], "what the new registry takes, the old one takes too")
    given = reading(case.evidence, "node-secrets")
    seen = f"The old registry refuses {listed(missing)}, which the new one takes."
    if given and given.good and good:
        return judged([info("refused-by-old", seen, f"Nodes: {given.seen}.")], "")
    finding = warn(
        "refused-by-old",
        seen,
        "Nodes whose DNS is late still reach the old registry: with the new sign-in alone they get "
        "401 there, and after a way back all of them do.",
        "Keep both pull secrets until the time for going back is over.",
    )
    return judged([finding], "")
