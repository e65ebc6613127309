"""What the targets would refuse, known before a byte moves.

`Foresight.look` asks the targets what they say of themselves; `refusal` judges a copy by that, and
is pure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from transship.concurrency import each
from transship.errors import (
    ImmutableTag,
    ManifestRejected,
    NamespaceMissing,
    ReadOnly,
    TransshipError,
)
from transship.oci.digest import short
from transship.registry.registry import (
    NO_OPTIONS,
    Capabilities,
    CreationOptions,
    HasPreflight,
    MissingTarget,
    PreflightSource,
    Registry,
    TargetOutlook,
    TargetStatus,
    UnknownTarget,
    Visibility,
)
from transship.registry.service import Creating, Creator, creation_refusal
from transship.transfers.copies import Creation, Found

_OTHER_FORM = (
    "Build it in a form that the target takes, or leave it out; where the target takes it after "
    "all, `try_refused = true` in a plan lets it be tried."
)
_LET_CREATE = (
    "Create it at the target, let the run do so (`create_missing` in a plan), "
    "or change where it goes: the target's path, or `map`."
)
_NAMED = 3


@dataclass(frozen=True, slots=True)
class PreflightUnknown:
    """What one target didn't say: `what` in words, `of` whom (nobody: of all), and why not."""

    target: str
    what: str
    of: tuple[str, ...]
    why: TransshipError

    def __str__(self) -> str:
        more = f" and {len(self.of) - _NAMED:,} more" if len(self.of) > _NAMED else ""
        of = f" ({', '.join(self.of[:_NAMED])}{more})" if self.of else ""
        return f"{self.what}{of}: {self.why}"


class Preflight:
    """What the targets of a plan say of themselves, for one look at it.

    `create_missing` says that the plan allows to create what isn't there, and for whom to pull,
    `options` what else that is to have.
    With `try_refused` only what they say themselves counts, not what is known of their services.
    """

    def __init__(
        self,
        places: Mapping[str, Registry],
        create_missing: Visibility | None = None,
        options: CreationOptions = NO_OPTIONS,
        *,
        try_refused: bool = False,
    ) -> None:
        self._places = places
        self._create_missing = create_missing
        self._options = options
        self._try_refused = try_refused
        self._creators: dict[str, Creator | None] = {}
        self._foreseers: dict[str, PreflightSource | None] = {}
        self._asked: dict[tuple[str, str], bool] = {}
        self._answered: dict[tuple[str, str], asyncio.Event] = {}
        self._standings: dict[tuple[str, str], TargetStatus] = {}
        self._unknown: dict[tuple[str, str], dict[str, TransshipError]] = {}

    @property
    def unknown(self) -> tuple[PreflightUnknown, ...]:
        """What couldn't be known: each thing once per target."""
        return tuple(
            PreflightUnknown(target, what, tuple(filter(None, of)), next(iter(of.values())))
            for (target, what), of in self._unknown.items()
        )

    async def look(self, found: Iterable[Found]) -> None:
        """Ask the targets of what would be written what they say of themselves.

        A target that has nothing written to it isn't asked, and none is asked the same twice. What
        can't be asked is kept as unknown.
        """
        written = [
            (item.target, bool(item.target.tag) and item.target_digest is not None)
            for item in found
            if _is_written(item) and self._foreseer(item.target.registry) is not None
        ]
        new: dict[str, dict[str, bool]] = {}
        answered = asyncio.Event()
        for target, moves in written:
            key = target.registry, target.repository
            if key not in self._asked or (moves and not self._asked[key]):
                self._asked[key] = moves
                self._answered[key] = answered
                new.setdefault(target.registry, {})[target.repository] = moves
        try:
            await each(self._ask(target, writes) for target, writes in new.items())
        finally:
            answered.set()
        for target, _ in written:  # Somebody else may be asking about it at this moment.
            await self._answered[target.registry, target.repository].wait()

    def refusal(self, found: Found) -> TransshipError | None:
        """Return why its target would refuse to have this written, None if nothing is known."""
        target = found.target
        standing = self._standing(found)
        missing = standing.missing
        if missing is not None and not missing.perhaps and (refused := self._lacks(found, missing)):
            return refused
        place = self._places.get(target.registry)
        takes = place.capabilities if place and not self._try_refused else _NO_BOUNDS
        return refusal(found, replace(standing, missing=None), takes)

    def creation(self, found: Found) -> Creation | None:
        """Return what has to be created before this can be written, None if nothing has."""
        missing, target, visibility = (
            self._standing(found).missing,
            found.target.registry,
            self._create_missing,
        )
        creator = self._creator(target)
        if missing is None or visibility is None or creator is None:
            return None
        if creation_refusal(creator, missing, visibility, self._options):
            return None
        return Creation(
            target, MissingTarget(missing.kind, missing.name), visibility, self._options
        )

    def _lacks(self, found: Found, missing: MissingTarget) -> TransshipError | None:
        """Return why what isn't there keeps this from being written, None if it is created."""
        creator = self._creator(found.target.registry)
        if creator is None:
            return NamespaceMissing(f"{found.target}: {missing}")
        if self._create_missing is None:
            return NamespaceMissing(f"{found.target}: {missing}", remedy=_LET_CREATE)
        why = creation_refusal(creator, missing, self._create_missing, self._options)
        return NamespaceMissing(f"{found.target}: {missing}; {why}") if why else None

    def _standing(self, found: Found) -> TargetStatus:
        target = found.target
        return self._standings.get((target.registry, target.repository), _NOTHING_KNOWN)

    def _creator(self, target: str) -> Creator | None:
        if target not in self._creators:
            place = self._places.get(target)
            self._creators[target] = place.creator() if isinstance(place, Creating) else None
        return self._creators[target]

    def _foreseer(self, target: str) -> PreflightSource | None:
        if target not in self._foreseers:
            place = self._places[target]
            self._foreseers[target] = place.foreseer() if isinstance(place, HasPreflight) else None
        return self._foreseers[target]

    async def _ask(self, target: str, writes: Mapping[str, bool]) -> None:
        foreseer = self._foreseers[target]
        assert foreseer is not None
        try:
            outlook = await foreseer.look(writes)
        except TransshipError as error:
            outlook = TargetOutlook(unknown=(UnknownTarget("what it would refuse", "", error),))
        for repository, standing in outlook.standings.items():
            # Who asks because tags move learns more, and may be answered first.
            if writes[repository] or not self._asked[target, repository]:
                self._standings[target, repository] = standing
        for unknown in outlook.unknown:
            of = self._unknown.setdefault((target, unknown.what), {})
            of.setdefault(unknown.of, unknown.why)


def refusal(
    found: Found, standing: TargetStatus, capabilities: Capabilities
) -> TransshipError | None:
    """Return why a target refuses to have what was found written, None when it doesn't."""
    target = found.target
    if standing.missing is not None and not standing.missing.perhaps:
        return NamespaceMissing(f"{target}: {standing.missing}")
    if standing.read_only:
        return ReadOnly(f"{target}: {standing.read_only}")
    reasons = map(capabilities.manifest_refusal, found.manifests)
    if why := next(filter(None, reasons), ""):
        return ManifestRejected(f"{target}: {why}", remedy=_OTHER_FORM)
    return _tag_refusal(found, standing)


def can_be_created(problem: TransshipError | None) -> bool:
    """Tell whether a run that is allowed to would create what stands in a copy's way."""
    return isinstance(problem, NamespaceMissing) and problem.remedy == _LET_CREATE


def _tag_refusal(found: Found, standing: TargetStatus) -> TransshipError | None:
    """Return why a tag can't move. One that isn't there yet can be written."""
    if not found.target.tag or found.target_digest in (None, found.digest):
        return None
    rule = standing.pinned_by(found.target.tag)
    was = f"the target has {short(found.target_digest or '')}"
    return ImmutableTag(f"{found.target}: {rule}; {was}") if rule else None


def _is_written(found: Found) -> bool:
    """Tell whether something would be written, as far as names and digests tell."""
    if found.problem or found.unwanted or found.vanished or found.believed:
        return False
    return found.digest != found.target_digest or not found.listed


_NOTHING_KNOWN = TargetStatus()
_NO_BOUNDS = Capabilities()
