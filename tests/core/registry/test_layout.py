"""An OCI layout folder is a place like any other; skopeo judges what stands in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from samples.layouts import all_of, blob_path, entries
from samples.manifests import artifact, image, index, read_blob, write
from servers import skopeo
from servers.images import push_image, push_index
from transship import errors
from transship.oci.digest import digest_of
from transship.oci.media_types import OCI_MANIFEST
from transship.registry.layout import LayoutRegistry
from transship.registry.registry import Registry

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry

WEB = "team/web"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest.fixture
def layout(folder: Path) -> LayoutRegistry:
    return LayoutRegistry(folder, create=True)


def test_it_is_a_place_that_holds_images(layout: LayoutRegistry, folder: Path) -> None:
    place: Registry = layout

    assert place.name == f"layout:{folder}"
    assert place.capabilities.resumable


class TestWrittenByUsReadBySkopeo:
    async def test_an_image_is_found_under_its_repository_and_tag(
        self, layout: LayoutRegistry, folder: Path, tmp_path: Path
    ) -> None:
        sample = image()
        await write(layout, WEB, sample, "1.4")

        assert skopeo.inspect_raw(f"oci:{folder}:team/web:1.4") == sample.manifest.body
        skopeo.copy(f"oci:{folder}:team/web:1.4", f"dir:{tmp_path / 'copy'}")
        assert {digest_of(f.read_bytes()) for f in (tmp_path / "copy").iterdir()} >= set(
            sample.blobs
        )

    async def test_a_tag_without_a_repository_is_written_bare(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        await write(layout, "", image(), "1.4")

        assert skopeo.inspect_raw(f"oci:{folder}:1.4") == image().manifest.body

    async def test_an_index_is_copied_with_its_children_and_its_signature_is_tolerated(
        self, layout: LayoutRegistry, folder: Path, tmp_path: Path
    ) -> None:
        web = index(image("amd"), image("arm", platform="linux/arm64"))
        await write(layout, WEB, web, "1.4")
        await write(layout, WEB, artifact("signature", web))

        skopeo.copy(f"oci:{folder}:team/web:1.4", f"oci:{tmp_path / 'copy'}:x")

        assert skopeo.digest(f"oci:{tmp_path / 'copy'}:x") == web.digest
        for child in web.children:
            assert blob_path(tmp_path / "copy", child.digest).exists()

    async def test_a_docker_image_keeps_its_bytes_and_skopeo_finds_it_alone_in_its_folder(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        docker = image("old", docker=True)
        await write(layout, "", docker, "1.4")

        assert (await layout.get_manifest("", "1.4")).body == docker.manifest.body
        assert skopeo.inspect_raw(f"oci:{folder}") == docker.manifest.body

    async def test_skopeo_may_write_into_our_folder_and_moves_our_tag(
        self, layout: LayoutRegistry, folder: Path, tmp_path: Path
    ) -> None:
        first, second = image("first"), image("second")
        signature = artifact("signature", first)
        await write(layout, WEB, first, "1.4")
        await write(layout, WEB, first, "1.3")
        await write(layout, WEB, signature)
        other = LayoutRegistry(tmp_path / "other", create=True)
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
        layout = LayoutRegistry(folder)

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
        layout = LayoutRegistry(folder)

        found = await layout.get_manifest("", "1.4")

        assert found.digest == pushed.digest
        assert [child.digest for child in found.children] == [child.digest for child in children]
        for child in children:
            read = await layout.get_manifest("", child.digest)
            assert read.body == child.content


class TestNames:
    async def test_several_repositories_share_a_folder_and_their_blobs(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        await write(layout, WEB, image(), "1.4")
        blob = next(iter(image().blobs))

        assert await layout.start_upload("team/api", blob, mount_from=WEB) is None
        await layout.put_manifest("team/api", "2.0", image().manifest)
        await write(layout, "", image("other"), "latest")

        assert await all_of(layout.repositories()) == [WEB, "team/api", ""]
        assert await all_of(layout.tags("team/api")) == ["2.0"]
        assert await layout.blob_size("team/api", blob) == len(image().blobs[blob])

    async def test_a_repository_that_is_not_there_is_named(self, layout: LayoutRegistry) -> None:
        await write(layout, WEB, image(), "1.4")

        with pytest.raises(errors.RepositoryNotFound, match="team/ap"):
            await all_of(layout.tags("team/ap"))

    async def test_a_tag_that_moves_leaves_the_old_image_to_its_digest(
        self, layout: LayoutRegistry, folder: Path
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

    async def test_names_that_would_be_lost_are_refused(self, layout: LayoutRegistry) -> None:
        with pytest.raises(errors.BadReference):
            await layout.put_manifest("Team", "1.4", image().manifest)
        with pytest.raises(errors.BadReference):
            await layout.put_manifest(WEB, "a tag", image().manifest)
        with pytest.raises(errors.DigestMismatch):
            await layout.put_manifest(WEB, digest_of(b"other"), image().manifest)

    async def test_a_digest_is_in_the_repositories_that_reach_it_and_in_no_other(
        self, layout: LayoutRegistry
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

    async def test_what_is_not_there_is_not_found(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
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
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        web = index(index(image("one")), image("two"))
        await write(layout, WEB, web, "1.4")

        assert [entry["digest"] for entry in entries(folder)] == [web.digest]

    async def test_until_the_index_is_written_its_children_can_be_found(
        self, layout: LayoutRegistry
    ) -> None:
        child = image()
        await write(layout, WEB, child)

        assert (await layout.get_manifest(WEB, child.digest)).body == child.manifest.body
        assert await all_of(layout.repositories()) == [WEB]
        assert await all_of(layout.tags(WEB)) == []

    async def test_a_signature_is_listed_for_what_it_signs_in_its_repository_only(
        self, layout: LayoutRegistry, folder: Path
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
        self, layout: LayoutRegistry
    ) -> None:
        web = image()
        signature = artifact("signature", web)
        await write(layout, WEB, web, "1.4")
        await write(layout, WEB, index(signature), f"sha256-{web.digest.removeprefix('sha256:')}")

        found = await layout.referrers(WEB, web.digest)

        assert [referrer.digest for referrer in found] == [signature.digest]

    async def test_a_new_referrer_is_seen_at_once(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        web = image()
        await write(layout, WEB, web, "1.4")
        reader = LayoutRegistry(folder)
        assert await reader.referrers(WEB, web.digest) == ()

        assert await layout.put_manifest(WEB, "1.4", web.manifest)
        await write(layout, WEB, artifact("signature", web))

        assert len(await reader.referrers(WEB, web.digest)) == 1

    async def test_an_image_is_refused_while_a_part_of_it_is_missing(
        self, layout: LayoutRegistry, folder: Path
    ) -> None:
        web = image()
        with pytest.raises(errors.ManifestBlobUnknown, match=str(web.manifest.blobs[0].digest)):
            await layout.put_manifest(WEB, "1.4", web.manifest)
        with pytest.raises(errors.ManifestBlobUnknown, match=web.digest):
            await layout.put_manifest(WEB, "1.4", index(web).manifest)

        assert entries(folder) == []
