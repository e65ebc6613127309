"""Images and worklists as the screens get them, made without any registry."""

from __future__ import annotations

from collections.abc import Sequence

from transship.errors import ManifestNotFound
from transship.oci.digest import Digest, digest_of
from transship.oci.manifest import Descriptor, Manifest
from transship.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from transship.oci.platform import Platform
from transship.oci.reference import parse_reference
from transship.registry.inspection import ImageConfig, InspectedManifest, Inspection
from transship.transfers.copies import BlobWork, Copy, Verdict, Worklist

HOSTILE = (
    "[/foo] closing",
    "x[link=http://e]y",
    "[@click=app.quit]hi[/]",
    "\x1b]52;c;aGk=\x07osc",
    "\x1b[2Jclear",
    "\u202eright to left",
    "zero\u200bwidth\u200d",
    "very long " * 400,
    "日本語のタグ",
    "🐳🚢 whale",
)
"""Names that would do harm if they were more than text."""

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"
MiB = 1024 * 1024


def digest(name: object) -> Digest:
    """Return the digest of content that nobody has."""
    return digest_of(str(name).encode())


def index_of(reference: str, **annotations: str) -> Inspection:
    """Return an index for two platforms, with an attestation that is missing, and a signature."""
    entries = (
        Descriptor(OCI_MANIFEST, digest("amd64"), 1_000, Platform("linux", "amd64")),
        Descriptor(OCI_MANIFEST, digest("arm64"), 1_000, Platform("linux", "arm64", "v8")),
        Descriptor(
            OCI_MANIFEST,
            digest("attestation"),
            600,
            Platform("unknown", "unknown"),
            annotations={"vnd.docker.reference.type": "attestation-manifest"},
        ),
    )
    manifest = Manifest(
        OCI_INDEX,
        digest("index"),
        b"{}",
        entries=entries,
        annotations={
            "org.opencontainers.image.created": "2026-03-04T05:06:07.123456789Z",
            **annotations,
        },
    )
    missing = ManifestNotFound(f"old.example: {digest('attestation')}")
    return Inspection(
        parse_reference(reference),
        manifest,
        380 * MiB,
        (
            InspectedManifest(entries[0], 200 * MiB),
            InspectedManifest(entries[1], 180 * MiB),
            InspectedManifest(entries[2], 600, missing),
        ),
        referrers=(Descriptor(OCI_MANIFEST, digest("sig"), 500, artifact_type=SIGNATURE),),
    )


def image_of(reference: str, layers: int = 3) -> Inspection:
    """Return an image for one platform."""
    manifest = Manifest(
        OCI_MANIFEST,
        digest("amd64"),
        b"{}",
        config=Descriptor(OCI_CONFIG, digest("config"), 700),
        layers=tuple(Descriptor(LAYER, digest(f"layer {n}"), (n + 1) * MiB) for n in range(layers)),
    )
    config = ImageConfig("2026-03-04T05:06:07Z", Platform("linux", "amd64"))
    return Inspection(parse_reference(reference), manifest, 200 * MiB, config=config)


_REASONS = {
    Verdict.OVERWRITE: "the target has sha256:0123456789ab",
    Verdict.BLOCKED: "Tag or digest not found: old.example/team/web",
    Verdict.CONFLICT: "The tag exists with another digest: the target has sha256:0123456789ab",
    Verdict.SKIP: "the target has sha256:0123456789ab, and is left as it is",
}


def worklist_of(
    *verdicts: Verdict,
    source: str = "old.example/team/web",
    target: str = "new.example/mirror/web",
    sizes: Sequence[int] = (100 * MiB, 50 * MiB),
    there: int = 1,
) -> Worklist:
    """Return a worklist with a copy for each verdict, and blobs of which the first are `there`."""
    copies = tuple(
        Copy(
            number,
            parse_reference(f"{source}:v{number}"),
            parse_reference(f"{target}:v{number}"),
            digest(number),
            digest("before") if verdict is Verdict.OVERWRITE else None,
            verdict,
            _REASONS.get(verdict, ""),
        )
        for number, verdict in enumerate(verdicts, 1)
    )
    blobs = tuple(
        BlobWork("new.example", digest(f"blob {n}"), size, copies[0].source, "web", there=n < there)
        for n, size in enumerate(sizes)
        if copies
    )
    return Worklist(copies, blobs, {})
