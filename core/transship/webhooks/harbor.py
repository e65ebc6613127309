"""Notifications of Harbor, in its own form and as CloudEvents, and of TCR, which began as Harbor.

https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from transship.webhooks.event import Action, Event, events

_ACTIONS = {"PUSH_ARTIFACT": Action.PUSH, "DELETE_ARTIFACT": Action.DELETE}
_CLOUD_ACTIONS = {"harbor.artifact.pushed": Action.PUSH, "harbor.artifact.deleted": Action.DELETE}


class _Resource(msgspec.Struct, frozen=True):
    tag: str = ""
    digest: str = ""
    resource_url: str = ""


class _Repository(msgspec.Struct, frozen=True):
    repo_full_name: str = ""


class Contents(msgspec.Struct, frozen=True):
    """What it is about: one repository, and what in it was pushed or deleted."""

    resources: list[_Resource] = []
    repository: _Repository = _Repository()

    def told(self, action: Action | None) -> Iterator[Event]:
        """Give what it says, where `action` is what was done."""
        for resource in self.resources:
            yield from events(
                action,
                resource.resource_url,
                self.repository.repo_full_name,
                resource.tag,
                resource.digest,
            )


class Notification(msgspec.Struct, frozen=True):
    """What Harbor sends unless it is told to send CloudEvents."""

    type: str
    event_data: Contents

    @property
    def actions(self) -> Mapping[str, Action]:
        """What each type says was done."""
        return _ACTIONS

    def told(self) -> Iterator[Event]:
        """Give what the notification says of tags."""
        yield from self.event_data.told(self.actions.get(self.type))


class CloudEvent(msgspec.Struct, frozen=True):
    """The same as a CloudEvent in JSON (CloudEvents 1.0, "JSON Event Format")."""

    type: str
    data: Contents

    def told(self) -> Iterator[Event]:
        """Give what the event says of tags."""
        yield from self.data.told(_CLOUD_ACTIONS.get(self.type))
