from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from clients.opening import Connect, access_to
from samples.manifests import encode, image, write
from servers.docker_registry import DockerRegistry
from servers.images import push_image
from servers.registry import Registry as Server
from servers.scripted import Reply, ScriptedServer
from transship import errors
from transship.sandbox.registry_server import SandboxRegistry


async def all_of(items: AsyncIterator[str]) -> list[str]:
    return sorted([item async for item in items])


async def listing(scripted: ScriptedServer, *pages: tuple[list[str], str]) -> None:
    """Let the server give `pages` of tags, each with the Link to the next."""
    for number, (tags, link) in enumerate(pages):
        headers = {"Link": link} if link else {}
        target = rf"/v2/team/web/tags/list\?(n=1000|page={number})"
        reply = Reply(200, headers, encode({"name": "team/web", "tags": tags}))
        scripted.on("GET", target if number == 0 else rf".*\?page={number}", reply)


async def test_the_catalog_of_a_real_registry_goes_on_over_pages(
    connect: Connect, new_registry: Callable[..., DockerRegistry]
) -> None:
    server = new_registry()
    names = [f"team/{number:03}" for number in range(7)]
    for name in names:
        push_image(server, name, "1.0")
    registry = connect(server.host)
    assert await all_of(registry.repositories()) == names


async def test_the_sandbox_gives_pages_as_well(connect: Connect, tmp_path: object) -> None:
    async with SandboxRegistry(tmp_path / "few", page_limit=2) as sandbox:  # type: ignore[operator]
        registry = connect(sandbox.host)
        names = [f"team/{number}" for number in range(5)]
        for name in names:
            await write(registry, name, image("web"), "1.0")
        for tag in ("1.1", "1.2", "1.3"):
            await write(registry, names[0], image("web"), tag)
        assert await all_of(registry.repositories()) == names
        assert await all_of(registry.tags(names[0])) == ["1.0", "1.1", "1.2", "1.3"]


async def test_pages_are_named_relative_or_absolute(
    connect: Connect, scripted: ScriptedServer
) -> None:
    await listing(
        scripted,
        (["a"], '</v2/team/web/tags/list?page=1>; rel="next"'),
        (["b"], f'<{scripted.url}/v2/team/web/tags/list?page=2>; rel="next"'),
        (["c"], '<?page=3>; rel="next"'),
        (["d"], ""),
    )
    assert await all_of(connect(scripted.host).tags("team/web")) == ["a", "b", "c", "d"]


async def test_the_next_page_is_asked_for_at_the_registry_even_if_it_names_its_inner_port(
    connect: Connect, scripted: ScriptedServer
) -> None:
    link = '<http://127.0.0.1:1/v2/team/web/tags/list?page=1>; rel="next"'
    await listing(scripted, (["a"], link), (["b"], ""))
    assert await all_of(connect(scripted.host).tags("team/web")) == ["a", "b"]


async def test_a_page_elsewhere_is_refused(connect: Connect, scripted: ScriptedServer) -> None:
    await listing(scripted, (["a"], '<http://evil.example/v2/x>; rel="next"'))
    with pytest.raises(errors.RedirectRefused, match=r"evil\.example"):
        await all_of(connect(scripted.host).tags("team/web"))


async def test_a_page_that_is_no_address_is_refused(
    connect: Connect, scripted: ScriptedServer
) -> None:
    await listing(scripted, (["a"], '<gopher://x>; rel="next"'))
    with pytest.raises(errors.UnexpectedAnswer, match="next page"):
        await all_of(connect(scripted.host).tags("team/web"))


async def test_pages_in_a_circle_are_not_a_list(connect: Connect, scripted: ScriptedServer) -> None:
    await listing(
        scripted,
        (["a"], '<?page=1>; rel="next"'),
        (["b"], '<?page=2>; rel="next"'),
        (["c"], '<?page=1>; rel="next"'),
    )
    with pytest.raises(errors.UnexpectedAnswer, match="circles"):
        await all_of(connect(scripted.host).tags("team/web"))
    assert len(scripted.asked("GET", ".*tags/list.*")) == 3


async def test_names_that_are_none_are_left_out(connect: Connect, scripted: ScriptedServer) -> None:
    await listing(scripted, (["good", "bad tag", "../x", "\x1b[31m", "v1_2.3-x"], ""))
    assert await all_of(connect(scripted.host).tags("team/web")) == ["good", "v1_2.3-x"]


async def test_a_repository_that_comes_twice_is_given_once(
    connect: Connect, scripted: ScriptedServer
) -> None:
    link = {"Link": '</v2/_catalog?last=team/web>; rel="next"'}
    first = Reply(200, link, encode({"repositories": ["team/api", "team/web"]}))
    scripted.on("GET", r"/v2/_catalog\?n=.*", first)
    last = Reply(200, {}, encode({"repositories": ["team/web", "team/x"]}))
    scripted.on("GET", r"/v2/_catalog\?last=.*", last)
    registry = connect(scripted.host)
    assert await all_of(registry.repositories()) == ["team/api", "team/web", "team/x"]


@pytest.mark.parametrize("body", [b'{"name": "x", "tags": null}', b'{"name": "x"}'])
async def test_a_repository_may_have_no_tags(
    connect: Connect, scripted: ScriptedServer, body: bytes
) -> None:
    scripted.on("GET", ".*tags/list.*", Reply(200, {}, body))
    assert await all_of(connect(scripted.host).tags("team/web")) == []


async def test_a_registry_that_knows_no_pages_is_asked_for_everything(
    connect: Connect, zuul: Server, repository: str
) -> None:
    push_image(zuul, repository, "1.0")
    registry = connect(zuul.host)
    assert await all_of(registry.tags(repository)) == ["1.0"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, {}, b"{}"),
        Reply(403),
        Reply(404),
        Reply(405),
        Reply(404, {}, b'{"errors": [{"code": "NAME_UNKNOWN"}]}'),
        Reply(400, {}, b'{"errors": [{"code": "UNSUPPORTED"}]}'),
        Reply(200, {"Content-Type": "text/html"}, b"<html>Welcome</html>"),
    ],
    ids=lambda reply: f"{reply.status} {reply.body.decode()}".strip(),
)
async def test_a_catalog_may_be_closed(
    connect: Connect, scripted: ScriptedServer, reply: Reply
) -> None:
    scripted.on("GET", "/v2/_catalog.*", reply)
    with pytest.raises(errors.CatalogClosed):
        await all_of(connect(scripted.host).repositories())


async def test_a_catalog_that_only_failed_is_not_closed(
    connect: Connect, scripted: ScriptedServer
) -> None:
    scripted.on("GET", "/v2/_catalog.*", Reply(500))
    with pytest.raises(errors.ServerFailed):
        await all_of(connect(scripted.host).repositories())


async def test_the_catalog_is_closed_to_who_may_not_see_it(
    connect: Connect, token_registry: DockerRegistry
) -> None:
    credential = access_to(token_registry).credential
    assert credential is not None
    registry = connect(token_registry.host, credential=credential)
    assert isinstance(await all_of(registry.repositories()), list)
    stranger = connect(token_registry.host)
    with pytest.raises(errors.CatalogClosed):
        await all_of(stranger.repositories())
