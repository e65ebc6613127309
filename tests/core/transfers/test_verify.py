"""The proof holds after a copy, and names each way in which a target can be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.jobs import plan_of, proof_of, run_here
from moving.manifests import delete_manifest
from moving.storage import blob_file
from servers.faults import Answer, Fault
from servers.images import make_layer, push_image, push_index, random_layer
from transship import errors
from transship.transfers.copies import JobState
from transship.transfers.verify import Problem, Proof

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.registry import Registry

SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"


def wrong(proof: Proof) -> dict[str, tuple[Problem, str]]:
    """Return what is wrong, by tag."""
    return {d.target.tag: (d.problem, d.detail) for d in proof.differences}


async def test_each_way_to_be_wrong_is_found_and_named(
    open_registry: DockerRegistry,
    new_registry: Callable[..., DockerRegistry],
    repository: str,
    tmp_path: Path,
) -> None:
    images = {
        tag: push_image(open_registry, repository, tag)
        for tag in ("good", "missing", "moved", "no-layer", "no-config", "damaged", "cut")
    }
    children = [
        push_image(open_registry, repository, None, [random_layer(500, n)], platform=f"linux/{n}")
        for n in ("amd64", "arm64")
    ]
    push_index(open_registry, repository, "no-child", children)
    target = new_registry()
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    assert (await run_here(tmp_path, plan)).state is JobState.DONE
    assert (await proof_of(plan, deep=True)).holds

    delete_manifest(target, repository, images["missing"].digest)
    push_image(target, repository, "moved", [make_layer(b"elsewhere")])
    delete_manifest(target, repository, children[1].digest)
    target.stop()  # It remembers the lengths of blobs that it has seen.
    blob_file(target, images["no-layer"].blobs[1]).unlink()
    blob_file(target, images["no-config"].blobs[0]).unlink()
    damaged = blob_file(target, images["damaged"].blobs[1])
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    cut = blob_file(target, images["cut"].blobs[1])
    cut.write_bytes(cut.read_bytes()[:-1])
    target.start()

    shallow, deep = wrong(await proof_of(plan)), wrong(await proof_of(plan, deep=True))

    assert {tag: problem for tag, (problem, _) in deep.items()} == {
        "missing": Problem.MISSING,
        "moved": Problem.DIFFERS,
        "no-layer": Problem.INCOMPLETE,
        "no-config": Problem.INCOMPLETE,
        "no-child": Problem.INCOMPLETE,
        "damaged": Problem.INCOMPLETE,
        "cut": Problem.INCOMPLETE,
    }
    assert {tag for tag in deep if tag not in shallow} == {"damaged"}
    assert images["no-layer"].blobs[1] in shallow["no-layer"][1]
    assert children[1].digest in shallow["no-child"][1]
    assert images["damaged"].blobs[1] in deep["damaged"][1]
    assert "bytes" in shallow["cut"][1]


async def test_all_that_is_wrong_with_one_image_is_counted(
    open_registry: DockerRegistry,
    new_registry: Callable[..., DockerRegistry],
    repository: str,
    tmp_path: Path,
) -> None:
    layers = [random_layer(100, f"{repository} {n}") for n in range(3)]
    image = push_image(open_registry, repository, "1", layers)
    target = new_registry()
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    assert (await run_here(tmp_path, plan)).state is JobState.DONE
    target.stop()
    for digest in image.blobs[1:]:
        blob_file(target, digest).unlink()
    target.start()

    proof = await proof_of(plan)

    assert len(proof.differences) == 1
    assert "(and 2 more)" in proof.differences[0].detail


async def test_each_thing_is_looked_at_once_and_deep_reads_it(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    base = random_layer(700_000, repository)
    for tag in ("a", "b", "c"):
        push_image(open_registry, repository, tag, [base, random_layer(100, f"{repository}{tag}")])
    plan = plan_of((f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"))
    assert (await run_here(tmp_path, plan)).state is JobState.DONE
    mark = other_registry.mark()

    proof = await proof_of(plan, deep=True)

    # Three configs, three layers of their own and one that they share.
    assert (proof.compared, proof.manifests, proof.blobs) == (3, 3, 7)
    assert proof.bytes_read > len(base)
    asked = [r.path for r in other_registry.since(mark) if "/blobs/" in r.path]
    assert len(asked) == len(set(asked)) == 7


async def test_what_can_t_be_read_at_the_source_is_no_proof(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
) -> None:
    push_image(open_registry, repository, "1")
    source = proxy_for(open_registry)
    old = Answer(200, {"Content-Type": SCHEMA1}, b'{"schemaVersion": 1}')
    source.add(Fault(old, path="/manifests/1$", times=None))
    plan = plan_of((f"{source.host}/{repository}", f"{other_registry.host}/{repository}"))

    proof = await proof_of(plan)

    assert wrong(proof)["1"][0] is Problem.UNREADABLE
    assert "schema 1" in wrong(proof)["1"][1]


async def test_nothing_at_all_is_no_proof_either(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str
) -> None:
    image = push_image(open_registry, repository, "1")
    delete_manifest(open_registry, repository, image.digest)
    plan = plan_of((f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"))

    with pytest.raises(errors.ManifestNotFound, match="there are no tags"):
        await proof_of(plan)


async def test_a_target_that_can_t_be_reached_is_one_error_and_no_difference(
    open_registry: DockerRegistry, new_registry: Callable[..., DockerRegistry], repository: str
) -> None:
    push_image(open_registry, repository, "1")
    target = new_registry()
    target.stop()
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))

    with pytest.raises(errors.ConnectionRefused):
        await proof_of(plan)
