"""An OCI layout folder is a place like any other; skopeo judges what stands in it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from samples.manifests import (
    artifact,
    descriptor,
    encode,
    image,
    index,
    read_blob,
    stream,
    write,
)
from servers import skopeo
from servers.images import push_image, push_index
from transship import errors
from transship.oci.digest import Digest, digest_of
from transship.oci.manifest import parse_manifest
from transship.oci.media_types import OCI_MANIFEST
from transship.registries.layout import Layout
from transship.registries.layout_files import LayoutFiles
from transship.registries.layout_index import Change, LayoutIndex, parse_index
from transship.registries.place import Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from servers.docker_registry import DockerRegistry

WEB = "team/web"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest.fixture
def layout(folder: Path) -> Layout:
    return Layout(folder, create=True)


def entries(folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(folder.joinpath("index.json").read_bytes())[
        "manifests"
    ]
    return found


def blob_path(folder: Path, digest: str) -> Path:
    return folder.joinpath("blobs", *digest.split(":"))


async def all_of(items: AsyncIterator[str]) -> list[str]:
    return [item async for item in items]


def test_it_is_a_place_that_holds_images(layout: Layout, folder: Path) -> None:
    place: Place = layout

    assert place.name == f"layout:{folder}"
    assert place.capabilities.chunk_minimum == 0


class TestWrittenByUsReadBySkopeo:
    async def test_an_image_is_found_under_its_repository_and_tag(
        self, layout: Layout, folder: Path, tmp_path: Path
    ) -> None:
        sample = image()
        await write(layout, WEB, sample, "1.4")

        assert skopeo.inspect_raw(f"oci:{folder}:team/web:1.4") == sample.manifest.body
        skopeo.copy(f"oci:{folder}:team/web:1.4", f"dir:{tmp_path / 'copy'}")
        assert {digest_of(f.read_bytes()) for f in (tmp_path / "copy").iterdir()} >= set(
            sample.blobs
        )

    async def test_a_tag_without_a_repository_is_written_bare(
        self, layout: Layout, folder: Path
    ) -> None:
        await write(layout, "", image(), "1.4")

        assert skopeo.inspect_raw(f"oci:{folder}:1.4") == image().manifest.body

    async def test_an_index_is_copied_with_its_children_and_its_signature_is_tolerated(
        self, layout: Layout, folder: Path, tmp_path: Path
    ) -> None:
        web = index(image("amd"), image("arm", platform="linux/arm64"))
        await write(layout, WEB, web, "1.4")
        await write(layout, WEB, artifact("signature", web))

        skopeo.copy(f"oci:{folder}:team/web:1.4", f"oci:{tmp_path / 'copy'}:x")

        assert skopeo.digest(f"oci:{tmp_path / 'copy'}:x") == web.digest
        for child in web.children:
            assert blob_path(tmp_path / "copy", child.digest).exists()

    async def test_a_docker_image_keeps_its_bytes_and_skopeo_finds_it_alone_in_its_folder(
        self, layout: Layout, folder: Path
    ) -> None:
        docker = image("old", docker=True)
        await write(layout, "", docker, "1.4")

        assert (await layout.get_manifest("", "1.4")).body == docker.manifest.body
        assert skopeo.inspect_raw(f"oci:{folder}") == docker.manifest.body

    async def test_skopeo_may_write_into_our_folder_and_moves_our_tag(
        self, layout: Layout, folder: Path, tmp_path: Path
    ) -> None:
        first, second = image("first"), image("second")
        signature = artifact("signature", first)
        await write(layout, WEB, first, "1.4")
        await write(layout, WEB, first, "1.3")
        await write(layout, WEB, signature)
        other = Layout(tmp_path / "other", create=True)
        await write(other, "", second, "x")

        skopeo.copy(f"oci:{tmp_path / 'other'}:x", f"oci:{folder}:team/web:1.4")

        assert (await layout.get_manifest(WEB, "1.4")).digest == second.digest
        assert (await layout.get_manifest(WEB, "1.3")).digest == first.digest
        assert [found.digest for found in await layout.referrers(WEB, first.digest)] == [
            signature.digest
        ]


class TestWrittenBySkopeoReadByUs:
    async def test_tags_digests_and_blobs_of_a_registry_are_the_same_in_the_folder(
        self, open_registry: DockerRegistry, repository: str, folder: Path
    ) -> None:
        pushed = push_image(open_registry, repository, "1.4")
        skopeo.copy(
            f"docker://{open_registry.host}/{repository}:1.4",
            f"oci:{folder}:{repository}:1.4",
            open_registry,
        )
        skopeo.copy(
            f"docker://{open_registry.host}/{repository}:1.4", f"oci:{folder}:bare", open_registry
        )
        layout = Layout(folder)

        assert await all_of(layout.repositories()) == [repository, ""]
        assert await all_of(layout.tags(repository)) == ["1.4"]
        assert await all_of(layout.tags("")) == ["bare"]
        manifest = await layout.get_manifest(repository, "1.4")
        assert manifest.digest == pushed.digest
        for blob in manifest.blobs:
            assert digest_of(await read_blob(layout, repository, blob.digest)) == blob.digest

    async def test_a_multi_platform_image_comes_with_all_its_children(
        self, open_registry: DockerRegistry, repository: str, folder: Path
    ) -> None:
        children = [
            push_image(open_registry, repository, platform=p)
            for p in ("linux/amd64", "linux/arm64")
        ]
        pushed = push_index(open_registry, repository, "1.4", children)
        skopeo.copy(
            f"docker://{open_registry.host}/{repository}:1.4", f"oci:{folder}:1.4", open_registry
        )
        layout = Layout(folder)

        found = await layout.get_manifest("", "1.4")

        assert found.digest == pushed.digest
        assert [child.digest for child in found.children] == [child.digest for child in children]
        for child in children:
            read = await layout.get_manifest("", child.digest)
            assert read.body == child.content


class TestNames:
    async def test_several_repositories_share_a_folder_and_their_blobs(
        self, layout: Layout, folder: Path
    ) -> None:
        await write(layout, WEB, image(), "1.4")
        blob = next(iter(image().blobs))

        assert await layout.start_upload("team/api", blob, mount_from=WEB) is None
        await layout.put_manifest("team/api", "2.0", image().manifest)
        await write(layout, "", image("other"), "latest")

        assert await all_of(layout.repositories()) == [WEB, "team/api", ""]
        assert await all_of(layout.tags("team/api")) == ["2.0"]
        assert await layout.blob_size("team/api", blob) == len(image().blobs[blob])

    async def test_a_repository_that_is_not_there_is_named(self, layout: Layout) -> None:
        await write(layout, WEB, image(), "1.4")

        with pytest.raises(errors.RepositoryNotFound, match="team/ap"):
            await all_of(layout.tags("team/ap"))

    async def test_a_tag_that_moves_leaves_the_old_image_to_its_digest(
        self, layout: Layout, folder: Path
    ) -> None:
        old, new = image("old"), image("new")
        await write(layout, WEB, old, "latest")
        await write(layout, WEB, new, "latest")

        assert (await layout.get_manifest(WEB, "latest")).digest == new.digest
        assert (await layout.get_manifest(WEB, old.digest)).digest == old.digest
        assert await all_of(layout.tags(WEB)) == ["latest"]

        await layout.put_manifest(WEB, "latest", old.manifest)

        assert [entry["digest"] for entry in entries(folder)] == [old.digest, new.digest]
        assert skopeo.inspect_raw(f"oci:{folder}:team/web:latest") == old.manifest.body

    async def test_names_that_would_be_lost_are_refused(self, layout: Layout) -> None:
        with pytest.raises(errors.BadReference):
            await layout.put_manifest("Team", "1.4", image().manifest)
        with pytest.raises(errors.BadReference):
            await layout.put_manifest(WEB, "a tag", image().manifest)
        with pytest.raises(errors.DigestMismatch):
            await layout.put_manifest(WEB, digest_of(b"other"), image().manifest)

    async def test_a_digest_is_in_the_repositories_that_reach_it_and_in_no_other(
        self, layout: Layout
    ) -> None:
        web = index(index(image("deep")))
        deep = web.children[0].children[0]
        await write(layout, WEB, web, "1.4")
        await write(layout, "team/api", image("api"), "1.4")

        head = await layout.head_manifest(WEB, deep.digest)
        assert head is not None
        assert (head.digest, head.media_type, head.size) == (
            deep.digest,
            OCI_MANIFEST,
            deep.manifest.size,
        )
        assert await layout.head_manifest("team/api", deep.digest) is None
        with pytest.raises(errors.ManifestNotFound, match="team/api@sha256:"):
            await layout.get_manifest("team/api", deep.digest)

    async def test_what_is_not_there_is_not_found(self, layout: Layout, folder: Path) -> None:
        assert await all_of(layout.repositories()) == []
        assert await layout.head_manifest(WEB, "1.4") is None
        assert await layout.blob_size(WEB, digest_of(b"x")) is None
        with pytest.raises(errors.ManifestNotFound, match=f"layout:{folder}//team/web:1.4"):
            await layout.get_manifest(WEB, "1.4")
        with pytest.raises(errors.BlobNotFound):
            await read_blob(layout, WEB, digest_of(b"x"))
        assert not folder.exists()


class TestReferrersAndIndexes:
    async def test_the_children_of_an_index_have_no_entries_of_their_own(
        self, layout: Layout, folder: Path
    ) -> None:
        web = index(index(image("one")), image("two"))
        await write(layout, WEB, web, "1.4")

        assert [entry["digest"] for entry in entries(folder)] == [web.digest]

    async def test_until_the_index_is_written_its_children_can_be_found(
        self, layout: Layout
    ) -> None:
        child = image()
        await write(layout, WEB, child)

        assert (await layout.get_manifest(WEB, child.digest)).body == child.manifest.body
        assert await all_of(layout.repositories()) == [WEB]
        assert await all_of(layout.tags(WEB)) == []

    async def test_a_signature_is_listed_for_what_it_signs_in_its_repository_only(
        self, layout: Layout, folder: Path
    ) -> None:
        web = image()
        signature = artifact("signature", web, "application/x-signature")
        await write(layout, WEB, web, "1.4")
        await write(layout, "team/api", web, "1.4")
        await write(layout, WEB, signature)
        await write(layout, WEB, artifact("of something else", image("else")))

        (found,) = await layout.referrers(WEB, web.digest)

        assert (found.digest, found.artifact_type) == (signature.digest, "application/x-signature")
        assert await layout.referrers("team/api", web.digest) == ()
        assert await layout.head_manifest("team/api", signature.digest) is None
        entry = next(e for e in entries(folder) if e["digest"] == signature.digest)
        assert entry["artifactType"] == "application/x-signature"
        assert entry["annotations"] == {"dev.transship.repository": WEB}

    async def test_a_referrer_that_only_an_index_reaches_is_listed_too(
        self, layout: Layout
    ) -> None:
        web = image()
        signature = artifact("signature", web)
        await write(layout, WEB, web, "1.4")
        await write(layout, WEB, index(signature), f"sha256-{web.digest.removeprefix('sha256:')}")

        found = await layout.referrers(WEB, web.digest)

        assert [referrer.digest for referrer in found] == [signature.digest]

    async def test_a_new_referrer_is_seen_at_once(self, layout: Layout, folder: Path) -> None:
        web = image()
        await write(layout, WEB, web, "1.4")
        reader = Layout(folder)
        assert await reader.referrers(WEB, web.digest) == ()

        assert await layout.put_manifest(WEB, "1.4", web.manifest)
        await write(layout, WEB, artifact("signature", web))

        assert len(await reader.referrers(WEB, web.digest)) == 1

    async def test_an_image_is_refused_while_a_part_of_it_is_missing(
        self, layout: Layout, folder: Path
    ) -> None:
        web = image()
        with pytest.raises(errors.ManifestBlobUnknown, match=str(web.manifest.blobs[0].digest)):
            await layout.put_manifest(WEB, "1.4", web.manifest)
        with pytest.raises(errors.ManifestBlobUnknown, match=web.digest):
            await layout.put_manifest(WEB, "1.4", index(web).manifest)

        assert entries(folder) == []


class TestBlobs:
    async def test_a_blob_is_read_from_any_offset(self, layout: Layout) -> None:
        content = os.urandom(2_500_000)
        await upload(layout, content, piece=300_000)
        digest = digest_of(content)

        assert await layout.blob_size(WEB, digest) == len(content)
        assert await read_blob(layout, WEB, digest) == content
        assert await read_blob(layout, WEB, digest, 2_400_000) == content[2_400_000:]
        assert await read_blob(layout, WEB, digest, len(content)) == b""
        async with layout.read_blob(WEB, digest, 7) as reader:
            assert (reader.size, reader.offset) == (len(content), 7)

    @pytest.mark.parametrize("content", [b"", b"x"])
    async def test_tiny_blobs_and_empty_ones_are_blobs(
        self, layout: Layout, content: bytes
    ) -> None:
        await upload(layout, content)

        assert await layout.blob_size(WEB, digest_of(content)) == len(content)
        assert await read_blob(layout, WEB, digest_of(content)) == content

    async def test_a_sha512_blob_stands_in_a_folder_of_its_own(
        self, layout: Layout, folder: Path
    ) -> None:
        digest = digest_of(b"content", "sha512")
        session = await layout.start_upload(WEB, digest)
        assert session
        await session.put(digest, 7, stream(b"content"))

        assert blob_path(folder, digest).read_bytes() == b"content"

    async def test_an_image_known_by_sha512_keeps_that_name(self, layout: Layout) -> None:
        web = image(algorithm="sha512")
        await write(layout, WEB, web, "1.4")

        assert (await layout.get_manifest(WEB, "1.4")).digest == web.digest
        assert web.digest.startswith("sha512:")

    async def test_a_blob_goes_on_after_a_crash_from_what_the_file_holds(
        self, layout: Layout, folder: Path
    ) -> None:
        content = os.urandom(3_000_000)
        session = await layout.start_upload(WEB, digest_of(content))
        assert session
        await session.append(2_000_000, stream(content[:2_000_000]))
        assert session.offset == 2_000_000

        again = await Layout(folder).resume_upload(WEB, session.location)
        assert again.offset == 2_000_000
        await again.append(1_000_000, stream(content[2_000_000:]))
        await again.finish(digest_of(content))

        assert await read_blob(layout, WEB, digest_of(content)) == content
        assert own_files(folder) == []

    async def test_a_source_that_breaks_off_leaves_what_came_to_be_resumed(
        self, layout: Layout
    ) -> None:
        content = os.urandom(2_200_000)

        async def broken() -> AsyncIterator[bytes]:
            yield content[:1_500_000]
            raise errors.ConnectionLost

        session = await layout.start_upload(WEB, digest_of(content))
        assert session
        with pytest.raises(errors.ConnectionLost):
            await session.put(digest_of(content), len(content), broken())

        again = await layout.resume_upload(WEB, session.location)
        rest = content[again.offset :]
        await again.append(len(rest), stream(rest))
        await again.finish(digest_of(content))

        assert again.offset == len(content)
        assert await read_blob(layout, WEB, digest_of(content)) == content

    async def test_a_second_put_in_one_session_starts_anew(self, layout: Layout) -> None:
        content = os.urandom(1_500_000)
        session = await layout.start_upload(WEB, digest_of(content))
        assert session
        await session.append(1_200_000, stream(b"x" * 1_200_000))
        await session.put(digest_of(content), len(content), stream(content))

        assert await read_blob(layout, WEB, digest_of(content)) == content

    async def test_a_wrong_blob_is_forgotten(self, layout: Layout, folder: Path) -> None:
        digest = digest_of(b"right")
        session = await layout.start_upload(WEB, digest)
        assert session
        with pytest.raises(errors.DigestMismatch):
            await session.put(digest, 5, stream(b"wrong"))

        assert await layout.blob_size(WEB, digest) is None
        assert own_files(folder) == []
        with pytest.raises(errors.UploadLost):
            await layout.resume_upload(WEB, session.location)

    async def test_a_wrong_rest_after_a_resume_is_noticed(self, layout: Layout) -> None:
        digest = digest_of(b"right rest")
        session = await layout.start_upload(WEB, digest)
        assert session
        await session.append(5, stream(b"right"))
        again = await layout.resume_upload(WEB, session.location)
        await again.append(5, stream(b" fest"))
        with pytest.raises(errors.DigestMismatch):
            await again.finish(digest)

    async def test_a_piece_of_another_length_is_noticed(self, layout: Layout) -> None:
        session = await layout.start_upload(WEB, digest_of(b"right"))
        assert session
        with pytest.raises(errors.DigestMismatch, match="3 of 5 bytes"):
            await session.append(5, stream(b"rig"))

    async def test_a_cancelled_upload_leaves_nothing(self, layout: Layout, folder: Path) -> None:
        session = await layout.start_upload(WEB, digest_of(b"content"))
        assert session
        await session.append(3, stream(b"con"))
        await session.cancel()
        await session.cancel()

        assert own_files(folder) == []
        with pytest.raises(errors.UploadLost):
            await session.append(4, stream(b"tent"))
        with pytest.raises(errors.UploadLost):
            await session.finish(digest_of(b"content"))

    @pytest.mark.parametrize("location", ["", "index.json", "../secret", ".transship-upload-x"])
    async def test_only_what_we_started_is_resumed(self, layout: Layout, location: str) -> None:
        await write(layout, WEB, image(), "1.4")
        with pytest.raises(errors.UploadLost):
            await layout.resume_upload(WEB, location)

    async def test_a_blob_that_two_write_at_once_is_there_once(
        self, layout: Layout, folder: Path
    ) -> None:
        content = os.urandom(100_000)
        await asyncio.gather(*(upload(layout, content) for _ in range(8)))

        assert own_files(folder) == []
        assert await read_blob(layout, WEB, digest_of(content)) == content

    async def test_a_full_disk_is_named(
        self, layout: Layout, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_room(*_: object) -> int:
            raise OSError(28, os.strerror(28))

        session = await layout.start_upload(WEB, digest_of(b"content"))
        assert session
        monkeypatch.setattr(os, "pwrite", no_room)
        with pytest.raises(errors.DiskFull, match="No space left"):
            await session.append(7, stream(b"content"))


class TestDamage:
    async def test_a_damaged_manifest_is_noticed(self, layout: Layout, folder: Path) -> None:
        web = image()
        await write(layout, WEB, web, "1.4")
        blob_path(folder, web.digest).write_bytes(web.manifest.body.replace(b"web", b"wob"))
        with pytest.raises(errors.DigestMismatch):
            await layout.get_manifest(WEB, "1.4")

        await layout.put_manifest(WEB, "1.4", web.manifest)

        assert (await layout.get_manifest(WEB, "1.4")).body == web.manifest.body

    async def test_a_cut_manifest_counts_as_missing_so_that_a_copy_mends_it(
        self, layout: Layout, folder: Path
    ) -> None:
        web = image()
        await write(layout, WEB, web, "1.4")
        blob_path(folder, web.digest).write_bytes(web.manifest.body[:100])

        assert await layout.head_manifest(WEB, "1.4") is None
        assert await layout.referrers(WEB, digest_of(b"x")) == ()

    async def test_a_cut_layer_is_taken_away_and_can_be_sent_again(
        self, layout: Layout, folder: Path
    ) -> None:
        web = image()
        await write(layout, WEB, web, "1.3")
        layer = web.manifest.layers[0].digest
        blob_path(folder, layer).write_bytes(web.blobs[layer][:10])

        with pytest.raises(errors.ManifestBlobUnknown, match=layer):
            await layout.put_manifest(WEB, "1.4", web.manifest)
        await write(layout, WEB, web, "1.4")

        assert await read_blob(layout, WEB, layer) == web.blobs[layer]

    async def test_a_manifest_with_a_wrong_size_takes_no_good_layer_away(
        self, layout: Layout, folder: Path
    ) -> None:
        web = image()
        await write(layout, WEB, web, "1.3")
        document = json.loads(web.manifest.body)
        document["layers"][0]["size"] += 1
        wrong = type(web)(parse_manifest(encode(document)), web.blobs)

        await write(layout, WEB, wrong, "wrong")

        assert await layout.blob_size(WEB, web.manifest.layers[0].digest) is not None


class TestFolders:
    @pytest.mark.parametrize("create", [False, True])
    def test_a_folder_with_something_else_in_it_is_no_layout(
        self, tmp_path: Path, create: bool
    ) -> None:
        tmp_path.joinpath("letter.txt").write_text("Dear ...")
        with pytest.raises(errors.NotALayout, match="has no oci-layout file"):
            Layout(tmp_path, create=create)

    def test_a_folder_that_is_not_there_is_no_layout(self, tmp_path: Path) -> None:
        with pytest.raises(errors.NotALayout, match="absent doesn't exist"):
            Layout(tmp_path / "absent")

    def test_an_archive_is_no_layout(self, tmp_path: Path) -> None:
        tmp_path.joinpath("images.tar").touch()
        with pytest.raises(errors.NotALayout, match="is a file, not a folder"):
            Layout(tmp_path / "images.tar", create=True)

    @pytest.mark.parametrize(
        ("marker", "says"),
        [
            (b"{}", "version ''"),
            (b'{"imageLayoutVersion": "2.0.0"}', "version '2.0.0'"),
            (b"[1]", "oci-layout: "),
            (b"\xff", "oci-layout: "),
        ],
    )
    def test_another_version_is_no_layout(self, tmp_path: Path, marker: bytes, says: str) -> None:
        tmp_path.joinpath("oci-layout").write_bytes(marker)
        with pytest.raises(errors.NotALayout, match=says):
            Layout(tmp_path, create=True)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{}",
            b"[]",
            b"\xef\xbb\xbf{}",
            b'{"x":' + b"[" * 100_000,
            b'{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"md5:0","size":1}]}',
            b'{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"../../x","size":1}]}',
        ],
        ids=["empty", "no-version", "list", "bom", "deep", "md5", "path"],
    )
    def test_an_unreadable_index_is_no_layout(self, tmp_path: Path, body: bytes) -> None:
        tmp_path.joinpath("oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        tmp_path.joinpath("index.json").write_bytes(body)
        with pytest.raises(errors.NotALayout, match=r"index\.json: "):
            Layout(tmp_path)

    def test_a_layout_without_its_index_is_none(self, tmp_path: Path) -> None:
        tmp_path.joinpath("oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        with pytest.raises(errors.NotALayout, match=r"has no index\.json"):
            Layout(tmp_path)

    async def test_a_folder_whose_maker_was_interrupted_is_made_whole(self, folder: Path) -> None:
        folder.joinpath("blobs").mkdir(parents=True)
        folder.joinpath("oci-layout").touch()
        folder.joinpath(".transship-index").touch()

        await write(Layout(folder, create=True), WEB, image(), "1.4")

        assert skopeo.inspect_raw(f"oci:{folder}:team/web:1.4") == image().manifest.body

    async def test_an_interrupted_job_leaves_a_layout_that_can_be_read(
        self, layout: Layout, folder: Path
    ) -> None:
        assert await layout.start_upload(WEB, digest_of(b"x"))

        assert await all_of(Layout(folder).repositories()) == []

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    async def test_a_folder_that_we_may_not_write_is_named(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        with pytest.raises(errors.NoRight, match="Permission denied"):
            await write(Layout(tmp_path / "images", create=True), WEB, image(), "1.4")

    async def test_a_refused_write_is_named(
        self, layout: Layout, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(*_: object, **__: object) -> None:
            raise PermissionError(13, os.strerror(13), "images")

        monkeypatch.setattr(Path, "mkdir", refused)
        with pytest.raises(errors.NoRight, match="images: Permission denied"):
            await layout.start_upload(WEB, digest_of(b"x"))


class TestHostileFolders:
    async def test_a_link_to_a_file_of_this_machine_gives_nothing_away(
        self, layout: Layout, folder: Path, tmp_path: Path
    ) -> None:
        await write(layout, WEB, image(), "1.4")
        secret = tmp_path / "secret"
        secret.write_text("the private key")
        blob_path(folder, digest_of(b"bait")).symlink_to(secret)
        seen = b""

        with pytest.raises(errors.DigestMismatch):
            async with layout.read_blob(WEB, digest_of(b"bait")) as reader:
                seen = b"".join([piece async for piece in reader])

        assert seen == b""

    async def test_a_link_to_what_it_says_is_followed_as_skopeo_does(
        self, layout: Layout, folder: Path, tmp_path: Path
    ) -> None:
        web = image()
        await write(layout, WEB, web, "1.4")
        folder.joinpath("blobs/sha256").rename(tmp_path / "elsewhere")
        folder.joinpath("blobs/sha256").symlink_to(tmp_path / "elsewhere")
        layer = web.manifest.layers[0].digest
        blob_path(folder, layer).rename(tmp_path / "rootfs.tar.gz")
        blob_path(folder, layer).symlink_to("../rootfs.tar.gz")

        assert (await layout.get_manifest(WEB, "1.4")).body == web.manifest.body
        assert await read_blob(layout, WEB, layer, 5) == web.blobs[layer][5:]

    async def test_a_layout_that_is_itself_behind_a_link_is_read_as_any(
        self, layout: Layout, folder: Path, tmp_path: Path
    ) -> None:
        await write(layout, WEB, image(), "1.4")
        tmp_path.joinpath("link").symlink_to(folder)

        linked = Layout(tmp_path / "link")

        assert (await linked.get_manifest(WEB, "1.4")).digest == image().digest

    async def test_pipes_folders_and_circles_are_no_blobs(
        self, layout: Layout, folder: Path
    ) -> None:
        await write(layout, WEB, image(), "1.4")
        pipe, inner, dangling = (digest_of(name) for name in (b"pipe", b"inner", b"dangling"))
        os.mkfifo(blob_path(folder, pipe))
        blob_path(folder, inner).mkdir()
        blob_path(folder, dangling).symlink_to("nowhere")

        for digest in (pipe, inner, dangling):
            assert await layout.blob_size(WEB, digest) is None
            with pytest.raises(errors.BlobNotFound):
                await read_blob(layout, WEB, digest)

    @pytest.mark.parametrize(
        "digest", ["sha256:../../../etc/passwd", "sha256:", "../x:y", "sha256:" + "A" * 64]
    )
    async def test_a_digest_that_is_none_never_becomes_a_path(
        self, layout: Layout, digest: str
    ) -> None:
        await write(layout, WEB, image(), "1.4")
        with pytest.raises(errors.InvalidManifest):
            await layout.blob_size(WEB, Digest(digest))
        with pytest.raises(errors.InvalidManifest):
            await read_blob(layout, WEB, Digest(digest))
        assert await layout.head_manifest(WEB, digest) is None

    async def test_a_blob_too_large_for_a_manifest_is_not_read_as_one(
        self, layout: Layout, folder: Path
    ) -> None:
        content = b" " * (4 * 1024 * 1024 + 1)
        await upload(layout, content)
        add_entry(folder, descriptor(OCI_MANIFEST, content))

        with pytest.raises(errors.TooLarge, match="4 MiB"):
            await layout.get_manifest("", digest_of(content))

    async def test_schema_1_is_refused_with_its_reason(self, layout: Layout, folder: Path) -> None:
        content = b'{"schemaVersion":1,"name":"web","fsLayers":[]}'
        await upload(layout, content)
        add_entry(folder, descriptor(OCI_MANIFEST, content))

        with pytest.raises(errors.UnsupportedManifest, match="schema 1"):
            await layout.get_manifest("", digest_of(content))

    async def test_entries_that_lead_nowhere_or_in_circles_end(
        self, layout: Layout, folder: Path
    ) -> None:
        web = index(index(image()), index(image()), image("missing"))
        await write(layout, WEB, web, "1.4")
        blob_path(folder, image("missing").digest).unlink()

        assert await layout.head_manifest(WEB, image("missing").digest) is None
        assert await layout.head_manifest(WEB, digest_of(b"x")) is None
        assert await layout.referrers(WEB, web.digest) == ()


class TestManyAtOnce:
    async def test_many_tags_written_at_once_cost_few_writes_of_the_index(
        self, layout: Layout, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        web = image()
        await write(layout, WEB, web)
        writes = 0
        replace_index = LayoutFiles._replace_index

        def counted(self: LayoutFiles, found: LayoutIndex) -> None:
            nonlocal writes
            writes += 1
            replace_index(self, found)

        monkeypatch.setattr(LayoutFiles, "_replace_index", counted)
        await asyncio.gather(
            *(layout.put_manifest(WEB, f"1.{n}", web.manifest) for n in range(900))
        )

        assert await all_of(layout.tags(WEB)) == [f"1.{n}" for n in range(900)]
        assert writes < 450

    async def test_one_that_fails_does_not_take_the_others_along(
        self, layout: Layout, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        web = image()
        await write(layout, WEB, web)
        update_index = LayoutFiles.update_index
        failures = iter([errors.DiskFull("full")])

        def fails_once(self: LayoutFiles, changes: tuple[Change, ...]) -> None:
            for failure in failures:
                raise failure
            update_index(self, changes)

        monkeypatch.setattr(LayoutFiles, "update_index", fails_once)
        done = await asyncio.gather(
            *(layout.put_manifest(WEB, f"1.{n}", web.manifest) for n in range(20)),
            return_exceptions=True,
        )

        written = [f"1.{n}" for n, answer in enumerate(done) if answer is True]
        assert len(written) == 19
        assert set(await all_of(layout.tags(WEB))) == set(written)

    async def test_one_that_is_cancelled_does_not_take_the_others_along(
        self, layout: Layout
    ) -> None:
        web = image()
        await write(layout, WEB, web)
        puts = [
            asyncio.create_task(layout.put_manifest(WEB, f"1.{n}", web.manifest)) for n in range(20)
        ]
        await asyncio.wait(puts, return_when=asyncio.FIRST_COMPLETED)
        for put in puts[::2]:
            put.cancel()
        done = await asyncio.gather(*puts, return_exceptions=True)

        tags = await all_of(layout.tags(WEB))
        assert {f"1.{n}" for n, answer in enumerate(done) if answer is True} <= set(tags)
        assert len(tags) >= 10

    async def test_an_unchanged_index_is_not_read_again(
        self, layout: Layout, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await write(layout, WEB, image(), "1.4")
        read = 0

        def counted(body: bytes) -> LayoutIndex:
            nonlocal read
            read += 1
            return parse_index(body)

        monkeypatch.setattr("transship.registries.layout_files.parse_index", counted)
        for _ in range(50):
            assert await layout.head_manifest(WEB, "1.4")
        assert read == 0

        await write(Layout(folder), WEB, image("other"), "1.5")

        assert await all_of(layout.tags(WEB)) == ["1.4", "1.5"]

    async def test_two_processes_write_into_one_folder(self, folder: Path) -> None:
        program = [sys.executable, "-c", WRITE_MANY, str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        processes = [subprocess.Popen([*program, name], env=environment) for name in ("one", "two")]
        assert [process.wait(60) for process in processes] == [0, 0]
        layout = Layout(folder)

        assert sorted(await all_of(layout.repositories())) == ["team/one", "team/two"]
        for name in ("one", "two"):
            assert len(await all_of(layout.tags(f"team/{name}"))) == 60
        assert own_files(folder) == []
        assert skopeo.inspect_raw(f"oci:{folder}:team/two:1.59")


WRITE_MANY = """
import asyncio, sys
from pathlib import Path
from samples.manifests import image, write
from transship.registries.layout import Layout

async def main(folder, name):
    layout = Layout(Path(folder), create=True)
    for n in range(60):
        await write(layout, f"team/{name}", image(f"{name}-{n % 3}"), f"1.{n}")

asyncio.run(main(*sys.argv[1:]))
"""


async def upload(layout: Layout, content: bytes, piece: int = 65536) -> None:
    if session := await layout.start_upload(WEB, digest_of(content)):
        await session.put(digest_of(content), len(content), stream(content, piece))


def own_files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def add_entry(folder: Path, entry: dict[str, object]) -> None:
    path = folder / "index.json"
    document = json.loads(path.read_bytes())
    document["manifests"].append(entry)
    path.write_bytes(encode(document))
