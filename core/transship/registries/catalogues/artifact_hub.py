"""Artifact Hub, a catalogue of cloud native packages, hosted or your own.

Its API is asked without a credential (`docs/api/openapi.yaml` of artifacthub/hub): a search, and
then what each package contains, because a search doesn't say that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote, urlencode

import msgspec

from transship import errors
from transship.clock import Clock, SystemClock
from transship.errors import TransshipError
from transship.registries.answers import Answer, error_of
from transship.registries.catalogues.package import Found, Package
from transship.registries.catalogues.resolving import OCI, holdings_of
from transship.registries.credential import Tls
from transship.registries.endpoint import Endpoint
from transship.registries.exchanges import Recorder
from transship.registries.services.api import Request
from transship.text import safe

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

    async def find(self, words: str, *, kinds: Sequence[str] = (), most: int = 10) -> Found:
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
        return Found(tuple(packages), int(total) if total.isdecimal() else len(packages))

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
        def made(now: float) -> Request:  # noqa: ARG001 - nothing is signed
            return Request("GET", path, {"accept": "application/json"})

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
