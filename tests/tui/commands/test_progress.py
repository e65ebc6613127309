"""Following a job: with a terminal, without one, and until somebody has seen enough."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from servers import skopeo
from servers.faults import Answer, Fault, Hold, Throttle
from servers.images import push_image, random_layer
from servers.process import eventually
from transship.paths import default_paths
from transship.transfers.job_view import read_job
from transship.transfers.jobs import JobStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy

MEBIBYTE = 1024 * 1024
FEW, MANY = 12, 60
CTRL_C = "\x03"


@pytest.fixture
def proxy(
    other_registry: DockerRegistry, proxy_for: Callable[[DockerRegistry], FaultProxy]
) -> FaultProxy:
    """The target, with a proxy before it."""
    return proxy_for(other_registry)


@pytest.fixture(scope="module")
def images(open_registry: DockerRegistry) -> dict[int, str]:
    """Repositories at the source, by how many images they have; all share a layer of 2 MiB.

    The larger one has more than are copied at the same time, so that a pause leaves some.
    """
    base = random_layer(2 * MEBIBYTE, "progress")
    repositories = {count: f"tests/progress-{count}" for count in (FEW, MANY)}
    for count, repository in repositories.items():
        for number in range(count):
            push_image(open_registry, repository, f"v{number}", [base, random_layer(3000, number)])
    return {count: f"{open_registry.host}/{name}" for count, name in repositories.items()}


@pytest.fixture
def few(images: dict[int, str], proxy: FaultProxy, repository: str) -> tuple[str, ...]:
    """A copy of a few images."""
    return "copy", images[FEW], f"{proxy.host}/{repository}"


@pytest.fixture
def many(images: dict[int, str], proxy: FaultProxy, repository: str) -> tuple[str, ...]:
    """A copy of many images."""
    return "copy", images[MANY], f"{proxy.host}/{repository}"


@pytest.fixture
def held(proxy: FaultProxy) -> Hold:
    """Uploads that go on when the test says so."""
    hold = Hold()
    proxy.add(Fault(hold, method="PUT", path="/blobs/uploads/", times=None))
    return hold


def all_copied(registry: DockerRegistry, repository: str) -> bool:
    return len(skopeo.list_tags(f"docker://{registry.host}/{repository}", registry)) == MANY


def the_job() -> Any:
    return JobStore(default_paths().jobs).all()[0]


def test_ctrl_c_pauses_a_copy_and_resume_finishes_it(
    transship: Any,
    started: Any,
    many: tuple[str, ...],
    held: Hold,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    running = started(*many)
    eventually(held.held.is_set, "an upload")
    running.send_signal(signal.SIGINT)
    eventually(lambda: read_job(the_job()).pausing, "the job to take up the wish")
    held.release.set()

    _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    job = the_job()
    assert f"paused; `transship resume {job.id}` goes on" in err
    assert not all_copied(other_registry, repository)

    resumed = transship("resume", job.id[:3], "--json")
    assert resumed.status == 0, resumed.err
    assert resumed.document["job"]["state"] == "done"
    assert all_copied(other_registry, repository)


def test_ctrl_c_twice_leaves_a_copy_to_its_pause(
    started: Any, many: tuple[str, ...], held: Hold
) -> None:
    running = started(*many)
    eventually(held.held.is_set, "an upload")
    running.send_signal(signal.SIGINT)
    eventually(lambda: read_job(the_job()).pausing, "the job to take up the wish")
    running.send_signal(signal.SIGINT)

    _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert f"transship attach {the_job().id}" in err
    held.release.set()
    eventually(lambda: read_job(the_job()).state == "paused", "the pause")


def test_ctrl_c_leaves_a_job_that_was_only_watched(
    transship: Any, started: Any, few: tuple[str, ...], held: Hold
) -> None:
    job = transship(*few, "--detach").out.strip()
    eventually(held.held.is_set, "an upload")
    watching = started("attach", job)
    assert watching.stderr.readline().startswith("copying: ")
    watching.send_signal(signal.SIGINT)

    _, err = watching.communicate(timeout=30)
    assert watching.returncode == 130
    assert f"job {job} goes on; `transship attach {job}` follows it" in err
    held.release.set()
    assert transship("attach", job).status == 0


@pytest.mark.parametrize("columns", [None, 80])
def test_whoever_follows_a_job_can_read_its_log(
    transship: Any,
    terminal: Any,
    few: tuple[str, ...],
    proxy: FaultProxy,
    columns: int | None,
) -> None:
    proxy.add(Fault(Answer(429, {"Retry-After": "1"}), path="/uploads/", skip=1))
    job = transship(*few, "--detach").out.strip()
    if columns:
        window = terminal("attach", job, "-v", columns=columns)
        assert window.wait() == 0
        written = window.written
    else:
        written = transship("attach", job, "--verbose").err

    assert re.search(r"\d\d-\d\d \d\d:\d\d:\d\d  info     The job begins: process \d+", written)
    assert f"warning  {proxy.host}: it asks to slow down: nothing for 1 s" in written
    assert "info     The job is done: 12 images: 12 copied" in written
    assert "The job begins" not in transship("attach", job).err


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_a_job_outlives_whoever_started_it(
    transship: Any, started: Any, few: tuple[str, ...], held: Hold, number: signal.Signals
) -> None:
    running = started(*few)
    eventually(held.held.is_set, "an upload")
    running.send_signal(number)
    running.communicate(timeout=30)
    held.release.set()

    assert transship("attach", the_job().id).status == 0


def test_closing_the_window_leaves_the_job_running(
    transship: Any, terminal: Any, few: tuple[str, ...], held: Hold
) -> None:
    window = terminal(*few)
    eventually(held.held.is_set, "an upload")
    window.hang_up()
    window.wait()
    held.release.set()

    assert transship("attach", the_job().id).status == 0


def test_a_job_whose_process_is_gone(
    transship: Any, started: Any, few: tuple[str, ...], held: Hold, runner_pid: Any
) -> None:
    running = started(*few)
    eventually(held.held.is_set, "an upload")
    os.kill(runner_pid(the_job()), signal.SIGKILL)

    _, err = running.communicate(timeout=30)
    held.release.set()
    assert running.returncode == 1
    assert "error: The job's process ended" in err
    assert f"  → `transship resume {the_job().id}` goes on" in err
    assert transship("resume", the_job().id).status == 0


def test_pause_resume_and_cancel_from_elsewhere(
    transship: Any, many: tuple[str, ...], held: Hold
) -> None:
    job = transship(*many, "--detach").out.strip()
    eventually(held.held.is_set, "an upload")
    assert transship("resume", job).status == 2, "it is running"
    assert transship("pause", job).status == 0
    eventually(lambda: read_job(the_job()).pausing, "the job to take up the wish")
    held.release.set()
    eventually(lambda: read_job(the_job()).state == "paused", "the pause")
    assert transship("attach", job).status == 130

    assert transship("cancel", job).status == 0
    listed = transship("jobs", "--json").document["jobs"][0]
    assert (listed["id"], listed["state"]) == (job, "cancelled")
    assert listed["ended"].endswith("Z")
    assert transship("resume", job).status == 2
    assert transship("pause", job).status == 2


def test_what_failed_is_told_by_cause_and_tried_again(
    transship: Any, proxy: FaultProxy, few: tuple[str, ...]
) -> None:
    body = b'{"errors":[{"code":"DENIED","message":"\\u001b]0;owned\\u0007 no \\u202epush"}]}'
    proxy.add(
        Fault(
            Answer(403, {"Content-Type": "application/json"}, body),
            method="PUT",
            path=r"/manifests/v\d$",
            times=None,
        )
    )
    ended = transship(*few)

    assert ended.status == 1
    assert "12 images: 2 copied, 10 failed" in ended.out
    assert "10 images failed: Sign-in needed" in ended.out
    assert "and 7 more" in ended.out
    assert "→ Add the account with `transship login HOST`." in ended.out
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", ended.out + ended.err), "it is harmless"

    proxy.clear()
    retried = transship("retry", the_job().id, "--json")
    assert retried.status == 0, retried.err
    assert retried.document["job"]["counts"]["failed"] == 0
    assert transship("retry", the_job().id).status == 2


def test_without_a_terminal_there_are_few_plain_lines(
    transship: Any, proxy: FaultProxy, few: tuple[str, ...]
) -> None:
    proxy.add(Fault(Throttle(MEBIBYTE), method="PUT", path="/blobs/uploads/", times=None))

    ended = transship(*few)

    assert ended.status == 0
    lines = ended.err.splitlines()
    assert len(lines) < 8
    assert any(line.startswith("copying: ") and " of 12 images" in line for line in lines)
    assert "\x1b" not in ended.err + ended.out
    assert "\r" not in ended.err


@pytest.mark.parametrize("columns", [40, 80])
def test_in_a_terminal_a_block_is_redrawn_and_never_too_wide(
    terminal: Any, proxy: FaultProxy, few: tuple[str, ...], columns: int
) -> None:
    proxy.add(Fault(Throttle(MEBIBYTE), method="PUT", path="/blobs/uploads/", times=None))
    begun = time.monotonic()
    window = terminal(*few, columns=columns)
    window.until("copying")
    assert window.wait() == 0

    took = time.monotonic() - begun
    drawn, _, _ = window.written.partition("done")
    assert "data" in drawn
    assert "\x1b[" in drawn
    assert len(drawn) / took < 20_000
    block = drawn[drawn.index("\r\n") + 2 :]
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", block)
    assert max(map(len, re.split(r"[\r\n]", shown))) < columns


def test_ctrl_c_in_a_terminal(terminal: Any, many: tuple[str, ...], held: Hold) -> None:
    window = terminal(*many)
    eventually(held.held.is_set, "an upload")
    window.until("copying")
    window.type(CTRL_C)
    window.until("Ctrl-C again leaves it to that")
    held.release.set()

    assert window.wait() == 130
    assert "paused" in window.written
    assert "Traceback" not in window.written


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("NO_COLOR", "1")])
def test_a_terminal_gets_no_more_than_it_asked_for(
    terminal: Any,
    few: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(name, value)
    window = terminal(*few)
    assert window.wait() == 0
    assert not re.search(r"\x1b\[[0-9;]*m", window.written)
    if name == "TERM":
        assert "\x1b" not in window.written


def test_over_ssh_less_is_written(
    terminal: Any, few: tuple[str, ...], held: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 22 192.0.2.2 22")
    window = terminal(*few)
    eventually(held.held.is_set, "an upload")
    window.until("copying")
    held.release.set()
    assert window.wait() == 0
