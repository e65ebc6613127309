"""The real app in a real terminal, against real registries."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from moving.judge import digest_at
from servers.faults import Fault, Throttle
from servers.images import push_image, random_layer
from servers.process import eventually
from servers.terminal import Terminal, terminal
from transship.paths import default_paths
from transship.transfers.copies import JobState
from transship.transfers.job_view import read_job
from transship.transfers.jobs import JobStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy

MEBIBYTE = 1024 * 1024
CTRL_S = "\x13"
LEAVE_FULL_SCREEN = b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"
BUDGET = 20 * 1024
"""Bytes per second that the app may send to a terminal while a job runs."""


@contextmanager
def transship(*, width: int = 80, height: int = 24) -> Iterator[Terminal]:
    argv = [sys.executable, "-m", "transship_tui"]
    with terminal(argv, os.environ, width=width, height=height) as window:
        window.shows("Registries")
        yield window


def add_registry(window: Terminal, host: str, alias: str) -> None:
    window.press("a")
    window.shows("Add a registry")
    # Shown once a field has the focus, where `?` is a letter.
    window.shows("f1 Help")
    window.press(host, "tab")
    window.shows("answers")
    window.press(alias, CTRL_S)
    window.shows("a Add")


def start_copy(window: Terminal, repository: str) -> None:
    """Copy a repository from the first registry to the second, by hand."""
    window.press("g", "enter")
    window.shows(repository[:20])
    window.press("c")
    window.shows("To registry")
    window.press(*["tab"] * 6, "enter")
    window.shows("Moves")
    window.press("tab", "enter")
    window.shows("Start this copy?")
    window.press("tab", "enter")
    window.shows("Job ")


def test_a_newcomer_adds_two_registries_and_copies_a_repository(
    new_registry: Callable[..., DockerRegistry], repository: str
) -> None:
    old, new = new_registry(), new_registry()
    image = push_image(old, repository, "1.4", [random_layer(100_000, repository)])

    with transship() as window:
        add_registry(window, old.host, "old")
        add_registry(window, new.host, "new")
        start_copy(window, repository)
        window.shows("✓ done")
        window.press("ctrl+q")
        status = window.ended()
        end = bytes(window.raw[-400:])

    assert status == 0
    assert digest_at(new, repository, "1.4") == image.digest
    assert LEAVE_FULL_SCREEN in end
    assert SHOW_CURSOR in end


def test_a_lost_connection_leaves_the_job_running_and_the_next_app_shows_it(
    new_registry: Callable[..., DockerRegistry],
    proxy_for: Callable[[DockerRegistry], FaultProxy],
    repository: str,
) -> None:
    old, new = new_registry(), new_registry()
    layers = [random_layer(2 * MEBIBYTE, f"{repository} {n}") for n in range(4)]
    image = push_image(old, repository, "1.4", layers)
    slow = proxy_for(old)
    slow.add(Fault(Throttle(MEBIBYTE), method="GET", path="/blobs/", times=100))

    with transship() as window:
        add_registry(window, slow.host, "old")
        add_registry(window, new.host, "new")
        start_copy(window, repository)
        window.shows("▸ running")
        began, written = time.monotonic(), window.written
        eventually(lambda: "100%" in window.text or time.monotonic() - began > 2, "two seconds")
        rate = (window.written - written) / (time.monotonic() - began)
        window.hang_up()
        assert window.ended() == 0
        assert LEAVE_FULL_SCREEN in window.raw[-400:]
    (job,) = JobStore(default_paths().jobs).all()
    with transship() as window:
        window.press("4")
        window.shows(job.id)
        eventually(lambda: read_job(job).state is JobState.DONE, "the job to end")
        window.shows("done")
        window.press("ctrl+q")
        assert window.ended() == 0

    assert digest_at(new, repository, "1.4") == image.digest
    assert rate < BUDGET
