"""How a policy of Harbor works: when it begins, and what it does to what is there. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from transship.delegates.harbor.cron import check_six, longest_pause, six_of
from transship.errors import BadRequest, CantBeDelegated, TransshipError
from transship.plans.plan import OnConflict, Plan
from transship.text import duration_text


class Begins(StrEnum):
    """What begins an execution, in Harbor's own words."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"
    EVENT = "event_based"


@dataclass(frozen=True, slots=True)
class Terms:
    """How a policy works.

    `cron` has six fields, in UTC. `override` says that a tag that differs is overwritten.
    `deletion` deletes at the other side what is deleted in Harbor. `speed` is in KB (of 1,024
    bytes) per second for each task, 0 for no limit. `copy_by_chunk` sends blobs in pieces.
    `single_active` skips an execution while another one runs. What isn't `enabled` never begins.
    """

    begins: Begins = Begins.MANUAL
    cron: str = ""
    override: bool = True
    deletion: bool = False
    speed: int = 0
    copy_by_chunk: bool = False
    single_active: bool = False
    enabled: bool = True


def terms_of(plan: Plan) -> Terms:
    """Return how a policy works that does what a plan says: by its schedule, else by hand.

    Raises CantBeDelegated for a schedule that Harbor's cron lines can't say.
    """
    override = plan.on_conflict is OnConflict.OVERWRITE
    if plan.schedule is None:
        return Terms(override=override)
    return Terms(Begins.SCHEDULED, cron=six_of(plan.schedule), override=override)


def faults_of(terms: Terms, *, pulls: bool) -> Iterator[TransshipError]:
    """Give what doesn't go together, before Harbor is asked."""
    if terms.begins is Begins.SCHEDULED and not terms.cron:
        yield BadRequest(
            "what goes by the clock needs a cron line", remedy="Write one as in 0 0 */2 * * *."
        )
    elif terms.begins is Begins.SCHEDULED:
        try:
            check_six(terms.cron)
        except BadRequest as error:
            yield error
    elif terms.cron:
        yield BadRequest(f"a cron line is for scheduled policies, not for {terms.begins} ones")
    if terms.begins is Begins.EVENT:
        if pulls:
            yield CantBeDelegated(
                "Harbor hears of what is pushed to itself only, so that it can't pull by events",
                remedy="Let it pull by the clock.",
            )
        if terms.single_active:
            yield BadRequest("Harbor runs policies that go by events as often as there are events")
    if terms.deletion and (pulls or terms.begins is not Begins.EVENT):
        yield CantBeDelegated(
            "Harbor deletes on the other side only by events, where it is the source",
            remedy="Let the policy go by events, or leave deletion to a replication of Transship.",
        )
    if terms.speed < 0:
        yield BadRequest(f"{terms.speed} KB/s is no speed; 0 is without a limit")


def said_of(terms: Terms, *, pulls: bool) -> Iterator[str]:
    """Give in sentences what follows from terms that have no faults."""
    if not terms.enabled:
        yield "The policy is disabled: nothing begins before it is enabled."
    elif terms.begins is Begins.SCHEDULED:
        pause = duration_text(longest_pause(terms.cron))
        yield f"It runs by the clock, in UTC: what is new waits for {pause} at most."
    elif terms.begins is Begins.EVENT:
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


def settings_of(terms: Terms) -> dict[str, object]:
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
