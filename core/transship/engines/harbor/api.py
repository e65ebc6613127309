"""Harbor's API, v2.0: a request, a list page by page, what each refusal means, and its answers.

The answers have Harbor's own names of fields (its public description), as far as they are read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlencode

import msgspec

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


class HarborSession(Protocol):
    """Asks the API of one Harbor, signed in: what `Registry.asks` returns."""

    async def send(self, method: str, path: str, body: object = None) -> Answer:
        """Send one request and return its answer, whatever the status."""


class HarborApi:
    """The API of one Harbor. Paths are below `ROOT`.

    All methods raise what stands in the way: NoRight (no administrator), EngineRefused (Harbor's
    own words say why), `missing` for 404, and the errors of the way to it.
    """

    def __init__(self, asks: HarborSession) -> None:
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
            if not some or not _has_next_page(answer, received):
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
            _raise_refusal(answer, errors.EngineRefused)

    async def _sent(
        self, method: str, path: str, body: object = None, *, missing: type[TransshipError]
    ) -> Answer:
        answer = await self._asks.send(method, ROOT + path, body)
        _raise_refusal(answer, missing)
        return answer


def _raise_refusal(answer: Answer, missing: type[TransshipError]) -> None:
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
            raise errors.EngineRefused(detail, remedy=_precondition_remedy(answer))
        case status if status < 500 and status != HTTPStatus.TOO_MANY_REQUESTS:
            raise errors.EngineRefused(detail)
        case _:
            raise error_of(answer, 0.0, missing=missing)


def _precondition_remedy(answer: Answer) -> str:
    if b"disabled" in answer.body:
        return "Enable the policy first."
    if b"stop the tasks" in answer.body:
        return "Stop its executions first, then try again."
    if b"referenced" in answer.body:
        return "Take away what uses it first: Harbor's words name it."
    return errors.EngineRefused.remedy


def _has_next_page(answer: Answer, received: int) -> bool:
    """Tell whether a list has another page: by what Harbor counts, or by its Link field."""
    total = answer.headers.get("x-total-count", "")
    if total.isdecimal():
        return received < int(total)
    try:
        return next_page(answer.headers.get("link", ""), answer.url) is not None
    except ValueError as error:
        raise errors.UnexpectedAnswer(f"{described(answer)}: {error}") from error


class EndpointCredential(msgspec.Struct):
    """What an endpoint is signed in to with. The secret comes back as stars, if at all."""

    type: str = ""
    access_key: str = ""
    access_secret: str = ""


class HarborEndpoint(msgspec.Struct):
    """A registry endpoint. This Harbor itself is the one with the number 0."""

    id: int = 0
    name: str = ""
    url: str = ""
    type: str = ""
    insecure: bool = False
    description: str = ""
    status: str = ""
    credential: EndpointCredential | None = None


class AdapterAddress(msgspec.Struct):
    """One address that an adapter knows."""

    key: str = ""
    value: str = ""


class EndpointPattern(msgspec.Struct):
    """Which addresses an adapter has: one of its own, some to choose from, or any."""

    endpoint_type: str = ""
    endpoints: list[AdapterAddress] | None = None


class CredentialPattern(msgspec.Struct):
    """What an adapter wants to sign in with."""

    access_key_type: str = ""
    access_key_data: str = ""


class AdapterInfo(msgspec.Struct):
    """What an adapter asks for."""

    endpoint_pattern: EndpointPattern | None = None
    credential_pattern: CredentialPattern | None = None

    @property
    def address(self) -> str:
        """The only address that it speaks to, empty when it takes any."""
        pattern = self.endpoint_pattern
        if pattern is None or pattern.endpoint_type != "EndpointPatternTypeFix":
            return ""
        return next((each.value.rstrip("/") for each in pattern.endpoints or ()), "")

    @property
    def user(self) -> str:
        """The only user name that it signs in as, empty when it takes any."""
        pattern = self.credential_pattern
        fixed = pattern is not None and pattern.access_key_type == "AccessKeyTypeFix"
        return pattern.access_key_data if pattern is not None and fixed else ""


class HarborProject(msgspec.Struct):
    """A project; with a `registry_id` it is a proxy cache of that endpoint."""

    name: str
    registry_id: int | None = None


class EndpointInfo(msgspec.Struct):
    """What an endpoint can do."""

    type: str = ""
    supported_triggers: list[str] | None = None
    supported_copy_by_chunk: bool | None = None


class TriggerSettings(msgspec.Struct):
    """When a scheduled policy runs."""

    cron: str = ""


class PolicyTrigger(msgspec.Struct):
    """What begins an execution."""

    type: str = "manual"
    trigger_settings: TriggerSettings | None = None


class HarborFilter(msgspec.Struct):
    """One filter. Of labels the value is a list."""

    type: str = ""
    value: Any = None
    decoration: str = ""


class HarborPolicy(msgspec.Struct):
    """A replication policy. One of its registries is this Harbor."""

    id: int
    name: str
    description: str = ""
    src_registry: HarborEndpoint | None = None
    dest_registry: HarborEndpoint | None = None
    dest_namespace: str = ""
    dest_namespace_replace_count: int | None = None
    trigger: PolicyTrigger | None = None
    filters: list[HarborFilter] | None = None
    deletion: bool | None = None
    replicate_deletion: bool | None = None
    override: bool = False
    enabled: bool = False
    speed: int | None = None
    copy_by_chunk: bool | None = None
    single_active_replication: bool | None = None


class HarborExecution(msgspec.Struct):
    """One run of a policy. Times are RFC 3339; the year 1 stands for none."""

    id: int
    policy_id: int = 0
    status: str = ""
    status_text: str = ""
    trigger: str = ""
    total: int = 0
    failed: int = 0
    succeed: int = 0
    in_progress: int = 0
    stopped: int = 0
    start_time: str = ""
    end_time: str = ""


class HarborTask(msgspec.Struct):
    """A part of an execution: one repository."""

    id: int
    status: str = ""
    job_id: str = ""
    operation: str = ""
    src_resource: str = ""
    dst_resource: str = ""
    start_time: str = ""
    end_time: str = ""


class SystemInfo(msgspec.Struct):
    """What Harbor says of itself; the version only to who is signed in."""

    harbor_version: str = ""
