"""Blobs of an OCI layout folder: written whole, proven before they are given away."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from samples.layouts import blob_path, own_files, upload
from samples.manifests import encode, image, read_blob, stream, write
from transship import errors
from transship.oci.digest import digest_of
from transship.oci.manifest import parse_manifest
from transship.registry.layout import LayoutRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


WEB = "team/web"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest.fixture
def layout(folder: Path) -> LayoutRegistry:
    return LayoutRegistry(folder, create=True)


class TestBlobs:
    async def test_a_blob_is_read_from_any_offset(self, layout: LayoutRegistry) -> None:
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
        self, layout: LayoutRegistry, content: bytes
    ) -> None:
        await upload(layout, content)

        assert await layout.blob_size(WEB, digest_of(content)) == len(content)
        assert await read_blob(layout, WEB, digest_of(content)) == content

    async def test_a_sha512_blob_stands_in_a_folder_of_its_own(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        digest = digest_of(b"content", "sha512")
        session = await layout.start_upload(WEB, digest)
        assert session
        await session.put(digest, 7, stream(b"content"))

        assert blob_path(folder, digest).read_bytes() == b"content"

    async def test_an_image_known_by_sha512_keeps_that_name(self, layout: LayoutRegistry) -> None:
        web = image(algorithm="sha512")
        await write(layout, WEB, web, "1.4")

        assert (await layout.get_manifest(WEB, "1.4")).digest == web.digest
        assert web.digest.startswith("sha512:")

    async def test_a_blob_goes_on_after_a_crash_from_its_last_whole_piece(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        content = os.urandom(3_000_000)
        session = await layout.start_upload(WEB, digest_of(content))
        assert session
        await session.append(2_000_000, stream(content[:2_000_000]))
        assert session.offset == 2_000_000
        with folder.joinpath(session.location.partition("@")[0]).open("ab") as file:
            file.write(b"a piece that was cut")

        again = await LayoutRegistry(folder).resume_upload(WEB, session.location)
        assert again.offset == 2_000_000
        await again.append(1_000_000, stream(content[2_000_000:]))
        await again.finish(digest_of(content))

        assert await read_blob(layout, WEB, digest_of(content)) == content
        assert own_files(folder) == []

    async def test_a_piece_whose_source_breaks_off_is_sent_again(
        self, layout: LayoutRegistry
    ) -> None:
        content = os.urandom(2_200_000)

        async def broken() -> AsyncIterator[bytes]:
            yield content[200_000:1_500_000]
            raise errors.ConnectionLost

        session = await layout.start_upload(WEB, digest_of(content))
        assert session
        await session.append(200_000, stream(content[:200_000]))
        with pytest.raises(errors.ConnectionLost):
            await session.append(2_000_000, broken())
        assert session.offset == 200_000

        await session.append(2_000_000, stream(content[200_000:]))
        await session.finish(digest_of(content))

        assert await read_blob(layout, WEB, digest_of(content)) == content

    async def test_an_upload_that_lost_bytes_is_lost(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        session = await layout.start_upload(WEB, digest_of(b"content"))
        assert session
        await session.append(3, stream(b"con"))
        os.truncate(folder / session.location.partition("@")[0], 2)
        with pytest.raises(errors.UploadLost):
            await layout.resume_upload(WEB, session.location)

    async def test_what_a_job_left_a_week_ago_is_cleared_away(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        for age in (6, 8):
            session = await layout.start_upload(WEB, digest_of(b"content"))
            assert session
            then = time.time() - age * 24 * 3600
            os.utime(folder / session.location.partition("@")[0], (then, then))
        assert len(own_files(folder)) == 2

        await upload(LayoutRegistry(folder), b"other")

        assert len(own_files(folder)) == 1

    async def test_a_second_put_in_one_session_starts_anew(self, layout: LayoutRegistry) -> None:
        content = os.urandom(1_500_000)
        session = await layout.start_upload(WEB, digest_of(content))
        assert session
        await session.append(1_200_000, stream(b"x" * 1_200_000))
        await session.put(digest_of(content), len(content), stream(content))

        assert await read_blob(layout, WEB, digest_of(content)) == content

    async def test_what_a_session_held_before_does_not_stay_behind_the_blob(
        self, layout: LayoutRegistry
    ) -> None:
        digest = digest_of(b"content")
        session = await layout.start_upload(WEB, digest)
        assert session
        await session.append(20, stream(b"much longer than it!"))
        with pytest.raises(errors.DigestMismatch):
            await session.put(digest, 7, stream(b"content"))

        assert await layout.blob_size(WEB, digest) is None

    async def test_a_wrong_blob_is_forgotten(self, layout: LayoutRegistry, folder: Path) -> None:
        digest = digest_of(b"right")
        session = await layout.start_upload(WEB, digest)
        assert session
        with pytest.raises(errors.DigestMismatch):
            await session.put(digest, 5, stream(b"wrong"))

        assert await layout.blob_size(WEB, digest) is None
        assert own_files(folder) == []
        with pytest.raises(errors.UploadLost):
            await layout.resume_upload(WEB, session.location)

    async def test_a_wrong_rest_after_a_resume_is_noticed(self, layout: LayoutRegistry) -> None:
        digest = digest_of(b"right rest")
        session = await layout.start_upload(WEB, digest)
        assert session
        await session.append(5, stream(b"right"))
        again = await layout.resume_upload(WEB, session.location)
        await again.append(5, stream(b" fest"))
        with pytest.raises(errors.DigestMismatch):
            await again.finish(digest)

    async def test_a_piece_of_another_length_is_noticed(self, layout: LayoutRegistry) -> None:
        session = await layout.start_upload(WEB, digest_of(b"right"))
        assert session
        with pytest.raises(errors.DigestMismatch, match="3 of 5 bytes"):
            await session.append(5, stream(b"rig"))

    async def test_a_cancelled_upload_leaves_nothing(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
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

    @pytest.mark.parametrize(
        "location",
        ["", "index.json@0", "../secret@0", f".transship-upload-{0:032}", ".transship-index@0"],
    )
    async def test_only_what_we_started_is_resumed(
        self, layout: LayoutRegistry, location: str
    ) -> None:
        await write(layout, WEB, image(), "1.4")
        with pytest.raises(errors.UploadLost):
            await layout.resume_upload(WEB, location)

    async def test_a_blob_that_two_write_at_once_is_there_once(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        content = os.urandom(100_000)
        await asyncio.gather(*(upload(layout, content) for _ in range(8)))

        assert own_files(folder) == []
        assert await read_blob(layout, WEB, digest_of(content)) == content

    async def test_a_full_disk_is_named(
        self, layout: LayoutRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_room(*_: object) -> int:
            raise OSError(28, os.strerror(28))

        session = await layout.start_upload(WEB, digest_of(b"content"))
        assert session
        monkeypatch.setattr(os, "pwrite", no_room)
        with pytest.raises(errors.DiskFull, match="No space left"):
            await session.append(7, stream(b"content"))


class TestDamage:
    async def test_a_damaged_manifest_is_noticed(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        web = image()
        await write(layout, WEB, web, "1.4")
        blob_path(folder, web.digest).write_bytes(web.manifest.body.replace(b"layers", b"LAYERS"))
        with pytest.raises(errors.DigestMismatch):
            await layout.get_manifest(WEB, "1.4")

        await layout.put_manifest(WEB, "1.4", web.manifest)

        assert (await layout.get_manifest(WEB, "1.4")).body == web.manifest.body

    async def test_a_cut_manifest_counts_as_missing_so_that_a_copy_mends_it(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        web = image()
        await write(layout, WEB, web, "1.4")
        blob_path(folder, web.digest).write_bytes(web.manifest.body[:100])

        assert await layout.head_manifest(WEB, "1.4") is None
        assert await layout.referrers(WEB, digest_of(b"x")) == ()

    async def test_a_cut_layer_is_taken_away_and_can_be_sent_again(
        self, layout: LayoutRegistry, folder: Path
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
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        web = image()
        await write(layout, WEB, web, "1.3")
        document = json.loads(web.manifest.body)
        document["layers"][0]["size"] += 1
        wrong = type(web)(parse_manifest(encode(document)), web.blobs)

        await write(layout, WEB, wrong, "wrong")

        assert await layout.blob_size(WEB, web.manifest.layers[0].digest) is not None
