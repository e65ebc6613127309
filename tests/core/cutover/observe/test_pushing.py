"""Where an upload would go, when the operator asks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from servers.docker_registry import PASSWORD, USERNAME
from servers.process import LOOPBACK
from servers.scripted import Reply, scripted_server
from transship.cutover.observe.endpoint import try_push
from transship.registry.credential import Credential

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.authority import Authority
    from servers.docker_registry import DockerRegistry
    from transship.cutover.observe.endpoint import PinnedEndpoint

    Serve = Callable[..., DockerRegistry]

APP = "team/app"


async def test_an_upload_is_begun_and_given_up(
    serve: Serve, way: PinnedEndpoint, tmp_path: Path
) -> None:
    registry = serve(storage=tmp_path / "own", auth="htpasswd")
    found = await try_push(way, Credential(USERNAME, PASSWORD), APP)

    own = f"https://{way.domain.name}:{way.domain.port}"
    assert (found.location, found.error, found.repository) == (own, "", APP)
    written = [each.method for each in registry.access_log() if each.method != "GET"]
    assert written == ["POST", "DELETE"]


async def test_a_right_that_is_not_there(serve: Serve, way: PinnedEndpoint, tmp_path: Path) -> None:
    serve(storage=tmp_path / "own", auth="htpasswd")
    found = await try_push(way, None, APP)

    assert found.error.startswith("sign-in-needed: ")
    assert found.location == ""


async def test_an_upload_that_leads_to_the_old_name(
    way: PinnedEndpoint, authority: Authority
) -> None:
    old = "https://registry.oldcloud.test/v2/team/app/blobs/uploads/1"
    with scripted_server(authority.issue(way.domain.name)) as server:
        server.on("POST", ".*", Reply(202, {"Location": old}))
        port = int(server.host.rpartition(":")[2])
        to = replace(way, address=LOOPBACK, domain=replace(way.domain, port=port))
        found = await try_push(to, None, APP)

    assert (found.location, found.error) == ("https://registry.oldcloud.test:443", "")
