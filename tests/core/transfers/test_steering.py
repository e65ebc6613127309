"""What the operator allows at a registry: a rate and a concurrency, kept, shown and changed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.jobs import ends, new_job, plan_of, run_again, run_here
from moving.judge import digest_at
from servers.faults import Answer, Delay, Fault
from servers.images import push_image, random_layer
from servers.process import comes_true, eventually
from transship.errors import BadRequest, JobEnded
from transship.oci.digest import Digest
from transship.plans.plan import Limits, Window
from transship.registry import distribution
from transship.registry.registry import MEBIBYTE, Upload
from transship.transfers import control, runner
from transship.transfers.copies import JobState
from transship.transfers.job_view import LEVELS, events, read_job
from transship.transfers.limits import (
    ALL_DAY,
    Limit,
    LimitRequest,
    changed,
    held_words,
    limit_words,
    request_in,
)
from transship.transfers.process import start_runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.registry import Registry
    from transship.transfers.jobs import Job

NAME = "new.example:5000"
RATE = 4_000_000
LAYERS = [random_layer(size, f"rate {size}") for size in (9_000_000, 3_000_000, 500_000)]


def told(job: Job, about: str) -> list[str]:
    """Return what the job's log says of one thing."""
    with job.journal() as journal:
        return [e.more for e in events(journal) if e.kind in LEVELS and e.what == about]


# What a wish says


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        (LimitRequest(NAME, rate=20 * MEBIBYTE), f"{NAME} rate=20MiB/s"),
        (LimitRequest(NAME, concurrency=4), f"{NAME} concurrency=4"),
        (LimitRequest(NAME, rate=1234, concurrency=0), f"{NAME} rate=1234B/s concurrency=none"),
        (LimitRequest(NAME, rate=0), f"{NAME} rate=none"),
        (LimitRequest(NAME, window=Window(1320, 360)), f"{NAME} window=22:00-06:00"),
        (LimitRequest(NAME, concurrency=2, window=ALL_DAY), f"{NAME} concurrency=2 window=none"),
    ],
)
def test_a_wish_is_kept_as_it_is_written_down(wish: LimitRequest, text: str) -> None:
    assert str(wish) == text
    assert request_in(text) == wish


def test_what_a_wish_leaves_out_stays() -> None:
    limits = Limits(concurrency=4, rate=1000)
    assert changed(limits, LimitRequest(NAME, rate=5)) == Limits(concurrency=4, rate=5)
    assert changed(limits, LimitRequest(NAME, concurrency=0)) == Limits(rate=1000)
    night = replace(limits, window=Window(1320, 360))
    assert changed(limits, LimitRequest(NAME, window=Window(1320, 360))) == night
    assert changed(night, LimitRequest(NAME, rate=1000)) == night
    assert changed(night, LimitRequest(NAME, window=ALL_DAY)) == limits


def test_limits_in_words() -> None:
    assert held_words(20 * MEBIBYTE, 4) == "20 MiB/s, 4 requests at once"
    assert held_words(None, 1) == "1 request at once"
    assert held_words(None, None) == ""
    assert held_words(MEBIBYTE, None, Window(1320, 0)) == "1.0 MiB/s, 22:00-00:00"

    def words(**facts: float) -> list[str]:
        limit = Limit(NAME, **facts)  # type: ignore[arg-type]  # some of them are counts
        return limit_words([limit], JobState.RUNNING, 1000.0)

    assert words(rate=MEBIBYTE) == [f"{NAME} held to 1.0 MiB/s"]
    assert words(slowed=1, until=1009.0, concurrency=4) == [
        f"{NAME} asked to slow down, waiting 9 s; held to 4 requests at once"
    ]


def test_only_a_registry_of_a_job_that_has_not_ended_is_limited(tmp_path: Path) -> None:
    job = new_job(tmp_path, plan_of(("a.example/web:1", f"{NAME}/web"), ("layout:/x", f"{NAME}/y")))
    control.set_limit(job, LimitRequest("a.example", rate=5))
    with pytest.raises(
        BadRequest, match=f"b.example is no registry of {job.id}: a.example, {NAME}"
    ):
        control.set_limit(job, LimitRequest("b.example", rate=5))
    with job.journal() as journal:
        journal.note(state=JobState.DONE)
    with pytest.raises(JobEnded):
        control.set_limit(job, LimitRequest(NAME, rate=5))


# What that does to a registry


async def sampled(proxy: FaultProxy, running: asyncio.Task[object]) -> list[tuple[float, int]]:
    """Return time and bytes that went through a proxy so far, until the job has ended."""
    samples: list[tuple[float, int]] = []
    while not running.done():
        samples.append((time.monotonic(), sum(r.sent for r in list(proxy.requests))))
        await asyncio.sleep(0.02)
    return samples


def rate_of(samples: list[tuple[float, int]]) -> float:
    """Return the bytes per second while the middle four fifths of the bytes went by."""
    total = samples[-1][1]
    middle = [sample for sample in samples if total * 0.1 <= sample[1] <= total * 0.9]
    (began, before), *_, (ended, after) = middle
    return (after - before) / (ended - began)


def most_in_a_second(samples: list[tuple[float, int]]) -> int:
    """Return how many bytes went by in the second in which most did."""
    return max(
        later - count for at, count in samples for then, later in samples if at <= then < at + 1
    )


@pytest.mark.parametrize("limited_end", ["source", "target", "both"])
async def test_bytes_move_at_the_rate_that_was_allowed(
    limited_end: str,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    image = push_image(open_registry, repository, "1", LAYERS)
    source, target = open_registry.host, proxy_for(other_registry)
    allowed = {
        "source": {source: Limits(rate=RATE)},
        "target": {target.host: Limits(rate=RATE)},
        "both": {source: Limits(rate=RATE), target.host: Limits(rate=3 * RATE)},
    }
    plan = plan_of((f"{source}/{repository}", f"{target.host}/{repository}"))
    job = new_job(tmp_path, replace(plan, limits=allowed[limited_end]))

    running = asyncio.create_task(run_again(job))
    samples = await sampled(target, running)
    done = await running

    assert (done.state, digest_at(other_registry, repository, "1")) == (JobState.DONE, image.digest)
    assert rate_of(samples) == pytest.approx(RATE, rel=0.1)
    assert most_in_a_second(samples) < 1.5 * RATE


async def test_what_is_read_and_written_at_one_registry_counts_together(
    open_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = distribution.DistributionRegistry.start_upload

    async def never_mounted(
        place: distribution.DistributionRegistry,
        repository: str,
        digest: Digest,
        *,
        mount_from: str | None = None,
    ) -> Upload | None:
        return await upload(place, repository, digest)

    monkeypatch.setattr(distribution.DistributionRegistry, "start_upload", never_mounted)
    push_image(open_registry, repository, "1", LAYERS)
    proxy = proxy_for(open_registry)
    plan = plan_of((f"{proxy.host}/{repository}", f"{proxy.host}/copy/{repository}"))
    job = new_job(tmp_path, replace(plan, limits={proxy.host: Limits(rate=2 * RATE)}))

    running = asyncio.create_task(run_again(job))
    samples = await sampled(proxy, running)

    assert (await running).state is JobState.DONE
    assert rate_of(samples) == pytest.approx(RATE, rel=0.1)


async def test_small_requests_do_not_wait_for_the_rate(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    """With a rate that would take hours for the blob, tags that need none arrive at once."""
    big = push_image(open_registry, repository, "big", [random_layer(3_000_000, repository)])
    small = [push_image(open_registry, f"{repository}/small", f"v{n}") for n in range(8)]
    target = other_registry.host
    first = plan_of((f"{open_registry.host}/{repository}/small", f"{target}/{repository}/small"))
    await run_here(tmp_path / "before", first)
    plan = plan_of(
        (f"{open_registry.host}/{repository}:big", f"{target}/{repository}:big"),
        *(
            (f"{open_registry.host}/{repository}/small:v{n}", f"{target}/{repository}/small:w{n}")
            for n in range(8)
        ),
    )
    job = new_job(tmp_path, replace(plan, limits={target: Limits(rate=1000)}))

    running = asyncio.create_task(run_again(job))
    await comes_true(lambda: read_job(job).counts.copied == 8, "the small ones")
    held = read_job(job)
    control.set_limit(job, LimitRequest(target, rate=0))
    done = await running

    assert limit_words(held.limits, held.state, 0) == [f"{target} held to 1000 B/s"]
    assert done.counts.copied == 9
    assert digest_at(other_registry, repository, "big") == big.digest
    assert digest_at(other_registry, f"{repository}/small", "w3") == small[3].digest
    assert told(job, target) == ["it has no limit"]


@pytest.mark.parametrize("end", ["source", "target"])
@pytest.mark.parametrize("most", [1, 3])
async def test_no_more_is_asked_for_at_once_than_was_allowed(
    end: str,
    most: int,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    for number in range(6):
        layers = [random_layer(size, f"{repository}{number}{size}") for size in (1_500_000, 9_000)]
        push_image(open_registry, repository, f"v{number}", layers)
    source, target = proxy_for(open_registry), proxy_for(other_registry)
    proxies = {"source": source, "target": target}
    for proxy in proxies.values():
        proxy.add(Fault(Delay(0.03), times=None))
    plan = plan_of((f"{source.host}/{repository}", f"{target.host}/{repository}"))
    limits = {proxies[end].host: Limits(concurrency=most)}

    done = await run_here(tmp_path, replace(plan, limits=limits))

    assert (done.state, done.counts.copied) == (JobState.DONE, 6)
    assert proxies[end].most_at_once == most


async def test_a_registry_that_asks_to_slow_down_is_left_alone_whatever_is_allowed(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    for number in range(4):
        push_image(open_registry, repository, f"v{number}")
    proxy = proxy_for(other_registry)
    proxy.add(Fault(Answer(429, {"Retry-After": "3"}), method="PUT", path="/manifests/", times=2))
    plan = plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    job = new_job(tmp_path, replace(plan, limits={proxy.host: Limits(concurrency=4, rate=RATE)}))

    def slowed() -> list[Limit]:
        return [limit for limit in read_job(job).limits if limit.until is not None]

    running = asyncio.create_task(run_again(job))
    await comes_true(lambda: slowed() or running.done(), "the registry to be left alone")
    (limit,) = slowed()
    done = await running

    assert limit.concurrency == 4
    assert limit.at_once is not None
    assert limit.at_once < 4
    assert (done.state, done.counts.copied) == (JobState.DONE, 4)


# While it runs


def test_a_running_job_is_steered_and_remembers_it_when_it_starts_again(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository, "1", [random_layer(4_000_000, repository)])
    target = other_registry.host
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target}/{repository}"))
    job = new_job(tmp_path, replace(plan, limits={target: Limits(rate=20_000)}))

    def words() -> list[str]:
        seen = read_job(job)
        return limit_words(seen.limits, seen.state, time.time())

    start_runner(job, [])
    eventually(lambda: words() == [f"{target} held to 20 KiB/s"], "the limit of the plan")
    control.set_limit(job, LimitRequest(target, rate=40_960, concurrency=2))
    eventually(lambda: words() == [f"{target} held to 40 KiB/s, 2 requests at once"], "another one")
    control.pause_job(job)
    control.pause_job(job)
    assert ends(job).state is JobState.PAUSED
    control.resume_job(job, [])
    eventually(lambda: words() == [f"{target} held to 40 KiB/s, 2 requests at once"], "it again")
    control.set_limit(job, LimitRequest(target, rate=0, concurrency=0))

    assert ends(job).state is JobState.DONE
    assert digest_at(other_registry, repository, "1") == image.digest
    assert told(job, target) == [
        "it is held to 40 KiB/s, 2 requests at once",
        "it has no limit",
    ]


async def test_a_wish_is_taken_up_within_a_second(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    push_image(open_registry, repository, "1", [random_layer(4_000_000, repository)])
    target = other_registry.host
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target}/{repository}"))
    job = new_job(tmp_path, replace(plan, limits={target: Limits(rate=20_000)}))

    running = asyncio.create_task(run_again(job))
    await comes_true(lambda: any(lane.moved for lane in read_job(job).lanes), "bytes to move")
    control.set_limit(job, LimitRequest(target, rate=0))
    wished = time.monotonic()
    await comes_true(lambda: read_job(job).limits == (), "the wish to be taken up")
    took = time.monotonic() - wished

    assert (await running).state is JobState.DONE
    assert took < 1


async def test_a_lower_concurrency_makes_blobs_that_are_under_way_wait_after_their_piece(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    layers = [random_layer(12_000_000, f"{repository}{number}") for number in range(3)]
    image = push_image(open_registry, repository, "1", layers)
    proxy = proxy_for(other_registry)
    plan = plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    job = new_job(tmp_path, replace(plan, limits={proxy.host: Limits(rate=6_000_000)}))

    running = asyncio.create_task(run_again(job))
    await comes_true(lambda: len(read_job(job).lanes) == 3, "three blobs")
    control.set_limit(job, LimitRequest(proxy.host, concurrency=2))
    await comes_true(lambda: len(read_job(job).lanes) == 1, "one large blob, and room for requests")
    control.set_limit(job, LimitRequest(proxy.host, concurrency=0, rate=0))

    assert (await running).state is JobState.DONE
    assert digest_at(other_registry, repository, "1") == image.digest
    sent = sum(r.sent for r in proxy.requests if r.method in {"PATCH", "PUT"})
    assert sent < 36_500_000, "nothing is sent twice"


async def test_a_job_that_is_held_back_is_paused_soon(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = push_image(open_registry, repository, "1", [random_layer(4_000_000, repository)])
    target = other_registry.host
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target}/{repository}"))
    job = new_job(tmp_path, replace(plan, limits={target: Limits(rate=200_000)}))
    monkeypatch.setattr(runner, "_HELD_SECONDS", 0.3)

    running = asyncio.create_task(run_again(job))
    await comes_true(lambda: any(lane.moved for lane in read_job(job).lanes), "bytes to move")
    control.pause_job(job)
    async with asyncio.timeout(30):
        paused = await running
    control.set_limit(job, LimitRequest(target, rate=0))
    control.resume_job(job, [])

    assert paused.state is JobState.PAUSED
    assert (await asyncio.to_thread(ends, job)).state is JobState.DONE
    assert digest_at(other_registry, repository, "1") == image.digest
