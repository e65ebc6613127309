"""A report as data: what it concludes, how it counts, and what it keeps to itself."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import pytest

from fakes.reports import ENDED, line, proof, told
from transship.oci.reference import parse_reference
from transship.reports.job import (
    RESULTS,
    Conclusion,
    conclusion_text,
    discreet,
    line_of,
    verification_text,
)
from transship.reports.job_formats import markdown_report, page
from transship.transfers.copies import Copy, CopyState, JobState, Verdict
from transship.transfers.journal import Restored, StoredRestore, StoredUndo

COPY = parse_reference("old.example/web:1"), parse_reference("new.example/web:1")


class TestConclusions:
    def test_what_was_verified_after_the_end_is_proven(self) -> None:
        report = told([line(1)], kept=proof())

        assert report.conclusion is Conclusion.PROVEN
        assert "12 images was found the same on both sides" in conclusion_text(report)

    def test_what_nobody_verified_is_done(self) -> None:
        report = told([line(1)])

        assert report.conclusion is Conclusion.DONE
        assert "`transship verify k4x9mt` proves" in conclusion_text(report)

    def test_a_proof_from_before_the_last_end_proves_nothing_any_more(self) -> None:
        report = told([line(1)], kept=proof(at=ENDED - 1))

        assert report.conclusion is Conclusion.DONE
        assert "before the job's last end" in verification_text(report.verification, report.job)

    def test_a_difference_weighs_more_than_what_the_job_says(self) -> None:
        report = told([line(1)], kept=proof(("v1", "the target has another")))

        assert report.conclusion is Conclusion.INCOMPLETE
        assert "1 of 12 images differ at the target" in conclusion_text(report)

    def test_failures_are_counted(self) -> None:
        report = told([line(1), line(2, "failed")])

        assert report.conclusion is Conclusion.INCOMPLETE
        assert conclusion_text(report) == "1 of 2 images failed."

    @pytest.mark.parametrize("state", [JobState.RUNNING, JobState.PAUSED, JobState.CANCELLED])
    def test_what_has_not_come_to_its_end_is_unfinished(self, state: JobState) -> None:
        report = told([line(1)], state=state, kept=proof())

        assert report.conclusion is Conclusion.UNFINISHED
        assert f"The job is {state}" in conclusion_text(report)

    def test_a_job_that_ended_as_a_whole_says_why(self) -> None:
        problem = ("The disk is full", "no room in /var/lib/transship", "Make room, then resume.")
        report = told([], state=JobState.FAILED, problem=problem)

        assert conclusion_text(report) == "The disk is full."
        assert report.problem == ("The disk is full", "no room in …/transship", problem[2])


class TestAnUndo:
    def kept(self, **more: Any) -> StoredUndo:
        facts = {"by": "anna", "began": ENDED + 90, "ended": ENDED + 99, "restored": 3}
        return StoredUndo(**{**facts, "left": 0, "failed": 0} | more)  # type: ignore[arg-type]

    def test_weighs_more_than_any_proof(self) -> None:
        report = told([line(1)], kept=proof(at=ENDED + 60), undo=self.kept())

        assert report.conclusion is Conclusion.UNDONE
        assert "3 tags that it had changed stand as before it" in conclusion_text(report)
        assert report.verification is not None
        assert not report.verification.current

    def test_names_what_it_has_left(self) -> None:
        tag = "new.example/web:1"
        left = StoredRestore(tag, "moved-since", None, None, Restored.LEFT, "moved since", ENDED)
        report = told([line(1)], undo=self.kept(left=1), unrestored=[left])

        assert "undone but for 1 tag, named below" in conclusion_text(report)
        assert report.undoing is not None
        assert report.undoing.open == ((tag, "left", "moved since"),)
        for write in (markdown_report, page):
            assert tag in "".join(write(report)).partition("undo has left")[2]

    def test_that_was_broken_off_says_how_to_go_on(self) -> None:
        report = told([line(1)], undo=self.kept(ended=None))

        assert "`transship undo k4x9mt` tries again" in conclusion_text(report)


class TestLines:
    @pytest.mark.parametrize(
        ("verdict", "state", "result"),
        [
            (Verdict.COPY, CopyState.DONE, "copied"),
            (Verdict.OVERWRITE, CopyState.DONE, "overwritten"),
            (Verdict.SAME, CopyState.DONE, "same"),
            (Verdict.SKIP, CopyState.DONE, "skipped"),
            (Verdict.CONFLICT, CopyState.FAILED, "conflict"),
            (Verdict.BLOCKED, CopyState.FAILED, "blocked"),
            (Verdict.COPY, CopyState.FAILED, "failed"),
            (Verdict.COPY, CopyState.WAITING, "unfinished"),
            (Verdict.OVERWRITE, CopyState.RUNNING, "unfinished"),
        ],
    )
    def test_tell_what_became_of_a_copy(
        self, verdict: Verdict, state: CopyState, result: str
    ) -> None:
        copy = Copy(1, *COPY, digest=None, previous=None, verdict=verdict)

        assert line_of(copy, state, "", "", "").result == result
        assert result in RESULTS

    def test_are_counted_by_what_became_of_them(self) -> None:
        report = told([line(1), line(2), line(3, "same"), line(4, "failed")])

        assert list(report.results.items()) == [("copied", 2), ("same", 1), ("failed", 1)]

    def test_that_failed_are_all_there_by_cause(self) -> None:
        other = line(9, "failed", title="No answer in time", remedy="Check the firewall.")
        report = told([line(1), other, *(line(n, "failed") for n in range(2, 8))])

        quota, slow = report.causes
        assert (quota.cause, len(quota.lines)) == ("quota-exceeded", 6)
        assert (slow.title, slow.remedy) == ("No answer in time", "Check the firewall.")
        assert [each.target for each in slow.lines] == ["new.example/mirror/team/web:v9"]


class TestDiscretion:
    def test_only_the_name_of_a_layout_folder_is_told(self) -> None:
        hide = discreet(["layout:/srv/anna's images/web", "old.example"])

        assert hide("layout:/srv/anna's images/web//team/web:1") == "layout:…/web//team/web:1"
        assert hide("layout:/srv/anna's images/website//a:1") != "layout:…/website//a:1"

    def test_no_path_of_the_machine_is_told(self) -> None:
        hide = discreet(["old.example"], [PurePath("/data1/transship/jobs/k4x9mt")])

        assert hide("/data1/transship/jobs/k4x9mt/plan.toml: gone") == "…/k4x9mt/plan.toml: gone"
        assert hide("no such file: '/home/anna/.docker/config.json'") == (
            "no such file: '…/config.json'"
        )

    @pytest.mark.parametrize(
        "text",
        [
            "old.example/home/anna/web:1",
            "old.example:5000/var/lib/web@sha256:" + "0" * 64,
            "GET /v2/home/web/manifests/1 says no",
            "https://old.example/etc/passwd",
            "a/b",
        ],
    )
    def test_names_in_registries_are_told(self, text: str) -> None:
        assert discreet(["old.example"])(text) == text

    def test_nothing_in_a_report_has_the_path(self) -> None:
        path = "/home/anna/images"
        report = told(
            [
                line(
                    1,
                    "failed",
                    source=f"layout:{path}//web:1",
                    target=f"layout:{path}//b:1",
                    detail=f"{path}: full",
                    reason=path,
                )
            ],
            plan=f'from = "layout:{path}//web"',
            places=[f"layout:{path}"],
            source=f"layout:{path}//web",
            target=f"layout:{path}//b",
        )

        assert path not in repr(report)
        assert all(path not in repr(each) for each in report.lines())
