"""The part of the stand-in engine that sees to plans. Their files are texts in memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from transship.app.listing import Listings, Rules
from transship.errors import BadFile, BadRequest, FileChanged
from transship.plans.catalogue import Catalogue, TagFacts
from transship.plans.encode import Spelling
from transship.plans.file import PlanEntry, PlanFile, plan_in

if TYPE_CHECKING:
    from fakes.engine import FakeEngine
    from transship.oci.reference import Reference
    from transship.plans.plan import Plan, Rule
    from transship.registry.registry import Registry

FOLDER = Path("plans")


@dataclass
class FakePlans:
    """Plans by name, and when tags were created, by `host/repository:tag`."""

    plan_texts: dict[str, str] = field(default_factory=dict, kw_only=True)
    created: dict[str, float] = field(default_factory=dict, kw_only=True)
    rate: float = field(default=0.0, kw_only=True)

    listings: Listings = field(init=False, repr=False)

    @abstractmethod
    def resolve(self, text: str) -> Reference: ...

    @abstractmethod
    async def _reach(self, name: str, what: object) -> None: ...

    @abstractmethod
    def _fail(self, name: str) -> None: ...

    def place(self, text: str) -> Reference:
        return self.resolve(text)

    def spelling(self) -> Spelling:
        return Spelling()

    def all_plans(self) -> Sequence[PlanEntry]:
        self._fail("all_plans")
        return [self._entry(name) for name in sorted(self.plan_texts)]

    def load_plan(self, path: Path) -> PlanFile:
        self._fail("load_plan")
        text = self.plan_texts[path.stem]
        return PlanFile(path, text, plan_in(text, path, self.place), self.place, text)

    def plan_text(self, path: Path) -> str:
        return self.plan_texts[path.stem]

    def free_plan_name(self, wish: str) -> str:
        names = (wish if n == 1 else f"{wish}-{n}" for n in range(1, 100))
        return next(name for name in names if name not in self.plan_texts)

    def create_plan(self, name: str, plan: Plan, like: PlanFile | None = None) -> PlanFile:
        self._fail("create_plan")
        if name in self.plan_texts or not name:
            raise BadRequest(f"there is a plan {name!r} already" if name else "a plan has a name")
        path = FOLDER / f"{name}.toml"
        file = (
            replace(like, path=path).replaced(plan)
            if like
            else PlanFile.new(path, plan, self.place)
        )
        return self._kept(file)

    def save_plan(self, file: PlanFile) -> PlanFile:
        self._fail("save_plan")
        if self.is_plan_changed(file):
            raise FileChanged(str(file.path))
        return self._kept(file)

    def is_plan_changed(self, file: PlanFile) -> bool:
        return self.plan_texts.get(file.path.stem) != file.on_disk

    def delete_plan(self, path: Path) -> None:
        self._fail("delete_plan")
        del self.plan_texts[path.stem]

    def jobs_of(self, plans: Iterable[Plan]) -> Sequence[str | None]:
        known = cast("FakeEngine", self).job_plans
        return [next((job for job, its in known.items() if its == plan), None) for plan in plans]

    async def rate_of(self, plan: Plan) -> float:
        await self._reach("rate_of", plan)
        return self.rate

    def listed(self) -> Mapping[str, Catalogue]:
        return self.listings.known()

    def unlisted(self, rules: Sequence[Rule]) -> int | None:
        return self.listings.due(rules)

    async def list_sources(self, rules: Rules) -> None:
        await self.listings.list_for(rules)

    async def look_up(self, tags: Iterable[Reference]) -> None:
        tags = tuple(tags)
        await self._reach("look_up", tags)
        for tag in tags:
            facts = TagFacts(created=self.created.get(str(tag)), examined=True)
            at = self.listings.at(tag.registry)
            at.facts = {**at.facts, (tag.repository, tag.tag): facts}

    def forget_listing(self, host: str) -> None:
        self.listings.forget(host)

    def _kept(self, file: PlanFile) -> PlanFile:
        self.plan_texts[file.path.stem] = file.text
        return replace(file, on_disk=file.text)

    def _entry(self, name: str) -> PlanEntry:
        path = FOLDER / f"{name}.toml"
        try:
            return PlanEntry(path, plan_in(self.plan_texts[name], path, self.place))
        except BadFile as error:
            return PlanEntry(path, problem=error)


class _FakePlace:
    """Lists what the engine has."""

    def __init__(self, engine: FakeEngine, host: str) -> None:
        self._engine = engine
        self.name = host

    def repositories(self) -> AsyncIterator[str]:
        return self._engine.repositories(self.name)

    def tags(self, repository: str) -> AsyncIterator[str]:
        return self._engine.tags(self.name, repository)


def listings_of(engine: FakeEngine) -> Listings:
    """Return listings of what a stand-in has."""

    async def opened(host: str) -> Registry:
        return cast("Registry", _FakePlace(engine, host))

    return Listings(opened, engine.clock)
