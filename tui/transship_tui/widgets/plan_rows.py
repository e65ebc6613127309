"""The operator's plans as rows of a table, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content

from transship.oci.reference import Reference
from transship.plans.file import PlanEntry
from transship.plans.plan import Kind, Plan
from transship.plans.quantities import write_duration, write_share
from transship.text import counted, safe
from transship.transfers.job_view import JobView
from transship_tui.marks import BAD, QUIET, mark
from transship_tui.naming import Naming
from transship_tui.widgets.rows import Column
from transship_tui.widgets.totals import when_text, word_of

COLUMNS = (
    Column("Plan", 20),
    Column("Kind", 11),
    Column("From → to"),
    Column("Schedule", 15, least=76),
    Column("Last job", 26, least=110),
)
_NAMED = 2
_MOST_LINES = 4


@dataclass(frozen=True, slots=True)
class Listed:
    """A plan, and the newest job that did what it says, if it is known."""

    entry: PlanEntry
    job: JobView | None = None


class PlanRows:
    """Plans as rows."""

    def __init__(self, plans: Sequence[Listed], now: float, naming: Naming) -> None:
        self.plans = plans
        self._now = now
        self._naming = naming

    def __len__(self) -> int:
        return len(self.plans)

    def key(self, index: int) -> str:
        """Return the plan's name."""
        return self.plans[index].entry.name

    def cells(self, index: int) -> Sequence[Content]:
        """Return name, kind, both sides, schedule, and the last job."""
        listed = self.plans[index]
        entry = listed.entry
        name = Content(safe(entry.name))
        if entry.plan is None:
            problem = Content.styled(safe(problem_of(entry)), BAD)
            return name, Content.styled("✗ mistake", BAD), problem, Content(""), Content("")
        return (
            name,
            Content(entry.kind),
            Content(way_of(entry.plan, self._naming)),
            Content(schedule_of(entry.plan)),
            self._last(listed.job),
        )

    def _last(self, job: JobView | None) -> Content:
        if job is None:
            return Content.styled("none", QUIET)
        when = when_text(job.ended or job.created, self._now)
        return Content.assemble(mark(word_of(job)), "  ", (when, QUIET))


def way_of(plan: Plan, naming: Naming) -> str:
    """Return in words where a plan copies from and to; `naming` says what places are called."""
    if plan.rules:
        sources = [rule.source for rule in plan.rules]
        targets = [target for rule in plan.rules for target in rule.targets]
    else:
        sources = [Reference(place.registry) for place in plan.sources]
        targets = [Reference(place.registry) for place in plan.targets]
    return f"{_places(sources, naming)} → {_places(targets, naming)}"


def schedule_of(plan: Plan) -> str:
    """Return in words when a plan runs by itself."""
    if plan.schedule is None:
        return ""
    if plan.schedule.every is not None:
        return f"every {write_duration(plan.schedule.every)}"
    return safe(plan.schedule.cron)


def problem_of(entry: PlanEntry) -> str:
    """Return why a plan can't be read, with the file's name in place of its whole path."""
    if entry.problem is None:
        return ""
    return entry.problem.detail.replace(f"{entry.path.parent}/", "")


def card_of(listed: Listed, now: float, width: int, naming: Naming) -> Iterator[Content]:
    """Give a plan in words, line by line, none of them longer than `width`."""
    for line in _words(listed, now, naming):
        yield from line.wrap(max(20, width))[:_MOST_LINES]


def _words(listed: Listed, now: float, naming: Naming) -> Iterator[Content]:
    entry, plan = listed.entry, listed.entry.plan
    yield Content.styled(safe(entry.name), "bold")
    if plan is None:
        yield Content.styled(f"✗ {safe(problem_of(entry))}", BAD)
        if entry.problem is not None:
            yield Content.styled(safe(entry.problem.remedy), QUIET)
        return
    yield Content(f"{plan.kind}: {way_of(plan, naming)}")
    if plan.kind is Kind.COPY:
        yield Content.styled(f"names {counted(len(plan.copies), 'image')}", QUIET)
    else:
        many = counted(len(plan.rules), "rule")
        conflict = f"existing tags: {plan.on_conflict}"
        referrers = "with referrers" if plan.referrers else "without referrers"
        yield Content.styled(f"{many} · {conflict} · {referrers}", QUIET)
    schedule = schedule_of(plan)
    yield Content.styled(f"runs {schedule or 'when asked'}{_deletes(plan)}", QUIET)
    if listed.job is not None:
        when = when_text(listed.job.ended or listed.job.created, now)
        yield Content.assemble(
            "last job ", listed.job.id, "  ", mark(word_of(listed.job)), f"  {when}"
        )


def _deletes(plan: Plan) -> str:
    if plan.delete is None:
        return ""
    return f" · deletes what vanished, at most {write_share(plan.delete.at_most)} in one run"


def _places(places: Iterable[Reference], naming: Naming) -> str:
    names = list(dict.fromkeys(naming.place(str(place)) for place in places))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
