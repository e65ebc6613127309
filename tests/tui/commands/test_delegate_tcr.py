"""TCR does the moving, by line: rules between two instances, and replicas of one.

The cloud can't be had here: `servers.tencent` stands in, and copies with skopeo between registries
that are real.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from delegating.line import Operator, line, plan_at
from delegating.tcr import NEW, OLD, OWNER, PEER, TOKEN
from moving.judge import digest_at
from servers.images import push_image
from servers.tencent import Instance, Instances, TencentApi, tencent_api
from servers.tencent import network as network_actions
from servers.tencent import replicas as replica_actions
from servers.tencent import replication as rule_actions
from servers.tencent.replicas import Replicas
from servers.tencent.replication import Replication
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict, TagFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry


@pytest.fixture
def api() -> Iterator[TencentApi]:
    actions = (rule_actions, replica_actions, network_actions)
    with tencent_api(*(each.ACTIONS for each in actions)) as api:
        yield api


@pytest.fixture
def cloud(api: TencentApi) -> Replication:
    return api.of(Replication)


@pytest.fixture
def old(api: TencentApi, cloud: Replication, open_registry: DockerRegistry) -> Instance:
    made = api.of(Instances).add("old", OLD, edition="premium")
    cloud.registries[made.id] = open_registry
    return made


@pytest.fixture
def new(
    api: TencentApi, old: Instance, cloud: Replication, other_registry: DockerRegistry
) -> Instance:
    assert old.name == "old"
    made = api.of(Instances).add("new", NEW, region="eu-frankfurt", region_id=17)
    cloud.registries[made.id] = other_registry
    return made


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch, api: TencentApi, new: Instance) -> Operator:
    operator = Operator(monkeypatch)
    operator.add_keys(api.host)
    operator.add(OLD, service="tcr", api=api.host)
    operator.add(new.public_domain, service="tcr", api=api.host)
    return operator


@pytest.fixture
def space(fresh_name: Callable[[], str]) -> str:
    """A namespace of this test's own."""
    return fresh_name().replace("/", "-")[-28:].lstrip("-")


@pytest.fixture
def plan(tmp_path: Path, operator: Operator, space: str) -> Path:
    assert operator.secrets
    tags = TagFilter(include=("v*",))
    return plan_at(tmp_path / "sync.toml", Reference(OLD, space), Reference(NEW, space), tags=tags)


def whole(path: Path) -> Path:
    """Write a plan of all that an instance has, as a replica takes."""
    return plan_at(
        path, Reference(OLD), Reference(NEW), repositories=("**",), tags=TagFilter(include=("*",))
    )


class TestRules:
    def test_what_is_pushed_goes_across_the_border(
        self,
        operator: Operator,
        cloud: Replication,
        old: Instance,
        plan: Path,
        space: str,
        open_registry: DockerRegistry,
        other_registry: DockerRegistry,
    ) -> None:
        shown = line("delegate", "show", plan, "--by", "tcr-sync")
        assert shown.status == 0, shown.err
        assert "across the border of mainland China" in shown.out
        assert f'"Value":"{space}/**"' in shown.out
        assert "that is what is sent" in shown.out
        assert cloud.policies == []

        made = line("delegate", "apply", plan, "--by", "tcr-sync", "--yes")
        assert made.status == 0, made.err
        identity = made.out.strip()
        assert f"transship delegate follow {identity}" in made.err
        image = push_image(open_registry, f"{space}/web", "v1")
        cloud.pushed(old, f"{space}/web", "v1")
        cloud.work()
        followed = line("delegate", "follow", identity)

        assert followed.status == 0, followed.err
        assert "succeeded" in followed.out
        assert "1/1" in followed.out
        assert digest_at(other_registry, f"{space}/web", "v1") == image.digest
        stood = line("delegate", "status", identity)
        assert (stood.status, "as made" in stood.out) == (0, True)

        back = line("delegate", "undo", identity, "--yes")
        assert back.status == 0, back.err
        assert cloud.policies == []
        operator.gave_away_nothing(shown, made, followed, stood, back)

    def test_a_task_that_fails_ends_with_a_one(
        self, cloud: Replication, plan: Path, space: str
    ) -> None:
        identity = line("delegate", "apply", plan, "--by", "tcr-sync", "--yes").out.strip()
        cloud.started("sync", (f"{space}/absent", "v9"))
        cloud.work()

        followed = line("delegate", "follow", identity, "--json")

        assert followed.status == 1
        [execution] = followed.document["executions"]
        assert (execution["state"], execution["tasks"][0]["state"]) == ("failed", "failed")

    def test_a_rule_of_ours_is_changed_and_put_back(
        self, cloud: Replication, plan: Path, space: str
    ) -> None:
        ends = Reference(OLD, space), Reference(NEW, space)
        plan_at(plan, *ends, on_conflict=OnConflict.SKIP)
        line("delegate", "apply", plan, "--by", "tcr-sync", "--yes")
        assert cloud.policies[0].rule["Override"] is False
        plan_at(plan, *ends, on_conflict=OnConflict.OVERWRITE)
        changed = line("delegate", "apply", plan, "--by", "tcr-sync", "--yes")

        assert changed.status == 0, changed.err
        assert "~ change sync rule sync" in changed.err
        assert "Override: false → true" in changed.err
        assert cloud.policies[0].rule["Override"] is True
        assert line("delegate", "undo", changed.out.strip(), "--yes").status == 0
        assert cloud.policies[0].rule["Override"] is False

    def test_deletion_is_sent_when_it_is_asked_for(self, cloud: Replication, plan: Path) -> None:
        made = line("delegate", "apply", plan, "--by", "tcr-sync", "--delete", "--yes")
        assert made.status == 0, made.err
        assert "no bound, and no way back" in " ".join(made.err.split())
        assert cloud.policies[0].rule["Deletion"] is True

    def test_what_runs_by_itself_is_neither_started_nor_stopped(self, plan: Path) -> None:
        identity = line("delegate", "apply", plan, "--by", "tcr-sync", "--yes").out.strip()
        assert line("delegate", "start", identity).status == 3
        assert line("delegate", "stop", identity).status == 3
        started = line("delegate", "apply", plan, "--by", "tcr-sync", "--start", "--name", "x")
        assert started.status == 2
        assert "--start says nothing" in started.err

    def test_an_edition_that_is_too_low_is_refused_in_words(
        self, old: Instance, cloud: Replication, plan: Path
    ) -> None:
        old.edition = "basic"
        ended = line("delegate", "apply", plan, "--by", "tcr-sync", "--yes")
        assert ended.status == 3
        assert "of the basic edition, and rules take standard or premium" in ended.err
        assert "let Transship move it" in ended.err
        assert cloud.policies == []

    @pytest.mark.parametrize(
        ("code", "says"),
        [
            ("InvalidParameter.ReplicationExists", "has a rule of this name already"),
            ("UnauthorizedOperation", "right"),
        ],
    )
    def test_what_the_cloud_refuses_is_said_in_words(
        self, code: str, says: str, api: TencentApi, operator: Operator, plan: Path
    ) -> None:
        api.refuses["ManageReplication"] = [code]
        ended = line("delegate", "apply", plan, "--by", "tcr-sync", "--yes")
        assert ended.status == 1
        assert says in ended.err
        [kept] = operator.delegations()
        assert line("delegate", "resume", kept.id).status == 0

    def test_an_instance_of_another_owner_is_handed_its_token(
        self,
        operator: Operator,
        cloud: Replication,
        tmp_path: Path,
        space: str,
    ) -> None:
        peer = Instance("tcr-0000peer", "peer", PEER, region="ap-singapore", region_id=9)
        cloud.foreign[OWNER] = peer
        plan = plan_at(tmp_path / "p.toml", Reference(OLD, space), Reference(PEER, space))
        unsaid = line("delegate", "show", plan, "--by", "tcr-sync")
        assert unsaid.status == 1
        assert "--uin" in unsaid.err

        words = ("--uin", OWNER, "--instance", peer.id, "--region", "ap-singapore", "--yes")
        nameless = line("delegate", "apply", plan, "--by", "tcr-sync", *words)
        assert nameless.status == 1
        assert f"transship login {PEER}" in nameless.err
        assert operator.delegations() == ()
        operator.add(PEER, ("200000000003", TOKEN), "tcr")
        made = line("delegate", "apply", plan, "--by", "tcr-sync", *words)

        assert made.status == 0, made.err
        assert f"handed the long-term token of {PEER}" in made.err
        assert cloud.tokens_seen == [TOKEN]
        shown = line("delegate", "show", plan, "--by", "tcr-sync", *words[:-1], "--json")
        assert shown.document["changes"][0]["does"] == "leave"
        operator.gave_away_nothing(unsaid, made, shown)

    def test_a_token_that_the_cloud_repeats_is_not_shown(
        self, operator: Operator, cloud: Replication, tmp_path: Path, space: str
    ) -> None:
        cloud.repeats = True
        operator.add(PEER, ("200000000003", TOKEN), "tcr")
        plan = plan_at(tmp_path / "p.toml", Reference(OLD, space), Reference(PEER, space))
        words = ("--uin", OWNER, "--instance", "tcr-0000peer", "--region", "ap-singapore")
        ended = line("delegate", "apply", plan, "--by", "tcr-sync", *words, "--yes", "--json")
        assert ended.status == 1
        assert cloud.tokens_seen == [TOKEN]
        operator.gave_away_nothing(ended)


class TestReplica:
    def test_it_is_made_followed_and_taken_back(
        self, api: TencentApi, operator: Operator, tmp_path: Path
    ) -> None:
        plan = whole(tmp_path / "all.toml")
        words = ("--by", "tcr-replica", "--region", "ap-shanghai")
        made = line("delegate", "apply", plan, *words, "--yes")
        assert made.status == 0, made.err
        assert "It costs money" in made.err
        [replica] = api.of(Replicas).every
        while replica.synchronisation != "Succeed":
            api.of(Replicas).step()

        replica.log = {
            "ResourceType": "image",
            "Source": "team/web:v1",
            "Destination": "team/web:v1",
            "Status": "Succeed",
            "StartTime": "2025-01-02T15:10:06+08:00",
            "EndTime": "2025-01-02T15:10:12+08:00",
        }

        identity = made.out.strip()
        followed = line("delegate", "follow", identity)
        document = line("delegate", "follow", identity, "--json").document

        assert followed.status == 0, followed.err
        assert "ap-shanghai" in followed.out
        [task, *_] = document["executions"][0]["tasks"]
        assert line("delegate", "log", identity, task["id"]).status == 0

        back = line("delegate", "undo", identity, "--yes")
        assert back.status == 0, back.err
        assert "finds nothing there any more" in back.err
        assert replica.status == "Deleting"
        operator.gave_away_nothing(made, followed, back)

    def test_it_needs_no_plan(self, api: TencentApi, operator: Operator) -> None:
        assert "has no replica" in line("delegate", "replica", OLD).err
        shown = line("delegate", "replica", OLD, "--region", "ap-shanghai", "--dry-run")
        assert (shown.status, "+ create replication instance" in shown.out) == (0, True)
        assert api.of(Replicas).every == []
        made = line("delegate", "replica", OLD, "--region", "ap-shanghai", "--yes")
        assert made.status == 0, made.err
        listed = line("delegate", "replica", OLD, "--json").document
        assert {*listed} == {"engine", "replicas"}
        [replica] = listed["replicas"]
        assert {*replica} == {"region", "said", "id"}
        assert line("delegate", "status", made.out.strip()).status == 0

        gone = line("delegate", "replica", OLD, "--remove", "ap-shanghai", "--yes")
        assert gone.status == 0, gone.err
        assert "finds nothing there any more" in gone.err
        assert "ap-shanghai  Deleting" in line("delegate", "replica", OLD).out
        operator.gave_away_nothing(shown, made, gone)

    @pytest.mark.parametrize(
        ("words", "status", "says"),
        [
            (("--region", "eu-frankfurt"), 3, "across the border"),
            (("--region", "mars"), 3, "TCR has no region mars"),
            (("--remove", "ap-beijing"), 3, "no replica in ap-beijing"),
            (("--region", "a", "--remove", "b"), 2, "say one of them"),
            (("--dry-run",), 2, "none is said"),
        ],
    )
    def test_one_that_can_not_be_is_refused(
        self, words: tuple[str, ...], status: int, says: str, operator: Operator
    ) -> None:
        assert operator.secrets
        ended = line("delegate", "replica", OLD, *words)
        assert ended.status == status
        assert says in ended.err

    @pytest.mark.parametrize(
        ("edition", "instead"),
        [
            ("standard", "Let TCR synchronise two instances by rules instead."),
            ("basic", "or let Transship move it."),
        ],
    )
    def test_other_editions_are_refused_with_the_alternative(
        self,
        edition: str,
        instead: str,
        api: TencentApi,
        old: Instance,
        operator: Operator,
        tmp_path: Path,
    ) -> None:
        assert operator.secrets
        old.edition = edition
        plan = whole(tmp_path / "all.toml")
        words = ("--by", "tcr-replica", "--region", "ap-shanghai", "--yes")
        ended = line("delegate", "apply", plan, *words)
        assert ended.status == 3
        assert f"of the {edition} edition, and replicas take the premium one" in ended.err
        assert instead in ended.err
        assert api.of(Replicas).every == []

    def test_across_the_border_it_is_refused_with_the_alternative(
        self, api: TencentApi, operator: Operator, tmp_path: Path
    ) -> None:
        assert operator.secrets
        plan = whole(tmp_path / "all.toml")
        ended = line("delegate", "apply", plan, "--by", "tcr-replica", "--yes", "--json")
        assert ended.status == 3
        [refusal] = ended.document["refusals"]
        assert refusal["cause"] == "cant-be-delegated"
        assert "across the border" in refusal["detail"]
        assert refusal["remedy"] == "Let TCR synchronise two instances by rules instead."
        assert api.of(Replicas).every == []


class TestWays:
    def test_who_could_and_why_the_others_can_not(self, operator: Operator, plan: Path) -> None:
        ended = line("delegate", "ways", plan)
        assert ended.status == 0, ended.err
        assert "tcr-sync: TCR, by rules between two instances\n  fresh:   At once" in ended.out
        assert "no: A replica can't stand across the border of mainland China." in ended.out
        assert "no: Neither side is a Harbor." in ended.out
        operator.gave_away_nothing(ended)

    def test_keys_of_the_document_stay(self, plan: Path) -> None:
        document: Any = line(
            "delegate", "ways", plan, "--json", "--answer", "target-edition=basic"
        ).document
        assert {*document} == {"source", "target", "ways", "unknown"}
        assert [each["by"] for each in document["ways"]] == [
            "transship", "harbor", "harbor-relay", "tcr-sync", "tcr-replica",
        ]  # fmt: skip
        assert {*document["ways"][0]} == {
            "by", "possible", "obstacle", "instead", "freshness", "filters", "deletes", "logins",
            "questions",
        }  # fmt: skip
        assert document["ways"][3]["possible"] is False

    def test_what_can_not_be_asked_is_said(self, api: TencentApi, plan: Path) -> None:
        api.denied.add("DescribeInstances")
        ended = line("delegate", "ways", plan)
        assert ended.status == 0
        assert f"What {OLD} is couldn't be asked" in ended.err
        assert "--answer source-edition=" in ended.out

    def test_an_answer_to_no_question_is_refused(self, plan: Path) -> None:
        assert line("delegate", "ways", plan, "--answer", "colour=blue").status == 2
        assert line("delegate", "ways", plan, "--answer", "blue").status == 2
