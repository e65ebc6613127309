"""A plan from its first rule to its last copy, between two real registries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Button, Input

from fakes.screen import screen_text, until
from moving.judge import digest_at, tags_at
from servers.images import push_image
from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources
from transship.app.application import Application
from transship.paths import Paths
from transship.settings import Settings
from transship.transfers.copies import JobState
from transship_tui.app import TransshipApp
from transship_tui.widgets.dialogs import ConfirmDialog

if TYPE_CHECKING:
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

_SECONDS = 30.0


async def test_a_rule_is_written_seen_on_real_tags_previewed_and_run_to_the_end(
    tmp_path: Path, open_registry: DockerRegistry, other_registry: DockerRegistry
) -> None:
    for tag in ("v1", "v2", "v3-rc1", "latest"):
        push_image(open_registry, "plan-live/web", tag)
    push_image(open_registry, "plan-live/api", "v1")
    sources = Sources(SessionStore(), SessionStore(), DockerConfig({}), {})
    engine = Application(Paths(tmp_path / "config", tmp_path / "state"), sources)
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=(100, 40)) as pilot:

        async def says(words: str) -> None:
            await until(
                pilot,
                lambda: words in " ".join(screen_text(app).split()),
                f"it says {words!r}",
                deadline=_SECONDS,
            )

        async def fill(**fields: str) -> None:
            for field, value in fields.items():
                app.screen.query_one(f"#{field.replace('_', '-')}", Input).value = value
                await pilot.pause()

        await pilot.press("3", "a")
        await says("Plan plan sync")
        await fill(name="nightly")
        await pilot.press("f6")
        await fill(
            **{"from": f"{open_registry.host}/plan-live"}, to=f"{other_registry.host}/copies"
        )
        await says("✓ 5 matched")
        await fill(tags_newest="1")
        await says("? 4 tags must be looked up; ctrl+l does it")
        await pilot.press("ctrl+l")
        await says("✓ 2 matched")
        await fill(tags_newest="", tags_include="v*", tags_exclude="*-rc*")
        await says("✓ 3 matched")
        await pilot.press("ctrl+s")
        await says("Saved as")
        assert engine.plans.all()[0].name == "nightly"

        await pilot.press("ctrl+o")
        await says("3 images + 3 copy")
        await says("New repositories 2")
        app.screen.query_one("#start", Button).press()
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "it asks")
        app.screen.query_one("#go-on", Button).press()
        await until(
            pilot,
            lambda: [job.state for job in engine.jobs.all()] == [JobState.DONE],
            "the job is done",
            deadline=_SECONDS,
        )
        for repository, tags in {"web": ["v1", "v2"], "api": ["v1"]}.items():
            assert tags_at(other_registry, f"copies/{repository}") == tags
            for tag in tags:
                assert digest_at(open_registry, f"plan-live/{repository}", tag) == digest_at(
                    other_registry, f"copies/{repository}", tag
                )
        await pilot.press("3", "escape")
        await says(f"last job {engine.jobs.all()[0].id} ✓ done")


async def test_a_deletion_that_was_confirmed_is_done_and_no_other(
    tmp_path: Path, open_registry: DockerRegistry, other_registry: DockerRegistry
) -> None:
    for tag in ("v1", "v2"):
        push_image(open_registry, "gone-live/web", tag)
    for tag in ("v1", "v0"):
        push_image(other_registry, "gone-copies/web", tag)
    folder = tmp_path / "config" / "plans"
    folder.mkdir(parents=True)
    (folder / "in-step.toml").write_text(
        'version = 1\nkind = "replication"\n[[rules]]\n'
        f'from = "{open_registry.host}/gone-live"\nto = "{other_registry.host}/gone-copies"\n'
        '[delete]\nat_most = "100%"\n'
    )
    sources = Sources(SessionStore(), SessionStore(), DockerConfig({}), {})
    engine = Application(Paths(tmp_path / "config", tmp_path / "state"), sources)

    def states() -> list[JobState]:
        return [job.state for job in engine.jobs.all()]

    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=(100, 40)) as pilot:
        plan = engine.plans.all()[0].plan
        assert plan is not None
        await engine.jobs.start(plan)
        await until(pilot, lambda: states() == [JobState.DONE], "one is done", deadline=_SECONDS)
        assert tags_at(other_registry, "gone-copies/web") == ["v0", "v1", "v2"]

        await pilot.press("3", "R")
        await until(
            pilot, lambda: isinstance(app.screen, ConfirmDialog), "it asks", deadline=_SECONDS
        )
        assert "gone-copies/web:v0" in screen_text(app)
        await pilot.press(*other_registry.host, "enter")
        await until(pilot, lambda: states() == [JobState.DONE] * 2, "it is done", deadline=_SECONDS)
        assert tags_at(other_registry, "gone-copies/web") == ["v1", "v2"]
