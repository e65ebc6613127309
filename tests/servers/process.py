"""Start a program on loopback, wait until it is ready, and end it by its own process."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

LOOPBACK = "127.0.0.1"
PATIENCE = 60.0
"""Seconds after which something that is waited for hangs; until then a machine may just be slow."""

_POLL_SECONDS = 0.01
_TERMINATE_SECONDS = 10.0
_TAIL_CHARACTERS = 2000

_Result = TypeVar("_Result")


def require(program: str, package: str) -> str:
    """Return the path of `program`; fail the test, saying what to install, when it is missing.

    Missing servers fail and do not skip: a suite that skipped its servers has proved nothing.
    """
    # Debian has servers where only root looks.
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if path is None:
        pytest.fail(
            f"{program} is not installed. On Debian, as root: apt-get install {package}",
            pytrace=False,
        )
    return path


def free_port() -> int:
    """Return a TCP port on which nothing listens on loopback at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def listening(port: int, address: str = LOOPBACK) -> bool:
    """Tell whether somebody accepts connections on `port` of loopback, or of another address."""
    try:
        with socket.create_connection((address, port), timeout=1) as connection:
            # A connect from an ephemeral port to itself succeeds without any listener.
            return bool(connection.getsockname() != connection.getpeername())
    except OSError:
        return False


def has_ipv6() -> bool:
    """Tell whether servers can listen on the loopback of IPv6."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def has_way(address: str) -> bool:
    """Tell whether this machine has a route to an address. Nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return True
    except OSError:
        return False


def eventually(
    condition: Callable[[], _Result], what: str = "the condition", *, deadline: float = PATIENCE
) -> _Result:
    """Return the first true result of `condition`; fail after `deadline` seconds without one."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come true in {deadline:g} s")
        time.sleep(_POLL_SECONDS)


async def comes_true(
    condition: Callable[[], object], what: str = "the condition", *, deadline: float = PATIENCE
) -> None:
    """Let the event loop work until `condition` holds; fail after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come true in {deadline:g} s")
        await asyncio.sleep(_POLL_SECONDS)


def clean_environment(home: Path) -> dict[str, str]:
    """Return the environment that servers start with: nothing of the developer's own.

    It matters: docker-registry takes every `REGISTRY_*` variable as configuration, and Go
    programs take their trust anchors and proxies from the environment.
    """
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        "TZ": "UTC",
    }


@contextmanager
def running(
    argv: Sequence[str | Path],
    log_path: Path,
    *,
    ready: Callable[[], object],
    deadline: float = PATIENCE,
    environment: Mapping[str, str] | None = None,
    output_path: Path | None = None,
    stdin: bytes = b"",
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `argv` until the block ends; enter the block once `ready()` returns something true.

    Standard error is appended to `log_path`, and standard output to `output_path` (default: the
    same file). Raises RuntimeError, with the end of the log, when the program ends before it is
    ready, and TimeoutError when it is not ready after `deadline` seconds.
    """
    environment = clean_environment(log_path.parent) if environment is None else environment
    with log_path.open("ab") as log, (output_path or log_path).open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=log,
            env=dict(environment),
        )
    try:
        assert process.stdin is not None
        with process.stdin as pipe:
            pipe.write(stdin)

        def is_ready() -> object:
            if process.poll() is not None:
                raise RuntimeError(f"{argv[0]} ended with {process.returncode}: {_tail(log_path)}")
            return ready()

        try:
            eventually(is_ready, f"readiness of {argv[0]}", deadline=deadline)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {_tail(log_path)}") from None
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_TERMINATE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(path: Path) -> str:
    return path.read_text(errors="replace")[-_TAIL_CHARACTERS:].strip() or "(empty log)"
