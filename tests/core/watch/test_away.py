"""One registry that is away holds up nobody else, and nothing is deleted because of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.judge import digest_at, tags_at
from moving.undo import standing
from moving.watching import Watch
from servers.faults import Answer, Fault
from servers.images import make_layer, push_image
from transship import errors
from transship.oci.reference import Reference
from transship.plans.plan import Deletion, Kind, Plan, Rule, Schedule
from transship.watch.offline import OfflineRegistries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path, delete=True)


@pytest.fixture
def away(new_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    """A registry that nobody has reached yet, and nobody can."""
    registry = new_registry()
    registry.stop()
    return registry


def kept_in_step(*rules: Rule, every: float = 600.0) -> Plan:
    deletion = Deletion(at_most=1.0)
    return Plan(kind=Kind.REPLICATION, rules=rules, schedule=Schedule(every=every), delete=deletion)


def at(registry: DockerRegistry | FaultProxy, repository: str) -> Reference:
    return Reference(registry.host, repository)


class TestOneOfTwoTargets:
    @pytest.fixture(autouse=True)
    def plan(
        self,
        watch: Watch,
        open_registry: DockerRegistry,
        other_registry: DockerRegistry,
        away: DockerRegistry,
        repository: str,
    ) -> None:
        """One repository in two places, and a tag at the one that has vanished at the source."""
        targets = (at(away, repository), at(other_registry, repository))
        push_image(open_registry, repository, "v1")
        push_image(other_registry, repository, "gone")
        watch.write(kept_in_step(Rule(at(open_registry, repository), targets)))

    async def test_is_named_and_the_other_goes_on_without_deletions(
        self, watch: Watch, away: DockerRegistry, other_registry: DockerRegistry, repository: str
    ) -> None:
        async with watch.going_on():
            seen = await watch.rests()

        assert tags_at(other_registry, repository) == ["gone", "v1"]
        assert seen.last is not None
        assert (seen.last.found, seen.last.changed) == (1, 1)
        assert seen.last.problem is not None
        assert seen.last.problem[0] == errors.ConnectionRefused.title
        [absence] = seen.away
        assert (absence.registry, absence.attempts) == (away.host, 1)
        assert absence.again_at == watch.clock.now() + 15
        await watch.is_told(f"{away.host} is left out")
        await watch.is_told(f"nothing is deleted while {away.host} is left out")

    async def test_is_asked_again_by_itself_and_the_other_is_not(
        self,
        watch: Watch,
        away: DockerRegistry,
        open_registry: DockerRegistry,
        other_registry: DockerRegistry,
        repository: str,
    ) -> None:
        async with watch.going_on():
            await watch.rests()
            mark = other_registry.mark()
            away.start()
            watch.clock.advance(15)
            await watch.is_told(f"{away.host} answers again")
            await watch.jobs_end(2)
            asked = [r for r in other_registry.since(mark) if "/manifests/" in r.path]
            assert asked == []
            assert tags_at(away, repository) == ["v1"]
            assert watch.record.away == ()

            whole = await watch.look_again()
            assert whole.last is not None
            assert whole.last.problem is None
        assert tags_at(other_registry, repository) == ["v1"]

    async def test_is_said_once_however_long_it_lasts(
        self, watch: Watch, away: DockerRegistry
    ) -> None:
        async with watch.going_on():
            await watch.rests()
            for _ in range(3):
                await watch.look_again()
            assert watch.record.away[0].attempts >= 3
        assert sum(f"{away.host} is left out, and" in line for line in watch.told) == 1

    async def test_does_not_hold_up_what_is_pushed(
        self,
        watch: Watch,
        away: DockerRegistry,
        open_registry: DockerRegistry,
        other_registry: DockerRegistry,
        repository: str,
    ) -> None:
        async with watch.going_on() as watcher:
            await watch.rests()
            pushed = push_image(open_registry, repository, "v2")
            watcher.pushed([at(open_registry, repository).at("v2")])
            await watch.jobs_end(2)
            assert digest_at(other_registry, repository, "v2") == pushed.digest

            away.start()
            watch.clock.advance(120)
            await watch.jobs_end(3)
        assert tags_at(away, repository) == ["v1", "v2"]


class TestOneOfTwoSources:
    async def test_is_named_and_the_other_goes_on_without_deletions(
        self,
        watch: Watch,
        away: DockerRegistry,
        open_registry: DockerRegistry,
        other_registry: DockerRegistry,
        repository: str,
    ) -> None:
        """Both keep things below one path, and what one has put there the other can't judge."""
        push_image(open_registry, f"{repository}/here", "v1")
        theirs = push_image(other_registry, f"{repository}/there", "v1")
        target = at(other_registry, repository)
        watch.write(
            kept_in_step(
                Rule(at(away, repository), (target,)),
                Rule(at(open_registry, repository), (target,)),
            )
        )
        async with watch.going_on():
            seen = await watch.rests()
            again = await watch.look_again()

        assert tags_at(other_registry, f"{repository}/here") == ["v1"]
        assert standing(other_registry, f"{repository}/there") == {"v1": theirs.digest}
        assert seen.last is not None
        assert seen.last.changed == 1
        assert again.last is not None
        assert again.last.changed == 0

    async def test_keeps_its_claim_on_what_both_would_write(
        self,
        watch: Watch,
        new_registry: Callable[..., DockerRegistry],
        open_registry: DockerRegistry,
        other_registry: DockerRegistry,
        repository: str,
    ) -> None:
        """While both answer neither is copied, and so it stays while one is away."""
        first = new_registry()
        push_image(first, repository, "v1")
        push_image(open_registry, repository, "v1", [make_layer(b"another v1")])
        target = at(other_registry, repository)
        rules = [Rule(at(each, repository), (target,)) for each in (first, open_registry)]
        watch.write(kept_in_step(*rules))
        async with watch.going_on():
            both = await watch.rests()
            assert both.last is not None
            assert both.last.blocked == 2
            first.stop()
            push_image(open_registry, f"{repository}/own", "v1")
            await watch.look_again()

        assert other_registry.http.get(f"/v2/{repository}/tags/list").status_code == 404
        assert tags_at(other_registry, f"{repository}/own") == ["v1"]

    async def test_keeps_what_is_there_although_it_was_never_seen(
        self,
        watch: Watch,
        away: DockerRegistry,
        open_registry: DockerRegistry,
        other_registry: DockerRegistry,
        repository: str,
    ) -> None:
        theirs = push_image(other_registry, repository, "v1", [make_layer(b"theirs")])
        for tag in ("v1", "v2"):
            push_image(open_registry, repository, tag)
        target = at(other_registry, repository)
        rules = [Rule(at(each, repository), (target,)) for each in (away, open_registry)]
        watch.write(kept_in_step(*rules))
        async with watch.going_on():
            await watch.rests()

        assert tags_at(other_registry, repository) == ["v1", "v2"]
        assert digest_at(other_registry, repository, "v1") == theirs.digest


async def test_a_registry_that_refuses_its_list_is_left_out_too(
    watch: Watch,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
) -> None:
    """And is asked less and less, by the watch that begins after this one as well."""
    push_image(open_registry, repository, "v1")
    closed = proxy_for(open_registry)
    refusal = closed.add(Fault(Answer(403), path="/_catalog", times=None))
    target = at(other_registry, f"{repository}/all")
    plan = kept_in_step(
        Rule(Reference(closed.host), (target,), repositories=(f"{repository}*",)),
        Rule(at(open_registry, repository), (target,)),
        every=10.0,
    )
    watch.write(plan)
    async with watch.going_on():
        await watch.rests()
        asked = refusal.struck
        assert asked
        assert watch.record.away[0].problem[0] == errors.CatalogClosed.title
        await watch.look_again(10)
        assert refusal.struck == asked

    async with watch.going_on():
        watch.clock.advance(1)
        await watch.rests()
        assert refusal.struck == asked
        watch.clock.advance(10)
        await watch.rests()
        assert refusal.struck > asked
        assert watch.record.away[0].attempts == 2
        asked = refusal.struck
        await watch.look_again(10)
        assert refusal.struck == asked

        # Whoever changes the plan wants to know at once.
        watch.write(replace(plan, retries=1))
        await watch.look_again(10)
        assert refusal.struck > asked
    assert tags_at(other_registry, f"{repository}/all") == ["v1"]


class TestAway:
    NAME = "old.example"
    WORDS = ("Connection refused", "there", "mend it")

    def test_a_registry_is_left_alone_longer_each_time_and_never_for_ever(self) -> None:
        away = OfflineRegistries()
        pauses = []
        now = 1000.0
        for _ in range(10):
            away.failed(self.NAME, self.WORDS, now)
            [absence] = away.known
            pauses.append(absence.again_at - now)
            assert away.left_alone(absence.again_at - 1) == {self.NAME: absence}
            assert away.due(absence.again_at) == {self.NAME}
            now = absence.again_at
        assert pauses == [15, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800]

    def test_one_that_answers_is_forgotten(self) -> None:
        away = OfflineRegistries()
        away.failed(self.NAME, self.WORDS, 0.0)
        assert away.answered({"new.example"}) == ()
        assert away.answered({self.NAME, "new.example"}) == (self.NAME,)
        assert (away.known, away.next_at) == ((), None)

    def test_what_was_due_and_could_not_be_asked_is_put_off(self) -> None:
        away = OfflineRegistries()
        away.failed(self.NAME, self.WORDS, 0.0)
        away.put_off({self.NAME}, 14.0)
        assert away.next_at == 15
        away.put_off({self.NAME, "new.example"}, 15.0)
        assert away.next_at == 45
        assert len(away.known) == 1
