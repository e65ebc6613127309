"""A name that a target can't have is blocked, and a mapping with which it fits is proposed.

The target is a real registry behind `servers.harbor`: a Harbor's names have two parts or more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.harbor import ran, seen
from moving.jobs import new_job
from servers.harbor import Harbor, Project, harbor
from servers.images import push_image
from transship.oci.reference import Reference
from transship.plans.file import read_plan, write_plan
from transship.plans.plan import Kind, Plan, Rule
from transship.registry.credential import Credential
from transship.transfers.copies import JobState, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry


@pytest.fixture
def target(htpasswd_registry: DockerRegistry) -> Iterator[Harbor]:
    with harbor(htpasswd_registry.host) as server:
        server.projects = {"library": Project(), "team": Project()}
        yield server


@pytest.fixture
def login(htpasswd_registry: DockerRegistry) -> Credential:
    return Credential(htpasswd_registry.username or "", htpasswd_registry.password or "")


async def test_the_plan_with_the_proposed_mapping_copies_everything(
    open_registry: DockerRegistry,
    target: Harbor,
    login: Credential,
    repository: str,
    tmp_path: Path,
) -> None:
    for name in ("web", "team/api"):
        push_image(open_registry, f"{repository}/{name}", "1")
    rule = Rule(Reference(open_registry.host, repository), (Reference(target.host),))
    plan = Plan(kind=Kind.SYNC, rules=(rule,))

    before = await seen(plan, target, login)

    by_name = {copy.target.repository: copy for copy in before.worklist.copies}
    web = by_name["web"]
    assert web.verdict is Verdict.BLOCKED
    assert "web has 1 part; names here have 2 or more" in web.reason
    assert by_name["team/api"].verdict is Verdict.COPY
    [proposal] = before.proposals
    assert (proposal.rule, proposal.map) == (0, "library/{repository}")
    assert before.becomes(web) == (proposal, Reference(target.host, "library/web"))
    assert before.becomes(by_name["team/api"]) is None

    file = tmp_path / "plan.toml"
    write_plan(file, replace(plan, rules=(replace(rule, map=proposal.map),)))
    after = await seen(read_plan(file), target, login)

    assert [copy.verdict for copy in after.worklist.copies] == [Verdict.COPY] * 2
    assert after.proposals == ()
    ended = await ran(new_job(tmp_path, read_plan(file)), target, login)
    assert ended.state is JobState.DONE, ended.failures


async def test_what_is_only_known_of_a_service_is_tried_where_the_plan_says_so(
    open_registry: DockerRegistry,
    target: Harbor,
    login: Credential,
    repository: str,
    tmp_path: Path,
) -> None:
    """The registry behind the stand-in takes a name of one part: what is known is wrong here."""
    push_image(open_registry, f"{repository}/web", "1")
    name = repository.replace("/", "-")
    rule = Rule(Reference(open_registry.host, repository), (Reference(target.host),), map=name)
    target.projects[name] = Project()
    plan = Plan(kind=Kind.SYNC, rules=(rule,))
    assert (await seen(plan, target, login)).worklist.copies[0].verdict is Verdict.BLOCKED

    tries = replace(plan, try_refused=True)

    assert (await seen(tries, target, login)).worklist.copies[0].verdict is Verdict.COPY
    ended = await ran(new_job(tmp_path, tries), target, login)
    assert ended.state is JobState.DONE, (ended.problem, ended.failures)
