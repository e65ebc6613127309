"""PowerDNS, over the HTTP API of its authoritative server (version 4 on).

The API has no condition on a change. The records are read and compared right before it, and the
server itself refuses a CNAME beside other records; between the two lies a moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from transship import errors
from transship.cutover.change.records import (
    HELD_TYPES,
    PlannedChange,
    RecordSets,
    Snapshot,
    ordered_records,
    plan_change,
    records_text,
    same_records,
)
from transship.cutover.domain import is_address
from transship.cutover.evidence import RecordSet
from transship.registry.credential import Tls
from transship.registry.http.tls import tls_context
from transship.text import safe

if TYPE_CHECKING:
    import httpx

_JSON = "application/json"
_REFUSED_KEY = (401, 403)
NO_USER = "Give the URL without it; the API key is all that PowerDNS wants, and is kept apart."


@dataclass(frozen=True, slots=True)
class PowerDnsServer:
    """Where the API is. `url` is without `/api`, `server` the id of the server behind it.

    `ca_file` has authorities that are trusted beside the system's.
    """

    url: str
    zone: str
    server: str = "localhost"
    ca_file: str = ""


class _Record(msgspec.Struct):
    content: str
    disabled: bool = False


class _RrSet(msgspec.Struct):
    name: str
    type: str
    ttl: int
    records: list[_Record]


class _Zone(msgspec.Struct):
    rrsets: list[_RrSet] = field(default_factory=list)


class PowerDnsProvider:
    """Changes a zone over the API. `seconds` is how long one answer may take."""

    writes = True

    def __init__(self, server: PowerDnsServer, key: str, *, seconds: float = 10.0) -> None:
        parts = urlsplit(server.url)
        if parts.username is not None or parts.password is not None:
            raise errors.BadRequest("the API's URL has a user in it", remedy=NO_USER)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise errors.BadRequest(f"{server.url}: no address of an API")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise errors.BadRequest(
                f"{server.url}: the key would be sent where anybody can read it",
                remedy="Give the https address of the API, or one on this machine.",
            )
        self._server = server
        self._key = key
        self._seconds = seconds

    @property
    def place(self) -> str:
        """The API and the zone."""
        return f"{self._server.url} (zone {self._server.zone})"

    async def read(self, name: str) -> RecordSets:
        """Return all that `name` holds. Raises RecordNotPlain where a record is disabled."""
        try:
            answer = await self._call("GET")
        except errors.ChangeUncertain as error:
            raise errors.ProviderUnreachable(error.detail) from error
        try:
            found = msgspec.json.decode(answer.content, type=_Zone).rrsets
        except msgspec.DecodeError as error:
            raise errors.ProviderRefused(f"{self.place}: not PowerDNS's answer") from error
        # The whole zone: asked for one name, the server leaves out what is disabled.
        mine = [each for each in found if each.name.rstrip(".").lower() == name]
        for each in mine:
            if any(record.disabled for record in each.records):
                raise errors.RecordNotPlain(f"{name} {each.type}: a part of it is disabled")
            if each.type in ("ALIAS", "LUA"):
                raise errors.RecordNotPlain(f"{name} holds {each.type}")
        sets = (_record_set(name, each) for each in mine if each.type in HELD_TYPES)
        return tuple(sorted(sets, key=lambda each: HELD_TYPES.index(each.type)))

    def plan(self, old: RecordSets, new: RecordSets) -> PlannedChange:
        """Return the change that lets a name hold `new` where it holds `old`."""
        return plan_change(old, new)

    async def apply(self, planned: PlannedChange, expect: RecordSets) -> None:
        """Make the change in one request, right after having compared."""
        now = await self.read(planned.name)
        if not same_records(now, expect):
            raise errors.RecordChanged(f"{planned.name} holds {records_text(now)}")
        await self._change(PlannedChange(planned.name, now, planned.after))

    async def restore(self, snapshot: Snapshot) -> None:
        """Put back what was there."""
        now = await self.read(snapshot.name)
        await self._change(PlannedChange(snapshot.name, now, snapshot.sets))

    async def _change(self, planned: PlannedChange) -> None:
        name = f"{planned.name}."
        gone = [
            {"name": name, "type": each.type, "changetype": "DELETE"} for each in planned.removed
        ]
        come = [
            {
                "name": name,
                "type": each.type,
                "ttl": each.ttl,
                "changetype": "REPLACE",
                "records": [{"content": value, "disabled": False} for value in each.values],
            }
            for each in planned.added
        ]
        if gone or come:
            await self._call("PATCH", {"rrsets": [*gone, *come]})

    async def _call(self, method: str, content: Any = None) -> httpx.Response:
        # Most domains are changed in another way, and httpx is slow to import.
        import httpx

        server = self._server
        path = f"/api/v1/servers/{quote(server.server, safe='')}/zones/{server.zone}."
        try:
            async with httpx.AsyncClient(
                verify=tls_context(Tls(ca_file=server.ca_file)), timeout=self._seconds
            ) as client:
                answer = await client.request(
                    method,
                    server.url.rstrip("/") + path,
                    content=None if content is None else msgspec.json.encode(content),
                    headers={"X-API-Key": self._key, "content-type": _JSON, "accept": _JSON},
                )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise errors.ProviderUnreachable(f"{self.place}: {safe(str(error))}") from None
        except httpx.HTTPError as error:
            raise errors.ChangeUncertain(
                f"{self.place}: {safe(str(error)) or type(error).__name__}"
            ) from None
        if not answer.is_success:
            raise self._refused(answer)
        return answer

    def _refused(self, answer: httpx.Response) -> errors.TransshipError:
        said = f"{self.place}: {answer.status_code} {_said(answer)}".rstrip()
        if answer.status_code in _REFUSED_KEY:
            return errors.KeyRefused(
                said, remedy="Check the API key, and that api=yes is set at that server."
            )
        if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and "Conflict" in said:
            return errors.RecordChanged(said)
        return errors.ProviderRefused(said)


def _record_set(name: str, found: _RrSet) -> RecordSet:
    values = tuple(
        record.content.lower() if found.type == "CNAME" else record.content
        for record in found.records
    )
    return ordered_records(RecordSet(name, found.type, found.ttl, values))


def _said(answer: httpx.Response) -> str:
    try:
        said = msgspec.json.decode(answer.content, type=dict[str, Any]).get("error", "")
    except msgspec.DecodeError:
        return ""
    return safe(str(said), limit=300)


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (is_address(host) and (host.startswith("127.") or host == "::1"))
