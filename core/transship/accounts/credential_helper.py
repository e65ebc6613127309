"""Docker's credential helpers: programs that keep secrets for docker and its relatives.

`docker-credential-NAME get` reads the server from its standard input and answers with JSON. What
it says is never logged and never part of an error, because it may be the secret.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from transship.accounts.secrets import credential_of
from transship.errors import HelperFailed
from transship.registries.access import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transship.registries.credential import Credential

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_FOUND = b"credentials not found in native keychain"


class _Answer(msgspec.Struct, rename="pascal"):
    username: str = ""
    secret: str = ""


def is_helper_name(name: str) -> bool:
    """Tell whether `name` can be the end of a program's name, and nothing but that."""
    return bool(_NAME.fullmatch(name))


async def ask_helper(
    name: str, server: str, environ: Mapping[str, str], *, seconds: float
) -> Credential | None:
    """Return what `docker-credential-NAME` has for `server`, or None when it has nothing.

    The helper gets `environ` without our own secrets, and no terminal to ask on. Raises
    HelperFailed, also when it takes longer than `seconds`.
    """
    program = f"docker-credential-{name}"
    status, output = await _run(program, server, environ, seconds)
    if status != 0:
        if _NOT_FOUND in output:
            return None
        raise HelperFailed(f"{program} ended with status {status}")
    try:
        answer = msgspec.json.decode(output, type=_Answer)
    except msgspec.DecodeError:
        raise HelperFailed(f"{program} gave an answer that is not the protocol's") from None
    return credential_of(answer.username, answer.secret) if answer.secret else None


async def _run(
    program: str, server: str, environ: Mapping[str, str], seconds: float
) -> tuple[int, bytes]:
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=without_secrets(environ),
            start_new_session=True,
        )
    except OSError as error:
        raise HelperFailed(f"{program}: {error.strerror}") from None
    try:
        output, _ = await asyncio.wait_for(process.communicate(server.encode()), seconds)
    except TimeoutError:
        raise HelperFailed(f"{program} gave no answer in {seconds:g} s") from None
    finally:
        if process.returncode is None:
            # The whole group: a helper is often a script that waits for another program.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output
