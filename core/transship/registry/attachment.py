"""Whether a service knows a domain of the operator's as one of a registry's own. Data, and a seam.

Who asks a service's API fills it in, and who moves the domain reads it: neither knows the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Attached(StrEnum):
    """How a domain is at a registry."""

    WORKS = "works"
    BEGUN = "begun"
    """It is being attached."""
    FAILED = "failed"
    GOING = "going"
    """It is being taken away."""
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """The service says a word that isn't known."""


@dataclass(frozen=True, slots=True)
class AttachmentMessage:
    """One judgement: what a finding of a cutover has, but for its check.

    `severity` is `block`, `warn` or `info`. `id` stays the same over versions.
    """

    id: str
    severity: str
    seen: str
    means: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """What the service says of a domain at a registry, at a moment (seconds since the epoch).

    `said` is its own word for how it is. `expires` is when the certificate ends, where that is
    known. `says` is what follows for the domain, `reach` for who gets through to the registry at
    all, and `lets_in` has in words who does. Goes into JSON and back unchanged.
    """

    registry: str
    domain: str
    state: Attached
    at: float
    said: str = ""
    certificate: str = ""
    expires: float | None = None
    says: tuple[AttachmentMessage, ...] = ()
    reach: tuple[AttachmentMessage, ...] = ()
    lets_in: str = ""


class TellsAttachment(Protocol):
    """Who can ask the service behind a registry."""

    async def attachment(self, domain: str) -> Attachment:
        """Return what is said of a domain. Raises what stands in the way of asking."""
