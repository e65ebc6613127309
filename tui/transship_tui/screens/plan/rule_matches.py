"""What the rule that is being written makes of the real tags of its source, while it is written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from transship.app.background import compute_in_thread
from transship.errors import CatalogClosed, TransshipError
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue
from transship.plans.outline import Outline, PassedBy, Portion, RuleCount, outline_plan
from transship.plans.plan import Plan, Rule
from transship.text import counted, safe
from transship_tui.context import context_of
from transship_tui.keys import bindings, key_for
from transship_tui.marks import BAD, CARE, NEWS, QUIET
from transship_tui.naming import Naming
from transship_tui.widgets.table import Column, NoRows, VirtualTable
from transship_tui.widgets.text_lines import TextLines
from transship_tui.workers import WorkerFailures

if TYPE_CHECKING:
    from transship.app.application import Application

COLUMNS = (Column("At the source"), Column("Becomes, or why not"))


class Shown(StrEnum):
    """Which tags are shown."""

    MATCHED = "matched"
    DROPPED = "dropped"
    NEEDED = "to look up"
    IMPOSSIBLE = "impossible"


SIGNS = {
    Shown.MATCHED: ("✓", NEWS),
    Shown.DROPPED: ("–", QUIET),
    Shown.NEEDED: ("?", CARE),
    Shown.IMPOSSIBLE: ("✗", BAD),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """An outline, with what it comes to. `unknown` counts the tags of which more must be known."""

    outline: Outline
    counts: tuple[RuleCount, ...]
    unknown: int

    @property
    def impossible(self) -> int:
        """How many copies can't be, over all rules."""
        return sum(counts.impossible for counts in self.counts)

    def rows(self, rule: int, shown: Shown) -> MatchRows:
        """Return the rows of one rule."""
        return MatchRows(self.outline, rule, shown)


def draw(plan: Plan, catalogues: Mapping[str, Catalogue], now: float) -> Drawn:
    """Return what a plan makes of what is there. Raises what `outline` raises."""
    drawn = outline_plan(plan, catalogues, now)
    return Drawn(drawn, drawn.by_rule, sum(1 for _ in unknown_tags(drawn, catalogues)))


def unknown_tags(drawn: Outline, catalogues: Mapping[str, Catalogue]) -> dict[Reference, None]:
    """Return the tags that must be looked up before the rules can choose."""
    found: dict[Reference, None] = {}
    for portion in drawn.portions:
        registry, repository = portion.origin.registry, portion.origin.repository
        facts = catalogues[registry].facts
        for tag in portion.sifted.needed:
            known = facts.get((repository, tag))
            if known is None or not known.examined:
                found[Reference(registry, repository, tag)] = None
    return found


def count_of(counts: RuleCount, shown: Shown) -> int:
    """Return how many tags of a rule are to be shown as such."""
    return {
        Shown.MATCHED: counts.kept,
        Shown.DROPPED: counts.dropped,
        Shown.NEEDED: counts.needed,
        Shown.IMPOSSIBLE: counts.impossible,
    }[shown]


class _Opened:
    """What becomes of the tags of one repository, made ready to be drawn."""

    def __init__(self, portion: Portion, shown: Shown) -> None:
        self.portion = portion
        self.becomes: dict[str, list[str]] = {}
        self.impossible: dict[str, str] = {}
        for each in portion.destinations:
            self.impossible |= each.impossible
            for version in each.versions:
                name = f"{each.target}{'@' if ':' in version else ':'}{each.name(version)}"
                self.becomes.setdefault(version, []).append(name)
        sifted = portion.sifted
        self.tags: Sequence[str] = {
            Shown.MATCHED: lambda: sifted.kept,
            Shown.DROPPED: lambda: tuple(sifted.dropped),
            Shown.NEEDED: lambda: sifted.needed,
            Shown.IMPOSSIBLE: lambda: tuple(self.impossible),
        }[shown]()


class MatchRows:
    """Tags as rows. What no rule looks at, a repository at a time, ends what is dropped."""

    def __init__(self, drawn: Outline, rule: int, shown: Shown) -> None:
        self._shown = shown
        mine = [portion for portion in drawn.portions if portion.rule == rule]
        sizes = [_size(portion, shown) for portion in mine]
        self._portions = [p for p, size in zip(mine, sizes, strict=True) if size]
        self._ends = list(accumulate(size for size in sizes if size))
        self._passed: Sequence[PassedBy] = ()
        if shown is Shown.DROPPED:
            self._passed = [each for each in drawn.passed_by if each.rule in (rule, None)]
        self._open: LRUCache[int, _Opened] = LRUCache(64)

    def __len__(self) -> int:
        return self._tags + len(self._passed)

    @property
    def _tags(self) -> int:
        return self._ends[-1] if self._ends else 0

    def key(self, index: int) -> str:
        """Return repository and tag."""
        if index >= self._tags:
            return self._passed[index - self._tags].source.repository
        opened, tag = self._at(index)
        return f"{opened.portion.origin.repository}:{tag}"

    def index_of(self, key: str) -> int | None:
        """Return where the row with this key is, None when it isn't there."""
        repository, _, tag = key.partition(":")
        for number, portion in enumerate(self._portions):
            if portion.origin.repository == repository:
                tags = self._opened(number).tags
                first = self._ends[number - 1] if number else 0
                return first + tags.index(tag) if tag in tags else None
        return None

    def cells(self, index: int) -> Sequence[Content]:
        """Return the tag, and what it becomes or why it isn't taken."""
        sign, color = SIGNS[Shown.IMPOSSIBLE if self._cannot_be(index) else self._shown]
        name = Content.assemble((f"{sign} ", color), safe(self.key(index)))
        return name, Content.styled(*self._what(index))

    def _cannot_be(self, index: int) -> bool:
        """Tell whether a tag that is matched can be copied to no target."""
        if self._shown is not Shown.MATCHED or index >= self._tags:
            return False
        opened, tag = self._at(index)
        return tag in opened.impossible and tag not in opened.becomes

    def in_full(self, index: int, naming: Naming) -> Content:
        """Return everything about one tag; `naming` says what places are called."""
        if index >= self._tags:
            passed = self._passed[index - self._tags]
            why = safe(passed.reason.why)
            return Content.assemble(naming.place(str(passed.source)), "\n", (why, QUIET))
        opened, tag = self._at(index)
        origin = opened.portion.origin
        words, color = self._what(index)
        names = opened.becomes.get(tag, ()) if self._shown is Shown.MATCHED else ()
        becomes = ", ".join(map(naming.place, names))
        return Content.assemble(
            naming.place(f"{origin.registry}/{origin.repository}:{tag}"),
            "\n",
            (becomes or words, color),
        )

    def _what(self, index: int) -> tuple[str, str]:
        """Return in words what becomes of a tag, and their colour."""
        if index >= self._tags:
            return safe(self._passed[index - self._tags].reason.why), QUIET
        opened, tag = self._at(index)
        if self._shown is Shown.DROPPED:
            return safe(opened.portion.sifted.dropped[tag].why), QUIET
        if self._shown is Shown.NEEDED:
            return "it isn't known yet when it was created", QUIET
        becomes = opened.becomes.get(tag, [])
        if becomes and self._shown is Shown.MATCHED:
            # In full it stands below; where there is one target only, its name is in the field.
            if len(becomes) == 1:
                return f"→ {safe(becomes[0].partition('/')[2])}", ""
            return f"→ {safe(becomes[0])} and {len(becomes) - 1} more", ""
        if tag in opened.impossible:
            return safe(opened.impossible[tag]), BAD
        return "an earlier rule copies it there", QUIET

    def _at(self, index: int) -> tuple[_Opened, str]:
        number = bisect_right(self._ends, index)
        opened = self._opened(number)
        first = self._ends[number - 1] if number else 0
        return opened, opened.tags[index - first]

    def _opened(self, number: int) -> _Opened:
        opened = self._open.get(number)
        if opened is None:
            opened = self._open[number] = _Opened(self._portions[number], self._shown)
        return opened


def _size(portion: Portion, shown: Shown) -> int:
    sifted = portion.sifted
    if shown is Shown.IMPOSSIBLE:
        return len({version for each in portion.destinations for version in each.impossible})
    return len(
        {
            Shown.MATCHED: sifted.kept,
            Shown.DROPPED: sifted.dropped,
            Shown.NEEDED: sifted.needed,
        }[shown]
    )


_AT_ONCE = 2_000
"""Of so many tags the pass takes no longer than a key does."""

_NO_PLAN = "Fill in From and To; what the rule takes of the source's tags is shown here."
_MOST_ROUNDS = 20
"""After tags were looked up, others may have to be; this often at most."""


class RuleMatches(WorkerFailures, Vertical):
    """Follows a plan, and shows what one of its rules matches."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("matches")
    PAUSE: ClassVar[float] = 0.12
    """The seconds without a change after which the tags are gone through again."""
    TICK: ClassVar[float] = 0.5
    """The seconds between two looks at what has been listed meanwhile."""
    DEFAULT_CSS = """
    RuleMatches {
        #counts { height: 1; padding: 0 1; background: $surface; }
        #tag { height: 2; padding: 0 1; background: $surface; }
        #state { height: 1; padding: 0 1; color: $text-muted; }
        &.-low #tag { display: none; }
    }
    """

    @dataclass
    class Counted(Message):
        """It is known what the rules do now."""

        drawn: Drawn

    class Listed(Message):
        """What the rules take of their sources is listed."""

    @dataclass
    class Failed(Message):
        """What the sources hold can't be listed."""

        error: TransshipError

    def __init__(self, engine: Application, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._engine = engine
        self._plan: Plan | None = None
        self._rule = 0
        self._shown = Shown.MATCHED
        self._drawn: Drawn | None = None
        self._due = self._passing = self._listing = self._looking = False
        self._to_list: int | None = 0
        self._outdated = ""
        self._trouble: TransshipError | None = None
        self._refusal = ""
        self._pause: Timer | None = None

    def compose(self) -> ComposeResult:
        """Give the counts, the tags, all of the tag under the cursor, and how far it is."""
        yield TextLines(id="counts")
        yield VirtualTable(COLUMNS, can_open=False, empty="")
        yield Static(id="tag")
        yield TextLines(id="state")

    def on_resize(self) -> None:
        """Keep the lines for the tags where there are few."""
        self.set_class(self.size.height < 9, "-low")

    # What is followed

    def follow(self, plan: Plan) -> None:
        """Show what another plan does, as soon as nothing has changed for a moment."""
        before, self._plan, self._outdated = self._plan, plan, ""
        elsewhere = before is None or _hosts(before.rules) != _hosts(plan.rules)
        if elsewhere or isinstance(self._trouble, CatalogClosed):
            self._trouble = None
        self._due = True
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(self.PAUSE if before else 0.001, self._begin)

    def outdated(self, why: str) -> None:
        """Keep showing what was last, and say why that is so."""
        self._outdated = why
        if self._plan is None:
            self.query_one(VirtualTable).show(NoRows(), empty=_NO_PLAN)
        self._say()

    def show_rule(self, rule: int) -> None:
        """Show another rule."""
        if rule != self._rule:
            self._rule = rule
            self._show(at=0)

    def label(self, rule: int) -> str:
        """Return in short what is known of a rule, nothing as long as that is nothing."""
        counts = self._counts(rule)
        if counts is None:
            return ""
        if not self._is_known(rule):
            return "?"
        kept = "" if counts.impossible and not counts.copies else f"✓{counts.kept:,}"
        return " ".join(filter(None, (kept, f"✗{counts.impossible:,}" * bool(counts.impossible))))

    @property
    def is_busy(self) -> bool:
        """Whether anything is still to come."""
        return self._due or self._passing or self._listing or self._looking

    def _begin(self) -> None:
        if self._due and not self._passing:
            self._pass()

    @work(group="outline", exit_on_error=False)
    async def _pass(self) -> None:
        self._passing = True
        try:
            while self._due and self._plan is not None:
                self._due = False
                await self._draw(self._plan)
        finally:
            self._passing = False
        self._list_more()
        self._say()

    async def _draw(self, plan: Plan) -> None:
        catalogues = self._engine.plans.listed()
        self._to_list = 0 if self._trouble else self._engine.plans.unlisted(plan.rules)
        tags = sum(len(tags) for each in catalogues.values() for tags in each.tags.values())
        now = self._engine.clock.now()
        try:
            if tags * len(plan.rules) <= _AT_ONCE:
                self._drawn = draw(plan, catalogues, now)
            else:
                self._say()
                self._drawn = await compute_in_thread(draw, plan, catalogues, now)
        except TransshipError as error:
            self._refusal = f"{error.title}: {error.detail}"
            return
        self._refusal = ""
        self._show()
        self.post_message(self.Counted(self._drawn))

    # What is listed

    @property
    def _rules(self) -> Sequence[Rule]:
        return self._plan.rules if self._plan is not None else ()

    def _list_more(self) -> None:
        if not self._listing and self._to_list != 0:
            self._list()

    @work(group="list", exit_on_error=False)
    async def _list(self) -> None:
        self._listing = True
        ticks = self.set_interval(self.TICK, self._again)
        try:
            await self._engine.plans.list_sources(lambda: self._rules)
        except TransshipError as error:
            self._trouble, self._to_list = error, 0
            self.post_message(self.Failed(error))
        else:
            self.post_message(self.Listed())
        finally:
            ticks.stop()
            self._listing = False
        self._again()

    def _again(self) -> None:
        """Go through the tags again: there are more, or more is known of them."""
        self._due = True
        self._begin()

    def list_anew(self) -> None:
        """List the sources of the plan anew."""
        for host in _hosts(self._rules):
            self._engine.plans.forget_listing(host)
        self._trouble = None
        self._again()

    def look_up(self) -> bool:
        """Look up what must be known of tags; tell whether there is anything to look up."""
        if self._drawn is None or not self._drawn.unknown or self._looking:
            return False
        self._look_up()
        return True

    @work(group="look-up", exit_on_error=False)
    async def _look_up(self) -> None:
        self._looking = True
        ticks = self.set_interval(self.TICK, self._again)
        try:
            for _ in range(_MOST_ROUNDS):
                if self._plan is None:
                    break
                plan, catalogues = self._plan, self._engine.plans.listed()
                drawn = await compute_in_thread(draw, plan, catalogues, self._engine.clock.now())
                unknown = await compute_in_thread(unknown_tags, drawn.outline, catalogues)
                if not unknown:
                    break
                await self._engine.plans.look_up(unknown)
        except TransshipError as error:
            self.post_message(self.Failed(error))
        finally:
            ticks.stop()
            self._looking = False
        self._again()

    def work_failed(self, group: str) -> None:  # noqa: ARG002 - all of them are over then
        """Wait for nothing any more."""
        self._passing = self._listing = self._looking = self._due = False
        self._say()

    # What is shown

    def action_shown(self) -> None:
        """Show the next kind of tags of which there are any; after the last one, the first."""
        present = [s for s in Shown if s is Shown.MATCHED or self._count(s)]
        self._shown = present[(present.index(self._shown) + 1) % len(present)]
        self._show(at=0)

    def _counts(self, rule: int) -> RuleCount | None:
        counts = self._drawn.counts if self._drawn is not None else ()
        return counts[rule] if rule < len(counts) else None

    def _count(self, shown: Shown) -> int:
        """Return how many rows of a kind there are."""
        counts = self._counts(self._rule)
        if counts is None:
            return 0
        return count_of(counts, shown) + (self._passed_by if shown is Shown.DROPPED else 0)

    @property
    def _passed_by(self) -> int:
        """How many repositories this rule leaves to others, or nobody takes."""
        passed = self._drawn.outline.passed_by if self._drawn is not None else ()
        return sum(1 for each in passed if each.rule in (self._rule, None))

    def _is_known(self, rule: int) -> bool:
        """Tell whether it is known what a rule reads from, or at least some of it."""
        if rule >= len(self._rules):
            return False
        here = self._engine.plans.listed().get(self._rules[rule].source.registry)
        if here is not None and any(here.tags.values()):
            return True
        return self._trouble is None and self._to_list == 0 and not (here and here.problems)

    def _show(self, at: int | None = None) -> None:
        if self._shown is not Shown.MATCHED and not self._count(self._shown):
            self._shown = Shown.MATCHED
        if self._drawn is not None:
            rows, table = self._drawn.rows(self._rule, self._shown), self.query_one(VirtualTable)
            held = table.key_at_cursor() if table.cursor else None
            found = rows.index_of(held) if at is None and held is not None else at
            table.show(rows, empty=self._empty, at=found or 0)
            if not len(rows):
                self.query_one("#tag", Static).update(Content(""), layout=False)
            else:
                self._show_tag(rows, table.cursor)
        self._say()

    @property
    def _empty(self) -> str:
        if self._to_list != 0:
            return "Listing…"
        if not self._is_known(self._rule):
            return "What is at the source isn't known."
        if self._count(Shown.DROPPED) or self._count(Shown.NEEDED):
            shows = f"{key_for(self, 'matches.shown')} shows what it leaves, and why"
            return f"This rule takes nothing. {shows}."
        return "There is nothing at the source."

    def _say(self) -> None:
        """Say how many there are of each kind, and how far the tags are known."""
        self.query_one("#counts", TextLines).show([self._totals()])
        self.query_one("#state", TextLines).show([self._state()])

    def _totals(self) -> Content:
        """Return how many tags there are of each kind, and how many repositories are left."""
        if not self._is_known(self._rule):
            return Content.styled("? what it matches isn't known", CARE)
        passed, impossible = self._passed_by, self._count(Shown.IMPOSSIBLE)
        parts: list[str | tuple[str, str]] = ["Tags: "]
        for shown in Shown:
            count = self._count(shown) - (passed if shown is Shown.DROPPED else 0)
            if count or shown in (Shown.MATCHED, self._shown):
                sign, color = SIGNS[shown]
                if shown is Shown.MATCHED and impossible:
                    sign, color = "!", CARE
                chosen = "reverse " if shown is self._shown else ""
                parts += [(f"{sign} {count:,} {shown}", f"{chosen}{color}"), "  "]
        if passed:
            parts.append((f"Repositories: – {passed:,} dropped", QUIET))
        return Content.assemble(*parts)

    def _state(self) -> Content:
        if self._outdated:
            before = "as it was before: " if self._drawn is not None else ""
            return Content.styled(f"! {before}{self._outdated}", CARE)
        if self._refusal:
            return Content.styled(f"✗ {self._refusal}", BAD)
        if self._trouble is not None:
            return Content.styled(f"✗ {self._trouble}", BAD)
        if self._looking:
            left = self._drawn.unknown if self._drawn else 0
            return Content.styled(f"… looking up {counted(left, 'tag')}", CARE)
        if self._to_list != 0:
            return Content.styled(self._progress(), CARE)
        if self._drawn is not None and self._drawn.unknown:
            does = f"{key_for(self, 'editor.look-up')} does it"
            words = f"? {counted(self._drawn.unknown, 'tag')} must be looked up; {does}"
            return Content.styled(words, CARE)
        if self.is_busy:
            return Content.styled("… going through the tags again", CARE)
        return Content.styled(
            f"{self._extent()}; {key_for(self, 'editor.list')} lists anew" if self._drawn else "",
            QUIET,
        )

    def _progress(self) -> str:
        left = self._to_list
        more = f", {counted(left, 'repository', 'repositories')} to go" if left is not None else ""
        return f"… listing: {self._extent()} so far{more}"

    def _extent(self) -> str:
        catalogues = self._engine.plans.listed()
        here = [each for host, each in catalogues.items() if host in _hosts(self._rules)]
        sizes = [len(tags) for each in here for tags in each.tags.values()]
        problems = sum(len(each.problems) for each in here)
        refused = f", {problems:,} can't be listed" if problems else ""
        some = sum(1 for size in sizes if size)
        of = f"{some:,} of " if some < len(sizes) else ""
        repositories = counted(len(sizes), "repository", "repositories")
        return f"{counted(sum(sizes), 'tag')} listed in {of}{repositories}{refused}"

    @on(VirtualTable.CursorMoved)
    def _cursor_moved(self, event: VirtualTable.CursorMoved) -> None:
        event.stop()
        rows = self.query_one(VirtualTable).rows
        if isinstance(rows, MatchRows) and event.index < len(rows):
            self._show_tag(rows, event.index)

    def _show_tag(self, rows: MatchRows, index: int) -> None:
        words = rows.in_full(index, context_of(self).naming)
        self.query_one("#tag", Static).update(words, layout=False)


def _hosts(rules: Sequence[Rule]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.source.registry for rule in rules))
