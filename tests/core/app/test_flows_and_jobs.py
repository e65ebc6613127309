"""The engine at work on drift, flows, undoing and reports: real registries, real jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fakes.screen import screen_text, until
from moving.jobs import ends
from servers import skopeo
from servers.images import make_layer, push_image
from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources
from transship.app.application import Application
from transship.errors import BadRequest, JobEnded, SystemRefused
from transship.operator import this_operator
from transship.paths import Paths
from transship.plans.drift import DriftState, plan_of
from transship.plans.flow import Image
from transship.plans.plan import Limits
from transship.registry.registry import MEBIBYTE
from transship.reports.job_formats import Form
from transship.settings import Settings
from transship.transfers.copies import JobState
from transship.transfers.drift import DriftProgress
from transship.transfers.jobs import JobStore
from transship.transfers.limits import limit_request
from transship.transfers.promotion import BoardProgress, PromotionOutcome, StageStep
from transship.transfers.undo import RestoreAction, UndoProgress
from transship.transfers.verify import VerifyProgress
from transship.watch.record import WatchFile, WatchRecord
from transship_tui.app import TransshipApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Application]:
    sources = Sources(SessionStore(), SessionStore(), DockerConfig({}), {})
    engine = Application(Paths(tmp_path / "config", tmp_path / "state"), sources)
    yield engine
    await engine.aclose()


@pytest.fixture
def jobs(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "state" / "jobs")


@pytest.fixture
def flow(tmp_path: Path, old: DockerRegistry, new: DockerRegistry, repository: str) -> str:
    """A flow of two stages, with an image in the first; return what its stages are below."""
    folder = tmp_path / "config" / "plans"
    folder.mkdir(parents=True)
    stages = (("dev", old.host), ("prod", new.host))
    (folder / "shop.toml").write_text(
        'version = 1\nkind = "flow"\nrepositories = ["web"]\n'
        + "".join(
            f'[[stages]]\nname = "{name}"\nat = "{host}/{repository}/{name}"\n'
            for name, host in stages
        )
    )
    push_image(old, f"{repository}/dev/web", "1.4")
    return repository


@pytest.fixture
def plan(tmp_path: Path, old: DockerRegistry, new: DockerRegistry, repository: str) -> Path:
    """A plan of which the target has one tag right, one wrong, and one not at all."""
    for tag in ("v1", "v2", "v3"):
        push_image(old, repository, tag, [make_layer(tag.encode())])
    push_image(new, f"{repository}/{repository}", "v1", [make_layer(b"v1")])
    push_image(new, f"{repository}/{repository}", "v2", [make_layer(b"another")])
    path = tmp_path / "config" / "plans" / "shop.toml"
    path.parent.mkdir(parents=True)
    path.write_text(
        f'version = 1\nkind = "sync"\n[[rules]]\nfrom = "{old.host}"\n'
        f'repositories = ["{repository}"]\nto = "{new.host}/{repository}"\n'
    )
    return path


@pytest.fixture(name="old")
def old_registry(open_registry: DockerRegistry) -> DockerRegistry:
    return open_registry


@pytest.fixture(name="new")
def new_one(other_registry: DockerRegistry) -> DockerRegistry:
    return other_registry


async def test_a_board_and_a_promotion(
    engine: Application, jobs: JobStore, flow: str, old: DockerRegistry, new: DockerRegistry
) -> None:
    (entry,) = engine.flows.all()
    assert entry.flow is not None
    assert entry.name == "shop"
    progress = BoardProgress()
    seen = await engine.flows.board(entry.flow, progress)
    (row,) = seen.rows
    assert [cell.step for cell in row.cells] == [StageStep.NEW, StageStep.NONE]
    assert progress.images == 1
    assert row.cells[0].digest is not None

    promotion = await engine.flows.consider(
        entry.flow, Image("web", "1.4"), "prod", row.cells[0].digest, overwrite=False
    )
    job = await engine.flows.promote(promotion)

    assert ends(jobs.find(job)).state is JobState.DONE
    assert (await engine.flows.board(entry.flow, progress)).rows[0].is_settled
    (kept,) = await engine.flows.promotions(entry.flow)
    assert (kept.outcome, kept.job, kept.by) == (PromotionOutcome.DONE, job, this_operator())
    target = f"docker://{new.host}/{flow}/prod/web:1.4"
    assert skopeo.digest(target, new) == row.cells[0].digest


async def test_the_app_promotes_from_the_board(
    engine: Application, jobs: JobStore, flow: str, new: DockerRegistry
) -> None:
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=(120, 40)) as pilot:

        async def shows(words: str) -> None:
            await until(pilot, lambda: words in screen_text(app), words)

        await pilot.press("3", "b")
        await shows("Board 1 to promote")
        await pilot.press("p")
        await shows("Promote web:1.4 to prod?")
        await pilot.press("right", "enter")
        await shows("is on its way to prod")
        await shows("the same everywhere")
        await pilot.press("H")
        await shows("✓ done")
    (job,) = jobs.all()
    assert ends(job).state is JobState.DONE


async def test_drift_becomes_a_plan_that_mends_it(
    engine: Application, jobs: JobStore, plan: Path, repository: str
) -> None:
    file = engine.plans.load(plan)
    found = await engine.plans.drift(file.plan, DriftProgress())
    ours = [row for row in found.rows if row.wanted is not None]
    assert [row.state for row in ours] == [DriftState.SAME, DriftState.DIFFERS, DriftState.MISSING]

    marked = plan_of(file.plan, ours[1:])
    kept = engine.plans.create("mend", marked)
    assert ends(jobs.find(await engine.jobs.start(kept.plan))).state is JobState.DONE

    found = await engine.plans.drift(file.plan, DriftProgress())
    assert {row.state for row in found.rows if row.wanted} == {DriftState.SAME}


async def test_a_job_is_held_to_other_limits_and_the_next_look_has_them(
    engine: Application, jobs: JobStore, plan: Path, old: DockerRegistry, new: DockerRegistry
) -> None:
    job = jobs.create(engine.plans.load(plan).plan).id
    assert engine.jobs.limits(job) == {old.host: Limits(), new.host: Limits()}

    engine.jobs.limit(job, limit_request(new.host, "20 MiB/s", "4"))
    assert engine.jobs.limits(job)[new.host] == Limits(4, 20 * MEBIBYTE)
    engine.jobs.limit(job, limit_request(new.host, concurrency="none"))
    assert engine.jobs.limits(job)[new.host] == Limits(rate=20 * MEBIBYTE)

    engine.jobs.cancel(job)
    with pytest.raises(JobEnded):
        engine.jobs.limit(job, limit_request(old.host, "1 MB/s"))


async def test_before_an_undo_the_plans_that_are_watched_are_known(
    engine: Application, jobs: JobStore, plan: Path, tmp_path: Path
) -> None:
    job = jobs.create(engine.plans.load(plan).plan).id
    watches = Paths(tmp_path / "config", tmp_path / "state").watches
    watch = WatchFile.of(watches, plan)
    with watch.held():
        watch.write(WatchRecord(str(plan)))
        assert await engine.jobs.conflicting_watchers(job) == [str(plan)]
    assert await engine.jobs.conflicting_watchers(job) == []


async def test_a_job_is_undone_and_its_report_has_the_proof(
    engine: Application,
    jobs: JobStore,
    plan: Path,
    new: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    before = skopeo.digest(f"docker://{new.host}/{repository}/{repository}:v2", new)
    job = await engine.jobs.start(engine.plans.load(plan).plan)
    assert ends(jobs.find(job)).state is JobState.DONE
    engine.jobs.keep_proof(job, await engine.plans.verify(engine.jobs.plan(job), VerifyProgress()))

    file = await engine.jobs.write_report(job, str(tmp_path / "r.json"), Form.JSON, replace=False)
    report = json.loads(file.read_text(encoding="utf-8"))
    assert (report["conclusion"], report["verification"]["by"]) == ("proven", str(this_operator()))
    with pytest.raises(BadRequest, match="already"):
        await engine.jobs.write_report(job, str(file), Form.MD, replace=False)
    await engine.jobs.write_report(job, str(file), Form.MD, replace=True)
    assert file.read_text(encoding="utf-8").startswith("# ")
    with pytest.raises(SystemRefused):
        await engine.jobs.write_report(job, str(tmp_path / "no" / "r.md"), Form.MD, replace=False)

    foreseen = await engine.jobs.preview_undo(job, UndoProgress())
    assert {restore.tag.tag: restore.act for restore in foreseen.changing} == {
        "v2": RestoreAction.PUT_BACK,
        "v3": RestoreAction.TAKE_AWAY,
    }
    undone = await engine.jobs.undo(job, foreseen, UndoProgress())
    failed = [outcome.restore.tag.tag for outcome in undone.open]
    assert failed == []
    assert skopeo.digest(f"docker://{new.host}/{repository}/{repository}:v2", new) == before
