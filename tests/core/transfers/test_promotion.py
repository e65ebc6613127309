"""Promotions between real registries: stage by stage, by digest, in a ledger that survives."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from moving.jobs import access_to, ends, run_again
from moving.judge import digest_at, tags_at
from moving.undo import BY, undone
from servers.faults import Fault, Hold
from servers.images import push_image, push_referrer
from servers.process import eventually
from transship.clock import SystemClock
from transship.errors import (
    BadRequest,
    LedgerTaken,
    NotInStage,
    RunnerFailed,
    StageSkipped,
    StageTaken,
    TagMoved,
)
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.operator import Operator
from transship.plans.flow import Flow, Image, Stage
from transship.registry.access import open_registry
from transship.transfers import control
from transship.transfers.copies import JobState
from transship.transfers.jobs import Job, JobStore
from transship.transfers.process import start_runner
from transship.transfers.promotion import (
    Promotion,
    PromotionHistory,
    PromotionOutcome,
    PromotionRecord,
    consider_promotion,
    open_history,
    settle_promotions,
    start_promotion,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.registry import Registry

WEB = Image("web", "1.4")
ANNA = Operator("anna", "build-1")


@dataclass(frozen=True, slots=True)
class Shop:
    """A flow over two registries, and where its promotions are kept."""

    flow: Flow
    old: DockerRegistry
    new: DockerRegistry
    repository: str
    folder: Path

    @property
    def jobs(self) -> JobStore:
        return JobStore(self.folder / "jobs")

    def push(self, stage: str, tag: str = "1.4", *, content: str = "") -> Digest:
        registry = self.new if stage == "prod" else self.old
        name = f"{self.repository}/{stage}/web"
        annotations = {"content": content} if content else None
        return Digest(push_image(registry, name, tag, annotations=annotations).digest)

    def digest(self, stage: str, tag: str = "1.4") -> str:
        registry = self.new if stage == "prod" else self.old
        return digest_at(registry, f"{self.repository}/{stage}/web", tag)

    async def consider(self, to: str, image: Image = WEB, **more: Any) -> Promotion:
        async with AsyncExitStack() as stack:
            places = {
                at.registry: await stack.enter_async_context(
                    aclosing(open_registry(Reference(at.registry)))
                )
                for at in self.flow.places
            }
            return await consider_promotion(self.flow, image, to, places, **more)

    @contextmanager
    def ledger(self) -> Iterator[PromotionHistory]:
        with open_history(self.folder / "flows", self.flow.name) as ledger:
            yield ledger

    def begin(self, promotion: Promotion, start: Callable[[Job], object] = lambda _: None) -> Job:
        with self.ledger() as ledger:
            return start_promotion(promotion, self.jobs, ledger, ANNA, SystemClock(), start)

    async def promote(self, to: str, **more: Any) -> PromotionRecord:
        job = self.begin(await self.consider(to, **more))
        await run_again(job)
        return self.settled()[-1]

    def settled(self) -> list[PromotionRecord]:
        with self.ledger() as ledger:
            return settle_promotions(ledger, self.jobs)


def shop_at(old: Registry, new: Registry, repository: str) -> Flow:
    return Flow(
        "shop",
        (
            Stage("dev", Reference(old.host, f"{repository}/dev")),
            Stage("test", Reference(old.host, f"{repository}/test")),
            Stage("prod", Reference(new.host, f"{repository}/prod")),
        ),
    )


@pytest.fixture
def shop(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> Shop:
    flow = shop_at(open_registry, other_registry, repository)
    return Shop(flow, open_registry, other_registry, repository, tmp_path)


async def test_an_image_goes_from_stage_to_stage_with_what_refers_to_it(shop: Shop) -> None:
    image = push_image(shop.old, f"{shop.repository}/dev/web", "1.4")
    signature = push_referrer(shop.old, image)

    entries = [await shop.promote("test"), await shop.promote("prod")]

    assert shop.digest("test") == shop.digest("prod") == image.digest
    for entry, begins, ended in zip(entries, ("dev", "test"), ("test", "prod"), strict=True):
        assert (entry.begins, entry.ends, entry.outcome) == (begins, ended, PromotionOutcome.DONE)
        assert (entry.image, entry.digest, entry.replaced) == (WEB, image.digest, None)
        assert (entry.by, entry.overwrite) == (ANNA, False)
        assert entry.ended is not None
        assert entry.asked <= entry.ended
        assert shop.jobs.find(entry.job).plan() == Promotion(
            "shop", WEB, shop.flow.stages[begins == "test"],
            shop.flow.stages[1 + (begins == "test")], Digest(image.digest), None, False,
        ).plan()  # fmt: skip
    assert digest_at(shop.new, f"{shop.repository}/prod/web", "1.4") == image.digest
    fallback = image.digest.replace(":", "-")
    assert fallback in tags_at(shop.new, f"{shop.repository}/prod/web")
    referrer = f"/v2/{shop.repository}/prod/web/manifests/{signature.digest}"
    accept = {"Accept": signature.media_type}
    assert shop.new.http.get(referrer, headers=accept).content == signature.content


class TestRefusals:
    async def test_no_stage_is_skipped(self, shop: Shop) -> None:
        shop.push("dev")

        with pytest.raises(StageSkipped, match="is in dev and not in test") as caught:
            await shop.consider("prod")
        assert caught.value.remedy == "Promote it to test first; prod takes it from test."
        assert caught.value.exit_status == 3

    async def test_what_is_nowhere_is_not_promoted(self, shop: Shop) -> None:
        with pytest.raises(NotInStage, match=r"web:1\.4 isn't in dev"):
            await shop.consider("test")

    async def test_what_is_further_on_only_is_not_promoted(self, shop: Shop) -> None:
        shop.push("test")
        with pytest.raises(NotInStage):
            await shop.consider("test")

    async def test_nothing_is_promoted_to_the_first_stage_or_to_none(self, shop: Shop) -> None:
        for stage, said in (("dev", "is the first stage"), ("live", "is no stage of shop")):
            with pytest.raises(BadRequest, match=said):
                await shop.consider(stage)

    async def test_another_digest_is_not_overwritten_unasked(self, shop: Shop) -> None:
        wanted, there = shop.push("dev"), shop.push("test", content="patched by hand")

        with pytest.raises(StageTaken) as caught:
            await shop.consider("test")
        assert wanted in caught.value.detail
        assert there in caught.value.detail

        entry = await shop.promote("test", overwrite=True)
        assert (entry.outcome, entry.digest, entry.replaced) == (
            PromotionOutcome.DONE,
            wanted,
            there,
        )
        assert shop.digest("test") == wanted

    async def test_a_tag_that_does_not_point_at_what_was_named(self, shop: Shop) -> None:
        digest = shop.push("dev")
        other = Digest("sha256:" + "0" * 64)

        assert (await shop.consider("test", digest=digest)).digest == digest
        with pytest.raises(TagMoved, match=f"points at {digest}, not at {other}"):
            await shop.consider("test", digest=other)

    async def test_a_repository_that_takes_no_part(self, shop: Shop) -> None:
        shop.push("dev")
        narrow = Shop(
            Flow("shop", shop.flow.stages, repositories=("api",)),
            shop.old, shop.new, shop.repository, shop.folder,
        )  # fmt: skip
        with pytest.raises(BadRequest, match="isn't among the repositories"):
            await narrow.consider("test")


class TestWhileSomebodyElsePushes:
    async def test_what_was_looked_at_is_moved_whatever_the_tag_points_at_now(
        self, shop: Shop
    ) -> None:
        looked_at = shop.push("dev")
        job = shop.begin(await shop.consider("test"))
        assert shop.push("dev", content="a newer build") != looked_at

        await run_again(job)

        assert shop.digest("test") == looked_at

    async def test_a_tag_that_comes_to_the_stage_meanwhile_stays(self, shop: Shop) -> None:
        shop.push("dev")
        job = shop.begin(await shop.consider("test"))
        theirs = shop.push("test", content="somebody else's")

        await run_again(job)

        (entry,) = shop.settled()
        assert entry.outcome is PromotionOutcome.FAILED
        assert "exists with another digest" in entry.detail
        assert shop.digest("test") == theirs


async def test_promoting_once_more_changes_nothing_and_is_kept(shop: Shop) -> None:
    digest = shop.push("dev")

    first, second = await shop.promote("test"), await shop.promote("test")

    assert (first.outcome, first.replaced) == (PromotionOutcome.DONE, None)
    assert (second.outcome, second.replaced) == (PromotionOutcome.DONE, digest)


async def test_a_signature_that_is_in_the_way_leaves_the_promotion_half_done(shop: Shop) -> None:
    digest = shop.push("dev")
    signature = f"{digest.replace(':', '-')}.sig"
    shop.push("dev", signature, content="signed by the builder")
    shop.push("test", signature, content="signed by somebody else")

    entry = await shop.promote("test")

    assert (entry.outcome, entry.digest) == (PromotionOutcome.PARTLY, digest)
    assert "exists with another digest" in entry.detail
    assert shop.digest("test") == digest


async def test_what_was_undone_is_kept_beside_that_it_was_done(shop: Shop) -> None:
    shop.push("dev")
    before = shop.push("test", content="what was there")
    done = await shop.promote("test", overwrite=True)

    await undone(shop.jobs.find(done.job))

    (entry,) = shop.settled()
    assert (entry.outcome, entry.detail) == (PromotionOutcome.UNDONE, f"undone by {BY}")
    assert entry.ended is not None
    assert done.ended is not None
    assert entry.ended >= done.ended
    assert entry.replaced == before == shop.digest("test")
    assert shop.settled() == [entry]
    with sqlite3.connect(shop.folder / "flows" / "shop.sqlite") as ledger:
        rows = ledger.execute("SELECT outcome FROM ended ORDER BY id").fetchall()
    assert rows == [("done",), ("undone",)]


def test_two_files_of_one_name_do_not_share_a_ledger(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "a" / "shop.toml", tmp_path / "b" / "shop.toml"
    for file in (ours, theirs):
        file.parent.mkdir()
        file.touch()
    with open_history(tmp_path, "shop", ours), open_history(tmp_path, "shop", ours):
        pass

    with pytest.raises(LedgerTaken, match=f"{ours}; this is {theirs}"):
        open_history(tmp_path, "shop", theirs).__enter__()

    ours.unlink()
    with open_history(tmp_path, "shop", theirs):
        pass


class TestCrashes:
    async def test_between_the_ledger_and_the_job(self, shop: Shop) -> None:
        digest = shop.push("dev")

        def crash(_: Job) -> None:
            raise RunnerFailed("the machine went down")

        with pytest.raises(RunnerFailed):
            shop.begin(await shop.consider("test"), crash)

        (entry,) = shop.settled()
        assert (entry.outcome, entry.digest, entry.ended) == (PromotionOutcome.ASKED, digest, None)
        assert tags_at_or_none(shop) == []

        await run_again(shop.jobs.find(entry.job))
        (entry,) = shop.settled()
        assert entry.outcome is PromotionOutcome.DONE
        assert shop.digest("test") == digest

    async def test_of_the_runner_and_of_whoever_asked(
        self, shop: Shop, proxy_for: Callable[[DockerRegistry], FaultProxy]
    ) -> None:
        digest = shop.push("test")
        proxy = proxy_for(shop.new)
        hold = Hold()
        proxy.add(Fault(hold, method="PUT", path="/manifests/"))
        before_proxy = shop.flow.stages[2].at
        stages = *shop.flow.stages[:2], Stage(
            "prod", Reference(proxy.host, before_proxy.repository)
        )  # fmt: skip
        proxied = Shop(Flow("shop", stages), shop.old, shop.new, shop.repository, shop.folder)

        pids: list[int] = []
        job = proxied.begin(
            await proxied.consider("prod"), lambda job: pids.append(start_runner(job, []))
        )
        eventually(hold.held.is_set, "the tag to be about to be written")
        os.kill(pids[0], signal.SIGKILL)
        eventually(lambda: not job.is_held, "the runner to be gone")
        hold.release.set()
        assert [entry.outcome for entry in proxied.settled()] == [PromotionOutcome.ASKED]

        control.resume_job(job, [])
        assert ends(job).state is JobState.DONE

        (entry,) = proxied.settled()
        assert (entry.outcome, entry.digest, entry.job) == (PromotionOutcome.DONE, digest, job.id)
        assert proxied.settled() == [entry]
        assert shop.digest("prod") == digest

    async def test_a_job_whose_folder_is_gone_leaves_its_promotion_open(self, shop: Shop) -> None:
        shop.push("dev")
        job = shop.begin(await shop.consider("test"))
        for file in job.folder.iterdir():
            file.unlink()
        job.folder.rmdir()

        assert [entry.outcome for entry in shop.settled()] == [PromotionOutcome.ASKED]


async def test_what_failed_and_was_retried_is_done_in_the_end(
    shop: Shop, proxy_for: Callable[[DockerRegistry], FaultProxy]
) -> None:
    shop.push("dev")
    theirs = shop.push("test", content="in the way")
    del theirs
    job = shop.begin(
        Promotion(
            "shop", WEB, *shop.flow.stages[:2], Digest(shop.digest("dev")), None, overwrite=False
        )
    )
    await run_again(job)
    assert [entry.outcome for entry in shop.settled()] == [PromotionOutcome.FAILED]

    other = Digest(shop.digest("test"))
    shop.old.http.delete(f"/v2/{shop.repository}/test/web/manifests/{other}").raise_for_status()
    control.retry_job(job, [access_to(shop.old)])
    ends(job)

    (entry,) = shop.settled()
    assert entry.outcome is PromotionOutcome.DONE


async def test_nothing_in_the_ledger_can_be_changed(shop: Shop) -> None:
    shop.push("dev")
    await shop.promote("test")

    with sqlite3.connect(shop.folder / "flows" / "shop.sqlite") as db:
        for table in ("asked", "ended"):
            for change in (f"DELETE FROM {table}", f"UPDATE {table} SET at = 0"):
                with pytest.raises(sqlite3.IntegrityError, match="is not changed"):
                    db.execute(change)
    db.close()


def tags_at_or_none(shop: Shop) -> list[str]:
    answer = shop.old.http.get(f"/v2/{shop.repository}/test/web/tags/list")
    return answer.json().get("tags", []) if answer.is_success else []
