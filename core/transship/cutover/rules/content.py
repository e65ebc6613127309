"""What is in the new registry: paths, tags, and whole images as a node would pull them."""

from __future__ import annotations

from collections.abc import Sequence

from transship.cutover.evidence import LISTED, Parity, PathProbe, TagPair
from transship.cutover.finding import (
    CheckVerdict,
    Finding,
    block,
    info,
    judged,
    listed,
    unknown,
    warn,
)
from transship.cutover.questions import parsed_answer
from transship.cutover.rules.case import Case, has_changed, normalized_name
from transship.cutover.rules.target import cause_of
from transship.text import bytes_text, counted

_MISSING = ("repository-not-found", "manifest-not-found")


def check_paths(case: Case) -> CheckVerdict:
    """P-26: what clusters pull has the same path at the target."""
    tried = case.evidence.paths
    if not tried:
        return unknown("repositories that clusters pull, to be tried at the target")
    bad = [path for path in tried if path.error or not path.digest]
    flat = [p for p in bad if "/" not in p.repository and not _is_network(p)]
    rest = [p for p in bad if p not in flat]
    found = (_flat(case, flat), _absent(rest))
    return judged(found, f"{counted(len(tried), 'path')} tried, all there")


def _is_network(path: PathProbe) -> bool:
    return bool(path.error) and cause_of(path.error) not in (*_MISSING, "no-right")


def _flat(case: Case, bad: Sequence[PathProbe]) -> Finding | None:
    if not bad:
        return None
    host = case.subject.domain.host
    return block(
        "namespace-missing",
        f"{listed(f'{host}/{p.repository}' for p in bad)} has no namespace, and isn't at the "
        "target.",
        "TCR, Harbor and others only have repositories in a namespace or project: this path can't "
        "exist there.",
        f"Change the references to {host}/NAMESPACE/{bad[0].repository}, or put a proxy in front "
        "that rewrites paths.",
    )


def _absent(bad: Sequence[PathProbe]) -> Finding | None:
    if not bad:
        return None
    what = (f"{_reference(p)} ({p.error or 'no digest'})" for p in bad)
    return block(
        "path-missing",
        f"{listed(what)}, asked for at the target.",
        "References in use would not be found after the change, or not be allowed.",
        "Copy them under the same path, or give the sign-in the right to pull them.",
    )


def _reference(path: PathProbe) -> str:
    sign = "@" if ":" in path.reference else ":"
    return f"{path.repository}{sign if path.reference else ''}{path.reference}"


def check_parity(case: Case) -> CheckVerdict:
    """P-27: every tag means the same digest on both sides."""
    compared = case.evidence.parity
    if compared is None or (not compared.compared and not compared.different):
        why = f": {compared.error}" if compared and compared.error else ""
        return unknown(f"a comparison of the tags of both registries{why}")
    missing = [pair for pair in compared.different if pair.old and not pair.new]
    other = [pair for pair in compared.different if pair.old and pair.new]
    found = (
        _lacking(missing),
        _unlike(other),
        _newcomers(compared),
    )
    by = "" if compared.source == LISTED else f" of {compared.source}"
    words = f"{counted(compared.compared, 'tag')}{by}, the same on both sides"
    needs = f"the tags that couldn't be compared ({compared.error})" if compared.error else ""
    return judged(found, words, needs, taken=compared.at)


def _lacking(pairs: Sequence[TagPair]) -> Finding | None:
    if not pairs:
        return None
    return block(
        "tags-missing",
        f"{counted(len(pairs), 'tag is', 'tags are')} not at the new registry: {_names(pairs)}.",
        "Pulls of them fail after the change.",
        "Copy them, and compare again.",
    )


def _unlike(pairs: Sequence[TagPair]) -> Finding | None:
    if not pairs:
        return None
    return block(
        "tags-different",
        f"{counted(len(pairs), 'tag means', 'tags mean')} another digest at the new registry: "
        f"{_names(pairs)}.",
        "After the change nodes would get another image under the same tag.",
        "Find out which of the two is newer; copy it over the other only if you mean to.",
    )


def _newcomers(compared: Parity) -> Finding | None:
    pairs = [pair for pair in compared.different if pair.new and not pair.old]
    if not pairs:
        return None
    return info(
        "tags-only-new",
        f"{counted(len(pairs), 'tag is', 'tags are')} at the new registry only: {_names(pairs)}.",
        "They can't be pulled by the domain before the change, nor after a way back.",
    )


def _names(pairs: Sequence[TagPair]) -> str:
    return listed(f"{pair.repository}:{pair.tag}" for pair in pairs)


def _pulled(case: Case) -> str:
    """Return what is needed where no image was pulled: before that it must be there to be found."""
    tried = case.evidence.paths
    none = tried and not any(path.digest and not path.error for path in tried)
    waits = "; none is there yet (P-26)" if none else ""
    return f"a whole image pulled from the target{waits}"


def check_blob_hosts(case: Case) -> CheckVerdict:
    """P-28: nodes reach every host that a pull is sent to."""
    pulls = case.evidence.pulls
    if not pulls:
        return unknown(_pulled(case))
    insecure = [each for pull in pulls for each in pull.insecure_redirects]
    own = {
        normalized_name(case.name),
        normalized_name(case.subject.domain.host),
        normalized_name(f"{case.name}:443"),
    }
    own.add(normalized_name(f"{case.name}:{case.subject.domain.port}"))
    hosts = sorted({h for pull in pulls for h in pull.hosts if normalized_name(h) not in own})
    found = [_insecure(insecure), _unreached(case), _shut_for_nodes(case), _more_hosts(hosts)]
    words = "all from the domain itself" if not hosts else listed(hosts)
    return judged(found, words, taken=min(p.at for p in pulls))


def _insecure(places: Sequence[str]) -> Finding | None:
    if not places:
        return None
    return block(
        "blobs-without-tls",
        f"Layers are sent from {listed(places)}, without TLS.",
        "Clients refuse to follow, and anybody on the way can read or change them.",
        "Set the storage's address at the new registry to https, or turn redirects off.",
    )


def _unreached(case: Case) -> Finding | None:
    needed = case.evidence.needed
    good = {h.name for h in needed if not h.error and not h.verify_code}
    bad = [h for h in needed if h.name not in good and h.error != "unreachable"]
    if not bad:
        return None
    why = listed(f"{h.name} ({h.address}): {h.error or h.verify_message}" for h in bad)
    return block(
        "blob-host-fails",
        f"{why}.",
        "Manifests are found, but layers don't come: pulls hang or fail.",
        "Open the way to that host, and look at its certificate.",
    )


def _shut_for_nodes(case: Case) -> Finding | None:
    given = parsed_answer(case.evidence, "node-egress")
    if given is None or given.good is not False:
        return None
    return block(
        "blob-host-shut-for-nodes",
        f"On a node: {given.seen}.",
        "Manifests are found, but layers don't come to that node: pulls hang or fail.",
        "Add these hosts to the nodes' egress rules and proxies, and answer again (question "
        "node-egress).",
    )


def _more_hosts(hosts: Sequence[str]) -> Finding | None:
    if not hosts:
        return None
    return info(
        "more-hosts",
        f"Pulls also need {listed(hosts)}.",
        "Layers come from there. Nodes whose way out is limited need it too.",
        "Add these hosts to the nodes' egress rules and proxies before the change.",
        "\n".join(hosts),
    )


def check_sample_pull(case: Case) -> CheckVerdict:
    """P-29: a whole image comes from the target, every blob as its digest says."""
    pulls = case.evidence.pulls
    if not pulls:
        return unknown(_pulled(case))
    bad = [pull for pull in pulls if pull.error]
    finding = None
    if bad:
        finding = block(
            "pull-fails",
            f"{listed(f'{p.image} from {p.address}: {p.error}' for p in bad)}.",
            "Nodes would fail in the same way.",
            "Look at what failed, put it right, and pull again.",
        )
    size = bytes_text(sum(pull.bytes for pull in pulls))
    words = f"{counted(len(pulls), 'image')}, {size}, every blob hashed"
    return judged([finding], words, taken=min(p.at for p in pulls))


def one_sided_tags(compared: Parity) -> frozenset[TagPair]:
    """Return the tags of which it is known that one side alone has pushed them."""
    return frozenset((*compared.to_old, *compared.to_new))


def check_parity_after(case: Case) -> CheckVerdict:
    """V-03: what was pushed to the old side meanwhile is at the new one too."""
    if not has_changed(case):
        return unknown("the change")
    compared = case.evidence.parity
    if (
        compared is None
        or compared.source != LISTED
        or (not compared.compared and not compared.different)
    ):
        return unknown("a comparison of the tags of both registries, made after the change")
    late = [p for p in compared.different if (p.old and not p.new) or p in compared.to_old]
    both = [p for p in compared.different if p.old and p.new and p not in one_sided_tags(compared)]
    found = [
        warn(
            "pushed-to-old",
            f"{counted(len(late), 'tag is', 'tags are')} at the old registry only, as "
            f"{'it is' if len(late) == 1 else 'they are'}: {_names(late)}.",
            "They were pushed there after the last copy: pulls by the domain don't find them.",
            "Copy them, and compare again until two rounds find nothing.",
        )
        if late
        else None,
        warn(
            "pushed-to-both",
            f"{counted(len(both), 'tag means', 'tags mean')} something else on each side: "
            f"{_names(both)}.",
            "Each may have been pushed after the last copy; which one is right isn't known.",
            "Decide for each tag. Nothing is overwritten without being asked.",
        )
        if both
        else None,
        _newcomers(compared),
    ]
    needs = f"the tags that couldn't be compared ({compared.error})" if compared.error else ""
    words = f"{counted(compared.compared, 'tag')}, the same on both sides"
    return judged(found, words, needs, taken=compared.at)
