"""What can be added to Transship by one file: services, DNS providers and importers.

Each is one object with a name. Transship's own are in `_BUILT_IN`, a line each, written as an entry
point's value and in the order in which they are tried. Any other distribution adds its own by entry
points of the same groups (`[project.entry-points."transship.services"]`); `docs/plugins.md` shows
one of each. What was added is loaded only where none of Transship's own fits.

One that can't be loaded, or takes a name that is taken, is left out and named once, as a
PluginBroken, by whoever has said where to (`tell_broken`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from transship.errors import PluginBroken

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_T = TypeVar("_T")

SERVICES = "transship.services"
DNS_PROVIDERS = "transship.dns_providers"
IMPORTERS = "transship.importers"

_BUILT_IN: Mapping[str, Mapping[str, str]] = {
    SERVICES: {
        "docker-hub": "transship.services.docker_hub:DOCKER_HUB",
        "harbor": "transship.services.harbor:HARBOR",
        "ecr": "transship.services.ecr:ECR",
        "ecr-public": "transship.services.ecr:ECR_PUBLIC",
        "acr": "transship.services.azure:ACR",
        "gar": "transship.services.google:GAR",
        "gcr": "transship.services.google:GCR",
        "swr": "transship.services.huawei:SWR",
        "quay": "transship.services.quay:QUAY",
        "gitlab": "transship.services.gitlab:GITLAB",
        "ghcr": "transship.services.github:GHCR",
        "artifactory": "transship.services.artifactory:ARTIFACTORY",
        "artifactory-key": "transship.services.artifactory:ARTIFACTORY_KEY",
        "tcr": "transship.services.tencent:TCR",
        "ccr": "transship.services.tencent:CCR",
        "tencent-api": "transship.services.tencent:TENCENT_API",
        "alibaba": "transship.services.alibaba:ALIBABA",
        "alibaba-api": "transship.services.alibaba:ALIBABA_API",
        "artifact-hub": "transship.services.artifact_hub:ARTIFACT_HUB",
        "registry": "transship.registry.service:GENERIC",
    },
    # The most particular first: what image-transfer takes is a part of what image-syncer takes.
    IMPORTERS: {
        "regsync": "transship.plans.importers.regsync:REGSYNC",
        "dregsy": "transship.plans.importers.dregsy:DREGSY",
        "skopeo": "transship.plans.importers.skopeo:SKOPEO",
        "image-transfer": "transship.plans.importers.image_transfer:IMAGE_TRANSFER",
        "image-syncer": "transship.plans.importers.image_syncer:IMAGE_SYNCER",
    },
}

_FOLDERS = (".dist-info", ".egg-info")
_GROUPS = b"[transship."


class PluginGroup(Generic[_T]):
    """All of one kind, by name: Transship's own, and what other distributions have added.

    `name_of` gives the name that one has, which is that of its entry point too; `why_not` says in
    words why one that was added can't be taken, and nothing where it can.
    """

    def __init__(
        self,
        group: str,
        kind: type[_T],
        name_of: Callable[[_T], str],
        why_not: Callable[[_T], str] = lambda _: "",
    ) -> None:
        self._group = group
        self._kind = kind
        self._name_of = name_of
        self._why_not = why_not

    @cached_property
    def built_in(self) -> tuple[_T, ...]:
        """Transship's own, in the order in which they are tried."""
        return tuple(map(self._own, _BUILT_IN[self._group]))

    @cached_property
    def added(self) -> tuple[_T, ...]:
        """What other distributions have added, in the order of their names."""
        found: dict[str, _T] = {}
        for distribution, point in _added_points():
            if point.group != self._group:
                continue
            if point.name in _BUILT_IN[self._group]:
                why = "Transship has one of this name itself"
            elif point.name in found:
                why = "another plugin has this name"
            else:
                one, why = self._loaded(point)
                if one is not None:
                    found[point.name] = one
                    continue
            _name_broken(distribution, f"{self._group} {point.name}: {why}")
        return tuple(found.values())

    def all(self) -> tuple[_T, ...]:
        """Return all that there are, Transship's own first."""
        return (*self.built_in, *self.added)

    def names(self) -> tuple[str, ...]:
        """Return all names; none of Transship's own is loaded for that."""
        return (*_BUILT_IN[self._group], *map(self._name_of, self.added))

    def get(self, name: str) -> _T | None:
        """Return the one of this name, or None; of Transship's own no other is loaded."""
        if name in _BUILT_IN[self._group]:
            return self._own(name)
        return next((each for each in self.added if self._name_of(each) == name), None)

    def _own(self, name: str) -> _T:
        module, _, attribute = _BUILT_IN[self._group][name].partition(":")
        one: _T = getattr(import_module(module), attribute)
        return one

    def _loaded(self, point: EntryPoint) -> tuple[_T | None, str]:
        """Return what an entry point names; or None, and why it can't be taken."""
        try:
            one = point.load()
            if not isinstance(one, self._kind):
                return None, f"{point.value} is no {self._kind.__name__}"
            if self._name_of(one) != point.name:
                return None, f"it calls itself {self._name_of(one)}"
            why = self._why_not(one)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - others' code raises what it likes
            return None, f"{type(error).__name__}: {error}"
        return (None, why) if why else (one, "")


@lru_cache(maxsize=1)
def _added_points() -> tuple[tuple[str, EntryPoint], ...]:
    """Return the entry points of others' distributions in groups of Transship, each with its own's.

    `importlib.metadata.entry_points()` reads every distribution, ten times as slowly; here only
    those are read that name such a group. As there, the first on the path of a name counts.
    """
    found: list[tuple[str, EntryPoint]] = []
    seen: set[str] = set()
    for folder in _folders_with_plugins():
        name, _, version = folder.stem.partition("-")
        called = name.replace("_", "-").lower()
        if called in seen:
            continue
        seen.add(called)
        from importlib.metadata import PathDistribution  # Whoever has no plugin doesn't wait.

        try:
            points = tuple(PathDistribution(folder).entry_points)
        except ValueError as error:
            _name_broken(called, f"{folder.name}: its entry points can't be read: {error}")
            continue
        found += [(f"{called} {version}".strip(), each) for each in points]
    return tuple(sorted(found, key=lambda each: each[0]))


def _folders_with_plugins() -> Iterator[Path]:
    for place in dict.fromkeys(sys.path):
        try:
            names = os.listdir(place or ".")  # noqa: PTH208 - half the time of a Path's
        except OSError:
            continue
        for name in sorted(names):
            if not name.endswith(_FOLDERS):
                continue
            folder = Path(place, name)
            try:
                with (folder / "entry_points.txt").open("rb") as file:
                    named = _GROUPS in file.read()
            except OSError:
                continue
            if named:
                yield folder


_untold: list[PluginBroken] = []
_teller: Callable[[PluginBroken], None] | None = None


def tell_broken(tell: Callable[[PluginBroken], None] | None) -> None:
    """Have `tell` called with each plugin that can't be used, from any thread, once in a process.

    It takes the place of whoever was told before. Those that nobody was told of come at once.
    """
    global _teller
    _teller = tell
    while _teller is not None and _untold:
        _teller(_untold.pop(0))


def _name_broken(distribution: str, why: str) -> None:
    name = distribution.partition(" ")[0]
    _untold.append(
        PluginBroken(
            f"{distribution}: {why}",
            remedy=f"Everything else works without it. Update it, or remove it: `pip uninstall "
            f"{name}` in the environment that Transship is in.",
        )
    )
    tell_broken(_teller)
