"""Amazon Route 53, behind the extra `aws`: boto3 is imported only when it is used.

A batch of DELETE, which has to name what is there to the letter, and CREATE is made as a whole or
not at all: it compares and swaps. Who may do it is what boto3 finds by itself (profile, role, SSO).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from transship import errors
from transship.clock import Clock, SystemClock
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
from transship.cutover.evidence import RecordSet
from transship.extras import extra_missing
from transship.text import safe

_KEYS = (
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
_ROUTING = ("SetIdentifier", "AliasTarget", "HealthCheckId", "TrafficPolicyInstanceId")
_SYNC_SECONDS = 120.0
_POLL_SECONDS = 2.0

_T = TypeVar("_T")


class Route53Provider:
    """Changes a hosted zone. `client` is boto3's for `route53`; None makes one for `profile`."""

    writes = True

    def __init__(
        self,
        hosted_zone: str,
        *,
        profile: str = "",
        client: Any = None,
        clock: Clock | None = None,
    ) -> None:
        self._zone = hosted_zone
        self._client = client if client is not None else _new_client(profile)
        self._clock = clock or SystemClock()

    @property
    def place(self) -> str:
        """The hosted zone."""
        return f"Route 53 (hosted zone {self._zone})"

    async def read(self, name: str) -> RecordSets:
        """Return all that `name` holds. Raises RecordNotPlain for an alias or a routing policy."""
        return tuple(_record_set(name, each) for each in await self._resources(name))

    def plan(self, old: RecordSets, new: RecordSets) -> PlannedChange:
        """Return the change that lets a name hold `new` where it holds `old`."""
        return plan_change(old, new)

    async def apply(self, planned: PlannedChange, expect: RecordSets) -> None:
        """Make the change in one batch, and wait until Route 53 says that its servers have it.

        What goes is named as Route 53 itself writes it.
        """
        there = await self._resources(planned.name)
        now = tuple(_record_set(planned.name, each) for each in there)
        if not same_records(now, expect):
            raise errors.RecordChanged(f"{planned.name} holds {records_text(now)}")
        after = {ordered_records(each) for each in planned.after}
        goes = [raw for raw, each in zip(there, now, strict=True) if each not in after]
        comes = [_resource(each) for each in after if each not in now]
        if not (goes or comes):
            return
        changes = [
            {"Action": action, "ResourceRecordSet": each}
            for action, several in (("DELETE", goes), ("CREATE", comes))
            for each in several
        ]
        answer = await self._in_thread(
            lambda: self._client.change_resource_record_sets(
                HostedZoneId=self._zone, ChangeBatch={"Changes": changes}
            )
        )
        await self._in_sync(answer["ChangeInfo"])

    async def restore(self, snapshot: Snapshot) -> None:
        """Put back what was there."""
        now = await self.read(snapshot.name)
        if not same_records(now, snapshot.sets):
            await self.apply(PlannedChange(snapshot.name, now, snapshot.sets), now)

    async def _resources(self, name: str) -> list[dict[str, Any]]:
        try:
            found = await self._in_thread(lambda: self._list(name))
        except errors.ChangeUncertain as error:
            raise errors.ProviderUnreachable(error.detail) from error
        for each in found:
            if any(key in each for key in _ROUTING):
                raise errors.RecordNotPlain(f"{name} {each['Type']} in {self.place}")
        return [each for each in found if each["Type"] in HELD_TYPES]

    def _list(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        asked: dict[str, str] = {"StartRecordName": f"{name}."}
        while True:
            page = self._client.list_resource_record_sets(HostedZoneId=self._zone, **asked)
            mine = [r for r in page["ResourceRecordSets"] if r["Name"].rstrip(".").lower() == name]
            found += mine
            if not page["IsTruncated"] or len(mine) < len(page["ResourceRecordSets"]):
                return found
            asked = {
                "StartRecordName": page["NextRecordName"],
                "StartRecordType": page["NextRecordType"],
            }

    async def _in_sync(self, change: Mapping[str, Any]) -> None:
        end = self._clock.monotonic() + _SYNC_SECONDS
        while change["Status"] != "INSYNC" and self._clock.monotonic() < end:
            await self._clock.sleep(_POLL_SECONDS)
            number = str(change["Id"])
            answer = await self._in_thread(lambda: self._client.get_change(Id=number))  # noqa: B023
            change = answer["ChangeInfo"]

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            return await asyncio.to_thread(work)
        except ClientError as error:
            raise self._understood(error.response.get("Error", {})) from None
        except NoCredentialsError:
            raise errors.KeyRefused(f"{self.place}: boto3 finds no credentials") from None
        except BotoCoreError as error:
            raise errors.ChangeUncertain(f"{self.place}: {safe(str(error))}") from None

    def _understood(self, error: Mapping[str, Any]) -> errors.TransshipError:
        code, said = str(error.get("Code", "")), safe(str(error.get("Message", "")), limit=300)
        detail = f"{self.place}: {code} {said}"
        if code == "InvalidChangeBatch" and ("not found" in said or "already exists" in said):
            return errors.RecordChanged(detail)
        if code == "InvalidChangeBatch" and "do not match" in said:
            return errors.RecordChanged(detail)
        return errors.KeyRefused(detail) if code in _KEYS else errors.ProviderRefused(detail)


def _new_client(profile: str) -> Any:
    try:
        import boto3
    except ImportError as error:
        raise extra_missing("aws", "Route 53") from error
    return boto3.session.Session(profile_name=profile or None).client("route53")


def _record_set(name: str, found: Mapping[str, Any]) -> RecordSet:
    values = [str(each["Value"]) for each in found["ResourceRecords"]]
    if found["Type"] == "CNAME":
        values = [f"{value.rstrip('.').lower()}." for value in values]
    return ordered_records(RecordSet(name, found["Type"], int(found["TTL"]), tuple(values)))


def _resource(records: RecordSet) -> dict[str, Any]:
    return {
        "Name": f"{records.name}.",
        "Type": records.type,
        "TTL": records.ttl,
        "ResourceRecords": [{"Value": value} for value in records.values],
    }
