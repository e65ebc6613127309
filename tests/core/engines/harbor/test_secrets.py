"""A login that Harbor is handed comes back in no error, even where Harbor repeats it."""

from __future__ import annotations

from pathlib import Path

import pytest

from transship import errors
from transship.clock import SystemClock
from transship.engines.changes import ChangeJournal, ChangeSet, apply_changes, change_between
from transship.engines.harbor.engine import HarborEngine
from transship.engines.harbor.policy import ENDPOINT
from transship.registry.credential import Credential
from transship.registry.http.answer import Answer

SECRET = "s3cr3t-of-new"


class Repeating:
    """A Harbor that has no endpoint, and repeats what it was sent where it refuses it."""

    async def send(self, method: str, path: str, body: object = None) -> Answer:
        url = f"https://harbor.example{path}"
        if method == "GET":
            return Answer(method, url, 200, {}, (), b"[]")
        words = f'{{"errors":[{{"code":"BAD_REQUEST","message":"no good: {body}"}}]}}'
        return Answer(method, url, 400, {}, (), words.encode())


async def gives(_: str) -> Credential:
    return Credential("robot", SECRET)


async def test_a_secret_that_harbor_repeats_is_in_no_error_and_no_journal(tmp_path: Path) -> None:
    settings = {
        "type": "docker-registry",
        "url": "https://new.example",
        "insecure": False,
        "description": "",
        "access_key": "robot",
    }
    change = change_between(ENDPOINT, "new", None, settings, gives=("new.example",))
    journal = ChangeJournal(tmp_path, SystemClock())
    identity = journal.begin("harbor", "harbor.example", ChangeSet("Harbor", "push", (change,)))

    with pytest.raises(errors.EngineRefused, match="no good") as refused:
        async for _ in apply_changes(
            identity, HarborEngine("harbor.example", Repeating()), gives, journal
        ):
            pass

    assert "…" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes()
