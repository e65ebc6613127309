"""The actions of TCR that are about replicas: made, filled and deleted while a test looks on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servers.tencent.api import Refused
from servers.tencent.enterprise import Instance, instance_of, total
from servers.tencent.pages import by_entries

if TYPE_CHECKING:
    from servers.tencent.api import Action, Call

REGIONS = {
    1: "ap-guangzhou", 4: "ap-shanghai", 5: "ap-hongkong", 8: "ap-beijing", 9: "ap-singapore",
    17: "eu-frankfurt", 200: "ap-nowhere",
}  # fmt: skip
STEPS = ("SyncDBTask", "CreateTcrCrdTask")


@dataclass
class Replica:
    """A replica. `steps` are those of its making, with how they are and what they say."""

    id: str
    primary: Instance
    region_id: int
    status: str = "Deploying"
    steps: dict[str, tuple[str, str]] = field(
        default_factory=lambda: dict.fromkeys(STEPS, ("PENDING", ""))
    )
    synchronisation: str = "StatusUnKnow"
    synchronised: str = "0001-01-01T00:00:00Z"
    log: dict[str, Any] | None = None

    def make_a_step(self) -> bool:
        """Begin or end a step of its making; tell whether there was one."""
        for old, new in (("IN_PROGRESS", "SUCCESS"), ("PENDING", "IN_PROGRESS")):
            for name, (state, _) in self.steps.items():
                if state == old:
                    self.steps[name] = (new, "")
                    return True
        return False

    def fill(self) -> None:
        """Begin or end to fill it."""
        if self.status != "Running":
            self.status, self.synchronisation = "Running", "InProgress"
        else:
            self.synchronisation, self.synchronised = "Succeed", "2021-09-28T08:00:15Z"


@dataclass
class Replicas:
    """All replicas, what a list's total says of regions beyond them, and which are listed."""

    every: list[Replica] = field(default_factory=list)
    more_regions: int = 0

    def step(self) -> None:
        """Let the cloud go one step on: with making, with filling, with deleting."""
        for each in list(self.every):
            if each.status == "Deleting":
                self.every.remove(each)
            elif not each.make_a_step():
                each.fill()


def _of(call: Call) -> Replica:
    wanted, region = call.need("ReplicationRegistryId"), call.need("ReplicationRegionId")
    for each in call.api.of(Replicas).every:
        if (each.id, each.region_id) == (wanted, region):
            if each.primary.region != call.region:
                raise Refused("InternalError", "Not support slave region")
            return each
    raise Refused("ResourceNotFound", f"{wanted} isn't there.")


def _describe_regions(call: Call) -> dict[str, Any]:
    shown = [
        {"Alias": "", "RegionId": number, "RegionName": name, "Status": "alluser", "Id": place}
        for place, (number, name) in enumerate(REGIONS.items(), 1)
    ]
    return {"TotalCount": len(shown) + call.api.of(Replicas).more_regions, "Regions": shown}


def _create(call: Call) -> dict[str, Any]:
    primary, region = instance_of(call), call.need("ReplicationRegionId")
    state = call.api.of(Replicas)
    assert call.get("SyncTag") is False, "nobody asked for tags of the bill"
    if primary.edition != "premium":
        raise Refused("UnsupportedOperation", "only premium instances have replicas")
    if REGIONS.get(region) != call.get("ReplicationRegionName", REGIONS.get(region)):
        raise Refused("InvalidParameter.UnsupportedRegion", "the region's number and name")
    if any(each.primary is primary and each.region_id == region for each in state.every):
        raise Refused("InvalidParameter.ReplicationExists", "replication exists")
    made = Replica(f"{primary.id}-{region}-os5gcu", primary, region)
    state.every.append(made)
    return {"ReplicationRegistryId": made.id}


def _describe(call: Call) -> dict[str, Any]:
    primary = instance_of(call)
    found = [each for each in call.api.of(Replicas).every if each.primary is primary]
    shown = [
        {
            "RegistryId": primary.id,
            "ReplicationRegistryId": each.id,
            "ReplicationRegionId": each.region_id,
            "ReplicationRegionName": REGIONS[each.region_id],
            "Status": each.status,
            "CreatedAt": "2020-09-28T15:34:59+08:00",
        }
        for each in by_entries(found, call)
    ]
    return {"TotalCount": total(call, len(found)), "ReplicationRegistries": shown or None}


def _delete(call: Call) -> dict[str, Any]:
    instance_of(call)
    _of(call).status = "Deleting"
    return {}


def _describe_creation(call: Call) -> dict[str, Any]:
    found = _of(call)
    states = {state for state, _ in found.steps.values()}
    whole = next((s for s in ("FAILED", "IN_PROGRESS", "PENDING") if s in states), "SUCCESS")
    steps = [
        {
            "TaskName": name,
            "TaskUUID": f"tcr-task-{found.id}-{name.lower()}",
            "TaskStatus": state,
            "TaskMessage": message,
            "CreatedTime": "2025-01-02T15:10:06+08:00",
            "FinishedTime": "2025-01-02T15:10:12+08:00" if state == "SUCCESS" else "",
        }
        for name, (state, message) in found.steps.items()
    ]
    return {"Status": whole, "TaskDetail": steps}


def _describe_synchronisation(call: Call) -> dict[str, Any]:
    instance_of(call)
    found = _of(call)
    # The SDK's model has room for one entry.
    log = {"ReplicationLog": found.log} if call.get("ShowReplicationLog") else {}
    status = {"ReplicationStatus": found.synchronisation, "ReplicationTime": found.synchronised}
    return {**status, **log}


ACTIONS: dict[str, Action] = {
    "CreateReplicationInstance": _create,
    "DeleteReplicationInstance": _delete,
    "DescribeRegions": _describe_regions,
    "DescribeReplicationInstanceCreateTasks": _describe_creation,
    "DescribeReplicationInstanceSyncStatus": _describe_synchronisation,
    "DescribeReplicationInstances": _describe,
}
