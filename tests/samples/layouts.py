"""A look into an OCI layout folder past the code under test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from samples.manifests import encode, stream
from transship.oci.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from transship.registry.layout import LayoutRegistry


def entries(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(folder.joinpath("index.json").read_bytes())[
        "manifests"
    ]
    return found


def blob_path(folder: Path, digest: str) -> Path:
    return folder.joinpath("blobs", *digest.split(":"))


async def all_of(items: AsyncIterator[str]) -> list[str]:
    return [item async for item in items]


async def upload(layout: LayoutRegistry, content: bytes, piece: int = 65536) -> None:
    if session := await layout.start_upload("any", digest_of(content)):
        await session.put(digest_of(content), len(content), stream(content, piece))


def own_files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def add_entry(folder: Path, entry: dict[str, object]) -> None:
    path = folder / "index.json"
    document = json.loads(path.read_bytes())
    document["manifests"].append(entry)
    path.write_bytes(encode(document))
