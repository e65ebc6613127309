"""GitLab, as far as its registry needs it: token server and API. GitLab can't be had here.

It stands in: `/jwt/auth` hands out the tokens of the token server of the tests, so that a real
registry takes them, and `/api/v4/projects` lists projects and their repositories in GitLab's pages.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from servers.loopback import serving
from servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.loopback import Exchange


@dataclass
class GitLab:
    """The API. `projects` are repositories by the number of their project; None: switched off.

    The account is a guest in those of `guest`, and may not see what they hold. `pages` replace the
    number of the page that is named as the next.

    Only who shows `token` is answered; without `reads_api` it is refused.
    """

    token: str
    url: str = ""
    projects: dict[int, list[str] | None] = field(default_factory=dict)
    reads_api: bool = True
    guest: set[int] = field(default_factory=set)
    pages: str = ""
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
        number = int(parts.path.removeprefix("/api/v4/projects/").partition("/")[0])
        names = self.projects[number]
        if number in self.guest or names is None:
            return 403, {}, {"message": "403 Forbidden"}
        return self._page([{"id": 1, "path": name} for name in names], query)

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
        return 200, {"X-Next-Page": more}, entries[(page - 1) * size : page * size]


@contextmanager
def gitlab(token: str) -> Iterator[GitLab]:
    """Run it until the block ends, for who has this personal access token."""
    server = GitLab(token)
    with serving(server.handle) as listener:
        server.url = f"http://{LOOPBACK}:{listener.port}"
        yield server
