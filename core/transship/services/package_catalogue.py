"""Catalogues: they say which registries hold a package, and hold no images themselves.

Artifact Hub, hosted or your own; what it says of a package is made harmless, and becomes
references.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlencode

import msgspec

from transship import errors
from transship.clock import Clock, SystemClock
from transship.errors import BadReference, TransshipError
from transship.oci.reference import Reference, parse_reference
from transship.registry.credential import Tls
from transship.registry.http.answer import Answer, error_of
from transship.registry.http.endpoint import Endpoint
from transship.registry.http.exchange_log import Recorder
from transship.registry.service import ApiRequest
from transship.text import safe


class Holds(StrEnum):
    """What there is at a reference."""

    PACKAGE = "package"
    """The package itself: a chart, a policy, an image."""
    IMAGE = "image"
    """An image that the package uses."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A reference in a registry, and what is there. A digest or a tag it always has."""

    reference: Reference
    holds: Holds


@dataclass(frozen=True, slots=True)
class Package:
    """A package in a version, as a catalogue describes it.

    `kind` is the catalogue's own word (`helm`, `container`, ...), `address` its page there. Of
    `holdings` none comes twice. `unread` are what it names as images and can't be read as such;
    `content` is where the package itself lies when that is no registry. With a `problem` what it
    contains couldn't be read, and there may be more. All of it has been made
    harmless for a terminal, and is no more than what a stranger says.
    """

    name: str
    version: str
    kind: str
    publisher: str
    description: str
    address: str
    official: bool = False
    verified: bool = False
    deprecated: bool = False
    holdings: tuple[Holding, ...] = ()
    unread: tuple[str, ...] = ()
    content: str = ""
    problem: TransshipError | None = None


@dataclass(frozen=True, slots=True)
class PackageSearch:
    """The first packages that a search found, the best first, and how many there are in all."""

    packages: tuple[Package, ...]
    total: int


OCI = "oci://"
_DOCKER_HUB = "docker.io"
_LATEST = "latest"
_LONGEST = 600
"""More than any reference has: a host, 255 characters of path, a tag and a digest."""


def image_of(text: str) -> Reference | None:
    """Return the image that a container runtime would pull, None for what names none."""
    if len(text) > _LONGEST or "://" in text or text.startswith("layout:"):
        return None
    first, slash, _ = text.partition("/")
    # The same rule as Docker's: else the first part is a namespace of Docker Hub.
    has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    try:
        reference = parse_reference(text if has_host else f"{_DOCKER_HUB}/{text}")
    except BadReference:
        return None
    if not reference.repository:
        return None
    return reference if reference.version else reference.at(_LATEST)


def artifact_of(address: str, version: str) -> Reference | None:
    """Return what is at an address of a registry (`oci://HOST/REPOSITORY[:TAG]`), or None.

    Without a tag it is the one of the version, in which `+` is written as `_`, as Helm does.
    """
    if len(address) > _LONGEST or not address.startswith(OCI):
        return None
    try:
        reference = parse_reference(address.removeprefix(OCI).rstrip("/"))
        if reference.version:
            return reference if reference.repository else None
        named = parse_reference(f"{reference}:{version.replace('+', '_')}")
    except BadReference:
        return None
    return named if named.repository else None


def holdings_of(
    version: str, addresses: Iterable[str], images: Iterable[str]
) -> tuple[tuple[Holding, ...], tuple[str, ...]]:
    """Return where a package and its images are, none twice, and what of `images` names none.

    `addresses` are where the package may be itself, the best first; the first that is in a
    registry counts.
    """
    own = next(filter(None, (artifact_of(each, version) for each in addresses)), None)
    found: dict[Reference, Holds] = {own: Holds.PACKAGE} if own else {}
    unread: dict[str, None] = {}
    for text in images:
        reference = image_of(text)
        if reference is None:
            unread[safe(text, limit=200)] = None
        else:
            found.setdefault(reference, Holds.IMAGE)
    return tuple(Holding(*pair) for pair in found.items()), tuple(unread)


HOST = "artifacthub.io"
MOST = 60
"""How many packages the API gives at once."""

KINDS = (
    "helm",
    "falco",
    "opa",
    "olm",
    "tbaction",
    "krew",
    "helm-plugin",
    "tekton-task",
    "keda-scaler",
    "coredns",
    "keptn",
    "tekton-pipeline",
    "container",
    "kubewarden",
    "gatekeeper",
    "kyverno",
    "knative-client-plugin",
    "backstage",
    "argo-template",
    "kubearmor",
    "kcl",
    "headlamp",
    "inspektor-gadget",
    "tekton-stepaction",
    "meshery",
    "opencost",
    "radius",
)
"""The kinds of packages, at the place of the number that stands for them in the API."""

_AT_ONCE = 4
_LIMIT = 8 * 1024 * 1024
"""The longest answer that is read, in bytes: a package brings its whole documentation."""


class _Repository(msgspec.Struct):
    name: str
    kind: int
    url: str = ""
    display_name: str = ""
    organization_name: str = ""
    organization_display_name: str = ""
    user_alias: str = ""
    official: bool = False
    verified_publisher: bool = False


class _Summary(msgspec.Struct):
    name: str
    normalized_name: str
    version: str
    repository: _Repository
    description: str = ""
    deprecated: bool = False
    official: bool = False


class _Search(msgspec.Struct):
    packages: list[_Summary]


class _Image(msgspec.Struct):
    image: str = ""


class _Details(msgspec.Struct):
    content_url: str = ""
    containers_images: list[_Image] | None = None


class ArtifactHub:
    """The catalogue at `host[:port]`. Use it as a context manager, or close it."""

    def __init__(
        self,
        host: str = HOST,
        *,
        tls: Tls | None = None,
        clock: Clock | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.host = host
        self._clock = clock or SystemClock()
        self._endpoint = Endpoint(host, tls or Tls(), self._clock, recorder)
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def find(self, words: str, *, kinds: Sequence[str] = (), most: int = 10) -> PackageSearch:
        """Return the first packages for these words, each with the registries that hold it.

        `kinds` are of `KINDS`; none means all. `most` is at most `MOST`. Raises the errors of the
        way, RateLimited, ServerFailed, and UnexpectedAnswer.
        """
        query = [("ts_query_web", words), ("sort", "relevance"), ("facets", "false")]
        query += [("kind", str(KINDS.index(kind))) for kind in kinds]
        query += [("limit", str(most)), ("offset", "0")]
        answer = await self._ask(f"/api/v1/packages/search?{urlencode(query)}")
        found: list[_Summary] = answer.json(_Search).packages[:most]
        packages = await asyncio.gather(*map(self._resolved, found))
        total = answer.headers.get("pagination-total-count", "")
        return PackageSearch(tuple(packages), int(total) if total.isdecimal() else len(packages))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._endpoint.aclose()

    async def _resolved(self, summary: _Summary) -> Package:
        repository = summary.repository
        kind = KINDS[repository.kind] if 0 <= repository.kind < len(KINDS) else ""
        named = f"{_part(repository.name)}/{_part(summary.normalized_name)}"
        details, problem = await self._details(kind, f"{named}/{_part(summary.version)}")
        images = [each.image for each in details.containers_images or ()]
        addresses = (details.content_url, repository.url)
        holdings, unread = holdings_of(summary.version, addresses, images)
        return Package(
            name=safe(summary.name, limit=200),
            version=safe(summary.version, limit=100),
            kind=kind,
            publisher=safe(_publisher(repository), limit=200),
            description=safe(summary.description, limit=300),
            address=f"https://{self.host}/packages/{kind}/{named}" if kind else "",
            official=summary.official or repository.official,
            verified=repository.verified_publisher,
            deprecated=summary.deprecated,
            holdings=holdings,
            unread=unread,
            content=safe(_elsewhere(addresses), limit=500),
            problem=problem,
        )

    async def _details(self, kind: str, named: str) -> tuple[_Details, TransshipError | None]:
        """Return what a package contains, or why that can't be understood.

        A package of which that is so keeps nobody from the others, and its repository's address
        may tell nevertheless.
        """
        try:
            if not kind:
                raise errors.UnexpectedAnswer("a package of a kind that isn't known here")
            async with self._places:
                answer = await self._ask(f"/api/v1/packages/{kind}/{named}")
            details: _Details = answer.json(_Details)
        except errors.UnexpectedAnswer as error:
            return _Details(), error
        return details, None

    async def _ask(self, path: str) -> Answer:
        def made(now: float) -> ApiRequest:  # noqa: ARG001 - nothing is signed
            return ApiRequest("GET", path, {"accept": "application/json"})

        def judged(answer: Answer) -> TransshipError | None:
            if answer.ok:
                return None
            return error_of(answer, self._clock.now(), missing=errors.UnexpectedAnswer)

        return await self._endpoint.ask(made, judged, limit=_LIMIT)


def _publisher(repository: _Repository) -> str:
    names = (
        repository.organization_display_name,
        repository.organization_name,
        repository.user_alias,
        repository.display_name,
        repository.name,
    )
    return next((name for name in names if name), "")


def _elsewhere(addresses: Sequence[str]) -> str:
    """Return the first address that isn't in a registry, as far as there is one."""
    return next((each for each in addresses if each and not each.startswith(OCI)), "")


def _part(text: str) -> str:
    return quote(text, safe="")
