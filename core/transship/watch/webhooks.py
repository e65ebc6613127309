"""What registries send when something was pushed, hostile until it is understood.

Forms: Docker distribution, Docker Hub, Harbor (its own and CloudEvents) and TCR. From an event to
the tags at the sources of a plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from transship.errors import BadReference
from transship.oci.digest import Digest, is_digest
from transship.oci.reference import Reference, is_repository, is_tag, parse_reference
from transship.plans.outline import scope
from transship.plans.plan import Plan
from transship.plans.selection import takes_repository


class EventAction(StrEnum):
    """What was done to a tag."""

    PUSH = "push"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class RegistryEvent:
    """A tag was pushed, or something was deleted.

    `host` is what the registry calls itself, or was called by who pushed; empty when it isn't
    said. `tag` is empty only where something was deleted by its digest.
    """

    action: EventAction
    host: str
    repository: str
    tag: str = ""
    digest: Digest | None = None


def events(
    action: EventAction | None, host: str, repository: str, tag: str, digest: str
) -> Iterator[RegistryEvent]:
    """Give the event that these words of a sender make, if they make one.

    What is pushed without a tag makes none: it is the child of an index, or its tag follows.
    """
    if action is None or not is_repository(repository):
        return
    tag = tag if is_tag(tag) else ""
    if action is EventAction.PUSH and not tag:
        return
    yield RegistryEvent(
        action, host_in(host), repository, tag, Digest(digest) if is_digest(digest) else None
    )


def host_in(text: str) -> str:
    """Return the `host[:port]` at the beginning of a name, as references write it, or nothing."""
    host = text.partition("/")[0]
    try:
        return parse_reference(host).registry if host else ""
    except BadReference:
        return ""


_ACTIONS = {"push": EventAction.PUSH, "delete": EventAction.DELETE}


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


class DistributionEnvelope(msgspec.Struct, frozen=True):
    """What distribution sends. Layers and children of an index come in it as well."""

    events: list[_Event]

    def told(self) -> Iterator[RegistryEvent]:
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


DOCKER_HUB_HOST = "docker.io"


class _PushData(msgspec.Struct, frozen=True):
    tag: str = ""


class _Repository(msgspec.Struct, frozen=True):
    repo_name: str = ""


class DockerHubPush(msgspec.Struct, frozen=True):
    """What Docker Hub sends. It has no digest; its `callback_url` is never called."""

    push_data: _PushData
    repository: _Repository

    def told(self) -> Iterator[RegistryEvent]:
        """Give what was pushed."""
        name = self.repository.repo_name
        full = name if "/" in name else f"library/{name}"
        yield from events(EventAction.PUSH, DOCKER_HUB_HOST, full, self.push_data.tag, "")


_HARBOR_ACTIONS = {"PUSH_ARTIFACT": EventAction.PUSH, "DELETE_ARTIFACT": EventAction.DELETE}
_CLOUD_ACTIONS = {
    "harbor.artifact.pushed": EventAction.PUSH,
    "harbor.artifact.deleted": EventAction.DELETE,
}


class _Resource(msgspec.Struct, frozen=True):
    tag: str = ""
    digest: str = ""
    resource_url: str = ""


class _HarborRepository(msgspec.Struct, frozen=True):
    repo_full_name: str = ""


class HarborContents(msgspec.Struct, frozen=True):
    """What it is about: one repository, and what in it was pushed or deleted."""

    resources: list[_Resource] = []
    repository: _HarborRepository = _HarborRepository()

    def told(self, action: EventAction | None) -> Iterator[RegistryEvent]:
        """Give what it says, where `action` is what was done."""
        for resource in self.resources:
            yield from events(
                action,
                resource.resource_url,
                self.repository.repo_full_name,
                resource.tag,
                resource.digest,
            )


class HarborNotification(msgspec.Struct, frozen=True):
    """What Harbor sends unless it is told to send CloudEvents."""

    type: str
    event_data: HarborContents

    @property
    def actions(self) -> Mapping[str, EventAction]:
        """What each type says was done."""
        return _HARBOR_ACTIONS

    def told(self) -> Iterator[RegistryEvent]:
        """Give what the notification says of tags."""
        yield from self.event_data.told(self.actions.get(self.type))


class CloudEvent(msgspec.Struct, frozen=True):
    """The same as a CloudEvent in JSON (CloudEvents 1.0, "JSON Event Format")."""

    type: str
    data: HarborContents

    def told(self) -> Iterator[RegistryEvent]:
        """Give what the event says of tags."""
        yield from self.data.told(_CLOUD_ACTIONS.get(self.type))


TCR_ACTIONS = {
    "pushImage": EventAction.PUSH,
    "uploadChart": EventAction.PUSH,
    "deleteImage": EventAction.DELETE,
    "deleteChart": EventAction.DELETE,
}


class TcrTrigger(HarborNotification, frozen=True):
    """What a trigger sends."""

    @property
    def actions(self) -> Mapping[str, EventAction]:
        """What each type says was done."""
        return TCR_ACTIONS


DEEPEST = 32
"""How deep lists and objects may be nested: several times what any sender needs."""

MOST_EVENTS = 1000
"""How many events one notification may hold."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_OPEN = (b"[", b"{")
_CLOSE = (b"]", b"}")

Sent = DistributionEnvelope | DockerHubPush | CloudEvent | HarborNotification | TcrTrigger


class NotUnderstood(ValueError):
    """A body that is no notification. What it says is never part of the message."""


class _Marks(msgspec.Struct, frozen=True):
    """The keys by which the senders are told apart."""

    events: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    push_data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    specversion: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    event_data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    type: str = ""


def events_in(body: bytes) -> tuple[RegistryEvent, ...]:
    """Return what a notification says of tags, each thing once. Raises NotUnderstood.

    What says nothing of tags, a pull or a test, has no events.
    """
    _check_depth(body)
    try:
        sent = _decode(body)
        told = dict.fromkeys(sent.told()) if sent else {}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotUnderstood("not a notification") from None
    if len(told) > MOST_EVENTS:
        raise NotUnderstood("too many events")
    return tuple(told)


def _decode(body: bytes) -> Sent | None:
    marks = msgspec.json.decode(body, type=_Marks)
    unset = msgspec.UNSET
    if marks.events is not unset:
        return msgspec.json.decode(body, type=DistributionEnvelope)
    if marks.push_data is not unset:
        return msgspec.json.decode(body, type=DockerHubPush)
    if marks.specversion is not unset:
        return msgspec.json.decode(body, type=CloudEvent)
    if marks.event_data is unset:
        return None
    if marks.type in TCR_ACTIONS:
        return msgspec.json.decode(body, type=TcrTrigger)
    return msgspec.json.decode(body, type=HarborNotification)


def _check_depth(body: bytes) -> None:
    depth = 0
    for token in _TOKEN.finditer(body):
        if token[0] in _OPEN:
            depth += 1
            if depth > DEEPEST:
                raise NotUnderstood("nested too deep")
        elif token[0] in _CLOSE:
            depth -= 1


def pushed(events: Iterable[RegistryEvent], plan: Plan) -> tuple[Reference, ...]:
    """Return the tags that were pushed to a repository that the plan takes, each once.

    A registry behind a proxy, or with several names, may call itself something that the plan
    doesn't. Where no source has the name, each source that takes the repository is meant: asking
    it is all that follows.
    """
    found: dict[Reference, None] = {}
    for event in events:
        if event.action is EventAction.PUSH:
            for registry in _registries(event, plan):
                if _takes(plan, registry, event.repository, event.tag):
                    found[Reference(registry, event.repository, event.tag)] = None
    return tuple(found)


def is_deletion(events: Iterable[RegistryEvent], plan: Plan) -> bool:
    """Tell whether something was deleted in a place that the plan looks at."""
    return any(
        any(_looks_at(plan, registry, event.repository) for registry in _registries(event, plan))
        for event in events
        if event.action is EventAction.DELETE
    )


def _registries(event: RegistryEvent, plan: Plan) -> tuple[str, ...]:
    sources = tuple(source.registry for source in plan.sources if source.layout is None)
    if event.host in sources:
        return (event.host,)
    if event.host == DOCKER_HUB_HOST:
        return ()
    return tuple(source for source in sources if source != DOCKER_HUB_HOST)


def _takes(plan: Plan, registry: str, repository: str, tag: str) -> bool:
    for copy in plan.copies:
        source = copy.source
        same = (source.registry, source.repository) == (registry, repository)
        if same and (source.tag == tag or not source.version):
            return True
    return any(
        rule.source.registry == registry and takes_repository(rule, repository)
        for rule in plan.rules
    )


def _looks_at(plan: Plan, registry: str, repository: str) -> bool:
    if any(
        (copy.source.registry, copy.source.repository) == (registry, repository)
        for copy in plan.copies
    ):
        return True
    return any(
        rule.source.registry == registry and scope(rule, repository) is not None
        for rule in plan.rules
    )
