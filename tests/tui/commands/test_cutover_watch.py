"""`transship cutover watch DOMAIN` on a machine of the lab: it pulls as any program there does."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest

from cutovers.sides import NAME, TwoSides, two_sides
from fakes.cutovers_world import NAME as WATCHED
from fakes.cutovers_world import changed
from fakes.world import full_world
from servers.dns.clients import with_resolver
from servers.dns.zones import IMAGES, NEW, OLD
from transship_tui.commands.cutover import follow_cutover, pull_lines
from tui.commands.conftest import Ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.dns.lab import DnsLab
    from transship.app.application import Application

    Here = Callable[..., Ended]

APP = "clients/app"


@pytest.fixture
def sides(lab: DnsLab, tmp_path: Path) -> Iterator[TwoSides]:
    """The old registry and the new one."""
    with two_sides(lab, tmp_path / "sides") as sides:
        yield sides


@pytest.fixture
def there(lab: DnsLab, sides: TwoSides, tmp_path: Path) -> Here:
    """Run a command on a machine whose resolver is the lab's plain cache."""
    prefix = with_resolver(lab, "plain", tmp_path)

    def run(*words: str) -> Ended:
        command = [*prefix, sys.executable, "-m", "transship_tui", *words]
        environment = os.environ | {"SSL_CERT_FILE": str(sides.ca_file)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


async def test_after_the_change_it_pulls_by_the_domain_and_says_who_answered(
    there: Here, lab: DnsLab, sides: TwoSides
) -> None:
    old, new = lab.block.address("3.1"), lab.block.address("3.2")
    await sides.fill(APP)
    cache = lab.caches["encrypted"]
    planned = there(
        *("cutover", "plan", NAME, "--to", NEW.rstrip("."), "--from", OLD.rstrip(".")),
        *("--no-public", "--resolver", f"{cache.address}:{cache.port}", "--repository", APP),
        *("--node-ca", str(sides.ca_file)),
    )
    assert "kept as" in planned.err, planned
    marks = sides.old.mark(), sides.new.mark()
    lab.set(IMAGES, "CNAME", NEW, ttl=2)

    watched = there("cutover", "watch", NAME)

    assert watched.status == 0, watched
    assert watched.out.count(f"{NAME}: ") >= 2
    assert f"{NAME}: moved" in watched.out
    last = watched.out.split("moved")[-1]
    assert f"Pulls by the domain: {NAME}/{APP}:1 whole, " in last
    assert f"The new registry answers: the new registry, at {new} (" in last
    assert "this machine" in last
    assert old not in last
    blobs = [each for each in sides.new.since(marks[1]) if "/blobs/" in each.path]
    assert len(blobs) >= 2
    told = there("cutover", NAME)
    assert f"Pulls by the domain: {NAME}/{APP}:1 whole, " in told.out
    checks = {each["check"]: each for each in there("cutover", NAME, "--json").document["checks"]}
    assert checks["V-01"]["state"] == checks["V-02"]["state"] == "pass"

    sides.new.stop()
    failing = there("cutover", "watch", NAME)

    assert failing.status == 1, failing
    last = failing.out.splitlines()[-1]
    assert last.startswith(f"  Pulls by the domain: blocks: {new} (this machine, ")
    assert "connection-refused" in last


async def test_what_keeps_pulls_from_being_made_is_said_once_and_the_watch_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = full_world()
    trouble = "pulls by the domain can't be made: /etc/nodes.pem is gone"
    engine.standings[WATCHED] = changed()
    engine.watched = [changed(trouble=trouble), changed(trouble=trouble), changed()]

    assert await follow_cutover(cast("Application", engine), WATCHED, as_json=False) == 0

    assert capsys.readouterr().out.count(trouble) == 1


def test_before_any_pull_nothing_is_said_of_pulls() -> None:
    assert list(pull_lines(changed())) == []
