"""Configurations of other tools, made into plans.

The tools are image-transfer, image-syncer, skopeo sync, regsync and dregsy; which one it is shows
in its files. What a plan can't say is never dropped silently: each such entry has a note, with its
line and the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from transship.errors import BadFile
from transship.oci.reference import Reference
from transship.plans.importers import dregsy, image_syncer, image_transfer, regsync, skopeo
from transship.plans.importers.document import DocumentValue, read_document
from transship.plans.importers.draft import (
    ImportDraft,
    Imported,
)


@dataclass(frozen=True, slots=True)
class _Importer:
    recognises: Callable[[DocumentValue], bool]
    read: Callable[[ImportDraft, DocumentValue], None]


# The most particular first: what image-transfer takes is a part of what image-syncer takes.
_IMPORTERS: Mapping[str, _Importer] = {
    regsync.NAME: _Importer(regsync.recognises, regsync.read),
    dregsy.NAME: _Importer(dregsy.recognises, dregsy.read),
    skopeo.NAME: _Importer(skopeo.recognises, skopeo.read),
    image_transfer.NAME: _Importer(image_transfer.recognises, image_transfer.read),
    image_syncer.NAME: _Importer(image_syncer.recognises, image_syncer.read),
}

TOOLS = tuple(sorted(_IMPORTERS))
"""The tools whose configurations are read."""


def import_files(
    files: Sequence[tuple[str, bytes]], *, tool: str = "", to: Reference | None = None
) -> Imported:
    """Return the plan that the files of one tool stand for, each by name and content.

    Without `tool` it is recognised. `to` is where what names no target goes: images of skopeo
    sync, and rules of image-transfer that leave it to an option.

    Raises BadFile, with the place, for what can't be read or isn't a tool's; BadRequest when a
    target is needed.
    """
    values = [read_document(name, content) for name, content in files]
    tool = tool or recognised_tool(values)
    draft = ImportDraft(to)
    for value in values:
        if not _IMPORTERS[tool].recognises(value):
            raise BadFile(f"{value.file}: it is no file of {tool}", remedy=_REMEDY)
        _IMPORTERS[tool].read(draft, value)
    return draft.done(tool)


def recognised_tool(values: Sequence[DocumentValue]) -> str:
    """Return the tool that all of these files are of. Raises BadFile.

    A plain list of images reads the same for image-transfer and image-syncer, and so do their
    sign-ins; it is image-transfer's when one of the files is called as that tool calls it, or
    unless something in one of them is image-syncer's only.
    """
    for value in values:
        if not any(importer.recognises(value) for importer in _IMPORTERS.values()):
            raise BadFile(f"{value.file}: it is no file of {', '.join(TOOLS)}", remedy=_REMEDY)
    named = any(map(image_transfer.is_named, values))
    needed = not named and any(map(image_syncer.needs_this_tool, values))
    for tool, importer in _IMPORTERS.items():
        passed = needed and tool == image_transfer.NAME
        if not passed and all(map(importer.recognises, values)):
            return tool
    raise BadFile(
        f"{', '.join(value.file for value in values)}: they are of different tools",
        remedy="Import the files of each tool by themselves.",
    )


_REMEDY = "Say which tool's it is with --from; see --help for those that are known."
