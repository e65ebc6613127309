"""A plan that is open to be changed: the file that it is in, if it is in one yet, and the draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transship.accounts.sign_in import holding_images
from transship.plans.encode import document_text, encode_plan
from transship.plans.file import document_in
from transship_tui.widgets.plan_draft import PlanDraft

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from transship.app.application import Application
    from transship.oci.reference import Reference
    from transship.plans.file import PlanFile
    from transship.plans.plan import Plan


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
