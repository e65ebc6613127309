"""What a verification of a job has found, kept with the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.reports import proof
from moving.jobs import new_job, plan_of
from transship.transfers.verify import store_proof, stored_proof

if TYPE_CHECKING:
    from pathlib import Path

PLAN = plan_of(("old.example/web:1", "new.example/web:1"))


def test_the_last_one_is_kept_as_it_was(tmp_path: Path) -> None:
    job = new_job(tmp_path, PLAN)
    wrong, right = proof(("v1", "the target has another")), proof(deep=True)

    for kept in (wrong, right, wrong):
        store_proof(job, kept.proof, kept.at, kept.by)
        with job.journal() as journal:
            assert stored_proof(journal) == kept


def test_a_job_that_was_never_verified_has_none(tmp_path: Path) -> None:
    with new_job(tmp_path, PLAN).journal() as journal:
        assert stored_proof(journal) is None


def test_what_another_version_kept_is_as_good_as_none(tmp_path: Path) -> None:
    with new_job(tmp_path, PLAN).journal() as journal:
        for kept in ("{}", "yes", '{"proof": {"holds": true}, "at": 1, "by": ""}'):
            journal.note(proof=kept)
            assert stored_proof(journal) is None
