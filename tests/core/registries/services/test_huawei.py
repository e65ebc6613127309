"""What SWR's API says before a write. SWR can't be had here: a server with scripted answers does.

The answers have the shape that Harbor's adapter for SWR reads.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from clients.opening import LOGIN
from servers.scripted import Reply
from transship import errors
from transship.registries.foreseeing import Missing, Outlook
from transship.registries.services.huawei import SWR

if TYPE_CHECKING:
    from clients.opening import Connect
    from servers.scripted import ScriptedServer

LIST, ONE = "/dockyard/v2/visible/namespaces", "/dockyard/v2/namespaces/"


def answer(document: Any) -> Reply:
    return Reply(200, {"Content-Type": "application/json"}, json.dumps(document).encode())


async def look(server: ScriptedServer, connect: Connect, *repositories: str) -> Outlook:
    foreseer = connect(server.host, credential=LOGIN, service=SWR).foreseer()
    assert foreseer is not None
    return await foreseer.look(dict.fromkeys(repositories, True))


async def test_an_organization_that_is_listed_is_there(
    scripted: ScriptedServer, connect: Connect
) -> None:
    scripted.on("GET", LIST, answer({"namespaces": [{"id": 1, "name": "team", "auth": 7}]}))

    assert await look(scripted, connect, "team/web", "team/shop/api") == Outlook()
    assert len(scripted.asked("GET", "/dockyard.*")) == 1


@pytest.mark.parametrize("alone", [Reply(404), answer({"id": 0, "name": ""})])
async def test_one_that_neither_the_list_nor_its_name_finds_is_missing(
    alone: Reply, scripted: ScriptedServer, connect: Connect
) -> None:
    scripted.on("GET", LIST, answer({"namespaces": []}))
    scripted.on("GET", f"{ONE}gone", alone)

    outlook = await look(scripted, connect, "gone/web", "gone/api")

    assert outlook.standings["gone/web"].missing == Missing("organization", "gone", hidden=True)
    assert outlook.standings["gone/web"] == outlook.standings["gone/api"]
    assert len(scripted.asked("GET", "/dockyard.*")) == 2


async def test_one_that_only_its_name_finds_is_there(
    scripted: ScriptedServer, connect: Connect
) -> None:
    scripted.on("GET", LIST, answer({"namespaces": []}))
    scripted.on("GET", f"{ONE}shared", answer({"id": 9, "name": "shared"}))

    assert await look(scripted, connect, "shared/web") == Outlook()


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(403), errors.NoRight),
        (Reply(401), errors.NoRight),
        (Reply(200, {"Content-Type": "text/html"}, b"<html>"), errors.UnexpectedAnswer),
        (answer({"others": []}), errors.UnexpectedAnswer),
    ],
)
async def test_what_can_not_be_asked_is_raised(
    reply: Reply, cause: type[errors.TransshipError], scripted: ScriptedServer, connect: Connect
) -> None:
    scripted.on("GET", LIST, reply)

    with pytest.raises(cause):
        await look(scripted, connect, "team/web")
