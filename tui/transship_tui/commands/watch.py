"""`transship run --watch`: a plan that is carried out again and again, until it is told to end."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from transship.errors import SecretUnavailable
from transship.text import safe
from transship.watch.receiver import (
    WEBHOOK_PATH,
    SharedSecret,
    WebhookReceiver,
    parse_address,
    secret_from_descriptor,
    secret_in_file,
)
from transship.watch.record import WatchFile
from transship.watch.schedule import schedule_of, schedule_text
from transship.watch.watcher import Watcher, WatchSummary
from transship.watch.webhooks import is_deletion, pushed
from transship_tui.commands.output import INTERRUPTED, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from transship.watch.receiver import ListenAddress
    from transship.watch.webhooks import RegistryEvent
    from transship_tui.commands.run import Listening
    from transship_tui.commands.session import Session

KEYRING_HOST = "webhook"
"""What the keyring calls the host of shared secrets; the user is the plan's name."""


def watch(session: Session, name: str, listening: Listening, *, delete: bool) -> int:
    """Watch a plan until SIGTERM (exit status 0) or Ctrl-C (130).

    Raises BadRequest, PlanNotFound, BadFile, AlreadyWatched, SystemRefused, SecretUnavailable and
    the errors of the keyring.
    """
    path = session.plans.find(name).absolute()
    plan = session.read_plan(str(path))
    schedule_of(plan, listening=bool(listening.address))
    address = parse_address(listening.address) if listening.address else None
    secret = asyncio.run(_secret(session, path, listening)) if address else None
    # What nobody keeps is asked for now, while somebody is there to answer.
    asyncio.run(session.accesses(plan))
    file = WatchFile.of(session.paths.watches, path)
    with file.held():
        return asyncio.run(_watch(session, path, file, address, secret, delete=delete))


async def _watch(
    session: Session,
    path: Path,
    file: WatchFile,
    address: ListenAddress | None,
    secret: SharedSecret | None,
    *,
    delete: bool,
) -> int:
    async with AsyncExitStack() as stack:
        receiver = None
        told: list[Watcher] = []
        if address is not None and secret is not None:
            # What comes in before there is a watch is found by its first look.
            receiver = WebhookReceiver(address, secret, lambda events: _take(told, events))
            await stack.enter_async_context(receiver)
        watcher = Watcher(
            WatchSummary(
                path=path,
                read=lambda: session.read_plan(str(path)),
                reach=session,
                jobs=session.jobs,
                file=file,
                tell=_tell,
                delete=delete,
                listening=str(receiver.address) if receiver else "",
                came_in=lambda: _came_in(receiver),
            )
        )
        told.append(watcher)
        _introduce(watcher, path, receiver)
        return await _until_told(watcher)


async def _until_told(watcher: Watcher) -> int:
    task = asyncio.ensure_future(watcher.run())
    statuses: list[int] = []

    def end(status: int) -> None:
        statuses.append(status)
        task.cancel()

    with (
        _on(signal.SIGTERM, lambda: end(0)),
        _on(signal.SIGINT, lambda: end(INTERRUPTED)),
        suppress(asyncio.CancelledError),
    ):
        await task
    running = watcher.jobs_under_way
    if running:
        say(f"jobs that go on by themselves: {', '.join(running)}")
    say("the watch has ended")
    return statuses[0] if statuses else 0


def _take(told: list[Watcher], events: tuple[RegistryEvent, ...]) -> None:
    for watcher in told:
        watcher.pushed(pushed(events, watcher.plan))
        if is_deletion(events, watcher.plan):
            watcher.deleted()


def _came_in(receiver: WebhookReceiver | None) -> tuple[int, int]:
    return (receiver.counts.taken, receiver.counts.refused) if receiver else (0, 0)


async def _secret(session: Session, path: Path, listening: Listening) -> SharedSecret:
    """Return the shared secret: from where the line says, else from the keyring."""
    if listening.secret_file is not None:
        return secret_in_file(listening.secret_file)
    if listening.secret_descriptor is not None:
        return secret_from_descriptor(listening.secret_descriptor)
    kept = await session.sources.keyring.get(KEYRING_HOST, path.stem)
    if kept is None:
        raise SecretUnavailable(
            f"the keyring has no shared secret for notifications of {path.stem}",
            remedy=f"`keyring set transship:{KEYRING_HOST} {path.stem}` keeps one; "
            "or give it with --secret-file FILE.",
        )
    return SharedSecret(kept)


def _introduce(watcher: Watcher, path: Path, receiver: WebhookReceiver | None) -> None:
    say(f"watching {safe(str(path))}: {schedule_text(watcher.schedule)}")
    if receiver is None:
        return
    url = f"http://{receiver.address}{WEBHOOK_PATH}"
    say(f"notifications go to {url}, with the shared secret as the")
    say(f"Authorization header (Bearer or plain), or as {url}/SECRET")
    if not receiver.address.is_loopback:
        say("others can reach that address, and it is plain http: put a proxy with TLS before it")


def _tell(line: str) -> None:
    say(f"{datetime.now().astimezone():%m-%d %H:%M:%S}  {safe(line)}")


@contextmanager
def _on(number: signal.Signals, act: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)
