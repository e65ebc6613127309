"""Rounds in words and in JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cutovers import clean
from transship.clock import SystemClock
from transship.cutover.delta import Again, Choice, Round, Sorted
from transship.cutover.evidence import TagPair
from transship.cutover.folder import Cutovers
from transship.cutover.journal import Kind
from transship.cutover.reports.document import document
from transship.cutover.reports.gathering import standing_of
from transship.cutover.reports.rounds import delta_words, round_words, to_keep
from transship.cutover.reports.standing import Standing

if TYPE_CHECKING:
    from pathlib import Path

LATE = TagPair("team/app", "1", "sha256:b", "sha256:a")
NEWER = TagPair("team/app", "2", "", "sha256:c")
BOTH = TagPair("team/web", "3", "sha256:d", "sha256:e")
FOUND = Sorted((LATE,), (NEWER,), (BOTH,))


def test_a_round_says_what_it_did_and_what_it_left() -> None:
    copied = Round(0.0, FOUND, job="abcdef")
    assert round_words(copied) == (
        "1 tag copied: team/app:1; 1 tag pushed on both sides: team/web:3; "
        "1 tag at the new registry only: team/app:2"
    )
    looked = replace(copied, doing="look", job="")
    assert "1 tag to copy: team/app:1" in round_words(looked)
    failed = replace(copied, failed=(("team/app", "1", "quota exceeded"),))
    assert "1 tag not copied: team/app:1" in round_words(failed)
    back = Round(0.0, Sorted(only_new=(NEWER,)), doing="back", job="abcdef")
    assert round_words(back) == "1 tag copied back: team/app:2"
    assert round_words(Round(0.0, Sorted())) == ""
    hostile = Round(0.0, Sorted((replace(LATE, tag="\x1b[2J"),)))
    assert "\x1b" not in round_words(hostile)


def test_a_cutover_says_whether_both_are_in_step() -> None:
    standing = Standing("x", clean.SUBJECT)
    assert delta_words(standing) == "not compared yet"
    assert to_keep(standing) == ()
    standing = replace(standing, rounds=(Round(0.0, Sorted()),))
    assert delta_words(standing) == "the same on both sides"
    assert "nothing more was pushed" in delta_words(replace(standing, quiet=2))
    assert to_keep(replace(standing, rounds=(Round(0.0, FOUND),))) == (BOTH,)


def test_the_document_has_every_round(tmp_path: Path) -> None:
    cutover = Cutovers(tmp_path).create(clean.SUBJECT, at=clean.NOW)
    failed = (("team/app", "1", "quota exceeded"),)
    with cutover.journal() as journal:
        first = Round(clean.NOW, FOUND, failed, compared=3, job="abcdef")
        journal.add(Kind.DELTA, first, clean.NOW)
        journal.add(Kind.CHOICE, Choice(BOTH, "new"), clean.NOW + 1)
        journal.add(Kind.DELTA, Round(clean.NOW + 30, Sorted()), clean.NOW + 30)
        journal.add(Kind.AGAIN, Again(clean.NOW + 60, "look"), clean.NOW + 60)
    standing = standing_of(cutover, SystemClock().now())

    delta = document(standing, clean.NOW + 60)["delta"]

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
