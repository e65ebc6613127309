"""A replication deletes what has vanished: only when asked, never too much, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.jobs import opened, run_again
from moving.undo import standing, undone
from servers import skopeo
from servers.images import make_layer, push_image, push_index, push_referrer
from transship.clock import SystemClock
from transship.errors import TooManyDeletions
from transship.oci.digest import digest_of
from transship.oci.reference import Reference
from transship.plans.plan import Deletion, Kind, Plan, Rule
from transship.registry.distribution import put_stand_in
from transship.transfers.copies import JobState, Verdict
from transship.transfers.jobs import Job, JobStore
from transship.transfers.preview import Preview, preview_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from transship.transfers.job_view import JobView


class Replica:
    """A registry, its copy below another's path, and what a test does with them."""

    def __init__(self, old: DockerRegistry, new: DockerRegistry, folder: Path) -> None:
        self.old, self.new = old, new
        self.folder = folder
        self.job: Job | None = None

    def plan(self, deletion: Deletion | None, **rule: object) -> Plan:
        target = Reference(self.new.host, "copy")
        made = replace(Rule(Reference(self.old.host), (target,)), **rule)  # type: ignore[arg-type]
        return Plan(kind=Kind.REPLICATION, rules=(made,), delete=deletion)

    async def run(self, plan: Plan, *, deletes: bool = True) -> JobView:
        self.job = JobStore(self.folder / "jobs").create(plan, deletes=deletes)
        return await run_again(self.job)

    async def preview(self, plan: Plan) -> Preview:
        async with opened(plan) as places:
            return await preview_plan(plan, places, SystemClock())

    def vanish(self, repository: str, tag: str) -> None:
        digest = skopeo.digest(f"docker://{self.old.host}/{repository}:{tag}", self.old)
        answer = self.old.http.delete(f"/v2/{repository}/manifests/{digest}")
        answer.raise_for_status()

    def tags(self, repository: str) -> list[str]:
        answer = self.new.http.get(f"/v2/copy/{repository}/tags/list")
        return sorted(answer.json().get("tags") or [])


@pytest.fixture
def replica(new_registry: Callable[..., DockerRegistry], tmp_path: Path) -> Replica:
    return Replica(new_registry(), new_registry(), tmp_path)


HALF = Deletion(at_most=0.5)


async def test_a_tag_that_has_vanished_vanishes_and_others_stay(replica: Replica) -> None:
    same = [make_layer(b"one layer for two tags")]
    for tag in ("1", "2", "3"):
        push_image(replica.old, "team/web", tag)
    push_image(replica.old, "team/web", "twin-a", same)
    await replica.run(replica.plan(HALF))
    push_image(replica.new, "copy/team/web", "twin-b", same)
    replica.vanish("team/web", "2")

    foreseen = await replica.preview(replica.plan(HALF))
    ended = await replica.run(replica.plan(HALF))

    gone = [str(c.target.tag) for c in foreseen.worklist.copies if c.verdict is Verdict.DELETE]
    assert gone == ["2", "twin-b"]
    assert (ended.state, ended.counts.deleted, ended.counts.same) == (JobState.DONE, 2, 3)
    assert replica.tags("team/web") == ["1", "3", "twin-a"]
    twin = f"docker://{replica.new.host}/copy/team/web:twin-a"
    assert skopeo.digest(twin, replica.new)


async def test_nothing_is_deleted_unless_the_run_is_asked_to(replica: Replica) -> None:
    for tag in ("1", "2", "3"):
        push_image(replica.old, "team/web", tag)
    await replica.run(replica.plan(HALF))
    replica.vanish("team/web", "2")

    ended = await replica.run(replica.plan(HALF), deletes=False)
    without_a_word = await replica.run(replica.plan(None))

    assert (ended.state, ended.counts.skipped, ended.counts.deleted) == (JobState.DONE, 1, 0)
    assert without_a_word.counts.total == 2
    assert replica.tags("team/web") == ["1", "2", "3"]


async def test_more_than_the_plan_allows_stops_the_run_before_anything_is_done(
    replica: Replica,
) -> None:
    for tag in ("1", "2", "3", "4"):
        push_image(replica.old, "team/web", tag)
    await replica.run(replica.plan(HALF))
    for tag in ("2", "3", "4"):
        replica.vanish("team/web", tag)
    push_image(replica.old, "team/web", "5")

    foreseen = await replica.preview(replica.plan(HALF))
    ended = await replica.run(replica.plan(HALF))

    assert foreseen.vanished.is_too_much
    assert (ended.state, ended.stopped) == (JobState.FAILED, True)
    assert ended.problem is not None
    assert ended.problem[0] == TooManyDeletions.title
    assert "3 of 4 tags; the plan allows 2" in ended.problem[1]
    assert replica.tags("team/web") == ["1", "2", "3", "4"]


async def test_a_repository_that_has_vanished_goes_and_one_that_is_left_out_stays(
    replica: Replica,
) -> None:
    for repository in ("team/web", "team/gone", "team/tmp"):
        push_image(replica.old, repository, "1")
    await replica.run(replica.plan(HALF))
    replica.vanish("team/gone", "1")

    plan = replica.plan(HALF, repositories=("**", "!team/tmp"))
    ended = await replica.run(plan)

    assert (ended.state, ended.counts.deleted) == (JobState.DONE, 1)
    there = [replica.tags(name) for name in ("team/web", "team/gone", "team/tmp")]
    assert there == [["1"], [], ["1"]]


async def test_what_is_protected_and_what_is_elsewhere_stays(replica: Replica) -> None:
    push_image(replica.old, "team/web", "1")
    await replica.run(replica.plan(HALF))
    for tag in ("stable", "old"):
        push_image(replica.new, "copy/team/web", tag)
    push_image(replica.new, "not-ours/web", "1")

    deletion = Deletion(at_most=0.5, protect=("copy/**:stable",))
    ended = await replica.run(replica.plan(deletion))

    assert (ended.state, ended.counts.deleted) == (JobState.DONE, 1)
    assert replica.tags("team/web") == ["1", "stable"]
    assert skopeo.list_tags(f"docker://{replica.new.host}/not-ours/web", replica.new) == ["1"]


async def test_the_list_of_referrers_that_we_keep_at_the_target_stays(replica: Replica) -> None:
    image = push_image(replica.old, "team/web", "1")
    push_image(replica.old, "team/web", "2")
    push_referrer(replica.old, image)
    await replica.run(replica.plan(HALF))
    there = replica.tags("team/web")

    ended = await replica.run(replica.plan(HALF))

    assert ended.counts.deleted == 0
    assert replica.tags("team/web") == there


async def test_a_tag_that_somebody_moved_meanwhile_stays_and_is_named(replica: Replica) -> None:
    for tag in ("1", "2", "3"):
        push_image(replica.old, "team/web", tag)
    await replica.run(replica.plan(HALF))
    replica.vanish("team/web", "2")
    plan = replica.plan(HALF)
    job = JobStore(replica.folder / "jobs").create(plan, deletes=True)
    with job.journal() as journal:
        async with opened(plan) as places:
            foreseen = await preview_plan(plan, places, SystemClock())
        journal.keep(foreseen.worklist)
    moved = push_image(replica.new, "copy/team/web", "2", [make_layer(b"moved")])

    ended = await run_again(job)

    assert (ended.state, ended.counts.failed) == (JobState.FAILED, 1)
    assert "since it was looked at" in ended.failures[0].examples[0][1]
    where = f"docker://{replica.new.host}/copy/team/web:2"
    assert skopeo.digest(where, replica.new) == moved.digest


async def test_while_a_copy_fails_nothing_is_deleted(replica: Replica) -> None:
    for tag in ("1", "2", "3", "4"):
        push_image(replica.old, "team/web", tag)
    await replica.run(replica.plan(HALF))
    replica.vanish("team/web", "2")
    broken = push_image(replica.old, "team/web", "5")
    for blob in broken.blobs:
        replica.old.http.delete(f"/v2/team/web/blobs/{blob}").raise_for_status()

    ended = await replica.run(replica.plan(HALF))

    assert (ended.state, ended.counts.deleted, ended.counts.failed) == (JobState.FAILED, 0, 1)
    assert replica.tags("team/web") == ["1", "2", "3", "4"]


async def test_what_is_deleted_is_kept_with_all_that_it_names(replica: Replica) -> None:
    children = [
        push_image(replica.old, "team/web", platform=p) for p in ("linux/amd64", "linux/arm64")
    ]
    index = push_index(replica.old, "team/web", "1", children)
    push_image(replica.old, "team/web", "2")
    await replica.run(replica.plan(HALF))
    replica.vanish("team/web", "1")

    await replica.run(replica.plan(HALF))

    assert replica.job is not None
    with replica.job.journal() as journal:
        kept = [journal.kept(each.digest) for each in (*children, index)]  # type: ignore[arg-type]
    assert [manifest.body for manifest in kept if manifest] == [
        each.content for each in (*children, index)
    ]


@pytest.mark.parametrize("cleared", [False, True])
async def test_what_was_deleted_is_put_back_even_after_the_registry_has_cleared_up(
    cleared: bool, replica: Replica, tmp_path: Path
) -> None:
    children = [
        push_image(replica.old, "team/web", platform=p) for p in ("linux/amd64", "linux/arm64")
    ]
    push_index(replica.old, "team/web", "1", children)
    push_image(replica.old, "team/web", "2")
    await replica.run(replica.plan(HALF))
    before = standing(replica.new, "copy/team/web")
    replica.vanish("team/web", "1")
    await replica.run(replica.plan(HALF))
    assert replica.job is not None
    assert replica.tags("team/web") == ["2"]
    if cleared:
        replica.new.collect_garbage()

    done = await undone(replica.job)

    assert not done.open
    assert standing(replica.new, "copy/team/web") == before
    name = f"docker://{replica.new.host}/copy/team/web:1"
    skopeo.copy(name, f"dir:{tmp_path / 'pulled'}", replica.new)


async def test_a_deletion_that_was_broken_off_is_finished(replica: Replica) -> None:
    for tag in ("1", "2"):
        push_image(replica.old, "team/web", tag)
    await replica.run(replica.plan(HALF))
    replica.vanish("team/web", "2")
    plan = replica.plan(HALF)
    job = JobStore(replica.folder / "jobs").create(plan, deletes=True)
    async with opened(plan) as places:
        foreseen = await preview_plan(plan, places, SystemClock())
        place = places[replica.new.host]
        with job.journal() as journal:
            journal.keep(foreseen.worklist)
            (gone,) = [c for c in journal.copies() if c.verdict is Verdict.DELETE]
            assert gone.previous is not None
            root = await place.get_manifest("copy/team/web", gone.previous)
            journal.deleting(gone, [root])
        await put_stand_in(place, "copy/team/web", "2")

    ended = await run_again(job)

    assert (ended.state, ended.counts.deleted) == (JobState.DONE, 1)
    assert replica.tags("team/web") == ["1"]


async def test_repositories_that_are_written_out_say_nothing_of_the_others(
    replica: Replica,
) -> None:
    for repository in ("lit/a", "lit/b", "lit/c"):
        for tag in ("1", "2", "3"):
            push_image(replica.old, repository, tag)
    await replica.run(replica.plan(HALF))
    replica.vanish("lit/a", "2")

    plan = replica.plan(HALF, repositories=("lit/a", "lit/b"))
    ended = await replica.run(plan)

    assert (ended.state, ended.counts.deleted) == (JobState.DONE, 1)
    assert replica.tags("lit/c") == ["1", "2", "3"]


async def test_what_the_rules_can_not_have_put_there_stays(replica: Replica) -> None:
    push_image(replica.old, "sel/a", "1")
    push_image(replica.old, "sel/a", "2")
    for repository in ("copy/other/web", "copy/mirrored"):
        push_image(replica.new, repository, "1")

    everything = Deletion(at_most=1.0)
    of_others = await replica.run(replica.plan(everything, repositories=("sel/**",)))
    by_map = await replica.run(replica.plan(everything, map="mirror/{repository}"))

    assert (of_others.counts.deleted, by_map.counts.deleted) == (0, 0)
    assert replica.tags("other/web") == replica.tags("mirrored") == ["1"]


async def test_each_target_has_a_share_of_its_own(
    replica: Replica, open_registry: DockerRegistry, fresh_name: Callable[[], str]
) -> None:
    for tag in ("1", "2", "3", "4", "5", "6"):
        push_image(replica.old, "large/web", tag)
    for tag in ("1", "2"):
        push_image(replica.old, "small/api", tag)
    small = Reference(open_registry.host, fresh_name())
    rules = (
        Rule(Reference(replica.old.host, "large"), (Reference(replica.new.host, "copy"),)),
        Rule(Reference(replica.old.host, "small"), (small,)),
    )
    plan = Plan(kind=Kind.REPLICATION, rules=rules, delete=Deletion(at_most=0.3))
    job = JobStore(replica.folder / "jobs").create(plan, deletes=True)
    await run_again(job)
    replica.vanish("small/api", "2")

    job = JobStore(replica.folder / "jobs").create(plan, deletes=True)
    ended = await run_again(job)

    assert ended.stopped
    assert ended.problem is not None
    assert "1 of 2 tags; the plan allows 0" in ended.problem[1]


async def test_of_forty_tags_of_one_repository_none_is_left_listed(replica: Replica) -> None:
    same = [make_layer(b"one layer for all")]
    for time in range(3):
        repository = f"team/web{time}"
        for number in range(40):
            push_image(replica.old, repository, f"v{number}", same if number % 2 else None)
        push_image(replica.old, repository, "stays")
        await replica.run(replica.plan(HALF))
        for tag in ("v0", "v1", *(f"v{number}" for number in range(2, 40, 2))):
            replica.vanish(repository, tag)

        ended = await replica.run(replica.plan(Deletion(at_most=1.0)))

        assert (ended.state, ended.counts.deleted) == (JobState.DONE, 40)
        assert replica.tags(repository) == ["stays"]


async def test_a_tag_that_is_listed_and_leads_nowhere_stops_no_run(replica: Replica) -> None:
    for tag in ("1", "2", "3", "4"):
        push_image(replica.old, "team/web", tag)
    await replica.run(replica.plan(HALF))
    replica.vanish("team/web", "2")
    path = "docker/registry/v2/repositories/copy/team/web/_manifests/tags/2/current/link"
    (replica.new.storage / path).write_text(digest_of(b"nobody's"))
    floor = Deletion(at_most=0.05)

    foreseen = await replica.preview(replica.plan(floor))

    assert (foreseen.vanished.found, foreseen.vanished.is_too_much) == ((), False)
    assert [each.why for each in foreseen.vanished.kept] == ["listed there, and leads nowhere"]
    assert (await replica.run(replica.plan(floor))).state is JobState.DONE


async def test_a_tag_that_is_back_at_the_source_stays(replica: Replica) -> None:
    for tag in ("1", "2", "3"):
        push_image(replica.old, "team/web", tag)
    await replica.run(replica.plan(HALF))
    replica.vanish("team/web", "2")
    plan = replica.plan(HALF)
    job = JobStore(replica.folder / "jobs").create(plan, deletes=True)
    with job.journal() as journal:
        journal.keep((await replica.preview(plan)).worklist)
    push_image(replica.old, "team/web", "2")

    ended = await run_again(job)

    assert (ended.state, ended.counts.deleted, ended.counts.skipped) == (JobState.DONE, 0, 1)
    assert replica.tags("team/web") == ["1", "2", "3"]


async def test_a_source_that_has_nothing_left_deletes_nothing(replica: Replica) -> None:
    push_image(replica.old, "team/web", "1")
    everything = replica.plan(Deletion(at_most=1.0))
    await replica.run(everything)
    replica.vanish("team/web", "1")

    assert (await replica.preview(everything)).vanished.found == ()
    assert (await replica.run(everything)).state is JobState.FAILED
    assert replica.tags("team/web") == ["1"]
