"""Huawei Cloud's SWR: its API in front of a real registry. SWR can't be had here: it stands in.

Under `/dockyard` it answers as Harbor's adapter for SWR asks and reads, in pages as the reference
of SWR's API has them. It signs in who has the long-term login key of its access key, which it
computes itself. An OCI index is refused with the words that BuildKit's users are shown.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from servers.docker_registry import docker_registry
from servers.faults import FaultProxy
from servers.images import OCI_INDEX
from servers.loopback import serving
from servers.token_server import token_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.loopback import Exchange

REGION = "cn-north-4"
ACCESS_KEY = "EXAMPLEACCESSKEY0001"
SECRET_KEY = "the secret key of the tests"
USERNAME = f"{REGION}@{ACCESS_KEY}"
KEY = hmac.digest(SECRET_KEY.encode(), ACCESS_KEY.encode(), hashlib.sha256).hex()

_JSON = {"Content-Type": "application/json; charset=utf-8"}
_SCOPED = re.compile(r"/v2/(.+)/(?:blobs|manifests)/")


class Swr(FaultProxy):
    """SWR. `organizations` are the names of the repositories in each, without it.

    One in `hidden` is there, and isn't in the list of those that are visible. With `unpaged` a list
    comes whole, whatever is asked for; `short` keeps so many repositories back. What was asked of
    the API is in `calls`.
    """

    def __init__(self, upstream: DockerRegistry) -> None:
        super().__init__(upstream.host)
        self.behind = upstream
        self.organizations: dict[str, list[str]] = {}
        self.hidden: set[str] = set()
        self.unpaged = False
        self.short = 0
        self.calls: list[str] = []

    async def handle(self, exchange: Exchange) -> None:
        """Answer what is the API's, refuse what SWR refuses, and pass everything else on."""
        if exchange.target.startswith("/dockyard/"):
            headers = {name.lower(): value for name, value in exchange.head.headers}
            body = b"".join([piece async for piece in exchange.body])
            self.calls.append(f"{exchange.method} {exchange.target}")
            status, document = self._answer(exchange, headers.get("authorization", ""), body)
            await exchange.answer(status, _JSON, json.dumps(document).encode())
            return
        if refused := self._refusal(exchange):
            await exchange.discard_body()
            status, message = refused
            told = {"errors": [{"code": "UNKNOWN", "message": message}]}
            await exchange.answer(status, _JSON, json.dumps(told).encode())
            return
        await super().handle(exchange)

    def _refusal(self, exchange: Exchange) -> tuple[int, str] | None:
        if exchange.method in ("GET", "HEAD"):
            return None
        found = _SCOPED.match(exchange.target)
        organization, _, name = (found[1] if found else "").partition("/")
        if organization not in self.organizations:
            return 403, f"You do not have the permission to push to {organization}"
        types = [v for n, v in exchange.head.headers if n.lower() == "content-type"]
        if exchange.method == "PUT" and OCI_INDEX in types:
            return 400, "Invalid image, fail to parse 'manifest.json'"
        if name not in self.organizations[organization]:
            self.organizations[organization].append(name)
        return None

    def _answer(self, exchange: Exchange, authorization: str, body: bytes) -> tuple[int, Any]:
        login = base64.b64encode(f"{USERNAME}:{KEY}".encode()).decode()
        if authorization != f"Basic {login}":
            return 401, {"errors": [{"errorCode": "SVCSTG.SWR.4010000"}]}
        parts = urlsplit(exchange.target)
        match exchange.method, parts.path.removeprefix("/dockyard/v2/").split("/"):
            case "GET", ["visible", "namespaces"]:
                some = [name for name in self.organizations if name not in self.hidden]
                return 200, {"namespaces": [{"id": 1, "name": name, "auth": 7} for name in some]}
            case "GET", ["namespaces", name]:
                if unquote(name) not in self.organizations:
                    return 404, {"errors": [{"errorCode": "SVCSTG.SWR.4040000"}]}
                return 200, {"id": 1, "name": unquote(name), "auth": 7}
            case "POST", ["namespaces"]:
                name = json.loads(body)["namespace"]
                if name in self.organizations:
                    return 409, {"errors": [{"errorCode": "SVCSTG.SWR.4090000"}]}
                self.organizations[name] = []
                return 201, {}
            case "GET", ["repositories"]:
                return 200, self._repositories(parse_qs(parts.query)["filter"][0])
        raise AssertionError(f"{exchange.method} {exchange.target} is no call of this API")

    def _repositories(self, text: str) -> list[dict[str, Any]]:
        wanted = dict(part.split("::") for part in text.split("|"))
        assert wanted["center"] == "self"
        names = [(group, name) for group, some in self.organizations.items() for name in some]
        told = [
            {"namespace": group, "name": name, "is_public": False, "total_range": len(names)}
            for group, name in names
        ]
        told = told[: len(told) - self.short]
        if self.unpaged:
            return told
        first, size = int(wanted["offset"]), int(wanted["limit"])
        return told[first : first + size]


@contextmanager
def swr(folder: Path) -> Iterator[Swr]:
    """Run it until the block ends, before a registry with tokens whose files are in `folder`."""
    with ExitStack() as stack:
        tokens = stack.enter_context(token_server(folder / "tokens", {USERNAME: KEY}))
        upstream = stack.enter_context(
            docker_registry(folder / "registry", auth="token", token_server=tokens)
        )
        server = Swr(upstream)
        server.attach(stack.enter_context(serving(server.handle)))
        yield server
