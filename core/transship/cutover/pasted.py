"""How what an operator pastes is read. Pure; the text is anybody's."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from dataclasses import dataclass

from transship.cutover.evidence import Evidence
from transship.text import counted, safe

_VERIFICATION = re.compile(r"verification(?: error)?:\s*(.*)", re.IGNORECASE)
_NUMBER = re.compile(r"(\d{1,7})(?:\s*(s|sec|seconds?))?", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\w.:])[0-9A-Fa-f:.]{3,45}(?![\w.:])")
_END = "done"
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says. `good` is None where it can't be read."""

    good: bool | None
    seen: str
    number: int = 0


def free_text(text: str, evidence: Evidence) -> Reading:  # noqa: ARG001 - one form for all readers
    """Take any words as the answer."""
    return Reading(good=True, seen=safe(text, limit=_SHOWN))


def seconds(text: str, evidence: Evidence) -> Reading:  # noqa: ARG001
    """Read a TTL in seconds."""
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        return Reading(None, f"{safe(text, limit=_SHOWN)!r} is no number of seconds")
    return Reading(good=True, seen=f"{found[1]} s", number=int(found[1]))


def trust(text: str, evidence: Evidence) -> Reading:  # noqa: ARG001
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
        return Reading(good=False, seen=worst)
    return Reading(True, "verified on a node") if fine else Reading(None, "no verdict in it")


def overrides(text: str, evidence: Evidence) -> Reading:  # noqa: ARG001
    """Read the lines in which files on a node name the domain; `done` alone says there are none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[-1] != _END:
        return Reading(None, f"the output doesn't end with {_END!r}")
    found = [line for line in lines[:-1] if not _is_comment(line)]
    if found:
        first = safe(found[0], limit=_SHOWN)
        return Reading(good=False, seen=f"{counted(len(found), 'line')}, first: {first}")
    return Reading(good=True, seen="nothing on the node names the domain")


def egress(text: str, evidence: Evidence) -> Reading:  # noqa: ARG001
    """Read which hosts a node reaches; `done` alone says that there are none to reach."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[-1] != _END:
        return Reading(None, f"the output doesn't end with {_END!r}")
    told = [line.partition(": ") for line in lines[:-1]]
    shut = [place for word, _, place in told if word == "not reached"]
    if shut:
        return Reading(good=False, seen=f"not reached: {safe(', '.join(shut), limit=_SHOWN)}")
    count = sum(word == "reached" for word, *_ in told)
    return Reading(good=True, seen=f"a node reaches {counted(count, 'other host')}")


def views(text: str, evidence: Evidence) -> Reading:
    """Read the addresses that the domain has in another place.

    They are good where they are the ones that it has here, or those of the target.
    """
    chains = (evidence.today, evidence.target)
    known = {address for chain in chains if chain for address in chain.addresses}
    found = addresses_in(text)
    strange = [each for each in found if each not in known]
    if not found:
        return Reading(None, "no address in it")
    if strange:
        return Reading(good=False, seen=f"leads to {', '.join(strange[:3])}, unlike from here")
    return Reading(good=True, seen=f"leads to {', '.join(found[:3])}, as from here")


def traffic(text: str, evidence: Evidence) -> Reading:  # noqa: ARG001
    """Read an access log: who has pulled, the busiest first; `done` alone says nobody."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[-1] != _END:
        return Reading(None, f"the output doesn't end with {_END!r}")
    clients = Counter(found[0] for line in lines[:-1] if (found := addresses_in(line)))
    pulls = len(lines) - 1
    if not pulls:
        return Reading(good=True, seen="nobody pulls from the old registry")
    busiest = ", ".join(f"{client} ({times})" for client, times in clients.most_common(5))
    seen = f"{counted(pulls, 'request')}: {busiest or 'no client named'}"
    return Reading(good=False, seen=seen, number=pulls)


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
