"""Whole copies to and from services that have ways of their own, through whatever breaks off.

The services are stand-ins (`servers.quay`, `servers.ghcr`, `servers.artifactory`) in front of a
real registry, which is where skopeo looks for what has come of it. Layers that are large for a
service are made small here: how it wants them is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from moving.at_service import copied, foreseen
from moving.jobs import SHORT, plan_of
from moving.judge import digest_at, tags_at
from servers.artifactory import Key, artifactory
from servers.faults import CutRequest, CutResponse, Fault, LoseResponse, SwallowRequest
from servers.ghcr import ghcr
from servers.images import push_image, push_index, random_layer
from servers.quay import OAUTH, OWNER, ROBOT, Quay, quay
from transship.plans.plan import Plan
from transship.registry.access import Access
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry
from transship.registry.examination import examine
from transship.registry.registry import MEBIBYTE, Visibility
from transship.services.artifactory import ARTIFACTORY, ARTIFACTORY_KEY
from transship.services.github import GHCR
from transship.services.quay import QUAY, REPOSITORY, WITH_ORGANIZATION
from transship.transfers.copies import JobState, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import Action
    from servers.images import Pushed
    from servers.registry import Registry as Server
    from servers.token_proxy import TokenProxy
    from transship.registry.service import Service

LARGE = 12 * MEBIBYTE
PIECE = 5 * MEBIBYTE
USERS = {OAUTH: "an OAuth token", ROBOT: "a robot's token", OWNER: "a password"}


@dataclass
class Stand:
    """A service, and the repository in it that is the test's own."""

    server: TokenProxy
    service: Service
    user: str
    path: str

    @property
    def name(self) -> str:
        """The repository with its registry."""
        return f"{self.server.host}/{self.path}"

    def opened(self) -> DistributionRegistry:
        """Open it as the service that it is."""
        login = Credential(self.user, self.server.users[self.user])
        return DistributionRegistry(
            self.server.host, credential=login, service=self.service, patience=SHORT
        )


def with_small_pieces(service: Service) -> Service:
    """Return a service as it is, but for what it counts as large."""
    takes = service.capabilities
    return replace(
        service,
        capabilities=replace(
            takes, whole_limit=min(takes.whole_limit, MEBIBYTE), piece=min(takes.piece, PIECE)
        ),
    )


@pytest.fixture
def server(open_registry: DockerRegistry) -> Iterator[Quay]:
    """A Quay with the organization of the robot."""
    with quay(open_registry.host, USERS) as server:
        server.organizations = {"team"}
        yield server


@pytest.fixture(
    params=["quay by a robot", "quay by OAuth", "ghcr", "artifactory", "artifactory by subdomain"]
)
def stand(
    request: pytest.FixtureRequest, open_registry: DockerRegistry, repository: str
) -> Iterator[Stand]:
    if request.param.startswith("quay"):
        user = ROBOT if "robot" in request.param else OAUTH
        at_quay = request.getfixturevalue("server")
        yield Stand(at_quay, with_small_pieces(QUAY), user, f"team/{repository}")
    elif request.param == "ghcr":
        with ghcr(open_registry.host, {OWNER: "a token"}) as at_github:
            yield Stand(at_github, with_small_pieces(GHCR), OWNER, f"octo/{repository}")
    else:
        key = "docker-local"
        only = key if "subdomain" in request.param else ""
        with artifactory(open_registry.host, {OWNER: "a token"}, only) as at_jfrog:
            at_jfrog.keys = {key: Key()}
            service = with_small_pieces(ARTIFACTORY_KEY if only else ARTIFACTORY)
            path = repository if only else f"{key}/{repository}"
            yield Stand(at_jfrog, service, OWNER, path)


def push_all(registry: Server, repository: str) -> dict[str, Pushed]:
    """Push an index for two platforms with a large layer in common, and one of its images."""
    base = random_layer(LARGE, "base of the services")
    children = [
        push_image(registry, repository, None, [base, random_layer(5_000, name)], platform=name)
        for name in ("linux/amd64", "linux/arm64")
    ]
    single = push_image(registry, repository, "single", [base])
    return {"multi": push_index(registry, repository, "multi", children), "single": single}


@pytest.mark.parametrize(
    "fault",
    [CutRequest(after=MEBIBYTE), LoseResponse()],
    ids=["cut in the middle", "its answer lost"],
)
async def test_what_breaks_off_on_the_way_to_a_service_goes_on(
    fault: Action,
    stand: Stand,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    images = push_all(other_registry, repository)
    in_pieces = stand.service.capabilities.piece > 0
    method = "PATCH" if in_pieces else "PUT"
    # The second piece of the large layer, or all of it.
    uploads = r"/blobs/uploads/"
    broken = stand.server.add(Fault(fault, method, uploads, skip=1 if in_pieces else 0))
    plan = plan_of((f"{other_registry.host}/{repository}", stand.name))

    view = await copied(tmp_path, plan, stand.opened(), DistributionRegistry(other_registry.host))

    assert view.state is JobState.DONE, (view.failures, view.problem)
    assert broken.struck == 1
    assert tags_at(open_registry, stand.path) == sorted(images)
    for tag, image in images.items():
        assert digest_at(open_registry, stand.path, tag) == image.digest
    again = await copied(tmp_path, plan, stand.opened(), DistributionRegistry(other_registry.host))
    assert (again.counts.same, again.bytes.sent) == (len(images), 0)


@pytest.mark.parametrize("stand", ["quay by a robot", "artifactory"], indirect=True)
async def test_a_layer_goes_on_from_its_last_piece(
    stand: Stand, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    layer = random_layer(LARGE, f"{stand.path} goes on")
    push_image(other_registry, repository, "v1", [layer])
    lost = Fault(SwallowRequest(), "PATCH", "/blobs/uploads/", skip=2)
    stand.server.add(lost)
    plan = plan_of((f"{other_registry.host}/{repository}", stand.name))

    view = await copied(tmp_path, plan, stand.opened(), DistributionRegistry(other_registry.host))

    assert view.state is JobState.DONE, (view.failures, view.problem)
    assert lost.struck == 1
    sent = sum(request.sent for request in stand.server.requests)
    assert len(layer) <= sent < len(layer) + MEBIBYTE, "nothing that was held is sent again"


async def test_what_breaks_off_on_the_way_from_a_service_goes_on(
    stand: Stand, open_registry: DockerRegistry, other_registry: DockerRegistry, tmp_path: Path
) -> None:
    images = push_all(open_registry, stand.path)
    if isinstance(stand.server, Quay):
        stand.server.repositories[stand.path] = "private"
    cut = CutResponse(after=2 * MEBIBYTE)
    layer = next(blob for blob in images["single"].blobs[1:])
    broken = stand.server.add(Fault(cut, "GET", f"/blobs/{layer}"))
    target = f"{other_registry.host}/from/{stand.path}"

    view = await copied(
        tmp_path,
        plan_of((stand.name, target)),
        stand.opened(),
        DistributionRegistry(other_registry.host),
    )

    assert view.state is JobState.DONE, (view.failures, view.problem)
    assert broken.struck == 1
    for tag, image in images.items():
        assert digest_at(other_registry, f"from/{stand.path}", tag) == image.digest


@pytest.fixture
def plan(server: Quay, other_registry: DockerRegistry, repository: str) -> Plan:
    """A plan for a new repository of the robot's organization, and for a new organization."""
    push_image(other_registry, repository, "v1")
    source = f"{other_registry.host}/{repository}:v1"
    return plan_of(
        (source, f"{server.host}/team/{repository}:v1"),
        (source, f"{server.host}/new/{repository}:v1"),
    )


def at_quay(server: Quay, user: str) -> DistributionRegistry:
    return DistributionRegistry(
        server.host, credential=Credential(user, USERS[user]), service=QUAY, patience=SHORT
    )


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("create", [None, *Visibility])
async def test_who_only_looks_at_a_quay_creates_nothing(
    user: str,
    create: Visibility | None,
    plan: Plan,
    server: Quay,
    other_registry: DockerRegistry,
) -> None:
    before = server.there

    await examine(Access(server.host, credential=Credential(user, USERS[user])))
    seen = await foreseen(
        replace(plan, create_missing=create),
        at_quay(server, user),
        DistributionRegistry(other_registry.host),
    )

    assert len(seen.worklist.copies) == 2
    assert server.there == before
    assert [r for r in server.token_requests if any("push" in scope for scope in r.scopes)] == []
    assert [asked.method for asked in server.api if asked.method != "GET"] == []


async def test_a_run_lets_a_push_create_what_is_not_there(
    plan: Plan, server: Quay, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    view = await copied(
        tmp_path, plan, at_quay(server, OWNER), DistributionRegistry(other_registry.host)
    )

    assert view.state is JobState.DONE, (view.failures, view.problem)
    assert server.organizations == {"team", "new"}
    assert set(server.repositories) == {f"team/{repository}", f"new/{repository}"}


async def test_a_missing_organization_is_foreseen_and_not_made_without_leave(
    plan: Plan, server: Quay, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    view = await copied(
        tmp_path, plan, at_quay(server, OAUTH), DistributionRegistry(other_registry.host)
    )

    assert (view.counts.copied, view.counts.failed) == (1, 1)
    assert [failure.cause for failure in view.failures] == ["namespace-missing"]
    assert server.there == ({"team"}, {f"team/{repository}"})


@pytest.mark.parametrize("visibility", Visibility)
async def test_with_leave_it_is_made_as_visible_as_the_plan_says(
    visibility: Visibility,
    plan: Plan,
    server: Quay,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    plan = replace(plan, create_missing=visibility)
    places = at_quay(server, OAUTH), DistributionRegistry(other_registry.host)
    seen = await foreseen(plan, *places)

    view = await copied(
        tmp_path, plan, at_quay(server, OAUTH), DistributionRegistry(other_registry.host)
    )

    assert {copy.verdict for copy in seen.worklist.copies} == {Verdict.COPY}
    assert {creation.missing.kind for creation in seen.worklist.creations} == {
        REPOSITORY,
        WITH_ORGANIZATION,
    }
    assert view.state is JobState.DONE, (view.failures, view.problem)
    assert server.organizations == {"team", "new"}
    assert server.repositories == dict.fromkeys(
        (f"team/{repository}", f"new/{repository}"), str(visibility)
    )


async def test_a_tag_at_quay_is_deleted_by_who_may_push(
    server: Quay, open_registry: DockerRegistry, repository: str
) -> None:
    path = f"team/{repository}"
    push_image(open_registry, path, "old")
    push_image(open_registry, path, "new")
    server.repositories = {path: "private"}
    registry = at_quay(server, ROBOT)

    await registry.delete_tag(path, "old")
    await registry.aclose()

    assert tags_at(open_registry, path) == ["new"]
    refused = [asked for asked in server.token_requests if asked.status == 400]
    assert {scope.rpartition(":")[2] for each in refused for scope in each.scopes} == {
        "pull,push,delete"
    }, "a right that Quay doesn't know"


async def test_a_missing_repository_key_is_made_with_leave(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(other_registry, repository, "v1")
    login = Credential(OWNER, "a token")
    with artifactory(open_registry.host, {OWNER: "a token"}) as server:

        def opened() -> tuple[DistributionRegistry, DistributionRegistry]:
            at_jfrog = DistributionRegistry(
                server.host, credential=login, service=ARTIFACTORY, patience=SHORT
            )
            return at_jfrog, DistributionRegistry(other_registry.host)

        source = f"{other_registry.host}/{repository}:v1"
        plan = plan_of((source, f"{server.host}/new-local/{repository}:v1"))
        without = await foreseen(plan, *opened())
        assert [copy.verdict for copy in without.worklist.copies] == [Verdict.BLOCKED]
        assert server.created == []

        plan = replace(plan, create_missing=Visibility.PRIVATE)
        view = await copied(tmp_path, plan, *opened())

        assert view.state is JobState.DONE, (view.failures, view.problem)
        assert list(server.keys) == ["new-local"]
    assert digest_at(open_registry, f"new-local/{repository}", "v1") == image.digest
