"""The operator's flows: files among those of the plans."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from transship.errors import BadFile, SystemRefused
from transship.oci.reference import parse_reference
from transship.plans.decode_rules import Resolve
from transship.plans.file import is_flow
from transship.plans.flow import Flow, read_flow
from transship.plans.folder import SUFFIX


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
