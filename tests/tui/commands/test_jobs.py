"""`transship jobs`: what ran, and what runs."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moving.jobs import plan_of
from servers.images import push_image
from transship.paths import default_paths
from transship.transfers.copies import JobState
from transship.transfers.jobs import JobStore
from transship.transfers.limits import Limit, encoded

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry


def test_before_the_first_job(transship: Any) -> None:
    assert transship("jobs", "--json").document == {"jobs": []}
    assert "no jobs yet" in transship("jobs").err


def test_the_newest_first(
    transship: Any, open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str
) -> None:
    for tag in ("1.0", "1.1"):
        push_image(open_registry, repository, tag)
        transship(
            "copy",
            f"{open_registry.host}/{repository}:{tag}",
            f"{other_registry.host}/{repository}:{tag}",
        )

    newest, older = transship("jobs", "--json").document["jobs"]

    assert set(newest) == {
        "id", "kind", "state", "source", "target", "counts", "bytes", "created", "ended",
        "limits", "signed_out", "trust", "undo",
    }  # fmt: skip
    assert newest["source"].endswith(":1.1")
    assert older["source"].endswith(":1.0")
    assert (newest["kind"], newest["state"], newest["counts"]["copied"]) == ("copy", "done", 1)
    for time in (newest["created"], newest["ended"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time)
    assert transship("jobs").out.splitlines()[1].startswith(f"{newest['id']}  done")


def test_a_name_that_no_job_has(transship: Any) -> None:
    for command in ("attach", "pause", "resume", "cancel", "retry", "verify"):
        ended = transship(command, "nothing")
        assert ended.status == 2
        assert "error: No such job" in ended.err


def test_in_a_narrow_terminal_both_ends_are_seen(
    transship: Any,
    terminal: Any,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    push_image(open_registry, repository, "1.0")
    transship(
        "copy", f"{open_registry.host}/{repository}:1.0", f"{other_registry.host}/{repository}:2.0"
    )

    window = terminal("jobs", columns=80)
    assert window.wait() == 0

    lines = window.written.splitlines()
    assert max(map(len, lines)) <= 80
    assert "seen-" in lines[1]
    assert lines[1].rstrip().endswith(":2.0")


def test_a_digest_is_as_short_as_a_person_compares_it(
    transship: Any, open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str
) -> None:
    digest = push_image(open_registry, repository, "1.0").digest
    transship(
        "copy",
        f"{open_registry.host}/{repository}@{digest}",
        f"{other_registry.host}/{repository}:1.0",
    )

    [_, row] = transship("jobs").out.splitlines()

    assert f"{repository}@{digest[:19]}  " in row
    assert digest not in row


def test_a_job_outside_its_window_says_until_when_it_waits(transship: Any) -> None:
    job = JobStore(default_paths().jobs).create(plan_of(("old.example/web:1", "new.example/web")))
    opens = datetime(2026, 1, 31, 22, 0).astimezone().timestamp()
    with job.locked(), job.journal() as journal:
        limits = encoded([Limit("new.example", opens=opens)])
        journal.note(state=JobState.RUNNING, limits=limits)
        assert f"{job.id}  running, waits until 22:00" in transship("jobs").out
