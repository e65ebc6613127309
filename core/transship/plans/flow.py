"""A flow: the stages that an image goes through, as a TOML file that a person can read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from transship.errors import BadFile, BadReference, BadRequest, SystemRefused
from transship.oci.digest import Digest, is_digest
from transship.oci.reference import Reference, is_repository, is_tag, parse_reference
from transship.plans.decode import Resolve, without_secret
from transship.plans.file import SUFFIX, document_in, is_flow, read_text, refusal
from transship.plans.toml_document import Mistakes, TextPlaces, TomlTable, TomlWords

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_LETTERS = "up to 63 letters, digits, dots, - and _"
_DOCUMENT = TomlWords(
    frozenset({"version", "kind", "name", "referrers", "repositories", "stages"}),
    meant={"images": "repositories", "environments": "stages"},
    elsewhere={
        "at": "stands in each of the [[stages]]",
        **dict.fromkeys(
            ("copies", "on_conflict", "platforms", "retries", "rules", "schedule", "to"),
            "belongs to a plan; a flow only says which stages there are",
        ),
    },
)
_STAGE = TomlWords(
    frozenset({"name", "at"}), meant={"registry": "at", "host": "at", "from": "at", "to": "at"}
)


@dataclass(frozen=True, slots=True)
class Image:
    """An image as all stages know it: its repository's name below their paths, and its tag."""

    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its name, and where its images are, a registry with or without a path."""

    name: str
    at: Reference

    def reference(self, repository: str, tag: str = "") -> Reference:
        """Return where a repository of the flow is in this stage."""
        path = "/".join(part for part in (self.at.repository, repository) if part)
        return Reference(self.at.registry, path, tag)

    def below(self, repository: str) -> str | None:
        """Return the name that a repository of the registry has in the flow, or None."""
        if not self.at.repository:
            return repository or None
        name = repository.removeprefix(f"{self.at.repository}/")
        return name if name != repository else None


@dataclass(frozen=True, slots=True)
class Flow:
    """Stages in their order. With `repositories`, the flow has these and no others.

    `file` is where it stands, in full.
    """

    name: str
    stages: tuple[Stage, ...]
    referrers: bool = True
    repositories: tuple[str, ...] = ()
    file: Path | None = field(default=None, compare=False)

    @property
    def places(self) -> tuple[Reference, ...]:
        """Where the first stage in each registry is, in order."""
        first: dict[str, Reference] = {}
        for stage in self.stages:
            first.setdefault(stage.at.registry, stage.at)
        return tuple(first.values())

    def number_of(self, name: str) -> int:
        """Return which stage, from 0, has this name. Raises BadRequest."""
        for number, stage in enumerate(self.stages):
            if stage.name == name:
                return number
        names = ", ".join(stage.name for stage in self.stages)
        raise BadRequest(f"{name!r} is no stage of {self.name}", remedy=f"Its stages are {names}.")

    def repository_at(self, stage: Stage, repository: str) -> str | None:
        """Return the name in the flow of a repository that a stage's registry lists, or None.

        Where the path of one stage lies below that of another, the longer one decides.
        """
        name = stage.below(repository)
        deeper = (
            other
            for other in self.stages
            if other.at.registry == stage.at.registry
            and len(other.at.repository) > len(stage.at.repository)
        )
        if name is None or any(other.below(repository) for other in deeper):
            return None
        return name if self.has(name) else None

    def has(self, repository: str) -> bool:
        """Tell whether a repository takes part."""
        return not self.repositories or repository in self.repositories


def parse_image(text: str) -> tuple[Image, Digest | None]:
    """Return the image that `REPOSITORY:TAG[@DIGEST]` names. Raises BadReference."""
    remedy = "Write REPOSITORY:TAG as it is below the stages' paths; @DIGEST may follow."
    name, at, digest = text.strip().partition("@")
    repository, _, tag = name.rpartition(":")
    if at and not is_digest(digest):
        raise BadReference(f"{digest!r} in {text!r} is not a digest", remedy=remedy)
    if not repository:
        raise BadReference(f"{text!r} has no tag", remedy=remedy)
    if not is_repository(repository) or not is_tag(tag):
        raise BadReference(f"{text!r} is not an image of a flow", remedy=remedy)
    return Image(repository, tag), Digest(digest) if at else None


def read_flow(path: Path, resolve: Resolve = parse_reference) -> Flow:
    """Return the flow in a file. Raises BadFile, which names each mistake with its line."""
    text = read_text(path)
    mistakes = Mistakes()
    flow = _flow(TomlTable(document_in(text, path), (), mistakes), path.stem, resolve)
    if flow is None or mistakes.found:
        raise refusal(path, TextPlaces(text), mistakes.found)
    return replace(flow, file=path.resolve())


def _flow(table: TomlTable, stem: str, resolve: Resolve) -> Flow | None:
    table.needs("version", "kind")
    if table.text("kind") not in (None, "flow"):
        table.note('is another kind of file; a flow says "flow"', "kind")
    if table.count("version", 1, 1) is None and "version" in table:
        return None
    table.only(_DOCUMENT)
    name = table.parsed("name", _name)
    if "name" not in table and not _NAME.fullmatch(stem):
        table.note(f"name is missing, and the file's own, {stem!r}, has more than {_LETTERS}")
    entries = table.tables("stages")
    if len(entries) == 1:
        table.note("is a single stage; a flow needs two or more [[stages]]", "stages")
    stages: list[Stage] = []
    for entry in entries:
        stage = _stage(entry, resolve, stages)
        stages += [stage] if stage else []
    return Flow(
        name=name or stem,
        stages=tuple(stages),
        referrers=table.flag("referrers", default=True),
        repositories=table.each("repositories", _repository),
    )


def _stage(table: TomlTable, resolve: Resolve, before: Iterable[Stage]) -> Stage | None:
    table.only(_STAGE)
    table.needs("name", "at")
    name = table.parsed("name", _name)
    at = table.parsed("at", lambda text: _place(without_secret(text, resolve)))
    for other in before:
        if other.name == name:
            table.note(f"there is a stage {name} already", "name")
        if other.at == at:
            table.note(f"{at} is the stage {other.name} already", "at")
    return Stage(name, at) if name and at else None


def _place(at: Reference) -> Reference:
    if at.version:
        raise BadRequest(f"{at} is one image; a stage is a registry, or a path in one")
    return at


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise BadRequest(f"{text!r} is not a name of {_LETTERS}")
    return text


def _repository(text: str) -> str:
    if not is_repository(text):
        raise BadRequest(f"{text!r} is not a repository name")
    return text


@dataclass(frozen=True, slots=True)
class FlowEntry:
    """A flow's file: the flow, or why it can't be read."""

    path: Path
    flow: Flow | None = None
    problem: BadFile | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.flow.name if self.flow else self.path.name.removesuffix(SUFFIX)


def flows_in(folder: Path, resolve: Resolve = parse_reference) -> tuple[FlowEntry, ...]:
    """Return the flows in a folder by the names of their files, those that can't be read too.

    The folder need not be there. Raises SystemRefused when it can't be read.
    """
    try:
        paths = sorted(folder.iterdir(), key=lambda path: path.stem) if folder.is_dir() else []
    except OSError as error:
        raise SystemRefused(f"{folder}: {error.strerror}") from error
    names = (path for path in paths if path.suffix == SUFFIX and path.name[0] != ".")
    return tuple(_entry(path, resolve) for path in names if path.is_file() and is_flow(path))


def _entry(path: Path, resolve: Resolve) -> FlowEntry:
    try:
        return FlowEntry(path, read_flow(path, resolve))
    except BadFile as error:
        return FlowEntry(path, problem=error)
