"""A preview says what the run then does, to the byte, and writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moving.jobs import new_job, plan_of, preview_of, run_again
from servers.images import make_layer, push_image, random_layer
from transship.transfers.copies import JobState, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.token_server import TokenServer


async def test_a_preview_has_the_verdicts_and_the_bytes_of_the_run(
    open_registry: DockerRegistry,
    new_registry: Callable[..., DockerRegistry],
    fresh_name: Callable[[], str],
    tmp_path: Path,
) -> None:
    one, two = fresh_name(), fresh_name()
    base, known = random_layer(3_000_000, one), random_layer(1_500_000, "known")
    target = new_registry()
    for repository in (one, two):
        push_image(open_registry, repository, "base", [base, random_layer(9_000, repository)])
    push_image(open_registry, one, "moved", [known])
    for registry in (open_registry, target):
        push_image(registry, one, "same", [make_layer(b"the same")])
    push_image(target, one, "moved", [make_layer(b"old")])
    push_image(target, one, "other", [known])
    plan = plan_of(
        *((f"{open_registry.host}/{name}", f"{target.host}/{name}") for name in (one, two))
    )
    job = new_job(tmp_path, plan)
    mark = target.mark()

    worklist = await preview_of(plan)
    asked = target.since(mark)
    ended = await run_again(job)

    verdicts = {str(copy.target): copy.verdict for copy in worklist.copies}
    with job.journal() as journal:
        assert verdicts == {str(copy.target): copy.verdict for copy in journal.copies()}
    assert set(verdicts.values()) == {Verdict.COPY, Verdict.SAME, Verdict.OVERWRITE}
    assert ended.state is JobState.DONE
    assert worklist.bytes_to_move == ended.bytes.sent
    assert worklist.bytes_total == ended.bytes.sent + ended.bytes.saved
    assert {request.method for request in asked} <= {"GET", "HEAD"}


async def test_a_preview_asks_for_no_right_to_write(
    open_registry: DockerRegistry,
    token_registry: DockerRegistry,
    token_server: TokenServer,
    repository: str,
) -> None:
    push_image(open_registry, repository, "1")
    push_image(token_registry, repository, "1")
    plan = plan_of((f"{open_registry.host}/{repository}", f"{token_registry.host}/{repository}"))

    worklist = await preview_of(plan, token_registry)

    assert [copy.verdict for copy in worklist.copies] == [Verdict.SAME]
    scopes = {scope for request in token_server.requests for scope in request.scopes}
    assert scopes == {f"repository:{repository}:pull"}
