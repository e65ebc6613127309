"""Webhooks of Docker Hub, which tells of pushes only.

https://docs.docker.com/docker-hub/repos/manage/webhooks/
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from transship.webhooks.event import Action, Event, events

HOST = "docker.io"


class _PushData(msgspec.Struct, frozen=True):
    tag: str = ""


class _Repository(msgspec.Struct, frozen=True):
    repo_name: str = ""


class Push(msgspec.Struct, frozen=True):
    """What Docker Hub sends. It has no digest; its `callback_url` is never called."""

    push_data: _PushData
    repository: _Repository

    def told(self) -> Iterator[Event]:
        """Give what was pushed."""
        name = self.repository.repo_name
        full = name if "/" in name else f"library/{name}"
        yield from events(Action.PUSH, HOST, full, self.push_data.tag, "")
