from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from transship.oci.digest import Digest, digest_of
from transship.oci.media_types import OCI_CONFIG, OCI_MANIFEST
from transship.sandbox.registry_server import SandboxRegistry

Push = Callable[..., Awaitable[Digest]]


class HeldClock:
    """A clock that stands still until it is told, and remembers for how long it was to wait."""

    def __init__(self) -> None:
        self.time = 1_000_000.0
        self.waited: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.time += seconds


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[SandboxRegistry]:
    async with SandboxRegistry(tmp_path / "registry") as running:
        yield running


@pytest.fixture
async def http(registry: SandboxRegistry) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{registry.host}", trust_env=False) as client:
        yield client


@pytest.fixture
def push_blob(http: httpx.AsyncClient) -> Push:
    async def push(name: str, data: bytes) -> Digest:
        digest = digest_of(data)
        answer = await http.post(
            f"/v2/{name}/blobs/uploads/", params={"digest": digest}, content=data
        )
        assert answer.status_code == 201, answer.text
        return digest

    return push


@pytest.fixture
def push_image(http: httpx.AsyncClient, push_blob: Push) -> Push:
    async def push(name: str, tag: str, layer: bytes = b"layer", **fields: object) -> Digest:
        config = {"mediaType": OCI_CONFIG, "digest": await push_blob(name, b"{}"), "size": 2}
        layers = [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": await push_blob(name, layer),
                "size": len(layer),
            }
        ]
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config}
        body = json.dumps(document | {"layers": layers} | fields).encode()
        answer = await http.put(
            f"/v2/{name}/manifests/{tag or digest_of(body)}",
            content=body,
            headers={"Content-Type": OCI_MANIFEST},
        )
        assert answer.status_code == 201, answer.text
        return digest_of(body)

    return push
