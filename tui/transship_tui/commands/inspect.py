"""`transship inspect`: what one image is."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from transship.registry.inspection import inspect as look
from transship.text import bytes_text, safe
from transship_tui.commands.options import AsJson, CaFile, Insecure, PlainHttp, adhoc_tls
from transship_tui.commands.output import Ink, painted, show, show_json, table
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from transship.oci.manifest import Descriptor
    from transship.oci.reference import Reference
    from transship.registry.inspection import InspectedManifest, Inspection
    from transship_tui.commands.session import Session

_ATTESTATION = "vnd.docker.reference.type"


def inspect(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REFERENCE", help="HOST/REPOSITORY:TAG or @DIGEST, or one in a layout:PATH."
        ),
    ],
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Show what a tag or a digest points at.

    Platforms, layers, sizes, annotations, and what refers to it.
    """
    session = open_session(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    found = asyncio.run(_inspect(session, session.reference(reference)))
    if as_json:
        show_json(_document(found))
    else:
        for line in _lines(found):
            show(line)
    return 0


async def _inspect(session: Session, reference: Reference) -> Inspection:
    async with session.place(reference) as place:
        return await look(place, reference)


def _lines(found: Inspection) -> Iterator[str]:
    manifest, config = found.manifest, found.config
    facts = (
        ("reference", str(found.reference)),
        ("digest", manifest.digest),
        ("media type", manifest.media_type),
        ("artifact type", manifest.artifact_type),
        ("size", f"{bytes_text(found.size)} in all"),
        ("platform", str(config.platform or "") if config else ""),
        ("created", config.created if config else ""),
        ("subject", manifest.subject.digest if manifest.subject else ""),
    )
    for name, value in facts:
        if value:
            yield f"{painted(f'{name:<13}', Ink.QUIET, sys.stdout)}  {safe(value)}"
    entries = [
        (_kind(entry), bytes_text(entry.size), entry.descriptor.digest, _problem(entry))
        for entry in found.entries
    ]
    yield from _section("platforms", ("PLATFORM", "SIZE", "DIGEST", ""), entries)
    layers = [(bytes_text(d.size), d.digest, d.media_type) for d in manifest.layers]
    yield from _section("layers", ("SIZE", "DIGEST", "MEDIA TYPE"), layers)
    referrers = [
        (d.artifact_type or d.media_type, bytes_text(d.size), d.digest) for d in found.referrers
    ]
    yield from _section("referrers", ("TYPE", "SIZE", "DIGEST"), referrers)
    yield from _section("annotations", ("NAME", "VALUE"), sorted(manifest.annotations.items()))


def _section(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    rows = list(rows)
    if rows:
        yield ""
        yield painted(title, Ink.QUIET, sys.stdout)
        # Never cut: a digest is there to be copied.
        yield from table(header, rows, None)


def _kind(entry: InspectedManifest) -> str:
    descriptor = entry.descriptor
    if entry.platform:
        return str(entry.platform)
    return descriptor.annotations.get(_ATTESTATION) or descriptor.artifact_type or "no platform"


def _problem(entry: InspectedManifest) -> str:
    return str(entry.problem) if entry.problem else ""


def _document(found: Inspection) -> dict[str, object]:
    manifest, config = found.manifest, found.config
    return {
        "reference": str(found.reference),
        "digest": manifest.digest,
        "media_type": manifest.media_type,
        "artifact_type": manifest.artifact_type or None,
        "size": found.size,
        "platform": str(config.platform) if config and config.platform else None,
        "created": (config.created if config else "") or None,
        "subject": manifest.subject.digest if manifest.subject else None,
        "annotations": manifest.annotations,
        "platforms": [
            {
                "platform": str(entry.platform) if entry.platform else None,
                **_descriptor(entry.descriptor),
                "size": entry.size,
                "problem": str(entry.problem) if entry.problem else None,
            }
            for entry in found.entries
        ],
        "layers": [_descriptor(layer) for layer in manifest.layers],
        "referrers": [
            {**_descriptor(each), "artifact_type": each.artifact_type or None}
            for each in found.referrers
        ],
    }


def _descriptor(descriptor: Descriptor) -> dict[str, object]:
    return {
        "digest": descriptor.digest,
        "media_type": descriptor.media_type,
        "size": descriptor.size,
    }
