"""Every use case, by subject, on the operator's own accounts, secrets and files."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from transship.accounts.registry_file import Accounts
from transship.app.connections import Connections
from transship.app.jobs import Jobs
from transship.app.plans import Plans
from transship.app.registries import Registries
from transship.clock import Clock, SystemClock

if TYPE_CHECKING:
    from transship.accounts.sign_in import Sources
    from transship.app.cutovers import Cutovers
    from transship.app.engines import Engines
    from transship.app.flows import Flows
    from transship.paths import Paths
    from transship.registry.credential import Tls
    from transship.registry.http.exchange_log import Recorder


class Application:
    """What Transship can do for one operator. Close it when it is done with.

    `paths` are the operator's folders, `sources` where secrets are; `adhoc` is how hosts that are
    no account are reached. What is seldom needed is imported when it is asked for first.
    """

    def __init__(
        self, paths: Paths, sources: Sources, clock: Clock | None = None, adhoc: Tls | None = None
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self._paths = paths
        self.connections = Connections(Accounts(paths.registries), sources, self.clock, adhoc)
        self.registries = Registries(self.connections)
        self.jobs = Jobs(self.connections, paths)
        self.plans = Plans(self.connections, paths.plans, self.jobs.store)

    @property
    def recorder(self) -> Recorder:
        """What was asked of registries in this session."""
        return self.connections.recorder

    @cached_property
    def flows(self) -> Flows:
        """The stages that images go through."""
        from transship.app.flows import Flows

        return Flows(self.connections, self._paths, self.jobs)

    @cached_property
    def cutovers(self) -> Cutovers:
        """Domains that are moved from one registry to another."""
        from transship.app.cutovers import Cutovers

        return Cutovers(self.connections, self._paths.cutovers, self.jobs)

    @cached_property
    def engines(self) -> Engines:
        """Engines elsewhere that do the moving."""
        from transship.app.engines import Engines

        return Engines(self.connections, self._paths.delegations)

    async def aclose(self) -> None:
        """Close all connections."""
        await self.connections.aclose()
