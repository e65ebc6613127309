"""Where referrers are found: the referrers API, the tag that stands in for it, cosign's tags.

OCI distribution spec, "Listing Referrers" and "Referrers Tag Schema".
"""

from __future__ import annotations

from collections.abc import Iterable

from transship import errors
from transship.oci.digest import Digest, fallback_tag
from transship.oci.manifest import Descriptor
from transship.registries.place import Place

COSIGN_SUFFIXES = (".sig", ".att", ".sbom")

_PREFIXES = ("sha256-", "sha512-")


def names_subjects(tags: Iterable[str]) -> bool:
    """Tell whether a tag among these may be about a digest."""
    return any(tag.startswith(_PREFIXES) for tag in tags)


def cosign_tags(subject: Digest) -> list[str]:
    """Return the tags under which cosign keeps what it has made for a manifest."""
    return [fallback_tag(subject) + suffix for suffix in COSIGN_SUFFIXES]


async def fallback_entries(
    place: Place, repository: str, subject: Digest
) -> tuple[Descriptor, ...]:
    """Return what stands in the list under the fallback tag of `subject`."""
    try:
        return (await place.get_manifest(repository, fallback_tag(subject))).entries
    except (errors.ManifestNotFound, errors.RepositoryNotFound):
        return ()


async def listed(place: Place, repository: str, subject: Digest) -> frozenset[Digest]:
    """Return what a place lists as referrers of `subject`, in whichever way it does."""
    entries = await place.referrers(repository, subject)
    if entries is None:
        entries = await fallback_entries(place, repository, subject)
    return frozenset(entry.digest for entry in entries)
