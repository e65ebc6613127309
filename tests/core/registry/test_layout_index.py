"""Which names an index.json gives to which manifests, whoever wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.manifests import Sample, artifact, descriptor, encode, image, index
from transship.errors import InvalidManifest
from transship.oci.media_types import OCI_MANIFEST
from transship.registry.layout import IndexChange, LayoutIndex, parse_index

NAME = "org.opencontainers.image.ref.name"
CONTAINERD = "io.containerd.image.name"
OURS = "dev.transship.repository"


def entry(content: str = "web", **annotations: str) -> dict[str, Any]:
    return descriptor(OCI_MANIFEST, content.encode(), annotations=annotations)


def parsed(*entries: dict[str, Any], **fields: Any) -> LayoutIndex:
    return parse_index(encode({"schemaVersion": 2, "manifests": list(entries), **fields}))


def names(found: LayoutIndex) -> list[tuple[str, str]]:
    return [(entry.repository, entry.tag) for entry in found.entries.values()]


def put(repository: str, tag: str, sample: Sample) -> IndexChange:
    return IndexChange(repository, tag or sample.digest, sample.manifest)


@pytest.mark.parametrize(
    ("ref_name", "repository", "tag"),
    [
        ("1.4", "", "1.4"),
        ("team/web:1.4", "team/web", "1.4"),
        ("web:1.4", "web", "1.4"),
        ("team/web", "team/web", "latest"),
        ("docker.io/library/nginx:1.27", "docker.io/library/nginx", "1.27"),
        ("localhost:5000/team/web:1.4", "team/web", "1.4"),
        ("localhost:5000/team/web", "team/web", "latest"),
        (f"localhost:5000/team/web@sha256:{0:064}", "team/web", ""),
        ("", "", ""),
        ("Team/Web:1.4", "", ""),
        ("foo:1,foo:2", "", ""),
        ("layout:/etc//passwd:1", "", ""),
        ("a\x1b[31m", "", ""),
    ],
)
def test_a_ref_name_is_read_as_repository_and_tag(ref_name: str, repository: str, tag: str) -> None:
    assert names(parsed(entry(**{NAME: ref_name}))) == [(repository, tag)]


@pytest.mark.parametrize(
    ("annotations", "repository", "tag"),
    [
        ({CONTAINERD: "docker.io/library/nginx:1.27"}, "library/nginx", "1.27"),
        ({CONTAINERD: "docker.io/team/web:1.4", NAME: "1.4"}, "team/web", "1.4"),
        ({CONTAINERD: "registry.example:5000/team/web:1.4"}, "team/web", "1.4"),
        ({CONTAINERD: "docker.io/team/web:1.4", NAME: "team/api:2.0"}, "team/api", "2.0"),
        ({CONTAINERD: "nonsense", NAME: "1.4"}, "", "1.4"),
        ({CONTAINERD: "docker.io", NAME: "1.4"}, "", "1.4"),
        ({OURS: "team/web"}, "team/web", ""),
        ({OURS: "team/web", NAME: "1.4"}, "", "1.4"),
        ({OURS: "../../etc"}, "", ""),
        ({}, "", ""),
    ],
)
def test_other_annotations_name_what_the_ref_name_leaves_open(
    annotations: dict[str, str], repository: str, tag: str
) -> None:
    assert names(parsed(entry(**annotations))) == [(repository, tag)]


def test_images_that_docker_saved_together_keep_their_names() -> None:
    found = parsed(
        entry("nginx", **{CONTAINERD: "docker.io/library/nginx:latest", NAME: "latest"}),
        entry("redis", **{CONTAINERD: "docker.io/library/redis:latest", NAME: "latest"}),
    )

    assert found.repositories == ("library/nginx", "library/redis")


def test_of_two_entries_with_one_name_the_first_has_it_as_in_skopeo() -> None:
    first, second = entry("first", **{NAME: "1.4"}), entry("second", **{NAME: "1.4"})
    found = parsed(first, second, second)

    assert found.entries["", "1.4"].descriptor.digest == first["digest"]
    assert found.entries["", second["digest"]].tag == ""
    assert json.loads(found.encode())["manifests"] == [first, second, second]


def test_an_entry_without_any_name_is_in_the_repository_without_one() -> None:
    found = parsed(entry("child"), entry("web", **{NAME: "team/web:1.4"}))
    assert found.repositories == ("", "team/web")


def test_what_is_not_understood_is_written_back() -> None:
    strange = {**entry("web", **{NAME: "1.4", "kind": "x"}), "data": "e30=", "future": [1, None]}
    found = parsed(strange, annotations={"a": "b"}, mediaType=None, future={"x": 1.5})

    written = json.loads(found.with_changes([put("team/web", "1", image())]).encode())

    assert written["manifests"][0] == strange
    assert written["future"] == {"x": 1.5}
    assert written["annotations"] == {"a": "b"}


def test_go_writes_null_for_an_empty_list() -> None:
    assert parse_index(b'{"schemaVersion":2,"manifests":null}').entries == {}


@pytest.mark.parametrize(
    "body",
    [
        b'{"schemaVersion":2,"manifests":[{"digest":"sha256:0","size":1}]}',
        b'{"schemaVersion":2,"manifests":[],"x":1e999}',
        b'{"schemaVersion":2,"manifests":[],"x":"\xff"}',
        b'{"schemaVersion":2,"manifests":{}}',
    ],
)
def test_what_is_no_index_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidManifest):
        parse_index(body)


def test_an_index_takes_the_entries_of_its_children_but_not_those_that_others_wrote() -> None:
    child = image("child")
    foreign = descriptor(child.manifest.media_type, child.manifest.body)
    web = index(child)

    ours = LayoutIndex().with_changes([put("", "", child), put("", "1.4", web)])
    theirs = parsed(foreign).with_changes([put("", "", child), put("", "1.4", web)])

    assert names(ours) == [("", "1.4")]
    assert names(theirs) == [("", ""), ("", "1.4")]


def test_an_index_leaves_the_entries_of_other_repositories() -> None:
    child = image("child")

    found = LayoutIndex().with_changes(
        [put("team/api", "", child), put("team/web", "1.4", index(child))]
    )

    assert names(found) == [("team/api", ""), ("team/web", "1.4")]


def test_a_tag_takes_over_the_entry_that_its_manifest_had_without_one() -> None:
    web = image()

    found = LayoutIndex().with_changes([put("team/web", "", web), put("team/web", "1.4", web)])

    assert names(found) == [("team/web", "1.4")]


def test_only_referrers_and_artifacts_say_what_they_are() -> None:
    web = image()
    plain = Sample(web.manifest)
    signature = image("signature", subject=descriptor(OCI_MANIFEST, web.manifest.body))
    note = artifact("note")
    found = LayoutIndex().with_changes(
        [put("r", "", sample) for sample in (plain, signature, note)]
    )

    kinds = [item.get("artifactType") for item in json.loads(found.encode())["manifests"]]

    assert kinds == [None, "application/vnd.oci.image.config.v1+json", "application/x-note"]


_SAMPLES = [image("one"), image("two"), artifact("note"), index(image("one"), image("two"))]
_CHANGES = st.builds(
    put,
    st.sampled_from(["", "team/web", "team/api"]),
    st.sampled_from(["", "1.4", "latest"]),
    st.sampled_from(_SAMPLES),
)


@given(st.lists(_CHANGES, max_size=12))
def test_every_manifest_stays_reachable_and_every_tag_is_where_it_was_put_last(
    changes: list[IndexChange],
) -> None:
    found = LayoutIndex()
    for change in changes:
        found = found.with_changes([change])

    assert found.entries == LayoutIndex().with_changes(changes).entries
    assert found.entries == parse_index(found.encode()).entries
    last = {
        (c.repository, c.reference): c.manifest.digest for c in changes if c.reference[:3] != "sha"
    }
    for key, digest in last.items():
        assert found.entries[key].descriptor.digest == digest
    for change in changes:
        reached = {e.descriptor.digest for e in found.of(change.repository)}
        if _SAMPLES[3].digest in reached:
            reached |= {_SAMPLES[0].digest, _SAMPLES[1].digest}
        assert change.manifest.digest in reached
