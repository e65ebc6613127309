"""What is settled by asking, beside what was seen: pushes, overrides, and what was agreed."""

from __future__ import annotations

from urllib.parse import urlsplit

from transship.cutover.evidence import Push
from transship.cutover.finding import Finding
from transship.cutover.questions import reading
from transship.cutover.rules.case import Case, as_address, plain
from transship.cutover.rules.wording import (
    Verdict,
    info,
    judged,
    listed,
    passed,
    unknown,
    warn,
)

AGREED = ("old-kept", "pushes")
"""What has to be agreed before the change, whatever was seen."""


def pushes(case: Case) -> Verdict:
    """P-30: pushes by this name work at the target, if there are any."""
    push = case.evidence.push
    if push is not None:
        return judged([_pushed(case, push)], f"uploads go to {push.location}", taken=push.at)
    given = reading(case.evidence, "push-path")
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


def _pushed(case: Case, push: Push) -> Finding | None:
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
    if not host or plain(host) == plain(case.name):
        return None
    old = plain(host) == plain(case.subject.old.partition(":")[0])
    return (warn if old else info)(
        "push-elsewhere",
        f"Uploads are sent to {push.location}.",
        "That is the old registry: pushes would go there, or fail."
        if old
        else "Pushes need that host too.",
        "Set the new registry's external URL to the domain." if old else "",
    )


def overrides(case: Case) -> Verdict:
    """P-32: nothing goes before DNS, here or on nodes."""
    found = (_hosts_file(case), _unlike_dns(case), _on_nodes(case), _consumers(case))
    still = [
        name
        for name in ("node-overrides", "consumers")
        if (given := reading(case.evidence, name)) is None or given.good is None
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
    given = reading(case.evidence, "node-overrides")
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
    given = reading(case.evidence, "consumers")
    if given is None or given.good is not False:
        return None
    return warn(
        "consumers-unknown",
        f"Other users of the name: {given.seen}.",
        "Proxy caches, mirrors and build hosts have DNS caches, sign-ins and open connections of "
        "their own.",
        "Look through the old registry's access log for clients that aren't nodes.",
    )


def agreed(case: Case) -> list[str]:
    """Return what is still to be agreed before the change."""
    given = {name: reading(case.evidence, name) for name in AGREED}
    return [name for name, read in given.items() if read is None or not read.good]
