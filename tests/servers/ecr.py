"""Amazon ECR: its API, for boto3, and its registry. There is none here: they stand in.

`EcrApi` speaks AWS's JSON protocol over HTTP. `EcrRegistry` stands in front of a real registry, and
does what ECR's users report of it: see `EcrRegistry` for what and where.
"""

from __future__ import annotations

import base64
import json
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from servers.faults import Answer, Fault, FaultProxy, ProxiedRequest
from servers.loopback import Cut, serving
from servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator

    from servers.loopback import Exchange
    from servers.wire import Head

ACCOUNT = "123456789012"
HOST = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com"
_KNOWN = (
    "CreateRepository",
    "DescribeRepositories",
    "DescribeRepositoryCreationTemplates",
    "GetAuthorizationToken",
)
_PAGE = 100


@dataclass
class EcrApi:
    """The repositories and templates of one account, and what was asked about them.

    `denied` are operations that the caller may not use; `caller` is the account that it is of.
    `broken` is the status and the code of all answers.
    """

    url: str = ""
    repositories: dict[str, dict[str, Any]] = field(default_factory=dict)
    templates: list[dict[str, Any]] = field(default_factory=list)
    username: str = "AWS"
    password: str = "a token of twelve hours"
    denied: set[str] = field(default_factory=set)
    broken: tuple[int, str] | None = None
    caller: str = ACCOUNT
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        headers = {name.lower(): value for name, value in exchange.head.headers}
        body = b"".join([piece async for piece in exchange.body])
        operation = headers["x-amz-target"].rpartition(".")[2]
        assert operation in _KNOWN
        assert ACCOUNT in body.decode() or operation in _KNOWN[2:]
        assert "/eu-central-1/ecr/" in headers["authorization"]
        asked = json.loads(body)
        self.asked.append((operation, asked))
        status, answer = self._answer(operation, asked)
        content = {"Content-Type": "application/x-amz-json-1.1"}
        await exchange.answer(status, content, json.dumps(answer).encode())

    def _answer(self, operation: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.broken is not None:
            return self.broken[0], {"__type": self.broken[1], "message": "try again"}
        if operation in self.denied:
            return 400, {"__type": "AccessDeniedException", "message": "not authorized"}
        if operation == "DescribeRepositoryCreationTemplates":
            return 200, {"registryId": self.caller, "repositoryCreationTemplates": self.templates}
        if operation == "GetAuthorizationToken":
            return 200, {"authorizationData": [self._token()]}
        if "repositoryNames" not in asked:
            return 200, self._page(int(asked.get("nextToken", 0)))
        names = asked["repositoryNames"]
        if any(name not in self.repositories for name in names):
            return 400, {"__type": "RepositoryNotFoundException", "message": "does not exist"}
        return 200, {"repositories": [self._repository(name) for name in names]}

    def _page(self, first: int) -> dict[str, Any]:
        names = sorted(self.repositories)
        some = [self._repository(name) for name in names[first : first + _PAGE]]
        more = {"nextToken": str(first + _PAGE)} if first + _PAGE < len(names) else {}
        return {"repositories": some, **more}

    def _repository(self, name: str) -> dict[str, Any]:
        return {"registryId": ACCOUNT, "repositoryName": name, **self.repositories[name]}

    def _token(self) -> dict[str, Any]:
        pair = f"{self.username}:{self.password}".encode()
        return {
            "authorizationToken": base64.b64encode(pair).decode(),
            "expiresAt": time.time() + 12 * 3600,
            "proxyEndpoint": f"https://{HOST}",
        }


class EcrRegistry(FaultProxy):
    """The registry, which has these `repositories`.

    - A piece is answered by 201, and with the range of the first one only; how far an upload is
      can't be asked (aws/containers-roadmap#2831, dotnet/sdk#33019).
    - A piece that isn't the last has at least 5 MiB (dotnet/sdk-container-builds#424).
    - An upload without a byte is refused (devcontainers/cli#814).
    - A layer is mounted only if a manifest of the other repository has it.
    - A push to a repository that isn't there is cut (aws/containers-roadmap#1970).
    """

    def __init__(self, upstream_host: str, repositories: Collection[str]) -> None:
        super().__init__(upstream_host)
        self.repositories = repositories
        self.layers: set[tuple[str, str]] = set()
        self.mounted: list[str] = []
        self._pieces: dict[str, list[int]] = {}

    async def handle(self, exchange: Exchange) -> None:
        """Do as ECR does, and pass everything else on."""
        found = _PATH.match(exchange.target)
        repository = found[1] if found else ""
        written = exchange.method not in ("GET", "HEAD")
        if written and repository not in self.repositories:
            await exchange.discard_body()
            self.requests.append(ProxiedRequest(exchange.method, exchange.target, {}, None))
            raise Cut
        if refused := self._refused(exchange, repository):
            self.add(Fault(refused, method=exchange.method, path=re.escape(exchange.target)))
            await exchange.discard_body()
        if exchange.method == "PUT" and "/manifests/" in exchange.target:
            exchange.body = self._noted(repository, exchange.body)
        if exchange.method == "POST" and "mount=" in exchange.target:
            self._mount(exchange)
        await super().handle(exchange)

    def answered(self, request: ProxiedRequest, head: Head) -> bytes:
        """Answer a piece as ECR does."""
        if request.method != "PATCH" or request.status != 202:
            return head.raw
        request.status = 201
        session = _session(request.path)
        first = self._pieces.get(session, [request.sent])[0]
        raw = head.raw.replace(b" 202 Accepted", b" 201 Created", 1)
        return re.sub(rb"(?i)\r\nrange: [^\r]*", f"\r\nRange: 0-{first - 1}".encode(), raw)

    def _refused(self, exchange: Exchange, repository: str) -> Answer | None:
        path = exchange.target.partition("?")[0]
        empty = exchange.target.startswith(f"/v2/{repository}/tags/list")
        if empty and not any(repository == pushed for pushed, _ in self.layers):
            there = repository in self.repositories
            return _EMPTY if there else _error(404, "NAME_UNKNOWN", _NO_REPOSITORY)
        session = _session(path)
        if not session:
            return None
        if exchange.method == "GET":
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        pieces = self._pieces.setdefault(session, [])
        size = exchange.head.length or 0
        if any(piece < _LEAST for piece in pieces[:-1] + (pieces[-1:] if size else [])):
            return _error(400, "BLOB_UPLOAD_INVALID", _TOO_SMALL)
        if exchange.method == "PUT" and not sum(pieces) + size:
            return _error(400, "BLOB_UPLOAD_INVALID", _NO_PARTS)
        if exchange.method == "PATCH":
            begins = (exchange.head.get("Content-Range") or "0").partition("-")[0]
            if int(begins) != sum(pieces):
                return _error(416, "BLOB_UPLOAD_INVALID", "invalid range")
            pieces.append(size)
        return None

    def _mount(self, exchange: Exchange) -> None:
        """Leave out of a request what ECR would take no notice of."""
        query = parse_qs(urlsplit(exchange.target).query)
        wanted = query["from"][0], query["mount"][0]
        if wanted in self.layers:
            self.mounted.append(query["mount"][0])
            return
        plain = exchange.target.partition("?")[0]
        exchange.head = replace(
            exchange.head,
            raw=exchange.head.raw.replace(exchange.target.encode(), plain.encode(), 1),
        )

    async def _noted(self, repository: str, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        read = b""
        async for piece in body:
            read += piece
            yield piece
        document = json.loads(read)
        entries = [*document.get("layers", ()), *filter(None, [document.get("config")])]
        self.layers |= {(repository, entry["digest"]) for entry in entries}
        self.layers.add((repository, ""))


_PATH = re.compile(r"/v2/(.+?)/(?:blobs|manifests|tags)/")
_LEAST = 5 * 1024 * 1024
_TOO_SMALL = "All layer parts except the last part should be at least 5MB"
_NO_PARTS = "The upload cannot be completed because it does not have any parts"
_NO_REPOSITORY = "The repository does not exist in the registry"
_JSON = {"Content-Type": "application/json; charset=utf-8"}
_EMPTY = Answer(200, _JSON, b'{"name":"","tags":[]}')


def _error(status: int, code: str, message: str) -> Answer:
    document = {"errors": [{"code": code, "message": message}]}
    return Answer(status, _JSON, json.dumps(document).encode())


def _session(path: str) -> str:
    """Return the upload session that a request is about, empty where it is about none."""
    return path.partition("?")[0].partition("/blobs/uploads/")[2]


@contextmanager
def ecr_registry(upstream_host: str, repositories: Collection[str]) -> Iterator[EcrRegistry]:
    """Run the registry in front of the one at `upstream_host`."""
    server = EcrRegistry(upstream_host, repositories)
    with serving(server.handle) as listener:
        server.attach(listener)
        yield server


@contextmanager
def ecr_api() -> Iterator[EcrApi]:
    """Run it until the block ends."""
    api = EcrApi()
    with serving(api.handle) as listener:
        api.url = f"http://{LOOPBACK}:{listener.port}"
        yield api
