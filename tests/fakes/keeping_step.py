"""The rounds of the fake engine's cutovers: what they give is given by the test."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from transship.cutover.catchup import tag_name
from transship.errors import BadRequest
from transship.views.cutover import undecided_tags

if TYPE_CHECKING:
    from transship.cutover.catchup import KeptSide
    from transship.cutover.status import CutoverStatus


@dataclass
class FakeKeepingStep:
    """`compared`, `caught_up` and `copied_back` are how a cutover stands after that.

    `delta` is how it stands after each round. `kept_tags` has what was decided of tags.
    `why_not_compared` is why the registries can't be compared right before going back.
    """

    standings: dict[str, CutoverStatus] = field(default_factory=dict, kw_only=True)
    compared: CutoverStatus | None = field(default=None, kw_only=True)
    caught_up: CutoverStatus | None = field(default=None, kw_only=True)
    copied_back: CutoverStatus | None = field(default=None, kw_only=True)
    delta: list[CutoverStatus] = field(default_factory=list, kw_only=True)
    why_not_compared: str = field(default="", kw_only=True)
    kept_tags: dict[str, KeptSide] = field(default_factory=dict, kw_only=True)

    @abstractmethod
    async def _reach(self, name: str, what: object) -> None: ...

    async def compare_cutover(self, name: str) -> CutoverStatus:
        await self._reach("compare_cutover", name)
        return self._set(name, self.compared)

    async def catch_up_cutover(self, name: str) -> CutoverStatus:
        await self._reach("catch_up_cutover", name)
        return self._set(name, self.caught_up)

    async def delta_cutover(self, name: str) -> AsyncIterator[CutoverStatus]:
        for standing in self.delta:
            await self._reach("delta_cutover", name)
            yield self._set(name, standing)

    def keep_tag(self, name: str, tag: str, keep: KeptSide) -> CutoverStatus:
        if tag not in map(tag_name, undecided_tags(self.standings[name])):
            raise BadRequest(f"nobody has asked about {tag}")
        self.kept_tags[tag] = keep
        return self.standings[name]

    async def copy_back_cutover(self, name: str) -> CutoverStatus:
        await self._reach("copy_back_cutover", name)
        return self._set(name, self.copied_back)

    def _set(self, name: str, standing: CutoverStatus | None) -> CutoverStatus:
        if standing is not None:
            self.standings[name] = replace(standing, name=name)
        return self.standings[name]
