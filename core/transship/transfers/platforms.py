"""Only some platforms of an image: what is written then, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from transship.errors import PlatformMissing
from transship.oci.manifest import Descriptor, Manifest, filter_index
from transship.oci.platform import Platform
from transship.registries.image_config import read_config
from transship.registries.place import Place


@dataclass(frozen=True, slots=True)
class Choice:
    """What is written for an image, and what is to be said about it."""

    root: Manifest
    note: str = ""


async def chosen(
    root: Manifest, wanted: tuple[Platform, ...], source: Place, repository: str
) -> Choice:
    """Return what to write of `root` when only some platforms are wanted.

    No wish: the image as it is. One platform: that platform's own manifest, whose digest can be
    proven. Several: an index of these, which is a new document with a new digest, so signatures
    of the old one don't hold for it. What is no image stays whole. Raises PlatformMissing when the
    image has none of them.
    """
    if not wanted or not (root.is_index or root.is_image):
        return Choice(root)
    if not root.is_index:
        platform = await _platform_of(root, source, repository)
        if not any(platform.matches(wish) for wish in wanted):
            raise PlatformMissing(f"it is for {platform}, not {_words(wanted)}")
        return Choice(root)
    if not root.platforms:
        return Choice(root)
    kept = [entry for entry in root.children if _matches(entry, wanted)]
    if not kept:
        raise PlatformMissing(f"it has {_words(root.platforms)}, not {_words(wanted)}")
    missing = [wish for wish in wanted if not any(_matches(entry, (wish,)) for entry in kept)]
    absent = f"; it has no {_words(missing)}" if missing else ""
    if len(kept) == 1:
        only = await source.get_manifest(repository, kept[0].digest)
        return Choice(only, f"only {kept[0].platform}, as a plain image{absent}")
    if len(kept) == len(root.entries):
        return Choice(root, absent.removeprefix("; "))
    filtered = filter_index(root, (entry.digest for entry in kept))
    words = _words(entry.platform for entry in kept if entry.platform)
    return Choice(filtered, f"only {words}: a new digest, signatures don't hold{absent}")


def _matches(entry: Descriptor, wanted: tuple[Platform, ...]) -> bool:
    return entry.platform is not None and any(entry.platform.matches(wish) for wish in wanted)


async def _platform_of(image: Manifest, source: Place, repository: str) -> Platform:
    config = await read_config(source, repository, image)
    if config is None or config.platform is None:
        raise PlatformMissing("its config doesn't say which platform it is for")
    return config.platform


def _words(platforms: Iterable[Platform]) -> str:
    return ", ".join(str(platform) for platform in platforms)
