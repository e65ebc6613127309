from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transship.errors import DigestMismatch
from transship.oci.digest import Digest, digest_of
from transship.oci.manifest import Manifest, parse_manifest
from transship.oci.media_types import OCI_CONFIG, OCI_MANIFEST
from transship.sandbox.registry_server import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.close()


def manifest(content: bytes = b"{}", **fields: object) -> Manifest:
    config = {"mediaType": OCI_CONFIG, "digest": digest_of(content), "size": len(content)}
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}
    return parse_manifest(json.dumps(document | fields).encode())


def descriptor(of: Manifest) -> dict[str, object]:
    return {"mediaType": of.media_type, "digest": of.digest, "size": of.size}


def test_a_blob_is_seen_only_where_it_is_linked(store: Store) -> None:
    digest = store.add_blob("team/web", b"content")

    assert store.blob_size("team/web", digest) == 7
    assert store.blob_size("team/api", digest) is None

    store.link_blob("team/api", digest)
    assert store.blob_size("team/api", digest) == 7

    assert store.remove_blob("team/web", digest)
    assert not store.remove_blob("team/web", digest)
    assert store.blob_size("team/web", digest) is None
    assert store.blob_size("team/api", digest) == 7


def test_a_file_is_kept_only_under_its_own_digest(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(b"content")

    with pytest.raises(DigestMismatch):
        store.keep(file, digest_of(b"other"))
    assert file.read_bytes() == b"content"
    assert not store.path(digest_of(b"other")).exists()

    store.keep(file, digest_of(b"content", "sha512"))
    assert store.path(digest_of(b"content", "sha512")).read_bytes() == b"content"
    assert not file.exists()


def test_a_tag_moves_and_the_manifest_stays(store: Store) -> None:
    first, second = manifest(b"1"), manifest(b"2")
    store.put_manifest("team/web", first, "latest")
    store.put_manifest("team/web", second, "latest")

    assert store.find_manifest("team/web", "latest") == second
    assert store.find_manifest("team/web", first.digest) == first
    assert store.find_manifest("team/api", "latest") is None


def test_a_manifest_goes_with_its_tags_and_a_tag_goes_alone(store: Store) -> None:
    image = manifest()
    for tag in ("1.0", "latest"):
        store.put_manifest("team/web", image, tag)

    assert store.remove_tag("team/web", "latest")
    assert not store.remove_tag("team/web", "latest")
    assert store.tags("team/web") == ["1.0"]

    assert store.remove_manifest("team/web", image.digest)
    assert not store.remove_manifest("team/web", image.digest)
    assert store.tags("team/web") == []
    assert not store.has_repository("team/web")


def test_it_names_what_a_manifest_lacks(store: Store) -> None:
    image = manifest(b"config")
    child = descriptor(image)
    index = parse_manifest(json.dumps({"schemaVersion": 2, "manifests": [child]}).encode())

    assert store.missing_parts("team/web", image) == [digest_of(b"config")]
    assert store.missing_parts("team/web", index) == [image.digest]

    store.add_blob("team/web", b"config")
    store.put_manifest("team/web", image)
    assert store.missing_parts("team/web", image) == []
    assert store.missing_parts("team/web", index) == []
    assert store.missing_parts("team/api", index) == [image.digest]


def test_referrers_come_in_the_order_in_which_they_first_came(store: Store) -> None:
    image = manifest()
    referrers = [manifest(bytes([n]), subject=descriptor(image)) for n in range(3)]
    for referrer in (*referrers, referrers[0]):
        store.put_manifest("team/web", referrer)

    found = store.referrers("team/web", image.digest)
    assert [entry.digest for entry in found] == [referrer.digest for referrer in referrers]
    assert store.referrers("team/api", image.digest) == []


def test_it_is_all_there_again(store: Store, tmp_path: Path) -> None:
    store.add_blob("team/web", b"config")
    store.put_manifest("team/web", manifest(b"config"), "latest")
    store.close()

    again = Store(tmp_path)
    assert again.find_manifest("team/web", "latest") == manifest(b"config")
    assert again.blob_size("team/web", digest_of(b"config")) == 6
    again.close()


@settings(max_examples=20)
@given(
    tags=st.sets(st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,5}", fullmatch=True)),
    page=st.integers(1, 5),
)
def test_pages_together_are_the_whole_sorted_list(tags: set[str], page: int) -> None:
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for tag in tags:
            store.put_manifest("team/web", manifest(), tag)
        pages: list[str] = []
        while found := store.tags("team/web", pages[-1] if pages else "", page):
            assert len(found) <= page
            pages += found
        assert pages == store.tags("team/web") == sorted(tags)
        store.close()


def test_a_digest_is_kept_inside_the_folder(store: Store, tmp_path: Path) -> None:
    path = store.path(Digest("sha256:" + "a" * 64))

    assert path.is_relative_to(tmp_path)
