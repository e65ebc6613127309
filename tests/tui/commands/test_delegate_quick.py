"""All of a personal account to an instance, by one line: listed, shown, asked, made, copied.

Both sides are real registries, `servers.tencent` stands in for the cloud. What image-transfer's
quick mode loses in silence is named here: pages, tags, namespaces, collisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from delegating.line import Ended, Operator, line
from delegating.tencent import breaks
from moving.judge import digest_at, tags_at
from servers.images import make_layer, push_image, push_index
from servers.tencent import (
    Instance,
    Instances,
    Personal,
    TcrRegistry,
    TencentApi,
    tcr_registry,
    tencent_api,
)
from servers.tencent import network as network_actions
from servers.tencent import quick as quick_actions
from servers.tencent.enterprise import Namespace
from servers.tencent.quick import Images
from transship.app.engines import QuickTransferRequest
from transship.paths import default_paths
from transship.plans.plan import OnConflict
from transship.transfers.jobs import JobStore
from transship_tui.lines import quick_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers.docker_registry import DockerRegistry


@dataclass
class World:
    """The personal account and its registry, the instance and the registry behind its domain."""

    api: TencentApi
    source: DockerRegistry
    behind: DockerRegistry
    domain: TcrRegistry
    account: Personal
    instance: Instance
    operator: Operator

    def push(self, repository: str, *tags: str, public: bool = False, about: str = "") -> None:
        """Push an image for each tag to the personal account."""
        layers = [make_layer(repository.encode())]
        for tag in tags:
            push_image(self.source, repository, tag, layers, annotations={"tag": tag})
        self.have(repository, *tags, public=public, about=about)

    def have(self, repository: str, *tags: str, public: bool = False, about: str = "") -> None:
        """Let the account have a repository with these tags."""
        namespace, _, rest = repository.partition("/")
        self.account.namespaces.setdefault(namespace, []).append(rest)
        self.account.public[repository] = public
        self.account.descriptions[repository] = about
        self.api.of(Images).tags[repository] = list(tags)

    def quick(self, *words: object) -> Ended:
        """Say the line."""
        return line("delegate", "quick", self.source.host, self.domain.host, *words)

    @property
    def nothing_was_done(self) -> bool:
        """Whether nothing was made, kept or begun."""
        made = self.instance.namespaces or self.operator.delegations()
        return not made and not JobStore(default_paths().jobs).all()


@pytest.fixture
def world(
    new_registry: Callable[..., DockerRegistry], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    source, behind = new_registry(auth="htpasswd"), new_registry(auth="htpasswd")
    actions = quick_actions.ACTIONS, network_actions.ACTIONS
    with tencent_api(*actions) as api, tcr_registry(behind.host) as domain:
        account = api.of(Personal)
        account.servers = {"ap-guangzhou": source.host}
        instance = api.of(Instances).add("team", domain.host)
        domain.place = instance
        api.of(Images).behind = {instance.id: behind}
        operator = Operator(monkeypatch)
        operator.add_keys(api.host)
        for host, service in ((source.host, "ccr"), (domain.host, "tcr")):
            login = source.username or "", source.password or ""
            operator.add(host, login, service, api.host)
        yield World(api, source, behind, domain, account, instance, operator)


def test_everything_arrives_and_is_told_in_one_document(world: World) -> None:
    world.push("shop/api", *(f"v{number}" for number in range(103)), about="The shop's API.")
    world.push("open/web", "1.0", public=True)
    world.have("shop/planned")
    world.account.namespaces["void"] = []
    children = [
        push_image(world.source, "shop/multi", platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    ]
    index = push_index(world.source, "shop/multi", "latest", children)
    world.have("shop/multi", "latest")

    ended = world.quick("--yes", "--json")

    assert ended.status == 0, ended.err
    document = ended.document
    assert {*document} == {
        "engine", "purpose", "changes", "gives", "notes", "refusals", "repositories", "tags",
        "empty", "gaps", "collisions", "delegation", "job",
    }  # fmt: skip
    assert (document["repositories"], document["tags"], document["empty"]) == (
        4, 105, ["shop/planned"],
    )  # fmt: skip
    assert (document["job"]["state"], document["job"]["counts"]["copied"]) == ("done", 105)
    assert len(tags_at(world.behind, "shop/api")) == 103
    assert digest_at(world.behind, "shop/multi", "latest") == index.digest
    spaces = world.instance.namespaces
    assert {name: space.public for name, space in spaces.items()} == {
        "open": True, "shop": False, "void": False,
    }  # fmt: skip
    assert spaces["shop"].descriptions["api"] == "The shop's API."

    again = world.quick("--yes")
    assert again.status == 0, again.err
    assert "shop/api is there already: 103 tags of the same name" in " ".join(again.err.split())
    assert line("delegate", "status", document["delegation"]).status == 0
    world.operator.gave_away_nothing(ended, again)


def test_a_dry_run_shows_all_and_does_nothing(world: World) -> None:
    world.push("shop/web", "1.0", "2.0")

    ended = world.quick("--dry-run")
    document = world.quick("--dry-run", "--json").document

    assert ended.status == 0, ended.err
    assert ended.out.startswith("2 tags of 1 repository would be copied\n")
    assert "+ create namespace shop" in ended.out
    assert "The public endpoint of team is closed" in ended.out
    assert (document["delegation"], document["job"]) == (None, None)
    assert document["changes"][0]["fields"] == [
        {"name": "IsPublic", "before": None, "after": False}
    ]
    assert world.nothing_was_done
    world.operator.gave_away_nothing(ended)


def test_without_a_terminal_it_takes_a_yes(world: World) -> None:
    world.push("shop/web", "1.0")
    ended = world.quick()
    assert ended.status == 2
    assert "--yes" in ended.err
    assert world.nothing_was_done


def test_on_a_terminal_it_asks_for_both_at_once(world: World, terminal: Any) -> None:
    world.push("shop/web", "1.0")
    asked = terminal("delegate", "quick", world.source.host, world.domain.host)
    asked.until("Make 1 change, then copy 1 tag? [y/N]")
    asked.type("n\n")
    assert asked.wait() == 1
    assert world.nothing_was_done


def test_a_copy_that_is_left_goes_on_by_itself(world: World) -> None:
    world.push("shop/web", "1.0")

    ended = world.quick("--yes", "--detach")
    attached = line("attach", ended.out.strip())

    assert (ended.status, attached.status) == (0, 0), attached.err
    assert f"transship attach {ended.out.strip()}" in ended.err
    assert tags_at(world.behind, "shop/web") == ["1.0"]


def test_the_newest_tags_are_taken_and_the_others_counted(world: World) -> None:
    world.push("shop/web", "1.0", "2.0", "3.0")
    ended = world.quick("--newest", 2, "--yes")
    assert ended.status == 0, ended.err
    assert "1 older tag of shop/web stay behind, as asked" in " ".join(ended.err.split())
    assert tags_at(world.behind, "shop/web") == ["2.0", "3.0"]


def test_namespaces_are_renamed_left_out_and_made_for_everyone(world: World) -> None:
    world.push("shop/web", "1.0")
    world.push("private/web", "1.0")
    ended = world.quick(
        "--rename", "shop=store", "--leave-out", "private", "--visibility", "shop=public",
        "--expose", "--yes",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    assert {name: space.public for name, space in world.instance.namespaces.items()} == {
        "store": True
    }
    assert tags_at(world.behind, "store/web") == ["1.0"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--rename", "shop"), "is no OLD=NEW"),
        (("--visibility", "shop=nobody"), "is no visibility"),
        (("--dry-run", "--detach"), "starts no job"),
        (("--newest", "0"), "--newest"),
    ],
)
def test_what_is_said_wrong_is_refused(words: tuple[str, ...], says: str, world: World) -> None:
    ended = world.quick(*words)
    assert ended.status == 2
    assert says in ended.err


class TestNothingVanishes:
    """What image-transfer's quick mode loses, and says nothing of."""

    def test_a_broken_page_is_named_and_stops_it_until_it_is_asked_for(self, world: World) -> None:
        for number in range(102):
            world.have(f"shop/r{number:03}")
        world.push("shop/web", "1.0")
        breaks(
            world.api,
            "DescribeRepositoryOwnerPersonal",
            lambda call: call.get("Offset") == 0 and call.get("Limit") == 100,
        )

        refused = world.quick("--yes", "--json")

        assert refused.status == 3
        assert "Not everything could be listed" in refused.err
        assert "repositories 1 to 100" in refused.err
        [gap] = refused.document["gaps"]
        assert {*gap} == {"what", "of", "cause", "detail"}
        assert gap["what"] == "repositories 1 to 100"
        assert world.nothing_was_done

        partly = world.quick("--incomplete", "--yes")
        assert partly.status == 0, partly.err
        assert "Not among it, as asked: repositories 1 to 100" in " ".join(partly.err.split())
        assert tags_at(world.behind, "shop/web") == ["1.0"]

    def test_tags_that_can_not_be_listed_are_named_with_their_repository(
        self, world: World
    ) -> None:
        world.push("shop/web", "1.0")
        world.push("shop/api", "1.0")
        breaks(world.api, "DescribeImagePersonal", lambda call: call.get("RepoName") == "shop/api")
        ended = world.quick("--yes")
        assert ended.status == 3
        assert "tags of shop/api" in ended.err
        assert world.nothing_was_done

    def test_a_namespace_that_can_not_be_made_keeps_the_rest_from_being_copied(
        self, world: World
    ) -> None:
        world.push("base/web", "1.0")
        world.push("shop/web", "1.0")
        world.api.refuses["CreateNamespace"] = ["FailedOperation"]

        broken = world.quick("--yes")
        [kept] = world.operator.delegations()

        assert broken.status == 1
        assert f"transship delegate resume {kept.id}" in broken.err
        assert not JobStore(default_paths().jobs).all()
        assert line("delegate", "resume", kept.id).status == 0
        rest = world.quick("--yes")
        assert rest.status == 0, rest.err
        assert tags_at(world.behind, "base/web") == ["1.0"]

    def test_a_tag_that_is_there_with_another_digest_fails_by_name_and_stays(
        self, world: World
    ) -> None:
        world.push("shop/web", "1.0", "2.0")
        world.instance.namespaces = {"shop": Namespace(repositories=["web"])}
        theirs = push_image(world.behind, "shop/web", "1.0", annotations={"by": "another"})

        ended = world.quick("--yes", "--json")

        assert ended.status == 1
        [collision] = ended.document["collisions"]
        assert collision == {"repository": "shop/web", "both": ["1.0"], "only_there": []}
        assert "1.0" in str(ended.document["job"]["failures"])
        assert digest_at(world.behind, "shop/web", "1.0") == theirs.digest
        assert tags_at(world.behind, "shop/web") == ["1.0", "2.0"]

        asked = world.quick("--on-conflict", "overwrite", "--yes")
        assert asked.status == 0, asked.err
        assert digest_at(world.behind, "shop/web", "1.0") != theirs.digest

    def test_a_tag_that_is_gone_by_then_is_named(self, world: World) -> None:
        world.push("shop/web", "1.0")
        world.api.of(Images).tags["shop/web"].append("gone")
        ended = world.quick("--yes")
        assert ended.status == 1
        assert "gone" in ended.out + ended.err
        assert tags_at(world.behind, "shop/web") == ["1.0"]

    def test_private_images_do_not_become_public_unasked(self, world: World) -> None:
        world.push("shop/web", "1.0")
        world.instance.namespaces = {"shop": Namespace(public=True)}
        ended = world.quick("--yes")
        assert ended.status == 3
        assert "Private images would become public" in ended.err
        asked = world.quick("--expose", "--yes")
        assert asked.status == 0, asked.err

    def test_an_account_with_nothing_says_so(self, world: World) -> None:
        ended = world.quick("--yes")
        assert ended.status == 0
        assert "there is nothing to move" in ended.err


def test_what_was_made_is_taken_back_while_it_is_empty(world: World) -> None:
    world.account.namespaces["void"] = []
    world.have("void/planned")
    made = world.quick("--yes")
    assert made.status == 0, made.err
    [kept] = world.operator.delegations()
    back = line("delegate", "undo", kept.id, "--yes")
    assert back.status == 0, back.err
    assert world.instance.namespaces == {}


def test_images_are_never_taken_back_with_their_namespace(world: World) -> None:
    world.push("shop/web", "1.0")
    assert world.quick("--yes").status == 0
    [kept] = world.operator.delegations()
    back = line("delegate", "undo", kept.id, "--yes")
    assert back.status == 1
    assert "What holds images isn't deleted from here." in back.err
    assert tags_at(world.behind, "shop/web") == ["1.0"]


@pytest.mark.parametrize(
    "wish",
    [
        QuickTransferRequest("SOURCE", "TARGET"),
        QuickTransferRequest("SOURCE", "TARGET", 2, OnConflict.SKIP, incomplete=True, expose=True),
    ],
)
def test_the_line_that_the_app_shows_is_one(wish: QuickTransferRequest, world: World) -> None:
    world.push("shop/web", "1.0")
    hosts = {"SOURCE": world.source.host, "TARGET": world.domain.host}
    words = [hosts.get(word, word) for word in quick_line(wish).split()]
    assert words[0] == "transship"
    assert line(*words[1:], "--dry-run").status == 0
