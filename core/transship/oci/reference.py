"""References: how an image, a repository or a folder of images is written down.

`host[:port]/repository[:tag][@digest]` is a place in a registry (distribution spec, "Pulling
manifests"); `layout:PATH[//repository[:tag][@digest]]` is a place in an OCI image layout folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from transship.errors import BadReference
from transship.oci.digest import Digest, is_digest

LAYOUT = "layout:"

_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:.]+\])(?::([0-9]{{1,5}}))?")
_DOCKER_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True)
class Reference:
    """Something in a registry or an OCI layout folder.

    `registry` is `host[:port]` or `layout:PATH`. An empty `repository` means all of the place.
    With neither `tag` nor `digest` the whole repository is meant; with both, the digest is what
    is read and the tag is what it is called.
    """

    registry: str
    repository: str = ""
    tag: str = ""
    digest: Digest | None = None

    @property
    def layout(self) -> str | None:
        """The folder's path, if this is a place in an OCI layout folder."""
        return self.registry.removeprefix(LAYOUT) if self.registry.startswith(LAYOUT) else None

    @property
    def version(self) -> str:
        """What to ask the place for: the digest if there is one, else the tag, else nothing."""
        return self.digest or self.tag

    def at(self, version: str) -> Reference:
        """Return the same repository at a tag or a digest."""
        if is_digest(version):
            return replace(self, tag="", digest=Digest(version))
        return replace(self, tag=version, digest=None)

    def __str__(self) -> str:
        name = self.repository
        if self.tag:
            name += f":{self.tag}"
        if self.digest:
            name += f"@{self.digest}"
        if not name:
            return self.registry
        return f"{self.registry}{'//' if self.layout is not None else '/'}{name}"


def parse_reference(text: str) -> Reference:
    """Return the reference that `text` writes down. Raises BadReference."""
    text = text.strip()
    if text.startswith(LAYOUT):
        return _parse_layout(text)
    text = text.removeprefix("docker://")
    if "://" in text:
        raise BadReference(f"{text!r} is an address; leave {text.split('://')[0]}:// out")
    host, _, path = text.partition("/")
    registry = parse_host(host, of=text)
    repository, tag, digest = _split(path, text)
    if registry in _DOCKER_HUB_NAMES:
        registry = "docker.io"
        if repository and "/" not in repository:
            repository = f"library/{repository}"
    if not repository and (tag or digest):
        raise BadReference(f"{text!r} has no repository")
    return Reference(registry, repository, tag, digest)


def parse_host(host: str, *, of: str = "") -> str:
    """Return `host[:port]` in lower case. Raises BadReference when it isn't one.

    A first word without a dot, a port or the name localhost could be an organisation on Docker
    Hub as well; guessing would send an image to the wrong place, so it is asked for in full.
    """
    match = _HOST.fullmatch(host)
    if not match or not 0 < int(match[1] or 1) < 65536:
        raise BadReference(f"{host!r} is not a host name" + (f" (in {of!r})" if of else ""))
    if not ("." in host or ":" in host or host.lower() == "localhost"):
        raise BadReference(
            f"{of or host!r} names no registry",
            remedy=f"Write the host in full, for example docker.io/{of or host}, "
            "or use the alias of an account.",
        )
    return host.lower()


def is_repository(text: str) -> bool:
    """Tell whether `text` is a repository name (distribution spec, "Pulling manifests")."""
    return len(text) <= 255 and bool(_REPOSITORY.fullmatch(text))


def is_tag(text: str) -> bool:
    """Tell whether `text` is a tag."""
    return bool(_TAG.fullmatch(text))


def _parse_layout(text: str) -> Reference:
    place = text.removeprefix(LAYOUT)
    # A repository has no empty part, so that the last // is the one before it.
    path, separator, rest = place.rpartition("//") if "//" in place else (place, "", "")
    if not path or place.startswith("//"):
        raise BadReference(
            f"{text!r} has no path before //" if separator else f"{text!r} has no path"
        )
    registry = LAYOUT + str(PurePosixPath(path))
    return Reference(registry, *_split(rest, text))


def _split(path: str, text: str) -> tuple[str, str, Digest | None]:
    name, at, digest = path.partition("@")
    if at and not is_digest(digest):
        raise BadReference(f"{digest!r} in {text!r} is not a sha256 or sha512 digest")
    repository, colon, tag = name.partition(":")
    if colon and not is_tag(tag):
        raise BadReference(f"{tag!r} in {text!r} is not a tag")
    if repository and not is_repository(repository):
        hint = " (repositories are in lower case)" if repository.lower() != repository else ""
        raise BadReference(f"{repository!r} in {text!r} is not a repository name{hint}")
    return repository, tag, Digest(digest) if at else None
