"""What a target lacks is created by the run, once, when the plan allows it, and only then.

The targets are real registries behind `servers.harbor`, which stands in for Harbor's API and
refuses, as Harbor does, what is written outside of a project.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from moving.harbor import opened, ran, seen
from moving.jobs import new_job, outcomes, plan_of
from servers.harbor import Harbor, Project, harbor
from servers.images import push_image
from transship import errors
from transship.clock import SystemClock
from transship.plans.plan import Plan
from transship.registry.credential import Credential
from transship.registry.registry import CreationOptions, MissingTarget, Visibility
from transship.reports.job import open_report
from transship.reports.job_formats import document, markdown_report
from transship.transfers import executor
from transship.transfers.copies import CopyState, Creation, JobState, Verdict
from transship.transfers.executor import JobScan
from transship.transfers.jobs import JobStore
from transship.transfers.journal import Created, JobLog, StoredCreation
from transship.transfers.undo import preview_undo, undo_job
from transship.watch.scan import fill, scan_plan
from transship.watch.scan import new_job as job_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from transship.transfers.jobs import Job


@pytest.fixture
def target(htpasswd_registry: DockerRegistry) -> Iterator[Harbor]:
    with harbor(htpasswd_registry.host) as server:
        server.strict = True
        yield server


@pytest.fixture
def login(htpasswd_registry: DockerRegistry) -> Credential:
    assert htpasswd_registry.username
    return Credential(htpasswd_registry.username, htpasswd_registry.password or "")


@pytest.fixture
def project(repository: str) -> str:
    """The name of a project that isn't there."""
    return repository.replace("/", "-")


@pytest.fixture
def plan(open_registry: DockerRegistry, target: Harbor, repository: str, project: str) -> Plan:
    """A plan for two repositories of a project that isn't there, and one of a project that is."""
    for tag in ("v1", "v2"):
        push_image(open_registry, repository, tag, annotations={"tag": tag})
    target.projects = {f"{project}-old": Project()}
    source = f"{open_registry.host}/{repository}"
    plan = plan_of(
        (source, f"{target.host}/{project}/web"),
        (f"{source}:v1", f"{target.host}/{project}/shop/api:v1"),
        (f"{source}:v1", f"{target.host}/{project}-old/web:v1"),
    )
    return replace(plan, create_missing=Visibility.PRIVATE)


async def take_stock(job: Job, target: Harbor, login: Credential) -> None:
    """Look at both sides as a run does, and no further."""
    plan, clock = job.plan(), SystemClock()
    async with opened(plan, target, login) as places:
        with job.journal() as journal:
            await JobScan(plan, places, journal, JobLog(journal, clock), clock).take()


def creation(target: Harbor, project: str) -> Creation:
    return Creation(target.host, MissingTarget("project", project), Visibility.PRIVATE)


def kept(job: Job) -> list[StoredCreation]:
    with job.journal() as journal:
        return journal.creations()


def report_of(job: Job) -> dict[str, Any]:
    with open_report(job, 0.0) as report:
        found: dict[str, Any] = json.loads("".join(document(report)))
        return found


async def test_a_preview_says_what_will_be_created_and_creates_nothing(
    plan: Plan, target: Harbor, login: Credential, project: str
) -> None:
    foreseen = await seen(plan, target, login)

    worklist = foreseen.worklist
    assert {copy.verdict for copy in worklist.copies} == {Verdict.COPY}
    assert worklist.creations == (creation(target, project),)
    reasons = {copy.target.repository: copy.reason for copy in worklist.copies}
    assert reasons[f"{project}/web"] == f"in the project {project} (private), which is created"
    assert reasons[f"{project}-old/web"] == ""
    assert target.created == []


async def test_what_a_service_can_not_make_as_it_is_asked_is_blocked(
    plan: Plan, target: Harbor, login: Credential, tmp_path: Path
) -> None:
    asked = replace(plan, create=CreationOptions(resource_tags=(("team", "web"),)))

    foreseen = await seen(asked, target, login)
    await ran(new_job(tmp_path, asked), target, login)

    reasons = {copy.reason for copy in foreseen.worklist.of(Verdict.BLOCKED)}
    assert all("a project can't be made with resource tags here" in why for why in reasons)
    assert reasons
    assert target.created == []


async def test_without_leave_it_is_blocked_and_said_what_would_allow_it(
    plan: Plan, target: Harbor, login: Credential, tmp_path: Path
) -> None:
    plan = replace(plan, create_missing=None)

    foreseen = await seen(plan, target, login)
    ended = await ran(new_job(tmp_path, plan), target, login)

    blocked = foreseen.worklist.of(Verdict.BLOCKED)
    assert len(blocked) == 3
    problem = blocked[0].problem
    assert isinstance(problem, errors.NamespaceMissing)
    assert "create_missing" in problem.remedy
    assert ended.counts.failed == 3
    assert target.created == []


@pytest.mark.parametrize("visibility", Visibility)
async def test_a_run_creates_it_once_and_then_copies(
    visibility: Visibility,
    plan: Plan,
    target: Harbor,
    login: Credential,
    project: str,
    tmp_path: Path,
) -> None:
    job = new_job(tmp_path, replace(plan, create_missing=visibility))

    ended = await ran(job, target, login)

    assert ended.state is JobState.DONE, ended.failures
    public = str(visibility is Visibility.PUBLIC).lower()
    assert target.created == [{"project_name": project, "metadata": {"public": public}}]
    assert [(each.creation.visibility, each.state) for each in kept(job)] == [
        (visibility, Created.DONE)
    ]


async def test_it_is_in_the_journal_before_the_service_is_asked(
    plan: Plan, target: Harbor, login: Credential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job(tmp_path, plan)
    before: list[Created] = []
    create = Harbor._create

    def watched(self: Harbor, path: str, asked: dict[str, Any]) -> Any:
        before.extend(each.state for each in kept(job))
        return create(self, path, asked)

    monkeypatch.setattr(Harbor, "_create", watched)

    await ran(job, target, login)

    assert before == [Created.BEGUN]


async def test_a_run_that_ended_while_it_created_finds_its_own_work(
    plan: Plan, target: Harbor, login: Credential, project: str, tmp_path: Path
) -> None:
    job = new_job(tmp_path, plan)
    await take_stock(job, target, login)
    with job.journal() as journal:
        journal.creating(creation(target, project), Created.BEGUN, 1.0)
    target.projects[project] = Project()

    ended = await ran(job, target, login)

    assert ended.state is JobState.DONE, ended.failures
    assert target.created == []
    assert [each.state for each in kept(job)] == [Created.DONE]


async def test_what_somebody_made_meanwhile_is_taken_as_it_is(
    plan: Plan, target: Harbor, login: Credential, project: str, tmp_path: Path
) -> None:
    job = new_job(tmp_path, plan)
    await take_stock(job, target, login)
    target.projects[project] = Project()

    ended = await ran(job, target, login)

    assert ended.state is JobState.DONE, ended.failures
    assert [each.state for each in kept(job)] == [Created.THERE]


async def test_a_creation_that_fails_is_tried_once_and_only_its_copies_fail(
    plan: Plan, target: Harbor, login: Credential, project: str, tmp_path: Path
) -> None:
    target.may_create = False
    job = new_job(tmp_path, plan)

    ended = await ran(job, target, login)

    assert ended.state is JobState.FAILED
    assert (ended.counts.copied, ended.counts.failed) == (1, 3)
    (failure,) = ended.failures
    assert failure.cause == "not-created"
    assert f"the project {project} (private)" in failure.examples[0][1]
    posts = [line for line in target.asked if line.startswith("POST")]
    assert posts == ["POST /api/v2.0/projects"]
    assert [each.state for each in kept(job)] == [Created.FAILED]
    assert not any(f"/v2/{project}/" in line for line in target.written)


@pytest.mark.parametrize("how", ["hidden", "forgotten"])
async def test_what_is_not_seen_to_be_there_is_not_believed(
    how: str, plan: Plan, target: Harbor, login: Credential, project: str, tmp_path: Path
) -> None:
    target.hidden = {project} if how == "hidden" else set()
    target.forgets = how == "forgotten"

    ended = await ran(new_job(tmp_path, plan), target, login)

    assert {failure.cause for failure in ended.failures} == {"not-created"}
    assert ended.counts.failed == 3


async def test_a_retry_creates_what_could_not_be_created_before(
    plan: Plan, target: Harbor, login: Credential, tmp_path: Path
) -> None:
    target.may_create = False
    job = new_job(tmp_path, plan)
    await ran(job, target, login)
    target.may_create = True

    with job.journal() as journal:
        journal.note(phase="", state=JobState.WAITING)
    ended = await ran(job, target, login)

    assert ended.state is JobState.DONE, ended.failures
    assert {state for _, state in outcomes(job).values()} == {CopyState.DONE}
    assert [each.state for each in kept(job)] == [Created.DONE]


async def test_an_undo_leaves_what_was_created_and_says_so(
    plan: Plan, target: Harbor, login: Credential, project: str, tmp_path: Path
) -> None:
    job = new_job(tmp_path, plan)
    await ran(job, target, login)

    async with opened(plan, target, login) as places:
        foreseen = await preview_undo(job, places)
        await undo_job(job, foreseen, places, SystemClock(), "tester")

    assert foreseen.created == (creation(target, project),)
    assert project in target.projects


async def test_a_report_names_what_was_created(
    plan: Plan, target: Harbor, login: Credential, project: str, tmp_path: Path
) -> None:
    job = new_job(tmp_path, plan)
    await ran(job, target, login)

    assert report_of(job)["creations"] == [
        {
            "registry": target.host,
            "kind": "project",
            "name": project,
            "visibility": "private",
            "immutable_tags": False,
            "resource_tags": {},
            "result": "created",
            "detail": "",
        }
    ]
    with open_report(job, 0.0) as report:
        text = "".join(markdown_report(report))
    assert "Needed first" in text
    assert "created by the job" in text


async def test_a_report_names_what_could_not_be_created(
    plan: Plan, target: Harbor, login: Credential, tmp_path: Path
) -> None:
    target.may_create = False
    job = new_job(tmp_path, plan)
    await ran(job, target, login)

    (created,) = report_of(job)["creations"]

    assert created["result"] == "failed"
    assert "No right to do this" in created["detail"]


async def test_a_watch_has_its_jobs_create_it_too(
    plan: Plan, target: Harbor, login: Credential, project: str, tmp_path: Path
) -> None:
    async with opened(plan, target, login) as places:
        found = await scan_plan(plan, places, SystemClock())
    job = job_of(found, found.to_do, JobStore(tmp_path / "jobs"))
    fill(job, found, found.to_do, "nightly")

    ended = await ran(job, target, login)

    assert ended.state is JobState.DONE, ended.failures
    assert project in target.projects
    assert len(target.created) == 1


async def test_what_may_pass_is_tried_again_as_often_as_the_plan_says(
    plan: Plan,
    target: Harbor,
    login: Credential,
    project: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(executor, "pause_before", lambda attempt: 0.0)
    target.refuses = [503, 503]  # A question is put to the service twice before it is given up.
    job = new_job(tmp_path, replace(plan, retries=1))

    ended = await ran(job, target, login)

    assert ended.state is JobState.DONE, ended.failures
    assert [each["project_name"] for each in target.created] == [project]
    assert target.refuses == []
