"""An account at a registry that is taken away in the middle of a job, and given back."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from moving.jobs import run_again
from moving.manifests import image_of, put_manifest
from servers.docker_registry import docker_registry
from servers.faults import Answer, Fault, Hold, fault_proxy
from servers.images import random_layer
from servers.process import comes_true
from servers.registry import Registry
from servers.token_server import SERVICE, TokenServer, token_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.faults import FaultProxy
    from transship.transfers.job_view import JobView
    from transship.transfers.jobs import Job

USER, PASSWORD = "mover", "opens it"

MIDDLE = 60
"""After how many requests of a kind an account ends."""


def fill(registry: Registry, repository: str, tags: int) -> None:
    """Put many small images into a repository: one, under other annotations."""
    document = image_of(registry, repository, [random_layer(2000, repository)])
    for number in range(tags):
        put_manifest(
            registry,
            repository,
            f"v{number:03}",
            document | {"annotations": {"number": f"{number}"}},
        )


class Account:
    """The account at a registry behind a proxy, which can be taken away and given back.

    As long as it is away the token server refuses it, and the registry what it got before.
    `behind` is the registry itself, for who sets up and looks.
    """

    def __init__(self, proxy: FaultProxy, tokens: TokenServer, behind: Registry) -> None:
        self.host = proxy.host
        self.tokens = tokens
        self.behind = behind
        self.proxy = proxy
        self._hold = Hold()

    @property
    def registry(self) -> Registry:
        """The registry, as this account signs in to it."""
        return Registry(self.proxy.url, USER, PASSWORD)

    @property
    def refused(self) -> int:
        """How often the token server has refused it since it was taken away."""
        return sum(request.status == 401 for request in self.tokens.requests)

    async def ends_during(self, job: Job, method: str, path: str) -> JobView:
        """Run a job, take the account away in the middle of it, and return how it stands then."""
        self.proxy.add(Fault(self._hold, method=method, path=path, times=None, skip=MIDDLE))
        running = asyncio.create_task(run_again(job, self.registry))
        try:
            await comes_true(self._hold.held.is_set, "the middle of the job")
            self.end()
            self._hold.release.set()
            return await running
        finally:
            self._hold.release.set()

    def end(self, challenges: int | None = None) -> None:
        """Take the account away. The registry refuses so many requests, or all."""
        self.tokens.users.clear()
        self.tokens.requests.clear()
        self.proxy.clear()
        challenge = f'Bearer realm="{self.tokens.realm}",service="{SERVICE}"'
        refusal = Answer(401, {"WWW-Authenticate": challenge})
        self.proxy.add(Fault(refusal, times=challenges))

    def begin_again(self) -> None:
        """Let it sign in again."""
        self.tokens.users[USER] = PASSWORD
        self.proxy.clear()


@contextmanager
def ending_account(folder: Path) -> Iterator[Account]:
    """Run a docker-registry that takes the tokens of a token server, with one account."""
    with (
        token_server(folder / "tokens", {USER: PASSWORD}) as tokens,
        docker_registry(folder / "registry", auth="token", token_server=tokens) as server,
        fault_proxy(server.host) as proxy,
    ):
        behind = Registry(server.url, USER, PASSWORD)
        yield Account(proxy, tokens, behind)
        behind.close()
