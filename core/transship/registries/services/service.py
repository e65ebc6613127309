"""What Transship knows of one hosted service."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from transship.registries.foreseeing import Ask, Foreseer
from transship.registries.place import Capabilities


@dataclass(frozen=True, slots=True)
class Service:
    """A vendor's registry service.

    `hosts` are regular expressions that its host names match whole. `username` and `secret` say
    in words what its sign-in takes. `lists` says whether `/v2/_catalog` can be relied on.
    `api_host` is where the API lives, when that is not the name in references. `foreseer` makes
    who asks it, by its host, what it would refuse, where that can be asked.
    """

    kind: str
    title: str
    hosts: tuple[str, ...] = ()
    username: str = "user name"
    secret: str = "password or token"
    lists: bool = True
    api_host: str = ""
    capabilities: Capabilities = field(default_factory=Capabilities)
    foreseer: Callable[[str, Ask], Foreseer] | None = None

    def runs_at(self, host: str) -> bool:
        """Tell whether `host` (without a port) is one of this service's names."""
        return any(re.fullmatch(pattern, host) for pattern in self.hosts)
