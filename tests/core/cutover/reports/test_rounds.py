"""Rounds in words and in JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cutovers import clean
from transship.clock import SystemClock
from transship.cutover.catchup import (
    CatchupRound,
    RepeatedRound,
    TagChoice,
    TagDifferences,
    round_words,
)
from transship.cutover.evidence import TagPair
from transship.cutover.folder import CutoverStore
from transship.cutover.journal import EntryKind
from transship.cutover.status import CutoverStatus, status_of
from transship.reports.cutover import cutover_document
from transship.views.cutover import catchup_words, undecided_tags

if TYPE_CHECKING:
    from pathlib import Path

LATE = TagPair("team/app", "1", "sha256:b", "sha256:a")
NEWER = TagPair("team/app", "2", "", "sha256:c")
BOTH = TagPair("team/web", "3", "sha256:d", "sha256:e")
FOUND = TagDifferences((LATE,), (NEWER,), (BOTH,))


def test_a_round_says_what_it_did_and_what_it_left() -> None:
    copied = CatchupRound(0.0, FOUND, job="abcdef")
    assert round_words(copied) == (
        "1 tag copied: team/app:1; 1 tag pushed on both sides: team/web:3; "
        "1 tag at the new registry only: team/app:2"
    )
    looked = replace(copied, doing="look", job="")
    assert "1 tag to copy: team/app:1" in round_words(looked)
    failed = replace(copied, failed=(("team/app", "1", "quota exceeded"),))
    assert "1 tag not copied: team/app:1" in round_words(failed)
    back = CatchupRound(0.0, TagDifferences(only_new=(NEWER,)), doing="back", job="abcdef")
    assert round_words(back) == "1 tag copied back: team/app:2"
    assert round_words(CatchupRound(0.0, TagDifferences())) == ""
    hostile = CatchupRound(0.0, TagDifferences((replace(LATE, tag="\x1b[2J"),)))
    assert "\x1b" not in round_words(hostile)


def test_a_cutover_says_whether_both_are_in_step() -> None:
    standing = CutoverStatus("x", clean.SUBJECT)
    assert catchup_words(standing) == "not compared yet"
    assert undecided_tags(standing) == ()
    standing = replace(standing, rounds=(CatchupRound(0.0, TagDifferences()),))
    assert catchup_words(standing) == "the same on both sides"
    assert "nothing more was pushed" in catchup_words(replace(standing, quiet=2))
    assert undecided_tags(replace(standing, rounds=(CatchupRound(0.0, FOUND),))) == (BOTH,)


def test_the_document_has_every_round(tmp_path: Path) -> None:
    cutover = CutoverStore(tmp_path).create(clean.SUBJECT, at=clean.NOW)
    failed = (("team/app", "1", "quota exceeded"),)
    with cutover.journal() as journal:
        first = CatchupRound(clean.NOW, FOUND, failed, compared=3, job="abcdef")
        journal.add(EntryKind.DELTA, first, clean.NOW)
        journal.add(EntryKind.CHOICE, TagChoice(BOTH, "new"), clean.NOW + 1)
        journal.add(EntryKind.DELTA, CatchupRound(clean.NOW + 30, TagDifferences()), clean.NOW + 30)
        journal.add(EntryKind.AGAIN, RepeatedRound(clean.NOW + 60, "look"), clean.NOW + 60)
    standing = status_of(cutover, SystemClock().now())

    delta = cutover_document(standing, clean.NOW + 60)["delta"]

    assert isinstance(delta, dict)
    assert (delta["in_step"], delta["quiet_rounds"], delta["asks"]) == (False, 0, [])
    one, _, last = delta["rounds"]
    assert (one["at"], one["doing"], one["compared"], one["job"]) == (
        "2027-01-15T08:00:00Z",
        "copy",
        3,
        "abcdef",
    )
    assert one["failed"] == [{"tag": "team/app:1", "why": "quota exceeded"}]
    assert one["to_copy"] == [{"tag": "team/app:1", "old": "sha256:b", "new": "sha256:a"}]
    assert one["only_new"] == [{"tag": "team/app:2", "old": None, "new": "sha256:c"}]
    assert (last["at"], last["doing"]) == ("2027-01-15T08:01:00Z", "look")
    texts = [note.text for note in standing.notes]
    assert "chosen for team/web:3: what the new registry has" in texts
    assert sum("not copied" in text for text in texts) == 1
