"""What refers to an image comes along, and is found at the target as it was at the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.jobs import new_job, outcomes, plan_of, proof_of, run_again, run_here
from moving.judge import digest_at, tags_at
from servers.faults import Answer, Fault
from servers.images import OCI_INDEX, push_artifact, push_image, push_index, push_referrer
from transship.transfers.copies import JobState, Verdict
from transship.transfers.verify import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.images import Pushed
    from servers.registry import Registry

WITH_API = ("api_registry", "other_api_registry")


def refer(registry: Registry, subject: Pushed, content: bytes, *, api: bool) -> Pushed:
    """Push a referrer, as a client does where there is a referrers API or where there is none."""
    if api:
        return push_artifact(registry, subject.repository, content=content, subject=subject)
    return push_referrer(registry, subject, content)


def referrers_at(registry: Registry, repository: str, subject: str, *, api: bool) -> set[str]:
    """Return the digests that a registry lists for a subject."""
    path = f"referrers/{subject}" if api else f"manifests/{subject.replace(':', '-')}"
    answer = registry.http.get(f"/v2/{repository}/{path}", headers={"Accept": OCI_INDEX})
    return {entry["digest"] for entry in answer.json()["manifests"]} if answer.is_success else set()


@pytest.mark.parametrize("whole_repository", [False, True])
@pytest.mark.parametrize("target", ["other_registry", "other_api_registry"])
@pytest.mark.parametrize("source", ["open_registry", "api_registry"])
async def test_referrers_and_their_referrers_are_listed_at_the_target(
    source: str,
    target: str,
    whole_repository: bool,
    repository: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    old: Registry = request.getfixturevalue(source)
    new: Registry = request.getfixturevalue(target)
    api = source in WITH_API
    child = push_image(old, repository, platform="linux/arm64")
    image = push_index(old, repository, "1", [child])
    signature = refer(old, image, b"a signature", api=api)
    report = refer(old, image, b"a report", api=api)
    on_child = refer(old, child, b"signed as well", api=api)
    on_signature = refer(old, signature, b"countersigned", api=api)
    tag = "" if whole_repository else ":1"
    plan = plan_of((f"{old.host}/{repository}{tag}", f"{new.host}/{repository}{tag}"))

    view = await run_here(tmp_path, plan)

    assert view.state is JobState.DONE, view.failures
    lists = {
        image: {signature.digest, report.digest},
        child: {on_child.digest},
        signature: {on_signature.digest},
    }
    for subject, expected in lists.items():
        found = referrers_at(new, repository, subject.digest, api=target in WITH_API)
        assert found == expected
    assert (await proof_of(plan, deep=True)).holds
    again = await run_here(tmp_path, plan)
    assert (again.state, again.counts.same) == (JobState.DONE, again.counts.total)
    assert again.counts.total == view.counts.total


async def test_without_referrers_only_the_image_is_copied(
    api_registry: Registry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(api_registry, repository, "1")
    push_artifact(api_registry, repository, subject=image)
    plan = plan_of(
        (f"{api_registry.host}/{repository}", f"{other_registry.host}/{repository}"),
        referrers=False,
    )

    view = await run_here(tmp_path, plan)

    assert (view.state, view.counts.total) == (JobState.DONE, 1)
    assert tags_at(other_registry, repository) == ["1"]


async def test_what_cosign_tags_beside_an_image_comes_along_with_one_tag(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository, "1")
    other = push_image(open_registry, repository, "2")
    stem = image.digest.replace(":", "-")
    signatures = {
        f"{stem}.{kind}": push_artifact(
            open_registry, repository, f"{stem}.{kind}", kind.encode()
        ).digest
        for kind in ("sig", "att", "sbom")
    }
    push_artifact(open_registry, repository, other.digest.replace(":", "-") + ".sig", b"not asked")

    view = await run_here(
        tmp_path,
        plan_of((f"{open_registry.host}/{repository}:1", f"{other_registry.host}/{repository}")),
    )

    assert view.state is JobState.DONE, view.failures
    assert tags_at(other_registry, repository) == sorted(["1", *signatures])
    for tag, digest in signatures.items():
        assert digest_at(other_registry, repository, tag) == digest


async def test_a_list_at_the_target_keeps_what_was_in_it(
    api_registry: Registry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(api_registry, repository, "1")
    push_image(other_registry, repository, "1")
    there = push_referrer(other_registry, image, b"signed at the target")
    signature = push_artifact(api_registry, repository, content=b"signed", subject=image)

    view = await run_here(
        tmp_path,
        plan_of((f"{api_registry.host}/{repository}", f"{other_registry.host}/{repository}")),
    )

    assert view.state is JobState.DONE, view.failures
    assert referrers_at(other_registry, repository, image.digest, api=False) == {
        there.digest,
        signature.digest,
    }


async def test_a_referrer_that_could_not_be_listed_is_missed_by_verify_and_listed_by_a_retry(
    api_registry: Registry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    image = push_image(api_registry, repository, "1")
    signature = push_artifact(api_registry, repository, subject=image)
    target = proxy_for(other_registry)
    target.add(Fault(Answer(403), method="PUT", path="/manifests/sha256-"))
    plan = plan_of((f"{api_registry.host}/{repository}", f"{target.host}/{repository}"))
    job = new_job(tmp_path, plan)

    first = await run_again(job)
    proof = await proof_of(plan)
    second = await run_here(tmp_path, plan)

    assert (first.state, first.counts.failed) == (JobState.FAILED, 1)
    assert [difference.problem for difference in proof.differences] == [Problem.INCOMPLETE]
    assert "referrers" in proof.differences[0].detail
    assert (second.state, second.counts.copied) == (JobState.DONE, 1)
    assert referrers_at(other_registry, repository, image.digest, api=False) == {signature.digest}
    assert (await proof_of(plan)).holds


async def test_a_list_that_is_copied_as_a_tag_is_not_made_a_second_time(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    image = push_image(open_registry, repository, "1")
    signature = push_referrer(open_registry, image)
    # The signature has a tag of its own as well, which would make the client list it.
    put_manifest_again(open_registry, signature, "signature")
    target = proxy_for(other_registry)
    job = new_job(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    )

    view = await run_again(job)

    assert view.state is JobState.DONE, view.failures
    fallback = image.digest.replace(":", "-")
    written = [r.path for r in target.requests if r.method == "PUT" and fallback in r.path]
    assert len(written) == 1
    copy, _ = outcomes(job)[fallback]
    assert (copy.verdict, copy.previous) == (Verdict.COPY, None)


async def test_a_list_that_names_what_is_gone_fails_by_itself(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository, "1")
    signature = push_referrer(open_registry, image)
    open_registry.http.delete(f"/v2/{repository}/manifests/{signature.digest}").raise_for_status()

    view = await run_here(
        tmp_path,
        plan_of((f"{open_registry.host}/{repository}:1", f"{other_registry.host}/{repository}")),
    )

    assert (view.state, view.counts.copied) == (JobState.FAILED, 1)
    assert [failure.cause for failure in view.failures] == ["manifest-not-found"]
    assert digest_at(other_registry, repository, "1") == image.digest


def put_manifest_again(registry: Registry, pushed: Pushed, tag: str) -> None:
    """Give something that is there a tag."""
    registry.http.put(
        f"/v2/{pushed.repository}/manifests/{tag}",
        content=pushed.content,
        headers={"Content-Type": pushed.media_type},
    ).raise_for_status()
