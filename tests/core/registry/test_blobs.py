from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clients.opening import Access, Connect, access_to
from samples.manifests import read_blob, stream
from servers.docker_registry import DockerRegistry
from servers.faults import Fault, FaultProxy, LoseResponse
from servers.images import push_blob
from servers.registry import Registry as Server
from servers.scripted import Reply, ScriptedServer
from servers.storage import blob_storage
from transship import errors
from transship.oci.digest import Digest, digest_of
from transship.registry.distribution import DistributionRegistry
from transship.sandbox.registry_server import SandboxRegistry

if TYPE_CHECKING:
    from transship.registry.registry import Upload

KIBIBYTE = 1024
CONTENT = random.Random(0).randbytes(600 * KIBIBYTE)
DIGEST = digest_of(CONTENT)
ABSENT = digest_of(b"nobody has this")


async def begin(registry: DistributionRegistry, repository: str, digest: Digest = DIGEST) -> Upload:
    upload = await registry.start_upload(repository, digest)
    assert upload is not None
    return upload


async def put(registry: DistributionRegistry, repository: str, content: bytes = CONTENT) -> Digest:
    """Write a blob in one request."""
    digest = digest_of(content)
    upload = await begin(registry, repository, digest)
    await upload.put(digest, len(content), stream(content))
    return digest


# The same story, on every kind of registry


@pytest.mark.parametrize("size", [0, 1, 600 * KIBIBYTE])
async def test_a_blob_goes_up_whole(
    registry: DistributionRegistry, repository: str, size: int
) -> None:
    digest = await put(registry, repository, CONTENT[:size])
    assert await registry.blob_size(repository, digest) == size
    async with registry.read_blob(repository, digest) as blob:
        assert (blob.size, blob.offset) == (size, 0)
        assert b"".join([piece async for piece in blob]) == CONTENT[:size]


async def test_a_blob_is_read_from_any_place(
    registry: DistributionRegistry, repository: str
) -> None:
    await put(registry, repository)
    for offset in (1, 300_000, len(CONTENT) - 1):
        async with registry.read_blob(repository, DIGEST, offset) as blob:
            assert (blob.size, blob.offset) == (len(CONTENT), offset)
            assert b"".join([piece async for piece in blob]) == CONTENT[offset:]


async def test_reading_may_stop_anywhere(registry: DistributionRegistry, repository: str) -> None:
    await put(registry, repository)
    async with registry.read_blob(repository, DIGEST) as blob:
        async for _ in blob:
            break
    assert await read_blob(registry, repository, DIGEST) == CONTENT


async def test_what_is_not_there_is_said_to_be_so(
    registry: DistributionRegistry, repository: str
) -> None:
    await put(registry, repository)
    assert await registry.blob_size(repository, ABSENT) is None
    with pytest.raises(errors.BlobNotFound):
        await read_blob(registry, repository, ABSENT)


async def test_a_blob_goes_up_in_pieces(registry: DistributionRegistry, repository: str) -> None:
    upload = await begin(registry, repository)
    for start in range(0, len(CONTENT), 250_000):
        piece = CONTENT[start : start + 250_000]
        await upload.append(len(piece), stream(piece))
        assert upload.offset == start + len(piece)
    await upload.finish(DIGEST)
    assert await read_blob(registry, repository, DIGEST) == CONTENT


async def test_an_upload_goes_on_where_it_was_left(
    registry: DistributionRegistry, access: Access, connect: Connect, repository: str
) -> None:
    upload = await begin(registry, repository)
    await upload.append(250_000, stream(CONTENT[:250_000]))
    later = connect(access.host, credential=access.credential, tls=access.tls)
    resumed = await later.resume_upload(repository, upload.location)
    assert resumed.offset == 250_000
    await resumed.append(350_000, stream(CONTENT[250_000:600_000]))
    await resumed.append(len(CONTENT) - 600_000, stream(CONTENT[600_000:]))
    await resumed.finish(DIGEST)
    assert await read_blob(later, repository, DIGEST) == CONTENT


async def test_an_upload_that_holds_nothing_goes_on_from_nothing(
    registry: DistributionRegistry, repository: str
) -> None:
    upload = await begin(registry, repository)
    resumed = await registry.resume_upload(repository, upload.location)
    assert resumed.offset == 0
    await resumed.put(DIGEST, len(CONTENT), stream(CONTENT))
    assert await registry.blob_size(repository, DIGEST) == len(CONTENT)


async def test_an_upload_that_was_given_up_is_gone(
    registry: DistributionRegistry, repository: str
) -> None:
    upload = await begin(registry, repository)
    await upload.cancel()
    with pytest.raises(errors.UploadLost):
        await registry.resume_upload(repository, upload.location)
    with pytest.raises(errors.UploadLost):
        await upload.put(DIGEST, len(CONTENT), stream(CONTENT))
    await upload.cancel()


async def test_other_bytes_than_the_digest_s_are_refused(
    registry: DistributionRegistry, repository: str
) -> None:
    upload = await begin(registry, repository)
    with pytest.raises(errors.DigestMismatch):
        await upload.put(ABSENT, len(CONTENT), stream(CONTENT))
    assert await registry.blob_size(repository, ABSENT) is None


async def test_a_blob_is_mounted_from_another_repository(
    registry: DistributionRegistry, repository: str
) -> None:
    await put(registry, repository)
    target = f"{repository}/copy"
    assert await registry.start_upload(target, DIGEST, mount_from=repository) is None
    assert await registry.blob_size(target, DIGEST) == len(CONTENT)


async def test_a_blob_that_is_there_needs_no_upload(
    registry: DistributionRegistry, repository: str
) -> None:
    await put(registry, repository)
    assert await registry.start_upload(repository, DIGEST, mount_from=repository) is None


async def test_what_cannot_be_mounted_is_sent(
    registry: DistributionRegistry, repository: str
) -> None:
    upload = await registry.start_upload(repository, DIGEST, mount_from=f"{repository}/nowhere")
    assert upload is not None
    await upload.put(DIGEST, len(CONTENT), stream(CONTENT))
    assert await registry.blob_size(repository, DIGEST) == len(CONTENT)


# What real registries do in their own way


@pytest.mark.parametrize("relative_urls", [True, False])
async def test_locations_are_relative_or_absolute(
    connect: Connect, new_registry: Callable[..., DockerRegistry], relative_urls: bool
) -> None:
    registry = connect(new_registry(relative_urls=relative_urls).host)
    upload = await begin(registry, "team/web")
    await upload.append(len(CONTENT), stream(CONTENT))
    await upload.finish(DIGEST)
    assert await registry.blob_size("team/web", DIGEST) == len(CONTENT)


async def test_the_awkward_registry_is_written_to_all_the_same(
    connect: Connect, zuul: Server, repository: str
) -> None:
    access = access_to(zuul)
    registry = connect(access.host, credential=access.credential)
    upload = await registry.start_upload(repository, DIGEST, mount_from=f"{repository}/other")
    assert upload is not None
    await upload.put(DIGEST, len(CONTENT), stream(CONTENT))
    assert await registry.blob_size(repository, DIGEST) == len(CONTENT)
    pieces = await begin(registry, repository)
    await pieces.append(250_000, stream(CONTENT[:250_000]))
    with pytest.raises(errors.UploadLost):
        await registry.resume_upload(repository, pieces.location)
    await pieces.append(len(CONTENT) - 250_000, stream(CONTENT[250_000:]))
    await pieces.finish(DIGEST)


async def test_a_server_that_knows_no_ranges_gives_everything(
    connect: Connect, zuul: Server, repository: str
) -> None:
    push_blob(zuul, repository, CONTENT, "application/octet-stream")
    async with connect(zuul.host).read_blob(repository, DIGEST, 300_000) as blob:
        assert (blob.size, blob.offset) == (len(CONTENT), 0)
        assert b"".join([piece async for piece in blob]) == CONTENT


async def test_a_smallest_piece_is_asked_for(connect: Connect, tmp_path: Path) -> None:
    async with SandboxRegistry(tmp_path / "large", chunk_minimum=100_000) as sandbox:
        registry = connect(sandbox.host)
        upload = await begin(registry, "team/web")
        assert upload.chunk_minimum == 100_000
        await upload.append(550_000, stream(CONTENT[:550_000]))
        await upload.append(len(CONTENT) - 550_000, stream(CONTENT[550_000:]))
        await upload.finish(DIGEST)
        assert await read_blob(registry, "team/web", DIGEST) == CONTENT


async def test_a_piece_out_of_order_loses_the_upload(
    connect: Connect, sandbox: SandboxRegistry
) -> None:
    registry = connect(sandbox.host)
    upload = await begin(registry, "team/web")
    again = await registry.resume_upload("team/web", upload.location)
    await upload.append(1000, stream(CONTENT[:1000]))
    with pytest.raises(errors.UploadLost):
        await again.append(500, stream(CONTENT[:500]))


async def test_a_lost_answer_does_not_lose_the_blob(
    connect: Connect,
    open_registry: DockerRegistry,
    proxy_for: Callable[[Server], FaultProxy],
    repository: str,
) -> None:
    proxy = proxy_for(open_registry)
    registry = connect(proxy.host)
    proxy.add(Fault(LoseResponse(), "PUT"))
    upload = await begin(registry, repository)
    with pytest.raises(errors.ConnectionLost):
        await upload.put(DIGEST, len(CONTENT), stream(CONTENT))
    assert await registry.start_upload(repository, DIGEST, mount_from=repository) is None


# Redirects to storage


async def test_blobs_may_be_elsewhere(
    connect: Connect, new_registry: Callable[..., DockerRegistry], tmp_path: Path
) -> None:
    """The storage refuses whoever comes with a login, as that of clouds does."""
    with blob_storage(tmp_path / "storage") as storage:
        server = new_registry(
            auth="htpasswd", storage=tmp_path / "storage", redirect_to=storage.url
        )
        push_blob(server, "team/web", CONTENT, "application/octet-stream")
        registry = connect(server.host, credential=access_to(server).credential)
        assert await registry.blob_size("team/web", DIGEST) == len(CONTENT)
        assert await read_blob(registry, "team/web", DIGEST) == CONTENT
        assert await read_blob(registry, "team/web", DIGEST, 599_000) == CONTENT[599_000:]
        assert [request.status for request in storage.requests] == [200, 200, 206]
        assert not any(request.has_authorization for request in storage.requests)


async def test_an_address_that_is_signed_for_reading_tells_the_size_as_well(
    connect: Connect, scripted: ScriptedServer
) -> None:
    scripted.on("HEAD", ".*/blobs/.*", Reply(307, {"Location": "/signed?for=GET"}))
    scripted.on("GET", ".*/blobs/.*", Reply(307, {"Location": "/signed?for=GET"}))
    scripted.on("HEAD", "/signed.*", Reply(403))
    scripted.on("GET", "/signed.*", Reply(200, {}, CONTENT))
    assert await connect(scripted.host).blob_size("team/web", DIGEST) == len(CONTENT)


async def test_a_signed_address_goes_out_as_it_came(
    connect: Connect, scripted: ScriptedServer
) -> None:
    signed = "/data/%7Ex%2Fy?X-Credential=A%2F2020%2Fs3&sig=a%2Bb%3D%3D&q=~%27+%20"
    scripted.on("GET", ".*/blobs/.*", Reply(307, {"Location": signed}))
    scripted.on("HEAD", ".*/blobs/.*", Reply(302, {"Location": signed}))
    scripted.on("GET", "/data/.*", Reply(200, {}, CONTENT))
    scripted.on("HEAD", "/data/.*", Reply(200, {}, CONTENT))
    registry = connect(scripted.host)
    await registry.blob_size("team/web", DIGEST)
    await read_blob(registry, "team/web", DIGEST)
    assert [r.target for r in scripted.requests if r.target.startswith("/data")] == [signed] * 2
