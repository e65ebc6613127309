"""Azure Container Registry, and the directory that its logins come from. Neither can be had here.

`Acr` stands in front of a real registry with tokens. It exchanges a token of the directory for a
refresh token, and that for tokens of the registry, as docs/AAD-OAuth.md of Azure/acr says, and
refuses bodies of the size that the service refuses. `Directory` answers as the endpoint of a
managed identity in an App Service, which azure-identity asks by plain http.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx

from servers.faults import Answer, FaultProxy, ProxiedRequest
from servers.loopback import serving
from servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.loopback import Exchange
    from servers.token_server import TokenServer
    from servers.wire import Head

NOBODY = "00000000-0000-0000-0000-000000000000"
JSON = {"Content-Type": "application/json; charset=utf-8"}
_REALM = re.compile(rb'realm="[^"]*"')
_MEGABYTE = 1_000_000


@dataclass
class Directory:
    """A managed identity. `asked` are the resources that tokens were asked for.

    `identity` is what shows that who asks is on the machine; `release`, if set, holds every answer
    until it is set itself.
    """

    url: str = ""
    identity: str = "the secret of this machine"
    token: str = "a token of the directory"
    status: int = 200
    release: threading.Event | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which azure-identity finds it."""
        return {"IDENTITY_ENDPOINT": f"{self.url}/msi/token", "IDENTITY_HEADER": self.identity}

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        await exchange.discard_body()
        query = parse_qs(urlsplit(exchange.target).query)
        self.asked += query["resource"]
        while self.release is not None and not self.release.is_set():
            await asyncio.sleep(0.005)
        if exchange.head.get("X-IDENTITY-HEADER") != self.identity or self.status != 200:
            status = max(self.status, 400)
            await exchange.answer(status, JSON, b'{"message": "no such identity"}')
            return
        answer = {
            "access_token": self.token,
            "expires_on": str(int(time.time()) + 86400),
            "resource": query["resource"][0],
            "token_type": "Bearer",
        }
        await exchange.answer(200, JSON, json.dumps(answer).encode())


class Acr(FaultProxy):
    """The registry. `exchanged` are the forms that were exchanged, without the token in them.

    It takes the directory's `token`, if that `may_sign_in`, and no body above `most` bytes. What it
    hands out lives for `life` seconds.
    """

    def __init__(self, upstream_host: str, tokens: TokenServer, token: str) -> None:
        super().__init__(upstream_host)
        self.token = token
        self.may_sign_in = True
        self.most = 20 * _MEGABYTE
        self.life = 3 * 3600
        self.exchanged: list[dict[str, str]] = []
        self._tokens = tokens

    @property
    def refresh_token(self) -> str:
        """What was handed out last."""
        return self._tokens.users.get(NOBODY, "")

    async def handle(self, exchange: Exchange) -> None:
        """Answer what is about tokens, refuse what is too large, and pass everything else on."""
        path = urlsplit(exchange.target).path
        if path == "/oauth2/exchange":
            await self._answer(exchange, await self._exchange(exchange))
        elif path == "/oauth2/token":
            await self._answer(exchange, await self._token(exchange))
        elif (exchange.head.length or 0) > self.most:
            await exchange.discard_body()
            await self._answer(exchange, Answer(413, {"Content-Type": "text/html"}, b"<html>"))
        else:
            await super().handle(exchange)

    def answered(self, request: ProxiedRequest, head: Head) -> bytes:
        """Name itself as the token server."""
        return _REALM.sub(f'realm="{self.url}/oauth2/token"'.encode(), head.raw)

    async def _answer(self, exchange: Exchange, answer: Answer) -> None:
        headers = {name.lower(): value for name, value in exchange.head.headers}
        scheme = headers.pop("authorization", "").partition(" ")[0] or None
        path = exchange.target.partition("?")[0]
        self.requests.append(ProxiedRequest(exchange.method, path, headers, scheme, answer.status))
        await exchange.answer(answer.status, answer.headers, answer.body)

    async def _exchange(self, exchange: Exchange) -> Answer:
        body = b"".join([piece async for piece in exchange.body]).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        token = form.pop("access_token", "")
        self.exchanged.append(form)
        if exchange.method != "POST" or token != self.token or not self.may_sign_in:
            return _error(401, "UNAUTHORIZED", "authentication required")
        now = int(time.time())
        claims = {"jti": secrets.token_hex(8), "iat": now, "nbf": now, "exp": now + self.life}
        parts = ({"alg": "RS256"}, claims | {"grant_type": "refresh_token"})
        refresh = ".".join(
            [*(_base64url(json.dumps(part).encode()) for part in parts), "signature"]
        )
        self._tokens.users[NOBODY] = refresh
        return Answer(200, JSON, json.dumps({"refresh_token": refresh}).encode())

    async def _token(self, exchange: Exchange) -> Answer:
        """Ask the tests' own token server, and leave of its answer what the service gives."""
        body = b"".join([piece async for piece in exchange.body])
        wanted = ("authorization", "content-type")
        headers = {n: v for n, v in exchange.head.headers if n.lower() in wanted}
        query = urlsplit(exchange.target).query
        async with httpx.AsyncClient(trust_env=False) as client:
            given = await client.request(
                exchange.method, f"{self._tokens.realm}?{query}", content=body, headers=headers
            )
        if given.is_error:
            return _error(401, "UNAUTHORIZED", "authentication required")
        token = {"access_token": given.json()["access_token"]}
        return Answer(200, JSON, json.dumps(token).encode())


def _error(status: int, code: str, message: str) -> Answer:
    document = {"errors": [{"code": code, "message": message}]}
    return Answer(status, JSON, json.dumps(document).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def directory() -> Iterator[Directory]:
    """Run a directory until the block ends."""
    server = Directory()
    with serving(server.handle) as listener:
        server.url = f"http://{LOOPBACK}:{listener.port}"
        yield server


@contextmanager
def acr(upstream_host: str, tokens: TokenServer, token: str) -> Iterator[Acr]:
    """Run it in front of the registry at `upstream_host`, whose tokens are those of `tokens`."""
    server = Acr(upstream_host, tokens, token)
    with serving(server.handle) as listener:
        server.attach(listener)
        yield server
