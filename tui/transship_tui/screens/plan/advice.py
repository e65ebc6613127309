"""Advice: what isn't known is asked, then one way is recommended, and the others have a reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static

from transship.accounts.registry_file import Account
from transship.errors import TransshipError
from transship.oci.reference import Reference
from transship.plans.advice import Advice, End, EndQuestion, Ends, Pace, Way, advise, answered
from transship.plans.plan import Kind, Plan, Rule
from transship.registry.service import service_of
from transship.text import safe
from transship_tui.naming import Naming
from transship_tui.screens.frame import Frame
from transship_tui.ways import WORDS
from transship_tui.widgets.dialogs import Choice, Choices


def ends_of(plan: Plan, accounts: Iterable[Account]) -> Ends:
    """Return what is known of the first source and the first target of a plan.

    Both are called as the operator calls them.
    """
    known = tuple(accounts)
    return Ends(
        _end(plan.sources[0], known),
        _end(plan.targets[0], known),
        whole=_whole(plan),
        pace=Pace.SOMETIMES if plan.schedule or plan.kind is Kind.REPLICATION else None,
        tags_vanish=True if plan.delete else None,
    )


def _end(place: Reference, accounts: Sequence[Account]) -> End:
    if place.layout is not None:
        return End(place.registry)
    services = {account.host: account.service for account in accounts}
    service = services.get(place.registry) or service_of(place.registry).kind
    return End(Naming(accounts).place(place.registry), service)


def _whole(plan: Plan) -> bool | None:
    """Tell whether everything at the source is wanted; None where the plan doesn't say."""
    if plan.kind is Kind.REPLICATION:
        return True
    return False if plan.copies or any(map(_selects, plan.rules)) else None


def _selects(rule: Rule) -> bool:
    """Tell whether a rule leaves something out of what stands below its source."""
    plain = Rule(rule.source, rule.targets)
    return (rule.repositories, rule.tags, rule.platforms, rule.artifacts) != (
        plain.repositories, plain.tags, plain.platforms, plain.artifacts,
    )  # fmt: skip


_UNKNOWN = Choice("", "I don't know")


class AdviceDialog(ModalScreen[Way | None]):
    """Asks about what lies between two ends; returns the way that the operator takes, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Close"),
        Binding("left,backspace,h", "before", "Question before"),
    ]
    DEFAULT_CSS = """
    AdviceDialog {
        &>.dialog { width: 84; }
        & #known { color: $text-muted; margin-bottom: 1; height: auto; }
        & #asked { height: auto; margin-bottom: 1; }
    }
    """

    def __init__(self, facts: Ends) -> None:
        super().__init__()
        self._answers: list[tuple[Ends, frozenset[str]]] = [(facts, frozenset())]
        """What was known before each question, and which were skipped; the last is now."""
        self._choices: Sequence[Choice] = ()

    def compose(self) -> ComposeResult:
        """Give what is known, what is asked or recommended, and the choices."""
        with Vertical(classes="dialog"):
            yield Static(classes="title")
            yield Static(id="known")
            yield Static(id="asked")
            yield Choices()
            with Horizontal(classes="buttons"):
                yield Button("Back", id="back", compact=True)
                yield Button("Close", id="close", compact=True)

    def on_mount(self) -> None:
        """Ask the first question."""
        self._show()
        self.query_one(Choices).focus()

    @property
    def _facts(self) -> Ends:
        return self._answers[-1][0]

    @property
    def _question(self) -> EndQuestion | None:
        """The next question whose answer could be given."""
        skipped = self._answers[-1][1]
        open_ones = (q for q in advise(self._facts).questions if q.id not in skipped)
        return next(open_ones, None)

    def _show(self) -> None:
        facts, question = self._facts, self._question
        title = "Choose a way" if question is None else f"Question {len(self._answers)}"
        self.query_one(".title", Static).update(title)
        ends = f"{_end_words(facts.source)} → {_end_words(facts.target)}"
        self.query_one("#known", Static).update(Content(ends))
        if question is None:
            self._choices = _ways(advise(facts))
        else:
            self._choices = [*(Choice(c.value, c.words) for c in question.choices), _UNKNOWN]
        asked = self.query_one("#asked", Static)
        asked.update(Content(safe(question.words) if question else ""))
        asked.display = question is not None
        self.query_one(Choices).offer(self._choices)
        self.query_one("#back", Button).disabled = len(self._answers) == 1

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        value = self._choices[event.option_index].value
        question = self._question
        if question is None:
            self.dismiss(Way(value))
            return
        facts, skipped = self._answers[-1]
        if value:
            facts = answered(facts, question.id, value)
        else:
            skipped |= {question.id}
        self._answers.append((facts, skipped))
        self._show()

    @on(Button.Pressed, "#back")
    def action_before(self) -> None:
        """Ask the question before once more."""
        if len(self._answers) > 1:
            self._answers.pop()
            self._show()
            self.query_one(Choices).focus()

    @on(Button.Pressed, "#close")
    def action_cancel(self) -> None:
        """Take no way."""
        self.dismiss(None)


def _ways(advice: Advice) -> list[Choice]:
    """Return all ways, the recommended one first, the others with what speaks against them."""
    best = Choice(advice.way, f"✓ {WORDS[advice.way]} (recommended)", _sentence(advice.reason))
    others = (Choice(o.way, f"– {WORDS[o.way]}", _sentence(o.why)) for o in advice.others)
    return [best, *others]


def _sentence(words: str) -> str:
    return safe(words[:1].upper() + words[1:])


def _end_words(end: End) -> str:
    """Return a registry with what is known of it."""
    side = {True: "mainland China", False: "outside mainland China", None: ""}[end.side]
    known = (end.service.upper() if end.service != "registry" else "", end.edition or "", side)
    words = ", ".join(filter(None, known))
    return safe(f"{end.registry} ({words})" if words else end.registry)


KINDS = {Way.SYNC: Kind.SYNC, Way.REPLICATION: Kind.REPLICATION}
"""The kinds of plans that carry out a way."""


async def advised(screen: Frame, plan: Plan) -> Way | None:
    """Ask what isn't known of a plan's two ends; return the way that the operator takes."""
    screen.hush()
    try:
        facts = ends_of(plan, screen.core.registries.all())
    except TransshipError as error:
        screen.fail(error)
        return None
    return await screen.app.push_screen_wait(AdviceDialog(facts))


def words_of(way: Way) -> str:
    """Return what to do for a way that no kind of plan stands for."""
    if way is Way.COPY:
        return "Any plan that is run once is a copy: it needs no schedule"
    return f"{WORDS[way]}: set it up at the service; the plan stays as it is"
