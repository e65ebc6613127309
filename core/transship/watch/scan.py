"""One scan of a plan, whole or of the tags that were pushed, and the job of what it found."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from transship import errors
from transship.clock import Clock
from transship.errors import TooManyDeletions, TransshipError
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue
from transship.plans.plan import Kind, Plan, Terms, Wanted
from transship.plans.replication_loop import find_loops
from transship.plans.selection import select_tags, to_look_up
from transship.registry.registry import Registry
from transship.transfers.copies import Copy, Verdict, Worklist
from transship.transfers.inventory import Inventory, take_inventory
from transship.transfers.jobs import Job, JobStore
from transship.transfers.limits import hold
from transship.transfers.preflight import Preflight
from transship.transfers.scanner import Scanner, look_up
from transship.transfers.worklist import make_worklist

Catalogues = Mapping[str, Catalogue]


def exact(plan: Plan, copies: Iterable[Wanted]) -> Plan:
    """Return the plan that copies these things by name, on the terms of `plan`."""
    made = replace(plan, kind=Kind.COPY, rules=(), copies=tuple(copies), schedule=None, delete=None)
    return made.without_idle_limits()


async def copies_of(
    pushed: Iterable[Reference], plan: Plan, looking: Scanner, known: Catalogues
) -> list[Wanted]:
    """Return the copies that a plan asks for of some tags at its sources.

    `known` is what stood at the sources when all of it was listed last. Only the repositories of
    the tags are listed again; the others are believed, so that the rules say of a tag what they
    say when all is looked at. A tag that they leave out has no copy, and neither has one that they
    copy back: only when all is looked at is it told whether both sides differ.
    """
    tags = dict.fromkeys(pushed)
    found = [named for tag in tags for wanted in plan.copies if (named := _named(wanted, tag))]
    if not plan.rules:
        return found
    catalogues = await _listed_again(tags, known, looking)
    now = looking.clock.now()
    selection = select_tags(plan, catalogues, now)
    while needed := to_look_up(selection, catalogues):
        catalogues = await look_up(catalogues, needed, looking)
        selection = select_tags(plan, catalogues, now)
    still = find_loops(plan, selection.lots)
    taken = (chosen.wanted for chosen in selection.chosen if chosen.wanted.source in tags)
    return found + [wanted for wanted in taken if wanted.target not in still]


def _named(wanted: Wanted, tag: Reference) -> Wanted | None:
    """Return what a copy that a plan names means for one tag, None when it means another one."""
    source = wanted.source
    if (source.registry, source.repository) != (tag.registry, tag.repository):
        return None
    if not source.version:
        return replace(wanted, source=tag, target=wanted.target.at(tag.tag))
    return wanted if source.tag == tag.tag and not source.digest else None


async def _listed_again(
    tags: Iterable[Reference], known: Catalogues, looking: Scanner
) -> dict[str, Catalogue]:
    """Return what is known of the sources, with the repositories of `tags` as they are now."""
    pushed: dict[Reference, set[str]] = {}
    for tag in tags:
        pushed.setdefault(Reference(tag.registry, tag.repository), set()).add(tag.tag)
    fresh: dict[str, dict[str, tuple[str, ...]]] = {}
    for repository, named in pushed.items():
        try:
            listed = await looking.source_tags(repository)
        except errors.RepositoryNotFound:
            listed = frozenset()
        # A list may lag behind the push.
        of_place = fresh.setdefault(repository.registry, {})
        of_place[repository.repository] = tuple(sorted(listed | named))
    found = dict(known)
    for registry, repositories in fresh.items():
        before = known.get(registry, Catalogue(registry, {}))
        found[registry] = Catalogue(
            registry,
            {**before.tags, **repositories},
            {key: facts for key, facts in before.facts.items() if key[0] not in repositories},
            {name: why for name, why in before.problems.items() if name not in repositories},
        )
    return found


MOST_BY_NAME = 200
"""Of up to so many copies the job's plan names each, so that its report and its proof are about
them alone; a larger job has the whole plan, which is shorter."""

_BAD = (Verdict.BLOCKED, Verdict.CONFLICT)


@dataclass(frozen=True, slots=True)
class WatchScan:
    """What one look has found: `to_do` are the copies to be written, and the tags to be deleted.

    `blocked` are those that can't be copied. `undone` is why deletions are left out.
    """

    plan: Plan
    inventory: Inventory
    found: int
    to_do: tuple[Copy, ...]
    blocked: tuple[Copy, ...] = ()
    undone: TransshipError | None = None
    catalogues: Catalogues = field(default_factory=dict)
    foresight: Preflight | None = None

    def wanted(self) -> dict[Reference, Wanted]:
        """Return what each copy that is to be done would be as a copy by name, by its target."""
        terms = _Terms.of(self.plan, self.inventory)
        return {
            copy.target: Wanted(copy.source, copy.target, terms.find(copy.target))
            for copy in self.to_do
            if copy.verdict.moves
        }

    def worklist(self, copies: tuple[Copy, ...]) -> Worklist:
        """Return the worklist of some of the copies that are to be done."""
        pairs = {(copy.source, copy.target) for copy in copies}
        found = [each for each in self.inventory.found if (each.source, each.target) in pairs]
        return make_worklist(
            found, self.plan.on_conflict, replaces=self.plan.replaces, foresight=self.foresight
        )


async def scan_plan(
    plan: Plan, places: Mapping[str, Registry], clock: Clock, *, delete: bool = False
) -> WatchScan:
    """Look at everything that a plan takes, and write nothing.

    Only with `delete` is it looked for what has vanished. Raises what `take_inventory` raises.
    """
    if not delete:
        plan = replace(plan, delete=None)
    hold(places, plan.limits)
    inventory = await take_inventory(plan, places, clock)
    foresight = Preflight(places, plan.create_missing, plan.create, try_refused=plan.try_refused)
    await foresight.look(inventory.found)
    copies = make_worklist(
        inventory.found, plan.on_conflict, replaces=plan.replaces, foresight=foresight
    ).copies
    undone: TransshipError | None = None
    try:
        inventory.vanished.check()
    except TooManyDeletions as error:
        undone = error
    goes = {Verdict.COPY, Verdict.OVERWRITE} | (set() if undone else {Verdict.DELETE})
    return WatchScan(
        plan=plan,
        inventory=inventory,
        found=sum(copy.verdict is not Verdict.DELETE for copy in copies),
        to_do=tuple(copy for copy in copies if copy.verdict in goes),
        blocked=tuple(copy for copy in copies if copy.verdict in _BAD),
        undone=undone,
        catalogues=inventory.choice.catalogues if inventory.choice else {},
        foresight=foresight,
    )


def new_job(look: WatchScan, copies: tuple[Copy, ...], jobs: JobStore) -> Job:
    """Return a new job for some of the copies that a look has found to be done. It is empty yet."""
    return jobs.create(_plan_of(look, copies), deletes=_deletes(copies))


def fill(job: Job, look: WatchScan, copies: tuple[Copy, ...], name: str) -> None:
    """Put the worklist of a new job into its journal, so that nothing is looked at twice.

    A job that was never filled looks at both sides itself.
    """
    with job.journal() as journal:
        journal.note(watch=name, found=len(copies))
        journal.keep(look.worklist(copies))
        journal.log(time.time(), "info", f"Found by the watch of {name}")


def _plan_of(look: WatchScan, copies: tuple[Copy, ...]) -> Plan:
    if _deletes(copies) or len(copies) > MOST_BY_NAME:
        return look.plan
    wanted = look.wanted()
    return exact(look.plan, (wanted[copy.target] for copy in copies))


def _deletes(copies: tuple[Copy, ...]) -> bool:
    return any(copy.verdict is Verdict.DELETE for copy in copies)


@dataclass(frozen=True, slots=True)
class _Terms:
    """The terms of each target, of a tag or of a whole repository, where the plan has any."""

    by_target: Mapping[Reference, Terms]

    @classmethod
    def of(cls, plan: Plan, inventory: Inventory) -> _Terms:
        choice = inventory.choice
        chosen = [each.wanted for each in choice.selection.chosen] if choice else []
        every = (*plan.copies, *chosen)
        return cls({wanted.target: wanted.terms for wanted in every if wanted.terms})

    def find(self, target: Reference) -> Terms | None:
        whole = Reference(target.registry, target.repository)
        place = Reference(target.registry)
        return next(
            (self.by_target[key] for key in (target, whole, place) if key in self.by_target), None
        )


def by_name(job: Job) -> dict[Reference, Wanted]:
    """Return the copies that a job's plan names, by their targets; none when it has rules."""
    plan = job.plan()
    return {wanted.target: wanted for wanted in plan.copies} if plan.kind is Kind.COPY else {}
