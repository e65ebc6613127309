"""What a tag pointed at is brought from wherever it can be had: at registries and in folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.jobs import new_job, plan_of, proof_of, run_again
from moving.undo import acts, foreseen, image, standing, undone
from servers import skopeo
from servers.images import push_image, push_index, push_referrer
from transship.errors import RestoreFailed
from transship.oci.digest import fallback_tag
from transship.transfers.undo import RestoreAction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.registry import Registry
    from transship.transfers.jobs import Job


class TestWhatTheRegistryClearedAway:
    @pytest.fixture
    def target(self, new_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
        """A registry that clears away what has no tag."""
        return new_registry()

    @pytest.fixture
    def job(
        self, open_registry: DockerRegistry, target: DockerRegistry, repository: str, tmp_path: Path
    ) -> Job:
        """A job that moves a tag which the source has moved as well."""
        return new_job(
            tmp_path,
            plan_of((f"{open_registry.host}/{repository}:1", f"{target.host}/{repository}")),
        )

    async def test_comes_from_the_source_if_that_still_has_it(
        self,
        job: Job,
        open_registry: DockerRegistry,
        target: DockerRegistry,
        repository: str,
        tmp_path: Path,
    ) -> None:
        for registry in (open_registry, target):
            children = [
                push_image(registry, repository, platform=platform)
                for platform in ("linux/amd64", "linux/arm64")
            ]
            push_index(registry, repository, "1", children)
        before = standing(target, repository)
        image(open_registry, repository, "1", "after")
        await run_again(job)
        target.collect_garbage()
        assert target.http.get(f"/v2/{repository}/manifests/{before['1']}").status_code == 404

        done = await undone(job)

        assert not done.open
        assert standing(target, repository) == before
        name = f"docker://{target.host}/{repository}:1"
        skopeo.copy(name, f"dir:{tmp_path / 'pulled'}", target)

    async def test_and_is_nowhere_else_is_named(
        self, job: Job, open_registry: DockerRegistry, target: DockerRegistry, repository: str
    ) -> None:
        image(open_registry, repository, "1", "after")
        before = image(target, repository, "1", "only there")
        await run_again(job)
        copied = standing(target, repository)
        target.collect_garbage()

        done = await undone(job)

        assert [type(outcome.error) for outcome in done.open] == [RestoreFailed]
        assert before.digest in done.open[0].words
        assert standing(target, repository) == copied

    async def test_of_its_blobs_is_named(
        self, job: Job, open_registry: DockerRegistry, target: DockerRegistry, repository: str
    ) -> None:
        image(open_registry, repository, "1", "after")
        before = image(target, repository, "1", "only there")
        await run_again(job)
        layer = before.blobs[1]
        target.http.delete(f"/v2/{repository}/blobs/{layer}").raise_for_status()
        copied = standing(target, repository)

        done = await undone(job)

        assert [type(outcome.error) for outcome in done.open] == [RestoreFailed]
        assert f"1 blob, and no source has it: {layer}" in done.open[0].words
        assert standing(target, repository) == copied


class TestReferrers:
    async def test_lists_that_the_job_changed_lose_what_it_added(
        self,
        open_registry: DockerRegistry,
        other_registry: DockerRegistry,
        repository: str,
        tmp_path: Path,
    ) -> None:
        known, new = (image(open_registry, repository, tag, tag) for tag in ("known", "new"))
        there = image(other_registry, repository, "known", "known")
        push_referrer(other_registry, there, b"was there before")
        before = standing(other_registry, repository)
        push_referrer(open_registry, known, b"a signature")
        push_referrer(open_registry, new, b"a signature")
        # Not the whole repository: with it, the list would be copied as a tag.
        pairs = [
            (f"{open_registry.host}/{repository}:{tag}", f"{other_registry.host}/{repository}")
            for tag in ("known", "new")
        ]
        job = new_job(tmp_path, plan_of(*pairs))
        await run_again(job)
        lists = {fallback_tag(pushed.digest) for pushed in (known, new)}  # type: ignore[arg-type]
        assert lists < set(standing(other_registry, repository))

        plan = await foreseen(job)
        done = await undone(job, plan)

        assert acts(plan) == {"new": RestoreAction.TAKE_AWAY} | dict.fromkeys(
            lists, RestoreAction.UNLIST
        )
        assert not done.open
        assert standing(other_registry, repository) == before
        assert not (await foreseen(job)).changing

    async def test_that_the_registry_lists_by_itself_stay_and_are_told(
        self, api_registry: Registry, open_registry: DockerRegistry, repository: str, tmp_path: Path
    ) -> None:
        signed = image(open_registry, repository, "1", "signed")
        signature = push_referrer(open_registry, signed)
        job = new_job(
            tmp_path,
            plan_of((f"{open_registry.host}/{repository}:1", f"{api_registry.host}/{repository}")),
        )
        await run_again(job)

        done = await undone(job)

        assert not done.open
        assert acts(done.plan) == {"1": RestoreAction.TAKE_AWAY}
        assert [stays.digest for stays in done.plan.stays] == [signature.digest]
        assert standing(api_registry, repository) == {}


class TestAFolder:
    async def test_as_the_target_is_as_it_was_before(
        self, open_registry: DockerRegistry, repository: str, tmp_path: Path
    ) -> None:
        before = image(open_registry, repository, "moves", "before")
        folder = tmp_path / "folder"
        plan = plan_of((f"{open_registry.host}/{repository}", f"layout:{folder}"))
        first = new_job(tmp_path, plan)
        await run_again(first)
        for tag in ("moves", "new"):
            image(open_registry, repository, tag, tag)
        job = new_job(tmp_path, plan)
        await run_again(job)

        done = await undone(job)

        assert not done.open
        assert acts(done.plan) == {"moves": RestoreAction.PUT_BACK, "new": RestoreAction.TAKE_AWAY}
        where = plan_of((f"{open_registry.host}/{repository}@{before.digest}", f"layout:{folder}"))
        assert (await proof_of(where, deep=True)).holds
        assert not (await foreseen(job)).changing
        assert not (await undone(first)).open
        assert "ref.name" not in (folder / "index.json").read_text()
