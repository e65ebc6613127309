"""The hosted services: what is known of each one, a file per service.

Every registry that speaks the distribution API works without being known here. A service that is
known is signed in to with the right kind of user name, reached at the right host, and written to
in the way that it takes.

The table of all of them is made when it is first asked for: what only follows a job needs none.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transship.registries.services.generic import GENERIC
    from transship.registries.services.known import SERVICES
    from transship.registries.services.service import Service


def service_of(host: str) -> Service:
    """Return the service that runs at `host[:port]`, as far as the name tells."""
    return _runs_at(host.partition(":")[0])


# Screens ask for each key that they have, and rules for each copy.
@lru_cache(maxsize=1024)
def _runs_at(name: str) -> Service:
    from transship.registries.services.generic import GENERIC
    from transship.registries.services.known import SERVICES

    return next((s for s in SERVICES if s.runs_at(name)), GENERIC)


def service_greeting(host: str, challenges: Iterable[str]) -> Service | None:
    """Return the service that answers so to `/v2/`, as far as that tells; None when it doesn't.

    `challenges` are the WWW-Authenticate fields of the answer.
    """
    from transship.registries.services.known import SERVICES
    from transship.registries.services.recognising import recognised

    return recognised(host, challenges, SERVICES)


def service_named(kind: str) -> Service | None:
    """Return the service of this kind (`harbor`, `ecr`, ...), or None."""
    if not kind:
        return None
    from transship.registries.services.known import SERVICES

    return next((service for service in SERVICES if service.kind == kind), None)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from transship.registries.services import known

    return getattr(known, name)


__all__ = ["GENERIC", "SERVICES", "Service", "service_greeting", "service_named", "service_of"]
