"""What failed is tried again as often as the plan says, where that may help."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from moving.jobs import new_job, plan_of, run_again
from moving.judge import digest_at
from moving.memory import MemoryPlace
from servers.faults import Answer, Fault
from servers.images import push_image
from transship import errors
from transship.oci.digest import digest_of
from transship.oci.manifest import Manifest, parse_manifest
from transship.registry.http.rate_limiter import RetryPolicy
from transship.transfers import control, executor
from transship.transfers.copies import MAY_PASS, JobState
from transship.transfers.executor import pause_before
from transship.transfers.job_view import LEVELS, events, read_job
from transship.transfers.runner import Runner, RunnerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.registry import Registry
    from transship.errors import TransshipError

SOURCE, TARGET = "source.example", "target.example"
ONCE = RunnerSettings(patience=RetryPolicy(attempts=1, seconds=5))
IMAGES = {
    f"v{number}": parse_manifest(
        b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",'
        b'"config": {"mediaType": "c", "digest": "%s", "size": 2}, "layers": [],'
        b'"annotations": {"n": "%d"}}' % (digest_of(b"{}").encode(), number)
    )
    for number in range(4)
}


class Stage:
    """A source with four images, and a target that refuses some as often as it is told."""

    def __init__(self, folder: Path, retries: int, **plan: object) -> None:
        self.clock = FakeClock()
        self.source, self.target = MemoryPlace(SOURCE), MemoryPlace(TARGET)
        self.source.add("app", b"{}")
        by_digest = {image.digest: image for image in IMAGES.values()}
        self.source.manifests["app"] = {**IMAGES, **by_digest}
        self.source.instead(tags=self._tags)
        self.refusals: dict[str, list[TransshipError]] = {}
        self.written: list[str] = []
        self._put = self.target.put_manifest
        self.target.instead(put_manifest=self._put_manifest)
        wanted = plan_of((f"{SOURCE}/app", f"{TARGET}/app"), referrers=False)
        self.job = new_job(folder, replace(wanted, retries=retries, **plan))  # type: ignore[arg-type]

    async def _tags(self, _: str) -> AsyncIterator[str]:
        for tag in IMAGES:
            yield tag

    async def _put_manifest(self, repository: str, reference: str, manifest: Manifest) -> bool:
        self.written.append(reference)
        if refusals := self.refusals.get(reference):
            raise refusals.pop(0)
        return await self._put(repository, reference, manifest)

    async def run(self) -> JobState:
        """Run the job as its process does."""
        places = {SOURCE: self.source, TARGET: self.target}
        with self.job.locked(), self.job.journal() as journal:
            return await Runner(self.job.plan(), places, journal, self.clock, ONCE).run()

    @property
    def told(self) -> list[str]:
        """What the log says of trying again."""
        with self.job.journal() as journal:
            happened = [e for e in events(journal) if e.kind in LEVELS]
        return [event.more for event in happened if event.what == "What failed is tried again"]


def test_pauses_double_up_to_ten_minutes() -> None:
    assert [pause_before(n) for n in range(1, 9)] == [10, 20, 40, 80, 160, 320, 600, 600]


def test_causes_that_may_pass() -> None:
    assert {"timed-out", "server-failed", "rate-limited", "connection-lost"} <= MAY_PASS
    assert not MAY_PASS & {"no-right", "tag-conflict", "too-large", "wrong-credential"}


async def test_what_failed_is_tried_again_after_the_rest_with_longer_pauses(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, retries=3)
    stage.refusals = {"v1": [errors.ServerFailed(), errors.TimedOut()]}

    assert await stage.run() is JobState.DONE

    assert read_job(stage.job).counts.copied == 4
    assert stage.written[4:] == ["v1", "v1"]
    assert stage.told == ["1 image, in 10 s (1 of 3)", "1 image, in 20 s (2 of 3)"]
    assert stage.clock.monotonic() >= 30


async def test_in_the_end_it_has_failed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, retries=2)
    stage.refusals = {"v1": [errors.ServerFailed("again")] * 9}

    assert await stage.run() is JobState.FAILED

    ended = read_job(stage.job)
    assert (ended.counts.copied, ended.counts.failed) == (3, 1)
    assert [(f.title, f.examples[0][1]) for f in ended.failures] == [
        ("The registry failed", "again")
    ]
    assert stage.written.count("v1") == 3


async def test_without_retries_a_job_ends_with_what_failed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, retries=0)
    stage.refusals = {"v1": [errors.ServerFailed()]}
    assert await stage.run() is JobState.FAILED
    assert stage.told == []


@pytest.mark.parametrize(
    "error", [errors.NoRight(), errors.ImmutableTag(), errors.TagConflict(), errors.TooLarge()]
)
async def test_what_can_t_get_better_is_not_tried_again(
    error: TransshipError, tmp_path: Path
) -> None:
    stage = Stage(tmp_path, retries=5)
    stage.refusals = {"v1": [error], "v2": [errors.ServerFailed()]}

    assert await stage.run() is JobState.FAILED

    assert stage.written.count("v1") == 1
    assert stage.written.count("v2") == 2
    assert read_job(stage.job).failures[0].cause == error.cause
    assert stage.told == ["1 image, in 10 s (1 of 5)"]


async def test_what_could_not_be_read_is_looked_at_again_and_nothing_else_is(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, retries=1)
    stage.refusals = {"v3": [errors.NoRight()]}
    get, failing = stage.source.get_manifest, [errors.TimedOut(SOURCE)]

    async def unreadable_once(repository: str, reference: str) -> Manifest:
        if reference in ("v0", IMAGES["v0"].digest) and failing:
            raise failing.pop()
        return await get(repository, reference)

    stage.source.instead(get_manifest=unreadable_once)

    assert await stage.run() is JobState.FAILED

    ended = read_job(stage.job)
    assert (ended.counts.copied, ended.counts.failed, ended.counts.total) == (3, 1, 4), (
        ended.failures,
        stage.told,
    )
    assert ended.failures[0].cause == "no-right"
    assert stage.written.count("v3") == 1


async def test_a_registry_that_is_away_for_a_while_is_come_back_to(tmp_path: Path) -> None:
    stage = Stage(tmp_path, retries=2)
    for tag in IMAGES:
        stage.refusals[tag] = [errors.ConnectionRefused(TARGET)]

    assert await stage.run() is JobState.DONE

    assert read_job(stage.job).counts.copied == 4
    assert stage.told == ["all that is left, in 10 s (1 of 2)"]


async def test_a_process_that_takes_over_counts_on(tmp_path: Path) -> None:
    stage = Stage(tmp_path, retries=2)
    stage.refusals = {"v1": [errors.ServerFailed()] * 9}
    with stage.job.journal() as journal:
        journal.note(tried_again=1)

    assert await stage.run() is JobState.FAILED
    assert stage.told == ["1 image, in 20 s (2 of 2)"]


async def test_a_job_that_waits_to_try_again_can_be_paused_and_goes_on(tmp_path: Path) -> None:
    stage = Stage(tmp_path, retries=1)
    stage.refusals = {"v1": [errors.ServerFailed()]}

    class Clock(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            if self.monotonic() > 5 and not wished:
                wished.append(1)
                control.pause_job(stage.job)

    wished: list[int] = []
    stage.clock = Clock()
    assert await stage.run() is JobState.PAUSED
    with stage.job.journal() as journal:
        journal.grant_wishes()
    assert await stage.run() is JobState.DONE
    assert read_job(stage.job).counts.copied == 4


async def test_a_real_registry_that_fails_for_a_moment(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = {f"v{n}": push_image(open_registry, repository, f"v{n}") for n in range(3)}
    proxy = proxy_for(other_registry)
    proxy.add(Fault(Answer(500), method="PUT", path="/manifests/v1$", times=2))
    proxy.add(Fault(Answer(413), method="PUT", path="/manifests/v2$", times=None))
    monkeypatch.setattr(executor, "_FIRST_PAUSE", 0.1)
    plan = plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    job = new_job(tmp_path, replace(plan, retries=3))

    done = await run_again(job, patience=ONCE.patience)

    assert (done.state, done.counts.copied, done.counts.failed) == (JobState.FAILED, 2, 1)
    written = [r.path.rpartition("/")[2] for r in proxy.requests if r.method == "PUT"]
    assert (written.count("v1"), written.count("v2")) == (3, 1)
    assert digest_at(other_registry, repository, "v1") == images["v1"].digest
