"""The sides of a plan that answer: one that doesn't is left out, and the others go on.

Why a registry couldn't be read and when it is asked again, and which parts of a plan need it.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
)
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue
from transship.plans.encode import document_text, encode_plan
from transship.plans.plan import Plan, Rule
from transship.plans.pruning import is_below, replicas
from transship.registry.registry import BlobReader, HasPreflight, PreflightSource, Registry
from transship.registry.service import Creating, Creator
from transship.transfers.copies import Copy
from transship.transfers.limits import hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transship.watch.jobs import WatchAccess

_FIRST_PAUSE = 15.0
_LONGEST_PAUSE = 1800.0

Words = tuple[str, str, str]
"""An error's title, detail and remedy."""


class OfflineRegistry(msgspec.Struct, frozen=True):
    """A registry that couldn't be looked at.

    `problem` is why (title, detail, remedy), `attempts` how often in a row, and `again_at` when it
    is asked again, in seconds since the epoch.
    """

    registry: str
    problem: Words
    attempts: int
    again_at: float


class OfflineRegistries:
    """The registries that are away. Each is left alone for a while, longer each time."""

    def __init__(self, known: Iterable[OfflineRegistry] = ()) -> None:
        self._absences = {absence.registry: absence for absence in known}

    @property
    def known(self) -> tuple[OfflineRegistry, ...]:
        """Those that are away."""
        return tuple(self._absences.values())

    @property
    def next_at(self) -> float | None:
        """When one of them is asked again, in seconds since the epoch; None when none is away."""
        return min((absence.again_at for absence in self._absences.values()), default=None)

    def left_alone(self, now: float) -> Mapping[str, OfflineRegistry]:
        """Return those that it is too early to ask again, by registry."""
        return {name: each for name, each in self._absences.items() if now < each.again_at}

    def due(self, now: float) -> frozenset[str]:
        """Return those that may be asked again."""
        return frozenset(self._absences.keys() - self.left_alone(now).keys())

    def failed(self, registry: str, problem: Words, now: float) -> None:
        """Take note that a registry couldn't be looked at."""
        before = self._absences.get(registry)
        attempts = before.attempts + 1 if before else 1
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempts - 1, 32))
        self._absences[registry] = OfflineRegistry(registry, problem, attempts, now + pause)

    def answered(self, registries: Collection[str]) -> tuple[str, ...]:
        """Forget what was known of registries that have answered; return those that were away."""
        back = tuple(name for name in self._absences if name in registries)
        for name in back:
            del self._absences[name]
        return back

    def put_off(self, registries: Iterable[str], now: float) -> None:
        """Leave alone for longer what may be asked again by now, and can't be after all."""
        for registry in self.due(now).intersection(registries):
            self.failed(registry, self._absences[registry].problem, now)


def words_of(error: TransshipError) -> Words:
    """Return an error as a record keeps it."""
    return error.title, error.detail, error.remedy


_T = TypeVar("_T")
_NOTHING_THERE = (errors.NothingSelected, errors.ManifestNotFound)


@dataclass(slots=True)
class WatchSides:
    """The places of a plan that can be asked.

    `alone` are those that are left alone for now, `failed` those that were found to be away, with
    the error, and `answered` those that took part in what went well.
    """

    alone: Mapping[str, OfflineRegistry]
    places: dict[str, Registry] = field(default_factory=dict)
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
async def find_answering(
    plan: Plan, reach: WatchAccess, alone: Mapping[str, OfflineRegistry]
) -> AsyncIterator[WatchSides]:
    """Open what a plan names, but for what is left `alone`."""
    sides = WatchSides(alone)
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
                sides.places[registry] = cast("Registry", _Marking(place))
        yield sides


class _Marking:
    """A place that marks its errors, so that whoever meets one knows where it comes from.

    `isinstance` finds what a protocol asks for only where a class has it (since Python 3.12): that
    stands here, and not behind `__getattr__`.
    """

    def __init__(self, place: Registry) -> None:
        self._place = place

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._place, name)
        if inspect.iscoroutinefunction(found):
            return self._asked(found)
        if inspect.isasyncgenfunction(found):
            return self._given(found)
        return found

    def foreseer(self) -> PreflightSource | None:
        return self._place.foreseer() if isinstance(self._place, HasPreflight) else None

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


def without(plan: Plan, registries: Collection[str]) -> Plan:
    """Return the part of a plan that takes none of these registries. It may be empty."""
    if not registries:
        return plan
    return _part(plan, lambda source, target: not {source, target} & set(registries))


def only(plan: Plan, registries: Collection[str]) -> Plan:
    """Return the part of a plan that takes any of these registries. It may be empty."""
    return _part(plan, lambda source, target: bool({source, target} & set(registries)))


def rest(plan: Plan, part: Plan) -> Plan:
    """Return what of a plan isn't in a part of it."""
    there = {(replace(rule, targets=()), t) for rule in part.rules for t in rule.targets}
    rules = (
        replace(rule, targets=tuple(t for t in rule.targets if (bare, t) not in there))
        for rule in plan.rules
        for bare in (replace(rule, targets=()),)
    )
    kept = set(part.copies)
    copies = tuple(copy for copy in plan.copies if copy not in kept)
    return replace(plan, rules=tuple(rule for rule in rules if rule.targets), copies=copies)


def may_be_meant(plan: Plan, catalogues: Mapping[str, Catalogue]) -> Callable[[Copy], bool]:
    """Return what tells of a copy whether this plan may want something else at its target.

    `catalogues` is what was known of its sources last; where nothing is, it may be anything that
    the target has already.
    """
    known = [rule for rule in plan.rules if rule.source.registry in catalogues]
    told = replicas(replace(plan, rules=tuple(known)), catalogues)
    open_ended = [rule for rule in plan.rules if rule not in {replica.rule for replica in told}]
    named = {copy.target if copy.target.version else _whole(copy.target) for copy in plan.copies}

    def tell(copy: Copy) -> bool:
        target = copy.target
        if {target, _whole(target)} & named:
            return True
        if any(target.repository in r.known for r in told if _is_at(r.target, target)):
            return True
        return copy.previous is not None and any(
            _is_at(where, target) for rule in open_ended for where in rule.targets
        )

    return tell


def _is_at(where: Reference, target: Reference) -> bool:
    return where.registry == target.registry and is_below(where, target.repository)


def _whole(target: Reference) -> Reference:
    return Reference(target.registry, target.repository)


def is_empty(plan: Plan) -> bool:
    """Tell whether nothing is left of a plan."""
    return not (plan.rules or plan.copies)


def mark_of(plan: Plan) -> str:
    """Return what tells a plan from any other, whichever file says it."""
    return hashlib.sha256(document_text(encode_plan(plan)).encode()).hexdigest()


def _part(plan: Plan, takes: Callable[[str, str], bool]) -> Plan:
    def target_taken(rule: Rule, target: Reference) -> bool:
        return takes(rule.source.registry, target.registry)

    rules = (
        replace(rule, targets=tuple(t for t in rule.targets if target_taken(rule, t)))
        for rule in plan.rules
    )
    copies = (c for c in plan.copies if takes(c.source.registry, c.target.registry))
    part = replace(plan, rules=tuple(rule for rule in rules if rule.targets), copies=tuple(copies))
    return part.without_idle_limits()
