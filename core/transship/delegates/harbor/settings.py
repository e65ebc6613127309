"""Endpoints and policies of Harbor as settings that can be shown, compared and sent. Pure.

Their fields have Harbor's own names. A registry is named and not numbered, because what is only
about to be made has no number; an empty name is this Harbor. No secret is among them: Harbor hides
it, so that nothing read back can be compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transship.delegates.changes import Settings
from transship.delegates.filters import KEEPS_LAST
from transship.delegates.harbor.shapes import Endpoint, Filter, Policy

ENDPOINT = "registry endpoint"
POLICY = "replication policy"

MADE_BY = "Made by Transship"
"""How descriptions begin of what was made from here: it may be changed from here, too."""

LONGEST_NAME = 64
"""How many characters the name of an endpoint has at most."""

_SIDES = ("src_registry", "dest_registry")


def endpoint_settings(endpoint: Endpoint) -> dict[str, Any]:
    """Return what an endpoint is set to. `access_key` is the user name whose login it has."""
    credential = endpoint.credential
    return {
        "type": endpoint.type,
        "url": endpoint.url.rstrip("/"),
        "insecure": endpoint.insecure,
        "description": endpoint.description,
        "access_key": credential.access_key if credential else "",
    }


def policy_settings(policy: Policy) -> dict[str, Any]:
    """Return what a policy is set to."""
    count = policy.dest_namespace_replace_count
    deletes = policy.deletion if policy.deletion is not None else policy.replicate_deletion
    trigger = policy.trigger
    return {
        "description": policy.description,
        "src_registry": _name(policy.src_registry),
        "dest_registry": _name(policy.dest_registry),
        "dest_namespace": policy.dest_namespace,
        "dest_namespace_replace_count": KEEPS_LAST if count is None else count,
        "filters": in_order([_filter(each) for each in policy.filters or ()]),
        "trigger": trigger.type if trigger else "manual",
        "cron": trigger.trigger_settings.cron if trigger and trigger.trigger_settings else "",
        "deletion": bool(deletes),
        "override": policy.override,
        "enabled": policy.enabled,
        "speed": max(policy.speed or 0, 0),
        "copy_by_chunk": bool(policy.copy_by_chunk),
        "single_active_replication": bool(policy.single_active_replication),
    }


def policy_body(name: str, settings: Settings, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return a policy as it is sent; `numbers` are those of the endpoints, by name.

    All of it is there: what is left out of a policy that is changed goes back to its default.
    """
    body = {key: value for key, value in settings.items() if key not in (*_SIDES, "cron")}
    # Harbor writes the field by this name; `replicate_deletion` it only reads out.
    body["trigger"] = {"type": settings["trigger"]}
    if settings["cron"]:
        body["trigger"]["trigger_settings"] = {"cron": settings["cron"]}
    if not settings["copy_by_chunk"]:
        del body["copy_by_chunk"]
    if not settings["single_active_replication"]:
        del body["single_active_replication"]
    for side in _SIDES:
        if settings[side]:
            body[side] = {"id": numbers[settings[side]]}
    return {"name": name, **body}


def in_order(filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return filters in one order, since theirs means nothing."""
    return sorted(filters, key=lambda each: (each["type"], str(each.get("decoration")), str(each)))


def is_ours(settings: Settings) -> bool:
    """Tell whether something was made from here, by what it says of itself."""
    return str(settings.get("description", "")).startswith(MADE_BY)


def _filter(found: Filter) -> dict[str, Any]:
    made: dict[str, Any] = {"type": found.type, "value": found.value}
    if found.type in ("tag", "label"):
        made["decoration"] = found.decoration or "matches"
    return made


def _name(endpoint: Endpoint | None) -> str:
    return endpoint.name if endpoint is not None and endpoint.id else ""
