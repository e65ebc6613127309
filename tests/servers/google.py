"""Google Artifact Registry: its API, Google's token server, and the registry itself.

None can be had here: they stand in. `Google` answers as the reference of the Artifact Registry API
(REST, v1) and RFC 7523 say; it checks the signature of what google-auth sends. `Gar` stands in
front of a real registry: it has no catalog, and takes no upload in pieces, nor anything below a
repository that isn't there.
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from servers.faults import Answer, FaultProxy, ProxiedRequest
from servers.loopback import serving
from servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.loopback import Exchange

PROJECT, LOCATION = "acme-shop", "europe-west3"
TOKEN = "an access token of one hour"
JSON = {"Content-Type": "application/json; charset=UTF-8"}
_ALL = f"/v1/projects/{PROJECT}/locations/{LOCATION}/repositories"
_ONE = re.compile(rf"{_ALL}/([^/]+)")
_PACKAGES = re.compile(rf"{_ALL}/([^/]+)/packages")
_OPERATION = re.compile(rf"/v1/projects/{PROJECT}/locations/{LOCATION}/operations/(.+)")
_WRITTEN = re.compile(rf"/v2/{PROJECT}/([^/]+)/")
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass
class Repository:
    """A repository for packages of one format, and the images that are in it."""

    images: list[str] = field(default_factory=list)
    format: str = "DOCKER"
    mode: str = "STANDARD_REPOSITORY"
    immutable_tags: bool = False
    may_look_into: bool = True


@dataclass
class Google:
    """The API and the token server. `asked` are method and path of each request to the API.

    A page of a list has `page` entries. What is made is there after so many looks as `takes` says,
    unless it `fails` with these words. `denied` answers everything of the API with 403.
    """

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    page: int = 2
    takes: int = 2
    fails: str = ""
    denied: bool = False
    circles: bool = False
    withdrawn: bool = False
    asked: list[str] = field(default_factory=list)
    assertions: list[dict[str, Any]] = field(default_factory=list)
    made: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @cached_property
    def _private(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    @property
    def host(self) -> str:
        """Its `host:port`."""
        return urlsplit(self.url).netloc

    def key(self, **changed: object) -> str:
        """Return the key of the service account, on one line."""
        pem = self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        document = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": f"mover@{PROJECT}.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{self.url}/token",
        }
        return json.dumps(document | changed)

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        body = b"".join([piece async for piece in exchange.body])
        if exchange.target == "/token":
            answer = self._token(parse_qs(body.decode()))
        elif exchange.head.get("Authorization") != f"Bearer {TOKEN}":
            answer = _error(401, "UNAUTHENTICATED", "Request had invalid credentials.")
        else:
            self.asked.append(f"{exchange.method} {exchange.target}")
            answer = self._api(exchange.method, exchange.target, body)
        await exchange.answer(answer.status, answer.headers, answer.body)

    def _token(self, form: dict[str, list[str]]) -> Answer:
        assert form["grant_type"] == [_GRANT]
        head, claims, signature = form["assertion"][0].split(".")
        self._private.public_key().verify(
            _decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        self.assertions.append(json.loads(_decoded(claims)))
        if self.withdrawn:
            said = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            return Answer(400, JSON, json.dumps(said).encode())
        return _answer({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})

    def _api(self, method: str, target: str, body: bytes) -> Answer:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.denied:
            return _error(403, "PERMISSION_DENIED", "Permission denied on resource.")
        if (method, parts.path) == ("POST", _ALL):
            return self._make(query["repositoryId"], json.loads(body))
        if parts.path == _ALL:
            every = [_named(name, each) for name, each in self.repositories.items()]
            return self._listed("repositories", every, query)
        if found := _OPERATION.fullmatch(parts.path):
            return self._operation(found[1])
        if found := _PACKAGES.fullmatch(parts.path):
            return self._packages(found[1], query)
        found = _ONE.fullmatch(parts.path)
        if found and found[1] in self.repositories:
            return _answer(_named(found[1], self.repositories[found[1]]))
        return _error(404, "NOT_FOUND", "Requested entity was not found.")

    def _packages(self, name: str, query: dict[str, str]) -> Answer:
        repository = self.repositories[name]
        if not repository.may_look_into:
            return _error(403, "PERMISSION_DENIED", "Permission denied on resource.")
        path = f"{_ALL.removeprefix('/v1/')}/{name}/packages"
        packages = [{"name": f"{path}/{quote(each, safe='')}"} for each in repository.images]
        return self._listed("packages", packages, query)

    def _listed(self, what: str, entries: list[dict[str, Any]], query: dict[str, str]) -> Answer:
        assert int(query["pageSize"]) <= 1000, "the API gives no more"
        first = int(query.get("pageToken", 0))
        some = entries[first : first + self.page]
        answer: dict[str, Any] = {what: some} if some else {}
        if first + self.page < len(entries):
            answer["nextPageToken"] = "0" if self.circles and first else str(first + self.page)
        return _answer(answer)

    def _make(self, name: str, asked: dict[str, Any]) -> Answer:
        if name in self.repositories:
            return _error(409, "ALREADY_EXISTS", "the repository already exists")
        self.made.append((name, asked))
        return self._operation(f"{name}-0")

    def _operation(self, which: str) -> Answer:
        """Answer how far a creation is; its name says how often it was looked at."""
        name, _, looks = which.rpartition("-")
        more = min(int(looks) + 1, self.takes)
        answer: dict[str, Any] = {"done": False}
        if int(looks) >= self.takes:
            answer = {"done": True}
            if self.fails:
                answer["error"] = {"code": 9, "message": self.fails}
            else:
                self.repositories.setdefault(name, Repository())
        path = f"projects/{PROJECT}/locations/{LOCATION}/operations/{name}-{more}"
        return _answer({"name": path, **answer})


class Gar(FaultProxy):
    """The registry, which knows the repositories of `google`."""

    def __init__(self, upstream_host: str, google: Google) -> None:
        super().__init__(upstream_host)
        self._google = google

    async def handle(self, exchange: Exchange) -> None:
        """Refuse what the service refuses, and pass everything else on."""
        refused = self._refused(exchange)
        if refused is None:
            await super().handle(exchange)
            return
        await exchange.discard_body()
        self.requests.append(
            ProxiedRequest(exchange.method, exchange.target, {}, None, refused.status)
        )
        await exchange.answer(refused.status, refused.headers, refused.body)

    def _refused(self, exchange: Exchange) -> Answer | None:
        if exchange.target.startswith("/v2/_catalog"):
            return _registry_error(404, "UNSUPPORTED", "The catalog is not supported.")
        if exchange.method in ("GET", "HEAD"):
            return None
        if exchange.method == "PATCH":
            return _registry_error(400, "UNSUPPORTED", "Chunked uploads are not supported.")
        written = _WRITTEN.match(exchange.target)
        if written is None:
            return _registry_error(400, "NAME_INVALID", "Missing image name.")
        if written[1] not in self._google.repositories:
            message = f'Repository "{written[1]}" not found'
            return _registry_error(404, "NAME_UNKNOWN", message)
        return None


def _named(name: str, repository: Repository) -> dict[str, Any]:
    more = {"dockerConfig": {"immutableTags": True}} if repository.immutable_tags else {}
    path = f"{_ALL.removeprefix('/v1/')}/{name}"
    return {"name": path, "format": repository.format, "mode": repository.mode, **more}


def _answer(document: dict[str, Any]) -> Answer:
    return Answer(200, JSON, json.dumps(document).encode())


def _error(status: int, code: str, message: str) -> Answer:
    document = {"error": {"code": status, "message": message, "status": code}}
    return Answer(status, JSON, json.dumps(document).encode())


def _registry_error(status: int, code: str, message: str) -> Answer:
    document = {"errors": [{"code": code, "message": message}]}
    return Answer(status, JSON, json.dumps(document).encode())


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


@contextmanager
def google_api() -> Iterator[Google]:
    """Run the API and the token server until the block ends."""
    server = Google()
    with serving(server.handle) as listener:
        server.url = f"http://{LOOPBACK}:{listener.port}"
        yield server


@contextmanager
def gar(upstream_host: str, google: Google) -> Iterator[Gar]:
    """Run the registry in front of the one at `upstream_host`."""
    server = Gar(upstream_host, google)
    with serving(server.handle) as listener:
        server.attach(listener)
        yield server
