"""The sandbox: an old registry that is full, and a new one that is empty and asks for a login."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

from transship.concurrency import Runs
from transship.paths import private_folder
from transship.registry.access import Access
from transship.registry.credential import Credential, Tls
from transship.sandbox.certificates import SandboxAuthority
from transship.sandbox.images import fill
from transship.sandbox.name_server import DOMAIN, NEW, OLD, SandboxNames
from transship.sandbox.registry_server import LOOPBACK, Door, SandboxRegistry

USERNAME = "demo"
SECOND_LOOPBACK = "127.0.0.2"
"""Where the new registry is, when both have to answer at one port."""

_TRIES = 20


class Sandbox(Runs):
    """Two registries that run while this is entered: `async with Sandbox(folder) as sandbox`.

    Everything they hold is in `folder`, which is the caller's to make and to remove; nothing else
    is touched. `bytes_per_second` slows both down, for whoever wants to watch.

    With `domain` they share one, and `names` is the DNS that leads it to the old registry: both
    speak https at one port then, each at an address of its own. That takes `has_two_addresses`.
    """

    def __init__(
        self, folder: Path, *, bytes_per_second: float | None = None, domain: bool = False
    ) -> None:
        self._folder = folder
        secret = secrets.token_urlsafe(12)
        self.credential = Credential(USERNAME, secret)
        self.old = SandboxRegistry(folder / "old", bytes_per_second=bytes_per_second)
        self.new = SandboxRegistry(
            folder / "new", users={USERNAME: secret}, bytes_per_second=bytes_per_second
        )
        self.names = SandboxNames(LOOPBACK, SECOND_LOOPBACK) if domain else None

    @property
    def accesses(self) -> dict[str, Access]:
        """How to reach the registries once they run, by the aliases `old` and `new`."""
        tls = Tls(ca_file=str(self.ca_file)) if self.names else Tls(plain_http=True)
        return {
            "old": Access(self.old.host, tls),
            "new": Access(self.new.host, tls, self.credential),
        }

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that has signed those of the registries."""
        return self._folder / "ca.pem"

    @property
    def port(self) -> int:
        """The port of the domain, once the registries run."""
        return int(self.old.host.rpartition(":")[2])

    async def _start(self, stack: AsyncExitStack) -> None:
        private_folder(self._folder)
        if self.names is not None:
            self._share_port(stack)
            await stack.enter_async_context(self.names)
        for registry in (self.old, self.new):
            await stack.enter_async_context(registry)
        if not self.old.store.repositories(limit=1):
            await asyncio.to_thread(fill, self.old.store)

    def _share_port(self, stack: AsyncExitStack) -> None:
        """Give each registry its address, one port, and a certificate with its own name."""
        authority = SandboxAuthority(self._folder)
        listeners = stack.enter_context(_listening_at_one_port(LOOPBACK, SECOND_LOOPBACK))
        for registry, listener, name in zip(
            (self.old, self.new), listeners, (OLD, NEW), strict=True
        ):
            address, port = listener.getsockname()
            tls = authority.server(name, DOMAIN, address)
            registry.door = Door(address, port, tls, listener)


def has_two_addresses() -> bool:
    """Tell whether this machine has a second address of its own: macOS has one only, at first."""
    try:
        socket.create_server((SECOND_LOOPBACK, 0)).close()
    except OSError:
        return False
    return True


@contextmanager
def sandbox_in_thread(
    folder: Path, *, bytes_per_second: float | None = None, domain: bool = False
) -> Iterator[Sandbox]:
    """Run a sandbox beside code that isn't asynchronous, in a thread that ends with the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sandbox", daemon=True)
    thread.start()
    sandbox = Sandbox(folder, bytes_per_second=bytes_per_second, domain=domain)
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


@contextmanager
def _listening_at_one_port(*addresses: str) -> Iterator[list[socket.socket]]:
    """Listen at these addresses, all at one port that is free there, until the block ends.

    A port that was only found to be free could be another program's before it is listened at.
    """
    for _ in range(_TRIES):
        with ExitStack() as held:
            first = held.enter_context(socket.create_server((addresses[0], 0)))
            port: int = first.getsockname()[1]
            try:
                others = [
                    held.enter_context(socket.create_server((address, port)))
                    for address in addresses[1:]
                ]
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            yield [first, *others]
            return
    raise OSError(errno.EADDRINUSE, "no port is free at all of these addresses", *addresses[:1])
