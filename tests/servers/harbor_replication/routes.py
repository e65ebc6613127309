"""What each path of the API does, in the shapes of Harbor's public description."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from servers.faults import Answer
from servers.harbor_replication.checking import check_endpoint, check_healthy, check_policy
from servers.harbor_replication.refusing import JSON, BadRequest, Conflict, NotFound, Precondition
from servers.harbor_replication.state import ROBOT, Endpoint, Policy

if TYPE_CHECKING:
    from servers.harbor_replication.server import ReplicatingHarbor

ROOT = "/api/v2.0"
Route = Callable[..., Answer]

_INFOS: dict[str, Any] = {
    "docker-hub": {
        "endpoint_pattern": {
            "endpoint_type": "EndpointPatternTypeFix",
            "endpoints": [{"key": "hub.docker.com", "value": "https://hub.docker.com"}],
        },
        "credential_pattern": None,
    },
    "google-gcr": {
        "endpoint_pattern": {
            "endpoint_type": "EndpointPatternTypeList",
            "endpoints": [{"key": "gcr.io", "value": "https://gcr.io"}],
        },
        "credential_pattern": {
            "access_key_type": "AccessKeyTypeFix",
            "access_key_data": "_json_key",
            "access_secret_type": "AccessSecretTypeFile",
            "access_secret_data": "No Change",
        },
    },
}
_UPDATABLE = {"name": "name", "url": "url", "insecure": "insecure", "description": "description",
              "access_key": "access_key", "access_secret": "access_secret"}  # fmt: skip
_DEFAULTS: dict[str, Any] = {
    "description": "",
    "dest_namespace": "",
    "dest_namespace_replace_count": -1,
    "trigger": None,
    "filters": None,
    "deletion": False,
    "override": False,
    "enabled": False,
    "speed": 0,
    "copy_by_chunk": False,
    "single_active_replication": False,
}


def system_info(harbor: ReplicatingHarbor, **_: Any) -> Answer:
    return _json({"harbor_version": harbor.version, "auth_mode": "db_auth"})


def pong(harbor: ReplicatingHarbor, **_: Any) -> Answer:
    return Answer(200, {"Content-Type": "text/plain"}, b"Pong")


def list_adapters(harbor: ReplicatingHarbor, **_: Any) -> Answer:
    return _json(harbor.adapters)


def adapter_infos(harbor: ReplicatingHarbor, **_: Any) -> Answer:
    return _json({each: _INFOS.get(each, {"endpoint_pattern": None}) for each in harbor.adapters})


def list_robots(harbor: ReplicatingHarbor, *, query: dict[str, str], **_: Any) -> Answer:
    robot = {"id": 1, "name": ROBOT, "level": "system", "disable": False}
    return _page(harbor, [robot], query, "/robots")


def list_endpoints(harbor: ReplicatingHarbor, *, query: dict[str, str], **_: Any) -> Answer:
    named = [each for each in harbor.endpoints.values() if query.get("name", "") in each.name]
    return _page(harbor, [each.shown() for each in named], query, "/registries")


def create_endpoint(harbor: ReplicatingHarbor, *, body: dict[str, Any], **_: Any) -> Answer:
    credential = body.get("credential") or {}
    endpoint = Endpoint(
        next(harbor.numbers),
        body.get("name", ""),
        body.get("type", ""),
        body.get("url", "").rstrip("/"),
        bool(body.get("insecure")),
        body.get("description", ""),
        credential.get("access_key", ""),
        credential.get("access_secret", ""),
    )
    harbor.secrets_seen.add(endpoint.access_secret)
    if endpoint.type not in harbor.adapters:
        raise BadRequest(f"adapter factory for {endpoint.type} not found")
    check_endpoint(endpoint)
    if any(each.name == endpoint.name for each in harbor.endpoints.values()):
        raise Conflict(f"registry {endpoint.name} already exists")
    harbor.endpoints[endpoint.id] = endpoint
    return _created(f"/registries/{endpoint.id}")


def ping_endpoint(harbor: ReplicatingHarbor, *, body: dict[str, Any], **_: Any) -> Answer:
    endpoint = Endpoint(0, "", "", "")
    if body.get("id") is not None:
        known = harbor.endpoint(body["id"])
        endpoint = Endpoint(**vars(known))
    for name in ("type", "url", "insecure", "access_key", "access_secret"):
        if name in body:
            setattr(endpoint, name, body[name])
    harbor.secrets_seen.add(endpoint.access_secret)
    check_healthy(endpoint)
    return Answer(200)


def show_endpoint(harbor: ReplicatingHarbor, number: int, **_: Any) -> Answer:
    return _json(harbor.endpoint(number).shown())


def endpoint_info(harbor: ReplicatingHarbor, number: int, **_: Any) -> Answer:
    endpoint = harbor.endpoint(number)
    return _json(
        {
            "type": endpoint.type,
            "supported_resource_filters": [{"type": "name"}, {"type": "tag"}],
            "supported_triggers": ["manual", "scheduled"],
            "supported_copy_by_chunk": endpoint.type in ("harbor", "azure-acr"),
        }
    )


def change_endpoint(
    harbor: ReplicatingHarbor, number: int, *, body: dict[str, Any], **_: Any
) -> Answer:
    endpoint = harbor.endpoint(number)
    for name, kept in _UPDATABLE.items():
        if body.get(name) is not None:
            setattr(endpoint, kept, body[name])
    check_endpoint(endpoint)
    return Answer(200)


def delete_endpoint(harbor: ReplicatingHarbor, number: int, **_: Any) -> Answer:
    endpoint = harbor.endpoint(number)
    if any(endpoint in (each.source, each.target) for each in harbor.policies.values()):
        raise Precondition(
            f"the registry {number} is referenced by replication policies, cannot delete it"
        )
    del harbor.endpoints[number]
    return Answer(200)


def list_policies(harbor: ReplicatingHarbor, *, query: dict[str, str], **_: Any) -> Answer:
    named = [each for each in harbor.policies.values() if query.get("name", "") in each.name]
    shown = [_shown(each) for each in named]
    return _page(harbor, shown, query, "/replication/policies")


def create_policy(harbor: ReplicatingHarbor, *, body: dict[str, Any], **_: Any) -> Answer:
    policy = _made(harbor, next(harbor.numbers), body)
    if any(each.name == policy.name for each in harbor.policies.values()):
        raise Conflict(f"replication policy {policy.name} already exists")
    harbor.policies[policy.id] = policy
    return _created(f"/replication/policies/{policy.id}")


def show_policy(harbor: ReplicatingHarbor, number: int, **_: Any) -> Answer:
    return _json(_shown(harbor.policy(number)))


def change_policy(
    harbor: ReplicatingHarbor, number: int, *, body: dict[str, Any], **_: Any
) -> Answer:
    harbor.policy(number)
    harbor.policies[number] = _made(harbor, number, body)
    return Answer(200)


def delete_policy(harbor: ReplicatingHarbor, number: int, **_: Any) -> Answer:
    harbor.policy(number)
    executions = [each for each in harbor.executions.values() if each.policy.id == number]
    for each in executions:
        if any(task.status in ("Pending", "InProgress") for task in each.tasks):
            raise Precondition(
                f"the execution {each.id} has tasks that aren't in final status, stop the tasks "
                f"first"
            )
        del harbor.executions[each.id]
    del harbor.policies[number]
    return Answer(200)


def start(harbor: ReplicatingHarbor, *, body: dict[str, Any], **_: Any) -> Answer:
    policy = harbor.policy(body.get("policy_id", 0))
    if not policy.settings["enabled"]:
        raise Precondition(f"the policy {policy.id} is disabled")
    execution = harbor.begin(policy, "manual")
    return _created(f"/replication/executions/{execution.id}")


def list_executions(harbor: ReplicatingHarbor, *, query: dict[str, str], **_: Any) -> Answer:
    found = [
        each
        for each in harbor.executions.values()
        if query.get("policy_id", str(each.policy.id)) == str(each.policy.id)
        and query.get("status", each.status) == each.status
        and query.get("trigger", each.trigger) == each.trigger
    ]
    newest_first = query.get("sort") == "-start_time"
    found.sort(key=lambda each: (each.began, each.id), reverse=newest_first)
    return _page(harbor, [each.shown() for each in found], query, "/replication/executions")


def show_execution(harbor: ReplicatingHarbor, number: int, **_: Any) -> Answer:
    return _json(harbor.execution(number).shown())


def stop(harbor: ReplicatingHarbor, number: int, **_: Any) -> Answer:
    harbor.execution(number).stopping.set()
    return Answer(200)


def list_tasks(
    harbor: ReplicatingHarbor, number: int, *, query: dict[str, str], **_: Any
) -> Answer:
    tasks = [each.shown(number) for each in harbor.execution(number).tasks]
    return _page(harbor, tasks, query, f"/replication/executions/{number}/tasks")


def show_log(
    harbor: ReplicatingHarbor, number: int, task: int, *, headers: dict[str, str], **_: Any
) -> Answer:
    accepted = headers.get("accept", "*/*")
    if "*/*" not in accepted and "text/plain" not in accepted:
        return Answer(406)
    for each in harbor.execution(number).tasks:
        if each.id == task:
            log = "\n".join(each.log).encode()
            return Answer(200, {"Content-Type": "text/plain; charset=utf-8"}, log)
    raise NotFound(f"execution {number} contains no task with ID {task}")


def _made(harbor: ReplicatingHarbor, number: int, body: dict[str, Any]) -> Policy:
    check_policy(body)
    sides = [(body.get(side) or {}).get("id") for side in ("src_registry", "dest_registry")]
    source, target = (harbor.endpoint(each) if each else None for each in sides)
    # What isn't sent goes back to its default, also when a policy is changed.
    settings = {name: body.get(name, default) for name, default in _DEFAULTS.items()}
    settings |= {name: _DEFAULTS[name] for name in harbor.forgets}
    return Policy(number, body["name"], source, target, settings)


def _shown(policy: Policy) -> dict[str, Any]:
    local = {"id": 0, "name": "Local", "type": "harbor", "url": "http://core:8080"}
    return policy.shown(local)


def _page(
    harbor: ReplicatingHarbor, entries: list[dict[str, Any]], query: dict[str, str], path: str
) -> Answer:
    page, size = int(query.get("page", 1)), int(query.get("page_size", 10))
    assert size <= 100, "Harbor gives no more"
    headers = dict(JSON)
    if not harbor.links_only:
        headers["X-Total-Count"] = str(len(entries))
    if page * size < len(entries):
        more = urlencode({**query, "page": page + 1, "page_size": size})
        headers["Link"] = f'<{ROOT}{path}?{more}>; rel="next"'
    some = entries[(page - 1) * size : page * size]
    # Go writes an empty list as null.
    return Answer(200, headers, json.dumps(some or None).encode())


def _json(document: object) -> Answer:
    return Answer(200, JSON, json.dumps(document).encode())


def _created(path: str) -> Answer:
    return Answer(201, {"Location": f"{ROOT}{path}"})


_REGISTRY, _POLICY = r"/registries/(\d+)", r"/replication/policies/(\d+)"
_EXECUTION = r"/replication/executions/(\d+)"
ROUTES: tuple[tuple[str, str, Route], ...] = (
    ("/systeminfo", "GET", system_info),
    ("/ping", "GET", pong),
    ("/robots", "GET", list_robots),
    ("/replication/adapters", "GET", list_adapters),
    ("/replication/adapterinfos", "GET", adapter_infos),
    ("/registries", "GET", list_endpoints),
    ("/registries", "POST", create_endpoint),
    ("/registries/ping", "POST", ping_endpoint),
    (_REGISTRY, "GET", show_endpoint),
    (_REGISTRY, "PUT", change_endpoint),
    (_REGISTRY, "DELETE", delete_endpoint),
    (f"{_REGISTRY}/info", "GET", endpoint_info),
    ("/replication/policies", "GET", list_policies),
    ("/replication/policies", "POST", create_policy),
    (_POLICY, "GET", show_policy),
    (_POLICY, "PUT", change_policy),
    (_POLICY, "DELETE", delete_policy),
    ("/replication/executions", "GET", list_executions),
    ("/replication/executions", "POST", start),
    (_EXECUTION, "GET", show_execution),
    (_EXECUTION, "PUT", stop),
    (f"{_EXECUTION}/tasks", "GET", list_tasks),
    (rf"{_EXECUTION}/tasks/(\d+)/log", "GET", show_log),
)
