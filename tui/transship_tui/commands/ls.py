"""`transship ls`: the accounts, a registry's repositories, or a repository's tags."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from transship.errors import BadRequest
from transship.registry.distribution import DistributionRegistry
from transship.text import counted, safe
from transship_tui.commands.options import AsJson, CaFile, Insecure, PlainHttp, adhoc_tls
from transship_tui.commands.output import say, show, show_json
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from transship.oci.reference import Reference
    from transship.registry.registry import Registry
    from transship_tui.commands.session import Session


def ls(
    where: Annotated[
        str | None,
        typer.Argument(
            metavar="[HOST[/REPOSITORY]]", help="A registry, a repository, or layout:PATH."
        ),
    ] = None,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """List accounts, repositories or tags."""
    session = open_session(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    if where is None:
        hosts = [account.host for account in session.accounts.all()]
        if as_json:
            show_json({"registries": hosts})
        for host in () if as_json else hosts:
            show(host)
        if not hosts:
            say("no accounts yet; `transship login HOST` adds one")
        return 0
    reference = session.reference(where)
    if reference.version:
        raise BadRequest(
            f"{reference} is one image", remedy=f"`transship inspect {where}` shows it."
        )
    asyncio.run(_list(session, reference, as_json=as_json))
    return 0


async def _list(session: Session, reference: Reference, *, as_json: bool) -> None:
    async with session.place(reference) as place:
        names = place.tags(reference.repository) if reference.repository else _repositories(place)
        if not as_json:
            async for name in names:
                show(safe(name))
            _say_left_out(place, reference.repository)
            return
        document: dict[str, object] = {"registry": reference.registry}
        if reference.repository:
            document["repository"] = reference.repository
        found = sorted([name async for name in names])
        show_json(document | {"tags" if reference.repository else "repositories": found})


def _say_left_out(place: Registry, repository: str) -> None:
    names = place.left_out.get(repository, ()) if isinstance(place, DistributionRegistry) else ()
    if names:
        kind = "tag" if repository else "repository"
        named = ", ".join(safe(name, limit=80) for name in names)
        say(f"left out {counted(len(names), 'name')}, by the rules no {kind}: {named}")


async def _repositories(place: Registry) -> AsyncIterator[str]:
    """Give the repositories of a place, and the tags of a layout that have none."""
    async for name in place.repositories():
        if name:
            yield name
            continue
        # The tags of a layout that have no repository stand after // by themselves.
        async for tag in place.tags(name):
            yield f":{tag}"
