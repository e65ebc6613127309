"""`transship run --watch` as a service runs it: a process, real registries, real notifications."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from moving.judge import digest_at
from servers.images import push_image, push_index
from servers.process import eventually, free_port
from transship.oci.reference import Reference
from transship.paths import default_paths
from transship.plans.file import write_plan
from transship.plans.plan import Kind, Plan, Rule, Schedule
from transship.transfers.jobs import JobStore
from transship.watch.record import WatchFile

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from transship.transfers.jobs import Job

Line = Any
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return tmp_path / "shop.toml"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def written(
    plan: Path, source: DockerRegistry, target: DockerRegistry, repository: str, **options: Any
) -> None:
    rule = Rule(Reference(source.host, repository), (Reference(target.host, repository),))
    write_plan(plan, Plan(**{"kind": Kind.SYNC, "rules": (rule,), **options}))


def looked(plan: Path) -> bool:
    record = WatchFile.of(default_paths().watches, plan).read()
    return record is not None and record.last is not None and not record.jobs


def has(registry: DockerRegistry, repository: str, tag: str) -> bool:
    tags = registry.http.get(f"/v2/{repository}/tags/list").json().get("tags")
    return tag in (tags or [])


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, told = process.communicate(timeout=30)
    return process.returncode, told


def test_what_a_real_registry_tells_of_is_at_the_target_within_seconds(
    started: Line,
    transship: Line,
    new_registry: Callable[..., DockerRegistry],
    other_registry: DockerRegistry,
    repository: str,
    plan: Path,
    secret_file: Path,
) -> None:
    port = free_port()
    source = new_registry(notifies=(f"http://127.0.0.1:{port}/webhook", f"Bearer {SECRET}"))
    push_image(source, repository, "v1")
    written(plan, source, other_registry, repository)
    watch = started("run", plan, "--watch", "--listen", port, "--secret-file", secret_file)
    eventually(lambda: looked(plan), "the first look")

    one = push_image(source, repository, "v2")
    eventually(lambda: has(other_registry, repository, "v2"), "v2 at the target")
    children = [
        push_image(source, repository, platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    ]
    index = push_index(source, repository, "multi", children)
    eventually(lambda: has(other_registry, repository, "multi"), "the index at the target")

    assert digest_at(other_registry, repository, "v2") == one.digest
    assert digest_at(other_registry, repository, "multi") == index.digest
    eventually(lambda: not transship("jobs", "--json").document["watches"][0]["jobs"], "an end")
    [entry] = transship("jobs", "--json").document["watches"]
    assert entry["listening"] == f"127.0.0.1:{port}"
    assert entry["notifications"]["refused"] == 0
    assert len(JobStore(default_paths().jobs).all()) == 3

    watch.send_signal(signal.SIGTERM)
    status, told = ended(watch)
    assert status == 0
    assert SECRET not in told
    assert "the watch has ended" in told


def test_a_registry_that_does_not_know_the_secret_is_not_heard(
    started: Line,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    plan: Path,
    secret_file: Path,
) -> None:
    port = free_port()
    push_image(open_registry, repository, "v1")
    written(plan, open_registry, other_registry, repository)
    started("run", plan, "--watch", "--listen", port, "--secret-file", secret_file)
    eventually(lambda: looked(plan), "the first look")

    url = f"http://127.0.0.1:{port}/webhook"
    assert httpx.post(url, json={}, trust_env=False).status_code == 401
    assert httpx.post(f"{url}/{SECRET}", json={}, trust_env=False).status_code == 202


def test_by_schedule_a_push_is_found_and_jobs_says_how_it_goes(
    started: Line,
    transship: Line,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    plan: Path,
) -> None:
    push_image(open_registry, repository, "v1")
    written(plan, open_registry, other_registry, repository, schedule=Schedule(every=1.0))
    started("run", plan, "--watch")
    eventually(lambda: has(other_registry, repository, "v1"), "v1")

    push_image(open_registry, repository, "v2")
    eventually(lambda: has(other_registry, repository, "v2"), "v2")

    def idle() -> str:
        lines: list[str] = transship("jobs").out.splitlines()
        return lines[0] if "0 of 2 changed; next" in lines[0] else ""

    line = eventually(idle, "an idle look")
    assert re.fullmatch(r"watching shop: last look \d+ s ago: 0 of 2 changed; next \d\d:\d\d", line)


def test_a_second_watch_of_the_same_plan_is_refused(
    started: Line,
    transship: Line,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    plan: Path,
) -> None:
    push_image(open_registry, repository, "v1")
    written(plan, open_registry, other_registry, repository, schedule=Schedule(every=600.0))
    watch = started("run", plan, "--watch")
    eventually(lambda: looked(plan), "the first look")

    second = transship("run", plan, "--watch")

    assert second.status == 2
    assert "watched already" in second.err
    assert f"process {watch.pid}" in second.err


def test_ctrl_c_ends_the_watch_and_not_its_jobs(
    terminal: Line,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    plan: Path,
) -> None:
    push_image(open_registry, repository, "v1")
    written(plan, open_registry, other_registry, repository, schedule=Schedule(every=600.0))
    watch = terminal("run", plan, "--watch", columns=120)
    watch.until("1 of 1 image changed")
    watch.type("\x03")
    assert watch.wait() == 130
    assert "Traceback" not in watch.written
    eventually(lambda: has(other_registry, repository, "v1"), "v1")


def test_killed_in_the_middle_of_a_job_the_next_one_goes_on_with_it(
    started: Line,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    plan: Path,
    runner_pid: Callable[[Job], int],
) -> None:
    for number in range(30):
        push_image(open_registry, repository, f"v{number}")
    written(plan, open_registry, other_registry, repository, schedule=Schedule(every=600.0))
    watch = started("run", plan, "--watch")

    def running() -> Job | None:
        jobs = JobStore(default_paths().jobs).all()
        return jobs[0] if jobs and jobs[0].is_held else None

    job = eventually(running, "a job")
    assert job is not None
    watch.kill()
    os.kill(runner_pid(job), signal.SIGKILL)

    started("run", plan, "--watch")
    eventually(
        lambda: not job.is_held and looked(plan) and has(other_registry, repository, "v29"),
        "the end of the job",
    )
    assert [each.id for each in JobStore(default_paths().jobs).all()] == [job.id]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--watch",), "no [schedule]"),
        (("--watch", "--detach"), "--detach and --json say nothing"),
        (("--watch", "--json"), "--detach and --json say nothing"),
        (("--listen", "8090"), "add --watch"),
        (("--watch", "--listen", "registry.example:80"), "no address to listen on"),
        (("--watch", "--secret-fd", "3"), "for --listen"),
        (("--watch", "--listen", "8090", "--secret-fd", "77"), "file descriptor 77"),
        (("--delete",), "no [delete]"),
    ],
)
def test_what_does_not_go_together_is_said(
    transship: Line,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    plan: Path,
    words: tuple[str, ...],
    said: str,
) -> None:
    written(plan, open_registry, other_registry, repository)
    ended = transship("run", plan, *words)
    assert ended.status == 2
    assert said in ended.err


def test_without_a_secret_anywhere_it_says_where_one_can_be(
    transship: Line,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    plan: Path,
) -> None:
    written(plan, open_registry, other_registry, repository)
    ended = transship("run", plan, "--watch", "--listen", free_port())
    assert ended.status in (1, 2)
    assert "eyring" in ended.err
    assert "Traceback" not in ended.err


def test_an_address_that_is_taken(
    transship: Line,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    plan: Path,
    secret_file: Path,
) -> None:
    written(plan, open_registry, other_registry, repository)
    taken = open_registry.host
    ended = transship("run", plan, "--watch", "--listen", taken, "--secret-file", secret_file)
    assert ended.status == 1
    assert f"listening on {taken}" in ended.err
