"""Plans that are watched: carried out again and again, or when a registry tells of a push."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transship.errors import BadRequest, SecretUnavailable
from transship.watch.record import WatchFile, watches

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from transship.app.connections import Connections
    from transship.app.jobs import Jobs
    from transship.app.plans import Plans
    from transship.oci.reference import Reference
    from transship.paths import Paths
    from transship.plans.plan import Plan
    from transship.registry.access import Access
    from transship.registry.registry import Registry
    from transship.watch.receiver import ListenAddress, SharedSecret, WebhookReceiver
    from transship.watch.record import WatchRecord
    from transship.watch.watcher import Watcher
    from transship.watch.webhooks import RegistryEvent

WEBHOOK_HOST = "webhook"
"""What the keyring calls the host of shared secrets; the user is the plan's name."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How a plan is watched.

    What has vanished is deleted only with `delete`. At `listen` (`[ADDRESS:]PORT`) notifications of
    registries are taken; the secret that their senders show is in `secret_file`, comes from
    `secret_descriptor`, or else is in the keyring.
    """

    delete: bool = False
    listen: str = ""
    secret_file: Path | None = None
    secret_descriptor: int | None = None

    def check(self) -> None:
        """Raise BadRequest when it doesn't go together."""
        given = self.secret_file is not None or self.secret_descriptor is not None
        if given and not self.listen:
            raise BadRequest("a shared secret is for --listen ADDRESS:PORT")
        if self.secret_file is not None and self.secret_descriptor is not None:
            raise BadRequest("--secret-file and --secret-fd both give the secret; give it once")


@dataclass(frozen=True, slots=True)
class PlanWatch:
    """A watch of the plan in the file `path`, with where notifications are taken, if they are.

    `url` is where they are sent to.
    """

    path: Path
    watcher: Watcher
    address: ListenAddress | None = None

    @property
    def schedule(self) -> str:
        """When all of the plan is looked at, in words."""
        from transship.watch.schedule import schedule_text

        return schedule_text(self.watcher.schedule)

    @property
    def url(self) -> str:
        """Where notifications are sent to, empty where none are taken."""
        from transship.watch.receiver import WEBHOOK_PATH

        return f"http://{self.address}{WEBHOOK_PATH}" if self.address is not None else ""

    @property
    def jobs(self) -> Sequence[str]:
        """The jobs that it has begun and that haven't ended."""
        return self.watcher.jobs_under_way

    async def run(self) -> None:
        """Watch until this is cancelled. What goes wrong is told, and tried again."""
        await self.watcher.run()


class Watches:
    """Plans that are carried out again and again."""

    def __init__(self, connections: Connections, paths: Paths, plans: Plans, jobs: Jobs) -> None:
        self._connections = connections
        self._paths = paths
        self._plans = plans
        self._jobs = jobs

    def all(self) -> Sequence[WatchRecord]:
        """Return the watches that go on now, by plan."""
        return [record for record, goes_on in watches(self._paths.watches) if goes_on]

    @asynccontextmanager
    async def watching(
        self, plan: str, options: WatchOptions, tell: Callable[[str], None]
    ) -> AsyncIterator[PlanWatch]:
        """Hold the watch of a plan until the block ends, to be run in it.

        `tell` takes a line for who looks on. Raises BadRequest, PlanNotFound, BadFile,
        AlreadyWatched, SystemRefused, SecretUnavailable, the errors of the keyring, and what keeps
        a registry from being reached.
        """
        from transship.watch.receiver import WebhookReceiver, parse_address
        from transship.watch.schedule import schedule_of
        from transship.watch.watcher import Watcher, WatchSummary

        options.check()
        path = self._plans.find(plan).absolute()
        wanted = self._plans.read(str(path))
        schedule_of(wanted, listening=bool(options.listen))
        address = parse_address(options.listen) if options.listen else None
        secret = await self._secret(path, options) if address else None
        # What nobody keeps is asked for now, while somebody is there to answer.
        await self._connections.accesses(wanted)
        file = WatchFile.of(self._paths.watches, path)
        async with AsyncExitStack() as stack:
            stack.enter_context(file.held())
            receiver: WebhookReceiver | None = None
            told: list[Watcher] = []
            if address is not None and secret is not None:
                # What comes in before there is a watch is found by its first look.
                receiver = WebhookReceiver(address, secret, lambda events: _take(told, events))
                await stack.enter_async_context(receiver)
            watcher = Watcher(
                WatchSummary(
                    path=path,
                    read=lambda: self._plans.read(str(path)),
                    reach=_Reach(self._connections),
                    jobs=self._jobs.store,
                    file=file,
                    tell=tell,
                    clock=self._connections.clock,
                    delete=options.delete,
                    listening=str(receiver.address) if receiver else "",
                    came_in=lambda: _came_in(receiver),
                )
            )
            told.append(watcher)
            yield PlanWatch(path, watcher, receiver.address if receiver else None)

    async def _secret(self, path: Path, options: WatchOptions) -> SharedSecret:
        """Return the shared secret: from where the options say, else from the keyring."""
        from transship.watch.receiver import SharedSecret, secret_from_descriptor, secret_in_file

        if options.secret_file is not None:
            return secret_in_file(options.secret_file)
        if options.secret_descriptor is not None:
            return secret_from_descriptor(options.secret_descriptor)
        kept = await self._connections.sources.keyring.get(WEBHOOK_HOST, path.stem)
        if kept is None:
            raise SecretUnavailable(
                f"the keyring has no shared secret for notifications of {path.stem}",
                remedy=f"`keyring set transship:{WEBHOOK_HOST} {path.stem}` keeps one; "
                "or give it with --secret-file FILE.",
            )
        return SharedSecret(kept)


@dataclass(frozen=True, slots=True)
class _Reach:
    """What leads to the places of a watched plan, asked anew each time: passwords change."""

    connections: Connections

    def place(
        self, reference: Reference, *, create: bool = False
    ) -> AbstractAsyncContextManager[Registry]:
        """Open the place of a reference. With `create` a layout needn't be there yet."""
        return self.connections.opened_for_now(reference, create=create)

    async def accesses(self, plan: Plan) -> list[Access]:
        """Return what it takes to open every place that a plan names."""
        return list((await self.connections.accesses(plan)).values())


def _take(told: Sequence[Watcher], events: tuple[RegistryEvent, ...]) -> None:
    from transship.watch.webhooks import is_deletion, pushed

    for watcher in told:
        watcher.pushed(pushed(events, watcher.plan))
        if is_deletion(events, watcher.plan):
            watcher.deleted()


def _came_in(receiver: WebhookReceiver | None) -> tuple[int, int]:
    return (receiver.counts.taken, receiver.counts.refused) if receiver else (0, 0)
