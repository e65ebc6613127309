"""Who could move a plan, by what the plan, the accounts and the keys of clouds tell of its ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from transship.delegates.reach import Reach, instance_of, service_at
from transship.delegates.ways import Way, pairs_of, unsaid_of, ways
from transship.errors import BadRequest, TransshipError
from transship.oci.reference import LAYOUT
from transship.plans.ends import Edition, End, Ends, Pace, answered
from transship.plans.plan import Kind, Plan
from transship.plans.whole import wants_all
from transship.services.tencent_cloud import TcrInstance, instances

_TCR = "tcr"


@dataclass(frozen=True, slots=True)
class Judged:
    """Everybody who could move a plan, and what is known of its ends, by their hosts.

    `unknown` says in sentences what the keys of a cloud couldn't be asked.
    """

    ends: Ends
    ways: tuple[Way, ...]
    unknown: tuple[str, ...] = ()


async def judged(
    plan: Plan,
    reach: Reach,
    *,
    harbors: Sequence[str] = (),
    answers: Iterable[tuple[str, str]] = (),
) -> Judged:
    """Return who could move a plan.

    `harbors` are the hosts of accounts that are Harbors; `answers` are those to the questions of
    `transship.plans.ends`, by their ids, and go before what is asked. Of clouds of which there are
    keys is asked what their instances are; nothing is changed. Raises BadRequest for a plan that
    is empty and for an answer to no question.
    """
    pairs = pairs_of(plan)
    if not pairs:
        raise BadRequest("the plan is empty", remedy="Write what is to be copied into it.")
    source, target = pairs[0]
    unknown: list[str] = []
    ends = await _ends(plan, source, target, reach, unknown)
    for question, value in answers:
        ends = answered(ends, question, value)
    found = ways(ends, harbors=harbors, unsaid=unsaid_of(plan, ends), pairs=len(pairs))
    return Judged(ends, found, tuple(unknown))


async def _ends(plan: Plan, source: str, target: str, reach: Reach, unknown: list[str]) -> Ends:
    one, seen_by_one = await _end(source, reach, unknown)
    other, _ = await _end(target, reach, unknown)
    both = (one.service, other.service) == (_TCR, _TCR)
    mine = any(each.answers_at(target) for each in seen_by_one)
    return Ends(
        one,
        other,
        whole=wants_all(plan),
        pace=Pace.SOMETIMES if plan.schedule or plan.kind is Kind.REPLICATION else None,
        tags_vanish=True if plan.delete else None,
        same_owner=True if both and mine else None,
    )


async def _end(host: str, reach: Reach, unknown: list[str]) -> tuple[End, Sequence[TcrInstance]]:
    """Return what is known of one end, and the instances that its keys see."""
    if host.startswith(LAYOUT):
        return End(host), ()
    end = End(host, await service_at(reach, host))
    access = await reach.access(host)
    if end.service != _TCR or access.api is None:
        return end, ()
    try:
        at = await instance_of(reach, host)
        every = await instances(at.cloud)
    except TransshipError as error:
        unknown.append(f"What {host} is couldn't be asked: {error}")
        return end, ()
    known = at.instance.edition in set(Edition)
    edition = Edition(at.instance.edition) if known else None
    return replace(end, edition=edition, region=at.instance.region), every
