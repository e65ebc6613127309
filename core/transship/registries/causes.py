"""From what a connection raises to the cause that an operator can do something about."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from transship import errors
from transship.errors import TransshipError
from transship.registries.tls import tls_cause
from transship.registries.wire.connection import NotHttp
from transship.registries.wire.opening import reason


def cause(error: Exception, address: str) -> TransshipError:
    """Return the error that a failure on the way to or from `address` stands for."""
    host = urlsplit(address).netloc
    match error:
        case NotHttp():
            return errors.NotARegistry(f"{host} doesn't answer in HTTP")
        case ssl.SSLError():
            return tls_cause(error, host)
        case TimeoutError():
            return errors.TimedOut(host)
        case OSError() if error.errno:
            return errors.ConnectionLost(f"{host}: {reason(error)}")
        case _:
            return errors.ConnectionLost(host)
