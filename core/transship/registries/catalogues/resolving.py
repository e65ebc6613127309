"""From what a package says of its contents to references in registries. Pure.

A package names its images as a container runtime takes them, where a name without a registry is
Docker Hub's, and one without a tag means `latest`. What is stored in a registry itself it names
by an address with the scheme `oci`, as Helm does.
"""

from __future__ import annotations

from collections.abc import Iterable

from transship.errors import BadReference
from transship.oci.reference import Reference, parse_reference
from transship.registries.catalogues.package import Holding, Holds
from transship.text import safe

OCI = "oci://"
_DOCKER_HUB = "docker.io"
_LATEST = "latest"
_LONGEST = 600
"""More than any reference has: a host, 255 characters of path, a tag and a digest."""


def image_of(text: str) -> Reference | None:
    """Return the image that a container runtime would pull, None for what names none."""
    if len(text) > _LONGEST or "://" in text or text.startswith("layout:"):
        return None
    first, slash, _ = text.partition("/")
    # The same rule as Docker's: else the first part is a namespace of Docker Hub.
    has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    try:
        reference = parse_reference(text if has_host else f"{_DOCKER_HUB}/{text}")
    except BadReference:
        return None
    if not reference.repository:
        return None
    return reference if reference.version else reference.at(_LATEST)


def artifact_of(address: str, version: str) -> Reference | None:
    """Return what is at an address of a registry (`oci://HOST/REPOSITORY[:TAG]`), or None.

    Without a tag it is the one of the version, in which `+` is written as `_`, as Helm does.
    """
    if len(address) > _LONGEST or not address.startswith(OCI):
        return None
    try:
        reference = parse_reference(address.removeprefix(OCI).rstrip("/"))
        if reference.version:
            return reference if reference.repository else None
        named = parse_reference(f"{reference}:{version.replace('+', '_')}")
    except BadReference:
        return None
    return named if named.repository else None


def holdings_of(
    version: str, addresses: Iterable[str], images: Iterable[str]
) -> tuple[tuple[Holding, ...], tuple[str, ...]]:
    """Return where a package and its images are, none twice, and what of `images` names none.

    `addresses` are where the package may be itself, the best first; the first that is in a
    registry counts.
    """
    own = next(filter(None, (artifact_of(each, version) for each in addresses)), None)
    found: dict[Reference, Holds] = {own: Holds.PACKAGE} if own else {}
    unread: dict[str, None] = {}
    for text in images:
        reference = image_of(text)
        if reference is None:
            unread[safe(text, limit=200)] = None
        else:
            found.setdefault(reference, Holds.IMAGE)
    return tuple(Holding(*pair) for pair in found.items()), tuple(unread)
