"""A registry with a referrers API, which Debian's docker-registry has not: the sandbox's own."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from servers.registry import Registry
from transship.sandbox.registry_server import SandboxRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def api_registry(folder: Path) -> Iterator[Registry]:
    """Run it in a thread of its own, so that processes and blocking clients can use it as well."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    sandbox = SandboxRegistry(folder)
    try:
        asyncio.run_coroutine_threadsafe(sandbox.__aenter__(), loop).result()
        registry = Registry(f"http://{sandbox.host}")
        try:
            yield registry
        finally:
            registry.close()
            asyncio.run_coroutine_threadsafe(sandbox.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
