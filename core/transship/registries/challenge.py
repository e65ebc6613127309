"""What a registry asks for when it says 401: the WWW-Authenticate field (RFC 9110, 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's name for a word
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PARAMETER = re.compile(rf"({_TOKEN})\s*=\s*({_TOKEN}|{_QUOTED})\s*(?=,|$)", re.DOTALL)
_SCHEME = re.compile(rf"({_TOKEN})(?:\s+|$|(?=,))")
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


def _parse(value: str) -> Iterable[Challenge]:
    position = _skip(value, 0)
    while position < len(value):
        scheme = _SCHEME.match(value, position)
        if not scheme:
            comma = value.find(",", position)
            position = len(value) if comma < 0 else _skip(value, comma)
            continue
        position = scheme.end()
        parameters, position = _parameters(value, position)
        yield Challenge(
            scheme=scheme[1].lower(),
            realm=parameters.get("realm", ""),
            service=parameters.get("service", ""),
            scope=parameters.get("scope", ""),
            error=parameters.get("error", ""),
        )


def _parameters(value: str, position: int) -> tuple[dict[str, str], int]:
    parameters: dict[str, str] = {}
    while match := _PARAMETER.match(value, position):
        parameters.setdefault(match[1].lower(), _unquoted(match[2]))
        position = _skip(value, match.end())
    if not parameters and (token68 := _TOKEN68.match(value, position)):
        position = _skip(value, token68.end())
    return parameters, _skip(value, position)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def _skip(value: str, position: int) -> int:
    match = _SEPARATOR.match(value, position)
    return match.end() if match else position
