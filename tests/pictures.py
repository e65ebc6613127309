"""Takes the pictures of the README: the real app on the sandbox, driven as an operator would.

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

from fakes.screen import screen_text, until
from transship.accounts.account import Account
from transship.accounts.credentials import Sources
from transship.accounts.docker_config import DockerConfig
from transship.accounts.registry_file import Accounts
from transship.accounts.secrets import SessionStore
from transship.paths import Paths
from transship.sandbox.sandbox import Sandbox
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.live import LiveEngine

SIZES = {"80x24": (80, 24), "120x40": (120, 40)}


async def take_pictures(folder: Path) -> None:
    """Write every picture, in both sizes."""
    for name, size in SIZES.items():
        async with _app(size) as (pilot, hosts):
            await _walk(pilot, hosts, folder, name)


async def _walk(pilot: Pilot[None], hosts: dict[str, str], folder: Path, size: str) -> None:
    app = pilot.app
    assert isinstance(app, TransshipApp)

    async def shows(text: str) -> None:
        await until(pilot, lambda: text in screen_text(app), f"{text!r} on the screen", deadline=30)

    def take(name: str) -> None:
        picture = app.export_screenshot(title="Transship")
        picture = re.sub(r"terminal-\d+", "terminal", picture)
        picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
        for alias, host in hosts.items():
            picture = picture.replace(host, f"{alias}.example:443")
        if app.journey.job:
            picture = picture.replace(app.journey.job, "k7m2pq")
        (folder / f"{name}-{size}.svg").write_text(picture, encoding="utf-8")

    await shows("2 accounts")
    await pilot.press("t")
    await shows("answers")
    take("registries")
    await pilot.press("enter")
    await shows("6 repositories")
    await pilot.press("G", "k", "k", "space", "k")
    await shows("● 1 repository")
    await shows("tags of team/web")
    take("browse")
    await pilot.press("c")
    await shows("To registry")
    take("copy")
    await pilot.press(*["tab"] * 5, "enter")
    await shows("Moves")
    take("preview")
    await pilot.press("tab", "enter")
    await shows("Start this copy?")
    await pilot.press("tab", "enter")
    await until(
        pilot,
        lambda: re.search(r"Data .* [3-8]\d%.*MiB/s", screen_text(app)),
        "the job is under way",
        deadline=30,
    )
    take("running")
    await shows("✓ done")
    await pilot.press("V")
    await shows("proven")
    await shows("Move the domain")
    take("proven")


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
            sources = Sources(secrets, secrets, DockerConfig({}, home=folder), {})
            engine = LiveEngine(Paths(folder / "config", folder / "state"), sources)
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
