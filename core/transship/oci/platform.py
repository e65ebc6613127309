"""Platforms: which machine an image runs on (OCI image spec, image-index.md)."""

from __future__ import annotations

from dataclasses import dataclass

from transship.errors import BadPlatform

_ALIASES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm"}
_DEFAULT_VARIANTS = {"arm64": "v8", "amd64": "v1", "arm": "v7"}


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """An operating system, an architecture and, where it matters, a variant of it."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def matches(self, wanted: Platform) -> bool:
        """Tell whether an image for this platform is what `wanted` asks for.

        A wanted platform without a variant takes every variant; `arm64` and `arm64/v8` are the
        same machine, and so are `aarch64` and `arm64`.
        """
        architecture = _ALIASES.get(self.architecture, self.architecture)
        if (self.os, architecture) != (wanted.os, wanted.architecture):
            return False
        default = _DEFAULT_VARIANTS.get(architecture, "")
        return not wanted.variant or (self.variant or default) == wanted.variant


def parse_platform(text: str) -> Platform:
    """Return the platform written as `OS/ARCHITECTURE[/VARIANT]`. Raises BadPlatform."""
    parts = text.lower().split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise BadPlatform(repr(text))
    os, architecture, *variant = parts
    return Platform(os, _ALIASES.get(architecture, architecture), *variant)
