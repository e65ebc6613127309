"""`transship cutover delta|keep DOMAIN`, `watch --delta` and `rollback --copy-back`, for real."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from cutovers.between import APP, DOMAIN, QuickEngine, domain_between, push, seen
from moving.judge import digest_at
from servers.dns.zones import IMAGES, NEW
from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources
from transship.cutover.progress import CutoverState
from transship.errors import ByHandOnly, CutoverBusy
from transship.paths import default_paths
from transship_tui.commands.cutover import follow_cutover, rounds_beside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from servers.dns.lab import DnsLab
    from servers.docker_registry import DockerRegistry
    from tui.commands.conftest import Ended

    Run = Callable[..., Ended]


@pytest.fixture
def old(new_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    return new_registry()


@pytest.fixture
def new(new_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    return new_registry()


@pytest.fixture
async def engine(
    lab: DnsLab, old: DockerRegistry, new: DockerRegistry, tmp_path: Path
) -> AsyncIterator[QuickEngine]:
    """An engine in the operator's own folders, with a cutover whose registries were compared.

    Nothing else is checked: neither registry listens where the domain leads.
    """
    store = SessionStore()
    engine = QuickEngine(
        default_paths(), Sources(store, store, DockerConfig({}, home=tmp_path), {})
    )
    await engine.cutovers.rounds.compare(engine.cutovers.add(domain_between(lab, old, new)))
    yield engine
    await engine.aclose()


async def flipped(engine: QuickEngine, lab: DnsLab) -> None:
    """Change the record by hand, and see that it was."""
    await seen(engine, DOMAIN, lambda each: bool(each.history))
    with pytest.raises(ByHandOnly):
        await engine.cutovers.changes.change(DOMAIN)
    lab.set(IMAGES, "CNAME", NEW)
    await seen(
        engine, DOMAIN, lambda each: each.state in (CutoverState.CHANGED, CutoverState.MOVED)
    )


async def test_what_was_pushed_is_shown_and_copied_only_when_that_is_asked(
    transship: Run, engine: QuickEngine, old: DockerRegistry, new: DockerRegistry
) -> None:
    moved = push(old, "1", "one, anew")

    shown = transship("cutover", "delta", DOMAIN)
    assert shown.status == 1
    assert f"1 tag to copy: {APP}:1" in shown.out
    assert "--yes" in shown.err
    assert transship("jobs", "--json").document == {"jobs": []}

    done = transship("cutover", "delta", DOMAIN, "--yes", "--json")
    assert done.status == 0, done.err
    last = done.document["delta"]["rounds"][-1]
    assert [each["tag"] for each in last["copied"]] == [f"{APP}:1"]
    (job,) = transship("jobs", "--json").document["jobs"]
    assert (job["id"], job["state"]) == (last["job"], "done")
    assert digest_at(new, APP, "1") == moved
    assert f"1 tag copied: {APP}:1" in transship("cutover", DOMAIN).out
    assert f"1 tag copied: {APP}:1" in transship("cutover", "report", DOMAIN).out


async def test_what_both_have_pushed_is_decided_on_the_line(
    transship: Run, engine: QuickEngine, old: DockerRegistry, new: DockerRegistry
) -> None:
    theirs, ours = push(old, "1", "old"), push(new, "1", "new")

    asked = transship("cutover", "delta", DOMAIN, "--yes")
    assert asked.status == 3
    assert theirs in asked.out
    assert ours in asked.out
    assert "keep DOMAIN old|new" in asked.out
    assert digest_at(new, APP, "1") == ours
    assert transship("cutover", "keep", DOMAIN, "both", f"{APP}:1").status == 2
    assert transship("cutover", "keep", DOMAIN, "old", f"{APP}:9").status == 2

    assert transship("cutover", "keep", DOMAIN, "old", f"{APP}:1").status == 0
    assert transship("cutover", "delta", DOMAIN, "--yes").status == 0
    assert digest_at(new, APP, "1") == theirs


async def test_the_way_back_is_blocked_until_what_it_hides_is_copied_back(
    transship: Run, engine: QuickEngine, lab: DnsLab, old: DockerRegistry, new: DockerRegistry
) -> None:
    await flipped(engine, lab)
    late = push(new, "2", "by the domain")

    blocked = transship("cutover", "rollback", DOMAIN, "--confirm", DOMAIN)
    assert blocked.status == 3
    assert f"would hide 1 tag: {APP}:2" in blocked.err
    assert "--copy-back" in blocked.err

    back = transship("cutover", "rollback", DOMAIN, "--copy-back", "--confirm", DOMAIN)
    assert digest_at(old, APP, "2") == late
    assert f"1 tag copied back: {APP}:2" in back.out
    # The record is changed by hand here: the edit is shown, and nothing stands in its way.
    assert "changed by hand" in back.err
    assert transship("cutover", DOMAIN, "--json").document["way_back"]["blocked"] is None


async def test_what_would_be_lost_can_be_given_up(
    transship: Run, engine: QuickEngine, lab: DnsLab, old: DockerRegistry, new: DockerRegistry
) -> None:
    await flipped(engine, lab)
    push(new, "2", "by the domain")
    given = transship("cutover", "rollback", DOMAIN, "--accept-loss", "--confirm", DOMAIN)
    assert "changed by hand" in given.err
    assert transship("jobs", "--json").document == {"jobs": []}


async def test_a_watch_goes_on_with_rounds_until_nothing_more_comes(
    engine: QuickEngine,
    lab: DnsLab,
    old: DockerRegistry,
    new: DockerRegistry,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await flipped(engine, lab)
    late = push(old, "2", "by a node that is late")

    status = await asyncio.wait_for(
        follow_cutover(engine, engine.cutovers.find(DOMAIN).name, as_json=False, delta=True), 90
    )

    told = capsys.readouterr().out
    assert digest_at(new, APP, "2") == late
    assert f"1 tag copied: {APP}:2" in told
    assert "nothing more was pushed to the old registry" in told
    # Nothing listens where the domain leads: pulls by it fail, and that is what the end says.
    assert status == 1


async def test_a_check_and_a_cutover_go_by_a_job_or_a_plan(
    transship: Run, lab: DnsLab, old: DockerRegistry, new: DockerRegistry, tmp_path: Path
) -> None:
    domain_between(lab, old, new)
    push(old, "2", "two")
    assert transship("copy", f"{old.host}/{APP}:2", f"{new.host}/{APP}:2").status == 0
    (job,) = transship("jobs", "--json").document["jobs"]
    line = ("check", DOMAIN, "--to", new.host, "--record", NEW.rstrip("."), "--no-public", "--json")

    by_job = transship(*line, "--job", job["id"]).document
    (parity,) = [each for each in by_job["checks"] if each["check"] == "P-27"]
    assert parity["seen"] == f"1 tag of {job['id']}, the same on both sides"

    file = tmp_path / "apps.toml"
    file.write_text(
        'version = 1\nkind = "sync"\n[[rules]]\n'
        f'from = "{old.host}/{APP}"\nto = "{new.host}/{APP}"\ntags.include = ["2"]\n'
    )
    by_plan = transship(*line, "--plan", str(file)).document
    (parity,) = [each for each in by_plan["checks"] if each["check"] == "P-27"]
    assert parity["seen"] == "1 tag of apps.toml, the same on both sides"

    kept = transship("cutover", "plan", DOMAIN, *line[2:], "--from", old.host, "--job", job["id"])
    assert kept.document["delta"]["rounds"] == [], "the job tells enough before the change"
    push(old, "2", "two, anew")
    push(old, "9", "not followed by the job")
    done = transship("cutover", "delta", DOMAIN, "--yes", "--json").document["delta"]
    assert [each["tag"] for each in done["rounds"][-1]["copied"]] == [f"{APP}:2"]

    assert transship(*line, "--job", "nosuch").status == 2
    assert transship(*line, "--job", job["id"], "--plan", "x").status == 2


async def test_why_rounds_end_beside_a_watch_is_said_at_once(
    engine: QuickEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    cutover = engine.cutovers._cutovers.store.find(DOMAIN)
    said = ""

    async def beside_a_watch() -> None:
        nonlocal said
        async with rounds_beside(engine, DOMAIN, wanted=True, quiet=False) as rounds:
            async with asyncio.timeout(30):
                while rounds.going:
                    await asyncio.sleep(0.01)
            said = capsys.readouterr().err

    with cutover.locked("delta"), pytest.raises(CutoverBusy):
        await beside_a_watch()
    assert "no more rounds" in said
