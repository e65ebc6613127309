"""GitLab, as far as its registry needs it: token server and API. GitLab can't be had here.

It stands in: `/jwt/auth` hands out the tokens of the token server of the tests, so that a real
registry takes them, and no right for a project that isn't there; `/api/v4/projects` tells of
projects, and lists them and their repositories in GitLab's pages.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import httpx

from servers.loopback import serving
from servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.loopback import Exchange
    from servers.token_server import TokenServer


@dataclass
class GitLab:
    """The API. `projects` are repositories by the number of their project; None: switched off.

    The account is a guest in those of `guest`, and may not see what they hold. `pages` replace the
    number of the page that is named as the next; with `numbers_pages` False none is named, and
    nothing says that it was the last. `there` are projects by their path, each with how
    far its registry is open; `tokens` sign what its registry takes.

    Only who shows `token` is answered; without `reads_api` it is refused.
    """

    token: str
    url: str = ""
    projects: dict[int, list[str] | None] = field(default_factory=dict)
    reads_api: bool = True
    guest: set[int] = field(default_factory=set)
    pages: str = ""
    numbers_pages: bool = True
    there: dict[str, str] = field(default_factory=dict)
    tokens: TokenServer | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def challenge(self) -> str:
        """What its registry answers `/v2/` with."""
        return f'Bearer realm="{self.url}/jwt/auth",service="container_registry"'

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        headers = {name.lower(): value for name, value in exchange.head.headers}
        await exchange.discard_body()
        self.asked.append(exchange.target)
        assert exchange.method == "GET"
        if self.tokens is not None and exchange.target.startswith("/jwt/auth"):
            await self._sign(exchange, self.tokens)
            return
        status, more, answer = self._answer(exchange.target, headers.get("authorization", ""))
        content = {"Content-Type": "application/json", **more}
        await exchange.answer(status, content, json.dumps(answer).encode())

    def _answer(self, target: str, authorization: str) -> tuple[int, dict[str, str], Any]:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/jwt/auth":
            return 200, {}, {"token": "a token of five minutes"}
        if authorization != f"Bearer {self.token}":
            return 401, {}, {"message": "401 Unauthorized"}
        if not self.reads_api:
            return 403, {}, {"error": "insufficient_scope"}
        if parts.path == "/api/v4/projects":
            assert query["membership"] == "true"
            return self._page([self._project(number) for number in self.projects], query)
        if "%2F" in parts.path:
            return self._told(unquote(parts.path.removeprefix("/api/v4/projects/")))
        number = int(parts.path.removeprefix("/api/v4/projects/").partition("/")[0])
        names = self.projects[number]
        if number in self.guest or names is None:
            return 403, {}, {"message": "403 Forbidden"}
        return self._page([{"id": 1, "path": name} for name in names], query)

    async def _sign(self, exchange: Exchange, tokens: TokenServer) -> None:
        """Hand out a token for what of the scopes is in a project with a registry."""
        query = parse_qs(urlsplit(exchange.target).query)
        scopes = [scope for scope in query.get("scope", ()) if self._is_open(scope.split(":")[1])]
        headers = {n: v for n, v in exchange.head.headers if n.lower() == "authorization"}
        asked = urlencode(query | {"scope": scopes}, doseq=True)
        async with httpx.AsyncClient(trust_env=False) as client:
            given = await client.get(f"{tokens.realm}?{asked}", headers=headers)
        content = {"Content-Type": "application/json"}
        await exchange.answer(given.status_code, content, given.content)

    def _is_open(self, repository: str) -> bool:
        return any(
            level != "disabled" and f"{repository}/".startswith(f"{path.lower()}/")
            for path, level in self.there.items()
        )

    def _told(self, path: str) -> tuple[int, dict[str, str], Any]:
        """Tell of one project by its path, whose case doesn't count."""
        levels = {known.lower(): level for known, level in self.there.items()}
        if path.lower() not in levels:
            return 404, {}, {"message": "404 Project Not Found"}
        level = levels[path.lower()]
        project = {"id": 1, "path_with_namespace": path, "container_registry_access_level": level}
        return 200, {}, project

    def _project(self, number: int) -> dict[str, Any]:
        off = self.projects[number] is None
        return {
            "id": number,
            "path_with_namespace": f"Acme/P{number}",
            "container_registry_access_level": "disabled" if off else "enabled",
        }

    def _page(self, entries: list[Any], query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        page, size = int(query["page"]), int(query["per_page"])
        assert size <= 100, "GitLab gives no more"
        more = str(page + 1) if page * size < len(entries) else ""
        more = self.pages or more
        numbers = {"X-Next-Page": more} if self.numbers_pages else {}
        return 200, numbers, entries[(page - 1) * size : page * size]


@contextmanager
def gitlab(token: str) -> Iterator[GitLab]:
    """Run it until the block ends, for who has this personal access token."""
    server = GitLab(token)
    with serving(server.handle) as listener:
        server.url = f"http://{LOOPBACK}:{listener.port}"
        yield server
