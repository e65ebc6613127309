"""What a catalogue says of packages, made harmless. Data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from transship.errors import TransshipError
from transship.oci.reference import Reference


class Holds(StrEnum):
    """What there is at a reference."""

    PACKAGE = "package"
    """The package itself: a chart, a policy, an image."""
    IMAGE = "image"
    """An image that the package uses."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A reference in a registry, and what is there. A digest or a tag it always has."""

    reference: Reference
    holds: Holds


@dataclass(frozen=True, slots=True)
class Package:
    """A package in a version, as a catalogue describes it.

    `kind` is the catalogue's own word (`helm`, `container`, ...), `address` its page there. Of
    `holdings` none comes twice. `unread` are what it names as images and can't be read as such;
    `content` is where the package itself lies when that is no registry. With a `problem` what it
    contains couldn't be read, and there may be more. All of it has been made
    harmless for a terminal, and is no more than what a stranger says.
    """

    name: str
    version: str
    kind: str
    publisher: str
    description: str
    address: str
    official: bool = False
    verified: bool = False
    deprecated: bool = False
    holdings: tuple[Holding, ...] = ()
    unread: tuple[str, ...] = ()
    content: str = ""
    problem: TransshipError | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The first packages that a search found, the best first, and how many there are in all."""

    packages: tuple[Package, ...]
    total: int
