"""Configurations of other tools, as files and as text, and what is made of them."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from transship.oci.reference import Reference
from transship.plans.encode import encode_plan
from transship.plans.importers.draft import Imported, NoteKind
from transship.plans.importers.importer import import_files

FOLDER = Path(__file__).with_name("configurations")
SECRET = "correct-horse"
"""What every password in the sample files has in it."""
DIGEST = f"sha256:{'a' * 64}"


def imported(*names: str, tool: str = "", to: str = "") -> Imported:
    """Return what is made of sample files."""
    files = [(name, FOLDER.joinpath(name).read_bytes()) for name in names]
    return import_files(files, tool=tool, to=_place(to))


def from_text(text: str, *, tool: str = "", to: str = "") -> Imported:
    """Return what is made of one file with this text."""
    content = textwrap.dedent(text).encode()
    return import_files([("file.yaml", content)], tool=tool, to=_place(to))


def rules(found: Imported) -> list[dict[str, Any]]:
    """Return the rules as they stand in the plan's file."""
    assert found.plan
    written: Any = encode_plan(found.plan).get("rules", [])
    return list(written)


def copies(found: Imported) -> list[tuple[str, str]]:
    """Return both sides of the plan's copies."""
    assert found.plan
    return [(str(copy.source), str(copy.target)) for copy in found.plan.copies]


def notes(found: Imported, kind: NoteKind) -> dict[int, str]:
    """Return the notes of a kind by line; several of a line follow each other."""
    lines: dict[int, str] = {}
    for note in found.notes:
        if note.kind is kind:
            lines[note.line] = f"{lines.get(note.line, '')} {note.entry}: {note.text}".strip()
    return lines


def _place(text: str) -> Reference | None:
    host, _, path = text.partition("/")
    return Reference(host, path) if text else None
