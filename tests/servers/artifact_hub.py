"""Artifact Hub, a catalogue. It can't be had here: it stands in.

It answers `/packages/search` and the paths of packages as its public OpenAPI document has them
(`docs/api/openapi.yaml` of artifacthub/hub), with the total in `Pagination-Total-Count`.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from servers.loopback import serving
from servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.loopback import Exchange

KINDS = {"helm": 0, "olm": 3, "container": 12, "kubewarden": 13}
_PREFIX = "/api/v1/packages/"
_JSON = {"Content-Type": "application/json"}


@dataclass
class ArtifactHub:
    """The catalogue. `packages` are whole packages, as their own paths give them.

    `broken` are the statuses of the next answers, in turn. What was asked is in `asked`, with the
    header fields that came along in `fields`.
    """

    url: str = ""
    packages: list[dict[str, Any]] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    fields: list[dict[str, str]] = field(default_factory=list)

    @property
    def host(self) -> str:
        """Its `host:port`."""
        return urlsplit(self.url).netloc

    def add(self, name: str, version: str = "1.0.0", kind: str = "helm", **more: Any) -> None:
        """Add a package of the organization `acme`, from its repository `charts`."""
        repository = {
            "repository_id": "486f6d4c-9f66-11eb-a8b3-0242ac130003",
            "name": "charts",
            "display_name": "Charts",
            "url": "https://charts.example.com",
            "kind": KINDS.get(kind, 99),
            "organization_name": "acme",
            "organization_display_name": "Acme",
            "verified_publisher": True,
            "official": False,
        }
        package = {
            "package_id": "0d38123f-fb60-41f0-bd00-76fb331bf7ed",
            "name": name,
            "normalized_name": name,
            "version": version,
            "description": f"what {name} is",
            "stars": 3,
            "ts": 1700000000,
            "readme": "# a long text",
            "repository": repository | more.pop("repository", {}),
        }
        self.packages.append(package | more)

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        await exchange.discard_body()
        headers = {name.lower(): value for name, value in exchange.head.headers}
        self.asked.append(exchange.target)
        self.fields.append(headers)
        assert exchange.method == "GET"
        if self.broken:
            status = self.broken.pop(0)
            await exchange.answer(status, _JSON, json.dumps({"message": "broken"}).encode())
            return
        status, more, document = self._answer(exchange.target)
        await exchange.answer(status, {**_JSON, **more}, json.dumps(document).encode())

    def _answer(self, target: str) -> tuple[int, dict[str, str], Any]:
        parts = urlsplit(target)
        path = parts.path.removeprefix(_PREFIX)
        if path == "search":
            return self._search(parse_qs(parts.query))
        kind, repository, name, *version = map(unquote, path.split("/"))
        for package in self.packages:
            about = (package["repository"]["kind"], package["repository"]["name"])
            if (*about, package["normalized_name"]) == (KINDS[kind], repository, name):
                assert version in ([], [package["version"]])
                return 200, {}, package
        return 404, {}, {"message": "not found"}

    def _search(self, query: dict[str, list[str]]) -> tuple[int, dict[str, str], Any]:
        limit, offset = int(query["limit"][0]), int(query["offset"][0])
        assert limit <= 60, "it gives no more"
        words, kinds = query["ts_query_web"][0], {int(kind) for kind in query.get("kind", ())}
        found = [
            {
                n: v
                for n, v in each.items()
                if n not in ("containers_images", "content_url", "readme")
            }
            for each in self.packages
            if words in each["name"] and (not kinds or each["repository"]["kind"] in kinds)
        ]
        total = {"Pagination-Total-Count": str(len(found))}
        return 200, total, {"packages": found[offset : offset + limit]}


@contextmanager
def artifact_hub() -> Iterator[ArtifactHub]:
    """Run it until the block ends."""
    server = ArtifactHub()
    with serving(server.handle) as listener:
        server.url = f"http://{LOOPBACK}:{listener.port}"
        yield server
