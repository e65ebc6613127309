"""What a notification says, whoever sent it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from transship.errors import BadReference
from transship.oci.digest import Digest, is_digest
from transship.oci.reference import is_repository, is_tag, parse_reference


class Action(StrEnum):
    """What was done to a tag."""

    PUSH = "push"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Event:
    """A tag was pushed, or something was deleted.

    `host` is what the registry calls itself, or was called by who pushed; empty when it isn't
    said. `tag` is empty only where something was deleted by its digest.
    """

    action: Action
    host: str
    repository: str
    tag: str = ""
    digest: Digest | None = None


def events(
    action: Action | None, host: str, repository: str, tag: str, digest: str
) -> Iterator[Event]:
    """Give the event that these words of a sender make, if they make one.

    What is pushed without a tag makes none: it is the child of an index, or its tag follows.
    """
    if action is None or not is_repository(repository):
        return
    tag = tag if is_tag(tag) else ""
    if action is Action.PUSH and not tag:
        return
    yield Event(
        action, host_in(host), repository, tag, Digest(digest) if is_digest(digest) else None
    )


def host_in(text: str) -> str:
    """Return the `host[:port]` at the beginning of a name, as references write it, or nothing."""
    host = text.partition("/")[0]
    try:
        return parse_reference(host).registry if host else ""
    except BadReference:
        return ""
