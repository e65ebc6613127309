"""What was delegated in the world of every screen, and the ways to those screens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fakes import tcr_world
from fakes.screen import until
from fakes.tcr_world import PERSONAL, TCR, add_tencent
from transship import errors
from transship.app.engines import (
    EngineStatus,
    NamedExecution,
    PlannedRequest,
    PlanRequest,
    QuickTransferRequest,
    RevertRequest,
)
from transship.engines.changes import (
    AgreedChanges,
    ChangeJournalLine,
    ChangeSet,
    ChangeStep,
    DelegatedItem,
    Delegation,
    ItemStatus,
    change_between,
)
from transship.engines.delegation import EngineSurvey
from transship.engines.executions import Execution, ExecutionState, ExecutionTask
from transship.oci.reference import Reference
from transship.plans.advice import End, Ends
from transship.plans.plan import Kind, OnConflict, Plan, Rule
from transship_tui.screens.engines.choice import EngineChoiceScreen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fakes.engine import FakeEngine
    from fakes.world import Walk
    from transship.engines.changes import Change

NOW = 1_790_000_000.0
HARBOR = "harbor.example"
PUSHED = "20260914-a1b2c3"
BROKEN = "20260913-d4e5f6"
_ENDPOINT, _POLICY = "registry endpoint", "replication policy"


def endpoint(words: str = "") -> Change:
    """Return the change that makes the endpoint for the target."""
    return change_between(
        _ENDPOINT,
        "shop-tencentcloudcr-com",
        None,
        {
            "type": "tencent-tcr",
            "url": f"https://{TCR}",
            "access_key": words or "AKIDexample",
            "insecure": False,
        },
        gives=(TCR,),
        warns=(
            words
            or f"Harbor at {HARBOR} is handed the login of {TCR} (AKIDexample) for https://{TCR}, "
            f"and keeps it.",
        ),
    )


def policy(words: str = "") -> Change:
    """Return the change of a policy that is there, and takes less."""
    settings = {
        "dest_registry": "shop-tencentcloudcr-com",
        "dest_namespace": words or "mirror",
        "dest_namespace_replace_count": 1,
        "filters": [
            {"type": "name", "value": words or "team/**"},
            {"type": "tag", "value": "v*", "decoration": "matches"},
        ],
        "trigger": "event_based",
        "override": True,
        "enabled": True,
    }
    before = settings | {"trigger": "manual", "filters": settings["filters"][:1]}  # type: ignore[index]
    return change_between(_POLICY, words or "nightly", before, settings)


def drawn(words: str = "") -> PlannedRequest:
    """Return what letting Harbor push a plan would change."""
    stays = {"name": "nightly-2", "enabled": True}
    return PlannedRequest(
        ChangeSet(
            f"Harbor at {HARBOR}",
            words or f"let Harbor move a plan from {HARBOR} to {TCR}",
            (endpoint(words), policy(words), change_between(_POLICY, "nightly-2", stays, stays)),
            (
                words or "team/web becomes mirror/web.",
                "What is pushed to Harbor is sent at once. Start it once for what is there "
                "already.",
            ),
        )
    )


def refused() -> PlannedRequest:
    """Return a wish that can't be made."""
    why = errors.CantBeDelegated(
        "tags: the newest 20 by version can't be said in a filter",
        remedy="Name the tags by patterns, or let Transship move it.",
    )
    return PlannedRequest(
        ChangeSet(f"Harbor at {HARBOR}", "let Harbor move a plan", refusals=(why,))
    )


def _quick(words: str) -> PlannedRequest:
    names = ("team", "tools", "base")
    namespaces = [
        change_between("namespace", words or name, None, {"IsPublic": name == "base"})
        for name in names
    ]
    stays = {"IsPublic": False}
    source, target = Reference(PERSONAL, "team/web"), Reference(TCR, "team/web")
    return PlannedRequest(
        ChangeSet(
            "TCR instance shop (tcr-abcdefgh, ap-guangzhou)",
            f"move all of {PERSONAL} to shop",
            (*namespaces, change_between("namespace", "legacy", stays, stays)),
            (
                words or "The instance has room for 92 more repositories.",
                "team: everyone could pull team/site, and nobody without the right will.",
            ),
        ),
        ("It moves 412 tags of 38 repositories.", "Without a tag: team/empty."),
        (words or "team/web is there already: 3 tags of the same name, 1 tag that only the target "
         "has.",),
        Plan(kind=Kind.SYNC, rules=(Rule(source, (target,)),), on_conflict=OnConflict.FAIL),
    )  # fmt: skip


def _delegation(
    name: str,
    created: float,
    changes: tuple[Change, ...],
    steps: tuple[ChangeStep, ...],
    words: str = "",
) -> Delegation:
    agreed = AgreedChanges(
        "harbor",
        words or HARBOR,
        f"Harbor at {words or HARBOR}",
        words or f"let Harbor move a plan from {HARBOR} to {TCR}",
        created,
        changes,
    )
    why = words or "The engine refused: 403, the robot may not"
    lines = tuple(
        None
        if step is ChangeStep.WAITING
        else ChangeJournalLine(created, n, step, why if step is ChangeStep.FAILED else "")
        for n, step in enumerate(steps)
    )
    return Delegation(name, agreed, lines)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW - seconds, UTC)


def executions(words: str = "") -> tuple[Execution, ...]:
    """Return one that is under way, one that has failed in part, and one that went well."""
    return (
        Execution("43", ExecutionState.RUNNING, "InProgress", words or "event_based", 4, 2, 1, 1, 0,
                  _time(95)),
        Execution("42", ExecutionState.FAILED, "Failed", "manual", 12, 11, 1, 0, 0, _time(7200),
                  _time(7080), words or "1 of 12 tasks failed"),
        Execution("41", ExecutionState.SUCCEEDED, "Succeed", "manual", 12, 12, 0, 0, 0,
        _time(90_000),
                  _time(89_000)),
    )  # fmt: skip


def tasks(words: str = "") -> list[ExecutionTask]:
    """Return the tasks of the one that is under way."""

    def task(number: int, state: ExecutionState, name: str, message: str = "") -> ExecutionTask:
        ended = _time(40) if state.is_over else None
        source, target = f"{HARBOR}/team/{words or name}", f"{TCR}/mirror/{words or name}"
        log = state is not ExecutionState.WAITING
        return ExecutionTask(str(number), state, words or str(state), "copy", source, target,
        _time(90),
                    ended, message, log)  # fmt: skip

    return [
        task(1, ExecutionState.SUCCEEDED, "web:[v1,v2,v3]"),
        task(2, ExecutionState.SUCCEEDED, "api:[v7]"),
        task(3, ExecutionState.FAILED, "db:[v2]", words or "the target refused the manifest"),
        task(4, ExecutionState.RUNNING, "site:[v1 ... 40 in total]"),
    ]


def log(words: str = "") -> str:
    """Return the log of a task that failed."""
    return "\n".join(
        (
            "2026-09-21T12:53:20Z [INFO] client for source registry created",
            "2026-09-21T12:53:21Z [INFO] copying team/db:v2",
            f"2026-09-21T12:53:24Z [ERROR] {words or 'http status code: 403, denied'}",
        )
    )


def fill(engine: FakeEngine, words: str = "") -> None:
    """Put in who could move a plan, what that changes, and delegations; `words` come from there."""
    target = f"2 {words}" if words else TCR
    ends = Ends(End(words or HARBOR, "harbor"), End(target, "tcr"))
    engine.judged = EngineSurvey(ends, (), (words,) if words else ())
    engine.draws = {
        PlanRequest: drawn(words),
        RevertRequest: _undo(words),
        QuickTransferRequest: _quick(words),
    }
    tcr_world.fill(engine, words)
    made, broken = (ChangeStep.MADE, ChangeStep.MADE), (ChangeStep.MADE, ChangeStep.FAILED)
    both = (endpoint(words), policy(words))
    engine.delegated = {
        BROKEN: _delegation(BROKEN, NOW - 90_000, both, broken, words),
        PUSHED: _delegation(PUSHED, NOW - 7_300, both, made, words),
    }
    runs = tuple(NamedExecution(words or "nightly", each) for each in executions(words))
    things = (
        DelegatedItem(
            0, endpoint(words), ItemStatus.AS_MADE, is_there=True, said=words or "healthy"
        ),
        DelegatedItem(1, policy(words), ItemStatus.OTHERWISE, is_there=True),
    )
    of = (words or "nightly",)
    look = EngineStatus(engine.delegated[PUSHED], things, of, runs, of, stops=True)
    engine.looks_at = {PUSHED: look}
    engine.followed = {each.id: [each] for each in executions(words)}
    engine.task_lists = {each.id: tasks(words) for each in executions(words)}
    engine.logs = {"3": log(words)}


def _undo(words: str) -> PlannedRequest:
    gone = [
        change_between(each.kind, each.name, each.after, None, warns=(words,) if words else ())
        for each in (policy(words), endpoint(words))
    ]
    return PlannedRequest(ChangeSet(f"Harbor at {HARBOR}", f"undo {PUSHED}", tuple(gone)))


async def _who(walk: Walk) -> None:
    await walk.press("3")
    await walk.is_at("PlanScreen")
    await walk.press("G", "p")
    await walk.is_at("PlanPreviewScreen")
    await walk.press("w")
    await walk.is_at("EngineChoiceScreen")
    await walk.press("j")


async def who_moves_it(walk: Walk) -> None:
    """Choose who moves a plan from Harbor to TCR; who is asked is its administrator."""
    ends = Ends(
        End(HARBOR, "harbor"),
        End(TCR, "tcr"),
        source_reaches_target=True,
        here_reaches=True,
        harbor_admin=True,
    )
    walk.engine.judged = EngineSurvey(ends, ())
    rule = Rule(Reference(HARBOR, "team"), (Reference(TCR, "mirror"),))
    plan = Plan(kind=Kind.SYNC, rules=(rule,))
    walk.app.push_screen(EngineChoiceScreen(plan, "nightly", "nightly", lambda: None))
    await walk.is_at("EngineChoiceScreen")
    await walk.press("j")


async def _form(walk: Walk) -> None:
    await _who(walk)
    await walk.press("enter")
    await walk.is_at("EnginePlanScreen")


async def _changes(walk: Walk) -> None:
    await _form(walk)
    await walk.press("ctrl+s")
    await walk.is_at("PlanChangesScreen")


async def _refused(walk: Walk) -> None:
    walk.engine.draws[PlanRequest] = refused()
    await _changes(walk)


async def _changes_question(walk: Walk) -> None:
    await _changes(walk)
    await walk.press("S")
    await walk.is_at("ConfirmDialog")


async def _broken_off(walk: Walk) -> None:
    walk.engine.breaks_at = {1: errors.EngineRefused("403, the robot may not")}
    await _changes_question(walk)
    walk.app.screen.dismiss(True)
    await walk.is_at("PlanChangesScreen")
    await until(walk.pilot, lambda: "make_change" in dict(walk.engine.asked), "it is being made")
    await walk.rests()


async def _delegations(walk: Walk) -> None:
    await walk.press("4", "d")
    await walk.is_at("DelegationsScreen")


async def _delegation_shown(walk: Walk) -> None:
    await _delegations(walk)
    await walk.press("enter")
    await walk.is_at("DelegationScreen")


async def _undo_changes(walk: Walk) -> None:
    await _delegations(walk)
    await walk.press("u")
    await walk.is_at("UndoChangesScreen")


async def _execution(walk: Walk) -> None:
    await _delegation_shown(walk)
    await walk.press("enter")
    await walk.is_at("ExecutionScreen")
    await walk.press("j", "j")


async def _task_log(walk: Walk) -> None:
    await _execution(walk)
    await walk.press("enter")
    await walk.is_at("WordsDialog")


async def _quick_form(walk: Walk) -> None:
    add_tencent(walk.engine)
    await walk.press("3")
    await walk.is_at("PlanScreen")
    await walk.press("Q")
    await walk.is_at("QuickScreen")


async def _quick_changes(walk: Walk) -> None:
    await _quick_form(walk)
    await walk.press("ctrl+s")
    await walk.is_at("QuickChangesScreen")


WAYS: dict[str, Callable[[Walk], Awaitable[None]]] = {
    "who": _who,
    "delegate-form": _form,
    "changes": _changes,
    "changes-refused": _refused,
    "changes-question": _changes_question,
    "changes-broken-off": _broken_off,
    "delegations": _delegations,
    "delegation": _delegation_shown,
    "delegation-undo": _undo_changes,
    "execution": _execution,
    "task-log": _task_log,
    "quick": _quick_form,
    "quick-changes": _quick_changes,
    **tcr_world.WAYS,
}
"""How to get to each of these screens and dialogs from the first screen."""

DIALOGS = ("changes-question", "task-log")
"""Those of them that stand on no frame."""
