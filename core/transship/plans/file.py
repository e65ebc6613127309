"""Plan files: read strictly, and written as a whole or not at all.

docs/plans.md describes the format.
"""

from __future__ import annotations

import errno
import re
import stat
import tomllib
from collections.abc import Sequence
from pathlib import Path

from transship.errors import BadFile, DiskFull, FileMistake, SystemRefused
from transship.oci.reference import parse_reference
from transship.plans.decode import decode
from transship.plans.decode_rules import Resolve
from transship.plans.encode import document_text, encode
from transship.plans.locate import Places
from transship.plans.plan import Plan
from transship.plans.tables import Mistake
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
    plan, mistakes = decode(document, resolve, now)
    if plan is None:
        raise refusal(path, Places(text), mistakes)
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
    write_text(path, document_text(encode(plan)))


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


def refusal(path: Path, places: Places, mistakes: Sequence[Mistake]) -> BadFile:
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
