"""A plan: a TOML file that a person can read, and that a job keeps beside its journal.

```toml
version = 1
kind = "copy"
on_conflict = "overwrite"        # or "skip", "fail"
referrers = true
platforms = ["linux/amd64"]      # left out: every platform, byte for byte

[[copies]]
from = "old.example:5000/team/web:1.4"
to = "new.example:5001/team/web:1.4"
```
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import tomli_w

from transship.errors import BadFile, BadRequest, UsageError
from transship.oci.platform import Platform, parse_platform
from transship.oci.reference import Reference, parse_reference
from transship.plans.policy import Deletion, Limits, Schedule
from transship.plans.rule import Artifact, Rule


class OnConflict(StrEnum):
    """What to do with a tag that exists at the target with another digest."""

    OVERWRITE = "overwrite"
    SKIP = "skip"
    FAIL = "fail"


class Kind(StrEnum):
    """What sort of plan it is."""

    COPY = "copy"
    """Named things, once."""
    SYNC = "sync"
    """What rules select, on demand or on a schedule."""
    REPLICATION = "replication"
    """Everything below a registry, a path or a repository, kept in step."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How one thing is to be copied, where that differs from rule to rule.

    No `platforms` and no `artifacts` mean all. `immutable` says that a tag which the target has is
    believed to be the same, without being asked for.
    """

    platforms: tuple[Platform, ...] = ()
    artifacts: frozenset[Artifact] = frozenset()
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to copy: a tag, a digest, or a whole repository (no version on either side).

    Without `terms` those of the plan hold.
    """

    source: Reference
    target: Reference
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What should move where, and how: `copies` by name, or `rules` that select.

    `limits` go by registry. `retries` is how often what failed is tried again before the job ends.
    """

    copies: tuple[Wanted, ...] = ()
    on_conflict: OnConflict = OnConflict.OVERWRITE
    referrers: bool = True
    platforms: tuple[Platform, ...] = ()
    kind: Kind = Kind.COPY
    rules: tuple[Rule, ...] = ()
    schedule: Schedule | None = None
    limits: Mapping[str, Limits] = field(default_factory=dict)
    delete: Deletion | None = None
    retries: int = 0

    @property
    def sources(self) -> tuple[str, ...]:
        """The registries that are read from, each once, in order."""
        rules = (rule.source for rule in self.rules)
        return _registries(chain((copy.source for copy in self.copies), rules))

    @property
    def targets(self) -> tuple[str, ...]:
        """The registries that are written to, each once, in order."""
        rules = (target for rule in self.rules for target in rule.targets)
        return _registries(chain((copy.target for copy in self.copies), rules))

    @property
    def registries(self) -> tuple[str, ...]:
        """All registries that take part, each once, sources first."""
        return tuple(dict.fromkeys(self.sources + self.targets))

    def terms(self, wanted: Wanted) -> Terms:
        """Return how `wanted` is to be copied."""
        return wanted.terms or Terms(platforms=self.platforms)


def _registries(references: Iterable[Reference]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reference.registry for reference in references))


def wanted(source: Reference, target: Reference) -> Wanted:
    """Return the copy from `source` to `target`, with what was left out of the target filled in.

    A target without a version takes the source's. Raises BadRequest when the two don't fit.
    """
    if not source.repository and source.layout is None:
        raise BadRequest(f"{source} is a whole registry; name a repository")
    if not target.repository and target.layout is None and not source.repository:
        raise BadRequest(f"{target} needs a repository, to be put before what the layout holds")
    if not source.version and target.version:
        raise BadRequest(f"{source} means all its tags, so {target} can't name one")
    if target.digest and target.digest != source.digest:
        raise BadRequest(f"{target}: a digest can't be chosen, it comes from the content")
    if not target.repository and source.repository:
        if target.layout is None:
            raise BadRequest(f"{target} names no repository")
        target = Reference(target.registry, source.repository, target.tag, target.digest)
    if source.version and not target.version:
        target = Reference(target.registry, target.repository, source.tag, source.digest)
    if target.tag and target.digest:
        target = target.at(target.tag)
    _check_apart(source, target)
    return Wanted(source, target)


def _check_apart(source: Reference, target: Reference) -> None:
    if (target.registry, target.repository) != (source.registry, source.repository):
        return
    if not source.version:
        raise BadRequest(f"source and target are the same repository, {source}")
    if target.version in (source.tag, source.digest):
        raise BadRequest(f"source and target are the same, {source}")


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan as TOML: the whole file, or nothing of it."""
    document: dict[str, object] = {
        "version": 1,
        "kind": str(plan.kind),
        "on_conflict": str(plan.on_conflict),
        "referrers": plan.referrers,
    }
    if plan.platforms:
        document["platforms"] = [str(platform) for platform in plan.platforms]
    document["copies"] = [
        {"from": str(copy.source), "to": str(copy.target)} for copy in plan.copies
    ]
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(tomli_w.dumps(document), encoding="utf-8")
    temporary.replace(path)


def read_plan(path: Path) -> Plan:
    """Return the plan in a file. Raises BadFile, which names the place in it."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        raw = msgspec.convert(document, _RawPlan)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadFile(f"{path}: {error}") from error
    with _in_file(path, "platforms"):
        platforms = tuple(parse_platform(platform) for platform in raw.platforms)
    return Plan(
        copies=tuple(_copy(path, number, copy) for number, copy in enumerate(raw.copies)),
        on_conflict=raw.on_conflict,
        referrers=raw.referrers,
        platforms=platforms,
        kind=Kind(raw.kind),
    )


def _copy(path: Path, number: int, raw: _RawCopy) -> Wanted:
    place = f"copies[{number}]"
    with _in_file(path, f"{place}.from"):
        source = parse_reference(raw.source)
    with _in_file(path, f"{place}.to"):
        target = parse_reference(raw.target)
    with _in_file(path, place):
        return wanted(source, target)


@contextmanager
def _in_file(path: Path, place: str) -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise BadFile(f"{path}: {place}: {error}", remedy=error.remedy) from error


class _RawCopy(msgspec.Struct, forbid_unknown_fields=True):
    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")


class _RawPlan(msgspec.Struct, forbid_unknown_fields=True):
    version: Literal[1]
    kind: Literal["copy"]
    copies: Annotated[list[_RawCopy], msgspec.Meta(min_length=1)]
    on_conflict: OnConflict = OnConflict.OVERWRITE
    referrers: bool = True
    platforms: list[str] = []
