"""How long caches hold the record as it is: the TTL, lowered and run out."""

from __future__ import annotations

from transship.cutover.finding import Finding
from transship.cutover.questions import reading
from transship.cutover.rules.case import (
    Case,
    Side,
    has_begun,
    leading,
    left,
    lines,
    observed,
    serving,
    ttl_served,
    view_side,
)
from transship.cutover.rules.wording import (
    Verdict,
    block,
    info,
    judged,
    passed,
    span,
    unknown,
    warn,
    when,
)
from transship.cutover.timeline import readiness

LOW = 300
"""The longest TTL, in seconds, with which a change is over soon and can be taken back soon."""

_LOWEST_ALLOWED = 600  # What some providers' free plans allow.
_USEFUL = 30
_LONGEST_USUAL = 86400
"""A record that was looked at for so long, in seconds, is in no cache with an older TTL."""


def ttl_ready(case: Case) -> Verdict:
    """P-07: the TTL is low, and every cache that took the old one has let go of it."""
    ttl = ttl_served(case)
    if ttl is None:
        return unknown("the record, from a name server")
    if has_begun(case):
        return passed(f"the change is under way; TTL {ttl} s")
    if ttl > _LOWEST_ALLOWED:
        return judged([_high(case, ttl)], "")
    found = [_medium(case, ttl), _tiny(ttl)]
    low = max(LOW, ttl)
    history = observed(case.evidence, case.history)
    given = reading(case.evidence, "ttl-before")
    before = given.number if given and given.good else None
    ready = readiness(history, low, before)
    if ready.ready_at is None:
        why = f"{ready.slowest} still gives the old TTL"
        return judged([*found, _draining(case, None, why)], "")
    watched = case.now - min(each.first for each in history)
    seen_lowered = any(each.ttl > low for each in history)
    ready_at, slowest = ready.ready_at, ready.slowest
    if before is None and not seen_lowered and watched < _LONGEST_USUAL:
        ready_at, slowest = max((ready_at, slowest), _held_by_resolvers(case, low))
        if ready_at <= case.now:
            return judged(
                found,
                f"TTL {ttl} s; nobody has seen what it was before",
                "the TTL that the record had before it was lowered (question ttl-before), "
                f"or {span(_LONGEST_USUAL - watched)} more of watching",
            )
    if ready_at > case.now:
        return judged([*found, _draining(case, ready_at, f"last: {slowest}")], "")
    return judged(found, f"TTL {ttl} s, and the old one has run out everywhere")


def _held_by_resolvers(case: Case, low: int) -> tuple[float, str]:
    """Return until when resolvers were seen to hold the record, at least, and which one."""
    held = [
        (answer.at + left(answer), view.resolver)
        for view in case.evidence.resolvers
        for answer in view.samples
        if left(answer) > low and view_side(case, answer) is Side.OLD
    ]
    return max(held, default=(0.0, ""))


def _high(case: Case, ttl: int) -> Finding:
    return block(
        "ttl-high",
        f"The record's TTL is {ttl} s ({span(ttl)}).",
        f"After a change some clients would go to the old registry for {span(ttl)}, and as long "
        "again after a way back.",
        f"Set the TTL to 60 to {LOW} now and leave the value as it is. If that is done now, the "
        f"earliest safe change is {when(case.now + ttl)}: the old TTL has to run out everywhere.",
        _lowered(case),
    )


def _lowered(case: Case) -> str:
    """Return the record as it is, with a low TTL."""
    servers = serving(case.evidence.zone)
    return lines(case, leading(servers[0]), min(case.subject.ttl, LOW)) if servers else ""


def _medium(case: Case, ttl: int) -> Finding | None:
    if ttl <= LOW:
        return None
    return warn(
        "ttl-rather-high",
        f"The record's TTL is {ttl} s ({span(ttl)}).",
        f"The change, and the way back, take {span(ttl)}.",
        f"Set it to 60 to {LOW} if the DNS provider's plan allows; some allow no less than "
        f"{_LOWEST_ALLOWED}.",
        _lowered(case),
    )


def _tiny(ttl: int) -> Finding | None:
    if ttl >= _USEFUL:
        return None
    return info(
        "ttl-very-low",
        f"The record's TTL is {ttl} s.",
        f"Many resolvers keep records for {_USEFUL} s or more whatever the TTL: nothing is gained "
        "below that.",
        "60 is enough.",
    )


def _draining(case: Case, ready_at: float | None, why: str) -> Finding:
    if ready_at is None:
        return block(
            "ttl-draining",
            f"Not every name server gives the low TTL yet ({why}).",
            "Caches still take the record with its old TTL.",
            "Wait until all of them do; if one doesn't, its copy of the zone is stuck.",
        )
    return block(
        "ttl-draining",
        f"The TTL is lowered, but caches may still hold the record with its old one ({why}).",
        "A change now would be as slow as if the TTL had never been lowered.",
        f"Wait {span(ready_at - case.now)}. Earliest safe change: {when(ready_at)}.",
    )
