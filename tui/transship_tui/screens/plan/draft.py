"""A plan that is open to be changed: its file, if it is in one yet, and the draft of its fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from transship.accounts.sign_in import holding_images
from transship.errors import UsageError
from transship.plans.decode import VERSION, Resolve, decode_plan
from transship.plans.encode import document_text, encode_plan
from transship.plans.file import document_in
from transship.plans.plan import Kind, Plan
from transship.plans.toml_document import Mistake, TextPlace

if TYPE_CHECKING:
    from transship.app.application import Application
    from transship.oci.reference import Reference
    from transship.plans.file import PlanFile

_WORDS = frozenset(
    {
        "repositories",
        "include",
        "exclude",
        "exact",
        "digests",
        "platforms",
        "artifacts",
        "immutable",
        "protect",
    }
)
_NUMBERS = frozenset({"newest", "retries", "concurrency"})
_SELECTING = ("tags", "platforms", "artifacts")
_NEEDED = ("from", "to")
SCHEDULE: TextPlace = ("schedule",)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a draft says: a plan; or, by place, what is wrong with it.

    `missing` are the places where nothing else is wrong than that nothing stands there.
    """

    plan: Plan | None
    mistakes: Mapping[TextPlace, str] = field(default_factory=dict)
    missing: frozenset[TextPlace] = frozenset()

    def at(self, place: TextPlace) -> str:
        """Return what is wrong at a place, or below it; nothing when it is right."""
        found = (why for where, why in self.mistakes.items() if where[: len(place)] == place)
        return next(found, "")

    def wrong_rules(self) -> tuple[int, ...]:
        """Return the numbers (from 0) of the rules in which something is wrong."""
        numbers = (where[1] for where in self.mistakes if where[:1] == ("rules",) and where[1:])
        return tuple(dict.fromkeys(number for number in numbers if isinstance(number, int)))


class PlanDraft:
    """A draft. `document` is what `tomllib` makes of the file, or of a plan that is in none yet."""

    def __init__(self, document: Mapping[str, Any], resolve: Resolve) -> None:
        self._document: dict[str, Any] = deepcopy(dict(document))
        self._resolve = resolve
        self._kept = self.document()

    @classmethod
    def new(cls, rules: Iterable[Mapping[str, Any]], resolve: Resolve) -> PlanDraft:
        """Return the draft of a plan that has these rules, and is a sync until it is changed."""
        document = {"version": VERSION, "kind": str(Kind.SYNC), "rules": list(rules)}
        return cls(document, resolve)

    @property
    def is_changed(self) -> bool:
        """Whether it says something else than at first."""
        return self.document() != self._kept

    @property
    def is_replication(self) -> bool:
        """Whether it is the draft of a replication."""
        return bool(self._document.get("kind") == Kind.REPLICATION)

    @property
    def rules(self) -> Sequence[Mapping[str, Any]]:
        """Its rules, as tables."""
        rules = self._document.get("rules", [])
        return rules if isinstance(rules, list) else []

    def value(self, place: TextPlace) -> Any:
        """Return the value at a place, None where there is none."""
        found: Any = self._document
        for key in place:
            try:
                found = found[key]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def text(self, place: TextPlace) -> str:
        """Return what the field for a place says."""
        value = self.value(place)
        if place == SCHEDULE:
            value = value or {}
            return str(value.get("every") or value.get("cron") or "")
        if isinstance(value, list):
            return (" " if place[-1] in _WORDS else ", ").join(map(str, value))
        return value.isoformat() if isinstance(value, date) else str(value or "")

    def put(self, place: TextPlace, text: str) -> None:
        """Take what a field says. What it says already changes nothing, however it is written."""
        if text.strip() != self.text(place).strip():
            self.set(place, _schedule(text) if place == SCHEDULE else _value(place, text.strip()))

    def set(self, place: TextPlace, value: object) -> None:
        """Put a value at a place, or with None take away what is there."""
        *parents, last = place
        table: Any = self._document
        for key in parents:
            table = table[key] if isinstance(key, int) else table.setdefault(key, {})
        if value is None:
            table.pop(last, None)
        else:
            table[last] = value

    def add_rule(self, rule: Mapping[str, Any]) -> int:
        """Add a rule at the end, and return its number."""
        self._document.setdefault("rules", []).append(dict(rule))
        return len(self.rules) - 1

    def remove_rule(self, number: int) -> None:
        """Take a rule out."""
        del self._document["rules"][number]

    def document(self) -> dict[str, Any]:
        """Return the document as it is to be read: without what its kind hasn't, and what is idle.

        What one kind of plan hasn't is kept in the draft, for who turns back to the other.
        """
        document = deepcopy(self._document)
        rules = [_without_empty(rule) for rule in document.get("rules", [])]
        if self.is_replication:
            rules = [{k: v for k, v in rule.items() if k not in _SELECTING} for rule in rules]
        else:
            document.pop("delete", None)
        document["rules"] = rules
        limits = {n: v for n, v in self._limits().items() if v and n not in self._idle()}
        # An empty [delete] deletes, by the defaults.
        deletion = {"delete": document["delete"]} if document.get("delete") is not None else {}
        return _without_empty({**document, "limits": limits}) | deletion

    def read(self) -> Reading:
        """Return the plan that it says, or what is wrong with it."""
        plan, mistakes = decode_plan(self.document(), self._resolve)
        found: dict[TextPlace, str] = {}
        for mistake in mistakes:
            for place in self._places(mistake):
                found.setdefault(place, mistake.why)
        return Reading(plan, found, frozenset(at for at in found if self.value(at) is None))

    def registries(self) -> Mapping[str, str]:
        """Return how each registry that takes part is called, by registry, sources first."""
        called = {self._registry(name): name for name in self._limits()}
        found: dict[str, str] = {}
        for rule in self.rules:
            for text in self._named(rule):
                registry = self._registry(text)
                name = text.strip().partition("/")[0]
                if registry and not registry.startswith("layout:"):
                    found.setdefault(registry, called.get(registry, name))
        return found

    def _places(self, mistake: Mistake) -> Iterable[TextPlace]:
        """Give the places of fields that a mistake is about."""
        place = mistake.place
        if len(place) == 2 and place[0] == "rules" and "missing" in mistake.why:
            return [(*place, key) for key in _NEEDED if self.value((*place, key)) is None]
        return [place]

    def _limits(self) -> Mapping[str, Any]:
        limits = self._document.get("limits", {})
        return limits if isinstance(limits, dict) else {}

    def _idle(self) -> frozenset[str]:
        """Return the names of registries that have limits and take no part."""
        taking_part = {self._registry(text) for rule in self.rules for text in self._named(rule)}
        return frozenset(name for name in self._limits() if self._registry(name) not in taking_part)

    def _registry(self, text: str) -> str:
        try:
            return self._resolve(text).registry
        except UsageError:
            return ""

    def _named(self, rule: Mapping[str, Any]) -> list[str]:
        """Return the places that a rule names."""
        to = rule.get("to", [])
        targets = to if isinstance(to, list) else [to]
        return [text for text in (rule.get("from"), *targets) if isinstance(text, str) and text]


def _value(place: TextPlace, text: str) -> object:
    """Return what a text says in the field for a place; None when it says nothing."""
    key = place[-1]
    if not text:
        return None
    if key in _WORDS:
        return [word for word in (word.strip(",") for word in text.split()) if word]
    if key == "to":
        places = [part.strip() for part in text.split(",") if part.strip()]
        return places[0] if len(places) == 1 else places
    if key in _NUMBERS and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    return text


def _schedule(text: str) -> object:
    """Return a schedule: five fields of cron have spaces between them, a span of time has none."""
    text = " ".join(text.split())
    if not text:
        return None
    return {"cron": text} if " " in text else {"every": text}


def _without_empty(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value not in ({}, None)}


@dataclass(slots=True)
class OpenedPlan:
    """A plan, what it is called, and the draft of it.

    `file` is the one that it is in; None for a new plan, and `like` is then the file whose words
    and comments it begins with, if any.
    """

    name: str
    draft: PlanDraft
    file: PlanFile | None = None
    like: PlanFile | None = None

    @classmethod
    def of(cls, file: PlanFile) -> OpenedPlan:
        """Return the plan in a file."""
        return cls(_name_of(file), _draft_of(file), file)

    @classmethod
    def copy_of(cls, file: PlanFile, name: str) -> OpenedPlan:
        """Return a new plan that says the same as a file."""
        return cls(name, _draft_of(file), like=file)

    @classmethod
    def new(cls, name: str, rules: Iterable[Mapping[str, Any]], engine: Application) -> OpenedPlan:
        """Return a new plan with some rules."""
        return cls(name, PlanDraft.new(rules, engine.plans.place))

    @property
    def is_new(self) -> bool:
        """Whether it is in no file yet."""
        return self.file is None

    @property
    def is_changed(self) -> bool:
        """Whether something would be lost without saving."""
        return self.draft.is_changed or (self.is_new and self.like is not None)

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return str(self.file.path) if self.file else f"{self.name} (in no file yet)"

    def text(self, plan: Plan | None, engine: Application) -> str:
        """Return the text of the file as it would be saved, or as it was if there is no plan.

        Raises BadFile.
        """
        file = self.file or self.like
        if file is not None:
            return file.replaced(plan, engine.plans.spelling()).text if plan else file.text
        return document_text(encode_plan(plan, engine.plans.spelling())) if plan else ""

    def save(self, plan: Plan, name: str, engine: Application) -> None:
        """Write the plan, under `name` if it is new.

        Raises FileChanged, BadRequest for a name that can't be, and BadFile.
        """
        if self.file is None:
            self.file = engine.plans.create(name, plan, self.like)
        else:
            self.file = engine.plans.save(self.file.replaced(plan, engine.plans.spelling()))
        self.name, self.draft = _name_of(self.file), _draft_of(self.file)

    def is_changed_elsewhere(self, engine: Application) -> bool:
        """Tell whether the file says something else than when it was read."""
        return self.file is not None and engine.plans.is_changed(self.file)

    def load(self, engine: Application) -> None:
        """Take what the file says now. Raises BadFile."""
        assert self.file is not None
        self.file = engine.plans.load(self.file.path)
        self.draft = _draft_of(self.file)

    def rebase(self, engine: Application) -> None:
        """Go on from what the file says now; the draft stays. Raises BadFile."""
        assert self.file is not None
        self.file = engine.plans.load(self.file.path)


def way_between(source: str, target: str, engine: Application) -> dict[str, str]:
    """Return where a rule reads and where it writes, without what isn't known or is no way."""
    spelled = engine.plans.spelling()
    ends = {"from": source, "to": target if target != source else ""}
    return {key: spelled.registry(host) for key, host in ends.items() if host}


def rules_for(
    sources: Sequence[Reference], engine: Application, target: str = ""
) -> list[dict[str, Any]]:
    """Return rules that take these repositories and tags, all of one registry, and no others.

    They go to `target`, or else to the only other registry; where there are several, to none yet.
    What is named by its digest is left out.
    """
    host = sources[0].registry
    places = holding_images(engine.registries.all())
    others = [account.host for account in places if account.host != host]
    if target in ("", host):
        target = others[0] if len(others) == 1 else ""
    way = way_between(host, target, engine)
    whole = dict.fromkeys(source.repository for source in sources if not source.version)
    tags: dict[str, list[str]] = {}
    for source in sources:
        if source.tag and source.repository not in whole:
            tags.setdefault(source.repository, []).append(source.tag)
    rules: list[dict[str, Any]] = [{**way, "repositories": list(whole)}] if whole else []
    alike: dict[tuple[str, ...], list[str]] = {}
    for repository, exact in tags.items():
        alike.setdefault(tuple(exact), []).append(repository)
    for exact_tags, repositories in alike.items():
        rules.append({**way, "repositories": repositories, "tags": {"exact": list(exact_tags)}})
    return rules


def _name_of(file: PlanFile) -> str:
    return file.path.stem


def _draft_of(file: PlanFile) -> PlanDraft:
    return PlanDraft(document_in(file.text, file.path), file.resolve)
