"""Plan files: read strictly, written as a whole or not at all, one for each plan in a folder.

A file that a person and the app both write keeps what the other one wrote.
"""

from __future__ import annotations

import errno
import re
import stat
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import count
from pathlib import Path
from typing import Any

from transship.errors import (
    BadFile,
    BadRequest,
    DiskFull,
    FileChanged,
    FileMistake,
    PlanNotFound,
    SystemRefused,
)
from transship.oci.reference import Reference, parse_reference
from transship.paths import private_folder
from transship.plans.decode import Resolve, decode_plan, rule_place
from transship.plans.encode import Spelling, document_text, encode_plan
from transship.plans.plan import Plan
from transship.plans.toml_document import Mistake, TextPlaces
from transship.replacing import replace_file

_MOST_BYTES = 64 * 2**20
_MOST_SAID = 8
_MEND_ALL = "Mend the named places in the file, then try again."
_KEY = r"(?:[A-Za-z0-9_-]++|\"[^\"\n]*+\"|'[^'\n]*+')"
# tomllib needs time that grows with the square of a key's parts, and more.
_ENDLESS_KEY = re.compile(rf"(?<![A-Za-z0-9_-]){_KEY}(?:[ \t]*+\.[ \t]*+{_KEY}){{32}}")


def read_plan(path: Path, resolve: Resolve = parse_reference, now: float | None = None) -> Plan:
    """Return the plan in a file. Raises BadFile, which names each mistake with its line.

    `resolve` turns what stands for a place into one; by default that is a host, with or without
    a path, and never an alias. `now`, in seconds since the epoch, is for who is about to run it:
    what it selects of the future is a mistake then.
    """
    return plan_in(read_text(path), path, resolve, now)


def plan_in(
    text: str, path: Path, resolve: Resolve = parse_reference, now: float | None = None
) -> Plan:
    """Return the plan that `text` is, which stands in the file `path`. Raises BadFile."""
    document = document_in(text, path)
    plan, mistakes = decode_plan(document, resolve, now)
    if plan is None:
        raise refusal(path, TextPlaces(text), mistakes)
    return plan


def read_text(path: Path) -> str:
    """Return the text of a plan file, its line ends untouched. Raises BadFile."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}", remedy="Make the file readable.") from error
    if len(content) > _MOST_BYTES:
        raise BadFile(f"{path}: a plan of more than {_MOST_BYTES // 2**20} MiB is not read")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadFile(f"{path}:{line}: this is no text in UTF-8") from None


def is_flow(path: Path) -> bool:
    """Tell whether a file is a flow and no plan. One that can't be read is neither."""
    try:
        return document_in(read_text(path), path).get("kind") == "flow"
    except BadFile:
        return False


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan as TOML, with hosts in full: the whole file, or nothing of it.

    Raises DiskFull and SystemRefused.
    """
    write_text(path, document_text(encode_plan(plan)))


def write_text(path: Path, text: str) -> None:
    """Put `text` in the place of what a file says: a reader, or a crash, never meets half of it.

    A link stays one, and what it leads to is written; a file keeps its mode. Raises DiskFull and
    SystemRefused.
    """
    path = path.resolve()
    try:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
        replace_file(path, text.encode(), mode=mode)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(str(path)) from error
        raise SystemRefused(f"{path}: {error.strerror}") from error


def document_in(text: str, path: Path) -> dict[str, object]:
    """Return the TOML document that `text` is, which stands in the file `path`. Raises BadFile."""
    endless = _ENDLESS_KEY.search(text)
    if endless:
        line = text.count("\n", 0, endless.start()) + 1
        raise BadFile(f"{path}:{line}: a key of more than 32 parts")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadFile(f"{path}{_place_of(error)}") from None
    except (ValueError, RecursionError):
        # A number with thousands of digits, or lists in lists in lists.
        raise BadFile(f"{path}: something in it is larger or deeper than any plan needs") from None


def _place_of(error: tomllib.TOMLDecodeError) -> str:
    match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error))
    return f":{match[2]}:{match[3]}: {match[1]}" if match else f": {error}"


def refusal(path: Path, places: TextPlaces, mistakes: Sequence[Mistake]) -> BadFile:
    """Return the error that names each mistake of a file with its line."""
    found = [
        FileMistake(str(path), places.line(each.place), str(each), each.meant, each.remedy)
        for each in mistakes
    ]
    found.sort(key=lambda mistake: mistake.line)
    said = list(map(str, found[:_MOST_SAID]))
    if len(found) > _MOST_SAID:
        said.append(f"and {len(found) - _MOST_SAID} more")
    remedy = found[0].remedy if len(found) == 1 else _MEND_ALL
    return BadFile("; ".join(said), remedy=remedy, mistakes=found)


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan and the text that says it. `on_disk` is what the file said, None if there was none."""

    path: Path
    text: str
    plan: Plan
    resolve: Resolve
    on_disk: str | None = None

    @classmethod
    def load(cls, path: Path, resolve: Resolve = parse_reference) -> PlanFile:
        """Return what a file says. Raises BadFile, which names each mistake with its line."""
        text = read_text(path)
        return cls(path, text, plan_in(text, path, resolve), resolve, text)

    @classmethod
    def new(
        cls,
        path: Path,
        plan: Plan,
        resolve: Resolve = parse_reference,
        spelling: Spelling | None = None,
    ) -> PlanFile:
        """Return the text for a plan that is in no file yet; `spelling` writes its places.

        Raises BadFile when no file can say that plan.
        """
        text = document_text(encode_plan(plan, spelling))
        return cls(path, text, plan_in(text, path, resolve), resolve)

    @property
    def is_saved(self) -> bool:
        """Whether the file on disk said the same when it was last read or written."""
        return self.text == self.on_disk

    def replaced(self, plan: Plan, spelling: Spelling | None = None) -> PlanFile:
        """Return the file with `plan` in it; only what differs is changed in its text.

        Places are called what the file calls them; `spelling` is for those that it doesn't name.
        Raises BadFile when no file can say that plan, or not without losing what stands in it.
        """
        if plan == self.plan:
            return self
        spelled = self._spelling(spelling or Spelling())
        old, new = encode_plan(self.plan, spelled), encode_plan(plan, spelled)
        refused = BadFile(f"{self.path}: it can't be changed without losing what stands in it")
        for text in self._attempts(old, new):
            try:
                if plan_in(text, self.path, self.resolve) == plan:
                    return replace(self, text=text, plan=plan)
            except BadFile as error:
                refused = error
        raise refused

    def save(self) -> PlanFile:
        """Write the file as a whole, and return it as saved.

        Raises FileChanged when somebody else has changed it since it was read, DiskFull and
        SystemRefused.
        """
        now = read_text(self.path) if self.path.exists() else None
        if now != self.on_disk:
            raise FileChanged(str(self.path))
        if not self.is_saved:
            write_text(self.path, self.text)
        return replace(self, on_disk=self.text)

    def _attempts(self, old: Any, new: Any) -> Iterator[str]:
        # Whoever only reads plans has no use for what rewrites them.
        from tomlkit.exceptions import TOMLKitError

        from transship.plans.edit import rewritten

        for afresh in (False, True):
            try:
                text = rewritten(self.text, old, new, afresh=afresh)
                tomllib.loads(text)
            except BadRequest as error:
                raise BadFile(f"{self.path}: {error.detail}", remedy=error.remedy) from error
            except (TOMLKitError, tomllib.TOMLDecodeError, LookupError, TypeError):
                continue  # Something that tomlkit can't do: the section is then written anew.
            yield text

    def _spelling(self, other: Spelling) -> Spelling:
        """Return how the file calls places, and `other` where it doesn't call them anything."""
        document = tomllib.loads(self.text)
        places: dict[Reference, str] = {}
        names: dict[str, str] = {}
        for text, place in self._named(document):
            places.setdefault(place, text)
            if place.layout is None:
                names.setdefault(
                    place.registry, text.strip().removeprefix("docker://").partition("/")[0]
                )
        limited = {self.resolve(name).registry: name for name in document.get("limits", ())}

        def spell(place: Reference) -> str:
            name = names.get(place.registry)
            if place in places:
                return places[place]
            return other.place(place) if name is None else name + str(place)[len(place.registry) :]

        def spell_registry(registry: str) -> str:
            return limited.get(registry) or names.get(registry) or other.registry(registry)

        return Spelling(spell, spell_registry)

    def _named(self, document: Any) -> Iterator[tuple[str, Reference]]:
        for table in document.get("rules", ()):
            targets = table["to"] if isinstance(table["to"], list) else [table["to"]]
            yield from (
                (text, rule_place(text, self.resolve)) for text in (table["from"], *targets)
            )
        for table in document.get("copies", ()):
            yield from ((table[key], self.resolve(table[key])) for key in ("from", "to"))


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
