"""What can't be seen from here and is asked of the operator, and how the answers are read.

Each question has its choices, or a command to copy and a reader for what it prints. Commands read
only, and print no secret. Answers are kept as statements; the newest one counts.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from transship.cutover.evidence import Evidence, Statement
from transship.cutover.pasted import (
    Reading,
    egress,
    free_text,
    overrides,
    seconds,
    traffic,
    trust,
    views,
)
from transship.cutover.subject import Subject

Reader = Callable[[str, Evidence], Reading]

ACCEPTED = "accept:"
"""In front of the warning that a statement acknowledges."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that can be given. `good` says whether it settles the question."""

    answer: str
    text: str
    good: bool


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask. `where` says where `command` is to be run.

    In the command `{name}`, `{host}`, `{port}`, `{address}` and `{new}` stand for the domain
    without and with its port, the port, an address of the target, and the new registry's host;
    `{others}` for the other hosts, with their ports, that a pull was sent to.
    """

    id: str
    text: str
    why: str
    choices: tuple[Choice, ...] = ()
    where: str = ""
    command: str = ""
    read: Reader = free_text


def _choice(answer: str, text: str, *, good: bool = True) -> Choice:
    return Choice(answer, text, good)


QUESTIONS = (
    Question(
        "ttl-before",
        "Which TTL had the record before it was lowered, in seconds?",
        "Caches that took it then may keep it for that long, from the moment that it was lowered.",
        read=seconds,
    ),
    Question(
        "apex-record",
        "How is the record made at the top of the zone, where no CNAME may be?",
        "Addresses stay what they were when the new registry gets others; ALIAS follows them.",
        (
            _choice("alias", "ALIAS, ANAME or CNAME flattening of the DNS provider"),
            _choice("addresses", "A and AAAA, which somebody keeps up"),
        ),
    ),
    Question(
        "provider-value",
        "What does the DNS provider's console show as the value of the record?",
        "DNS shows what the provider makes of it (addresses); the way back needs what it is.",
    ),
    Question(
        "record-exported",
        "Has the record's whole configuration been exported at the DNS provider?",
        "Servers answer differently: what DNS shows is not all of it, and can't be put back.",
        (_choice("yes", "Yes, it can be put back"), _choice("no", "No", good=False)),
    ),
    Question(
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
    Question(
        "node-trust",
        "Do nodes trust the certificate that the new registry shows for the domain?",
        "A node that doesn't fails with: x509: certificate signed by unknown authority.",
        where="on a node of each kind",
        command="openssl s_client -connect {address}:{port} -servername {name} "
        "</dev/null 2>&1 | grep -i '^ *verif'",
        read=trust,
    ),
    Question(
        "node-overrides",
        "Is the domain overridden on nodes (/etc/hosts, hosts.toml, mirrors)?",
        "What stands there goes before DNS: such a node stays with the old registry.",
        where="on a node of each kind",
        command="grep -HnF {name} /etc/hosts /etc/docker/daemon.json /etc/containerd/config.toml "
        "/etc/containers/registries.conf "
        "/etc/containers/registries.conf.d/*.conf /etc/rancher/k3s/registries.yaml 2>/dev/null; "
        "grep -Hn . /etc/containerd/certs.d/{host}/hosts.toml "
        "/etc/containerd/certs.d/_default/hosts.toml 2>/dev/null; echo done",
        read=overrides,
    ),
    Question(
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
        views,
    ),
    Question(
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
    Question(
        "push-path",
        "Is anything pushed by this name?",
        "Pushes need the right to, and a registry that gives its upload address by this name.",
        (
            _choice("no", "No, pushes go elsewhere"),
            _choice("tried", "Yes, and a push to the new registry by this name has worked"),
            _choice("untried", "Yes, and nobody has tried", good=False),
        ),
    ),
    Question(
        "consumers",
        "Does anything else pull by this name (proxy caches, mirrors, CI, build hosts)?",
        "They have caches, sign-ins and connections of their own, which outlive the change.",
        (
            _choice("none", "Nothing else does"),
            _choice("told", "Yes, and they are known and prepared"),
            _choice("unsure", "Nobody knows yet", good=False),
        ),
    ),
    Question(
        "node-egress",
        "Do nodes reach the other hosts that layers come from?",
        "The way out of nodes may be open to hosts that are named, and to no others.",
        where="on a node of each kind",
        command="for place in {others}; do curl -ks -o /dev/null --connect-timeout 5 "
        '"https://$place/" && echo "reached: $place" || echo "not reached: $place"; done; '
        "echo done",
        read=egress,
    ),
    Question(
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
    Question(
        "old-kept",
        "Until when does the old registry stay as it is?",
        "It is the way back, and what late resolvers lead to.",
    ),
    Question(
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
    Question(
        "geo-samples",
        "What does the domain lead to from other parts of the world?",
        "Answers differ by place: one look from here doesn't show them all.",
        where="anywhere",
        command="for net in 1.2.4.0 8.8.8.0 41.0.0.0 80.80.80.0 200.160.0.0; do "
        "dig +short +subnet=$net/24 {name} @8.8.8.8; done",
        read=views,
    ),
    Question(
        "old-traffic",
        "Who has pulled from the old registry since the change should be over?",
        "Whoever does holds the old record, or an override, and fails when the old side is gone.",
        where="where the old registry's access log is: lines from after the change",
        command="grep -E '/v2/.*/(manifests|blobs)/' access.log | tail -n 2000; echo done",
        read=traffic,
    ),
)
"""All questions there are, in the order in which they are asked."""

_BY_ID = {question.id: question for question in QUESTIONS}


def question(name: str) -> Question:
    """Return the question with this id. Raises KeyError."""
    return _BY_ID[name]


def command(question: Question, subject: Subject, evidence: Evidence) -> str:
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
    return filled.replace("{others}", " ".join(map(shlex.quote, others(subject, evidence))))


def others(subject: Subject, evidence: Evidence) -> tuple[str, ...]:
    """Return the hosts, as `host:port`, that pulls needed beside the domain."""
    own = f"{subject.domain.name}:{subject.domain.port}"
    hosts = {host for pull in evidence.pulls for host in pull.hosts}
    return tuple(sorted(hosts - {own}))


def statement(evidence: Evidence, name: str) -> Statement | None:
    """Return the newest statement to a question, None while it is open."""
    given = [s for s in evidence.statements if s.question == name and s.answer.strip()]
    return max(given, key=lambda each: each.at, default=None)


def reading(evidence: Evidence, name: str) -> Reading | None:
    """Return what the newest answer to a question says, None while it is open."""
    given, asked = statement(evidence, name), _BY_ID[name]
    if given is None:
        return None
    answer = given.answer.strip()
    for each in asked.choices:
        if answer == each.answer:
            return Reading(each.good, each.text)
    return asked.read(answer, evidence)
