"""The wire engine, imported without what it does then and nobody here needs.

aiohttp makes TLS contexts when it is imported, and reads the system's authorities for them, which
takes a third of its import. Ours are made in `tls`, one for each way to trust, and only where
something is connected to; theirs stay empty, so that by them nothing is trusted.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _no_authorities() -> Iterator[None]:
    def unread(_context: ssl.SSLContext) -> None:
        """Stand in for what is inherited."""

    ssl.SSLContext.set_default_verify_paths = unread  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        del ssl.SSLContext.set_default_verify_paths


with _no_authorities():
    import aiohttp

__all__ = ["aiohttp"]
