"""What Harbor's API says before a write. Harbor can't be had here; `servers.harbor` stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clients.opening import access_to
from servers.harbor import Harbor, Project, harbor, rule
from transship import errors
from transship.registry.registry import TargetOutlook, TargetStatus
from transship.services.harbor import HARBOR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.opening import Connect
    from servers.docker_registry import DockerRegistry
    from transship.registry.distribution import DistributionRegistry

LIST = "GET /api/v2.0/projects?name={}&page=1&page_size=100"
RULES = "GET /api/v2.0/projects/{}/immutabletagrules?page=1&page_size=100"


@pytest.fixture
def server(htpasswd_registry: DockerRegistry) -> Iterator[Harbor]:
    with harbor(htpasswd_registry.host) as server:
        server.projects = {"team": Project()}
        yield server


@pytest.fixture
def target(
    server: Harbor, htpasswd_registry: DockerRegistry, connect: Connect
) -> DistributionRegistry:
    login = access_to(htpasswd_registry).credential
    return connect(server.host, credential=login, service=HARBOR)


async def look(registry: DistributionRegistry, **writes: bool) -> TargetOutlook:
    """Ask about repositories whose slashes are written as two underscores."""
    foreseer = registry.foreseer()
    assert foreseer is not None
    return await foreseer.look({name.replace("__", "/"): moves for name, moves in writes.items()})


async def test_a_project_that_is_there_takes_everything(
    server: Harbor, target: DistributionRegistry
) -> None:
    outlook = await look(target, team__web=False, team__shop__api=False)

    assert outlook == TargetOutlook({"team/web": TargetStatus(), "team/shop/api": TargetStatus()})
    assert server.asked == [LIST.format("team")]
    assert server.written == []


async def test_a_project_whose_name_is_only_like_it_is_not_it(
    server: Harbor, target: DistributionRegistry
) -> None:
    server.projects = {"team-a": Project(), "a-team": Project()}

    outlook = await look(target, team__web=True)

    missing = outlook.standings["team/web"].missing
    assert str(missing) == "the project team isn't there, or is hidden from this account"
    assert server.asked == [LIST.format("team")], "nothing else is asked of what isn't there"


async def test_a_project_is_found_on_a_later_page(
    server: Harbor, target: DistributionRegistry
) -> None:
    server.projects = {f"a-team-{n:03}": Project() for n in range(150)} | {"team": Project()}

    outlook = await look(target, team__web=False)

    assert outlook.standings == {"team/web": TargetStatus()}
    assert len(server.asked) == 2


async def test_a_proxy_cache_takes_no_pushes(server: Harbor, target: DistributionRegistry) -> None:
    server.projects["team"].proxies = 3

    outlook = await look(target, team__web=True)

    assert outlook.standings["team/web"].read_only == "the project team is a proxy cache"


@pytest.mark.parametrize(
    ("made", "pinned", "free"),
    [
        (rule("v*"), ["v1", "v1.2-rc"], ["latest"]),
        (rule("**"), ["v1", "latest"], []),
        (rule("{v*,stable}"), ["v1", "stable"], ["latest"]),
        (rule("*-rc", decoration="excludes"), ["v1", "latest"], ["v1-rc"]),
        (rule("v*", "shop/**"), [], ["v1"]),
        (rule("v*", "w*"), ["v1"], ["latest"]),
        (rule("v*", "w*", scope="repoExcludes"), [], ["v1"]),
        (rule("v*", "shop/**", scope="repoExcludes"), ["v1"], []),
        (rule("v*", disabled=True), [], ["v1"]),
        ({**rule("v*"), "tag_selectors": []}, [], ["v1"]),
        ({**rule("v*"), "scope_selectors": {}}, [], ["v1"]),
        (rule("{broken"), [], ["{broken"]),
    ],
)
async def test_rules_pin_the_tags_that_they_cover(
    made: dict[str, object],
    pinned: list[str],
    free: list[str],
    server: Harbor,
    target: DistributionRegistry,
) -> None:
    server.projects["team"].rules = [made]

    standing = (await look(target, team__web=True)).standings["team/web"]

    assert [tag for tag in pinned if not standing.pinned_by(tag)] == []
    assert [tag for tag in free if standing.pinned_by(tag)] == []


async def test_it_is_said_which_rule_pins_a_tag(
    server: Harbor, target: DistributionRegistry
) -> None:
    server.projects["team"].rules = [
        rule("latest"),
        rule("*-rc", decoration="excludes"),
    ]

    standing = (await look(target, team__web=True)).standings["team/web"]

    assert standing.pinned_by("latest") == "the project team keeps latest immutable"
    assert standing.pinned_by("v1") == "the project team keeps all but *-rc immutable"


async def test_rules_are_asked_for_once_and_only_where_tags_move(
    server: Harbor, target: DistributionRegistry
) -> None:
    server.projects["other"] = Project()
    foreseer = target.foreseer()
    assert foreseer is not None

    await foreseer.look({"team/web": False, "other/web": False})
    await foreseer.look({"team/web": True, "team/api": True})
    await foreseer.look({"team/shop": True, "other/api": False})

    assert server.asked == [LIST.format("team"), LIST.format("other"), RULES.format("team")]


async def test_without_the_right_to_see_the_rules_the_tags_themselves_are_asked(
    server: Harbor, target: DistributionRegistry
) -> None:
    server.projects["team"] = Project(may_list_rules=False)
    server.projects["team"].tags["shop/api"] = {f"v{n}": n % 2 == 0 for n in range(150)}

    outlook = await look(target, team__shop__api=True)

    standing = outlook.standings["team/shop/api"]
    assert outlook.unknown == ()
    assert standing.pinned_by("v148") == "the project team keeps it immutable"
    assert [standing.pinned_by(tag) for tag in ("v149", "latest")] == ["", ""]
    assert "repositories/shop%252Fapi/artifacts?" in server.asked[-1]


async def test_without_any_right_only_what_is_immutable_is_unknown(
    server: Harbor, target: DistributionRegistry
) -> None:
    server.projects["team"] = Project(may_list_rules=False, may_list_tags=False)

    outlook = await look(target, team__web=True, team__api=True, team__shop=True)

    assert [unknown.of for unknown in outlook.unknown] == ["team"] * 3
    assert len(server.asked) == 3, "the project, its rules, and the tags of one repository"


async def test_without_the_right_to_see_the_rules_only_they_are_unknown(
    server: Harbor, target: DistributionRegistry
) -> None:
    server.projects["team"] = Project([rule("**")], may_list_rules=False, may_list_tags=False)

    outlook = await look(target, team__web=True, gone__web=True)

    assert outlook.standings["team/web"] == TargetStatus()
    assert outlook.standings["gone/web"].missing is not None
    (unknown,) = outlook.unknown
    assert (unknown.what, unknown.of) == ("which tags are immutable", "team")
    assert isinstance(unknown.why, errors.NoRight)


@pytest.mark.parametrize("status", [401, 403, 404, 500])
async def test_an_api_that_answers_nothing_is_asked_no_more(
    status: int, server: Harbor, target: DistributionRegistry
) -> None:
    server.broken = status

    outlook = await look(target, team__web=True, other__web=True, third__web=True)

    assert outlook.standings == {}
    assert [unknown.of for unknown in outlook.unknown] == ["team", "other", "third"]
    assert len(server.asked) <= 2, "the same failure isn't asked for again"


async def test_what_is_no_harbor_after_all_refuses_nothing(
    htpasswd_registry: DockerRegistry, connect: Connect
) -> None:
    login = access_to(htpasswd_registry).credential
    registry = connect(htpasswd_registry.host, credential=login, service=HARBOR)

    outlook = await look(registry, team__web=True)

    assert outlook.standings == {}
    assert [unknown.what for unknown in outlook.unknown] == ["whether projects are there"]


async def test_without_a_sign_in_nothing_is_asked(server: Harbor, connect: Connect) -> None:
    outlook = await look(connect(server.host, service=HARBOR), team__web=True)

    assert [type(unknown.why) for unknown in outlook.unknown] == [errors.SignInNeeded]
    assert server.asked == []


async def test_a_registry_that_is_no_service_has_nobody_to_ask(
    open_registry: DockerRegistry, connect: Connect
) -> None:
    assert connect(open_registry.host).foreseer() is None
