"""What an undo does with each tag: a rule, tried with every course that things can take."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from transship import errors
from transship.oci.digest import Digest, digest_of
from transship.oci.manifest import Descriptor, Manifest, make_index
from transship.oci.media_types import OCI_MANIFEST
from transship.oci.reference import Reference
from transship.transfers.copies import Copy, CopyState, Verdict
from transship.transfers.undo import (
    Restore,
    RestoreAction,
    RestoreStep,
    TagChange,
    TagSeen,
    Written,
    judge,
    judge_list,
    list_without,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

A, B, C = (digest_of(word) for word in (b"a", b"b", b"c"))
SOURCE, TARGET = Reference("old.example", "app"), Reference("new.example", "app")
TAG = TARGET.at("1")


def copy(
    tag: str,
    previous: Digest | None,
    wrote: Digest | None,
    *,
    moving: bool = True,
) -> Copy:
    """Return a copy as a journal has it once its tag was written; None for no tag."""
    verdict = Verdict.OVERWRITE if previous else Verdict.COPY
    if wrote is None:
        verdict = Verdict.DELETE
    source = SOURCE.at(tag) if wrote else TARGET.at(tag)
    return Copy(1, source, TARGET.at(tag), wrote, previous, verdict, moving=moving)


def changes(*copies: Copy, state: CopyState = CopyState.DONE) -> tuple[TagChange, ...]:
    written = Written()
    for each in copies:
        written.add(each, state)
    return written.changes()


def judged(previous: Digest | None, wrote: Digest | None, now: Digest | None) -> Restore:
    return judge(TagChange(TAG, (RestoreStep(previous, wrote),)), TagSeen(now))


class TestOneTag:
    def test_that_was_overwritten_is_put_back(self) -> None:
        assert judged(A, B, now=B) == Restore(
            TAG, RestoreAction.PUT_BACK, now=B, previous=A, wrote=B
        )

    def test_that_was_new_is_taken_away(self) -> None:
        assert judged(None, B, now=B) == Restore(
            TAG, RestoreAction.TAKE_AWAY, now=B, previous=None, wrote=B
        )

    def test_that_was_deleted_is_put_back(self) -> None:
        assert judged(A, None, now=None) == Restore(
            TAG, RestoreAction.PUT_BACK, now=None, previous=A
        )

    def test_that_is_as_before_needs_nothing(self) -> None:
        acts = {judged(A, B, now=A).act, judged(None, B, now=None).act, judged(A, None, now=A).act}
        assert acts == {RestoreAction.ALREADY}

    def test_that_somebody_moved_is_left(self) -> None:
        moved = (judged(A, B, now=C), judged(None, B, now=C), judged(A, None, now=C))
        assert {restore.act for restore in moved} == {RestoreAction.MOVED}
        assert {restore.now for restore in moved} == {C}

    def test_that_somebody_deleted_is_left(self) -> None:
        assert judged(A, B, now=None).act is RestoreAction.MOVED

    def test_that_cannot_be_seen_is_left_and_says_why(self) -> None:
        change = TagChange(TAG, (RestoreStep(A, B),))
        restore = judge(change, TagSeen(problem=errors.NoRight("new.example: pull")))
        assert (restore.act, restore.previous, restore.wrote) == (RestoreAction.UNKNOWN, A, B)
        assert restore.detail.endswith("new.example: pull")

    def test_whose_deletion_stopped_half_way_is_ours(self) -> None:
        stand_in = TagSeen(C, stand_in=True)
        assert (
            judge(TagChange(TAG, (RestoreStep(None, B),)), stand_in).act is RestoreAction.TAKE_AWAY
        )
        back = judge(TagChange(TAG, (RestoreStep(A, None),)), stand_in)
        assert (back.act, back.now, back.previous) == (RestoreAction.PUT_BACK, C, A)

    def test_that_the_job_moved_twice_goes_all_the_way_back(self) -> None:
        assert (
            judge(TagChange(TAG, (RestoreStep(B, C), RestoreStep(A, B))), TagSeen(C)).previous == A
        )

    def test_that_somebody_moved_between_two_moves_goes_back_to_theirs(self) -> None:
        theirs = judge(TagChange(TAG, (RestoreStep(C, B), RestoreStep(None, A))), TagSeen(B))
        assert (theirs.act, theirs.previous) == (RestoreAction.PUT_BACK, C)
        assert (
            judge(TagChange(TAG, (RestoreStep(C, B), RestoreStep(None, A))), TagSeen(C)).act
            is RestoreAction.ALREADY
        )


class TestATagThatWasHidden:
    """The registry refused to tell what it pointed at before the job wrote it."""

    HIDDEN = TagChange(TAG, (RestoreStep(None, B, unseen=True),))

    def test_is_not_taken_for_new(self) -> None:
        restore = judge(self.HIDDEN, TagSeen(B))
        assert (restore.act, restore.now, restore.wrote) == (RestoreAction.UNKNOWN, B, B)
        assert "didn't tell what the tag pointed at before" in restore.detail

    def test_that_is_gone_is_not_taken_for_as_before(self) -> None:
        assert judge(self.HIDDEN, TagSeen(None)).act is RestoreAction.MOVED
        assert judge(self.HIDDEN, TagSeen(C)).act is RestoreAction.MOVED

    def test_goes_back_no_further_than_is_known(self) -> None:
        twice = TagChange(TAG, (RestoreStep(B, C), RestoreStep(None, B, unseen=True)))
        assert judge(twice, TagSeen(C)).act is RestoreAction.UNKNOWN

    def test_is_put_back_where_a_later_move_was_seen(self) -> None:
        theirs = TagChange(TAG, (RestoreStep(A, C), RestoreStep(None, B, unseen=True)))
        assert judge(theirs, TagSeen(C)).previous == A

    def test_is_told_by_its_copy(self) -> None:
        [change] = changes(replace(copy("1", None, B), unseen=True))
        assert change.steps == (RestoreStep(None, B, unseen=True),)
        assert not change.deletes


class TestWhatCounts:
    def test_the_last_comes_first(self) -> None:
        made = changes(copy("1", None, A), copy("2", A, B), copy("3", A, None))
        assert [change.tag.tag for change in made] == ["3", "2", "1"]

    def test_a_tag_that_may_have_been_written_counts(self) -> None:
        made = changes(copy("1", A, B), copy("2", A, B, moving=False), state=CopyState.FAILED)
        assert [change.tag.tag for change in made] == ["1"]

    def test_what_the_job_left_alone_does_not(self) -> None:
        same = replace(copy("1", A, A), verdict=Verdict.SAME)
        skipped = replace(copy("2", A, B), verdict=Verdict.SKIP)
        assert changes(same, skipped) == ()

    def test_a_referrer_is_kept_below_its_subject(self) -> None:
        written = Written()
        referrer = replace(copy("", None, B), target=TARGET.at(B), subject=A)
        written.add(referrer, CopyState.DONE)
        written.add(replace(copy("", None, C), target=TARGET.at(C)), CopyState.DONE)
        assert written.changes() == ()
        assert written.referrers == {TARGET.at(A): [TARGET.at(B)]}
        assert written.untagged == [TARGET.at(C)]

    def test_a_source_is_where_anything_of_the_repository_came_from(self) -> None:
        written = Written()
        for each in (replace(copy("1", A, A), verdict=Verdict.SAME), copy("2", A, None)):
            written.add(each, CopyState.DONE)
        assert written.sources() == {TARGET: (SOURCE,)}


digests = st.sampled_from([A, B, C, digest_of(b"d")])
standing = st.dictionaries(st.sampled_from("12345"), digests)


def after(tags: Mapping[str, Digest], restores: Iterable[Restore]) -> dict[str, Digest]:
    """Return what stands after the restores were done."""
    result = dict(tags)
    for restore in restores:
        if restore.act.changes:
            result.pop(restore.tag.tag, None)
            if restore.previous:
                result[restore.tag.tag] = restore.previous
    return result


def restores_of(copies: list[Copy], tags: Mapping[str, Digest]) -> list[Restore]:
    return [judge(change, TagSeen(tags.get(change.tag.tag))) for change in changes(*copies)]


@st.composite
def courses(draw: st.DrawFn) -> tuple[dict[str, Digest], list[Copy], dict[str, Digest]]:
    """What stood before, what a job did to it, and what stood when the job had ended."""
    before = draw(standing)
    now, copies = dict(before), []
    for tag in draw(st.lists(st.sampled_from("12345"), unique=True)):
        wrote = draw(st.one_of(st.none(), digests))
        previous = now.get(tag)
        if wrote == previous:
            continue
        copies.append(copy(tag, previous, wrote))
        now.pop(tag, None)
        if wrote:
            now[tag] = wrote
    return before, copies, now


@given(course=courses())
def test_an_undo_brings_back_what_was_before(
    course: tuple[dict[str, Digest], list[Copy], dict[str, Digest]],
) -> None:
    before, copies, now = course
    restores = restores_of(copies, now)
    assert not [restore for restore in restores if restore.act.leaves]
    assert after(now, restores) == before


@given(course=courses(), others=standing, gone=st.sets(st.sampled_from("12345")))
def test_what_somebody_moved_stays_and_the_rest_comes_back(
    course: tuple[dict[str, Digest], list[Copy], dict[str, Digest]],
    others: dict[str, Digest],
    gone: set[str],
) -> None:
    before, copies, now = course
    since = {tag: digest for tag, digest in {**now, **others}.items() if tag not in gone}
    restores = restores_of(copies, since)
    left = after(since, restores)
    ours = {each.target.tag for each in copies}
    for tag in "12345":
        somebodys = since.get(tag) != now.get(tag) or tag not in ours
        assert left.get(tag) == (since if somebodys else before).get(tag)
    named = {restore.tag.tag for restore in restores if restore.act is RestoreAction.MOVED}
    assert named == {tag for tag in ours if since.get(tag) not in (now.get(tag), before.get(tag))}


@given(course=courses(), others=standing)
def test_a_second_undo_changes_nothing(
    course: tuple[dict[str, Digest], list[Copy], dict[str, Digest]], others: dict[str, Digest]
) -> None:
    _, copies, now = course
    since = {**now, **others}
    once = after(since, restores_of(copies, since))
    assert not [restore for restore in restores_of(copies, once) if restore.act.changes]


@given(course=courses(), done=st.data())
def test_an_undo_that_was_broken_off_anywhere_is_finished_by_the_next(
    course: tuple[dict[str, Digest], list[Copy], dict[str, Digest]], done: st.DataObject
) -> None:
    before, copies, now = course
    restores = restores_of(copies, now)
    some = [restore for restore in restores if done.draw(st.booleans())]
    halfway = after(now, some)
    assert after(halfway, restores_of(copies, halfway)) == before


class TestAList:
    def listing(self, *digests: Digest) -> Manifest:
        return make_index([Descriptor(OCI_MANIFEST, digest, 100) for digest in digests])

    def test_loses_what_the_job_added(self) -> None:
        restore = judge_list(TAG, [B], self.listing(A, B))
        assert (restore.act, restore.listed) == (RestoreAction.UNLIST, (B,))
        assert restore.previous == self.listing(A).digest

    def test_goes_when_nothing_is_left_of_it(self) -> None:
        restore = judge_list(TAG, [A, B], self.listing(A, B))
        assert (restore.act, restore.previous) == (RestoreAction.UNLIST, None)
        assert list_without(self.listing(A), frozenset([A])) is None

    def test_that_has_nothing_of_the_job_stays(self) -> None:
        assert judge_list(TAG, [B], self.listing(A)).act is RestoreAction.ALREADY
        assert judge_list(TAG, [B], None).act is RestoreAction.ALREADY
