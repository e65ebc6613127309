"""`python -m transship.sandbox FOLDER`: the sandbox in a process of its own.

When it serves, it writes one line of JSON to its output: for each registry its alias and host,
and for the one that asks for a login the user name and the file that holds the password. It ends
on SIGTERM or SIGINT, and when its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from transship.registry.access import Access
from transship.sandbox.sandbox import Sandbox


def _entry(alias: str, access: Access, folder: Path) -> dict[str, str]:
    """Describe an access without its secret, which goes into a file that only we may read."""
    entry = {"alias": alias, "host": access.host}
    if access.credential:
        file = folder / f"{alias}.password"
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(access.credential.secret)
        entry |= {"username": access.credential.username, "password_file": str(file)}
    return entry


def _watch_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # A closed input counts as ended, and a loop that has ended needs no telling.
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(stop.set)


async def _serve(folder: Path, bytes_per_second: float | None) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    threading.Thread(target=_watch_input, args=(loop, stop), daemon=True).start()
    async with Sandbox(folder, bytes_per_second=bytes_per_second) as sandbox:
        entries = [_entry(*access, folder) for access in sandbox.accesses.items()]
        sys.stdout.write(json.dumps({"registries": entries}) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Run the sandbox until it is told to end."""
    parser = argparse.ArgumentParser(prog="python -m transship.sandbox", description=__doc__)
    parser.add_argument("folder", type=Path, help="where everything is kept; made if needed")
    parser.add_argument("--bytes-per-second", type=float, help="slow both registries down")
    asked = parser.parse_args()
    asyncio.run(_serve(asked.folder, asked.bytes_per_second))


if __name__ == "__main__":
    main()
