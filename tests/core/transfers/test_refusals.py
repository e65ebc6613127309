"""What a target would refuse is said before, isn't tried, and is reported as it was foreseen.

The targets are real registries behind `servers.harbor`, which stands in for Harbor's API.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

import pytest

from moving.harbor import opened, ran, seen
from moving.jobs import SHORT, new_job, outcomes
from servers.harbor import Harbor, Project, harbor, rule
from servers.images import push_image
from transship import errors
from transship.clock import SystemClock
from transship.oci.reference import Reference, parse_reference
from transship.plans.plan import OnConflict, Plan, wanted
from transship.registry.access import Access, open_registry
from transship.registry.credential import Credential
from transship.transfers.copies import CopyState, JobState, Verdict
from transship.transfers.preview import preview_plan
from transship.watch.scan import scan_plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from transship.registry.registry import Registry


@pytest.fixture
def target(htpasswd_registry: DockerRegistry) -> Iterator[Harbor]:
    with harbor(htpasswd_registry.host) as server:
        yield server


@pytest.fixture
def login(htpasswd_registry: DockerRegistry) -> Credential:
    assert htpasswd_registry.username
    return Credential(htpasswd_registry.username, htpasswd_registry.password or "")


def plan_of(*pairs: tuple[str, str], on_conflict: OnConflict = OnConflict.OVERWRITE) -> Plan:
    copies = tuple(wanted(parse_reference(one), parse_reference(other)) for one, other in pairs)
    return Plan(copies, on_conflict=on_conflict)


@pytest.fixture
def plan(
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
    target: Harbor,
    repository: str,
) -> Plan:
    """A plan of which the target takes some, and refuses some for each of three reasons."""
    for tag in ("v1", "v2", "latest"):
        push_image(open_registry, repository, tag, annotations={"new": tag})
    for tag in ("v1", "latest"):
        push_image(htpasswd_registry, f"{repository}/web", tag, annotations={"old": tag})
    project = repository.partition("/")[0]
    target.projects = {project: Project([rule("v*")]), "cache": Project(proxies=1)}
    source = f"{open_registry.host}/{repository}"
    return plan_of(
        (source, f"{target.host}/{repository}/web"),
        (f"{source}:v1", f"{target.host}/gone/web:v1"),
        (f"{source}:v1", f"{target.host}/cache/web:v1"),
    )


EXPECTED = {
    "web:v1": (Verdict.BLOCKED, errors.ImmutableTag),
    "web:v2": (Verdict.COPY, None),
    "web:latest": (Verdict.OVERWRITE, None),
    "gone/web:v1": (Verdict.BLOCKED, errors.NamespaceMissing),
    "cache/web:v1": (Verdict.BLOCKED, errors.ReadOnly),
}


def short(reference: Reference) -> str:
    name = reference.repository
    return f"{name if name.startswith(('gone', 'cache')) else 'web'}:{reference.tag}"


async def test_a_preview_says_what_would_be_refused_and_why(
    plan: Plan, target: Harbor, login: Credential
) -> None:
    foreseen = await seen(plan, target, login)

    copies = foreseen.worklist.copies
    problems = {short(c.target): (c.verdict, c.problem and type(c.problem)) for c in copies}
    assert problems == EXPECTED
    assert foreseen.unknown == ()
    assert ("gone/web" in {name for _, name in foreseen.new_repositories}) is False
    assert target.written == [], "a preview only reads"
    assert len(target.asked) == 4, "three projects, and the rules of the one with tags that move"


async def test_a_run_does_not_try_what_is_refused_and_reports_it(
    plan: Plan, target: Harbor, login: Credential, tmp_path: Path
) -> None:
    job = new_job(tmp_path, plan)

    ended = await ran(job, target, login)

    assert ended.state is JobState.FAILED
    assert (ended.counts.copied, ended.counts.failed) == (2, 3)
    causes = {failure.cause: failure.count for failure in ended.failures}
    assert causes == {"immutable-tag": 1, "namespace-missing": 1, "read-only": 1}
    assert not any(part in line for line in target.written for part in ("/gone/", "/cache/"))
    assert not any(line.endswith("/web/manifests/v1") for line in target.written)


async def test_what_was_missing_is_copied_by_a_retry_once_it_is_there(
    plan: Plan, target: Harbor, login: Credential, tmp_path: Path
) -> None:
    job = new_job(tmp_path, plan)
    await ran(job, target, login)
    target.projects |= {"gone": Project(), "cache": Project()}
    next(iter(target.projects.values())).rules.clear()

    with job.journal() as journal:
        journal.note(phase="", state=JobState.WAITING)
    ended = await ran(job, target, login)

    assert ended.state is JobState.DONE, ended.failures
    assert {state for _, state in outcomes(job).values()} == {CopyState.DONE}


async def test_a_watch_leaves_out_what_is_refused(
    plan: Plan, target: Harbor, login: Credential
) -> None:
    async with opened(plan, target, login) as places:
        found = await scan_plan(plan, places, SystemClock())

    assert {short(copy.target) for copy in found.to_do} == {"web:v2", "web:latest"}
    assert {short(copy.target) for copy in found.blocked} == EXPECTED.keys() - {
        "web:v2",
        "web:latest",
    }


async def test_when_all_is_the_same_nothing_is_asked(
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
    target: Harbor,
    login: Credential,
    repository: str,
) -> None:
    for registry in (open_registry, htpasswd_registry):
        push_image(registry, repository, "v1")
    source = f"{open_registry.host}/{repository}"

    foreseen = await seen(plan_of((source, f"{target.host}/{repository}")), target, login)

    assert [copy.verdict for copy in foreseen.worklist.copies] == [Verdict.SAME]
    assert target.asked == []


@pytest.mark.parametrize("status", [403, 500])
async def test_a_target_that_answers_no_question_refuses_nothing(
    status: int, plan: Plan, target: Harbor, login: Credential
) -> None:
    target.broken = status

    foreseen = await seen(plan, target, login)

    assert all(copy.verdict.moves for copy in foreseen.worklist.copies)
    (unknown,) = foreseen.unknown
    assert (unknown.target, unknown.what) == (target.host, "whether projects are there")


async def test_the_same_registry_without_a_service_is_asked_nothing_more(
    plan: Plan, target: Harbor, login: Credential
) -> None:
    access = Access(target.host, credential=login)
    async with AsyncExitStack() as stack:
        places: dict[str, Registry] = {}
        for name in {place.registry for place in plan.places}:
            known = access if name == target.host else None
            places[name] = await stack.enter_async_context(
                aclosing(open_registry(Reference(name), known, patience=SHORT))
            )
        foreseen = await preview_plan(plan, places, SystemClock())

    assert all(copy.verdict.moves for copy in foreseen.worklist.copies)
    assert (target.asked, foreseen.unknown) == ([], ())
