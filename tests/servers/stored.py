"""Images on disk, on which registries with certificates of every kind are started.

They are pushed to a registry without TLS: to one whose certificate is wrong nobody could.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from servers.docker_registry import docker_registry
from servers.images import push_image, push_index, random_layer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from servers.images import Pushed

_LARGE = 300_000


@dataclass(frozen=True, slots=True)
class Stored:
    """The files of a registry with `team/app` and `other/tool:1`.

    `images` are the tags of `team/app`: `small`, `large` (about 300 kB), and `many`, an index whose
    image for `linux/amd64` is `node`, which has no tag.
    """

    storage: Path
    images: Mapping[str, Pushed]


def store_images(folder: Path) -> Stored:
    """Push the images to a registry that is gone afterwards."""
    storage = folder / "storage"
    with docker_registry(folder / "registry", storage=storage) as registry:
        app = "team/app"
        small = push_image(registry, app, "small")
        large = push_image(registry, app, "large", [random_layer(_LARGE, "large")])
        arm, node, windows = [
            push_image(registry, app, platform=platform)
            for platform in ("linux/arm64", "linux/amd64", "windows/amd64")
        ]
        many = push_index(registry, app, "many", [arm, node, windows])
        push_image(registry, "other/tool", "1", docker=True)
    return Stored(storage, {"small": small, "large": large, "many": many, "node": node})
