"""From what the wire engine raises to the cause that an operator can do something about."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from transship import errors
from transship.errors import TransshipError
from transship.registries import engine
from transship.registries.tls import tls_cause

if TYPE_CHECKING:
    from transship.registries.engine import aiohttp


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Turn the engine's exceptions for a request to `address` into ours.

    Theirs go no further, not even as a cause: they name addresses with all that is in them, such
    as the password of a proxy.
    """
    try:
        yield
    except (engine.aiohttp.ClientError, OSError) as error:
        raise _cause(list(_chain(error)), urlsplit(address).netloc) from None


def _cause(chain: list[BaseException], host: str) -> TransshipError:
    for link in chain:
        # aiohttp's own TLS errors are called after ssl's but carry none of their fields.
        if isinstance(link, ssl.SSLError) and not isinstance(link, engine.aiohttp.ClientError):
            return tls_cause(link, host)
    for link in chain:
        match link:
            case engine.aiohttp.ClientHttpProxyError():
                return errors.ProxyFailed(f"on the way to {host}: {link.status} {link.message}")
            case engine.aiohttp.ClientConnectorError():
                return _unconnected(link, host)
            case engine.aiohttp.ClientResponseError():
                return errors.NotARegistry(f"{host} doesn't answer in HTTP")
            case TimeoutError():
                return errors.TimedOut(host)
    why = [_reason(link) for link in chain if isinstance(link, OSError) and link.errno]
    return errors.ConnectionLost(f"{host}: {why[0]}" if why else host)


def _unconnected(error: aiohttp.ClientConnectorError, host: str) -> TransshipError:
    """Return why there is no connection. Through a proxy it is the proxy that wasn't reached."""
    proxied = error.host != urlsplit(f"//{host}").hostname
    if isinstance(error, engine.aiohttp.ClientConnectorDNSError):
        if proxied:
            return errors.ProxyFailed(f"{error.host}, on the way to {host}, is not found")
        return errors.NameNotFound(host)
    reason = _reason(error.os_error)
    if isinstance(error, engine.aiohttp.ClientProxyConnectionError):
        return errors.ProxyFailed(f"{error.host}:{error.port}, on the way to {host}: {reason}")
    return errors.ConnectionRefused(f"{host}: {reason}")


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        yield link
        seen.append(link)
        link = getattr(link, "os_error", None) or link.__cause__ or link.__context__
