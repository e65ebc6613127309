"""A registry that signs in with tokens of its own, in front of one that lets everybody in.

Services differ in what their token server does, and in how their registry answers. What stands in
for one is made of this: it says what a token is granted, what is answered in the registry's place,
and what is changed in what passes.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from servers.faults import Answer, FaultProxy, ProxiedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servers.loopback import Exchange

JSON = {"Content-Type": "application/json"}
_IN_REPOSITORY = re.compile(r"/v2/(.+)/(blobs|manifests|tags|referrers)/.*")
_READS = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class TokenAsked:
    """What a token was asked for, by whom (empty: nobody), and the status of the answer."""

    user: str
    scopes: tuple[str, ...]
    status: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the service's own API. `sign_in` is its Authorization field."""

    method: str
    target: str
    sign_in: str
    body: bytes

    @property
    def path(self) -> str:
        """The path, as it was written."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query; of each name the first value."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}


class TokenProxy(FaultProxy):
    """The token server and, behind it, the registry.

    `users` are names with secrets; who has none is let in as nobody. `tokens` are user and actions
    by repository, of each token that was handed out. `answers` are method, path and status of each
    request that went to the registry behind.
    """

    realm = "/token"
    service = "the service"

    def __init__(self, upstream_host: str, users: Mapping[str, str]) -> None:
        super().__init__(upstream_host)
        self.users = dict(users)
        self.tokens: dict[str, tuple[str, Mapping[str, frozenset[str]]]] = {}
        self.token_requests: list[TokenAsked] = []
        self.api: list[Asked] = []

    @property
    def challenge(self) -> str:
        """What who shows no token is told."""
        return f'Bearer realm="{self.url}{self.realm}",service="{self.service}"'

    def reset(self) -> None:
        """Forget what was asked."""
        self.clear()
        self.token_requests.clear()
        self.api.clear()

    async def handle(self, exchange: Exchange) -> None:
        """Answer what isn't the registry's, and pass everything else on."""
        answer = self._in_place(exchange)
        if answer is None and not exchange.target.startswith("/v2/"):
            body = b"".join([piece async for piece in exchange.body])
            sign_in = exchange.head.get("Authorization") or ""
            self.api.append(Asked(exchange.method, exchange.target, sign_in, body))
            answer = self.called(self.api[-1])
        if answer is None:
            await super().handle(exchange)
            return
        await exchange.discard_body()
        headers = {name.lower(): value for name, value in exchange.head.headers}
        scheme = headers.pop("authorization", "").partition(" ")[0]
        self.requests.append(
            ProxiedRequest(exchange.method, exchange.target, headers, scheme or None, answer.status)
        )
        await exchange.answer(answer.status, answer.headers, answer.body)

    def granted(self, user: str, repository: str, actions: frozenset[str]) -> frozenset[str]:
        """Return which of these actions a token is good for."""
        return actions if user else frozenset()

    def scope_refused(self, scope: str) -> bool:
        """Tell whether a scope is refused as none."""
        return False

    def needed(self, method: str, kind: str) -> str:
        """Return the action that a request needs to `kind` (`blobs`, `manifests`, ...)."""
        return "pull" if method in _READS else "push"

    def instead(self, exchange: Exchange, user: str, repository: str, kind: str) -> Answer | None:
        """Return what is answered in the registry's place to who has the right, or None."""
        return None

    def called(self, asked: Asked) -> Answer:
        """Return what the service's own API answers."""
        return error(HTTPStatus.NOT_FOUND, "NOT_FOUND")

    def user(self, sign_in: str) -> str | None:
        """Return who signs in so with a password: nobody is empty, None is refused."""
        if not sign_in:
            return ""
        scheme, _, pair = sign_in.partition(" ")
        name, _, secret = base64.b64decode(pair).decode().partition(":") if pair else ("", "", "")
        known = scheme.lower() == "basic" and secret and self.users.get(name) == secret
        return name if known else None

    def _in_place(self, exchange: Exchange) -> Answer | None:
        """Return what is answered before the registry is asked, or None."""
        path = urlsplit(exchange.target).path
        sign_in = exchange.head.get("Authorization") or ""
        if path == self.realm:
            return self._token(parse_qs(urlsplit(exchange.target).query), sign_in)
        if not path.startswith("/v2/"):
            return None
        token = sign_in.removeprefix("Bearer ")
        user, rights = self.tokens.get(token, ("", {}))
        found = _IN_REPOSITORY.fullmatch(path)
        repository, kind = (found[1], found[2]) if found else ("", "")
        if not self._lets(exchange.method, token, rights, repository, kind):
            return Answer(401, {"WWW-Authenticate": self.challenge, **JSON}, _body("UNAUTHORIZED"))
        return self.instead(exchange, user, repository, kind)

    def _lets(
        self,
        method: str,
        token: str,
        rights: Mapping[str, frozenset[str]],
        repository: str,
        kind: str,
    ) -> bool:
        if not repository:
            return token in self.tokens
        return self.needed(method, kind) in rights.get(repository, frozenset())

    def _token(self, query: dict[str, list[str]], sign_in: str) -> Answer:
        scopes = tuple(query.get("scope", []))
        user = self.user(sign_in)
        if user is None:
            answer = error(HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED")
        elif any(self.scope_refused(scope) for scope in scopes):
            answer = error(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST")
        else:
            rights: dict[str, frozenset[str]] = {}
            for scope in scopes:
                kind, _, rest = scope.partition(":")
                name, _, actions = rest.rpartition(":")
                if kind == "repository":
                    rights[name] = self.granted(user, name, frozenset(actions.split(",")))
            token = secrets.token_urlsafe(16)
            self.tokens[token] = user, rights
            answer = Answer(200, JSON, json.dumps({"token": token, "expires_in": 3600}).encode())
        self.token_requests.append(TokenAsked(user or "", scopes, answer.status))
        return answer


def document(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer in JSON."""
    return Answer(status, {**JSON, **(headers or {})}, json.dumps(content).encode())


def error(status: int, code: str, message: str = "") -> Answer:
    """Return a refusal as the distribution spec wants it."""
    return Answer(status, JSON, _body(code, message))


def _body(code: str, message: str = "") -> bytes:
    words = message or code.lower().replace("_", " ")
    return json.dumps({"errors": [{"code": code, "message": words}]}).encode()
