"""Manifests as they stand in registries, well-formed and otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.manifests import artifact, descriptor, encode, image, index
from transship.errors import InvalidManifest, UnsupportedManifest
from transship.oci.digest import Digest, digest_of
from transship.oci.manifest import (
    Descriptor,
    Manifest,
    descriptor_document,
    filter_index,
    make_index,
    parse_manifest,
)
from transship.oci.media_types import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    DOCKER_SCHEMA1_SIGNED,
    OCI_ARTIFACT,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    ORAS_ARTIFACT,
)
from transship.oci.platform import Platform, parse_platform

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = descriptor(OCI_CONFIG, b"{}")


def parsed(media_type: str = "", **document: Any) -> Manifest:
    return parse_manifest(encode({"schemaVersion": 2, **document}), media_type)


def entry(name: str, media_type: str = OCI_MANIFEST, **more: Any) -> dict[str, Any]:
    return descriptor(media_type, name.encode(), **more)


def on(os: str, architecture: str, **more: Any) -> dict[str, Any]:
    return {"platform": {"os": os, "architecture": architecture, **more}}


class TestImages:
    @pytest.mark.parametrize("docker", [False, True])
    def test_an_image_has_a_config_and_layers(self, docker: bool) -> None:
        web = image(docker=docker).manifest

        assert web.is_image
        assert not web.is_index
        assert web.media_type == (DOCKER_MANIFEST if docker else OCI_MANIFEST)
        assert web.digest == digest_of(web.body)
        assert web.size == len(web.body)
        assert [blob.digest for blob in web.blobs] == list(image(docker=docker).blobs)
        assert web.children == ()

    def test_a_layer_that_is_there_twice_is_needed_once(self) -> None:
        layer, empty = descriptor(LAYER, b"layer"), descriptor(LAYER, b"")
        web = parsed(config=CONFIG, layers=[layer, empty, layer, empty, CONFIG])

        assert [blob.size for blob in web.blobs] == [2, 5, 0]
        assert len(web.layers) == 5

    def test_foreign_layers_stay_where_they_are(self) -> None:
        kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
        foreign = descriptor(kind, b"foreign", urls=["https://elsewhere.example/x"])
        pushed_after_all = descriptor(kind, b"pushed")
        mirrored = descriptor(LAYER, b"layer", urls=["https://elsewhere.example/y"])
        web = parsed(config=CONFIG, layers=[foreign, pushed_after_all, mirrored])

        assert [blob.digest for blob in web.blobs[1:]] == [
            digest_of(b"pushed"),
            digest_of(b"layer"),
        ]

    def test_a_descriptor_that_embeds_its_content_is_a_blob_like_any_other(self) -> None:
        web = parsed(config={**descriptor(OCI_EMPTY, b"{}"), "data": "e30="}, layers=[])

        assert [blob.digest for blob in web.blobs] == [digest_of(b"{}")]

    def test_sha512_digests_are_as_good(self) -> None:
        layer = {"mediaType": LAYER, "digest": digest_of(b"x", "sha512"), "size": 1}

        assert parsed(config=CONFIG, layers=[layer]).blobs[1].digest.startswith("sha512:")

    def test_an_artifact_is_no_image_and_says_what_it_is(self) -> None:
        web = image()
        note = artifact("note", web).manifest

        assert not note.is_image
        assert note.artifact_type == "application/x-note"
        assert note.subject is not None
        assert note.subject.digest == web.digest
        assert note.descriptor().artifact_type == "application/x-note"

    def test_the_type_of_the_config_stands_in_for_an_artifacts_own(self) -> None:
        chart = parsed(
            config=descriptor("application/vnd.cncf.helm.config.v1+json", b"{}"),
            layers=[],
            annotations={"org.opencontainers.image.title": "chart"},
        )

        assert not chart.is_image
        assert chart.descriptor().artifact_type == "application/vnd.cncf.helm.config.v1+json"
        assert chart.descriptor().annotations == {"org.opencontainers.image.title": "chart"}


class TestIndexes:
    def test_the_children_of_an_index_are_its_manifests_in_order(self) -> None:
        inner = index(image("one"))
        web = index(inner, image("two"), image("two")).manifest

        assert web.is_index
        assert not web.is_image
        assert [child.digest for child in web.children] == [inner.digest, image("two").digest]
        assert web.blobs == ()

    def test_platforms_are_listed_once_and_attestations_are_none(self) -> None:
        found = parsed(
            OCI_INDEX,
            manifests=[
                entry("a", **on("linux", "amd64")),
                entry("b", **on("linux", "arm", variant="v7")),
                entry(
                    "c",
                    **on("unknown", "unknown"),
                    annotations={"vnd.docker.reference.type": "attestation-manifest"},
                ),
                entry("d"),
                entry("e", platform={}),
                entry("f", platform=None),
                entry("g", **on("windows", "amd64", **{"os.version": "10.0.17763.1"})),
                entry("h", **on("windows", "amd64", **{"os.version": "10.0.20348.1"})),
            ],
        )

        assert [str(p) for p in found.platforms] == [
            "linux/amd64",
            "linux/arm/v7",
            "windows/amd64",
        ]
        assert len(found.children) == 8
        windows = [e for e in found.entries if e.platform and e.platform.os == "windows"]
        assert len(windows) == 2
        assert windows[0].platform == windows[1].platform == parse_platform("windows/amd64")

    def test_a_cache_of_buildkit_points_at_blobs(self) -> None:
        cache = parsed(
            OCI_INDEX,
            manifests=[
                entry("layer", LAYER),
                entry("config", "application/vnd.buildkit.cacheconfig.v0"),
            ],
        )

        assert cache.children == ()
        assert [blob.digest for blob in cache.blobs] == [digest_of(b"layer"), digest_of(b"config")]

    @pytest.mark.parametrize("media_type", [DOCKER_SCHEMA1_SIGNED, OCI_ARTIFACT, ORAS_ARTIFACT, ""])
    def test_children_that_can_not_be_moved_are_still_looked_for_among_manifests(
        self, media_type: str
    ) -> None:
        found = parsed(OCI_INDEX, manifests=[entry("old", media_type)])

        assert [child.digest for child in found.children] == [digest_of(b"old")]
        assert found.blobs == ()


class TestMediaTypes:
    @pytest.mark.parametrize("content_type", ["", "application/json", "text/plain; charset=utf-8"])
    def test_without_a_media_type_the_shape_decides(self, content_type: str) -> None:
        assert parsed(content_type, config=CONFIG, layers=[]).media_type == OCI_MANIFEST
        assert parsed(content_type, manifests=[entry("x")]).media_type == OCI_INDEX
        assert parsed(content_type, manifests=[]).media_type == OCI_INDEX

    def test_a_body_without_one_takes_the_one_of_the_answer(self) -> None:
        assert parsed(DOCKER_LIST, manifests=[]).media_type == DOCKER_LIST
        found = parsed(f"{DOCKER_MANIFEST}; charset=utf-8", config=CONFIG, layers=[])
        assert found.media_type == DOCKER_MANIFEST

    def test_the_bodys_own_comes_first(self) -> None:
        found = parsed(OCI_MANIFEST, mediaType=DOCKER_MANIFEST, config=CONFIG, layers=[])
        assert found.media_type == DOCKER_MANIFEST

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b'{"schemaVersion":1,"name":"web","tag":"1","fsLayers":[],"history":[]}', ""),
            (b'{"schemaVersion":1,"fsLayers":[]}', OCI_MANIFEST),
            (b"{}", DOCKER_SCHEMA1_SIGNED),
        ],
    )
    def test_schema_1_is_refused_with_its_reason(self, body: bytes, content_type: str) -> None:
        with pytest.raises(UnsupportedManifest, match="schema 1") as caught:
            parse_manifest(body, content_type)
        assert "pulled and pushed again" in caught.value.remedy

    @pytest.mark.parametrize("media_type", [OCI_ARTIFACT, ORAS_ARTIFACT, "application/x-mystery"])
    def test_other_kinds_are_refused_by_name(self, media_type: str) -> None:
        body = encode({"mediaType": media_type, "artifactType": "x", "blobs": []})
        with pytest.raises(UnsupportedManifest, match=media_type.replace("+", r"\+")) as caught:
            parse_manifest(body)
        assert "schema 1" not in caught.value.remedy


class TestWhatIsWrittenInTheWild:
    def test_go_writes_null_for_what_is_empty(self) -> None:
        nothing = dict.fromkeys(["layers", "manifests", "subject", "artifactType", "annotations"])
        config = {**CONFIG, "platform": None, "annotations": None, "urls": None}

        found = parsed(OCI_MANIFEST, mediaType=None, config=config, **nothing)

        assert found == parsed(OCI_MANIFEST, mediaType=None, config=config, **nothing)
        assert (found.layers, found.entries, found.subject, found.annotations) == ((), (), None, {})

    def test_an_index_may_have_null_for_its_entries_and_in_them(self) -> None:
        assert parsed(OCI_INDEX, manifests=None, config=None, layers=None).entries == ()
        platform = {"os": "linux", "architecture": None, "variant": None, "os.features": None}
        found = parsed(
            manifests=[entry("x", platform=platform, annotations={"a": None}, artifactType=None)]
        )
        assert found.entries[0].platform == Platform("linux", "")
        assert found.entries[0].annotations == {"a": ""}

    def test_of_two_keys_with_one_name_the_last_counts_as_in_go(self) -> None:
        one, two = encode([entry("one")]), encode([entry("two")])
        body = b'{"schemaVersion":2,"manifests":%s,"manifests":%s}' % (one, two)

        assert [child.digest for child in parse_manifest(body).children] == [digest_of(b"two")]
        assert filter_index(parse_manifest(body), [digest_of(b"one")]).entries == ()

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b"<html>",
            b'\xef\xbb\xbf{"schemaVersion":2}',
            b'{"schemaVersion":2,"mediaType":"\xff"}',
            b'{"schemaVersion":2,"x":' + b"[" * 1_000_000,
            b'{"schemaVersion":2,"manifests":[null]}',
            b'{"schemaVersion":"2","manifests":[]}',
            b'{"manifests":[]}',
            b'{"schemaVersion":3,"manifests":[]}',
            b'{"schemaVersion":2}',
            b'{"schemaVersion":2,"manifests":[{"digest":"sha256:1","size":1}]}',
            encode({"schemaVersion": 2, "manifests": [{**entry("x"), "size": -1}]}),
            encode({"schemaVersion": 2, "manifests": [{**entry("x"), "size": 10**30}]}),
            encode({"schemaVersion": 2, "manifests": [{**entry("x"), "size": "1"}]}),
        ],
    )
    def test_damaged_documents_are_refused(self, body: bytes) -> None:
        with pytest.raises(InvalidManifest):
            parse_manifest(body, OCI_INDEX if b"manifests" in body else "")

    @pytest.mark.parametrize(
        "document",
        [
            {"mediaType": OCI_INDEX, "manifests": [], "layers": [entry("x")]},
            {"mediaType": OCI_INDEX, "manifests": [], "config": CONFIG},
            {"mediaType": OCI_MANIFEST, "config": CONFIG, "manifests": [entry("x")]},
            {"mediaType": OCI_MANIFEST, "layers": []},
        ],
    )
    def test_a_document_that_reads_in_two_ways_is_refused(self, document: dict[str, Any]) -> None:
        with pytest.raises(InvalidManifest, match="must"):
            parsed(**document)

    def test_an_error_names_the_place(self) -> None:
        with pytest.raises(InvalidManifest, match=r"\$\.layers\[0\]"):
            parsed(config=CONFIG, layers=[{"digest": digest_of(b""), "size": None}])

    @given(st.binary())
    def test_any_bytes_are_a_manifest_or_are_refused(self, body: bytes) -> None:
        with pytest.raises((InvalidManifest, UnsupportedManifest)):
            parse_manifest(body)


_TEXT = st.text(max_size=10)
_SIZES = st.integers(0, 1 << 40)
_ENTRIES = st.fixed_dictionaries(
    {
        "mediaType": st.sampled_from([OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, LAYER]),
        "digest": st.binary(max_size=2).map(digest_of),
        "size": _SIZES,
    },
    optional={
        "platform": st.fixed_dictionaries(
            {"os": st.sampled_from(["linux", "windows", "unknown"]), "architecture": _TEXT},
            optional={"os.version": _TEXT, "os.features": st.lists(_TEXT), "variant": _TEXT},
        ),
        "annotations": st.dictionaries(_TEXT, _TEXT, max_size=2),
        "urls": st.lists(_TEXT, max_size=2),
        "data": _TEXT,
        "x-future": st.none() | st.floats(allow_nan=False, allow_infinity=False) | _SIZES,
    },
)


class TestFilteredIndexes:
    @given(st.lists(_ENTRIES, max_size=5), st.dictionaries(_TEXT, _TEXT, max_size=2), st.data())
    def test_what_is_kept_stays_as_it_was_in_its_order(
        self, entries: list[dict[str, Any]], annotations: dict[str, str], data: st.DataObject
    ) -> None:
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": entries,
            "annotations": annotations,
            "x-future": [1.5, None, 10**25],
        }
        whole = parse_manifest(encode(document))
        digests = [e["digest"] for e in entries]
        keep = data.draw(st.sets(st.sampled_from(digests)) if digests else st.just(set[Digest]()))

        part = filter_index(whole, keep)

        kept = [e for e in entries if e["digest"] in keep]
        assert json.loads(part.body) == {**document, "manifests": kept}
        assert part.digest == digest_of(part.body)
        assert filter_index(part, keep) == part

    def test_a_docker_list_without_a_media_type_of_its_own_stays_one(self) -> None:
        whole = parsed(DOCKER_LIST, manifests=[entry("a"), entry("b")])

        part = filter_index(whole, [digest_of(b"b")])

        assert part.media_type == DOCKER_LIST
        assert [e.digest for e in part.entries] == [digest_of(b"b")]

    def test_null_entries_bad_text_and_deep_documents_are_no_trap(self) -> None:
        assert filter_index(parsed(OCI_INDEX, manifests=None), []).entries == ()
        with pytest.raises(InvalidManifest):
            filter_index(parse_manifest(b'{"schemaVersion":2,"manifests":[],"x":"\xff"}'), [])
        for depth in range(700, 1100, 25):
            body = b'{"schemaVersion":2,"manifests":[],"x":%s%s}' % (b"[" * depth, b"]" * depth)
            try:
                filter_index(parse_manifest(body), [])
            except InvalidManifest:
                continue


class TestNewIndexes:
    @given(st.lists(_ENTRIES, max_size=4))
    def test_what_is_listed_reads_the_same(self, entries: list[dict[str, Any]]) -> None:
        listed = parsed(OCI_INDEX, manifests=entries).entries

        made = make_index(listed, annotations={"a": "b"})

        assert made.entries == listed
        assert made.media_type == OCI_INDEX
        assert made.annotations == {"a": "b"}

    def test_the_same_referrers_make_the_same_index(self) -> None:
        listed = [artifact(name, image()).manifest.descriptor() for name in ("one", "two")]

        assert make_index(listed).digest == make_index(listed).digest
        assert make_index([]).entries == ()

    def test_a_descriptor_says_only_what_is_known(self) -> None:
        bare = Descriptor(OCI_MANIFEST, digest_of(b"x"), 1)

        assert descriptor_document(bare) == {
            "mediaType": OCI_MANIFEST,
            "digest": digest_of(b"x"),
            "size": 1,
        }
        assert len({bare, Descriptor(OCI_MANIFEST, digest_of(b"x"), 1, annotations={"a": ""})}) == 2
