"""A plan in the making, from the configuration of another tool, and what is to be said about it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum

from transship.errors import UsageError
from transship.oci.platform import Platform
from transship.oci.reference import Reference
from transship.plans.importers.compact import compact, copies_of, is_plain, placed
from transship.plans.importers.document import Value
from transship.plans.plan import Kind, OnConflict, Plan, Terms, Wanted, wanted
from transship.plans.policy import Limits, Schedule
from transship.plans.possible import why_nothing
from transship.plans.rule import Rule, TagFilter
from transship.registry.credential import Tls

_USER_PART = re.compile(r"[^/@\s'\"]*:[^/@\s]*@(?!sha\d)")


class NoteKind(StrEnum):
    """What became of an entry that couldn't be carried over as it was."""

    LEFT_OUT = "left-out"
    """The plan lacks it."""
    CHANGED = "changed"
    """The plan has it, but does something else than the tool did."""
    TO_DO = "to-do"
    """It belongs elsewhere than in a plan, and has to be seen to there."""


@dataclass(frozen=True, slots=True)
class Note:
    """What an operator should know of one entry: where it stands, and what became of it and why."""

    kind: NoteKind
    file: str
    line: int
    entry: str
    text: str

    def __str__(self) -> str:
        entry = f" {self.entry}:" if self.entry else ""
        return f"{self.file}, line {self.line}:{entry} {self.text}"


@dataclass(frozen=True, slots=True)
class Login:
    """A way to sign in that was found in a file. The secret never shows in a repr.

    With a `namespace` the tool used it for that part of the registry only.
    """

    host: str
    username: str = field(repr=False)
    secret: str = field(repr=False)
    namespace: str = ""
    tls: Tls = field(default_factory=Tls)


@dataclass(frozen=True, slots=True)
class Imported:
    """What was made of the configuration of `tool`.

    `plan` is None where there is nothing to copy in the files. `secrets` are no part of a plan;
    they are for the keyring, if the operator says so.
    """

    tool: str
    plan: Plan | None
    notes: tuple[Note, ...]
    secrets: tuple[Login, ...]


class Draft:
    """Collects what the files of a tool say. `to` is where what names no target goes."""

    def __init__(self, to: Reference | None = None) -> None:
        self.to = to
        self.referrers: set[bool] = set()
        self._limits: dict[str, tuple[Value, Limits]] = {}
        self._rules: list[Rule] = []
        self._pinned: list[tuple[Value, Wanted]] = []
        self._notes: list[Note] = []
        self._logins: dict[tuple[str, str], Login] = {}
        self._schedules: list[tuple[Value, Schedule | None]] = []

    def left_out(self, value: Value, text: str, *, entry: str | None = None) -> None:
        """Say that the plan lacks this entry."""
        self._note(NoteKind.LEFT_OUT, value, text, entry)

    def changed(self, value: Value, text: str, *, entry: str | None = None) -> None:
        """Say that the plan does something else with this entry than the tool did."""
        self._note(NoteKind.CHANGED, value, text, entry)

    def to_do(self, value: Value, text: str, *, entry: str | None = None) -> None:
        """Say what has to be seen to elsewhere."""
        self._note(NoteKind.TO_DO, value, text, entry)

    def unknown(self, value: Value, known: Collection[str]) -> None:
        """Name the keys of a mapping that aren't `known`: nothing is dropped silently."""
        for key, found in value.mapping().items():
            if key not in known:
                self.left_out(found, "this importer doesn't know the key")

    def rule(self, value: Value, rule: Rule) -> None:
        """Add a rule."""
        if rule.source in rule.targets and rule.map == "{repository}":
            self.left_out(value, "source and target are the same")
            return
        why = why_nothing(rule)
        if why:
            self.left_out(value, f"it selects nothing: {why}")
            return
        self._rules.append(rule)

    def repository(
        self,
        value: Value,
        source: Reference,
        target: Reference,
        tags: TagFilter,
        platforms: tuple[Platform, ...] = (),
    ) -> None:
        """Add the rule that carries tags of one repository to another.

        A tag in `target` is the new name of the only one that `tags` names.
        """
        renamed = target.tag if (target.tag,) != tags.exact else ""
        same = (source.registry, source.repository) == (target.registry, target.repository)
        if same and not renamed:
            self.left_out(value, "source and target are the same repository")
            return
        place, template = placed(source.repository, target)
        self.rule(
            value,
            Rule(
                Reference(source.registry),
                (place,),
                repositories=(source.repository,),
                tags=tags,
                platforms=platforms,
                map=f"{template}:{renamed}" if renamed else template,
            ),
        )

    def image(
        self,
        value: Value,
        source: Reference,
        target: Reference,
        platforms: tuple[Platform, ...] = (),
    ) -> None:
        """Add one image. A digest that gets a tag is beyond rules; copies can say it."""
        try:
            copy = wanted(source, target)
        except UsageError as error:
            self.left_out(value, f"it can't be copied: {error.detail}")
            return
        if copy.source.digest and copy.target.tag:
            terms = Terms(platforms=platforms) if platforms else None
            self._pinned.append((value, replace(copy, terms=terms)))
        elif copy.source.digest:
            tags = TagFilter(digests=(copy.source.digest,))
            self.repository(value, copy.source, copy.target, tags, platforms)
        else:
            tags = TagFilter(exact=(copy.source.tag,))
            self.repository(value, copy.source, copy.target, tags, platforms)

    def login(self, value: Value, login: Login) -> None:
        """Keep a way to sign in; a second one for the same place is named, not kept."""
        before = self._logins.setdefault((login.host, login.namespace), login)
        if before != login:
            where = f"{login.host}/{login.namespace}".rstrip("/")
            self.left_out(value, f"another sign-in for {where} came before this one")

    def schedule(self, value: Value, schedule: Schedule | None) -> None:
        """Note when an entry runs again; None for one that runs once."""
        self._schedules.append((value, schedule))

    def limit(self, value: Value, host: str, limits: Limits) -> None:
        """Keep what a registry may be asked for."""
        self._limits[host] = value, limits

    def done(self, tool: str) -> Imported:
        """Return what was collected."""
        rules = compact(self._rules)
        plan: Plan | None = None
        if self._pinned and all(map(is_plain, rules)):
            named = (copy for rule in rules for copy in copies_of(rule))
            copies = dict.fromkeys((*named, *(copy for _, copy in self._pinned)))
            plan = self._plan(Plan(copies=tuple(copies)))
        else:
            self._tell_pinned()
            plan = self._plan(Plan(kind=Kind.SYNC, rules=rules)) if rules else None
        self._tell_limits(plan)
        return Imported(tool, plan, self._in_order(), tuple(self._logins.values()))

    def _in_order(self) -> tuple[Note, ...]:
        """Return the notes in the order of the entries that they are about."""
        files = list(dict.fromkeys(note.file for note in self._notes))
        return tuple(sorted(self._notes, key=lambda note: (files.index(note.file), note.line)))

    def _plan(self, plan: Plan) -> Plan:
        """Return a plan with what holds for all of it."""
        taking_part = {place.registry for place in plan.places}
        limits = {host: each for host, (_, each) in self._limits.items() if host in taking_part}
        return replace(
            plan,
            on_conflict=OnConflict.OVERWRITE,
            referrers=self.referrers != {False},
            schedule=self._one_schedule(),
            limits=limits,
        )

    def _tell_pinned(self) -> None:
        for value, copy in self._pinned:
            self.left_out(
                value,
                "a digest that gets a tag can't stand beside rules with patterns; "
                f"`transship copy {copy.source} {copy.target}` copies it",
            )

    def _tell_limits(self, plan: Plan | None) -> None:
        for host, (value, _) in self._limits.items():
            if plan is None or host not in plan.limits:
                self.left_out(value, f"nothing in the plan reads from {host} or writes to it")

    def _note(self, kind: NoteKind, value: Value, text: str, entry: str | None) -> None:
        shown = value.path if entry is None else entry
        note = Note(kind, value.file, value.line, without_user(shown), without_user(text))
        self._notes.append(note)

    def _one_schedule(self) -> Schedule | None:
        """Return the schedule for the whole plan: of several the most frequent interval."""
        known = [schedule for _, schedule in self._schedules if schedule]
        if not known:
            return None
        intervals = [schedule for schedule in known if schedule.every]
        shortest = min(intervals, key=lambda each: each.every or 0.0, default=known[0])
        for value, schedule in self._schedules:
            if schedule != shortest:
                own = schedule_words(schedule)
                self.changed(
                    value,
                    f"a plan has one schedule, {schedule_words(shortest)}; this entry ran {own}",
                )
        return shortest


def schedule_words(schedule: Schedule | None) -> str:
    """Return a schedule in words."""
    if schedule is None:
        return "once"
    return f"by cron {schedule.cron!r}" if schedule.cron else f"every {schedule.every:g} s"


def without_user(text: str) -> str:
    """Return text from a file without a user and a password that stand in front of a host."""
    return _USER_PART.sub("…@", text)
