"""JFrog Artifactory: its registry, and its API. It stands in.

Artifactory itself can't be had here. It answers as its REST API is documented, and as Harbor's
client of it wants it, in front of a real registry that keeps the images. Writes go to local keys
only, or to virtual ones with something behind them, and a layer is refused in one request, with
what words isn't known. Its host is that of all keys (repository path method), or stands for one
(subdomain method).
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from servers.loopback import serving
from servers.token_proxy import Asked, TokenProxy, document, error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servers.faults import Answer, ProxiedRequest
    from servers.loopback import Exchange
    from servers.wire import Head

_MANIFEST = re.compile(r"/v2/(.+)/manifests/[^/]+")
_UPLOAD = re.compile(r"/v2/.+/blobs/uploads/([^/?]+)")
_CATALOG = re.compile(r"/artifactory/api/(docker|oci)/([^/]+)/v2/_catalog")


@dataclass
class Key:
    """A repository key. `behind` is where a push to a virtual one goes, None where it isn't shown.

    With `closed` its catalog isn't shown to the account.
    """

    type: str = "LOCAL"
    package: str = "docker"
    behind: str | None = None
    closed: bool = False
    images: list[str] = field(default_factory=list)


class Artifactory(TokenProxy):
    """The service. `keys` are by name; they are made for who `may_create`, and where it `is_pro`.

    `only` is the key that its host stands for, where it stands for one; names have no key then.
    Without `knows_oci` it is an older one. `closed` is a status that its API has for everything,
    and with `circles` its catalogs never end.
    """

    def __init__(self, upstream_host: str, users: Mapping[str, str], only: str = "") -> None:
        super().__init__(upstream_host, users)
        self.only = only
        self.keys: dict[str, Key] = {}
        self.may_create = True
        self.is_pro = True
        self.knows_oci = True
        self.closed = 0
        self.circles = False
        self.created: list[tuple[str, dict[str, Any]]] = []
        self._begun: set[str] = set()

    @property
    def realm(self) -> str:  # type: ignore[override]
        """Its path names the key that the host stands for."""
        return f"/artifactory/api/docker/{self.only or 'null'}/v2/token"

    @property
    def service(self) -> str:  # type: ignore[override]
        """It names itself by its host."""
        return self.host

    def instead(self, exchange: Exchange, user: str, repository: str, kind: str) -> Answer | None:
        """Refuse what is written to where nothing is taken, and layers in one request."""
        if self.only and urlsplit(exchange.target).path == "/v2/_catalog":
            return document({"repositories": sorted(self.keys[self.only].images)})
        if not repository:
            return None
        key = self.keys.get(self.only or repository.partition("/")[0])
        writes = exchange.method not in ("GET", "HEAD")
        if key is None:
            return error(404, "NAME_UNKNOWN", "Repository key not found")
        if writes and (key.type == "REMOTE" or (key.type == "VIRTUAL" and not key.behind)):
            return error(403, "DENIED", "Not enough permissions to deploy")
        if found := _UPLOAD.fullmatch(urlsplit(exchange.target).path):
            if exchange.method == "PATCH":
                self._begun.add(found[1])
            elif exchange.method == "PUT" and found[1] not in self._begun:
                return error(400, "BLOB_UPLOAD_INVALID", "upload is empty")
        return None

    def answered(self, request: ProxiedRequest, head: Head) -> bytes:
        """Take note of what is pushed."""
        found = _MANIFEST.fullmatch(request.path.partition("?")[0])
        if found and request.method == "PUT" and head.start[1] == "201":
            name, _, image = found[1].partition("/")
            images = self.keys[self.only or name].images
            image = found[1] if self.only else image
            if image not in images:
                images.append(image)
        return head.raw

    def called(self, asked: Asked) -> Answer:
        """Answer as the REST API, which takes a password."""
        if self.closed or not self.user(asked.sign_in):
            return _refused(self.closed or 401, "Authentication is required")
        if found := _CATALOG.fullmatch(asked.path):
            return self._catalog(unquote(found[2]), asked)
        name = unquote(asked.path.removeprefix("/artifactory/api/repositories").strip("/"))
        if asked.method == "PUT":
            return self._create(name, json.loads(asked.body))
        if not name:
            return self._list(asked.query["packageType"])
        if name not in self.keys:
            return _refused(400, "Bad Request")
        key = self.keys[name]
        shown = {} if key.behind is None else {"defaultDeploymentRepo": key.behind}
        return document({"key": name, "rclass": key.type.lower(), **shown})

    def _list(self, package: str) -> Answer:
        if package == "oci" and not self.knows_oci:
            return _refused(400, "Bad package type")
        return document(
            [
                {"key": name, "type": key.type, "packageType": key.package.capitalize()}
                for name, key in self.keys.items()
                if key.package == package
            ]
        )

    def _catalog(self, name: str, asked: Asked) -> Answer:
        key = self.keys[name]
        if key.closed:
            return _refused(403, "Forbidden")
        size, last = int(asked.query["n"]), asked.query.get("last", "")
        rest = [image for image in sorted(key.images) if image > last]
        headers = {}
        if size < len(rest) or self.circles:
            after = rest[:size][-1] if rest else last
            headers["Link"] = f'</v2/_catalog?last={after}&n={size}>; rel="next"'
        some = rest[:size] or ([last] if self.circles else [])
        return document({"repositories": some}, headers=headers)

    def _create(self, name: str, settings: dict[str, Any]) -> Answer:
        if not self.is_pro:
            return _refused(400, "This REST API is available only in Artifactory Pro")
        if not self.may_create:
            return _refused(403, "Forbidden")
        if name in self.keys:
            return _refused(400, f"Case insensitive repository key {name} already exists")
        self.created.append((name, settings))
        self.keys[name] = Key(settings["rclass"].upper(), settings["packageType"])
        return document("Successfully created repository")


def _refused(status: int, words: str) -> Answer:
    return document({"errors": [{"status": status, "message": words}]}, status)


@contextmanager
def artifactory(
    upstream_host: str, users: Mapping[str, str], only: str = ""
) -> Iterator[Artifactory]:
    """Run it in front of the plain-http registry at `upstream_host` (`host:port`)."""
    server = Artifactory(upstream_host, users, only)
    with serving(server.handle) as listener:
        server.attach(listener)
        yield server
