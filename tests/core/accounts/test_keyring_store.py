"""The keyring policy, on backends in memory that behave as real ones were seen to."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator

import pytest
from keyring import errors as keyring_errors
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.backends.fail import Keyring as FailKeyring
from keyring.backends.null import Keyring as NullKeyring

from transship.accounts.secrets import SAFE_BACKENDS, KeyringStore, backend_name
from transship.errors import (
    KeyringAbsent,
    KeyringFailed,
    KeyringHung,
    KeyringInsecure,
    KeyringLocked,
    TransshipError,
)

HOST = "registry.example.com:5000"
SECRET = "correct horse battery"


class Memory(KeyringBackend):
    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.secrets.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.secrets[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.secrets[service, username]


class Plaintext(Memory):
    """Stands for the backends of keyrings.alt, which the allow-list doesn't name."""


class Raising(Memory):
    def __init__(self, make: Callable[[], BaseException]) -> None:
        super().__init__()
        self.make = make

    def get_password(self, service: str, username: str) -> str | None:
        raise self.make()

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.make()


class Quoting(Memory):
    def set_password(self, service: str, username: str, password: str) -> None:
        raise ValueError(f"can't store {password!r}")


class Forgetful(Memory):
    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Hanging(Memory):
    """Answers only once `released` is set, and counts how often it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()
        self.calls = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.calls += 1
        self.released.wait()
        return super().get_password(service, username)


class Chain(ChainerBackend):
    backends = ()

    def __init__(self, *backends: KeyringBackend) -> None:
        super().__init__()
        self.backends = backends


TESTED = frozenset(
    backend_name(backend)
    for backend in (Memory(), Raising(ValueError), Quoting(), Forgetful(), Hanging())
)


def store_on(backend: KeyringBackend, *, seconds: float = 5.0) -> KeyringStore:
    return KeyringStore(
        allowed=TESTED, read_seconds=seconds, write_seconds=seconds, find_backend=lambda: backend
    )


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    backend = Hanging()
    yield backend
    backend.released.set()


async def test_a_secret_is_kept_as_it_is_under_our_service_and_its_user() -> None:
    backend = Memory()
    store = store_on(backend)
    await store.set(HOST, "robot", SECRET)
    assert backend.secrets == {(f"transship:{HOST}", "robot"): SECRET}
    assert await store.get(HOST, "robot") == SECRET
    assert await store.get(HOST, "person") is None
    assert (await store.probe()).state == "ok"
    assert await store.delete(HOST, "robot")
    assert not await store.delete(HOST, "robot")
    assert await store.get(HOST, "robot") is None


async def test_the_keyring_is_called_in_a_thread_that_cannot_keep_the_process() -> None:
    callers = []

    class Watching(Memory):
        def get_password(self, service: str, username: str) -> str | None:
            callers.append(threading.current_thread())
            return None

    backend = Watching()
    store = KeyringStore(allowed=frozenset({backend_name(backend)}), find_backend=lambda: backend)
    await store.get(HOST, "robot")
    assert [thread.daemon for thread in callers] == [True]


async def test_calls_take_turns(hanging: Hanging) -> None:
    store = store_on(hanging)
    calls = [asyncio.create_task(store.get(HOST, "robot")) for _ in range(3)]
    async with asyncio.timeout(30):
        while not hanging.calls:
            await asyncio.sleep(0)
    assert hanging.calls == 1
    hanging.released.set()
    assert await asyncio.gather(*calls) == [None] * 3
    assert hanging.calls == 3


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: keyring_errors.KeyringLocked("Failed to unlock"), KeyringLocked),
        (lambda: _caused(keyring_errors.InitError(), "PromptDismissedException"), KeyringLocked),
        (lambda: _named("LockedException"), KeyringLocked),
        (keyring_errors.NoKeyringError, KeyringAbsent),
        (lambda: _named("SecretServiceNotAvailableException"), KeyringAbsent),
        (lambda: _caused(keyring_errors.InitError(), "SecretServiceNotAvailableException"),
         KeyringAbsent),
        (lambda: OSError("the socket is gone"), KeyringFailed),
        (lambda: SystemExit(3), KeyringFailed),
    ],
)  # fmt: skip
async def test_what_a_backend_raises_becomes_the_cause_that_it_is(
    make: Callable[[], BaseException], expected: type[TransshipError]
) -> None:
    store = store_on(Raising(make))
    for call in (
        store.get(HOST, "robot"),
        store.set(HOST, "robot", SECRET),
        store.delete(HOST, "robot"),
    ):
        with pytest.raises(TransshipError) as caught:
            await call
        assert type(caught.value) is expected
    status = await store.probe()
    assert status.title == expected.title
    assert status.remedy


def _named(name: str) -> Exception:
    error: Exception = type(name, (Exception,), {})()
    return error


def _caused(error: Exception, name: str) -> Exception:
    error.__cause__ = _named(name)
    return error


async def test_a_backend_that_quotes_the_secret_is_not_quoted() -> None:
    store = store_on(Quoting())
    with pytest.raises(KeyringFailed) as caught:
        await store.set(HOST, "robot", SECRET)
    assert caught.value.detail == "ValueError"
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in repr(caught.value)


async def test_a_secret_that_cannot_be_read_back_was_not_kept() -> None:
    with pytest.raises(KeyringFailed, match="give back"):
        await store_on(Forgetful()).set(HOST, "robot", SECRET)


async def test_a_keyring_that_does_not_answer_is_hung_and_left_alone(hanging: Hanging) -> None:
    store = KeyringStore(
        allowed=TESTED, read_seconds=0.05, write_seconds=600, find_backend=lambda: hanging
    )
    with pytest.raises(KeyringHung, match=r"0\.05 s"):
        await store.get(HOST, "robot")
    for call in (
        store.get(HOST, "robot"),
        store.set(HOST, "robot", SECRET),
        store.delete(HOST, "robot"),
    ):
        with pytest.raises(KeyringHung, match="earlier call"):
            await call
    assert (await store.probe()).state == "hung"
    assert hanging.calls == 1
    assert hanging.secrets == {}


async def test_looking_asks_nobody_and_waits_for_nobody(hanging: Hanging) -> None:
    store = KeyringStore(
        allowed=TESTED, read_seconds=600, probe_seconds=0.05, find_backend=lambda: hanging
    )
    status = await store.probe()
    assert (status.state, status.detail) == ("hung", "No answer in 0.05 s")


async def test_a_hung_keyring_that_answers_after_all_is_used_again(hanging: Hanging) -> None:
    mishaps: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, mishap: mishaps.append(mishap))
    store = store_on(hanging, seconds=0.05)
    with pytest.raises(KeyringHung):
        await store.get(HOST, "robot")
    hanging.released.set()
    async with asyncio.timeout(30):
        while (await store.probe()).state != "ok":
            await asyncio.sleep(0)
    await store.set(HOST, "robot", SECRET)
    assert await store.get(HOST, "robot") == SECRET
    assert mishaps == [], "the late answer has nobody to go to"


async def test_who_stops_waiting_leaves_a_keyring_that_counts_as_hung(hanging: Hanging) -> None:
    store = store_on(hanging)
    waiting = asyncio.create_task(store.get(HOST, "robot"))
    async with asyncio.timeout(30):
        while not hanging.calls:
            await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(KeyringHung):
        await store.get(HOST, "robot")


def test_a_hung_keyring_does_not_keep_the_process_from_ending() -> None:
    code = (
        "import asyncio, threading\n"
        "from keyring.backend import KeyringBackend\n"
        "from transship.accounts.secrets import KeyringStore, backend_name\n"
        "class Hanging(KeyringBackend):\n"
        "    priority = 1\n"
        "    def get_password(self, service, username): threading.Event().wait()\n"
        "    def set_password(self, service, username, password): pass\n"
        "backend = Hanging()\n"
        "store = KeyringStore(allowed=frozenset({backend_name(backend)}), probe_seconds=0.05,\n"
        "                     find_backend=lambda: backend)\n"
        "print(asyncio.run(store.probe()).state)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True
    )
    assert (ended.stdout, ended.stderr) == ("hung\n", "")


@pytest.mark.parametrize("backend", [FailKeyring(), NullKeyring(), Chain()])
async def test_no_keyring_is_absent(backend: KeyringBackend) -> None:
    store = store_on(backend)
    with pytest.raises(KeyringAbsent):
        await store.set(HOST, "robot", SECRET)
    assert (await store.probe()).state == "absent"


@pytest.mark.parametrize("backend", [Plaintext(), Chain(Plaintext(), NullKeyring())])
async def test_a_backend_that_is_not_known_to_encrypt_is_refused(backend: KeyringBackend) -> None:
    store = store_on(backend)
    with pytest.raises(KeyringInsecure, match="Plaintext"):
        await store.set(HOST, "robot", SECRET)
    with pytest.raises(KeyringInsecure):
        await store.get(HOST, "robot")
    assert (await store.probe()).state == "insecure"
    assert not getattr(backend, "secrets", None)


async def test_in_a_chain_only_the_safe_backend_is_used() -> None:
    plaintext, memory = Plaintext(), Memory()
    plaintext.secrets[f"transship:{HOST}", "robot"] = "from the plaintext file"
    store = store_on(Chain(plaintext, memory))
    assert await store.get(HOST, "robot") is None
    await store.set(HOST, "robot", SECRET)
    assert memory.secrets[f"transship:{HOST}", "robot"] == SECRET
    assert SECRET not in plaintext.secrets.values()


async def test_in_a_chain_a_locked_keyring_is_no_reason_to_use_another() -> None:
    plaintext = Plaintext()
    locked = Raising(lambda: keyring_errors.KeyringLocked())
    store = store_on(Chain(locked, plaintext))
    with pytest.raises(KeyringLocked):
        await store.set(HOST, "robot", SECRET)
    assert plaintext.secrets == {}


async def test_a_backend_that_the_operator_names_is_used() -> None:
    backend = Plaintext()
    store = KeyringStore(allowed=frozenset({backend_name(backend)}), find_backend=lambda: backend)
    await store.set(HOST, "robot", SECRET)
    assert await store.get(HOST, "robot") == SECRET


async def test_the_backend_that_keyring_is_configured_with_is_found() -> None:
    assert (await KeyringStore().probe()).state == "absent"


def test_the_safe_backends_are_classes_that_keyring_has() -> None:
    from importlib import import_module

    for name in SAFE_BACKENDS:
        module, _, cls = name.rpartition(".")
        assert issubclass(getattr(import_module(module), cls), KeyringBackend)
