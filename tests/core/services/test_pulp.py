"""pulp-container, the real one: short tokens of its own kind, redirects to other hosts, pages."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from clients.opening import access_to
from servers.images import digest_of, push_image, random_layer
from servers.pulp import PAGE, READER
from transship import errors
from transship.clock import SystemClock
from transship.oci.digest import Digest
from transship.registry.access import Access
from transship.registry.credential import Credential
from transship.registry.examination import examine
from transship.registry.service import GENERIC

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clients.opening import Connect
    from fakes.clock import FakeClock
    from servers.pulp import PulpRegistry, Request
    from transship.registry.distribution import DistributionRegistry

pytestmark = pytest.mark.pulp


@pytest.fixture
async def registry(pulp_registry: PulpRegistry, connect: Connect) -> DistributionRegistry:
    """It, signed in to as who may do everything."""
    access = access_to(pulp_registry)
    return connect(access.host, credential=access.credential)


def reader_of(registry: PulpRegistry, connect: Connect) -> DistributionRegistry:
    return connect(registry.host, credential=Credential(*READER))


def scopes_in(requests: list[Request]) -> list[str]:
    """Return the queries with which tokens were asked for."""
    return [urlsplit(each.path).query for each in requests if each.path.startswith("/token/")]


async def content(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def push(registry: DistributionRegistry, repository: str, data: bytes) -> Digest:
    digest = Digest(digest_of(data))
    upload = await registry.start_upload(repository, digest)
    assert upload is not None
    await upload.put(digest, len(data), content(data))
    return digest


class TestSigningIn:
    async def test_the_right_password_is_taken(self, registry: DistributionRegistry) -> None:
        await registry.check_sign_in()

    async def test_a_wrong_one_is_the_problem(
        self, pulp_registry: PulpRegistry, connect: Connect
    ) -> None:
        wrong = connect(pulp_registry.host, credential=Credential("admin", "wrong"))

        with pytest.raises(errors.WrongCredential):
            await wrong.check_sign_in()

    async def test_who_may_not_push_is_told_and_nothing_is_made(
        self,
        pulp_registry: PulpRegistry,
        registry: DistributionRegistry,
        repository: str,
        connect: Connect,
    ) -> None:
        reader = reader_of(pulp_registry, connect)
        await reader.check_sign_in()

        with pytest.raises(errors.NoRight):
            await push(reader, repository, b"a blob")

        assert repository not in [name async for name in registry.repositories()]

    async def test_nobody_reads_what_is_public_and_writes_nothing(
        self, pulp_registry: PulpRegistry, repository: str, connect: Connect
    ) -> None:
        push_image(pulp_registry, repository, "v1")
        nobody = connect(pulp_registry.host)

        assert await nobody.head_manifest(repository, "v1") is not None
        with pytest.raises(errors.SignInNeeded):
            await push(nobody, repository, b"a blob")

    async def test_what_is_asked_for_is_only_to_read(
        self, pulp_registry: PulpRegistry, registry: DistributionRegistry, repository: str
    ) -> None:
        push_image(pulp_registry, repository, "v1")
        before = len(pulp_registry.requests())

        assert await registry.head_manifest(repository, "v1") is not None
        assert [tag async for tag in registry.tags(repository)] == ["v1"]

        asked = scopes_in(pulp_registry.requests()[before:])
        assert len(asked) == 1
        assert "%3Apull&" in asked[0]
        assert "push" not in asked[0]

    async def test_a_token_is_renewed_when_four_of_its_five_minutes_are_over(
        self,
        pulp_registry: PulpRegistry,
        registry: DistributionRegistry,
        repository: str,
        clock: FakeClock,
    ) -> None:
        push_image(pulp_registry, repository, "v1")
        before = len(pulp_registry.requests())
        asked = []

        for seconds in (0, 200, 50):
            clock.advance(seconds)
            assert await registry.head_manifest(repository, "v1") is not None
            asked.append(len(scopes_in(pulp_registry.requests()[before:])))

        assert asked == [1, 1, 2]

    async def test_it_is_looked_into_when_it_is_added(self, pulp_registry: PulpRegistry) -> None:
        push_image(pulp_registry, "looked/into", "v1")
        access = access_to(pulp_registry)

        found = await examine(Access(access.host, credential=access.credential))

        assert found.problem is None
        assert (found.service, found.proposed, found.signed_in) == (GENERIC, False, True)
        assert (found.lists, found.referrers) == (True, False)


class TestLists:
    async def test_repositories_come_by_pages(
        self, pulp_registry: PulpRegistry, registry: DistributionRegistry, repository: str
    ) -> None:
        made = [f"{repository}/{number:02}" for number in range(PAGE + 2)]
        for name in made:
            push_image(pulp_registry, name, "v1")
        before = len(pulp_registry.requests())

        listed = [name async for name in registry.repositories()]

        assert [name for name in listed if name.startswith(f"{repository}/")] == made
        assert len(listed) == len(set(listed))
        asked = [each.path for each in pulp_registry.requests()[before:] if "_catalog" in each.path]
        assert len([path for path in asked if "last=" in path]) == len(listed) // PAGE

    async def test_tags_come_by_pages(
        self, pulp_registry: PulpRegistry, registry: DistributionRegistry, repository: str
    ) -> None:
        # As many as make full pages: only an empty one after them ends the list.
        tags = [f"v{number:02}" for number in range(2 * PAGE)]
        for tag in tags:
            push_image(pulp_registry, repository, tag, [random_layer(10, "shared")])

        assert [tag async for tag in registry.tags(repository)] == tags

    async def test_what_is_not_there_is_said_to_be_missing(
        self, registry: DistributionRegistry, repository: str
    ) -> None:
        with pytest.raises(errors.RepositoryNotFound):
            [tag async for tag in registry.tags(repository)]

        assert await registry.head_manifest(repository, "v1") is None


class TestBlobs:
    async def test_they_are_read_at_another_host_which_gets_no_sign_in(
        self, pulp_registry: PulpRegistry, registry: DistributionRegistry, repository: str
    ) -> None:
        data = random_layer(100_000, repository)
        image = push_image(pulp_registry, repository, "v1", [data])
        digest = Digest(image.blobs[1])
        before = len(pulp_registry.content_requests())

        assert await registry.blob_size(repository, digest) == len(data)
        async with registry.read_blob(repository, digest) as blob:
            read = b"".join([piece async for piece in blob])
        async with registry.read_blob(repository, digest, 60_000) as rest:
            assert rest.offset == 60_000
            read_on = b"".join([piece async for piece in rest])

        assert (read, read_on) == (data, data[60_000:])
        asked = pulp_registry.content_requests()[before:]
        assert [(each.method, each.status) for each in asked] == [
            ("HEAD", 200),
            ("GET", 200),
            ("GET", 206),
        ]
        assert {each.scheme for each in asked} == {""}
        assert all("validate_token=" in each.path for each in asked)

    async def test_one_is_mounted_once_its_image_is_there(
        self, pulp_registry: PulpRegistry, registry: DistributionRegistry, repository: str
    ) -> None:
        image = push_image(pulp_registry, f"{repository}/from", "v1")
        digest = Digest(image.blobs[1])

        upload = await registry.start_upload(
            f"{repository}/to", digest, mount_from=f"{repository}/from"
        )

        assert upload is None
        assert await registry.blob_size(f"{repository}/to", digest)

    async def test_one_that_no_manifest_names_is_sent_after_all(
        self, registry: DistributionRegistry, repository: str
    ) -> None:
        data = b"no manifest names it"
        digest = await push(registry, f"{repository}/from", data)

        upload = await registry.start_upload(
            f"{repository}/to", digest, mount_from=f"{repository}/from"
        )

        assert upload is not None, "it answers 404 where others start an upload"
        await upload.put(digest, len(data), content(data))
        assert await registry.blob_size(f"{repository}/to", digest) == len(data)

    async def test_pieces_can_be_asked_for_and_gone_on_with(
        self, registry: DistributionRegistry, repository: str
    ) -> None:
        data = random_layer(300_000, repository)
        digest = Digest(digest_of(data))
        first = await registry.start_upload(repository, digest)
        assert first is not None
        await first.append(200_000, content(data[:200_000]))

        again = await registry.resume_upload(repository, first.location)

        assert again.offset == 200_000
        await again.append(len(data) - 200_000, content(data[200_000:]))
        await again.finish(digest)
        assert await registry.blob_size(repository, digest) == len(data)

    async def test_a_session_that_was_cancelled_is_gone(
        self, registry: DistributionRegistry, repository: str
    ) -> None:
        upload = await registry.start_upload(repository, Digest(digest_of(b"nothing")))
        assert upload is not None

        await upload.cancel()

        with pytest.raises(errors.UploadLost):
            await registry.resume_upload(repository, upload.location)


async def test_a_tag_is_taken_away_and_the_others_of_its_image_stay(
    pulp_registry: PulpRegistry, repository: str, connect: Connect
) -> None:
    # It deletes some time after it has said so: what waits for that needs a clock that goes.
    access = access_to(pulp_registry)
    registry = connect(access.host, credential=access.credential, clock=SystemClock())
    image = push_image(pulp_registry, repository, "v1", [random_layer(100, repository)])
    same = push_image(pulp_registry, repository, "v2", [random_layer(100, repository)])
    assert image.digest == same.digest

    await registry.delete_tag(repository, "v1")

    assert [tag async for tag in registry.tags(repository)] == ["v2"]
    head = await registry.head_manifest(repository, "v2")
    assert head is not None
    assert head.digest == image.digest
