"""Notifications of Docker's distribution: an envelope with events.

https://distribution.github.io/distribution/about/notifications/
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from transship.webhooks.event import Action, Event, events

_ACTIONS = {"push": Action.PUSH, "delete": Action.DELETE}


class _Target(msgspec.Struct, frozen=True):
    repository: str = ""
    tag: str = ""
    digest: str = ""


class _Request(msgspec.Struct, frozen=True):
    host: str = ""


class _Event(msgspec.Struct, frozen=True):
    action: str = ""
    target: _Target = _Target()
    request: _Request = _Request()


class Envelope(msgspec.Struct, frozen=True):
    """What distribution sends. Layers and children of an index come in it as well."""

    events: list[_Event]

    def told(self) -> Iterator[Event]:
        """Give what the envelope says of tags."""
        for event in self.events:
            target = event.target
            yield from events(
                _ACTIONS.get(event.action),
                event.request.host,
                target.repository,
                target.tag,
                target.digest,
            )
