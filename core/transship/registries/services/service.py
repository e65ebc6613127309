"""What Transship knows of one hosted service."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from transship.registries.credential import Credential
from transship.registries.place import Capabilities
from transship.registries.services.api import Ask
from transship.registries.services.facts import Facts


@dataclass(frozen=True, slots=True)
class Greeting:
    """By what a service is recognised in the answer of `/v2/`: both must match whole.

    `realm` is a regular expression for the path of the token server that the challenge names,
    `service` one for the service that it names; in it `{host}` is the registry's own host.
    """

    realm: str
    service: str


class Role(Enum):
    """What an account of a service opens."""

    REGISTRY = "registry"
    """A place that holds images."""
    API = "api"
    """The API of a cloud, by which its registries are asked for more than images."""
    CATALOGUE = "catalogue"
    """Nothing: it says who holds what, and has no accounts."""


@dataclass(frozen=True, slots=True)
class Service:
    """A vendor's registry service.

    `hosts` are regular expressions that its host names match whole; where it runs under any name,
    it is recognised by its `greeting`. `username` and `secret` say in words what its sign-in takes.
    `lists` says whether `/v2/_catalog` can be relied on. `api_host` is where `/v2/` lives, when
    that is not the name in references. `api` opens the service's own API (see `services.api`) by
    the host of a registry; `api_hosts` are the hosts of that API to which the account's secret may
    go, beside the registry and its token server. `metered` says that it counts the manifests that
    are read, `hands_out` (as `hosts`) to which registries its API hands out logins. `fault` says
    in words what is wrong with a user name and secret that can't be right, before they go
    anywhere. With `lists_own` its list is of what belongs to the account, though that may read
    more. `facts` are for its capability card. Where a cloud's API needs an account of its own,
    `keys_at` are the hosts at which that is looked for; `{region}` in them is what the group
    `region` in `hosts` finds.
    """

    kind: str
    title: str
    role: Role = Role.REGISTRY
    hosts: tuple[str, ...] = ()
    greeting: Greeting | None = None
    username: str = "user name"
    secret: str = "password or token"
    lists: bool = True
    api_host: str = ""
    capabilities: Capabilities = field(default_factory=Capabilities)
    api: Callable[[str, Ask], object] | None = None
    api_hosts: tuple[str, ...] = ()
    keys_at: tuple[str, ...] = ()
    lists_own: bool = False
    metered: bool = False
    hands_out: tuple[str, ...] = ()
    fault: Callable[[Credential], str] | None = None
    facts: Facts = field(default_factory=Facts)

    @property
    def holds_images(self) -> bool:
        """Whether it is a registry."""
        return self.role is Role.REGISTRY

    @property
    def catalogue(self) -> bool:
        """Whether it only says who holds what."""
        return self.role is Role.CATALOGUE

    def runs_at(self, host: str) -> bool:
        """Tell whether `host` (without a port) is one of this service's names."""
        return any(re.fullmatch(pattern, host) for pattern in self.hosts)

    def hands_out_at(self, host: str, *, with_keys: bool = True) -> bool:
        """Tell whether its API hands out logins to the registry at `host[:port]`.

        Where that is the API of its cloud, it doesn't without keys (`with_keys`).
        """
        name = host.partition(":")[0]
        asked = with_keys or not self.keys_at
        return asked and any(re.fullmatch(pattern, name) for pattern in self.hands_out)

    def keys_for(self, host: str) -> tuple[str, ...]:
        """Return at which hosts the account of the cloud's API is looked for.

        It is that for the registry at `host[:port]`.
        """
        name = host.partition(":")[0]
        found = (re.fullmatch(pattern, name) for pattern in self.hosts)
        region = next((each.groupdict().get("region", "") for each in found if each), "")
        known = (each for each in self.keys_at if region or "{region}" not in each)
        return tuple(each.replace("{region}", region) for each in known)
