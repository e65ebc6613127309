"""Takes the pictures of the README: the real app on the sandbox, driven as an operator would.

Engines elsewhere can't be had in the sandbox: their screens show a world that is made up.
`python tests/pictures.py FOLDER` writes one SVG per picture. What differs from run to run and has
the same length everywhere (ports, the job's name) is given one value; what has not (durations,
rates) is as it was.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot

from fakes.delegates_world import who_moves_it
from fakes.screen import screen_text, until
from fakes.world import WAYS, Way, full_world, walking
from transship.accounts.docker_config import DockerConfig
from transship.accounts.registry_file import Account, Accounts
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources
from transship.app.application import Application
from transship.paths import Paths
from transship.sandbox.name_server import DOMAIN
from transship.sandbox.sandbox import Sandbox, sandbox_in_thread
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.commands.demo import application_of
from transship_tui.type_ahead import at_rest

FLOW = """\
version = 1
kind = "flow"
repositories = ["web", "api"]
[[stages]]
name = "dev"
at = "old/team"
[[stages]]
name = "test"
at = "new/team"
[[stages]]
name = "prod"
at = "new/prod"
"""
DELEGATES: dict[str, Way] = {
    "who": who_moves_it,
    "following": WAYS["execution"],
    "quick": WAYS["quick-changes"],
}
"""The pictures of engines elsewhere, each with the way to its screen."""
SIZES = {"80x24": (80, 24), "120x40": (120, 40)}


async def take_pictures(folder: Path) -> None:
    """Write every picture, in both sizes."""
    for name, size in SIZES.items():
        async with _app(size) as (pilot, hosts):
            await _walk(pilot, hosts, folder, name)
    async with _domain_app() as (pilot, hosts):
        await _walk_domain(pilot, hosts, folder)
    for name, way in DELEGATES.items():
        async with walking(full_world(), way) as walk:
            for size, cells in SIZES.items():
                await walk.pilot.resize_terminal(*cells)
                await walk.rests()
                await _take(walk.pilot, {}, folder / f"{name}-{size}.svg")


async def _walk(pilot: Pilot[None], hosts: dict[str, str], folder: Path, size: str) -> None:
    app = pilot.app
    assert isinstance(app, TransshipApp)

    async def shows(text: str) -> None:
        await until(pilot, lambda: text in screen_text(app), f"{text!r} on the screen", deadline=30)

    async def take(name: str) -> None:
        await _take(pilot, hosts, folder / f"{name}-{size}.svg")

    await shows("2 accounts")
    await pilot.press("t")
    await shows("answers")
    await take("registries")
    await pilot.press("enter")
    await shows("6 repositories")
    await pilot.press("G", "k", "k", "space", "k")
    await shows("● 1 repository")
    await shows("tags of team/web")
    await take("browse")
    await pilot.press("c")
    await shows("To registry")
    await take("copy")
    await pilot.press(*["tab"] * 6, "enter")
    await shows("Moves")
    await take("preview")
    await pilot.press("tab", "enter")
    await shows("Start this copy?")
    await pilot.press("tab", "enter")
    await until(
        pilot,
        lambda: re.search(r"Data .* [3-8]\d%.*MiB/s", screen_text(app)),
        "the job is under way",
        deadline=30,
    )
    await take("running")
    await shows("✓ done")
    await pilot.press("V")
    await shows("proven")
    await shows("Move the domain")
    await take("proven")
    await pilot.press("escape", "3", "a")
    await shows("Existing tags")
    await pilot.press("ctrl+u", *"nightly", "f6")
    await shows("Which tags")
    await pilot.press(*"team/**", "tab", "tab", "tab", "tab", *"latest")
    await shows("✓ 8 matched  – 3 dropped")
    await shows("Rule 1 ✓8")
    await take("rule")
    await pilot.press("ctrl+o")
    await shows("New repositories")
    await take("plan")
    await pilot.press("escape", "ctrl+s", "escape", "d")
    await shows("+ 4 missing at target")
    await pilot.press("j")
    await take("drift")
    await pilot.press("escape", "b")
    await shows("to promote")
    await pilot.press("G", "k")
    await take("board")


async def _walk_domain(pilot: Pilot[None], hosts: dict[str, str], folder: Path) -> None:
    """Look whether the domain can be moved, before all that clusters pull has been copied."""
    await pilot.press("5")
    await until(pilot, lambda: DOMAIN in screen_text(pilot.app), "the domain")
    await pilot.press("enter")
    await until(pilot, lambda: "P-35" in screen_text(pilot.app), "all was looked at", deadline=60)
    for name, size in SIZES.items():
        await pilot.resize_terminal(*size)
        await _take(pilot, hosts, folder / f"cutover-{name}.svg")


async def _take(pilot: Pilot[None], hosts: dict[str, str], file: Path) -> None:
    app = pilot.app
    assert isinstance(app, TransshipApp)
    await until(pilot, lambda: at_rest(app), "all is drawn", deadline=30)
    await pilot.pause()
    picture = app.export_screenshot(title="Transship")
    picture = re.sub(r"terminal-\d+", "terminal", picture)
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    for alias, host in hosts.items():
        picture = picture.replace(host, f"{alias}.example:443")
    if app.context.guide.job:
        picture = picture.replace(app.context.guide.job, "k7m2pq")
    file.write_text(picture, encoding="utf-8")


@asynccontextmanager
async def _domain_app() -> AsyncIterator[tuple[Pilot[None], dict[str, str]]]:
    with (
        tempfile.TemporaryDirectory(prefix="transship-pictures-") as name,
        sandbox_in_thread(Path(name) / "sandbox", domain=True) as sandbox,
    ):
        engine = await asyncio.to_thread(application_of, sandbox, Path(name))
        app = TransshipApp(engine, Settings())
        async with app.run_test(size=SIZES["80x24"]) as pilot:
            yield pilot, {alias: access.host for alias, access in sandbox.accesses.items()}


@asynccontextmanager
async def _app(size: tuple[int, int]) -> AsyncIterator[tuple[Pilot[None], dict[str, str]]]:
    with tempfile.TemporaryDirectory(prefix="transship-pictures-") as name:
        folder = Path(name)
        async with Sandbox(folder / "sandbox", bytes_per_second=16e6) as sandbox:
            secrets = SessionStore()
            accounts = Accounts(folder / "config" / "registries.toml")
            for alias, access in sandbox.accesses.items():
                account = Account(access.host, alias=alias, tls=access.tls)
                if access.credential:
                    username = access.credential.username
                    account = replace(account, username=username, secret_source="session")
                    await secrets.set(access.host, username, access.credential.secret)
                accounts.save(account)
            plans = folder / "config" / "plans"
            plans.mkdir()
            (plans / "shop.toml").write_text(FLOW, encoding="utf-8")
            sources = Sources(secrets, secrets, DockerConfig({}, home=folder), {})
            engine = Application(Paths(folder / "config", folder / "state"), sources)
            app = TransshipApp(engine, Settings(guide=True))
            async with app.run_test(size=size) as pilot:
                yield pilot, {alias: access.host for alias, access in sandbox.accesses.items()}


def main() -> None:
    """Write the pictures into the folder that the arguments name."""
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    asyncio.run(take_pictures(folder))


if __name__ == "__main__":
    main()
