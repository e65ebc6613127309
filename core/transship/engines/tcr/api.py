"""TCR's API as it is asked about one instance: calls, regions, states, and what refusals mean.

It writes the same state in several ways (`succeed`, `Succeed`, `SUCCESS`), so that case, spaces and
underscores don't count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from transship import errors
from transship.engines.executions import ExecutionState
from transship.errors import TransshipError
from transship.services.tencent_cloud import TcrInstance, TencentCloud, listed
from transship.text import safe

_T = TypeVar("_T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class InstanceApi:
    """One instance, and how it is asked about. All methods raise what `TencentCloud.call` does."""

    cloud: TencentCloud
    instance: TcrInstance

    @property
    def name(self) -> str:
        """Which engine and where."""
        return f"TCR instance {self.instance}"

    async def call(self, action: str, kind: type[_T], **fields: object) -> _T:
        """Call an action about the instance, and return its answer."""
        return await self.cloud.call(action, kind, self._wanted(fields), region=self._region)

    async def do(self, action: str, **fields: object) -> None:
        """Call an action that changes something of the instance."""
        await self.cloud.document(action, self._wanted(fields), region=self._region)

    async def listed(self, action: str, kind: type[_T], **fields: object) -> list[_T]:
        """Return a whole list of the instance's. Raises ListIncomplete."""
        return await listed(self.cloud, action, kind, self._wanted(fields), region=self._region)

    @property
    def _region(self) -> str:
        return self.instance.region

    def _wanted(self, fields: Mapping[str, object]) -> dict[str, object]:
        return {"RegistryId": self.instance.id, **fields}


@dataclass(frozen=True, slots=True)
class Region:
    """A region: its number and its name (`ap-guangzhou`)."""

    id: int
    name: str


class _RegionEntry(msgspec.Struct, rename="pascal"):
    region_id: int = 0
    region_name: str = ""


class _RegionList(msgspec.Struct, rename="pascal"):
    total_count: int = 0
    regions: tuple[_RegionEntry, ...] = ()


async def list_regions(cloud: TencentCloud, *, at: str = "") -> tuple[Region, ...]:
    """Return all regions; `at` is that in which it is asked. Raises ListIncomplete."""
    found = await cloud.call("DescribeRegions", _RegionList, region=at)
    if len(found.regions) < found.total_count:
        raise errors.ListIncomplete(
            f"DescribeRegions: {len(found.regions):,} of {found.total_count:,} entries came"
        )
    return tuple(Region(each.region_id, safe(each.region_name)) for each in found.regions)


_EXISTS = "InvalidParameter.ReplicationExists"
_MAKES_REPLICA = "CreateReplicationInstance"
_NOT_SO = (
    "UnsupportedOperation",
    "InvalidParameter.UnsupportedRegion",
    "FailedOperation.ValidateSupportedRegionFail",
)
_BY_LANES = "or let Transship move it"


def explain_refusal(error: TransshipError, secret: str = "") -> TransshipError:
    """Return the error that says what a refusal means; the same one where that isn't known.

    Of `secret`, which the API was handed, nothing is in it, even where the API repeats it.
    """
    detail = error.detail.replace(secret, "…") if secret else error.detail
    words = detail.lower()
    code = error.code if isinstance(error, errors.CloudRefused) else ""
    if "slave region" in words:
        return errors.EngineRefused(
            f"{detail}: rules are kept and asked for in the region of their source, and this was "
            f"asked for where the other instance, or a replica, is",
            remedy="Name the instance that the images come from as the source.",
        )
    if code == _EXISTS and detail.startswith(_MAKES_REPLICA):
        return errors.AlreadyThere(
            f"{detail}: the instance has a replica in that region already",
            remedy="List its replicas; one that is being deleted has to be gone first.",
        )
    if code == _EXISTS:
        return errors.AlreadyThere(
            f"{detail}: the instance has a rule of this name already, or one from the same to the "
            f"same",
            remedy="List its rules; change or delete that one, or choose another name.",
        )
    if detail.startswith(_MAKES_REPLICA) and code in _NOT_SO:
        return errors.CantBeDelegated(
            detail, remedy="Let TCR synchronise two instances by rules instead."
        )
    if "standard and premium" in words:
        return errors.CantBeDelegated(
            f"{detail}: the basic edition has no rules",
            remedy=f"Upgrade the instance to the standard or premium edition, {_BY_LANES}.",
        )
    if "replication rule first" in words:
        return errors.EngineRefused(detail, remedy="Delete its sync rules, then the instance.")
    if detail == error.detail:
        return error
    return errors.EngineRefused(detail, remedy=error.remedy)


_STATES: Mapping[str, ExecutionState] = {
    word: state
    for state, words in (
        (ExecutionState.WAITING, "pending initialized initializing waiting queued created"),
        (ExecutionState.RUNNING, "inprogress running processing syncing creating deploying"),
        (ExecutionState.SUCCEEDED, "succeed succeeded success synced finished"),
        (ExecutionState.FAILED, "failed fail failure error failedcreated"),
        (ExecutionState.STOPPED, "stopped stop cancel canceled cancelled"),
    )
    for word in words.split()
}


def execution_state(word: str) -> ExecutionState:
    """Return the state that a word stands for."""
    return _STATES.get(word.lower().replace("_", "").replace(" ", ""), ExecutionState.UNKNOWN)


def api_time(text: str) -> datetime | None:
    """Return a time; Go's zero time, and what is no time, is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year > 1 and found.tzinfo is not None else None
