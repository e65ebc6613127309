"""From the body of a notification to what it says. Whoever sends it, it is hostile."""

from __future__ import annotations

import re

import msgspec

from transship.webhooks import tencent
from transship.webhooks.distribution import Envelope
from transship.webhooks.docker_hub import Push
from transship.webhooks.event import Event
from transship.webhooks.harbor import CloudEvent, Notification
from transship.webhooks.tencent import Trigger

DEEPEST = 32
"""How deep lists and objects may be nested: several times what any sender needs."""

MOST_EVENTS = 1000
"""How many events one notification may hold."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_OPEN = (b"[", b"{")
_CLOSE = (b"]", b"}")

Sent = Envelope | Push | CloudEvent | Notification | Trigger


class NotUnderstood(ValueError):
    """A body that is no notification. What it says is never part of the message."""


class _Marks(msgspec.Struct, frozen=True):
    """The keys by which the senders are told apart."""

    events: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    push_data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    specversion: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    event_data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    type: str = ""


def events_in(body: bytes) -> tuple[Event, ...]:
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
        return msgspec.json.decode(body, type=Envelope)
    if marks.push_data is not unset:
        return msgspec.json.decode(body, type=Push)
    if marks.specversion is not unset:
        return msgspec.json.decode(body, type=CloudEvent)
    if marks.event_data is unset:
        return None
    if marks.type in tencent.ACTIONS:
        return msgspec.json.decode(body, type=Trigger)
    return msgspec.json.decode(body, type=Notification)


def _check_depth(body: bytes) -> None:
    depth = 0
    for token in _TOKEN.finditer(body):
        if token[0] in _OPEN:
            depth += 1
            if depth > DEEPEST:
                raise NotUnderstood("nested too deep")
        elif token[0] in _CLOSE:
            depth -= 1
