"""Which tags of a repository a filter takes, and why not the rest. Pure.

The steps, in order: what is named is taken; tags that only point at what is about an image go
with the image; then `include`, `exclude`, `semver`, the sort of artifact, `since`, and of what is
left the `newest`. The first step that a tag fails is the reason given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import NamedTuple

from transship.oci.artifact import Artifact
from transship.plans.catalogue import TagFacts
from transship.plans.patterns import parse_patterns
from transship.plans.plan import NewestBy, TagFilter
from transship.plans.versions import Version, parse_range, parse_version

_REFERRER = re.compile(r"(?:sha256|sha512)-[0-9a-f]{64}(?:\.([0-9A-Za-z._-]+))?")
_ABOUT = {"sig": Artifact.SIGNATURE, "att": Artifact.SIGNATURE, "sbom": Artifact.SBOM}
_ATTACHED = frozenset({Artifact.SIGNATURE, Artifact.SBOM})
_WORDS = {
    Artifact.IMAGE: "an image",
    Artifact.CHART: "a Helm chart",
    Artifact.SIGNATURE: "a signature",
    Artifact.SBOM: "an SBOM",
    Artifact.OTHER: "another artifact",
}
_NOTHING_KNOWN = TagFacts()


class SieveStep(IntEnum):
    """How far something came before it was dropped: the higher, the nearer to being taken."""

    NO_RULE = 0
    REPOSITORY = 1
    """No pattern for repositories wants it."""
    LEFT_OUT = 2
    """A pattern leaves the repository out."""
    OWN_TARGET = 3
    NAMED = 4
    REFERRER = 5
    INCLUDE = 6
    EXCLUDE = 7
    SEMVER = 8
    ARTIFACT = 9
    SINCE = 10
    NEWEST = 11


class SieveReason(NamedTuple):
    """Why something isn't taken, in few words. Of two reasons the greater came nearer."""

    step: SieveStep
    why: str


@dataclass(frozen=True, slots=True)
class Sifted:
    """What a filter makes of the tags of one repository: each of them is in one of the three.

    `needed` can't be told before it is known when tags were created; some of them may be known
    themselves, and wait for others.
    """

    kept: tuple[str, ...]
    dropped: Mapping[str, SieveReason]
    needed: tuple[str, ...] = ()


def is_referrer_tag(tag: str) -> bool:
    """Tell whether a tag only points at what is about an image.

    That is the referrers tag schema of the distribution spec, and cosign's `.sig`, `.att`, `.sbom`.
    """
    return _REFERRER.fullmatch(tag) is not None


class TagSieve:
    """A filter made ready: one for a rule, used for all its repositories.

    `now` is in seconds since the epoch. `referrers` says whether what is about an image goes with
    it. Raises BadPattern and BadRange when the filter can't be used.
    """

    def __init__(
        self,
        tags: TagFilter,
        now: float,
        *,
        artifacts: Collection[Artifact] = (),
        referrers: bool = True,
    ) -> None:
        self._filter = tags
        self._artifacts = artifacts
        self._attached_only = bool(artifacts) and _ATTACHED.issuperset(artifacts)
        self._after = _moment(tags, now)
        self._too_old = SieveReason(SieveStep.SINCE, _age_text(tags))
        self._not_newest = SieveReason(SieveStep.NEWEST, f"not among the newest {tags.newest}")
        self._exact = frozenset(tags.exact)
        self._by_name = _Remembered(_name_test(tags, artifacts, referrers=referrers))
        self._plain = not artifacts and self._after is None and tags.newest is None

    def sift(
        self, repository: str, tags: Sequence[str], facts: Mapping[tuple[str, str], TagFacts]
    ) -> Sifted:
        """Return what becomes of `tags` (each once), in their order."""
        by_name = self._by_name
        failed = [by_name[tag] for tag in tags]
        if self._plain and not any(failed):
            return Sifted(tuple(tags), {})
        passed = [tag for tag, reason in zip(tags, failed, strict=True) if reason is None]
        dropped = {t: reason for t, reason in zip(tags, failed, strict=True) if reason is not None}
        if self._plain:
            return Sifted(tuple(passed), dropped)
        return self._by_facts(repository, tags, passed, dropped, facts)

    def _by_facts(
        self,
        repository: str,
        tags: Sequence[str],
        passed: Sequence[str],
        dropped: dict[str, SieveReason],
        facts: Mapping[tuple[str, str], TagFacts],
    ) -> Sifted:
        known = {tag: facts.get((repository, tag), _NOTHING_KNOWN) for tag in passed}
        candidates = [tag for tag in passed if tag not in self._exact]
        unsure: set[str] = set()
        left: list[str] = []
        for tag in candidates:
            reason = self._wrong_artifact(known[tag]) or self._age(tag, known[tag], unsure)
            if reason:
                dropped[tag] = reason
            else:
                left.append(tag)
        if self._filter.newest is not None:
            unsure = self._newest(left, known, unsure, dropped)
        kept = tuple(tag for tag in tags if tag not in dropped and tag not in unsure)
        return Sifted(kept, dropped, tuple(tag for tag in tags if tag in unsure))

    def _wrong_artifact(self, facts: TagFacts) -> SieveReason | None:
        if not self._artifacts or facts.artifact is None or facts.artifact in self._artifacts:
            return None
        why = f"is {_WORDS[facts.artifact]}"
        if self._attached_only:
            why = f"{why}; what is attached to it goes only with it"
        return SieveReason(SieveStep.ARTIFACT, why)

    def _age(self, tag: str, facts: TagFacts, unsure: set[str]) -> SieveReason | None:
        if self._after is None:
            return None
        if facts.created is not None:
            return self._too_old if facts.created < self._after else None
        if facts.problem is not None:
            return SieveReason(SieveStep.SINCE, f"can't be looked at ({facts.problem.title})")
        if facts.examined:
            return SieveReason(SieveStep.SINCE, "doesn't say when it was created")
        unsure.add(tag)
        return None

    def _newest(
        self,
        tags: Sequence[str],
        known: Mapping[str, TagFacts],
        unsure: set[str],
        dropped: dict[str, SieveReason],
    ) -> set[str]:
        """Drop what can't be among the newest, and return what can't be told yet."""
        count = self._filter.newest or 0
        if self._filter.newest_by is NewestBy.VERSION:
            ranked = sorted(tags, key=_version_key, reverse=True)
        else:
            ranked, undated = _by_age(tags, known)
            if len(tags) > count:
                unsure = unsure | set(undated)
            ranked = [*undated, *ranked]
        open_still: set[str] = set()
        certain = uncertain = 0
        for tag in ranked:
            if certain >= count:
                dropped[tag] = self._not_newest
            elif tag in unsure or certain + uncertain >= count:
                open_still.add(tag)
            if tag in unsure:
                uncertain += 1
            else:
                certain += 1
        return open_still


def _by_age(tags: Sequence[str], known: Mapping[str, TagFacts]) -> tuple[list[str], list[str]]:
    """Return the tags whose age is known, newest first, and those that may be of any age.

    What was looked at and has no time is taken for older than all that have one.
    """
    undated = [tag for tag in tags if known[tag].created is None and not known[tag].examined]
    waiting = set(undated)
    dated = [tag for tag in tags if tag not in waiting]

    def age(tag: str) -> tuple[float, str]:
        created = known[tag].created
        return (float("-inf") if created is None else created, tag)

    return sorted(dated, key=age, reverse=True), undated


def _version_key(tag: str) -> tuple[Version, int, str]:
    """Return what orders tags by version; of the same version, the one that says more is newer."""
    version = parse_version(tag)
    return version or _NO_VERSION, tag.count("."), tag


_NO_VERSION = Version((-1, 0, 0))


class _Remembered(dict[str, SieveReason | None]):
    """The reasons by tag, each found once: repositories share many tags."""

    def __init__(self, test: Callable[[str], SieveReason | None]) -> None:
        self._test = test

    def __missing__(self, tag: str) -> SieveReason | None:
        reason = self[tag] = self._test(tag)
        return reason


_Test = Callable[[str], SieveReason | None]


def _name_test(tags: TagFilter, artifacts: Collection[Artifact], *, referrers: bool) -> _Test:
    """Return the test that a tag must pass by its name alone."""
    exact = frozenset(tags.exact)
    tests = [_referrer_test(artifacts, referrers=referrers)]
    named_only = (exact or tags.digests) and not _chooses(tags)
    if named_only:
        tests = [lambda _: SieveReason(SieveStep.NAMED, "not among what is named")]
    if tags.include or tags.exclude:
        tests.append(_pattern_test(tags))
    if tags.semver or (tags.newest is not None and tags.newest_by is NewestBy.VERSION):
        tests.append(_version_test(tags))

    def test(tag: str) -> SieveReason | None:
        if tag in exact:
            return None
        for each in tests:
            if reason := each(tag):
                return reason
        return None

    return test


def _chooses(tags: TagFilter) -> bool:
    """Tell whether a filter has more than names."""
    limits = tags.newest is not None or tags.since is not None
    return bool(tags.include or tags.exclude or tags.semver or limits)


def _referrer_test(artifacts: Collection[Artifact], *, referrers: bool) -> _Test:
    about = "goes with the image that it is about"
    reason = SieveReason(
        SieveStep.REFERRER, about if referrers else "is about an image, and referrers stay"
    )
    attached_only = bool(artifacts) and _ATTACHED.issuperset(artifacts)

    def test(tag: str) -> SieveReason | None:
        if not tag.startswith("sha"):
            return None
        match = _REFERRER.fullmatch(tag)
        if match is None or (attached_only and _ABOUT.get(match[1]) in artifacts):
            return None
        return reason

    return test


def _pattern_test(tags: TagFilter) -> _Test:
    include = parse_patterns(tags.include)
    exclude = parse_patterns(tags.exclude)
    shown = ", ".join(tags.include[:3]) + (", …" if len(tags.include) > 3 else "")
    not_included = SieveReason(SieveStep.INCLUDE, f"isn't {shown}")

    def test(tag: str) -> SieveReason | None:
        if not include.wants(tag):
            return not_included
        by = include.left_out_by(tag)
        if by is None and tags.exclude and exclude.selects(tag):
            by = exclude.wanted_by(tag) or "exclude"
        return SieveReason(SieveStep.EXCLUDE, f"excluded by {by}") if by is not None else None

    return test


def _version_test(tags: TagFilter) -> _Test:
    wanted = parse_range(tags.semver or "*")
    no_version = SieveReason(SieveStep.SEMVER, "not a version")
    outside = SieveReason(SieveStep.SEMVER, f"outside {wanted.text}")
    prerelease = SieveReason(SieveStep.SEMVER, "a pre-release")

    def test(tag: str) -> SieveReason | None:
        version = parse_version(tag)
        if version is None:
            return no_version
        if wanted.holds(version, prereleases=tags.prereleases):
            return None
        return prerelease if wanted.holds(version, prereleases=True) else outside

    return test


def _moment(tags: TagFilter, now: float) -> float | None:
    if tags.since is None or tags.since_is_moment:
        return tags.since
    return now - tags.since


def _age_text(tags: TagFilter) -> str:
    """Return what is wrong with a tag that is too old."""
    since = tags.since or 0
    if tags.since_is_moment:
        moment = datetime.fromtimestamp(since, UTC)
        midnight = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
        return f"created before {moment:%Y-%m-%d}" + ("" if midnight else f" {moment:%H:%M} UTC")
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if since >= length and since % length == 0:
            many = int(since // length)
            return f"older than {many} {unit}{'' if many == 1 else 's'}"
    return f"older than {since:g} seconds"
