"""Replication policies and endpoints of Harbor: terms, cron lines, and settings to compare. Pure.

Settings have Harbor's own names of fields. A registry is named and not numbered, because what is
only about to be made has no number; an empty name is this Harbor. No secret is among them: Harbor
hides it, so that nothing read back can be compared with it. Cron lines have seconds in front, and
are read in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice, pairwise
from typing import Any

from cronsim import CronSim

from transship.engines.changes import Settings
from transship.engines.filters import KEEPS_LAST
from transship.engines.harbor.api import HarborEndpoint, HarborFilter, HarborPolicy
from transship.errors import BadRequest, CantBeDelegated, TransshipError
from transship.plans.plan import OnConflict, Plan, Schedule
from transship.plans.schedule import check_cron
from transship.text import duration_text

_FIELDS = 6
_SOME_DAY = datetime(2001, 1, 1, tzinfo=UTC)
_RUNS = 2000
_SEVEN = re.compile(r"(?<![/\d])7(?!\d)")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def check_harbor_cron(line: str) -> None:
    """Raise BadRequest unless Harbor takes a cron line: six fields, at most once in a minute.

    The first is for seconds and must be 0, the second for minutes and can't be `*`.
    """
    fields = line.split()
    if len(fields) != _FIELDS:
        raise BadRequest(
            f"{line!r} has {len(fields)} fields, and Harbor's cron lines have six",
            remedy="Write seconds (0), minutes, hours, day of month, month and day of week.",
        )
    if fields[0] != "0":
        raise BadRequest(f"{line!r}: Harbor takes nothing but 0 for the seconds, the first field")
    if fields[1] == "*":
        raise BadRequest(
            f"{line!r}: Harbor takes no * for the minutes, the second field",
            remedy="Write for example */5, for every five minutes.",
        )
    if _SEVEN.search(fields[5]):
        raise BadRequest(f"{line!r}: Harbor knows Sunday as 0, the last field goes from 0 to 6")
    check_cron(" ".join(fields[1:]))


def longest_interval(line: str) -> float:
    """Return the most seconds between two runs of a cron line of six fields."""
    runs = islice(CronSim(" ".join(line.split()[1:]), _SOME_DAY), _RUNS)
    return max((b - a).total_seconds() for a, b in pairwise(runs))


def harbor_cron_of(schedule: Schedule) -> str:
    """Return the cron line of Harbor for the schedule of a plan.

    Raises CantBeDelegated for what such a line can't say: seconds, and what divides no hour or day.
    """
    if schedule.every is None:
        line = f"0 {schedule.cron}"
        if _SEVEN.search(schedule.cron.split()[4]):
            raise CantBeDelegated(
                f"{schedule.cron!r}: Harbor knows Sunday as 0",
                remedy="Write 0 for Sunday, or let Transship move it.",
            )
        if schedule.cron.split()[0] == "*":
            raise CantBeDelegated(
                f"{schedule.cron!r}: Harbor takes no * for the minutes",
                remedy="Write */5 for the minutes, or let Transship move it.",
            )
        return line
    every = schedule.every
    if every % _MINUTE == 0 and _MINUTE <= every < _HOUR and _HOUR % every == 0:
        # `*/1` is what Harbor takes for a `*`, which it doesn't take.
        return f"0 */{every / _MINUTE:.0f} * * * *"
    if every % _HOUR == 0 and _HOUR <= every < _DAY and _DAY % every == 0:
        return f"0 0 */{every / _HOUR:.0f} * * *"
    if every == _DAY:
        return "0 0 0 * * *"
    raise CantBeDelegated(
        f"every {every:g} seconds is no even part of an hour or a day",
        remedy="Write for example 5m, 15m, 1h or 6h, or let Transship move it.",
    )


class TriggerKind(StrEnum):
    """What begins an execution, in Harbor's own words."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"
    EVENT = "event_based"


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """How a policy works.

    `cron` has six fields, in UTC. `override` says that a tag that differs is overwritten.
    `deletion` deletes at the other side what is deleted in Harbor. `speed` is in KB (of 1,024
    bytes) per second for each task, 0 for no limit. `copy_by_chunk` sends blobs in pieces.
    `single_active` skips an execution while another one runs. What isn't `enabled` never begins.
    """

    begins: TriggerKind = TriggerKind.MANUAL
    cron: str = ""
    override: bool = True
    deletion: bool = False
    speed: int = 0
    copy_by_chunk: bool = False
    single_active: bool = False
    enabled: bool = True


def policy_terms_of(plan: Plan) -> PolicyTerms:
    """Return how a policy works that does what a plan says: by its schedule, else by hand.

    Raises CantBeDelegated for a schedule that Harbor's cron lines can't say.
    """
    override = plan.on_conflict is OnConflict.OVERWRITE
    if plan.schedule is None:
        return PolicyTerms(override=override)
    return PolicyTerms(TriggerKind.SCHEDULED, cron=harbor_cron_of(plan.schedule), override=override)


def term_faults(terms: PolicyTerms, *, pulls: bool) -> Iterator[TransshipError]:
    """Give what doesn't go together, before Harbor is asked."""
    if terms.begins is TriggerKind.SCHEDULED and not terms.cron:
        yield BadRequest(
            "what goes by the clock needs a cron line", remedy="Write one as in 0 0 */2 * * *."
        )
    elif terms.begins is TriggerKind.SCHEDULED:
        try:
            check_harbor_cron(terms.cron)
        except BadRequest as error:
            yield error
    elif terms.cron:
        yield BadRequest(f"a cron line is for scheduled policies, not for {terms.begins} ones")
    if terms.begins is TriggerKind.EVENT:
        if pulls:
            yield CantBeDelegated(
                "Harbor hears of what is pushed to itself only, so that it can't pull by events",
                remedy="Let it pull by the clock.",
            )
        if terms.single_active:
            yield BadRequest("Harbor runs policies that go by events as often as there are events")
    if terms.deletion and (pulls or terms.begins is not TriggerKind.EVENT):
        yield CantBeDelegated(
            "Harbor deletes on the other side only by events, where it is the source",
            remedy="Let the policy go by events, or leave deletion to a replication of Transship.",
        )
    if terms.speed < 0:
        yield BadRequest(f"{terms.speed} KB/s is no speed; 0 is without a limit")


def term_notes(terms: PolicyTerms, *, pulls: bool) -> Iterator[str]:
    """Give in sentences what follows from terms that have no faults."""
    if not terms.enabled:
        yield "The policy is disabled: nothing begins before it is enabled."
    elif terms.begins is TriggerKind.SCHEDULED:
        pause = duration_text(longest_interval(terms.cron))
        yield f"It runs by the clock, in UTC: what is new waits for {pause} at most."
    elif terms.begins is TriggerKind.EVENT:
        yield "What is pushed to Harbor is sent at once. Start it once for what is there already."
    else:
        yield "It runs when it is started."
    if pulls:
        yield "Harbor makes a project that isn't there yet, private unless the source is public."
    if not terms.override:
        yield (
            "A tag that differs is left alone, and the execution succeeds all the same; the logs "
            "of its tasks name such tags."
        )
    if terms.deletion:
        yield "Whatever is deleted in Harbor is deleted there too: no bound, and no way back."


def term_settings(terms: PolicyTerms) -> dict[str, object]:
    """Return the fields of a policy that terms are."""
    return {
        "trigger": str(terms.begins),
        "cron": terms.cron,
        "deletion": terms.deletion,
        "override": terms.override,
        "enabled": terms.enabled,
        "speed": terms.speed,
        "copy_by_chunk": terms.copy_by_chunk,
        "single_active_replication": terms.single_active,
    }


ENDPOINT = "registry endpoint"
POLICY = "replication policy"

MADE_BY = "Made by Transship"
"""How descriptions begin of what was made from here: it may be changed from here, too."""

LONGEST_NAME = 64
"""How many characters the name of an endpoint has at most."""

_SIDES = ("src_registry", "dest_registry")


def endpoint_settings(endpoint: HarborEndpoint) -> dict[str, Any]:
    """Return what an endpoint is set to. `access_key` is the user name whose login it has."""
    credential = endpoint.credential
    return {
        "type": endpoint.type,
        "url": endpoint.url.rstrip("/"),
        "insecure": endpoint.insecure,
        "description": endpoint.description,
        "access_key": credential.access_key if credential else "",
    }


def policy_settings(policy: HarborPolicy) -> dict[str, Any]:
    """Return what a policy is set to."""
    count = policy.dest_namespace_replace_count
    deletes = policy.deletion if policy.deletion is not None else policy.replicate_deletion
    trigger = policy.trigger
    return {
        "description": policy.description,
        "src_registry": _endpoint_name(policy.src_registry),
        "dest_registry": _endpoint_name(policy.dest_registry),
        "dest_namespace": policy.dest_namespace,
        "dest_namespace_replace_count": KEEPS_LAST if count is None else count,
        "filters": sorted_filters([_filter_settings(each) for each in policy.filters or ()]),
        "trigger": trigger.type if trigger else "manual",
        "cron": trigger.trigger_settings.cron if trigger and trigger.trigger_settings else "",
        "deletion": bool(deletes),
        "override": policy.override,
        "enabled": policy.enabled,
        "speed": max(policy.speed or 0, 0),
        "copy_by_chunk": bool(policy.copy_by_chunk),
        "single_active_replication": bool(policy.single_active_replication),
    }


def policy_body(name: str, settings: Settings, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return a policy as it is sent; `numbers` are those of the endpoints, by name.

    All of it is there: what is left out of a policy that is changed goes back to its default.
    """
    body = {key: value for key, value in settings.items() if key not in (*_SIDES, "cron")}
    # Harbor writes the field by this name; `replicate_deletion` it only reads out.
    body["trigger"] = {"type": settings["trigger"]}
    if settings["cron"]:
        body["trigger"]["trigger_settings"] = {"cron": settings["cron"]}
    if not settings["copy_by_chunk"]:
        del body["copy_by_chunk"]
    if not settings["single_active_replication"]:
        del body["single_active_replication"]
    for side in _SIDES:
        if settings[side]:
            body[side] = {"id": numbers[settings[side]]}
    return {"name": name, **body}


def sorted_filters(filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return filters in one order, since theirs means nothing."""
    return sorted(filters, key=lambda each: (each["type"], str(each.get("decoration")), str(each)))


def is_made_by_us(settings: Settings) -> bool:
    """Tell whether something was made from here, by what it says of itself."""
    return str(settings.get("description", "")).startswith(MADE_BY)


def _filter_settings(found: HarborFilter) -> dict[str, Any]:
    made: dict[str, Any] = {"type": found.type, "value": found.value}
    if found.type in ("tag", "label"):
        made["decoration"] = found.decoration or "matches"
    return made


def _endpoint_name(endpoint: HarborEndpoint | None) -> str:
    return endpoint.name if endpoint is not None and endpoint.id else ""
