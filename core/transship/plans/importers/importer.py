"""Configurations of other tools, made into plans.

The tools are image-transfer, image-syncer, skopeo sync, regsync and dregsy; which one it is shows
in its files. What a plan can't say is never dropped silently: each such entry has a note, with its
line and the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transship import plugins
from transship.errors import BadFile, BadRequest
from transship.oci.reference import Reference
from transship.plans.importers.document import DocumentValue, read_document
from transship.plans.importers.draft import (
    ImportDraft,
    Imported,
)


def _no_claim(_: Sequence[DocumentValue]) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Importer:
    """One tool whose configurations are made into plans.

    `recognises` tells whether a file may be the tool's, `read` takes it into a draft, and raises
    BadFile for what can't be one. Of several tools that may have written all files it is the first
    that `claims` them, or else the first. Where it `takes_target`, its files may name none.
    """

    name: str
    recognises: Callable[[DocumentValue], bool]
    read: Callable[[ImportDraft, DocumentValue], None]
    claims: Callable[[Sequence[DocumentValue]], bool] = _no_claim
    takes_target: bool = False


_IMPORTERS = plugins.PluginGroup(plugins.IMPORTERS, Importer, lambda importer: importer.name)


def tools() -> tuple[str, ...]:
    """Return the names of the tools whose configurations are read."""
    return tuple(sorted(_IMPORTERS.names()))


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
    importer = importer_named(tool) if tool else recognised_importer(values)
    draft = ImportDraft(to)
    for value in values:
        if not importer.recognises(value):
            raise BadFile(f"{value.file}: it is no file of {importer.name}", remedy=_REMEDY)
        importer.read(draft, value)
    return draft.done(importer.name)


def importer_named(tool: str) -> Importer:
    """Return how files of a tool are read. Raises BadRequest for one that isn't known."""
    found = _IMPORTERS.get(tool)
    if found is None:
        raise BadRequest(f"{tool!r} is no tool", remedy=f"Known are {', '.join(tools())}.")
    return found


def recognised_importer(values: Sequence[DocumentValue]) -> Importer:
    """Return how all of these files are read, by what is in them. Raises BadFile."""
    importers = _IMPORTERS.all()
    for value in values:
        if not any(importer.recognises(value) for importer in importers):
            raise BadFile(f"{value.file}: it is no file of {', '.join(tools())}", remedy=_REMEDY)
    fits = [each for each in importers if all(map(each.recognises, values))]
    if not fits:
        raise BadFile(
            f"{', '.join(value.file for value in values)}: they are of different tools",
            remedy="Import the files of each tool by themselves.",
        )
    return next((each for each in fits if each.claims(values)), fits[0])


_REMEDY = "Say which tool's it is with --from; see --help for those that are known."
