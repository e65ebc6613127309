"""The record of what was asked of registries and what they answered, for whoever looks into it.

Bodies are never kept. Of headers and addresses only what is known to be harmless is kept; every
other value is struck out before it gets here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from transship.clock import Clock
from transship.errors import TransshipError
from transship.registry.http.authentication import Challenge, parse_challenges
from transship.text import safe

STRUCK = "***"
"""What stands in the place of a value that may be a secret."""

Fields = tuple[tuple[str, str], ...]
"""Header fields in their order, names in lower case."""

Answered = Callable[[int, Iterable[tuple[str, str]]], None]
"""Takes the status and the header fields of an answer, once its head is there."""


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One request, and the head of its answer once that has come.

    `at` is in seconds since the epoch. `seconds` is how long the answer took to begin, or None
    while it is awaited. `status` is 0 without an answer, and `problem` then says why.
    """

    number: int
    at: float
    method: str
    url: str
    request: Fields
    answer: Fields = ()
    status: int = 0
    seconds: float | None = None
    problem: str = ""

    @property
    def sent(self) -> int | None:
        """The bytes of the request's body, or None when they aren't told."""
        return _length(self.request)

    @property
    def received(self) -> int | None:
        """The bytes of the answer's body as its head says, or None when it doesn't."""
        return None if self.method == "HEAD" else _length(self.answer)


class Recorder:
    """Keeps the last exchanges. `revision` is another one whenever they have changed."""

    def __init__(self, clock: Clock, limit: int = 500) -> None:
        self.revision = 0
        self._clock = clock
        self._limit = limit
        self._count = 0
        self._kept: dict[int, Exchanged] = {}

    def exchanges(self) -> tuple[Exchanged, ...]:
        """Return what is kept, the oldest first."""
        return tuple(self._kept.values())

    def begun(self, method: str, url: str, headers: Mapping[str, str]) -> Exchanged:
        """Keep a request that is about to be sent. The oldest exchange makes room for it."""
        self._count += 1
        exchanged = Exchanged(
            number=self._count,
            at=self._clock.now(),
            method=method,
            url=struck_address(url),
            request=struck_fields(headers.items()),
        )
        self._kept[self._count] = exchanged
        if len(self._kept) > self._limit:
            del self._kept[next(iter(self._kept))]
        self.revision += 1
        return exchanged

    def ended(self, exchanged: Exchanged) -> None:
        """Keep what has become of an exchange, unless it has made room already."""
        if exchanged.number in self._kept:
            self._kept[exchanged.number] = exchanged
            self.revision += 1

    @contextmanager
    def recording(self, method: str, url: str, headers: Mapping[str, str]) -> Iterator[Answered]:
        """Record the request that is sent inside. What is yielded is told of its answer."""
        exchanged = self.begun(method, url, headers)
        began = self._clock.monotonic()

        def answered(status: int, fields: Iterable[tuple[str, str]]) -> None:
            seconds = self._clock.monotonic() - began
            answer = struck_fields(fields)
            self.ended(replace(exchanged, status=status, answer=answer, seconds=seconds))

        def failed(problem: str) -> None:
            seconds = self._clock.monotonic() - began
            self.ended(replace(exchanged, problem=problem, seconds=seconds))

        try:
            yield answered
        except TransshipError as error:
            failed(error.title)
            raise
        except BaseException:
            failed("Given up")
            raise


@contextmanager
def unrecorded() -> Iterator[Answered]:
    """Stand in for `Recorder.recording` where nobody records."""
    yield lambda _status, _fields: None


def struck_address(address: str) -> str:
    """Return an address without what may be a secret in it: users, unknown parameters, fragments.

    Names stay, so that one sees what was there.
    """
    address, _, fragment = address.partition("#")
    path, _, query = address.partition("?")
    path = _USER.sub(f"//{STRUCK}@", path)
    path = _ASSIGNED.sub(f"={STRUCK}", path)
    if query:
        path += "?" + "&".join(_struck_parameter(part) for part in _SEPARATORS.split(query))
    return safe(path + (f"#{STRUCK}" if fragment else ""))


def struck_fields(fields: Iterable[tuple[str, str]]) -> Fields:
    """Return header fields without the values that may be secrets."""
    pairs = [(name.lower(), value) for name, value in fields]
    # How long a form is tells how long the password in it is.
    is_form = any(name == "content-type" and "form" in value for name, value in pairs)
    return tuple(
        (safe(name), STRUCK if is_form and name == "content-length" else _struck(name, value))
        for name, value in pairs
    )


def _struck(name: str, value: str) -> str:
    if name == "authorization":
        scheme = value.partition(" ")[0]
        return f"{scheme} {STRUCK}" if scheme in ("Basic", "Bearer") else STRUCK
    if name == "www-authenticate":
        return ", ".join(map(_challenge_text, parse_challenges([value]))) or STRUCK
    if name == "location":
        return struck_address(value)
    if name == "link":
        return ", ".join(f"<{struck_address(link)}>" for link in _LINK.findall(value)) or STRUCK
    return safe(value) if _HARMLESS_FIELDS.fullmatch(name) else STRUCK


def _challenge_text(challenge: Challenge) -> str:
    told = (
        ("realm", struck_address(challenge.realm)),
        ("service", safe(challenge.service)),
        ("scope", safe(challenge.scope)),
        ("error", safe(challenge.error)),
    )
    words = ",".join(f'{name}="{value}"' for name, value in told if value)
    return f"{safe(challenge.scheme).capitalize()} {words}".strip()


def _struck_parameter(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    if not equals:
        return STRUCK
    return f"{name}={value if _HARMLESS_PARAMETERS.fullmatch(name) else STRUCK}"


def _length(fields: Fields) -> int | None:
    value = dict(fields).get("content-length", "")
    return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else None


_USER = re.compile(r"//[^/]*@")
_ASSIGNED = re.compile(r"=[^/]*")
_SEPARATORS = re.compile("[&;]")
_LINK = re.compile("<([^>]*)>")

_HARMLESS_PARAMETERS = re.compile(
    "account|artifacttype|client_id|digest|from|last|mount|n|ns|page|page_size|scope|service",
    re.IGNORECASE,
)
_HARMLESS_FIELDS = re.compile(
    "accept|accept-encoding|accept-ranges|age|allow|cache-control|connection|content-encoding"
    "|content-length|content-range|content-type|date|docker-content-digest"
    "|docker-distribution-api-version|docker-upload-uuid|etag|expires|host|keep-alive"
    "|last-modified|oci-(chunk-max-length|chunk-min-length|filters-applied|subject|tag)|range"
    "|(x-)?ratelimit-(limit|remaining|reset)|retry-after|server|strict-transport-security"
    "|transfer-encoding|user-agent|vary|via|warning|x-cache|x-content-type-options"
    "|x-tc-(action|region|version)"
    "|cf-ray|x-(amz-|amzn-?|github-|ms-|ms-correlation-)?request-?id"
)
