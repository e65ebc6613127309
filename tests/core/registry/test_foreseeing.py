"""What a target says of itself beforehand: asked once, with the password, and read only."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from clients.opening import LOGIN
from samples.manifests import image
from servers.scripted import Reply, scripted_server
from transship import errors
from transship.oci.manifest import Descriptor, parse_manifest
from transship.oci.media_types import DOCKER_LIST, OCI_INDEX, OCI_MANIFEST
from transship.registry.registry import (
    Capabilities,
    Immutable,
    MissingTarget,
    PreflightAnswers,
    TargetStatus,
)
from transship.services.ecr import ECR
from transship.services.harbor import HARBOR
from transship.services.huawei import SWR

if TYPE_CHECKING:
    from clients.opening import Connect
    from servers.scripted import ScriptedServer


async def test_who_asks_at_the_same_time_gets_the_same_answer() -> None:
    asked = PreflightAnswers[int]()
    questions = 0

    async def ask() -> int:
        nonlocal questions
        questions += 1
        await asyncio.sleep(0)
        return questions

    assert await asyncio.gather(*(asked.once("team", ask) for _ in range(5))) == [1] * 5
    assert await asked.once("other", ask) == 2


@pytest.mark.parametrize("gives_up", [True, False])
async def test_a_question_that_failed_is_not_asked_again(gives_up: bool) -> None:
    asked = PreflightAnswers[int](gives_up=gives_up)
    questions: list[str] = []

    async def question(name: str) -> int:
        async def ask() -> int:
            questions.append(name)
            raise errors.NoRight(name)

        return await asked.once(name, ask)

    for name in ("team", "team", "other"):
        with pytest.raises(errors.NoRight):
            await question(name)

    assert questions == (["team"] if gives_up else ["team", "other"])


def test_the_first_rule_that_covers_a_tag_pins_it() -> None:
    rules = (Immutable("one", "v1".__eq__), Immutable("two", lambda tag: tag.startswith("v")))
    standing = TargetStatus(immutable=rules)

    assert [standing.pinned_by(tag) for tag in ("v1", "v2", "latest")] == ["one", "two", ""]


def test_what_is_missing_is_said_in_the_words_of_the_service() -> None:
    assert str(MissingTarget("repository", "team/web")) == "the repository team/web isn't there"


async def test_the_service_is_asked_with_the_password_and_not_with_a_token(
    bearer: ScriptedServer, connect: Connect
) -> None:
    bearer.on("GET", "/api/.*", Reply(200, {"Content-Type": "application/json"}, b"[]"))
    foreseer = connect(bearer.host, credential=LOGIN, service=HARBOR).foreseer()
    assert foreseer is not None

    await foreseer.look({"team/web": True})

    (asked,) = bearer.asked("GET", "/api/.*")
    assert asked.headers["authorization"].startswith("Basic ")
    assert bearer.asked("GET", "/token.*") == [], "no token, so no scope either"
    assert {request.method for request in bearer.requests} == {"GET"}


async def test_the_password_does_not_follow_to_another_host(
    scripted: ScriptedServer, connect: Connect
) -> None:
    with scripted_server() as other:
        scripted.on("GET", "/api/.*", Reply(302, {"Location": f"{other.url}/projects"}))
        other.on("GET", "/projects", Reply(200, {}, b"[]"))
        foreseer = connect(scripted.host, credential=LOGIN, service=HARBOR).foreseer()
        assert foreseer is not None

        await foreseer.look({"team/web": True})

        (asked,) = other.asked("GET", "/projects")
        assert "authorization" not in asked.headers


IMAGE = image("web").manifest


def index(media_type: str, *children: str) -> str:
    parts = ", ".join(
        f'{{"mediaType": "{child}", "digest": "{IMAGE.digest}", "size": 2}}' for child in children
    )
    return f'{{"schemaVersion": 2, "mediaType": "{media_type}", "manifests": [{parts}]}}'


LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@pytest.mark.parametrize(
    ("takes", "media_type", "child", "refused"),
    [
        (SWR.capabilities, OCI_INDEX, OCI_MANIFEST, f"{OCI_INDEX} isn't taken here"),
        (SWR.capabilities, DOCKER_LIST, OCI_MANIFEST, ""),
        (ECR.capabilities, OCI_INDEX, OCI_MANIFEST, ""),
        (ECR.capabilities, OCI_INDEX, LAYER, "an index of blobs, as a build cache may be"),
        (ECR.capabilities, DOCKER_LIST, LAYER, "an index of blobs, as a build cache may be"),
        (Capabilities(), OCI_INDEX, LAYER, ""),
    ],
)
def test_kinds_of_manifests_are_refused_by_what_is_known_of_a_service(
    takes: Capabilities, media_type: str, child: str, refused: str
) -> None:
    manifest = parse_manifest(index(media_type, child).encode())

    assert takes.manifest_refusal(manifest).startswith(refused)
    assert bool(takes.manifest_refusal(manifest)) == bool(refused)


@pytest.mark.parametrize("service", [SWR, ECR, HARBOR])
def test_an_image_is_taken_everywhere(service: object) -> None:
    assert isinstance(IMAGE.config, Descriptor)
    assert service.capabilities.manifest_refusal(IMAGE) == ""  # type: ignore[attr-defined]
