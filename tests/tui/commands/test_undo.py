"""`transship undo`: what it shows, what it asks, what it names, and that a kill does no harm."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from moving.undo import standing
from servers.faults import Fault, Hold
from servers.images import make_layer, push_image
from servers.process import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.registry import Registry


class Copied:
    """A repository that a job has copied over another, and the job."""

    def __init__(self, target: Registry, repository: str, before: dict[str, str]) -> None:
        self.target, self.repository, self.before = target, repository, before
        self.job = ""

    @property
    def tags(self) -> dict[str, str]:
        return standing(self.target, self.repository)

    def move(self, tag: str) -> str:
        layer = make_layer(f"{self.repository} {tag} somebody's".encode())
        return push_image(self.target, self.repository, tag, [layer]).digest


@pytest.fixture
def copy_over(
    transship: Any, open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str
) -> Callable[[str], Copied]:
    """Copy three tags over a repository that has two of them, by way of a host."""

    def run(host: str) -> Copied:
        for tag in ("new", "one", "two"):
            push_image(open_registry, repository, tag)
        for tag in ("one", "two"):
            push_image(other_registry, repository, tag, [make_layer(f"before {tag}".encode())])
        copied = Copied(other_registry, repository, standing(other_registry, repository))
        ended = transship("copy", f"{open_registry.host}/{repository}", f"{host}/{repository}")
        assert ended.status == 0
        copied.job = transship("jobs", "--json").document["jobs"][0]["id"]
        return copied

    return run


@pytest.fixture
def copied(copy_over: Callable[[str], Copied], other_registry: DockerRegistry) -> Copied:
    """The same, straight to the registry."""
    return copy_over(other_registry.host)


def test_a_dry_run_shows_what_would_be_put_back_and_does_nothing(
    transship: Any, copied: Copied
) -> None:
    after = copied.tags
    ended = transship("undo", copied.job[:5], "--dry-run")

    assert ended.status == 0
    lines = ended.out.splitlines()
    where = f"{copied.target.host}/{copied.repository}"
    short = {tag: digest.removeprefix("sha256:")[:12] for tag, digest in copied.before.items()}
    assert [line for line in lines if f"put back   {where}:two" in line and short["two"] in line]
    assert [line for line in lines if f"take away  {where}:new" in line]
    assert lines[-1] == "nothing was changed"
    assert copied.tags == after


def test_it_is_done_when_the_operator_says_so(transship: Any, copied: Copied) -> None:
    ended = transship("undo", copied.job, "--yes")

    assert (ended.status, ended.out) == (0, "undone  2 put back, 1 taken away\n")
    assert copied.tags == copied.before
    assert transship("verify", copied.job).status == 1
    again = transship("undo", copied.job, "--yes")
    assert (again.status, again.out) == (
        0, "3 tags already as before the job\nthere is nothing to undo\n",
    )  # fmt: skip


def test_the_source_is_not_needed(
    transship: Any, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    push_image(other_registry, repository, "1")
    before = standing(other_registry, repository)
    target, folder = f"{other_registry.host}/{repository}", tmp_path / "folder"
    transship("copy", target, f"layout:{folder}")
    transship("copy", f"layout:{folder}//{repository}:1", f"{target}:2")
    job = transship("jobs", "--json").document["jobs"][0]["id"]
    assert set(standing(other_registry, repository)) == {"1", "2"}
    shutil.rmtree(folder)

    assert transship("undo", job, "--yes").status == 0
    assert standing(other_registry, repository) == before


def test_without_a_terminal_it_wants_to_be_told(transship: Any, copied: Copied) -> None:
    after = copied.tags
    ended = transship("undo", copied.job)

    assert ended.status == 2
    assert "--yes" in ended.err
    assert copied.tags == after


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("", 1), ("n", 1)])
def test_on_a_terminal_it_asks(terminal: Any, copied: Copied, answer: str, status: int) -> None:
    after = copied.tags
    screen = terminal("undo", copied.job, columns=200)
    screen.until(f"Undo the job at {copied.target.host}? [y/N]")
    assert "take away" in screen.written
    screen.type(f"{answer}\n")

    assert screen.wait() == status
    assert copied.tags == (after if status else copied.before)


def test_what_somebody_moved_is_named_with_both_digests(transship: Any, copied: Copied) -> None:
    wrote, theirs = copied.tags["one"], copied.move("one")

    dry = transship("undo", copied.job, "--dry-run")
    ended = transship("undo", copied.job, "--yes")
    document = transship("undo", copied.job, "--yes", "--json")

    told = f"moved since to {theirs}; the job wrote {wrote}"
    assert (dry.status, ended.status, document.status) == (1, 1, 1)
    assert told in dry.out
    assert told in ended.out
    assert "partly undone  1 put back, 1 taken away, 1 not restored" in ended.out
    assert copied.tags == copied.before | {"one": theirs}
    left = [tag for tag in document.document["undo"]["tags"] if tag["act"] == "moved-since"]
    assert [(tag["now"], tag["wrote"]) for tag in left] == [(theirs, wrote)]
    assert not document.document["undo"]["complete"]


def test_the_document_has_keys_that_stay(transship: Any, copied: Copied) -> None:
    dry = transship("undo", copied.job, "--dry-run", "--json").document["undo"]
    done = transship("undo", copied.job, "--yes", "--json").document["undo"]

    assert list(dry) == list(done) == ["job", "done", "complete", "tags", "stays", "created"]
    assert (dry["done"], done["done"]) == (False, True)
    assert list(done["tags"][0]) == [
        "tag", "act", "now", "previous", "wrote", "unlisted", "result", "detail", "cause", "remedy",
    ]  # fmt: skip
    assert {tag["result"] for tag in dry["tags"]} == {None}
    assert {tag["result"] for tag in done["tags"]} == {"done"}


def test_the_list_of_jobs_and_the_report_tell_it(transship: Any, copied: Copied) -> None:
    theirs = copied.move("one")
    transship("undo", copied.job, "--yes")
    partly = transship("jobs").out
    report = transship("report", copied.job).out
    document = transship("report", copied.job, "--format", "json").document
    push_back(copied, "one")
    transship("undo", copied.job, "--yes")

    assert f"{copied.job}  done, partly undone" in partly
    assert f"{copied.job}  done, undone" in transship("jobs").out
    entry = transship("jobs", "--json").document["jobs"][0]["undo"]
    assert (entry["complete"], entry["restored"], entry["left"]) == (True, 3, 0)
    assert report.startswith("# Undone")
    assert theirs in report
    assert document["conclusion"] == "undone"
    assert [tag["result"] for tag in document["undo"]["open"]] == ["left"]


def push_back(copied: Copied, tag: str) -> None:
    """Let somebody put one tag back by hand."""
    layer = make_layer(f"before {tag}".encode())
    assert push_image(copied.target, copied.repository, tag, [layer]).digest == copied.before[tag]


@pytest.mark.long
@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize(
    ("method", "path", "skip"),
    [
        ("HEAD", "/manifests/one", 1),
        ("PUT", "/manifests/one", 0),
        ("PUT", "/manifests/new", 0),  # What stands in for it, so that it can go.
        ("DELETE", "/manifests/sha256", 1),
    ],
)
def test_an_undo_that_is_killed_before_or_after_any_write_is_finished_by_the_next(
    method: str,
    path: str,
    skip: int,
    answered: bool,
    transship: Any,
    started: Any,
    copy_over: Callable[[str], Copied],
    other_registry: DockerRegistry,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
) -> None:
    proxy = proxy_for(other_registry)
    copied = copy_over(proxy.host)
    hold = Hold(answered=answered)
    proxy.add(Fault(hold, method=method, path=path, skip=skip))

    process = started("undo", copied.job, "--yes")
    eventually(hold.held.is_set, "the request")
    process.kill()
    process.wait()
    hold.release.set()
    ended = transship("undo", copied.job, "--yes")

    assert ended.status == 0, ended.out + ended.err
    assert copied.tags == copied.before
    undo = transship("jobs", "--json").document["jobs"][0]["undo"]
    assert (undo["complete"], undo["restored"]) == (True, 3)
