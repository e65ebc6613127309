"""The sandbox: an old registry that is full, and a new one that is empty and asks for a login."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from transship.paths import private_folder
from transship.registries.access import Access
from transship.registries.credential import Credential, Tls
from transship.sandbox.samples import fill
from transship.sandbox.server import SandboxRegistry

USERNAME = "demo"


class Sandbox:
    """Two registries that run while this is entered: `async with Sandbox(folder) as sandbox`.

    Everything they hold is in `folder`, which is the caller's to make and to remove; nothing else
    is touched. `bytes_per_second` slows both down, for whoever wants to watch.
    """

    def __init__(self, folder: Path, *, bytes_per_second: float | None = None) -> None:
        self._folder = folder
        secret = secrets.token_urlsafe(12)
        self._credential = Credential(USERNAME, secret)
        self.old = SandboxRegistry(folder / "old", bytes_per_second=bytes_per_second)
        self.new = SandboxRegistry(
            folder / "new", users={USERNAME: secret}, bytes_per_second=bytes_per_second
        )
        self._running = AsyncExitStack()

    @property
    def accesses(self) -> dict[str, Access]:
        """How to reach the registries once they run, by the aliases `old` and `new`."""
        tls = Tls(plain_http=True)
        return {
            "old": Access(self.old.host, tls),
            "new": Access(self.new.host, tls, self._credential),
        }

    async def __aenter__(self) -> Self:
        private_folder(self._folder)
        async with AsyncExitStack() as stack:
            for registry in (self.old, self.new):
                await stack.enter_async_context(registry)
            if not self.old.store.repositories(limit=1):
                await asyncio.to_thread(fill, self.old.store)
            self._running = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._running.aclose()


@contextmanager
def sandbox_in_thread(folder: Path, *, bytes_per_second: float | None = None) -> Iterator[Sandbox]:
    """Run a sandbox beside code that isn't asynchronous, in a thread that ends with the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sandbox", daemon=True)
    thread.start()
    sandbox = Sandbox(folder, bytes_per_second=bytes_per_second)
    try:
        asyncio.run_coroutine_threadsafe(sandbox.__aenter__(), loop).result()
        try:
            yield sandbox
        finally:
            asyncio.run_coroutine_threadsafe(sandbox.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
