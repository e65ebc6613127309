"""The stand-in for Harbor's replication answers as Harbor's own source does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from servers.docker_registry import DockerRegistry
from servers.harbor_replication.doublestar import matches
from servers.harbor_replication.server import (
    ADMIN,
    DEVELOPER,
    PASSWORD,
    ReplicatingHarbor,
    replicating_harbor,
)

NAME = {"type": "name", "value": "team/**"}


@pytest.fixture
def server(open_registry: DockerRegistry) -> Iterator[ReplicatingHarbor]:
    with replicating_harbor(open_registry) as server:
        yield server


@pytest.fixture
def client(server: ReplicatingHarbor) -> Iterator[httpx.Client]:
    base = f"{server.url}/api/v2.0"
    with httpx.Client(base_url=base, auth=(ADMIN, PASSWORD), trust_env=False) as client:
        yield client


@pytest.fixture
def endpoint(client: httpx.Client, htpasswd_registry: DockerRegistry) -> int:
    body = {
        "name": "new",
        "type": "docker-registry",
        "url": htpasswd_registry.url,
        "credential": {
            "type": "basic",
            "access_key": htpasswd_registry.username,
            "access_secret": htpasswd_registry.password,
        },
    }
    answer = client.post("/registries", json=body)
    assert answer.status_code == 201
    return int(answer.headers["Location"].rpartition("/")[2])


def policy(endpoint: int, **more: Any) -> dict[str, Any]:
    return {"name": "p", "dest_registry": {"id": endpoint}, "filters": [NAME], **more}


def test_a_secret_is_shown_as_stars(client: httpx.Client, endpoint: int) -> None:
    shown = client.get(f"/registries/{endpoint}").json()["credential"]
    assert shown["access_secret"] == "*****"


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"name": ""}, 400, "empty name"),
        ({"src_registry": {"id": 1}}, 400, "should be empty"),
        ({"filters": [{**NAME, "decoration": "excludes"}]}, 400, "support decoration"),
        ({"filters": [{"type": "label", "value": "x"}]}, 400, "string slice"),
        ({"filters": [{"type": "size", "value": "x"}]}, 400, "invalid filter type"),
        ({"dest_namespace": "A/b"}, 400, "invalid destination namespace"),
        ({"trigger": {"type": "sometimes"}}, 400, "invalid trigger type"),
        ({"trigger": {"type": "scheduled"}}, 400, "cannot be empty"),
        (
            {"trigger": {"type": "scheduled", "trigger_settings": {"cron": "5 0 * * * *"}}},
            400,
            "invalid cron",
        ),
        ({"trigger": {"type": "event_based"}, "single_active_replication": True}, 500, "internal"),
        ({"dest_registry": {"id": 99}}, 404, "registry 99 not found"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(
    more: dict[str, Any], status: int, words: str, client: httpx.Client, endpoint: int
) -> None:
    answer = client.post("/replication/policies", json=policy(endpoint, **more))
    assert answer.status_code == status
    assert words in answer.json()["errors"][0]["message"]


def test_what_is_left_out_of_a_change_goes_back_to_its_default(
    client: httpx.Client, endpoint: int
) -> None:
    body = policy(endpoint, dest_namespace_replace_count=2, speed=5, replicate_deletion=True)
    where = client.post("/replication/policies", json=body).headers["Location"]
    path = where.removeprefix("/api/v2.0")
    assert client.get(path).json()["deletion"] is False
    client.put(path, json=policy(endpoint))
    shown = client.get(path).json()
    assert (shown["dest_namespace_replace_count"], shown["speed"]) == (-1, 0)


def test_lists_have_pages_a_count_and_a_link(client: httpx.Client, endpoint: int) -> None:
    for number in range(3):
        client.post("/replication/policies", json=policy(endpoint, name=f"p-{number}"))
    first = client.get("/replication/policies?page=1&page_size=2")
    assert len(first.json()) == 2
    assert first.headers["X-Total-Count"] == "3"
    assert 'page=2&page_size=2>; rel="next"' in first.headers["Link"]
    last = client.get("/replication/policies?page=2&page_size=2")
    assert len(last.json()) == 1
    assert "Link" not in last.headers
    assert client.get("/replication/policies?name=other").json() is None


def test_who_may_not_is_refused(server: ReplicatingHarbor) -> None:
    base = f"{server.url}/api/v2.0"
    with httpx.Client(base_url=base, trust_env=False) as client:
        assert client.get("/ping").status_code == 200
        assert client.get("/registries").status_code == 401
        assert client.get("/registries", auth=(DEVELOPER, PASSWORD)).status_code == 403
        assert client.get("/robots", auth=(ADMIN, PASSWORD)).json()[0]["level"] == "system"


@pytest.mark.parametrize(
    ("pattern", "name", "does"),
    [
        ("team/**", "team/a/b", True),
        ("team/**", "team", False),
        ("**", "a", True),
        ("**/web", "web", True),
        ("a/**/b", "a/b", True),
        ("a/*", "a/b/c", False),
        ("a*b", "a/b", False),
        ("library/{test,busybox}", "library/busybox", True),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        (r"[\-x]", "-", True),
        ("?*", "", False),
        ("*", "", True),
        ("abc**", "abc/d", False),
    ],
)
def test_patterns_are_read_as_doublestar_documents_them(
    pattern: str, name: str, does: bool
) -> None:
    assert matches(pattern, name) is does
