"""What can't be seen from here and is asked of the operator, and how the answers are read.

Each question has its choices, or a command to copy and a reader for what it prints. Commands read
only, and print no secret; what is pasted is anybody's text. Answers are kept as statements; the
newest one counts. Pure.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from transship.cutover.domain import Subject
from transship.cutover.evidence import Evidence, Statement
from transship.text import counted, safe

_VERIFICATION = re.compile(r"verification(?: error)?:\s*(.*)", re.IGNORECASE)

_NUMBER = re.compile(r"(\d{1,7})(?:\s*(s|sec|seconds?))?", re.IGNORECASE)

_ADDRESS = re.compile(r"(?<![\w.:])[0-9A-Fa-f:.]{3,45}(?![\w.:])")

_END = "done"

_SHOWN = 80


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """What an answer says. `good` is None where it can't be read."""

    good: bool | None
    seen: str
    number: int = 0


def read_text(text: str, evidence: Evidence) -> ParsedAnswer:  # noqa: ARG001 - one form for all readers
    """Take any words as the answer."""
    return ParsedAnswer(good=True, seen=safe(text, limit=_SHOWN))


def read_seconds(text: str, evidence: Evidence) -> ParsedAnswer:  # noqa: ARG001
    """Read a TTL in seconds."""
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        return ParsedAnswer(None, f"{safe(text, limit=_SHOWN)!r} is no number of seconds")
    return ParsedAnswer(good=True, seen=f"{found[1]} s", number=int(found[1]))


def read_trust(text: str, evidence: Evidence) -> ParsedAnswer:  # noqa: ARG001
    """Read what openssl s_client says of a certificate."""
    worst: str | None = None
    fine = False
    for line in text.splitlines():
        code = re.search(r"verify return code:\s*(\d+)", line, re.IGNORECASE)
        word = _VERIFICATION.search(line)
        if (code and code[1] != "0") or (word and word[1].strip().lower() != "ok"):
            worst = worst or safe(line.strip(), limit=_SHOWN)
        fine = fine or bool(code or word)
    if worst:
        return ParsedAnswer(good=False, seen=worst)
    return (
        ParsedAnswer(True, "verified on a node") if fine else ParsedAnswer(None, "no verdict in it")
    )


def read_overrides(text: str, evidence: Evidence) -> ParsedAnswer:  # noqa: ARG001
    """Read the lines in which files on a node name the domain; `done` alone says there are none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[-1] != _END:
        return ParsedAnswer(None, f"the output doesn't end with {_END!r}")
    found = [line for line in lines[:-1] if not _is_comment(line)]
    if found:
        first = safe(found[0], limit=_SHOWN)
        return ParsedAnswer(good=False, seen=f"{counted(len(found), 'line')}, first: {first}")
    return ParsedAnswer(good=True, seen="nothing on the node names the domain")


def read_egress(text: str, evidence: Evidence) -> ParsedAnswer:  # noqa: ARG001
    """Read which hosts a node reaches; `done` alone says that there are none to reach."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[-1] != _END:
        return ParsedAnswer(None, f"the output doesn't end with {_END!r}")
    told = [line.partition(": ") for line in lines[:-1]]
    shut = [place for word, _, place in told if word == "not reached"]
    if shut:
        return ParsedAnswer(good=False, seen=f"not reached: {safe(', '.join(shut), limit=_SHOWN)}")
    count = sum(word == "reached" for word, *_ in told)
    return ParsedAnswer(good=True, seen=f"a node reaches {counted(count, 'other host')}")


def read_addresses(text: str, evidence: Evidence) -> ParsedAnswer:
    """Read the addresses that the domain has in another place.

    They are good where they are the ones that it has here, or those of the target.
    """
    chains = (evidence.today, evidence.target)
    known = {address for chain in chains if chain for address in chain.addresses}
    found = addresses_in(text)
    strange = [each for each in found if each not in known]
    if not found:
        return ParsedAnswer(None, "no address in it")
    if strange:
        return ParsedAnswer(good=False, seen=f"leads to {', '.join(strange[:3])}, unlike from here")
    return ParsedAnswer(good=True, seen=f"leads to {', '.join(found[:3])}, as from here")


def read_traffic(text: str, evidence: Evidence) -> ParsedAnswer:  # noqa: ARG001
    """Read an access log: who has pulled, the busiest first; `done` alone says nobody."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[-1] != _END:
        return ParsedAnswer(None, f"the output doesn't end with {_END!r}")
    clients = Counter(found[0] for line in lines[:-1] if (found := addresses_in(line)))
    pulls = len(lines) - 1
    if not pulls:
        return ParsedAnswer(good=True, seen="nobody pulls from the old registry")
    busiest = ", ".join(f"{client} ({times})" for client, times in clients.most_common(5))
    seen = f"{counted(pulls, 'request')}: {busiest or 'no client named'}"
    return ParsedAnswer(good=False, seen=seen, number=pulls)


def addresses_in(text: str) -> list[str]:
    """Return the IP addresses in a text, each once, in the order in which they stand."""
    found: dict[str, None] = {}
    for word in _ADDRESS.findall(text):
        try:
            found[str(ipaddress.ip_address(word.rstrip(".")))] = None
        except ValueError:
            continue
    return list(found)


def _is_comment(line: str) -> bool:
    """Tell whether a line of `grep -Hn` (FILE:NUMBER:TEXT) holds a comment."""
    return line.split(":", 2)[-1].lstrip().startswith(("#", ";"))


AnswerReader = Callable[[str, Evidence], ParsedAnswer]

ACCEPTED_PREFIX = "accept:"
"""In front of the warning that a statement acknowledges."""


@dataclass(frozen=True, slots=True)
class AnswerChoice:
    """One answer that can be given. `good` says whether it settles the question."""

    answer: str
    text: str
    good: bool


@dataclass(frozen=True, slots=True)
class OperatorQuestion:
    """Something to ask. `where` says where `command` is to be run.

    In the command `{name}`, `{host}`, `{port}`, `{address}` and `{new}` stand for the domain
    without and with its port, the port, an address of the target, and the new registry's host;
    `{others}` for the other hosts, with their ports, that a pull was sent to.
    """

    id: str
    text: str
    why: str
    choices: tuple[AnswerChoice, ...] = ()
    where: str = ""
    command: str = ""
    read: AnswerReader = read_text


def _choice(answer: str, text: str, *, good: bool = True) -> AnswerChoice:
    return AnswerChoice(answer, text, good)


QUESTIONS = (
    OperatorQuestion(
        "ttl-before",
        "Which TTL had the record before it was lowered, in seconds?",
        "Caches that took it then may keep it for that long, from the moment that it was lowered.",
        read=read_seconds,
    ),
    OperatorQuestion(
        "apex-record",
        "How is the record made at the top of the zone, where no CNAME may be?",
        "Addresses stay what they were when the new registry gets others; ALIAS follows them.",
        (
            _choice("alias", "ALIAS, ANAME or CNAME flattening of the DNS provider"),
            _choice("addresses", "A and AAAA, which somebody keeps up"),
        ),
    ),
    OperatorQuestion(
        "provider-value",
        "What does the DNS provider's console show as the value of the record?",
        "DNS shows what the provider makes of it (addresses); the way back needs what it is.",
    ),
    OperatorQuestion(
        "record-exported",
        "Has the record's whole configuration been exported at the DNS provider?",
        "Servers answer differently: what DNS shows is not all of it, and can't be put back.",
        (_choice("yes", "Yes, it can be put back"), _choice("no", "No", good=False)),
    ),
    OperatorQuestion(
        "automation",
        "Does anything besides people manage the record (Terraform, external-dns, octoDNS, ...)?",
        "It would put the old value back, minutes or weeks after the change.",
        (
            _choice("none", "Nothing does"),
            _choice("at-source", "Yes, and the change will be made there"),
            _choice("unsure", "Nobody knows yet", good=False),
        ),
        "where the infrastructure's code is",
        "grep -rnF {name} --include='*.tf' --include='*.yaml' --include='*.yml' .",
    ),
    OperatorQuestion(
        "node-trust",
        "Do nodes trust the certificate that the new registry shows for the domain?",
        "A node that doesn't fails with: x509: certificate signed by unknown authority.",
        where="on a node of each kind",
        command="openssl s_client -connect {address}:{port} -servername {name} "
        "</dev/null 2>&1 | grep -i '^ *verif'",
        read=read_trust,
    ),
    OperatorQuestion(
        "node-overrides",
        "Is the domain overridden on nodes (/etc/hosts, hosts.toml, mirrors)?",
        "What stands there goes before DNS: such a node stays with the old registry.",
        where="on a node of each kind",
        command="grep -HnF {name} /etc/hosts /etc/docker/daemon.json /etc/containerd/config.toml "
        "/etc/containers/registries.conf "
        "/etc/containers/registries.conf.d/*.conf /etc/rancher/k3s/registries.yaml 2>/dev/null; "
        "grep -Hn . /etc/containerd/certs.d/{host}/hosts.toml "
        "/etc/containerd/certs.d/_default/hosts.toml 2>/dev/null; echo done",
        read=read_overrides,
    ),
    OperatorQuestion(
        "private-zones",
        "Does the domain have other addresses inside (private zones, VPC endpoints, VPN)?",
        "A private zone goes before the public one: its record has to be changed too.",
        (
            _choice("none", "No private zone holds the name"),
            _choice("moved-too", "Yes, and it is changed in the same step"),
            _choice("unsure", "Nobody knows yet", good=False),
        ),
        "on a node in each network",
        "getent ahosts {name}",
        read_addresses,
    ),
    OperatorQuestion(
        "node-secrets",
        "Will nodes hold the new registry's sign-in under the domain's name before the change?",
        "Pull secrets are kept by host name. The name stays, so nodes keep sending the old one.",
        (
            _choice("both", "Yes, as a second secret beside the old one"),
            _choice("same", "The old sign-in is good at the new registry too"),
            _choice("no", "No", good=False),
        ),
        "where kubectl reaches the cluster (prints names of secrets, and nothing in them)",
        "kubectl get secrets -A --field-selector type=kubernetes.io/dockerconfigjson -o json | "
        "jq -r '.items[] | [.metadata.namespace, .metadata.name, "
        '(.data[".dockerconfigjson"] | @base64d | fromjson | .auths | keys | join(","))] | @tsv\' '
        "| grep -F {host}",
    ),
    OperatorQuestion(
        "push-path",
        "Is anything pushed by this name?",
        "Pushes need the right to, and a registry that gives its upload address by this name.",
        (
            _choice("no", "No, pushes go elsewhere"),
            _choice("tried", "Yes, and a push to the new registry by this name has worked"),
            _choice("untried", "Yes, and nobody has tried", good=False),
        ),
    ),
    OperatorQuestion(
        "consumers",
        "Does anything else pull by this name (proxy caches, mirrors, CI, build hosts)?",
        "They have caches, sign-ins and connections of their own, which outlive the change.",
        (
            _choice("none", "Nothing else does"),
            _choice("told", "Yes, and they are known and prepared"),
            _choice("unsure", "Nobody knows yet", good=False),
        ),
    ),
    OperatorQuestion(
        "node-egress",
        "Do nodes reach the other hosts that layers come from?",
        "The way out of nodes may be open to hosts that are named, and to no others.",
        where="on a node of each kind",
        command="for place in {others}; do curl -ks -o /dev/null --connect-timeout 5 "
        '"https://$place/" && echo "reached: $place" || echo "not reached: $place"; done; '
        "echo done",
        read=read_egress,
    ),
    OperatorQuestion(
        "renewal",
        "Who renews the certificate at the new registry?",
        "One that was uploaded isn't renewed there; HTTP-01 fails where DNS doesn't lead.",
        (
            _choice("service", "The new registry's service does"),
            _choice("automated", "An automation of ours, by DNS-01"),
            _choice("by-hand", "Somebody, by hand, and the date is in a calendar"),
            _choice("unsure", "Nobody knows yet", good=False),
        ),
    ),
    OperatorQuestion(
        "old-kept",
        "Until when does the old registry stay as it is?",
        "It is the way back, and what late resolvers lead to.",
    ),
    OperatorQuestion(
        "pushes",
        "What becomes of pushes during the change?",
        "What is pushed to one side alone is missing on the other.",
        (
            _choice("frozen", "There are none from before the change until it is over"),
            _choice("both", "They go to both sides"),
            _choice("synced", "They go to the old side, and are copied until none is left"),
            _choice("unsure", "Nobody knows yet", good=False),
        ),
    ),
    OperatorQuestion(
        "geo-samples",
        "What does the domain lead to from other parts of the world?",
        "Answers differ by place: one look from here doesn't show them all.",
        where="anywhere",
        command="for net in 1.2.4.0 8.8.8.0 41.0.0.0 80.80.80.0 200.160.0.0; do "
        "dig +short +subnet=$net/24 {name} @8.8.8.8; done",
        read=read_addresses,
    ),
    OperatorQuestion(
        "old-traffic",
        "Who has pulled from the old registry since the change should be over?",
        "Whoever does holds the old record, or an override, and fails when the old side is gone.",
        where="where the old registry's access log is: lines from after the change",
        command="grep -E '/v2/.*/(manifests|blobs)/' access.log | tail -n 2000; echo done",
        read=read_traffic,
    ),
)
"""All questions there are, in the order in which they are asked."""

_BY_ID = {question.id: question for question in QUESTIONS}


def question_by_id(name: str) -> OperatorQuestion:
    """Return the question with this id. Raises KeyError."""
    return _BY_ID[name]


def command_for(question: OperatorQuestion, subject: Subject, evidence: Evidence) -> str:
    """Return the command to copy for this subject, empty for a question without one."""
    addresses = evidence.target.addresses if evidence.target else ()
    address = addresses[0] if addresses else subject.points_at
    words = {
        "name": subject.domain.name,
        "host": subject.domain.host,
        "port": str(subject.domain.port),
        "address": f"[{address}]" if ":" in address else address,
        "new": subject.new,
    }
    filled = question.command
    for word, value in words.items():
        filled = filled.replace(f"{{{word}}}", shlex.quote(value))
    return filled.replace("{others}", " ".join(map(shlex.quote, other_hosts(subject, evidence))))


def other_hosts(subject: Subject, evidence: Evidence) -> tuple[str, ...]:
    """Return the hosts, as `host:port`, that pulls needed beside the domain."""
    own = f"{subject.domain.name}:{subject.domain.port}"
    hosts = {host for pull in evidence.pulls for host in pull.hosts}
    return tuple(sorted(hosts - {own}))


def newest_statement(evidence: Evidence, name: str) -> Statement | None:
    """Return the newest statement to a question, None while it is open."""
    given = [s for s in evidence.statements if s.question == name and s.answer.strip()]
    return max(given, key=lambda each: each.at, default=None)


def parsed_answer(evidence: Evidence, name: str) -> ParsedAnswer | None:
    """Return what the newest answer to a question says, None while it is open."""
    given, asked = newest_statement(evidence, name), _BY_ID[name]
    if given is None:
        return None
    answer = given.answer.strip()
    for each in asked.choices:
        if answer == each.answer:
            return ParsedAnswer(each.good, each.text)
    return asked.read(answer, evidence)
