"""Heads of requests and answers (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What would end a line of a head, or hide in it."""

_LONG_NAME = 64
"""From how many bytes on the name of a field isn't remembered: nobody knows how long it is."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer. Names of `fields` are in lower case; those of one name are one list.

    `challenges` are the WWW-Authenticate fields, each as it came. Any of it may hold a secret.
    """

    status: int
    fields: Mapping[str, str] = field(repr=False)
    challenges: tuple[str, ...] = field(repr=False)


def request_head(line: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """Return a request's head, from its first line without the version, and its fields.

    Raises ValueError for what can't be in one, as a token with a line break.
    """
    named = [f"{name}: {value}" for name, value in fields]
    if _UNSENDABLE.search("".join((line, *named))):
        raise ValueError("a line of a request's head with a control character")
    return "\r\n".join((f"{line} HTTP/1.1", *named, "", "")).encode()


def answer_head(status: int, fields: Iterable[tuple[bytes, bytes]]) -> Head:
    """Return an answer's head from its status and its fields in their order."""
    told: dict[str, str] = {}
    challenges: list[str] = []
    for raw_name, raw_value in fields:
        name = _name(raw_name) if len(raw_name) < _LONG_NAME else _read(raw_name)
        value = raw_value.rstrip(b" \t").decode("utf-8", "surrogateescape")
        if name == "www-authenticate":
            challenges.append(value)
        told[name] = f"{told[name]}, {value}" if name in told else value
    return Head(status, told, tuple(challenges))


@lru_cache(maxsize=512)
def _name(raw: bytes) -> str:
    """Return the name of a field: servers have the same few, in each of their answers."""
    return _read(raw)


def _read(raw: bytes) -> str:
    return raw.decode("latin-1").lower()
