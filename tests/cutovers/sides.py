"""Both registries of a cutover, over TLS at the port of https, as the lab's names lead to them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from moving.jobs import plan_of, run_here
from servers.authority import Authority
from servers.dns.zones import IMAGES, NEW, OLD
from servers.docker_registry import DockerRegistry, docker_registry
from servers.images import push_image, random_layer
from transship.cutover.domain import HTTPS
from transship.transfers.copies import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from servers.dns.lab import DnsLab

NAME = IMAGES.rstrip(".")
TAG = "1"


@dataclass(frozen=True, slots=True)
class TwoSides:
    """The registries that `images.example.test` leads to before the change, and after it.

    `ca_file` has the authority of both; nobody trusts it who isn't told to.
    """

    old: DockerRegistry
    new: DockerRegistry
    ca_file: Path
    folder: Path

    async def fill(self, *repositories: str) -> None:
        """Push an image to each of these at the old side, and let Transship copy them to the new.

        Each repository is for one client alone: the access logs then tell where that was served.
        """
        for each in repositories:
            push_image(self.old, each, TAG, [random_layer(40_000, each)])
        plan = plan_of(
            *((f"{self.old.host}/{each}", f"{self.new.host}/{each}") for each in repositories)
        )
        view = await run_here(self.folder, plan, self.old, self.new)
        assert view.state is JobState.DONE, view


@contextmanager
def two_sides(lab: DnsLab, folder: Path) -> Iterator[TwoSides]:
    """Run both until the block ends; skip where nobody may serve at the port of https."""
    if not lab.block.privileged:
        pytest.skip("image references have no port: the registries have to be at 443")
    authority = Authority(folder / "authority")

    def side(name: str, own: str, end: str) -> AbstractContextManager[DockerRegistry]:
        address = lab.block.address(end)
        tls = authority.issue(NAME, own.rstrip("."), address)
        return docker_registry(folder / name, tls=tls, address=address, port=HTTPS)

    with side("old", OLD, "3.1") as old, side("new", NEW, "3.2") as new:
        yield TwoSides(old, new, authority.ca_file, folder)
