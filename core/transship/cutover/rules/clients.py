"""What clients have of their own: sign-ins, pushes, what goes before DNS on nodes.

P-24, P-25, P-30 and P-32; and what has to be agreed before the change.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from transship.cutover.evidence import UploadProbe
from transship.cutover.finding import (
    CheckVerdict,
    Finding,
    block,
    info,
    judged,
    listed,
    passed,
    unknown,
    warn,
)
from transship.cutover.questions import parsed_answer
from transship.cutover.rules.case import Case, as_address, normalized_name
from transship.cutover.rules.target import probes_of


def check_credentials_in_use(case: Case) -> CheckVerdict:
    """P-24: a sign-in that nodes have under the domain's name works at the target."""
    seen = [p for p in probes_of(case) if p.registry]
    if not seen:
        return unknown("a look at the registry at the target, under the domain's name")
    tried = [p for p in seen if p.credential and p.accepted is not None]
    held = [p for p in tried if p.in_use]
    taken = min(p.at for p in seen)
    refused = list(dict.fromkeys(p.credential for p in held if not p.accepted))
    accepted = list(dict.fromkeys(p.credential for p in held if p.accepted))
    given = parsed_answer(case.evidence, "node-secrets")
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


def check_credentials_at_old(case: Case) -> CheckVerdict:
    """P-25: late nodes that still reach the old registry can sign in there."""
    tried = [p for p in probes_of(case, "old") if p.credential and p.accepted is not None]
    taken_new = {p.credential for p in probes_of(case) if p.credential and p.accepted}
    if not tried or not taken_new:
        return unknown("the same sign-ins, tried at the old registry too")
    good = {p.credential for p in tried if p.accepted}
    missing = sorted({p.credential for p in tried if not p.accepted} & taken_new - good)
    if not missing:
        return judged([], "what the new registry takes, the old one takes too")
    given = parsed_answer(case.evidence, "node-secrets")
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


AGREEMENTS = ("old-kept", "pushes")
"""What has to be agreed before the change, whatever was seen."""


def check_pushes(case: Case) -> CheckVerdict:
    """P-30: pushes by this name work at the target, if there are any."""
    push = case.evidence.push
    if push is not None:
        return judged([_pushed(case, push)], f"uploads go to {push.location}", taken=push.at)
    given = parsed_answer(case.evidence, "push-path")
    if given is None:
        return unknown("whether anything is pushed by this name (question push-path)")
    if given.good:
        return passed(given.seen)
    finding = warn(
        "push-untried",
        f"{given.seen}.",
        "Pushes may fail after the change: for want of the right to, or because uploads are sent "
        "to another name.",
        "Let this check begin an upload to a repository at the target, or push there once by its "
        "own name.",
    )
    return judged([finding], "")


def _pushed(case: Case, push: UploadProbe) -> Finding | None:
    if push.error:
        return warn(
            "push-fails",
            f"An upload to {push.repository} at {push.address}: {push.error}.",
            "Pushes by this name would fail after the change.",
            "Give the sign-in the right to push, or let pushes go elsewhere.",
        )
    try:
        host = urlsplit(push.location).hostname or ""
    except ValueError:
        host = push.location
    if not host or normalized_name(host) == normalized_name(case.name):
        return None
    old = normalized_name(host) == normalized_name(case.subject.old.partition(":")[0])
    return (warn if old else info)(
        "push-elsewhere",
        f"Uploads are sent to {push.location}.",
        "That is the old registry: pushes would go there, or fail."
        if old
        else "Pushes need that host too.",
        "Set the new registry's external URL to the domain." if old else "",
    )


def check_overrides(case: Case) -> CheckVerdict:
    """P-32: nothing goes before DNS, here or on nodes."""
    found = (_hosts_file(case), _unlike_dns(case), _on_nodes(case), _consumers(case))
    still = [
        name
        for name in ("node-overrides", "consumers")
        if (given := parsed_answer(case.evidence, name)) is None or given.good is None
    ]
    needs = f"what nodes and others have of their own (question {listed(still)})" if still else ""
    return judged(found, "no override here or on nodes", needs)


def _hosts_file(case: Case) -> Finding | None:
    lines = case.evidence.hosts
    if not lines:
        return None
    return warn(
        "hosts-line",
        f"/etc/hosts here: {listed(lines, 3)}.",
        "This machine doesn't ask DNS for the domain: what it pulls says nothing of the change, "
        "and nodes made from the same image may have the line too.",
        "Take the line away here, and look for it on nodes.",
    )


def _unlike_dns(case: Case) -> Finding | None:
    evidence = case.evidence
    chains = [chain for chain in (evidence.today, evidence.target) if chain]
    known = {as_address(a) for chain in chains for a in chain.addresses}
    known |= {as_address(a) for v in evidence.resolvers for s in v.samples for a in s.addresses}
    known |= {as_address(a) for v in evidence.resolvers if v.ipv6 for a in v.ipv6.addresses}
    strange = [a for a in evidence.local if as_address(a) not in known]
    if not strange or evidence.hosts or not known:
        return None
    return warn(
        "local-differs",
        f"Programs here get {listed(strange, 3)} for the domain; DNS doesn't say so.",
        "Something goes before DNS: a search domain with a wildcard, a name service, a VPN.",
        "Find it with: getent ahosts " + case.name,
    )


def _on_nodes(case: Case) -> Finding | None:
    given = parsed_answer(case.evidence, "node-overrides")
    if given is None or given.good is not False:
        return None
    return warn(
        "node-overrides",
        f"On a node: {given.seen}.",
        "What stands there goes before DNS: such nodes don't follow the change, or follow a mirror "
        "with an address of its own.",
        "Change these lines in the same step, or take them away before. hosts.toml needs no "
        "restart.",
    )


def _consumers(case: Case) -> Finding | None:
    given = parsed_answer(case.evidence, "consumers")
    if given is None or given.good is not False:
        return None
    return warn(
        "consumers-unknown",
        f"Other users of the name: {given.seen}.",
        "Proxy caches, mirrors and build hosts have DNS caches, sign-ins and open connections of "
        "their own.",
        "Look through the old registry's access log for clients that aren't nodes.",
    )


def missing_agreements(case: Case) -> list[str]:
    """Return what is still to be agreed before the change."""
    given = {name: parsed_answer(case.evidence, name) for name in AGREEMENTS}
    return [name for name, read in given.items() if read is None or not read.good]
