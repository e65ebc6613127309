"""Every use case, by subject, on the operator's own accounts, secrets and files."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from transship.accounts.registry_file import Accounts
from transship.app.connections import Connections
from transship.clock import Clock, SystemClock
from transship.paths import default_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from transship.accounts.registry_file import Account
    from transship.accounts.sign_in import Sources
    from transship.app.copies import Copies
    from transship.app.cutovers import Cutovers
    from transship.app.engines import Engines
    from transship.app.flows import Flows
    from transship.app.imports import Imports
    from transship.app.jobs import Jobs
    from transship.app.plans import Plans
    from transship.app.registries import Registries
    from transship.app.watches import Watches
    from transship.paths import Paths
    from transship.registry.credential import Tls
    from transship.registry.http.exchange_log import Recorder


class Application:
    """What Transship can do for one operator. Close it when it is done with.

    `paths` are the operator's folders, `sources` where secrets are; `adhoc` is how hosts that are
    no account are reached. `ask` returns the secret of an account that keeps it nowhere; without it
    that raises SecretMissing. What a part stands on is imported when it is asked for first.
    """

    def __init__(
        self,
        paths: Paths,
        sources: Sources,
        clock: Clock | None = None,
        adhoc: Tls | None = None,
        ask: Callable[[Account], str] | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.paths = paths
        self.connections = Connections(Accounts(paths.registries), sources, self.clock, adhoc, ask)

    @classmethod
    def of_operator(
        cls,
        adhoc: Tls | None = None,
        *,
        ask: Callable[[Account], str] | None = None,
        waiting: Callable[[], None] | None = None,
    ) -> Application:
        """Return it with the accounts, secrets and files of whoever runs this program.

        `waiting` is called when the keyring lets somebody wait who can answer its question.
        Without it a keyring that asks for its password is soon given up.
        """
        from transship.accounts.sign_in import operator_sources

        return cls(default_paths(), operator_sources(waiting), adhoc=adhoc, ask=ask)

    @property
    def recorder(self) -> Recorder:
        """What was asked of registries in this session."""
        return self.connections.recorder

    @cached_property
    def registries(self) -> Registries:
        """The registries that the operator has added, and what is in them."""
        from transship.app.registries import Registries

        return Registries(self.connections)

    @cached_property
    def copies(self) -> Copies:
        """Copies that are asked for one by one."""
        from transship.app.copies import Copies

        return Copies(self.connections, self.jobs)

    @cached_property
    def plans(self) -> Plans:
        """The operator's plans: their files, and what they would do."""
        from transship.app.plans import Plans

        return Plans(self.connections, self.paths.plans, self.jobs.store)

    @cached_property
    def imports(self) -> Imports:
        """Plans made of the files of other copy tools."""
        from transship.app.imports import Imports

        return Imports(self.connections)

    @cached_property
    def jobs(self) -> Jobs:
        """What is carried out, or was."""
        from transship.app.jobs import Jobs

        return Jobs(self.connections, self.paths)

    @cached_property
    def watches(self) -> Watches:
        """Plans that are carried out again and again."""
        from transship.app.watches import Watches

        return Watches(self.connections, self.paths, self.plans, self.jobs)

    @cached_property
    def flows(self) -> Flows:
        """The stages that images go through."""
        from transship.app.flows import Flows

        return Flows(self.connections, self.paths, self.jobs)

    @cached_property
    def cutovers(self) -> Cutovers:
        """Domains that are moved from one registry to another."""
        from transship.app.cutovers import Cutovers
        from transship.plans.file import PlanFolder

        plans = PlanFolder(self.paths.plans, self.connections.place)
        return Cutovers(self.connections, self.paths.cutovers, self.jobs, plans)

    @cached_property
    def engines(self) -> Engines:
        """Engines elsewhere that do the moving."""
        from transship.app.engines import Engines

        return Engines(self.connections, self.paths.delegations)

    async def aclose(self) -> None:
        """Close all connections."""
        await self.connections.aclose()
