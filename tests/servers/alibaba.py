"""Alibaba Cloud's registries and the API of its cloud. There is neither here: they stand in.

The API answers in both its styles, 2016-06-07 (ROA) and 2018-12-01 (RPC), as its documentation and
the vendor's own packages for Python (`alibabacloud_cr20160607`, `alibabacloud_cr20181201`) have it;
what isn't there is named as the provider of Terraform reads it. It computes every signature itself,
of what has really come, takes no nonce twice and no time that is a quarter of an hour off. The
registry is a real one behind a proxy, which lets nobody write where nothing was made.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from servers.faults import FaultProxy
from servers.loopback import serving
from servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servers.loopback import Exchange

KEY_ID = "LTAI-the-key-of-the-tests"
KEY_SECRET = "the secret of that key"
_MINUTES = 15 * 60
_JSON = {"Content-Type": "application/json;charset=utf-8"}
_SCOPED = re.compile(r"/v2/(.+)/(?:blobs|manifests)/")

Answered = tuple[int, Any]


class Refused(Exception):
    """What the API says no with: an HTTP status and a code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclass
class Namespace:
    """A namespace: its repositories with their types, and what a push makes in it."""

    repositories: dict[str, str] = field(default_factory=dict)
    auto_create: bool = True
    visibility: str = "PRIVATE"


@dataclass
class Instance:
    """An instance of the Enterprise Edition, with the domains of the operator's own."""

    name: str
    domains: list[str] = field(default_factory=list)
    namespaces: dict[str, Namespace] = field(default_factory=dict)


@dataclass
class AlibabaApi:
    """The API of a region, for the account with `KEY_ID` and `KEY_SECRET`.

    `namespaces` are those of the Personal Edition, `instances` of the other, by their numbers.
    `refuses` are, by action, the refusals with which its next calls are answered. The lists in
    `short` lack their last entry. What was asked is in `asked`, by the names of the actions.
    """

    url: str = ""
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    refuses: dict[str, list[Refused]] = field(default_factory=dict)
    login: tuple[str, str] = ("cr_temp_user", "a token of an hour")
    lives_seconds: float = 3600
    short: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)

    @property
    def host(self) -> str:
        """Its `host:port`."""
        return urlsplit(self.url).netloc

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        headers = {name.lower(): value for name, value in exchange.head.headers}
        body = b"".join([piece async for piece in exchange.body])
        action = headers.get("x-acs-action", "")
        rpc = headers.get("x-acs-version") == "2018-12-01"
        try:
            self._check(exchange.method, exchange.target, headers, body)
            self.asked.append(action)
            if self.refuses.get(action):
                raise self.refuses[action].pop(0)
            status, document = self._answer(exchange, action, json.loads(body or b"{}"), rpc=rpc)
        except Refused as error:
            status, document = self._refusal(error, rpc=rpc)
        await exchange.answer(status, _JSON, json.dumps(document).encode())

    def _refusal(self, error: Refused, *, rpc: bool) -> Answered:
        if rpc and error.status == 200:
            return 200, {"IsSuccess": False, "Code": error.code, "RequestId": "1"}
        said = {"Code": error.code, "Message": "as the test wants it", "RequestId": "1"}
        return error.status, said if rpc else {n[0].lower() + n[1:]: v for n, v in said.items()}

    def _check(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        """Compute the signature of a request anew, and refuse it as the service does."""
        found = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=(.+),SignedHeaders=(.+),Signature=([0-9a-f]{64})",
            headers.get("authorization", ""),
        )
        if found is None:
            raise Refused(400, "IncompleteSignature")
        if found[1] != KEY_ID:
            raise Refused(404, "InvalidAccessKeyId.NotFound")
        names = found[2].split(";")
        wanted = {"host", *(name for name in headers if name.startswith("x-acs-"))}
        assert wanted <= set(names), "all of these have to be signed"
        assert names == sorted(names)
        assert headers["x-acs-content-sha256"] == hashlib.sha256(body).hexdigest()
        path, _, query = target.partition("?")
        pairs = sorted(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
        lines = [f"{name}:{headers[name].strip()}\n" for name in names]
        canonical = "\n".join(
            [
                method,
                quote(unquote(path), safe="/-_.~"),
                "&".join(f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}" for n, v in pairs),
                "".join(lines),
                found[2],
                headers["x-acs-content-sha256"],
            ]
        )
        text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        right = hmac.new(KEY_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, found[3]):
            raise Refused(400, "SignatureDoesNotMatch")
        at = datetime.fromisoformat(headers["x-acs-date"]).timestamp()
        if abs(at - time.time()) > _MINUTES:
            raise Refused(400, "InvalidTimeStamp.Expired")
        assert headers["x-acs-signature-nonce"] not in self.nonces, "a nonce is used once"
        self.nonces.add(headers["x-acs-signature-nonce"])

    def _answer(self, exchange: Exchange, action: str, body: Any, *, rpc: bool) -> Answered:
        parts = urlsplit(exchange.target)
        query = dict(parse_qsl(parts.query))
        if rpc:
            assert (exchange.method, parts.path) == ("POST", "/")
            return 200, {"IsSuccess": True, "Code": "success", **self._enterprise(action, query)}
        path = [unquote(part) for part in parts.path.strip("/").split("/")]
        return 200, {"data": self._personal(exchange.method, action, path, query, body)}

    def _personal(
        self, method: str, action: str, path: list[str], query: Mapping[str, str], body: Any
    ) -> Any:
        match method, action, path:
            case "GET", "GetNamespaceList", ["namespace"]:
                some = [
                    {"namespace": name, "namespaceStatus": "NORMAL"} for name in self.namespaces
                ]
                return {"namespaces": some}
            case "GET", "GetNamespace", ["namespace", name]:
                found = _of(self.namespaces, name, "NAMESPACE_NOT_EXIST")
                told = {"autoCreate": found.auto_create, "defaultVisibility": found.visibility}
                return {"namespace": {"namespace": name, **told}}
            case "PUT", "CreateNamespace", ["namespace"]:
                _add(self.namespaces, body["Namespace"]["Namespace"], Namespace(), "NAMESPACE")
                return {"namespaceId": 1}
            case "POST", "UpdateNamespace", ["namespace", name]:
                found = _of(self.namespaces, name, "NAMESPACE_NOT_EXIST")
                found.auto_create = body["Namespace"]["AutoCreate"]
                found.visibility = body["Namespace"]["DefaultVisibility"]
                return {}
            case "GET", "GetRepoListByNamespace", ["repos", name]:
                names = list(_of(self.namespaces, name, "NAMESPACE_NOT_EXIST").repositories)
                some, page, size = self._some(action, names, query["Page"], query["PageSize"])
                repos = [{"repoNamespace": name, "repoName": each, "repoId": 1} for each in some]
                return {"total": len(names), "page": page, "pageSize": size, "repos": repos}
            case "GET", "GetRepo", ["repos", namespace, name]:
                found = _of(self.namespaces, namespace, "NAMESPACE_NOT_EXIST")
                return {"repo": {"repoType": _of(found.repositories, name, "REPO_NOT_EXIST")}}
            case "PUT", "CreateRepo", ["repos"]:
                repository = body["Repo"]
                assert 1 <= len(repository["Summary"]) <= 100
                found = _of(self.namespaces, repository["RepoNamespace"], "NAMESPACE_NOT_EXIST")
                _add(found.repositories, repository["RepoName"], repository["RepoType"], "REPO")
                return {"repoId": 1}
            case "GET", "GetAuthorizationToken", ["tokens"]:
                username, token = self.login
                names = {"tempUserName": username, "authorizationToken": token}
                return {**names, "expireDate": self._end()}
        raise AssertionError(f"{method} {action} {path} is no call of this API")

    def _enterprise(self, action: str, query: Mapping[str, str]) -> Any:
        if action == "ListInstance":
            told = [
                {"InstanceId": number, "InstanceName": each.name, "InstanceStatus": "RUNNING"}
                for number, each in self.instances.items()
            ]
            return self._listed(action, "Instances", told, query)
        instance = _of(self.instances, query["InstanceId"], "INSTANCE_NOT_EXIST")
        match action:
            case "GetInstanceEndpoint":
                assert (query["EndpointType"], query["ModuleName"]) == ("internet", "Registry")
                domains = [{"Type": "USER", "Domain": each} for each in instance.domains]
                return {"Enable": True, "Domains": domains}
            case "ListNamespace":
                told = [{"NamespaceName": name} for name in instance.namespaces]
                return self._listed(action, "Namespaces", told, query)
            case "GetNamespace":
                name = query["NamespaceName"]
                found = _of(instance.namespaces, name, "NAMESPACE_NOT_EXIST", 200)
                return {"NamespaceName": name, "AutoCreateRepo": found.auto_create}
            case "CreateNamespace":
                made = Namespace({}, query["AutoCreateRepo"] == "true", query["DefaultRepoType"])
                _add(instance.namespaces, query["NamespaceName"], made, "NAMESPACE", 200)
                return {}
            case "ListRepository":
                name = query["RepoNamespaceName"]
                names = _of(instance.namespaces, name, "NAMESPACE_NOT_EXIST", 200).repositories
                told = [{"RepoNamespaceName": name, "RepoName": each} for each in names]
                return self._listed(action, "Repositories", told, query)
            case "GetRepository":
                found = _of(instance.namespaces, query["RepoNamespaceName"], "NAMESPACE_NOT_EXIST")
                kind = _of(found.repositories, query["RepoName"], "REPO_NOT_EXIST", 200)
                return {"RepoName": query["RepoName"], "RepoType": kind}
            case "CreateRepository":
                found = _of(instance.namespaces, query["RepoNamespaceName"], "NAMESPACE_NOT_EXIST")
                _add(found.repositories, query["RepoName"], query["RepoType"], "REPO", 200)
                return {"RepoId": "crr-1"}
            case "GetAuthorizationToken":
                username, token = self.login
                names = {"TempUsername": username, "AuthorizationToken": token}
                return {**names, "ExpireTime": self._end()}
        raise AssertionError(f"{action} is no call of this API")

    def _end(self) -> int:
        return int((time.time() + self.lives_seconds) * 1000)

    def _listed(
        self, action: str, field: str, entries: list[Any], query: Mapping[str, str]
    ) -> dict[str, Any]:
        some, page, size = self._some(action, entries, query["PageNo"], query["PageSize"])
        numbers = {"PageNo": page, "PageSize": size, "TotalCount": str(len(entries))}
        return {field: some, **numbers}

    def _some(
        self, action: str, entries: list[Any], page: str, size: str
    ) -> tuple[list[Any], int, int]:
        assert int(size) <= 100, "the API gives no more"
        first = (int(page) - 1) * int(size)
        last = min(first + int(size), len(entries) - (action in self.short))
        return entries[first:last], int(page), int(size)


class AlibabaRegistry(FaultProxy):
    """The registry of one edition or instance: writes go to what is in `namespaces`.

    A push makes a repository where the namespace has it so. Everything else is refused, as the
    token server does it there: by rights that aren't given.
    """

    def __init__(self, upstream_host: str, namespaces: dict[str, Namespace]) -> None:
        super().__init__(upstream_host)
        self.namespaces = namespaces

    async def handle(self, exchange: Exchange) -> None:
        """Refuse a write to what isn't there, and pass everything else on."""
        if exchange.method in ("GET", "HEAD") or self._takes(exchange.target):
            await super().handle(exchange)
            return
        await exchange.discard_body()
        denied = {"code": "DENIED", "message": "requested access to the resource is denied"}
        await exchange.answer(403, _JSON, json.dumps({"errors": [denied]}).encode())

    def _takes(self, target: str) -> bool:
        found = _SCOPED.match(target)
        namespace, _, name = (found[1] if found else "").partition("/")
        there = self.namespaces.get(namespace)
        if there is None or (name not in there.repositories and not there.auto_create):
            return False
        there.repositories.setdefault(name, there.visibility)
        return True


def _of(some: Mapping[str, Any], name: str, code: str, status: int = 404) -> Any:
    if name not in some:
        raise Refused(status, code)
    return some[name]


def _add(some: dict[str, Any], name: str, what: Any, kind: str, status: int = 409) -> None:
    if name in some:
        raise Refused(status, f"{kind}_ALREADY_EXIST")
    some[name] = what


@contextmanager
def alibaba_api() -> Iterator[AlibabaApi]:
    """Run the API until the block ends."""
    api = AlibabaApi()
    with serving(api.handle) as listener:
        api.url = f"http://{LOOPBACK}:{listener.port}"
        yield api


@contextmanager
def alibaba_registry(
    upstream_host: str, namespaces: dict[str, Namespace]
) -> Iterator[AlibabaRegistry]:
    """Run a registry in front of the plain-http one at `upstream_host` (`host:port`)."""
    server = AlibabaRegistry(upstream_host, namespaces)
    with serving(server.handle) as listener:
        server.attach(listener)
        yield server
