"""The sides of a plan that answer: one that doesn't is left out, and the others go on."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from transship import errors
from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.plans.plan import Plan
from transship.registries.foreseeing import Foreseeable, Foreseer
from transship.registries.place import BlobReader, Place
from transship.registries.services.api import Creating, Creator
from transship.transfers.steering import hold
from transship.transfers.watch.away import Absence, Words, words_of
from transship.transfers.watch.parts import is_empty, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transship.transfers.watch.work import Reach

_T = TypeVar("_T")
_NOTHING_THERE = (errors.NothingSelected, errors.ManifestNotFound)


@dataclass(slots=True)
class Sides:
    """The places of a plan that can be asked.

    `alone` are those that are left alone for now, `failed` those that were found to be away, with
    the error, and `answered` those that took part in what went well.
    """

    alone: Mapping[str, Absence]
    places: dict[str, Place] = field(default_factory=dict)
    failed: dict[str, TransshipError] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)

    @property
    def left_out(self) -> frozenset[str]:
        """The registries that aren't asked."""
        return frozenset(self.alone.keys() | self.failed.keys())

    @property
    def problems(self) -> tuple[Words, ...]:
        """Why each of them isn't asked."""
        known = (absence.problem for absence in self.alone.values())
        return (*known, *map(words_of, self.failed.values()))

    async def ask(self, plan: Plan, what: Callable[[Plan], Awaitable[_T]]) -> _T | None:
        """Do something with the part of a plan that takes only what answers.

        A registry that turns out not to answer is left out, and the rest is asked once more.
        Returns None when nothing is left to be asked, or what is left has nothing. Raises what
        isn't the matter of one registry.
        """
        while not is_empty(part := without(plan, self.left_out)):
            try:
                result = await what(part)
            except TransshipError as error:
                if error.met_at is not None:
                    self.failed[error.met_at] = error
                    self.answered.discard(error.met_at)
                    continue
                if not isinstance(error, _NOTHING_THERE):
                    raise
                self.answered |= _registries(part)
                if self.left_out:
                    return None
                raise
            else:
                self.answered |= _registries(part)
                return result
        return None


def _registries(plan: Plan) -> set[str]:
    return {place.registry for place in plan.places}


@asynccontextmanager
async def answering(plan: Plan, reach: Reach, alone: Mapping[str, Absence]) -> AsyncIterator[Sides]:
    """Open what a plan names, but for what is left `alone`."""
    sides = Sides(alone)
    async with AsyncExitStack() as stack:
        for reference in plan.places:
            registry = reference.registry
            if registry in alone:
                continue
            try:
                place = await stack.enter_async_context(reach.place(reference, create=True))
            except TransshipError as error:
                sides.failed[registry] = error
            else:
                hold({registry: place}, plan.limits)
                sides.places[registry] = cast(Place, _Marking(place))
        yield sides


class _Marking:
    """A place that marks its errors, so that whoever meets one knows where it comes from.

    `isinstance` finds what a protocol asks for only where a class has it (since Python 3.12): that
    stands here, and not behind `__getattr__`.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._place, name)
        if inspect.iscoroutinefunction(found):
            return self._asked(found)
        if inspect.isasyncgenfunction(found):
            return self._given(found)
        return found

    def foreseer(self) -> Foreseer | None:
        return self._place.foreseer() if isinstance(self._place, Foreseeable) else None

    def creator(self) -> Creator | None:
        return self._place.creator() if isinstance(self._place, Creating) else None

    @asynccontextmanager
    async def read_blob(
        self, repository: str, digest: Digest, offset: int = 0
    ) -> AsyncIterator[BlobReader]:
        with _marked(self._place.name):
            async with self._place.read_blob(repository, digest, offset) as blob:
                yield blob

    def _asked(self, ask: Callable[..., Awaitable[_T]]) -> Callable[..., Awaitable[_T]]:
        async def asked(*args: Any, **options: Any) -> _T:
            with _marked(self._place.name):
                return await ask(*args, **options)

        return asked

    def _given(
        self, give: Callable[..., AsyncGenerator[_T, None]]
    ) -> Callable[..., AsyncIterator[_T]]:
        async def given(*args: Any, **options: Any) -> AsyncIterator[_T]:
            with _marked(self._place.name):
                async with aclosing(give(*args, **options)) as items:
                    async for item in items:
                        yield item

        return given


@contextmanager
def _marked(registry: str) -> Iterator[None]:
    try:
        yield
    except TransshipError as error:
        error.met_at = registry
        raise
