"""What the API checks before it takes an endpoint or a policy, and the words for what it doesn't.

After `Policy.Validate`, `Filter.Validate` and the controller of registries in Harbor's source.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx
from cronsim import CronSim, CronSimError

from servers.harbor_replication.refusing import BadRequest, InternalError
from servers.harbor_replication.state import Endpoint

_NAMESPACE = re.compile(
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)
_UNHEALTHY = "the registry is unhealthy"
_ANY = datetime(2026, 1, 1, tzinfo=UTC)


def check_endpoint(endpoint: Endpoint) -> None:
    """Refuse an endpoint that can't be one, or doesn't answer."""
    if not endpoint.name:
        raise BadRequest("name cannot be empty")
    if len(endpoint.name) > 64:
        raise BadRequest("the max length of name is 64")
    check_healthy(endpoint)


def check_healthy(endpoint: Endpoint) -> None:
    """Knock at an endpoint: with a login it must be taken, without one anything will do."""
    if not endpoint.type or not endpoint.url:
        raise BadRequest("type or url cannot be empty")
    if not endpoint.url.startswith(("http://", "https://")):
        raise BadRequest(f"invalid URL: {endpoint.url}")
    registry = endpoint.registry()
    try:
        status = registry.http.get("/v2/").status_code
    except httpx.HTTPError:
        raise BadRequest(_UNHEALTHY) from None
    finally:
        registry.close()
    if status != 200 and (endpoint.access_key or status not in (401, 403)):
        raise BadRequest(_UNHEALTHY)


def check_policy(body: dict[str, Any]) -> None:
    """Refuse a policy that doesn't make sense."""
    if not body.get("name"):
        raise BadRequest("empty name")
    sides = [bool((body.get(side) or {}).get("id")) for side in ("src_registry", "dest_registry")]
    if sum(sides) != 1:
        raise BadRequest(
            "either src_registry or dest_registry should be empty and the other one shouldn't be "
            "empty"
        )
    for each in body.get("filters") or ():
        _check_filter(each)
    namespace = body.get("dest_namespace") or ""
    if namespace and not _NAMESPACE.fullmatch(namespace):
        raise BadRequest(f"invalid destination namespace: {namespace}")
    _check_trigger(body.get("trigger"))
    kind = (body.get("trigger") or {}).get("type")
    if body.get("single_active_replication") and kind == "event_based":
        raise InternalError("internal server error")


def _check_filter(given: dict[str, Any]) -> None:
    kind, value, decoration = given.get("type"), given.get("value"), given.get("decoration") or ""
    if kind in ("resource", "name", "tag"):
        if not isinstance(value, str):
            raise BadRequest("the type of filter value isn't string")
        if kind != "tag" and decoration:
            raise BadRequest("only tag and label filter support decoration")
    elif kind == "label":
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise BadRequest("the type of label filter value isn't string slice")
    else:
        raise BadRequest("invalid filter type")
    if decoration not in ("", "matches", "excludes"):
        raise BadRequest(f"invalid filter decoration, :{decoration}")


def _check_trigger(trigger: dict[str, Any] | None) -> None:
    if trigger is None or trigger.get("type") in ("manual", "event_based"):
        return
    if trigger.get("type") != "scheduled":
        raise BadRequest("invalid trigger type")
    cron = (trigger.get("trigger_settings") or {}).get("cron") or ""
    if not cron:
        raise BadRequest("the cron string cannot be empty when the trigger type is scheduled")
    fields = cron.split(" ")
    try:
        CronSim(" ".join(fields[1:]), _ANY)
    except CronSimError:
        raise BadRequest(f"invalid cron string for scheduled trigger: {cron}") from None
    if len(fields) != 6 or fields[0] != "0" or fields[1] == "*":
        raise BadRequest(f"invalid cron string for scheduled trigger: {cron}")
