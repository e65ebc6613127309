"""What was delegated, by line: gone on with, told as it is, taken back; and what is refused.

Harbor can't be had here: `servers.harbor_replication` stands in, in front of a real registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from delegating.line import Operator, line, plan_at
from servers.harbor_replication.server import (
    ADMIN,
    DEVELOPER,
    PASSWORD,
    ReplicatingHarbor,
    Trouble,
    replicating_harbor,
)
from servers.images import push_image
from transship.clock import SystemClock
from transship.engines.changes import ChangeJournal
from transship.oci.reference import Reference
from transship.paths import default_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry


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


class TestBroken:
    @pytest.mark.parametrize("kind", ["lost", "cut", "failed"])
    def test_what_was_broken_off_is_gone_on_with(
        self, kind: Any, harbor: ReplicatingHarbor, operator: Operator, plan: Path
    ) -> None:
        harbor.troubles = [Trouble("POST", "/replication/policies", kind)]
        broken = line("delegate", "apply", plan, "--by", "harbor", "--yes")
        [kept] = operator.delegations()

        assert broken.status == 1
        assert f"transship delegate resume {kept.id}" in broken.err
        assert line("delegate", "list", "--json").document["delegations"][0]["state"] == (
            "partly made"
        )
        resumed = line("delegate", "resume", kept.id)

        assert resumed.status == 0, resumed.err
        assert [each.name for each in harbor.policies.values()] == ["nightly"]
        assert "all of it is made already" in line("delegate", "resume", kept.id).err
        assert line("delegate", "status", kept.id).status == 0
        operator.gave_away_nothing(broken, resumed)

    def test_what_is_being_made_is_not_taken_back_meanwhile(
        self, harbor: ReplicatingHarbor, plan: Path
    ) -> None:
        identity = line("delegate", "apply", plan, "--by", "harbor", "--yes").out.strip()

        with ChangeJournal(default_paths().delegations, SystemClock()).working_on(identity):
            busy = line("delegate", "undo", identity, "--yes")

        assert busy.status == 1
        assert "Another Transship works on this delegation" in busy.err
        assert len(harbor.policies) == 1
        assert line("delegate", "undo", identity, "--yes").status == 0

    def test_what_others_have_changed_is_left_and_named(
        self, harbor: ReplicatingHarbor, plan: Path
    ) -> None:
        identity = line("delegate", "apply", plan, "--by", "harbor", "--yes").out.strip()
        [policy] = harbor.policies.values()
        policy.settings["override"] = not policy.settings["override"]

        stood = line("delegate", "status", identity)
        back = line("delegate", "undo", identity, "--yes")

        assert stood.status == 1
        assert "changed since" in stood.out
        assert back.status == 3
        assert "replication policy nightly" in back.err
        assert len(harbor.policies) == 1

    def test_who_may_not_replicate_is_refused_with_the_reason(
        self, harbor: ReplicatingHarbor, operator: Operator, plan: Path
    ) -> None:
        operator.add(harbor.host, (DEVELOPER, PASSWORD), "harbor")
        ended = line("delegate", "apply", plan, "--by", "harbor", "--yes", "--json")
        assert ended.status == 1
        assert "Sign in to Harbor as a system administrator" in ended.err
        assert ended.document["error"]["cause"] == "no-right"
        operator.gave_away_nothing(ended)

    def test_hostile_words_of_an_engine_reach_no_terminal(
        self, harbor: ReplicatingHarbor, plan: Path
    ) -> None:
        identity = line("delegate", "apply", plan, "--by", "harbor", "--yes", "--start").out.strip()
        harbor.settle()
        [execution] = harbor.executions.values()
        execution.text = "all \x1b[2J\u202ewell"
        execution.tasks[0].target = "x\x1b]0;y\x07"

        for words in (("follow",), ("status",), ("follow", "--json")):
            ended = line("delegate", words[0], identity, *words[1:])
            assert "\x1b" not in ended.out + ended.err
            assert "\u202e" not in ended.out + ended.err


class TestSaid:
    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (("--by", "tcr-sync", "--speed", "10", "--cron", "x"), "--cron, --speed: that says"),
            (("--by", "tcr-replica", "--delete"), "--delete: that says nothing to tcr-replica"),
            (("--by", "harbor", "--uin", "1"), "--uin: that says nothing to harbor"),
            (("--by", "harbor", "--via", "x"), "--via: that says nothing to harbor"),
        ],
    )
    def test_what_says_nothing_to_an_engine_is_refused(
        self, words: tuple[str, ...], says: str, plan: Path
    ) -> None:
        ended = line("delegate", "show", plan, *words)
        assert ended.status == 2
        assert says in ended.err

    def test_start_says_nothing_to_what_is_not_there(self) -> None:
        ended = line("delegate", "start", "none", "--json")
        assert ended.status == 2
        assert ended.document["error"]["cause"] == "delegation-not-found"
        assert "nothing was delegated yet" in line("delegate", "list").err


def test_what_was_delegated_is_listed_with_its_id_first(
    operator: Operator, terminal: Any, plan: Path
) -> None:
    """On a narrow terminal a line is cut at its end, and the id is what everything else takes."""
    identity = line("delegate", "apply", plan, "--by", "harbor", "--yes").out.strip()
    listing = terminal("delegate", "list", columns=60)
    assert listing.wait() == 0
    assert f"{identity}  made   harbor" in listing.written
    assert len(operator.delegations()) == 1


class TestDocuments:
    def test_keys_stay(self, operator: Operator, harbor: ReplicatingHarbor, plan: Path) -> None:
        shown = line("delegate", "show", plan, "--by", "harbor", "--json")
        made = line("delegate", "apply", plan, "--by", "harbor", "--yes", "--start", "--json")
        harbor.settle()
        identity = made.document["delegation"]["id"]
        followed = line("delegate", "follow", identity, "--json")
        listed = line("delegate", "list", "--json")

        assert {*shown.document} == {
            "by", "host", "engine", "purpose", "changes", "gives", "notes", "refusals",
        }  # fmt: skip
        assert {*shown.document["changes"][0]} == {
            "does", "kind", "name", "fields", "gives", "warns",
        }  # fmt: skip
        assert {*shown.document["changes"][0]["fields"][0]} == {"name", "before", "after"}
        entry = {
            "id", "by", "host", "engine", "purpose", "created", "state", "undoes", "changes",
        }  # fmt: skip
        assert {*made.document["delegation"]} == entry | {"now", "executions"}
        assert {*listed.document["delegations"][0]} == entry
        assert {*listed.document["delegations"][0]["changes"][0]} == {
            "does", "kind", "name", "step", "why",
        }  # fmt: skip
        assert {*followed.document} == {"id", "executions", "left_alone"}
        [execution] = followed.document["executions"]
        assert {*execution} == {
            "of", "id", "state", "said", "trigger", "total", "succeeded", "failed", "running",
            "stopped", "started", "ended", "message", "tasks",
        }  # fmt: skip
        assert {*execution["tasks"][0]} == {
            "id", "state", "said", "operation", "source", "target", "started", "ended", "message",
            "log",
        }  # fmt: skip
        operator.gave_away_nothing(shown, made, followed, listed)
