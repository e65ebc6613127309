"""What a registry asks for when it says 401: the WWW-Authenticate field (RFC 9110, 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
# Some servers quote nothing, addresses included, or forget the commas; both are understood.
_BARE = r'[^\s",=][^\s",]*'
_PARAMETER = re.compile(rf"({_NAME})\s*=\s*({_QUOTED}|{_BARE})(?=[\s,]|$)", re.DOTALL)
_SCHEME = re.compile(rf"({_NAME})(?=[\s,]|$)")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*\s*(?=,|$)")
_SEPARATOR = re.compile(r"[\s,]*")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to sign in that a server offers. `scheme` is in lower case."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""
    error: str = ""


def parse_challenges(fields: Iterable[str]) -> tuple[Challenge, ...]:
    """Return the challenges in all WWW-Authenticate fields of an answer, in order.

    One field may hold several, and quoted values may hold commas. What can't be read is passed
    over to the next challenge: a server's fault in one must not hide the other.
    """
    return tuple(challenge for value in fields for challenge in _parse(value))


def _parse(value: str) -> Iterator[Challenge]:
    position = _skip(value, 0)
    while position < len(value):
        scheme = _SCHEME.match(value, position)
        if not scheme:
            comma = value.find(",", position)
            position = len(value) if comma < 0 else _skip(value, comma)
            continue
        parameters, position = _parameters(value, scheme.end())
        yield Challenge(
            scheme=scheme[1].lower(),
            realm=parameters.get("realm", ""),
            service=parameters.get("service", ""),
            scope=parameters.get("scope", ""),
            error=parameters.get("error", ""),
        )


def _parameters(value: str, position: int) -> tuple[dict[str, str], int]:
    """Return what follows a scheme, up to what may be the next one, and where that begins."""
    parameters: dict[str, str] = {}
    position = len(value) - len(value[position:].lstrip())
    if value[position : position + 1] == ",":
        return parameters, _skip(value, position)
    if not _PARAMETER.match(value, position) and (token68 := _TOKEN68.match(value, position)):
        return parameters, _skip(value, token68.end())
    while match := _PARAMETER.match(value, position):
        parameters.setdefault(match[1].lower(), _unquoted(match[2]))
        position = _skip(value, match.end())
    return parameters, position


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if text.startswith('"') else text


def _skip(value: str, position: int) -> int:
    match = _SEPARATOR.match(value, position)
    return match.end() if match else position
