from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from clients.opening import Connect
from samples.manifests import artifact, encode, image, index, write
from servers.docker_registry import DockerRegistry
from servers.images import push_artifact, push_image, push_referrer
from servers.scripted import Reply, ScriptedServer
from transship import errors
from transship.oci.digest import digest_of
from transship.oci.manifest import MANIFEST_LIMIT, parse_manifest
from transship.oci.media_types import (
    DOCKER_MANIFEST,
    DOCKER_SCHEMA1_SIGNED,
    OCI_INDEX,
    OCI_MANIFEST,
)
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import ManifestHead
from transship.registry.service import service_named
from transship.sandbox.registry_server import SandboxRegistry

ABSENT = digest_of(b"nobody has this")


async def all_of(items: AsyncIterator[str]) -> list[str]:
    return sorted([item async for item in items])


# The same story, on every kind of registry


async def test_the_sign_in_is_proven(registry: DistributionRegistry) -> None:
    await registry.check_sign_in()


async def test_an_image_is_written_and_read(
    registry: DistributionRegistry, repository: str
) -> None:
    web = image("web")
    await write(registry, repository, web, "1.0")
    for reference in ("1.0", web.digest):
        read = await registry.get_manifest(repository, reference)
        assert (read.digest, read.body, read.media_type) == (
            web.digest,
            web.manifest.body,
            OCI_MANIFEST,
        )
        head = await registry.head_manifest(repository, reference)
        assert head == ManifestHead(web.digest, OCI_MANIFEST, web.manifest.size)


async def test_dockers_own_kind_of_image_stays_one(
    registry: DistributionRegistry, repository: str
) -> None:
    web = image("web", docker=True)
    await write(registry, repository, web, "1.0")
    read = await registry.get_manifest(repository, "1.0")
    assert (read.digest, read.media_type) == (web.digest, DOCKER_MANIFEST)


async def test_indexes_may_stand_in_indexes(
    registry: DistributionRegistry, repository: str
) -> None:
    inner = index(image("amd"), image("arm", platform="linux/arm64"))
    outer = index(inner, image("other"))
    await write(registry, repository, outer, "all")
    read = await registry.get_manifest(repository, "all")
    assert (read.digest, read.media_type) == (outer.digest, OCI_INDEX)
    nested = await registry.get_manifest(repository, read.children[0].digest)
    assert [child.digest for child in nested.children] == [c.digest for c in inner.children]


async def test_a_tag_moves(registry: DistributionRegistry, repository: str) -> None:
    old, new = image("old"), image("new")
    await write(registry, repository, old, "latest")
    await write(registry, repository, new, "latest")
    head = await registry.head_manifest(repository, "latest")
    assert head is not None
    assert head.digest == new.digest
    assert (await registry.get_manifest(repository, old.digest)).digest == old.digest


async def test_tags_and_repositories_are_listed(
    registry: DistributionRegistry, repository: str
) -> None:
    for tag in ("1.0", "1.1", "latest"):
        await write(registry, repository, image("web"), tag)
    assert await all_of(registry.tags(repository)) == ["1.0", "1.1", "latest"]
    assert repository in await all_of(registry.repositories())


async def test_what_is_not_there_is_said_to_be_so(
    registry: DistributionRegistry, repository: str
) -> None:
    assert await registry.head_manifest(repository, "1.0") is None
    await write(registry, repository, image("web"), "1.0")
    assert await registry.head_manifest(repository, "2.0") is None
    assert await registry.head_manifest(repository, ABSENT) is None
    for reference in ("2.0", ABSENT):
        with pytest.raises(errors.ManifestNotFound):
            await registry.get_manifest(repository, reference)
    with pytest.raises(errors.RepositoryNotFound):
        await all_of(registry.tags(f"{repository}/nowhere"))


async def test_a_manifest_waits_for_its_blobs(
    registry: DistributionRegistry, repository: str
) -> None:
    with pytest.raises(errors.ManifestBlobUnknown):
        await registry.put_manifest(repository, "1.0", image("web").manifest)


async def test_artifacts_may_have_a_subject(
    registry: DistributionRegistry, repository: str
) -> None:
    web = image("web")
    note = artifact("a note", web)
    await write(registry, repository, web, "1.0")
    await write(registry, repository, note)
    listed = await registry.referrers(repository, web.digest)
    assert listed is None or [entry.digest for entry in listed] == [note.digest]


# Referrers


async def test_a_registry_says_whether_it_keeps_referrers(
    connect: Connect, open_registry: DockerRegistry, sandbox: SandboxRegistry, repository: str
) -> None:
    web = image("web")
    note = artifact("a note", web)
    for host, keeps in ((open_registry.host, False), (sandbox.host, True)):
        registry = connect(host)
        await write(registry, repository, web, "1.0")
        for digest, content in note.blobs.items():
            if upload := await registry.start_upload(repository, digest):
                await upload.put(digest, len(content), once(content))
        assert await registry.put_manifest(repository, note.digest, note.manifest) is keeps
        assert (await registry.referrers(repository, web.digest) is not None) is keeps


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_whether_there_is_a_referrers_api_is_asked_once(
    connect: Connect, open_registry: DockerRegistry, repository: str
) -> None:
    registry = connect(open_registry.host)
    mark = open_registry.mark()
    for content in (b"a", b"b", b"c"):
        assert await registry.referrers(repository, digest_of(content)) is None
    assert len(open_registry.since(mark)) == 2  # The greeting, and one question.


async def test_a_missing_repository_says_nothing_of_the_others(
    connect: Connect, scripted: ScriptedServer
) -> None:
    missing = Reply(404, {}, encode({"errors": [{"code": "NAME_UNKNOWN"}]}))
    scripted.on("GET", "/v2/gone/referrers/.*", missing)
    listed = encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
    scripted.on("GET", "/v2/there/referrers/.*", Reply(200, {"Content-Type": OCI_INDEX}, listed))
    registry = connect(scripted.host)
    assert await registry.referrers("gone", ABSENT) is None
    assert await registry.referrers("there", ABSENT) == ()
    assert await registry.referrers("gone", ABSENT) == ()


async def test_a_website_in_its_place_is_no_referrers_api(
    connect: Connect, scripted: ScriptedServer
) -> None:
    page = Reply(200, {"Content-Type": "text/html"}, b"<html>Welcome</html>")
    scripted.on("GET", ".*/referrers/.*", page)
    assert await connect(scripted.host).referrers("team/web", ABSENT) is None


async def test_referrers_go_on_over_pages(connect: Connect, scripted: ScriptedServer) -> None:
    web = image("web")
    notes = [artifact(name, web) for name in ("one", "two", "three")]
    path = f"/v2/team/web/referrers/{web.digest}"

    def page(*listed: int, link: str = "") -> Reply:
        body = index(*(notes[number] for number in listed)).manifest.body
        headers = {"Content-Type": OCI_INDEX} | ({"Link": link} if link else {})
        return Reply(200, headers, body)

    scripted.on("GET", path, page(0, 1, link=f'<{path}?page=2>; rel="next"'))
    scripted.on("GET", rf"{path}\?page=2", page(1, 2))
    listed = await connect(scripted.host).referrers("team/web", web.digest)
    assert listed is not None
    assert [entry.digest for entry in listed] == [note.digest for note in notes]


# Manifests that others wrote, and those that can't be trusted


async def test_what_others_pushed_is_read(
    connect: Connect, open_registry: DockerRegistry, repository: str
) -> None:
    pushed = push_image(open_registry, repository, "1.0")
    chart = push_artifact(open_registry, repository, "chart")
    push_referrer(open_registry, pushed)
    registry = connect(open_registry.host)
    assert (await registry.get_manifest(repository, "1.0")).body == pushed.content
    assert not (await registry.get_manifest(repository, chart.digest)).is_image


async def test_all_kinds_of_manifest_are_asked_for(
    connect: Connect, scripted: ScriptedServer
) -> None:
    await connect(scripted.host).head_manifest("team/web", "1.0")
    (head,) = scripted.asked("HEAD")
    accepted = head.headers["accept"]
    assert "oci.image.index" in accepted
    assert "manifest.list.v2" in accepted
    assert "manifest.v1+prettyjws" in accepted


@pytest.mark.parametrize("content_type", [DOCKER_SCHEMA1_SIGNED, "application/json"])
async def test_schema_1_is_refused_by_name(
    connect: Connect, scripted: ScriptedServer, content_type: str
) -> None:
    body = encode({"schemaVersion": 1, "name": "team/web", "fsLayers": [], "signatures": []})
    # Its digest is that of the bytes without their signatures.
    said = ABSENT if content_type == DOCKER_SCHEMA1_SIGNED else digest_of(body)
    headers = {"Content-Type": content_type, "Docker-Content-Digest": said}
    scripted.on("GET", ".*/manifests/1.0", Reply(200, headers, body))
    with pytest.raises(errors.UnsupportedManifest, match="schema 1"):
        await connect(scripted.host).get_manifest("team/web", "1.0")


@pytest.mark.parametrize("by_digest", [True, False])
async def test_bytes_that_are_not_what_was_asked_for_are_refused(
    connect: Connect, scripted: ScriptedServer, by_digest: bool
) -> None:
    web, other = image("web"), image("other")
    headers = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": web.digest}
    scripted.on("GET", ".*/manifests/.*", Reply(200, headers, other.manifest.body))
    with pytest.raises(errors.DigestMismatch, match="team/web"):
        await connect(scripted.host).get_manifest("team/web", web.digest if by_digest else "1.0")


async def test_a_longer_digest_is_checked_too(connect: Connect, scripted: ScriptedServer) -> None:
    web = image("web", algorithm="sha512")
    reply = Reply(200, {"Content-Type": OCI_MANIFEST}, web.manifest.body)
    scripted.on("GET", ".*/manifests/.*", reply)
    registry = connect(scripted.host)
    assert (await registry.get_manifest("team/web", web.digest)).digest == web.digest
    with pytest.raises(errors.DigestMismatch):
        await registry.get_manifest("team/web", digest_of(b"x", "sha512"))


async def test_a_manifest_has_a_largest_size(connect: Connect, scripted: ScriptedServer) -> None:
    huge = Reply(200, {"Content-Type": OCI_MANIFEST}, b" " * (MANIFEST_LIMIT + 1))
    scripted.on("GET", ".*/manifests/1.0", huge)
    with pytest.raises(errors.UnexpectedAnswer, match="more than 4,194,304 bytes"):
        await connect(scripted.host).get_manifest("team/web", "1.0")


async def test_a_head_without_a_digest_is_made_up_for(
    connect: Connect, scripted: ScriptedServer
) -> None:
    web = image("web")
    reply = Reply(200, {"Content-Type": OCI_MANIFEST}, web.manifest.body)
    scripted.on("HEAD", ".*/manifests/1.0", reply)
    scripted.on("GET", ".*/manifests/1.0", reply)
    head = await connect(scripted.host).head_manifest("team/web", "1.0")
    assert head == ManifestHead(web.digest, OCI_MANIFEST, web.manifest.size)


@pytest.mark.parametrize("status", [400, 405])
@pytest.mark.parametrize("found", [True, False])
async def test_a_head_that_is_not_taken_is_made_up_for(
    connect: Connect, scripted: ScriptedServer, status: int, found: bool
) -> None:
    web = image("web")
    scripted.on("HEAD", ".*/manifests/1.0", Reply(status))
    if found:
        reply = Reply(200, {"Content-Type": OCI_MANIFEST}, web.manifest.body)
        scripted.on("GET", ".*/manifests/1.0", reply)
    head = await connect(scripted.host).head_manifest("team/web", "1.0")
    assert (head is not None) is found


async def test_a_head_may_not_say_the_size(connect: Connect, scripted: ScriptedServer) -> None:
    headers = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": ABSENT}
    scripted.on("HEAD", ".*", Reply(200, headers, unsized=True))
    head = await connect(scripted.host).head_manifest("team/web", "1.0")
    assert head == ManifestHead(ABSENT, OCI_MANIFEST, 0)


# Writing a manifest that the registry doesn't like


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, "MANIFEST_INVALID", "", errors.ManifestRejected),
        (400, "UNKNOWN", "what is this", errors.ManifestRejected),
        (415, "UNSUPPORTED", "", errors.ManifestRejected),
        (412, "PRECONDITION", "configured as immutable", errors.ImmutableTag),
        (403, "DENIED", "requested access is denied", errors.SignInNeeded),
        (404, "NAME_UNKNOWN", "", errors.RepositoryNotFound),
        (413, "", "", errors.TooLarge),
    ],
)
async def test_a_manifest_is_refused_for_a_cause(
    connect: Connect,
    scripted: ScriptedServer,
    status: int,
    code: str,
    message: str,
    kind: type[errors.TransshipError],
) -> None:
    body = encode({"errors": [{"code": code, "message": message}]})
    scripted.on("PUT", ".*/manifests/1.0", Reply(status, {}, body))
    with pytest.raises(kind) as caught:
        await connect(scripted.host).put_manifest("team/web", "1.0", image("web").manifest)
    assert type(caught.value) is kind


async def test_a_registry_that_changes_what_it_keeps_is_caught(
    connect: Connect, scripted: ScriptedServer
) -> None:
    scripted.on("PUT", ".*", Reply(201, {"Docker-Content-Digest": ABSENT}))
    with pytest.raises(errors.DigestMismatch):
        await connect(scripted.host).put_manifest("team/web", "1.0", image("web").manifest)


async def test_a_service_can_be_named(connect: Connect, scripted: ScriptedServer) -> None:
    harbor = service_named("harbor")
    registry = connect(scripted.host, service=harbor)
    assert registry.service is harbor
    assert connect("quay.io").capabilities.range_excess == 1
    assert json.loads(parse_manifest(image("web").manifest.body).body)
