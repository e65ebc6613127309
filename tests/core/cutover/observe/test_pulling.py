"""Paths, whole pulls, and the hosts that pulls are sent to."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from servers.docker_registry import PASSWORD, USERNAME
from servers.process import LOOPBACK
from servers.storage import blob_storage
from transship import errors
from transship.clock import SystemClock
from transship.cutover.evidence import Pull
from transship.cutover.observe.image_pulls import (
    handshake_hosts,
    pull_image,
    smallest_and_largest,
    try_paths,
)
from transship.cutover.observe.tls import CERTIFI_TRUST, Handshaker, is_trusted
from transship.registry.credential import Credential

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.authority import Authority
    from servers.certificates import Certificates
    from servers.docker_registry import DockerRegistry
    from servers.stored import Stored
    from servers.token_server import TokenServer
    from transship.cutover.observe.endpoint import PinnedEndpoint

    Serve = Callable[..., DockerRegistry]
    SignsIn = Callable[..., TokenServer]

APP = "team/app"
LOGIN = Credential(USERNAME, PASSWORD)
PLENTY = 1 << 30


async def pulled(way: PinnedEndpoint, text: str, credential: Credential | None = None) -> Pull:
    return await pull_image(way, credential, way.reference(text))


# Paths


async def test_what_clusters_pull_is_there(
    serve: Serve, way: PinnedEndpoint, stored: Stored
) -> None:
    serve()
    digest = stored.images["large"].digest
    wanted = (f"{APP}:small", f"{APP}@{digest}", "other/tool")
    small, large, tool = await try_paths(way, None, wanted)

    assert (small.repository, small.reference) == (APP, "small")
    assert small.digest == stored.images["small"].digest
    assert (large.reference, large.digest, large.error) == (digest, digest, "")
    assert (tool.reference, tool.error) == ("1", "")


async def test_what_is_not_there_is_told(serve: Serve, way: PinnedEndpoint) -> None:
    serve()
    wanted = (f"{APP}:gone", "app", "app:1")
    found = await try_paths(way, None, wanted)

    assert [(each.repository, each.reference) for each in found] == [
        (APP, "gone"),
        ("app", ""),
        ("app", "1"),
    ]
    causes = [each.error.partition(":")[0] for each in found]
    assert causes == ["manifest-not-found", "repository-not-found", "manifest-not-found"]


async def test_paths_are_signed_in_to(serve: Serve, way: PinnedEndpoint) -> None:
    serve(auth="htpasswd")
    (signed,) = await try_paths(way, LOGIN, [APP])
    (refused,) = await try_paths(way, None, [APP])

    assert (signed.error, signed.digest != "") == ("", True)
    assert refused.error.startswith("sign-in-needed: ")


async def test_paths_take_no_longer_than_they_may(serve: Serve, way: PinnedEndpoint) -> None:
    serve()
    found = await try_paths(way, None, [APP, "other/tool"], seconds=0.0)

    assert [each.error for each in found] == ["timed-out", "timed-out"]


@pytest.mark.parametrize("text", ["Team/App", "team/app:", "team/app@sha256:0"])
async def test_what_is_no_reference_is_the_operators_own(way: PinnedEndpoint, text: str) -> None:
    with pytest.raises(errors.BadReference):
        await try_paths(way, None, [text])


# Which images


async def test_the_smallest_and_the_largest_are_chosen(serve: Serve, way: PinnedEndpoint) -> None:
    serve()
    small, large = await smallest_and_largest(way, None, [APP, "gone"], largest=PLENTY)

    assert small.size < 20_000 < 300_000 < large.size
    assert (large.reference.repository, large.reference.tag) == (APP, "large")


async def test_what_is_too_large_is_left_out(serve: Serve, way: PinnedEndpoint) -> None:
    serve()
    chosen = await smallest_and_largest(way, None, [APP], largest=100_000)

    assert {each.reference.tag for each in chosen} <= {"many", "small"}
    assert await smallest_and_largest(way, None, [APP], largest=1) == ()


async def test_one_image_is_pulled_once(serve: Serve, way: PinnedEndpoint) -> None:
    serve()
    (only,) = await smallest_and_largest(way, None, [f"{APP}:large"], largest=PLENTY)

    assert only.reference.tag == "large"


async def test_so_many_tags_are_looked_at_and_no_more(serve: Serve, way: PinnedEndpoint) -> None:
    serve()
    (first,) = await smallest_and_largest(way, None, [APP], largest=PLENTY, most_tags=1)

    assert first.reference.tag in ("small", "large", "many")
    assert await smallest_and_largest(way, None, [APP], largest=PLENTY, seconds=0) == ()


# Pulls


async def test_a_whole_pull(serve: Serve, way: PinnedEndpoint, stored: Stored, target: str) -> None:
    registry = serve()
    mark = registry.mark()
    came: list[int] = []
    found = await pull_image(way, None, way.reference(f"{APP}:large"), came=came.append)

    assert (found.error, found.blobs) == ("", 2)
    assert found.bytes == sum(came) > 300_000
    assert (found.image, found.address) == (f"{way.domain.host}/{APP}:large", target)
    assert found.hosts == (f"{way.domain.name}:{way.domain.port}",)
    read = {each.path.rpartition("/")[2] for each in registry.since(mark)}
    assert read >= set(stored.images["large"].blobs)


async def test_a_node_reads_its_own_platform_of_an_index(
    serve: Serve, way: PinnedEndpoint, stored: Stored
) -> None:
    registry = serve()
    mark = registry.mark()
    assert (await pulled(way, f"{APP}:many")).error == ""

    read = [each.path.rpartition("/")[2] for each in registry.since(mark)]
    assert read[1:] == ["many", stored.images["node"].digest, *stored.images["node"].blobs]


async def test_nothing_is_written_and_only_pulls_are_asked_for(
    serve: Serve, way: PinnedEndpoint, signs_in: SignsIn, tmp_path: Path, certificates: Certificates
) -> None:
    tokens = signs_in(tmp_path / "tokens", tls=certificates)
    registry = serve(auth="token", token_server=tokens)
    mark = registry.mark()
    found = await pulled(way, f"{APP}:small", Credential(*next(iter(tokens.users.items()))))

    assert found.error == ""
    assert {each.method for each in registry.since(mark)} <= {"GET", "HEAD"}
    assert {scope for each in tokens.requests for scope in each.scopes} == {
        f"repository:{APP}:pull"
    }
    assert found.hosts[1] == tokens.realm.split("/")[2]


async def test_a_blob_with_other_bytes(
    serve: Serve, way: PinnedEndpoint, stored: Stored, tmp_path: Path
) -> None:
    storage = tmp_path / "spoilt"
    shutil.copytree(stored.storage, storage)
    encoded = stored.images["large"].blobs[1].partition(":")[2]
    blob = storage / f"docker/registry/v2/blobs/sha256/{encoded[:2]}/{encoded}/data"
    blob.write_bytes(bytes(blob.stat().st_size))
    serve(storage=storage)
    found = await pulled(way, f"{APP}:large")

    assert found.error.startswith("digest-mismatch: ")
    assert found.blobs == 1


async def test_a_pull_takes_no_longer_than_it_may(serve: Serve, way: PinnedEndpoint) -> None:
    serve()
    found = await pull_image(way, None, way.reference(f"{APP}:large"), seconds=0.0)

    assert found.error == "timed-out: not done within 0 s"


# Where pulls are sent


async def test_blobs_from_another_host(
    serve: Serve, way: PinnedEndpoint, stored: Stored, certificates: Certificates, bundle: str
) -> None:
    with blob_storage(stored.storage, certificates) as elsewhere:
        serve(redirect_to=elsewhere.url)
        found = await pulled(way, f"{APP}:large", LOGIN)
        shaken = await handshake_hosts(
            Handshaker(SystemClock(), node_ca=bundle), way, [found, found]
        )

    host = elsewhere.url.removeprefix("https://")
    assert (found.error, found.insecure_redirects) == ("", ())
    assert found.hosts == (f"{way.domain.name}:{way.domain.port}", host)
    assert not any(each.has_authorization for each in elsewhere.requests)
    here = [each for each in shaken if each.address == LOOPBACK]
    assert {each.name for each in shaken} == {"localhost"}
    assert {each.trust for each in here} >= {CERTIFI_TRUST, bundle}
    assert [each.trust for each in here if is_trusted(each)] == [bundle]


async def test_blobs_from_a_host_that_nobody_vouches_for(
    serve: Serve,
    way: PinnedEndpoint,
    stored: Stored,
    certificates: Certificates,
    authority: Authority,
) -> None:
    with blob_storage(stored.storage, certificates) as elsewhere:
        serve(redirect_to=elsewhere.url)
        found = await pulled(replace(way, ca_file=str(authority.ca_file)), f"{APP}:small")

    assert found.error.startswith("certificate-not-trusted: localhost")
    assert len(found.hosts) == 2


async def test_blobs_without_tls_are_not_fetched(
    serve: Serve, way: PinnedEndpoint, stored: Stored
) -> None:
    with blob_storage(stored.storage) as elsewhere:
        serve(redirect_to=elsewhere.url)
        found = await pulled(way, f"{APP}:small")
        shaken = await handshake_hosts(Handshaker(SystemClock()), way, [found])

    assert found.error.startswith("redirect-refused: ")
    assert found.insecure_redirects == (elsewhere.url,)
    assert found.hosts[1] == elsewhere.url.removeprefix("http://")
    assert (elsewhere.requests, shaken) == ([], ())


async def test_blobs_from_a_name_that_is_not_there(serve: Serve, way: PinnedEndpoint) -> None:
    serve(redirect_to="https://blobs.gone.invalid")
    found = await pulled(way, f"{APP}:small")
    (shaken,) = await handshake_hosts(Handshaker(SystemClock()), way, [found])

    assert found.error.startswith("name-not-found: ")
    assert found.hosts[1] == "blobs.gone.invalid:443"
    assert (shaken.name, shaken.address) == ("blobs.gone.invalid", "")
    assert shaken.error.startswith("no address: ")
