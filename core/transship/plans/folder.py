"""The operator's plans: one file each in a folder of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import count
from pathlib import Path

from transship.errors import BadFile, BadRequest, PlanNotFound, SystemRefused
from transship.oci.reference import parse_reference
from transship.paths import private_folder
from transship.plans.decode_rules import Resolve
from transship.plans.edit import PlanFile
from transship.plans.encode import Spelling
from transship.plans.file import is_flow, read_plan
from transship.plans.plan import Plan

SUFFIX = ".toml"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """A plan in the folder: what it says, or why it can't be read."""

    path: Path
    plan: Plan | None = None
    problem: BadFile | None = None

    @property
    def name(self) -> str:
        """What it is called: the file's name without its ending."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def kind(self) -> str:
        """What sort of plan it is; empty when it can't be read."""
        return str(self.plan.kind) if self.plan else ""


class PlanFolder:
    """The plans in one folder, which need not be there yet."""

    def __init__(self, folder: Path, resolve: Resolve = parse_reference) -> None:
        self.folder = folder
        self._resolve = resolve

    def all(self) -> tuple[PlanEntry, ...]:
        """Return the plans by name, those that can't be read too. Flows are left out.

        Raises SystemRefused when the folder can't be read.
        """
        try:
            paths = (
                sorted(self.folder.iterdir(), key=lambda path: path.stem)
                if self.folder.is_dir()
                else []
            )
        except OSError as error:
            raise SystemRefused(f"{self.folder}: {error.strerror}") from error
        names = (path for path in paths if path.suffix == SUFFIX and path.name[0] != ".")
        return tuple(self._entry(path) for path in names if path.is_file() and not is_flow(path))

    def find(self, text: str) -> Path:
        """Return the file of the plan that `text` names. Raises PlanNotFound.

        What has a slash in it or ends with `.toml` is a path; where nothing is there, or it has
        neither, it is the name of a plan in the folder.
        """
        path = Path(text).expanduser()
        if ("/" in text or path.suffix == SUFFIX) and path.is_file():
            return path
        name = text.removesuffix(SUFFIX)
        kept = self._path(name) if _NAME.fullmatch(name) else None
        if kept is not None and kept.is_file():
            return kept
        near = get_close_matches(name, [entry.name for entry in self.all()], 1)
        raise PlanNotFound(f"{text!r}" + (f"; was {near[0]} meant?" if near else ""))

    def load(self, text: str) -> PlanFile:
        """Return the plan that `text` names, to be changed. Raises PlanNotFound and BadFile."""
        return PlanFile.load(self.find(text), self._resolve)

    def free_name(self, wish: str = "plan") -> str:
        """Return `wish` as a name that no plan has, with a number behind it if need be."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", wish).strip(".-_")[:50] or "plan"
        names = (name if number == 1 else f"{name}-{number}" for number in count(1))
        return next(name for name in names if not self._path(name).exists())

    def fresh_path(self, name: str) -> Path:
        """Return the file for a new plan, in a folder that is there.

        Raises BadRequest when the name is taken or is none, and SystemRefused.
        """
        if not _NAME.fullmatch(name):
            raise BadRequest(
                f"{name!r} can't be the name of a plan",
                remedy="Use letters, digits, dots, - and _, at most 63 of them.",
            )
        path = self._path(name)
        if path.exists():
            raise BadRequest(f"there is a plan {name!r} already", remedy="Choose another name.")
        try:
            private_folder(self.folder)
        except OSError as error:
            raise SystemRefused(f"{self.folder}: {error.strerror}") from error
        return path

    def create(self, name: str, plan: Plan, spelling: Spelling | None = None) -> PlanFile:
        """Write a new plan into the folder, and return its file; `spelling` writes its places.

        Raises BadRequest when the name is taken or is none, BadFile when no file can say that
        plan, DiskFull and SystemRefused.
        """
        return PlanFile.new(self.fresh_path(name), plan, self._resolve, spelling).save()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"

    def _entry(self, path: Path) -> PlanEntry:
        try:
            return PlanEntry(path, read_plan(path, self._resolve))
        except BadFile as error:
            return PlanEntry(path, problem=error)
