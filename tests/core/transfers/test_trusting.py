"""What the last run of a plan left is believed when that is asked for, and never in doubt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.jobs import new_job, outcomes, plan_of, proof_of, run_again, run_here
from moving.undo import image, standing, undone
from transship.oci.reference import parse_reference
from transship.plans.plan import Kind, Plan, Rule
from transship.transfers.copies import JobState
from transship.transfers.jobs import JobStore
from transship.transfers.verify import store_proof
from transship.transfers.worklist import TRUSTED

if TYPE_CHECKING:
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from transship.transfers.job_view import JobView
    from transship.transfers.jobs import Job


class Pair:
    """A repository with two tags at a source, the plan that copies it, and the plan's jobs."""

    def __init__(
        self, source: DockerRegistry, target: DockerRegistry, repository: str, folder: Path
    ) -> None:
        self.source, self.target, self.repository = source, target, repository
        self.folder = folder
        self.plan = self.plan_to(repository)
        for tag in ("one", "two"):
            self.push(tag, "as it was")

    def plan_to(self, repository: str) -> Plan:
        """Return the plan that copies the repository to this one."""
        names = f"{self.source.host}/{self.repository}", f"{self.target.host}/{repository}"
        return plan_of(names)

    def push(self, tag: str, content: str) -> str:
        """Write a tag at the source; return its digest."""
        return image(self.source, self.repository, tag, f"{tag} {content}").digest

    def move(self, tag: str) -> str:
        """Move a tag at the target behind everybody's back; return its digest."""
        return image(self.target, self.repository, tag, "somebody else's").digest

    async def run(self) -> Job:
        """Carry the plan out; return the job."""
        return await self._run(new_job(self.folder, self.plan))

    async def trust(self, plan: Plan | None = None) -> tuple[Job, JobView]:
        """Carry the plan out, told to trust the last run."""
        job = JobStore(self.folder / "jobs").create(plan or self.plan, trusts=True)
        return job, await run_again(job)

    async def _run(self, job: Job) -> Job:
        assert (await run_again(job)).state is JobState.DONE
        return job

    @property
    def there(self) -> dict[str, str]:
        """What the tags at the target point at."""
        return standing(self.target, self.repository)

    @property
    def wanted(self) -> dict[str, str]:
        """What the tags at the source point at."""
        return standing(self.source, self.repository)


@pytest.fixture
def pair(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> Pair:
    """Two tags at the source, and nothing at the target yet."""
    return Pair(open_registry, other_registry, repository, tmp_path)


def words(seen: JobView) -> str:
    """Return what came of a job's trust, in words."""
    assert seen.trust is not None
    return seen.trust.words


# What is believed


async def test_what_the_last_run_left_is_not_asked_for_at_the_target(pair: Pair) -> None:
    first = await pair.run()
    marks = pair.source.mark(), pair.target.mark()

    job, seen = await pair.trust()

    assert (seen.state, seen.counts.same, seen.counts.total) == (JobState.DONE, 2, 2)
    assert [each.path for each in pair.target.since(marks[1]) if each.path != "/v2/"] == []
    heads = [each for each in pair.source.since(marks[0]) if each.method == "HEAD"]
    assert len(heads) == 2
    assert {copy.reason for copy, _ in outcomes(job).values()} == {TRUSTED}
    assert words(seen) == (
        f"2 images weren't asked for at the target: believed to be as the job {first.id} left it"
    )


async def test_a_tag_that_somebody_moved_at_the_target_is_not_noticed(pair: Pair) -> None:
    await pair.run()
    moved = pair.move("one")

    _, seen = await pair.trust()

    assert (seen.state, seen.counts.same) == (JobState.DONE, 2)
    assert pair.there["one"] == moved
    assert not (await proof_of(pair.plan)).holds
    # Whoever doubts it leaves the option out.
    await pair.run()
    assert pair.there == pair.wanted


async def test_what_changed_at_the_source_is_copied_and_what_is_new_too(pair: Pair) -> None:
    await pair.run()
    pair.push("two", "and is now")
    pair.push("three", "new")

    _, seen = await pair.trust()

    assert (seen.state, seen.counts.copied, seen.counts.same) == (JobState.DONE, 2, 1)
    assert seen.trust is not None
    assert seen.trust.images == 1
    assert pair.there == pair.wanted


async def test_what_changed_on_both_sides_is_compared_before_it_is_overwritten(pair: Pair) -> None:
    await pair.run()
    moved = pair.move("one")
    pair.push("one", "and is now")

    job, _ = await pair.trust()

    copy, _ = outcomes(job)["one"]
    assert copy.previous == moved
    assert pair.there == pair.wanted


async def test_trust_is_handed_on_from_run_to_run(pair: Pair) -> None:
    await pair.run()
    second, _ = await pair.trust()
    pair.push("one", "and is now")
    third, _ = await pair.trust()

    _, seen = await pair.trust()

    assert seen.trust is not None
    assert (seen.trust.job, seen.trust.images) == (third.id, 2)
    assert third.id != second.id
    assert pair.there == pair.wanted


async def test_what_rules_select_is_trusted_as_what_is_named(pair: Pair) -> None:
    rule = Rule(
        parse_reference(f"{pair.source.host}/"),
        (parse_reference(f"{pair.target.host}/"),),
        repositories=(pair.repository,),
    )
    plan = Plan(kind=Kind.SYNC, rules=(rule,))
    assert (await run_here(pair.folder, plan)).counts.copied == 2
    pair.push("two", "and is now")
    mark = pair.target.mark()

    _, seen = await pair.trust(plan)

    assert (seen.counts.copied, seen.counts.same) == (1, 1)
    assert not [each for each in pair.target.since(mark) if each.path.endswith("/manifests/one")]
    assert pair.there == pair.wanted


async def test_a_job_that_was_not_told_to_trust_asks_both_sides_and_says_nothing(
    pair: Pair,
) -> None:
    await pair.run()
    pair.move("one")

    seen = await run_here(pair.folder, pair.plan)

    assert seen.trust is None
    assert seen.counts.copied == 1
    assert pair.there == pair.wanted


async def test_another_job_that_wrote_to_other_tags_is_no_reason_for_doubt(pair: Pair) -> None:
    first = await pair.run()
    beside = pair.plan_to(f"{pair.repository}-beside")
    assert (await run_here(pair.folder, beside)).counts.copied == 2

    _, seen = await pair.trust()

    assert seen.trust is not None
    assert (seen.trust.job, seen.trust.images) == (first.id, 2)


# What isn't


async def test_without_an_earlier_job_nothing_is_believed(pair: Pair) -> None:
    _, seen = await pair.trust()

    assert seen.counts.copied == 2
    assert words(seen) == (
        "the last run wasn't trusted, and both sides were asked: "
        "no earlier job of this same plan is kept"
    )


async def mends_what_was_moved(pair: Pair, doubt: str) -> None:
    """See that a run told to trust asks both sides, for this reason."""
    pair.move("one")

    _, seen = await pair.trust()

    assert seen.trust is not None
    assert (seen.trust.job, seen.trust.images, seen.trust.doubt) == ("", 0, doubt)
    assert pair.there == pair.wanted


async def test_a_plan_that_was_changed_is_another_plan(pair: Pair) -> None:
    await pair.run()
    pair.plan = replace(pair.plan, referrers=False)

    await mends_what_was_moved(pair, "no earlier job of this same plan is kept")


async def test_a_job_that_failed_in_part_is_not_believed(pair: Pair) -> None:
    job = await pair.run()
    with job.journal() as journal:
        journal.note(state=JobState.FAILED)

    await mends_what_was_moved(pair, f"the job {job.id}, the last one of this plan, is failed")


async def test_a_job_whose_process_is_gone_is_not_believed(pair: Pair) -> None:
    job = await pair.run()
    with job.journal() as journal:
        journal.note(state=JobState.RUNNING)

    await mends_what_was_moved(pair, f"the job {job.id}, the last one of this plan, is interrupted")


async def test_a_job_that_is_at_work_is_not_believed(pair: Pair) -> None:
    job = await pair.run()
    with job.locked():
        await mends_what_was_moved(pair, f"the job {job.id}, the last one of this plan, is running")


async def test_an_older_job_is_not_believed_in_place_of_the_last(pair: Pair) -> None:
    await pair.run()
    last = await pair.run()
    with last.journal() as journal:
        journal.note(state=JobState.CANCELLED)

    await mends_what_was_moved(pair, f"the job {last.id}, the last one of this plan, is cancelled")


async def test_a_job_that_was_undone_is_not_believed(pair: Pair) -> None:
    job = await pair.run()
    assert not (await undone(job)).open
    doubt = f"the job {job.id}, the last one of this plan, was undone"

    _, seen = await pair.trust()

    assert seen.trust is not None
    assert (seen.trust.doubt, seen.counts.copied) == (doubt, 2)
    assert pair.there == pair.wanted


async def test_a_job_whose_verification_found_differences_is_not_believed(pair: Pair) -> None:
    job = await pair.run()
    moved = pair.move("two")
    store_proof(job, await proof_of(pair.plan), 1.0, "anna on build-1")
    assert pair.there["two"] == moved

    await mends_what_was_moved(pair, f"a verification of the job {job.id} has found differences")


async def test_a_tag_that_another_job_has_written_to_since_makes_doubt(pair: Pair) -> None:
    await pair.run()
    elsewhere = f"{pair.repository}-elsewhere"
    image(pair.source, elsewhere, "two", "of another repository")
    other = plan_of(
        (f"{pair.source.host}/{elsewhere}:two", f"{pair.target.host}/{pair.repository}:two")
    )
    job = new_job(pair.folder, other)
    assert (await run_again(job)).counts.copied == 1

    tag = f"{pair.target.host}/{pair.repository}:two"
    await mends_what_was_moved(pair, f"the job {job.id} has written to {tag} since")


async def test_an_earlier_job_that_was_undone_since_makes_doubt(pair: Pair) -> None:
    image(pair.target, pair.repository, "two", "from before")
    other = plan_of(
        (f"{pair.source.host}/{pair.repository}:two", f"{pair.target.host}/{pair.repository}:two")
    )
    earlier = new_job(pair.folder, other)
    await run_again(earlier)
    await pair.run()
    assert not (await undone(earlier)).open

    tag = f"{pair.target.host}/{pair.repository}:two"
    await mends_what_was_moved(pair, f"the job {earlier.id} has written to {tag} since")


async def test_a_journal_that_can_not_be_read_is_not_believed(pair: Pair) -> None:
    job = await pair.run()
    (job.folder / "journal.sqlite").write_bytes(b"this is no database" * 100)

    await mends_what_was_moved(pair, "a job's journal can't be read")
