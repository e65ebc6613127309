"""The stand-ins for services do what they are there for: answer in the service's odd ways."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from servers.artifactory import Key, artifactory
from servers.ghcr import ghcr
from servers.images import digest_of, push_image, random_layer
from servers.quay import ROBOT, Quay, quay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.docker_registry import DockerRegistry
    from servers.token_proxy import TokenProxy

MIB = 1024 * 1024


@contextmanager
def client_of(server: TokenProxy, user: str, repository: str) -> Iterator[httpx.Client]:
    """Open a plain client that shows a token for a repository, which owes nothing to ours."""
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        scope = f"repository:{repository}:pull,push"
        answer = token(client, server, user, scope).raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        yield client


def token(client: httpx.Client, server: TokenProxy, user: str, scope: str) -> httpx.Response:
    query = {"service": server.service, "scope": scope}
    return client.get(server.realm, params=query, auth=(user, server.users[user]))


def finish(client: httpx.Client, session: str, content: bytes, body: bytes = b"") -> int:
    """Declare an upload complete, with what is left of it, and return the status."""
    address = httpx.URL(session).copy_add_param("digest", digest_of(content))
    return client.put(address, content=body).status_code


@contextmanager
def open_quay(server: Quay, path: str) -> Iterator[httpx.Client]:
    server.organizations = {"team"}
    with client_of(server, ROBOT, path) as client:
        yield client


def test_quay_says_oddly_what_an_upload_holds(
    open_registry: DockerRegistry, repository: str
) -> None:
    path = f"team/{repository}"
    content = b"x" * 1000
    with quay(open_registry.host, {ROBOT: "secret"}) as server, open_quay(server, path) as client:
        assert server.repositories == {path: "private"}, "a token to push with creates"

        begun = client.post(f"/v2/{path}/blobs/uploads/")
        session = begun.headers["location"]
        assert (begun.status_code, begun.headers["range"]) == (202, "bytes=0--1")
        assert "?" not in session
        assert client.get(session).headers["range"] == "bytes=0-0"
        for start in (0, 500):
            ranged = {"Content-Range": f"{start}-{start + 499}"}
            piece = client.patch(session, content=content[start : start + 500], headers=ranged)
            assert piece.status_code == 202
            assert "location" not in piece.headers
            assert client.get(session).headers["range"] == f"bytes=0-{start + 500}"
        assert finish(client, session, content) == 201
        part = client.get(f"/v2/{path}/blobs/{digest_of(content)}", headers={"Range": "bytes=9-"})
        assert (part.status_code, part.content) == (200, content)


def test_quay_accepts_manifests_and_knows_few_scopes(
    open_registry: DockerRegistry, repository: str
) -> None:
    path = f"team/{repository}"
    image = push_image(open_registry, path, "v1")
    with quay(open_registry.host, {ROBOT: "secret"}) as server, open_quay(server, path) as client:
        put = client.put(
            f"/v2/{path}/manifests/v2",
            content=image.content,
            headers={"Content-Type": image.media_type},
        )
        assert put.status_code == 202
        for scope in ("registry:catalog:*", f"repository:{path}:pull,push,delete"):
            assert token(client, server, ROBOT, scope).status_code == 400
        token(client, server, ROBOT, f"repository:others/{repository}:push")
        assert set(server.repositories) == {path}, "a robot stays in its namespace"


def test_ghcr_refuses_large_pieces_and_loses_what_was_before_one(
    open_registry: DockerRegistry, repository: str
) -> None:
    content = random_layer(5 * MIB, repository)
    with (
        ghcr(open_registry.host, {"octo": "token"}) as server,
        client_of(server, "octo", repository) as client,
    ):
        uploads = f"/v2/{repository}/blobs/uploads/"

        session = client.post(uploads).headers["location"]
        whole = {"Content-Range": f"0-{len(content) - 1}"}
        refused = client.patch(session, content=content, headers=whole)
        assert refused.status_code == 416
        assert "4.00MiB" in refused.text

        for start in (0, 3 * MIB):
            piece = content[start : start + 3 * MIB]
            ranged = {"Content-Range": f"{start}-{start + len(piece) - 1}"}
            answer = client.patch(session, content=piece, headers=ranged)
            assert answer.status_code == 202
            session = answer.headers["location"]
        assert finish(client, session, content) == 400

        session = client.post(uploads).headers["location"]
        assert finish(client, session, content, content) == 201


@pytest.mark.parametrize(("in_one", "status"), [(True, 400), (False, 201)])
def test_artifactory_wants_a_piece_before_the_end(
    in_one: bool, status: int, open_registry: DockerRegistry, repository: str
) -> None:
    path, content = f"docker-local/{repository}", b"a layer"
    with artifactory(open_registry.host, {"operator": "token"}) as server:
        server.keys = {"docker-local": Key()}
        with client_of(server, "operator", path) as client:
            session = client.post(f"/v2/{path}/blobs/uploads/").headers["location"]
            if not in_one:
                session = client.patch(session, content=content).headers["location"]
            assert finish(client, session, content, content if in_one else b"") == status
