"""The worklist: pure rules from what was found to what is to be done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.manifests import encode
from transship import errors
from transship.oci.digest import Digest, digest_of
from transship.oci.manifest import (
    Descriptor,
    Manifest,
    descriptor_document,
    make_index,
    parse_manifest,
)
from transship.oci.media_types import OCI_CONFIG, OCI_MANIFEST
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict
from transship.transfers.copies import Found, Verdict, Worklist
from transship.transfers.worklist import WorklistDraft, make_worklist

SOURCE, TARGET = "old.example", "new.example"


def image(config: int, layers: tuple[int, ...]) -> Manifest:
    """Return an image of numbered blobs, whose digest follows from them."""
    return parse_manifest(
        encode(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": descriptor_document(blob(config, OCI_CONFIG)),
                "layers": [descriptor_document(blob(layer)) for layer in layers],
            }
        )
    )


def index(children: tuple[Manifest, ...]) -> Manifest:
    """Return an index of images."""
    return make_index(child.descriptor() for child in children)


def blob(number: int, media_type: str = "application/layer") -> Descriptor:
    """Return a blob whose size is its number."""
    return Descriptor(media_type, digest_of(f"blob {number}".encode()), number)


def found(
    tree: tuple[Manifest, ...],
    repository: str = "app",
    tag: str = "1",
    *,
    there: Digest | None = None,
    source: str = SOURCE,
) -> Found:
    """Return the finding of an image that is to be written as it is."""
    root = tree[-1]
    return Found(
        Reference(source, repository, tag),
        Reference(TARGET, f"moved/{repository}", tag),
        root.digest,
        there,
        manifests=() if there == root.digest else tree,
    )


numbers = st.integers(1, 6)
images = st.builds(image, numbers, st.lists(numbers, min_size=1, max_size=4).map(tuple))
indexes = st.lists(images, min_size=1, max_size=3).map(
    lambda children: (*dict.fromkeys(children), index(tuple(children)))
)
trees = st.one_of(images.map(lambda one: (one,)), indexes)
repositories = st.sampled_from(["a", "b", "c", "d"])
elsewhere = digest_of(b"something else")


@st.composite
def inventories(draw: st.DrawFn) -> list[Found]:
    """Findings as an inventory gives them, now and then the same target twice."""
    items = []
    for _ in range(draw(st.integers(0, 12))):
        tree = draw(trees)
        there = draw(st.sampled_from([None, None, tree[-1].digest, elsewhere]))
        items.append(found(tree, draw(repositories), draw(st.sampled_from("123")), there=there))
    return items


def needed(inventory: list[Found], work: Worklist) -> dict[tuple[str, Digest], set[str]]:
    """Return which repositories need which blobs, told from the inventory alone."""
    moving = {copy.target: copy.digest for copy in work.copies if copy.verdict.moves}
    wanted: dict[tuple[str, Digest], set[str]] = {}
    for item in inventory:
        if moving.get(item.target) == item.digest:
            for manifest in item.manifests:
                for part in manifest.blobs:
                    key = (item.target.registry, part.digest)
                    wanted.setdefault(key, set()).add(item.target.repository)
    return wanted


@given(inventories(), st.sampled_from(OnConflict))
def test_every_blob_is_there_once_with_exactly_the_repositories_that_need_it(
    inventory: list[Found], on_conflict: OnConflict
) -> None:
    work = make_worklist(inventory, on_conflict)

    keys = [(part.target, part.digest) for part in work.blobs]
    assert len(set(keys)) == len(keys)
    told = {(part.target, part.digest): {part.home, *part.others} for part in work.blobs}
    assert told == needed(inventory, work)
    assert all(part.home not in part.others for part in work.blobs)
    assert all(len(set(part.others)) == len(part.others) for part in work.blobs)
    assert work.bytes_total == sum(part.size * (1 + len(part.others)) for part in work.blobs)


@given(inventories(), st.sampled_from(OnConflict))
def test_nothing_that_was_found_is_missing_and_no_target_is_written_twice(
    inventory: list[Found], on_conflict: OnConflict
) -> None:
    work = make_worklist(inventory, on_conflict)

    assert {copy.target for copy in work.copies} == {item.target for item in inventory}
    written = [copy.target for copy in work.copies if copy.verdict.moves]
    assert len(set(written)) == len(written)
    assert [copy.id for copy in work.copies] == list(range(1, len(work.copies) + 1))


@given(inventories())
def test_manifests_come_after_their_children_and_with_the_bytes_to_be_written(
    inventory: list[Found],
) -> None:
    work = make_worklist(inventory)

    seen: set[Digest] = set()
    for digest, manifest in work.manifests.items():
        assert digest_of(manifest.body) == manifest.digest == digest
        assert {child.digest for child in manifest.children} <= seen
        seen.add(digest)
    moving = {copy.digest for copy in work.copies if copy.verdict.moves}
    assert moving <= seen
    assert seen == {
        manifest.digest
        for item in inventory
        if item.digest in moving
        for manifest in item.manifests
    }


@given(inventories(), st.sampled_from(OnConflict))
def test_the_same_inventory_gives_the_same_worklist(
    inventory: list[Found], on_conflict: OnConflict
) -> None:
    one, other = make_worklist(inventory, on_conflict), make_worklist(inventory, on_conflict)

    assert (one.blobs, one.manifests) == (other.blobs, other.manifests)
    assert [replace(copy, problem=None) for copy in one.copies] == [
        replace(copy, problem=None) for copy in other.copies
    ]


@given(inventories())
def test_what_the_job_has_seen_to_before_is_not_in_the_list_again(inventory: list[Found]) -> None:
    first = make_worklist(inventory)
    before = {
        copy.target: (copy.source, copy.digest) for copy in first.copies if copy.problem is None
    }

    again = make_worklist(inventory, before=before)

    assert {copy.target for copy in again.copies} <= {
        copy.target for copy in first.copies if copy.problem is not None
    } | {item.target for item in inventory if before[item.target][1] != item.digest}


def test_a_tag_is_judged_by_what_the_target_has_and_what_the_operator_said() -> None:
    one = (image(1, (2,)),)
    verdicts = {
        on_conflict: [
            make_worklist([found(one, there=there)], on_conflict).copies[0].verdict
            for there in (None, one[0].digest, elsewhere)
        ]
        for on_conflict in OnConflict
    }

    assert verdicts == {
        OnConflict.OVERWRITE: [Verdict.COPY, Verdict.SAME, Verdict.OVERWRITE],
        OnConflict.SKIP: [Verdict.COPY, Verdict.SAME, Verdict.SKIP],
        OnConflict.FAIL: [Verdict.COPY, Verdict.SAME, Verdict.CONFLICT],
    }


def test_what_could_not_be_read_is_blocked_with_its_reason() -> None:
    problem = errors.UnsupportedManifest("Docker schema 1")
    item = Found(
        Reference(SOURCE, "a", "1"), Reference(TARGET, "a", "1"), None, None, problem=problem
    )

    (copy,) = make_worklist([item]).copies

    assert copy.verdict is Verdict.BLOCKED
    assert isinstance(copy.problem, errors.UnsupportedManifest)
    assert (copy.problem.detail, copy.problem.remedy) == (problem.detail, problem.remedy)
    assert "schema 1" in copy.reason


def test_one_target_from_two_sources_goes_to_the_first() -> None:
    one, two = (image(1, (2,)),), (image(3, (4,)),)
    inventory = [found(one), found(two, source="elsewhere.example")]

    first, second = make_worklist(inventory).copies

    assert (first.verdict, second.verdict) == (Verdict.COPY, Verdict.BLOCKED)
    assert isinstance(second.problem, errors.TagConflict)


def test_one_target_from_two_sources_with_the_same_content_is_one_copy() -> None:
    one = (image(1, (2,)),)

    work = make_worklist([found(one), found(one, source="elsewhere.example")])

    assert len(work.copies) == 1


def test_a_referrer_that_the_target_does_not_list_is_written_again() -> None:
    one = image(1, (2,))
    item = Found(
        Reference(SOURCE, "a", digest=one.digest),
        Reference(TARGET, "a", digest=one.digest),
        one.digest,
        one.digest,
        manifests=(one,),
        listed=False,
    )

    assert make_worklist([item]).copies[0].verdict is Verdict.COPY


def test_what_is_there_already_is_not_counted_as_bytes_to_move() -> None:
    one = (image(10, (200, 3000)),)
    draft = WorklistDraft()
    draft.add([found(one), found(one, "other")])
    there = [part.digest == blob(3000).digest for part in draft.blobs()]

    draft.know(0, there)

    work = draft.finished()
    assert [part.there for part in work.blobs] == there
    assert work.bytes_to_move == 210
    assert work.bytes_total == 2 * 3210


def test_a_blob_that_ten_thousand_repositories_share_is_quickly_planned() -> None:
    one = (image(1, (2,)),)

    work = make_worklist(found(one, f"app{number}") for number in range(10_000))

    assert [len(part.others) for part in work.blobs] == [9_999, 9_999]


@pytest.mark.parametrize("on_conflict", OnConflict)
@pytest.mark.parametrize("there", [None, elsewhere])
def test_a_copy_that_replaces_one_thing_only_moves_nothing_else(
    there: Digest | None, on_conflict: OnConflict
) -> None:
    one = (image(1, (2,)),)
    item = found(one, there=there)

    def verdict(replaces: str) -> Verdict:
        said = {item.target: replaces}
        return make_worklist([item], on_conflict, replaces=said).copies[0].verdict

    expected, other = there or "", "" if there else elsewhere
    assert verdict(expected) is (Verdict.OVERWRITE if there else Verdict.COPY)
    left = Verdict.SKIP if on_conflict is OnConflict.SKIP else Verdict.CONFLICT
    assert verdict(other) is left
    there_already = found(one, there=one[0].digest)
    said = {item.target: other}
    assert make_worklist([there_already], replaces=said).copies[0].verdict is Verdict.SAME
