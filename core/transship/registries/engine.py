"""The wire engine, imported when something is asked for, and without what nobody here needs.

To import it takes longer than to draw the app's first screen, so `engine.aiohttp` is there from its
first use on.

aiohttp makes TLS contexts when it is imported, and reads the system's authorities for them, which
takes a third of its import. Ours are made in `tls`, one for each way to trust, and only where
something is connected to; theirs stay empty, so that by them nothing is trusted.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp

__all__ = ["aiohttp"]


_importing = threading.Lock()


@contextmanager
def _no_authorities() -> Iterator[None]:
    ours, inherited = threading.get_ident(), ssl.SSLContext.set_default_verify_paths

    def unread(context: ssl.SSLContext) -> None:
        """Stand in for what is inherited, in this thread alone."""
        if threading.get_ident() != ours:
            inherited(context)

    ssl.SSLContext.set_default_verify_paths = unread  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        del ssl.SSLContext.set_default_verify_paths


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name != "aiohttp":
            raise AttributeError(name)
        with _importing, _no_authorities():
            import aiohttp
        globals()[name] = aiohttp
        return aiohttp
