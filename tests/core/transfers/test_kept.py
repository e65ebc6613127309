"""A worklist that is kept on disk tells the same as one that is held in memory."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship import errors
from transship.oci.digest import digest_of
from transship.oci.manifest import Descriptor, Manifest
from transship.oci.media_types import OCI_MANIFEST
from transship.oci.reference import Reference
from transship.transfers import worklist
from transship.transfers.copies import Copy, Verdict, Worklist
from transship.transfers.worklist import Scratch, StoredWorklist

SOURCE, TARGET = Reference("old.example", "app"), Reference("new.example", "moved/app")
ONE, TWO = digest_of(b"one"), digest_of(b"two", "sha512")


def copy_of(number: int, verdict: Verdict = Verdict.COPY) -> Copy:
    """Return a copy of a tag."""
    return Copy(number, SOURCE.at(f"v{number}"), TARGET.at(f"v{number}"), ONE, None, verdict)


def kept(*copies: Copy) -> StoredWorklist:
    """Return a worklist of these copies."""
    rows = Scratch()
    for copy in copies:
        rows.add(copy)
    rows.sort_out()
    return StoredWorklist(rows)


def needing(*blobs: int) -> Manifest:
    """Return a manifest that needs numbered blobs, of which the number is the size too."""
    layers = tuple(Descriptor("a/layer", digest_of(f"blob {n}".encode()), n) for n in blobs)
    return Manifest(OCI_MANIFEST, digest_of(f"{blobs}".encode()), b"", layers=layers)


def test_all_that_is_known_of_a_copy_comes_back() -> None:
    copy = Copy(
        id=1,
        source=Reference("layout:/tmp/images", "app", "v1", ONE),
        target=Reference("new.example", "app", digest=TWO),
        digest=ONE,
        previous=TWO,
        verdict=Verdict.BLOCKED,
        reason="a reason with ' and \"",
        subject=TWO,
        problem=errors.RateLimited("too many requests", retry_after=5.0),
        seen_at=1.5,
        moving=True,
        unseen=True,
    )
    optional = [field for field in fields(Copy) if field.default is not MISSING]
    assert all(getattr(copy, field.name) != field.default for field in optional)

    (back,) = kept(copy).copies

    for field in fields(Copy):
        if field.name != "problem":
            assert getattr(back, field.name) == getattr(copy, field.name)
    assert isinstance(back.problem, errors.RateLimited)
    assert copy.problem is not None
    assert (str(back.problem), back.problem.remedy) == (str(copy.problem), copy.problem.remedy)


@given(st.lists(st.sampled_from(Verdict), max_size=600), st.sets(st.sampled_from(Verdict)))
def test_it_is_read_as_a_list_is(verdicts: list[Verdict], wanted: set[Verdict]) -> None:
    copies = [copy_of(number, verdict) for number, verdict in enumerate(verdicts, 1)]
    work, plain = kept(*copies), Worklist(tuple(copies), (), {})

    assert work.copies == copies
    assert work.of(*wanted) == plain.of(*wanted)
    assert len(work.of(*wanted)) == len(plain.of(*wanted))
    assert work.counts == plain.counts
    assert work.written_to == plain.written_to
    assert work.copies[-100:] == tuple(copies[-100:])
    for place in {0, len(copies) // 2, len(copies) - 1} if copies else ():
        assert work.copies[place] == work.copies[place - len(copies)] == copies[place]
    with pytest.raises(IndexError):
        work.copies[len(copies)]


needs = st.tuples(st.sampled_from("abc"), st.lists(st.integers(1, 9), min_size=1, max_size=5))


@given(st.lists(needs, max_size=12), st.data())
def test_blobs_come_once_in_the_order_in_which_they_are_needed(
    needed: list[tuple[str, list[int]]], data: st.DataObject
) -> None:
    rows = Scratch()
    expected: dict[int, dict[str, None]] = {}
    for repository, blobs in needed:
        rows.need(SOURCE.at("v1"), Reference("new.example", repository), needing(*blobs))
        for blob in dict.fromkeys(blobs):
            expected.setdefault(blob, {})[repository] = None
    rows.sort_out()
    there = data.draw(st.lists(st.sampled_from([True, False, None]), max_size=len(expected)))
    rows.know(0, there)

    work = StoredWorklist(rows)

    assert [blob.size for blob in work.blobs] == list(expected)
    assert [[blob.home, *blob.others] for blob in work.blobs] == [
        list(r) for r in expected.values()
    ]
    assert [blob.there for blob in work.blobs][: len(there)] == there
    assert {blob.source for blob in work.blobs} <= {SOURCE}
    plain = Worklist((), tuple(work.blobs), {})
    assert (work.bytes_total, work.bytes_to_move) == (plain.bytes_total, plain.bytes_to_move)


def test_two_targets_need_the_same_blob_each() -> None:
    rows = Scratch()
    for place in ("b.example", "c.example"):
        rows.need(SOURCE, Reference(place, "app"), needing(1))
    rows.sort_out()

    assert [(blob.target, blob.others) for blob in StoredWorklist(rows).blobs] == [
        ("b.example", ()),
        ("c.example", ()),
    ]


def test_a_worklist_of_nothing_is_empty() -> None:
    work = kept()

    assert (work.copies, work.blobs, dict(work.manifests)) == ((), (), {})
    assert (work.bytes_total, work.bytes_to_move) == (0, 0)


def test_no_room_for_temporary_files_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    small = f"{worklist._SCHEMA} PRAGMA max_page_count = 16;"
    monkeypatch.setattr(worklist, "_SCHEMA", small)

    with pytest.raises(errors.DiskFull, match="temporary files") as raised:
        kept(*(copy_of(number) for number in range(1, 5_000)))

    assert "TMPDIR" in raised.value.remedy
