"""Harbor does the moving, by line: shown, asked, made, begun, followed, stopped, taken back.

Harbor can't be had here: `servers.harbor_replication` stands in, in front of a real registry, and
copies with skopeo to another that is real too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from delegating.line import Operator, line, plan_at
from moving.judge import digest_at, tags_at
from servers.harbor_replication.server import (
    ADMIN,
    PASSWORD,
    ReplicatingHarbor,
    replicating_harbor,
)
from servers.images import make_layer, push_image
from servers.process import eventually
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

Line = Any


@pytest.fixture
def harbor(open_registry: DockerRegistry) -> Iterator[ReplicatingHarbor]:
    with replicating_harbor(open_registry) as server:
        yield server


@pytest.fixture
def operator(
    monkeypatch: pytest.MonkeyPatch, harbor: ReplicatingHarbor, htpasswd_registry: DockerRegistry
) -> Operator:
    operator = Operator(monkeypatch)
    operator.add(harbor.host, (ADMIN, PASSWORD), "harbor")
    operator.add_registry(htpasswd_registry)
    return operator


@pytest.fixture
def path(open_registry: DockerRegistry, fresh_name: Callable[[], str]) -> str:
    """A path in Harbor below which are a repository and a tag that isn't taken."""
    path = fresh_name()
    push_image(open_registry, f"{path}/web", "v1")
    push_image(open_registry, f"{path}/web", "next")
    return path


@pytest.fixture
def plan(
    tmp_path: Path,
    operator: Operator,
    harbor: ReplicatingHarbor,
    htpasswd_registry: DockerRegistry,
    path: str,
) -> Path:
    target = Reference(htpasswd_registry.host, f"mirror/{path}")
    return plan_at(tmp_path / "nightly.toml", Reference(harbor.host, path), target)


def endpoint_of(registry: DockerRegistry) -> str:
    return registry.host.replace(":", "-")


class TestByHand:
    def test_what_would_be_made_is_shown_and_nothing_is_made(
        self,
        operator: Operator,
        harbor: ReplicatingHarbor,
        plan: Path,
        path: str,
        htpasswd_registry: DockerRegistry,
    ) -> None:
        ended = line("delegate", "show", plan, "--by", "harbor")

        assert ended.status == 0, ended.err
        assert f"+ create registry endpoint {endpoint_of(htpasswd_registry)}" in ended.out
        assert "+ create replication policy nightly" in ended.out
        assert not harbor.policies
        assert operator.delegations() == ()
        operator.gave_away_nothing(ended)

    def test_without_a_terminal_it_takes_a_yes(
        self, transship: Line, harbor: ReplicatingHarbor, operator: Operator, plan: Path
    ) -> None:
        ended = transship("delegate", "apply", plan, "--by", "harbor")

        assert ended.status == 2
        assert "create replication policy nightly" in ended.err
        assert f"transship delegate apply {plan} --by harbor --yes" in ended.err
        assert not harbor.policies
        assert operator.delegations() == ()

    def test_on_a_terminal_it_asks(
        self, terminal: Line, harbor: ReplicatingHarbor, operator: Operator, plan: Path
    ) -> None:
        refused = terminal("delegate", "apply", plan, "--by", "harbor")
        refused.until("Make 2 changes? [y/N]")
        refused.type("n\n")
        assert refused.wait() == 1
        assert "nothing was changed" in refused.written
        assert not harbor.policies

        said_yes = terminal("delegate", "apply", plan, "--by", "harbor")
        said_yes.until("[y/N]")
        said_yes.type("y\n")
        assert said_yes.wait() == 0
        assert [each.name for each in harbor.policies.values()] == ["nightly"]
        assert PASSWORD not in refused.written + said_yes.written
        assert len(operator.delegations()) == 1

    def test_it_is_made_begun_followed_and_taken_back(
        self,
        operator: Operator,
        harbor: ReplicatingHarbor,
        plan: Path,
        path: str,
        open_registry: DockerRegistry,
        htpasswd_registry: DockerRegistry,
    ) -> None:
        made = line("delegate", "apply", plan, "--by", "harbor", "--yes")
        assert made.status == 0, made.err
        identity = made.out.strip()
        assert "made and read back: create replication policy nightly" in made.err
        assert f"transship delegate start {identity}" in made.err
        assert "nothing of it has run yet" in line("delegate", "follow", identity).err

        begun = line("delegate", "start", identity)
        harbor.settle()
        followed = line("delegate", "follow", identity)
        stood = line("delegate", "status", identity)

        assert (begun.status, followed.status, stood.status) == (0, 0, 0)
        assert begun.out.strip() in followed.out
        assert "1/1" in followed.out
        assert "as made" in stood.out
        mirrored = f"mirror/{path}/web"
        assert digest_at(htpasswd_registry, mirrored, "v1") == digest_at(
            open_registry, f"{path}/web", "v1"
        )
        assert tags_at(htpasswd_registry, mirrored) == ["v1"]

        again = line("delegate", "apply", plan, "--by", "harbor", "--yes")
        assert again.status == 0
        assert "nothing to be made" in again.err

        back = line("delegate", "undo", identity, "--yes")
        assert back.status == 0, back.err
        assert "may be forgotten with it" in back.err
        assert (harbor.policies, harbor.endpoints) == ({}, {})
        assert tags_at(htpasswd_registry, mirrored) == ["v1"]
        assert "taken back" in line("delegate", "list").out
        assert line("delegate", "status", identity).status == 0
        assert "nothing to take back" in line("delegate", "undo", identity, "--yes").err
        resumed = line("delegate", "resume", identity)
        assert (resumed.status, "taken back" in resumed.err) == (2, True)
        assert not harbor.policies
        operator.gave_away_nothing(made, begun, followed, stood, again, back)

    def test_what_is_made_already_is_begun_all_the_same_where_that_is_asked(
        self, harbor: ReplicatingHarbor, plan: Path
    ) -> None:
        words = ("delegate", "apply", plan, "--by", "harbor", "--yes")
        line(*words)

        again = line(*words, "--start")
        harbor.settle()

        assert again.status == 0, again.err
        assert "nothing to be made" in again.err
        [execution] = harbor.executions.values()
        assert f"begun: nightly, execution {execution.id}" in again.err

    def test_what_ends_in_a_word_that_is_not_known_is_no_success(
        self, harbor: ReplicatingHarbor, plan: Path
    ) -> None:
        made = line("delegate", "apply", plan, "--by", "harbor", "--yes", "--start")
        harbor.settle()
        [execution] = harbor.executions.values()
        execution.status = "Settled"

        followed = line("delegate", "follow", made.out.strip())

        assert followed.status == 1
        assert "unknown" in followed.out

    def test_a_failed_task_is_named_with_the_end_of_its_log(
        self,
        harbor: ReplicatingHarbor,
        plan: Path,
    ) -> None:
        identity = line("delegate", "apply", plan, "--by", "harbor", "--yes").out.strip()
        for endpoint in harbor.endpoints.values():
            endpoint.access_secret = "not the password any more"
        line("delegate", "start", identity)
        harbor.settle()

        followed = line("delegate", "follow", identity)
        document = line("delegate", "follow", identity, "--json").document

        assert followed.status == 1
        assert "failed: " in followed.out
        [task] = document["executions"][0]["tasks"]
        assert task["id"] in followed.out
        assert task["log"].splitlines()[-1] in followed.out
        log = line("delegate", "log", identity, task["id"])
        assert log.status == 0
        assert task["log"].splitlines()[-1] in log.out
        assert line("delegate", "log", identity, "4711").status == 2

    def test_what_runs_is_stopped(
        self,
        harbor: ReplicatingHarbor,
        plan: Path,
        path: str,
        open_registry: DockerRegistry,
    ) -> None:
        for tag in ("v2", "v3"):
            push_image(open_registry, f"{path}/web", tag)
        identity = line("delegate", "apply", plan, "--by", "harbor", "--yes").out.strip()
        harbor.gate.hold_after(1)
        line("delegate", "start", identity)
        eventually(harbor.gate.reached.is_set, "the gate", deadline=30)

        stopped = line("delegate", "stop", identity)
        harbor.settle()
        followed = line("delegate", "follow", identity)

        assert stopped.status == 0
        assert "asked to stop: nightly" in stopped.err
        assert followed.status == 1
        assert "stopped" in followed.out
        assert "nothing of it runs" in line("delegate", "stop", identity).err

    def test_ctrl_c_leaves_the_engine_at_it(
        self,
        terminal: Line,
        harbor: ReplicatingHarbor,
        plan: Path,
        path: str,
        open_registry: DockerRegistry,
    ) -> None:
        push_image(open_registry, f"{path}/web", "v2")
        words = ("delegate", "apply", plan, "--by", "harbor", "--yes", "--start")
        harbor.gate.hold_after(1)
        identity = line(*words).out.strip()
        eventually(harbor.gate.reached.is_set, "the gate", deadline=30)

        following = terminal("delegate", "follow", identity)
        following.until("nightly")
        following.type("\x03")

        assert following.wait() == 130
        assert f"transship delegate follow {identity}" in following.written
        [execution] = harbor.executions.values()
        assert execution.status == "InProgress"

    def test_tags_that_were_left_alone_are_named(
        self,
        tmp_path: Path,
        harbor: ReplicatingHarbor,
        operator: Operator,
        path: str,
        htpasswd_registry: DockerRegistry,
    ) -> None:
        assert operator.secrets
        push_image(htpasswd_registry, f"mirror/{path}/web", "v1", [make_layer(b"another")])
        target = Reference(htpasswd_registry.host, f"mirror/{path}")
        source = Reference(harbor.host, path)
        careful = plan_at(tmp_path / "c.toml", source, target, on_conflict=OnConflict.SKIP)
        words = ("delegate", "apply", careful, "--by", "harbor", "--yes", "--start")
        made = line(*words)
        harbor.settle()

        followed = line("delegate", "follow", made.out.strip())

        assert f"left as it is, and not the same: mirror/{path}/web:v1" in followed.out


class TestByItself:
    def test_what_is_pushed_is_sent_at_once(
        self,
        harbor: ReplicatingHarbor,
        plan: Path,
        path: str,
        open_registry: DockerRegistry,
        htpasswd_registry: DockerRegistry,
    ) -> None:
        words = ("--by", "harbor", "--begins", "event_based", "--delete", "--speed", 1024)
        made = line("delegate", "apply", plan, *words, "--yes")
        assert made.status == 0, made.err
        assert "no way back" in made.err
        [policy] = harbor.policies.values()
        assert policy.trigger == "event_based"
        assert policy.settings["deletion"] is True
        assert policy.settings["speed"] == 1024

        image = push_image(open_registry, f"{path}/web", "v2")
        harbor.push_event(f"{path}/web", "v2")
        harbor.settle()

        assert digest_at(htpasswd_registry, f"mirror/{path}/web", "v2") == image.digest
        followed = line("delegate", "follow", made.out.strip())
        assert followed.status == 0
        assert "event_based" in followed.out
        harbor.delete_event(f"{path}/web", "v2")
        harbor.settle()
        assert tags_at(htpasswd_registry, f"mirror/{path}/web") == []

    def test_a_plan_with_a_schedule_goes_by_the_clock(
        self,
        tmp_path: Path,
        harbor: ReplicatingHarbor,
        operator: Operator,
        path: str,
        htpasswd_registry: DockerRegistry,
    ) -> None:
        assert operator.secrets
        target = Reference(htpasswd_registry.host, f"mirror/{path}")
        hourly = plan_at(
            tmp_path / "hourly.toml",
            Reference(harbor.host, path),
            target,
            schedule=Schedule(cron="0 * * * *"),
        )
        made = line("delegate", "apply", hourly, "--by", "harbor", "--yes")
        assert made.status == 0, made.err
        [policy] = harbor.policies.values()
        assert (policy.trigger, policy.cron) == ("scheduled", "0 0 * * * *")

        harbor.advance(3600)
        harbor.settle()

        assert tags_at(htpasswd_registry, f"mirror/{path}/web") == ["v1"]
        assert "scheduled" in line("delegate", "status", made.out.strip()).out

    def test_a_cron_line_is_said_instead(self, harbor: ReplicatingHarbor, plan: Path) -> None:
        said = ("--cron", "0 30 2 * * *", "--disabled", "--name", "by-night")
        made = line("delegate", "apply", plan, "--by", "harbor", *said, "--yes")
        assert made.status == 0, made.err
        [policy] = harbor.policies.values()
        assert (policy.name, policy.cron) == ("by-night", "0 30 2 * * *")
        assert policy.settings["enabled"] is False


class TestRelay:
    @pytest.fixture
    def through(
        self,
        tmp_path: Path,
        operator: Operator,
        other_registry: DockerRegistry,
        htpasswd_registry: DockerRegistry,
        path: str,
    ) -> Path:
        """A plan between two registries of which neither is a Harbor."""
        operator.add_registry(other_registry)
        push_image(other_registry, f"{path}/api", "v1")
        target = Reference(htpasswd_registry.host, f"final/{path}")
        return plan_at(tmp_path / "relay.toml", Reference(other_registry.host, path), target)

    def test_two_registries_are_joined_and_its_freshness_is_said(
        self,
        harbor: ReplicatingHarbor,
        operator: Operator,
        through: Path,
        path: str,
        other_registry: DockerRegistry,
        htpasswd_registry: DockerRegistry,
    ) -> None:
        words = ("--by", "harbor-relay", "--harbor", harbor.host, "--cron", "0 0 * * * *")
        made = line("delegate", "apply", through, *words, "--via", "transit", "--yes")
        assert made.status == 0, made.err
        assert "1 h 00 min at most" in " ".join(made.err.split())
        names = {each.name: each.trigger for each in harbor.policies.values()}
        assert names == {"relay-out": "event_based", "relay-in": "scheduled"}

        harbor.advance(3600)
        harbor.settle()

        assert digest_at(htpasswd_registry, f"final/{path}/api", "v1") == digest_at(
            other_registry, f"{path}/api", "v1"
        )
        followed = line("delegate", "follow", made.out.strip())
        assert followed.status == 0
        assert "relay-in" in followed.out
        assert "relay-out" in followed.out
        back = line("delegate", "undo", made.out.strip(), "--yes")
        assert back.status == 0, back.err
        assert (harbor.policies, harbor.endpoints) == ({}, {})
        operator.gave_away_nothing(made, followed, back)

    def test_which_harbor_has_to_be_said(self, through: Path) -> None:
        ended = line("delegate", "show", through, "--by", "harbor-relay")
        assert ended.status == 2
        assert "which Harbor is to relay" in ended.err
