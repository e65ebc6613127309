"""What each sender's notifications say, in the shape that its own documentation gives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from transship.watch.webhooks import EventAction, NotUnderstood, RegistryEvent, events_in

DIGEST = "sha256:" + "5a" * 32
PUSHED = RegistryEvent(EventAction.PUSH, "old.example:5000", "team/web", "v1", DIGEST)  # type: ignore[arg-type]


def read(document: object) -> tuple[RegistryEvent, ...]:
    return events_in(json.dumps(document).encode())


def of_distribution(**target: Any) -> dict[str, Any]:
    return {
        "id": "320678d8-ca14-430f-8bb6-4ca139cd83f7",
        "timestamp": "2026-03-09T14:44:26.402973972Z",
        "action": "push",
        "target": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "size": 708,
            "length": 708,
            "digest": DIGEST,
            "repository": "team/web",
            "url": f"http://old.example:5000/v2/team/web/manifests/{DIGEST}",
            **target,
        },
        "request": {
            "id": "6df24a34-0959-4923-81ca-14f09767db19",
            "addr": "192.0.2.11:42961",
            "host": "old.example:5000",
            "method": "PUT",
            "useragent": "curl/7.38.0",
        },
        "actor": {},
        "source": {"addr": "registry:5000", "instanceID": "a53db899"},
    }


def of_harbor(type_: str = "PUSH_ARTIFACT", **resource: Any) -> dict[str, Any]:
    return {
        "type": type_,
        "occur_at": 1586922308,
        "operator": "admin",
        "event_data": {
            "resources": [
                {
                    "digest": DIGEST,
                    "tag": "v1",
                    "resource_url": "old.example:5000/team/web:v1",
                    **resource,
                }
            ],
            "repository": {
                "date_created": 1586922308,
                "name": "web",
                "namespace": "team",
                "repo_full_name": "team/web",
                "repo_type": "private",
            },
        },
    }


def as_cloud_event(type_: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "66e18103-09c1-41f6-982f-37df223f3eeb",
        "requestid": "51c0b694-0168-4f3c-b0db-282565455d7b",
        "source": "/projects/2/webhook/policies/15",
        "type": type_,
        "datacontenttype": "application/json",
        "time": "2026-04-03T06:04:46Z",
        "data": of_harbor()["event_data"],
        "operator": "harbor-jobservice",
    }


def of_docker_hub(name: str = "acme/web") -> dict[str, Any]:
    return {
        "callback_url": "https://registry.hub.docker.com/u/acme/web/hook/2141bc0c/",
        "push_data": {"pushed_at": 1417566161, "pusher": "builder", "tag": "latest"},
        "repository": {
            "comment_count": 0,
            "dockerfile": None,
            "is_private": True,
            "name": "web",
            "namespace": "acme",
            "repo_name": name,
            "repo_url": "https://registry.hub.docker.com/u/acme/web/",
        },
    }


@pytest.mark.parametrize(
    "document",
    [
        {"events": [of_distribution(tag="v1")]},
        of_harbor(),
        of_harbor("pushImage"),
        as_cloud_event("harbor.artifact.pushed"),
    ],
    ids=["distribution", "harbor", "tcr", "harbor as a CloudEvent"],
)
def test_a_push_says_which_tag_of_which_registry_and_its_digest(document: object) -> None:
    assert read(document) == (PUSHED,)


def test_docker_hub_says_no_digest_and_is_always_docker_hub() -> None:
    assert read(of_docker_hub()) == (
        RegistryEvent(EventAction.PUSH, "docker.io", "acme/web", "latest"),
    )


def test_an_official_image_of_docker_hub_is_in_the_library() -> None:
    assert read(of_docker_hub("nginx"))[0].repository == "library/nginx"


@pytest.mark.parametrize(
    "document",
    [
        of_harbor("DELETE_ARTIFACT"),
        of_harbor("deleteImage"),
        as_cloud_event("harbor.artifact.deleted"),
        {"events": [of_distribution() | {"action": "delete"}]},
    ],
    ids=["harbor", "tcr", "harbor as a CloudEvent", "distribution"],
)
def test_a_deletion_says_where(document: object) -> None:
    [event] = read(document)
    assert (event.action, event.repository) == (EventAction.DELETE, "team/web")


@pytest.mark.parametrize(
    "document",
    [
        {"events": [of_distribution()]},
        {"events": [of_distribution(tag=DIGEST)]},
        of_harbor(tag=DIGEST, resource_url=f"old.example:5000/team/web@{DIGEST}"),
        of_harbor(tag=""),
    ],
    ids=["distribution", "distribution, digest as tag", "harbor", "harbor, no tag"],
)
def test_what_is_pushed_by_digest_is_passed_by_for_its_tag_follows(document: object) -> None:
    assert read(document) == ()


@pytest.mark.parametrize(
    "document",
    [
        {"events": [of_distribution(tag="v1") | {"action": "pull"}]},
        {"events": []},
        of_harbor("PULL_ARTIFACT"),
        of_harbor("QUOTA_EXCEED"),
        as_cloud_event("harbor.scan.completed"),
        {"type": "TEST"},
        {},
    ],
)
def test_what_says_nothing_of_tags_is_well_received_and_means_nothing(document: object) -> None:
    assert read(document) == ()


def test_the_same_said_twice_in_one_notification_is_said_once() -> None:
    assert read({"events": [of_distribution(tag="v1")] * 3}) == (PUSHED,)


@pytest.mark.parametrize("name", ["../../etc", "Team/Web", "a//b", "web:v1", "x" * 300, ""])
def test_what_is_no_repository_makes_no_event(name: str) -> None:
    assert read({"events": [of_distribution(tag="v1", repository=name)]}) == ()


@pytest.mark.parametrize("host", ["", "not a host", "\x1b[2J.example", "a@b"])
def test_a_host_that_is_none_is_left_out(host: str) -> None:
    event = of_distribution(tag="v1") | {"request": {"host": host}}
    assert read({"events": [event]})[0].host == ""


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"events"', b"{", b'{"events": 1}', b'{"events": [[]]}', b"\xff\xfe"],
)
def test_what_is_no_notification_is_refused_without_a_word_of_it(body: bytes) -> None:
    with pytest.raises(NotUnderstood, match=r"^not a notification$"):
        events_in(body)


def test_what_is_nested_deeper_than_anybody_needs_is_refused() -> None:
    with pytest.raises(NotUnderstood, match="deep"):
        events_in(b'{"x": ' + b"[" * 100_000)


def test_brackets_in_words_are_no_nesting() -> None:
    event = of_harbor()
    event["operator"] = "[" * 1000 + '"{\\' * 10
    assert read(event) == (PUSHED,)
