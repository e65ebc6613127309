"""Where a registry is, what it takes to use it, and how a test opens it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from servers.registry import Registry as Server
from transship.registry.credential import Credential, Tls
from transship.registry.distribution import DistributionRegistry
from transship.registry.http.client import Timeouts, Transport

SHORT = Timeouts(connect=0.3, read=0.3, write=0.3, commit=0.3)
LOGIN = Credential("operator", "correct horse battery")


@dataclass(frozen=True, slots=True)
class Access:
    """Where a registry is, and what it takes to use it."""

    host: str
    credential: Credential | None = None
    tls: Tls = field(default_factory=Tls)


Open = Callable[..., Transport]


class Connect(Protocol):
    def __call__(self, host: str, **options: Any) -> DistributionRegistry: ...


def access_to(server: Server) -> Access:
    """Return what it takes to use a server of the tests."""
    credential = Credential(server.username, server.password or "") if server.username else None
    return Access(server.host, credential, Tls(ca_file=str(server.ca_file or "")))


def told(error: BaseException) -> str:
    """Return all that a traceback and a log tell of an error."""
    return "".join(traceback.format_exception(error)) + repr(error)
