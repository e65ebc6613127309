"""The keyring store against a real gnome-keyring, each time in a process of its own."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from servers.keyring_session import KeyringSession

pytestmark = pytest.mark.secretservice

_ASK = """
import asyncio, json, time
from transship.accounts.secrets import KeyringStore
from transship.errors import TransshipError

store = KeyringStore(
    read_seconds={seconds}, write_seconds={seconds}, probe_seconds={seconds}
)

async def main():
    start = time.monotonic()
    answers = []
    for name, *arguments in {calls!r}:
        try:
            answer = await getattr(store, name)(*arguments)
        except TransshipError as error:
            answer = error.cause
        answers.append(getattr(answer, "state", answer))
    return answers, time.monotonic() - start

print(json.dumps(asyncio.run(main())))
"""
HOST = "registry.example.com:5000"


def ask(
    session: KeyringSession, *calls: tuple[str, ...], seconds: float = 5.0
) -> tuple[list[Any], float]:
    """Call the store; return its answers, with causes for errors, and how long they took."""
    ended = session.run_python(_ASK.format(calls=calls, seconds=seconds))
    assert ended.returncode == 0, ended.stderr
    answers, took = json.loads(ended.stdout)
    return answers, took


def test_a_secret_outlives_the_process_that_kept_it(unlocked_keyring: KeyringSession) -> None:
    answers, _ = ask(unlocked_keyring, ("probe",), ("set", HOST, "robot", "correct horse"))
    assert answers == ["ok", None]
    answers, _ = ask(
        unlocked_keyring,
        ("get", HOST, "robot"),
        ("get", HOST, "person"),
        ("delete", HOST, "robot"),
        ("delete", HOST, "robot"),
        ("get", HOST, "robot"),
    )
    assert answers == ["correct horse", None, True, False, None]


def test_a_secret_is_replaced_and_may_hold_any_text(unlocked_keyring: KeyringSession) -> None:
    secret = "ключ\n'\"\\ \U0001f511" + "x" * 4000
    answers, _ = ask(
        unlocked_keyring,
        ("set", HOST, "<token>", "first"),
        ("set", HOST, "<token>", secret),
        ("get", HOST, "<token>"),
    )
    assert answers == [None, None, secret]


def test_a_locked_keyring_says_so_at_once(locked_keyring: KeyringSession) -> None:
    answers, took = ask(
        locked_keyring,
        ("probe",),
        ("get", HOST, "robot"),
        ("set", HOST, "robot", "correct horse"),
    )
    assert answers == ["locked", "keyring-locked", "keyring-locked"]
    assert took < 5


def test_a_hung_keyring_costs_its_deadline_once_and_no_exit(
    unlocked_keyring: KeyringSession,
) -> None:
    unlocked_keyring.hang()
    start = time.monotonic()
    answers, took = ask(
        unlocked_keyring,
        ("get", HOST, "robot"),
        ("set", HOST, "robot", "correct horse"),
        ("probe",),
        seconds=0.5,
    )
    assert answers == ["keyring-hung", "keyring-hung", "hung"]
    assert 0.5 <= took < 1.5
    assert time.monotonic() - start < took + 5, "the process must end by itself, at once"


def test_without_a_keyring_on_the_bus_it_is_absent(unlocked_keyring: KeyringSession) -> None:
    without_bus = unlocked_keyring.environment | {"DBUS_SESSION_BUS_ADDRESS": ""}
    session = type(unlocked_keyring)(without_bus, unlocked_keyring.daemon_pid)
    answers, _ = ask(session, ("probe",), ("set", HOST, "robot", "correct horse"))
    assert answers == ["absent", "keyring-absent"]
