"""An OCI layout folder on disk: what is one, what a hostile one may do, and who writes into it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from samples.layouts import add_entry, all_of, blob_path, own_files, upload
from samples.manifests import descriptor, image, index, read_blob, write
from servers import skopeo
from transship import errors
from transship.oci.digest import Digest, digest_of
from transship.oci.media_types import OCI_MANIFEST
from transship.registry.layout import (
    IndexChange,
    LayoutFiles,
    LayoutIndex,
    LayoutRegistry,
    parse_index,
)

WEB = "team/web"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest.fixture
def layout(folder: Path) -> LayoutRegistry:
    return LayoutRegistry(folder, create=True)


class TestFolders:
    @pytest.mark.parametrize("create", [False, True])
    def test_a_folder_with_something_else_in_it_is_no_layout(
        self, tmp_path: Path, create: bool
    ) -> None:
        tmp_path.joinpath("letter.txt").write_text("Dear ...")
        with pytest.raises(errors.NotALayout, match="has no oci-layout file"):
            LayoutRegistry(tmp_path, create=create)

    def test_a_folder_that_is_not_there_is_no_layout(self, tmp_path: Path) -> None:
        with pytest.raises(errors.NotALayout, match="absent doesn't exist"):
            LayoutRegistry(tmp_path / "absent")

    def test_an_archive_is_no_layout(self, tmp_path: Path) -> None:
        tmp_path.joinpath("images.tar").touch()
        with pytest.raises(errors.NotALayout, match="is a file, not a folder"):
            LayoutRegistry(tmp_path / "images.tar", create=True)

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
            LayoutRegistry(tmp_path, create=True)

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
            LayoutRegistry(tmp_path)

    def test_a_layout_without_its_index_is_none(self, tmp_path: Path) -> None:
        tmp_path.joinpath("oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        with pytest.raises(errors.NotALayout, match=r"has no index\.json"):
            LayoutRegistry(tmp_path)

    async def test_a_folder_whose_maker_was_interrupted_is_made_whole(self, folder: Path) -> None:
        folder.joinpath("blobs").mkdir(parents=True)
        folder.joinpath("oci-layout").touch()
        folder.joinpath(".transship-index").touch()

        await write(LayoutRegistry(folder, create=True), WEB, image(), "1.4")

        assert skopeo.inspect_raw(f"oci:{folder}:team/web:1.4") == image().manifest.body

    async def test_an_interrupted_job_leaves_a_layout_that_can_be_read(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        assert await layout.start_upload(WEB, digest_of(b"x"))

        assert await all_of(LayoutRegistry(folder).repositories()) == []

    async def test_a_refused_write_is_named(
        self, layout: LayoutRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(*_: object, **__: object) -> None:
            raise PermissionError(13, os.strerror(13), "images")

        monkeypatch.setattr(Path, "mkdir", refused)
        with pytest.raises(errors.NoRight, match="images: Permission denied"):
            await layout.start_upload(WEB, digest_of(b"x"))


class TestHostileFolders:
    async def test_a_link_to_a_file_of_this_machine_gives_nothing_away(
        self, layout: LayoutRegistry, folder: Path, tmp_path: Path
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
        self, layout: LayoutRegistry, folder: Path, tmp_path: Path
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
        self, layout: LayoutRegistry, folder: Path, tmp_path: Path
    ) -> None:
        await write(layout, WEB, image(), "1.4")
        tmp_path.joinpath("link").symlink_to(folder)

        linked = LayoutRegistry(tmp_path / "link")

        assert (await linked.get_manifest(WEB, "1.4")).digest == image().digest

    async def test_pipes_folders_and_circles_are_no_blobs(
        self, layout: LayoutRegistry, folder: Path
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
        self, layout: LayoutRegistry, digest: str
    ) -> None:
        await write(layout, WEB, image(), "1.4")
        with pytest.raises(errors.InvalidManifest):
            await layout.blob_size(WEB, Digest(digest))
        with pytest.raises(errors.InvalidManifest):
            await read_blob(layout, WEB, Digest(digest))
        assert await layout.head_manifest(WEB, digest) is None

    async def test_a_blob_too_large_for_a_manifest_is_not_read_as_one(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        content = b" " * (4 * 1024 * 1024 + 1)
        await upload(layout, content)
        add_entry(folder, descriptor(OCI_MANIFEST, content))

        with pytest.raises(errors.TooLarge, match=r"4\.0 MiB"):
            await layout.get_manifest("", digest_of(content))

    async def test_schema_1_is_refused_with_its_reason(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        content = b'{"schemaVersion":1,"name":"web","fsLayers":[]}'
        await upload(layout, content)
        add_entry(folder, descriptor(OCI_MANIFEST, content))

        with pytest.raises(errors.UnsupportedManifest, match="schema 1"):
            await layout.get_manifest("", digest_of(content))

    async def test_entries_that_lead_nowhere_or_in_circles_end(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        web = index(index(image()), index(image()), image("missing"))
        await write(layout, WEB, web, "1.4")
        blob_path(folder, image("missing").digest).unlink()

        assert await layout.head_manifest(WEB, image("missing").digest) is None
        assert await layout.head_manifest(WEB, digest_of(b"x")) is None
        assert await layout.referrers(WEB, web.digest) == ()

    async def test_indexes_that_share_their_children_are_read_once_each(
        self, layout: LayoutRegistry
    ) -> None:
        pair = [image("left"), image("right")]
        for sample in pair:
            await write(layout, WEB, sample)
        for _ in range(40):
            pair = [index(*pair, annotations={"side": side}) for side in ("left", "right")]
            for sample in pair:
                await layout.put_manifest(WEB, sample.digest, sample.manifest)

        assert await layout.head_manifest(WEB, digest_of(b"x")) is None
        assert await layout.head_manifest(WEB, image("left").digest)


class TestManyAtOnce:
    async def test_many_tags_written_at_once_cost_few_writes_of_the_index(
        self, layout: LayoutRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        web = image()
        await write(layout, WEB, web)
        writes = 0
        update_index = LayoutFiles.update_index

        def counted(self: LayoutFiles, changes: tuple[IndexChange, ...]) -> None:
            nonlocal writes
            writes += 1
            update_index(self, changes)

        monkeypatch.setattr(LayoutFiles, "update_index", counted)
        await asyncio.gather(
            *(layout.put_manifest(WEB, f"1.{n}", web.manifest) for n in range(900))
        )

        assert set(await all_of(layout.tags(WEB))) == {f"1.{n}" for n in range(900)}
        assert writes < 450

    async def test_one_that_fails_does_not_take_the_others_along(
        self, layout: LayoutRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        web = image()
        await write(layout, WEB, web)
        update_index = LayoutFiles.update_index
        failures = iter([errors.DiskFull("full")])

        def fails_once(self: LayoutFiles, changes: tuple[IndexChange, ...]) -> None:
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
        self, layout: LayoutRegistry
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
        self, layout: LayoutRegistry, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await write(layout, WEB, image(), "1.4")
        read = 0

        def counted(body: bytes) -> LayoutIndex:
            nonlocal read
            read += 1
            return parse_index(body)

        monkeypatch.setattr("transship.registry.layout.parse_index", counted)
        for _ in range(50):
            assert await layout.head_manifest(WEB, "1.4")
        assert read == 0

        await write(LayoutRegistry(folder), WEB, image("other"), "1.5")

        assert await all_of(layout.tags(WEB)) == ["1.4", "1.5"]

    async def test_two_processes_write_into_one_folder(self, folder: Path) -> None:
        program = [sys.executable, "-c", WRITE_MANY, str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        processes = [subprocess.Popen([*program, name], env=environment) for name in ("one", "two")]
        assert [process.wait(60) for process in processes] == [0, 0]
        layout = LayoutRegistry(folder)

        assert sorted(await all_of(layout.repositories())) == ["team/one", "team/two"]
        for name in ("one", "two"):
            assert len(await all_of(layout.tags(f"team/{name}"))) == 60
        assert own_files(folder) == []
        assert skopeo.inspect_raw(f"oci:{folder}:team/two:1.59")


WRITE_MANY = """
import asyncio, sys
from pathlib import Path
from samples.manifests import image, write
from transship.registry.layout import LayoutRegistry

async def main(folder, name):
    layout = LayoutRegistry(Path(folder), create=True)
    for n in range(60):
        await write(layout, f"team/{name}", image(f"{name}-{n % 3}"), f"1.{n}")

asyncio.run(main(*sys.argv[1:]))
"""
