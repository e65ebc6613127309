"""Harbor's API, v2.0: a request, a list page by page, and what each refusal means in words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Protocol, TypeVar
from urllib.parse import quote, urlencode

from transship import errors
from transship.errors import TransshipError
from transship.registry.http.address import next_page
from transship.registry.http.answer import Answer, described, error_of

ROOT = "/api/v2.0"

_PAGE = 100
_MOST_PAGES = 10_000
_ADMINISTRATOR = (
    "Sign in to Harbor as a system administrator, or as a robot of the system that may do this; "
    "the robot of a project may not."
)
_T = TypeVar("_T")


class Asks(Protocol):
    """Asks the API of one Harbor, signed in: what `Registry.asks` returns."""

    async def send(self, method: str, path: str, body: object = None) -> Answer:
        """Send one request and return its answer, whatever the status."""


class HarborApi:
    """The API of one Harbor. Paths are below `ROOT`.

    All methods raise what stands in the way: NoRight (no administrator), EngineRefused (Harbor's
    own words say why), `missing` for 404, and the errors of the way to it.
    """

    def __init__(self, asks: Asks) -> None:
        self._asks = asks

    async def get(
        self,
        path: str,
        kind: type[_T],
        *,
        missing: type[TransshipError] = errors.UnexpectedAnswer,
    ) -> _T:
        """Return what is at a path."""
        answer = await self._sent("GET", path, missing=missing)
        found: _T = answer.json(kind)
        return found

    async def text(self, path: str, *, missing: type[TransshipError]) -> str:
        """Return what is at a path, as it stands there."""
        answer = await self._sent("GET", path, missing=missing)
        return answer.body.decode(errors="replace")

    async def all(
        self,
        path: str,
        kind: type[_T],
        *,
        missing: type[TransshipError] = errors.UnexpectedAnswer,
        **query: str,
    ) -> AsyncIterator[_T]:
        """Give a whole list, as its pages come."""
        received = 0
        for page in range(1, _MOST_PAGES + 1):
            asked = urlencode({**query, "page": page, "page_size": _PAGE}, quote_via=quote)
            answer = await self._sent("GET", f"{path}?{asked}", missing=missing)
            some: list[_T] = answer.json(list[kind] | None) or []  # type: ignore[valid-type, arg-type]
            for one in some:
                yield one
            received += len(some)
            if not some or not _goes_on(answer, received):
                return
        raise errors.UnexpectedAnswer(f"{path}: more than {_MOST_PAGES:,} pages")

    async def post(
        self, path: str, body: object, *, missing: type[TransshipError] = errors.EngineRefused
    ) -> str:
        """Post, and return the id of what came of it; empty where Harbor names none."""
        answer = await self._sent("POST", path, body, missing=missing)
        return answer.headers.get("location", "").rstrip("/").rpartition("/")[2]

    async def put(
        self,
        path: str,
        body: object = None,
        *,
        missing: type[TransshipError] = errors.EngineRefused,
    ) -> None:
        """Put."""
        await self._sent("PUT", path, body, missing=missing)

    async def delete(self, path: str) -> None:
        """Delete what is at a path; it is no failure that it is gone already."""
        answer = await self._asks.send("DELETE", ROOT + path)
        if answer.status != HTTPStatus.NOT_FOUND:
            _check(answer, errors.EngineRefused)

    async def _sent(
        self, method: str, path: str, body: object = None, *, missing: type[TransshipError]
    ) -> Answer:
        answer = await self._asks.send(method, ROOT + path, body)
        _check(answer, missing)
        return answer


def _check(answer: Answer, missing: type[TransshipError]) -> None:
    if answer.ok:
        return
    detail = described(answer)
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            raise errors.WrongCredential(detail)
        case HTTPStatus.FORBIDDEN:
            raise errors.NoRight(detail, remedy=_ADMINISTRATOR)
        case HTTPStatus.NOT_FOUND:
            raise missing(detail)
        case HTTPStatus.CONFLICT:
            raise errors.AlreadyThere(detail, remedy="Something has this name: choose another.")
        case HTTPStatus.PRECONDITION_FAILED:
            raise errors.EngineRefused(detail, remedy=_precondition(answer))
        case status if status < 500 and status != HTTPStatus.TOO_MANY_REQUESTS:
            raise errors.EngineRefused(detail)
        case _:
            raise error_of(answer, 0.0, missing=missing)


def _precondition(answer: Answer) -> str:
    if b"disabled" in answer.body:
        return "Enable the policy first."
    if b"stop the tasks" in answer.body:
        return "Stop its executions first, then try again."
    if b"referenced" in answer.body:
        return "Take away what uses it first: Harbor's words name it."
    return errors.EngineRefused.remedy


def _goes_on(answer: Answer, received: int) -> bool:
    """Tell whether a list has another page: by what Harbor counts, or by its Link field."""
    total = answer.headers.get("x-total-count", "")
    if total.isdecimal():
        return received < int(total)
    try:
        return next_page(answer.headers.get("link", ""), answer.url) is not None
    except ValueError as error:
        raise errors.UnexpectedAnswer(f"{described(answer)}: {error}") from error
