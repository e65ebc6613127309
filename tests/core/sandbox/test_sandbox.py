from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from transship.registry.access import Access, open_distribution
from transship.sandbox.sandbox import Sandbox, sandbox_in_thread


def catalog(host: str, **options: Any) -> list[str]:
    with httpx.Client(base_url=f"http://{host}", trust_env=False, **options) as http:
        answer = http.get("/v2/_catalog").raise_for_status()
        return answer.json()["repositories"]


def catalog_with_login(access: Access) -> list[str]:
    assert access.credential is not None
    login = (access.credential.username, access.credential.secret)
    scope = {"scope": "registry:catalog:*"}
    token = httpx.get(f"http://{access.host}/token", params=scope, auth=login, trust_env=False)
    return catalog(access.host, headers={"Authorization": f"Bearer {token.json()['token']}"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: the samples are made once, and are there when it runs again."""
    return tmp_path_factory.mktemp("sandbox")


async def test_the_old_registry_is_full_and_the_new_one_empty(folder: Path) -> None:
    async with Sandbox(folder) as sandbox:
        assert list(sandbox.accesses) == ["old", "new"]
        old, new = sandbox.accesses.values()
        assert len(sandbox.old.store.repositories()) == 6
        assert sandbox.new.store.repositories() == []
        assert old.credential is None
        assert new.credential is not None
        assert new.credential.secret not in repr(sandbox.accesses)


async def test_its_accesses_open_it(folder: Path) -> None:
    async with Sandbox(folder) as sandbox:
        for alias, count in (("old", 6), ("new", 0)):
            opened = open_distribution(sandbox.accesses[alias])
            assert len([name async for name in opened.repositories()]) == count
            await opened.aclose()


def test_two_runs_have_two_passwords(folder: Path) -> None:
    first, second = (Sandbox(folder).accesses["new"].credential for _ in range(2))

    assert first is not None
    assert second is not None
    assert first.secret != second.secret


def test_it_serves_beside_other_work(folder: Path) -> None:
    with sandbox_in_thread(folder) as sandbox:
        old, new = sandbox.accesses.values()
        assert "team/web" in catalog(old.host)
        assert catalog_with_login(new) == []
        with pytest.raises(httpx.HTTPStatusError):
            catalog(new.host)

    with pytest.raises(httpx.ConnectError):
        catalog(old.host)
    assert "sandbox" not in [thread.name for thread in threading.enumerate()]


def test_the_thread_ends_when_its_work_fails(folder: Path) -> None:
    with pytest.raises(KeyError), sandbox_in_thread(folder):
        raise KeyError

    assert "sandbox" not in [thread.name for thread in threading.enumerate()]


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"), sandbox_in_thread(tmp_path / "file"):
        pass

    assert "sandbox" not in [thread.name for thread in threading.enumerate()]


@contextmanager
def process(folder: Path, home: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    with subprocess.Popen(
        [sys.executable, "-m", "transship.sandbox", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "end of input"])
def test_it_runs_in_a_process_of_its_own(folder: Path, tmp_path: Path, end: str) -> None:
    with process(folder, home=tmp_path) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        old, new = json.loads(line)["registries"]

        assert old.keys() == {"alias", "host"}
        assert "team/web" in catalog(old["host"])
        password_file = Path(new["password_file"])
        assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
        assert password_file.is_relative_to(folder)
        assert password_file.read_text() not in line

        if end == "end of input":
            assert running.stdin is not None
            running.stdin.close()
        else:
            running.send_signal(getattr(signal, end))
        assert running.wait(10) == 0
        assert running.stdout.read() == ""
        assert running.stderr is not None
        assert running.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []
