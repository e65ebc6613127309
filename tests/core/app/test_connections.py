"""What work beside the app opens is closed when it ends, all of it, whatever goes wrong.

The places are fakes: what counts is that they are closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources
from transship.app import connections
from transship.app.application import Application
from transship.errors import ConnectionLost
from transship.paths import Paths
from transship.registry.access import Access
from transship.registry.credential import Credential

if TYPE_CHECKING:
    from pathlib import Path

    from transship.oci.reference import Reference


class FakePlace:
    """A place that is only closed, or can't be."""

    def __init__(self, name: str, access: Access) -> None:
        self.name = name
        self.access = access
        self.closed = False

    async def aclose(self) -> None:
        self.closed = True
        if self.name == "stuck.example":
            raise ConnectionLost(self.name)


class OneSecret(Application):
    """An application whose accounts all have the same secret, which a test changes."""

    def __init__(self, paths: Paths, sources: Sources) -> None:
        super().__init__(paths, sources)
        self.secret = "first"

        async def access(reference: Reference) -> Access:
            return Access(reference.registry, credential=Credential("alice", self.secret))

        self.connections.access = access  # type: ignore[method-assign]


@pytest.fixture
def engine(tmp_path: Path) -> OneSecret:
    sources = Sources(SessionStore(), SessionStore(), DockerConfig({}), {})
    return OneSecret(Paths(tmp_path / "config", tmp_path), sources)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[FakePlace]:
    """All places that were opened, in order."""
    found: list[FakePlace] = []

    def open_place(reference: Reference, access: Access, **_: object) -> FakePlace:
        found.append(FakePlace(reference.registry, access))
        return found[-1]

    monkeypatch.setattr(connections, "open_registry", open_place)
    return found


async def test_a_place_is_opened_once_and_closed_at_the_end(
    engine: OneSecret, opened: list[FakePlace]
) -> None:
    async def work() -> bool:
        first, again = (
            await engine.connections.at("a.example"),
            await engine.connections.at("a.example"),
        )
        return first is again and not opened[0].closed

    assert await engine.connections.doing(work)
    assert [each.closed for each in opened] == [True]


async def test_an_account_that_changes_meanwhile_leaves_nothing_open(
    engine: OneSecret, opened: list[FakePlace]
) -> None:
    async def work() -> None:
        await engine.connections.at("a.example")
        engine.secret = "second"
        await engine.connections.at("a.example")
        assert not opened[0].closed, "what has begun with it goes on"

    await engine.connections.doing(work)

    assert [each.closed for each in opened] == [True, True]


async def test_one_that_cannot_be_closed_leaves_no_other_open(
    engine: OneSecret, opened: list[FakePlace]
) -> None:
    async def work() -> None:
        for host in ("a.example", "stuck.example", "b.example"):
            await engine.connections.at(host)

    with pytest.raises(ConnectionLost):
        await engine.connections.doing(work)

    assert [each.closed for each in opened] == [True, True, True]
