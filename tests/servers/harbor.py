"""Harbor's API in front of a real registry. Harbor itself can't be had here: it stands in.

It answers what a preview asks, lists what is in projects and makes them, in the shapes and with the
statuses of Harbor's own source (`src/server/v2.0/handler`), and knows only the account of its
registry.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from servers.faults import Answer, FaultProxy, ProxiedRequest
from servers.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.loopback import Exchange

JSON = {"Content-Type": "application/json; charset=utf-8"}
_RULES = re.compile(r"/api/v2\.0/projects/([^/]+)/immutabletagrules")
_REPOSITORIES = re.compile(r"/api/v2\.0/projects/([^/]+)/repositories")
_ARTIFACTS = re.compile(r"/api/v2\.0/projects/([^/]+)/repositories/([^/]+)/artifacts")


@dataclass
class Project:
    """A project. `proxies` is the number of the registry that it is a proxy cache of.

    `tags` has, for each repository, its tags with whether they are immutable. `may_look_into` says
    whether its repositories are listed for the account.
    """

    rules: list[dict[str, Any]] = field(default_factory=list)
    proxies: int = 0
    public: str = "false"
    may_list_rules: bool = True
    may_list_tags: bool = True
    may_look_into: bool = True
    tags: dict[str, dict[str, bool]] = field(default_factory=dict)


def rule(
    tags: str,
    repositories: str = "**",
    *,
    decoration: str = "matches",
    scope: str = "repoMatches",
    disabled: bool = False,
) -> dict[str, Any]:
    """Return a rule for immutable tags, as Harbor writes it."""
    return {
        "id": 1,
        "priority": 0,
        "disabled": disabled,
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": decoration, "pattern": tags}],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "decoration": scope, "pattern": repositories}]
        },
    }


class Harbor(FaultProxy):
    """The API and, behind it, the registry. `broken` is a status that it has for everything.

    `strict` makes it refuse, as Harbor does, to be written to outside of its projects. Projects are
    made for who `may_create`; one that is `hidden` is there, and not shown to the account. With
    `forgets` a project is made and isn't there after all; with `refuses` it isn't made, with these
    statuses in turn.
    """

    def __init__(self, upstream_host: str) -> None:
        super().__init__(upstream_host)
        self.projects: dict[str, Project] = {}
        self.broken = 0
        self.strict = False
        self.may_create = True
        self.forgets = False
        self.refuses: list[int] = []
        self.hidden: set[str] = set()
        self.created: list[dict[str, Any]] = []

    @property
    def asked(self) -> list[str]:
        """The method and the path of each request to the API, in order."""
        return [f"{r.method} {r.path}" for r in self.requests if r.path.startswith("/api/")]

    @property
    def written(self) -> list[str]:
        """The same of each request to the registry that would change something."""
        read = ("GET", "HEAD")
        return [f"{r.method} {r.path}" for r in self.requests if r.method not in read]

    async def handle(self, exchange: Exchange) -> None:
        """Answer what is the API's, and pass everything else on."""
        if not exchange.target.startswith("/api/"):
            if self._lacks_project(exchange):
                await exchange.discard_body()
                answer = _error(404, "NOT_FOUND")
                await exchange.answer(answer.status, answer.headers, answer.body)
            else:
                await super().handle(exchange)
            return
        headers = {name.lower(): value for name, value in exchange.head.headers}
        scheme = headers.pop("authorization", "").partition(" ")[0]
        body = b"".join([piece async for piece in exchange.body])
        if exchange.method == "POST" and scheme == "Basic" and not self.broken:
            answer = self._create(exchange.target, json.loads(body))
        else:
            answer = self._answer(exchange.target, signed_in=scheme == "Basic")
        self.requests.append(
            ProxiedRequest(exchange.method, exchange.target, headers, scheme or None, answer.status)
        )
        await exchange.answer(answer.status, answer.headers, answer.body)

    def _lacks_project(self, exchange: Exchange) -> bool:
        """Tell whether a request would write below a project that isn't there."""
        project = exchange.target.removeprefix("/v2/").partition("/")[0]
        writes = exchange.method not in ("GET", "HEAD")
        return self.strict and writes and project not in self.projects

    def _create(self, target: str, asked: dict[str, Any]) -> Answer:
        if target != "/api/v2.0/projects":
            return _error(404, "NOT_FOUND")
        name = asked["project_name"]
        if self.refuses:
            return _error(self.refuses.pop(0), "UNKNOWN")
        if not self.may_create:
            return _error(403, "FORBIDDEN")
        if name in self.projects or name in self.hidden:
            return _error(409, "CONFLICT")
        self.created.append(asked)
        if not self.forgets:
            self.projects[name] = Project(public=asked["metadata"]["public"])
        return Answer(201, {"Location": f"/api/v2.0/projects/{name}"})

    def _answer(self, target: str, *, signed_in: bool) -> Answer:
        if self.broken:
            return _error(self.broken, "UNKNOWN")
        if not signed_in:
            return _error(401, "UNAUTHORIZED")
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/api/v2.0/projects":
            named = [name for name in self.projects if query.get("name", "") in name]
            return _page([self._project(name) for name in sorted(named)], query)
        if found := _RULES.fullmatch(parts.path):
            project = self.projects.get(unquote(found[1]))
            if project is None or not project.may_list_rules:
                return _error(403, "FORBIDDEN")
            return _page(project.rules, query)
        if found := _REPOSITORIES.fullmatch(parts.path):
            return self._repositories(unquote(found[1]), query)
        if found := _ARTIFACTS.fullmatch(parts.path):
            return self._artifacts(unquote(found[1]), unquote(unquote(found[2])), query)
        return _error(404, "NOT_FOUND")

    def _repositories(self, name: str, query: dict[str, str]) -> Answer:
        project = self.projects[name]
        if not project.may_look_into:
            return _error(403, "FORBIDDEN")
        return _page([{"id": 1, "name": f"{name}/{each}"} for each in project.tags], query)

    def _artifacts(self, name: str, repository: str, query: dict[str, str]) -> Answer:
        project = self.projects.get(name)
        if project is None or not project.may_list_tags:
            return _error(403, "FORBIDDEN")
        tags = project.tags.get(repository, {})
        shows = query.get("with_tag") == query.get("with_immutable_status") == "true"
        artifacts: list[dict[str, Any]] = [{"tags": None}] + [
            {"tags": [{"name": tag, "immutable": is_it and shows}]} for tag, is_it in tags.items()
        ]
        return _page(artifacts, query)

    def _project(self, name: str) -> dict[str, Any]:
        more = {"registry_id": self.projects[name].proxies} if self.projects[name].proxies else {}
        return {
            "project_id": 1,
            "name": name,
            "metadata": {"public": self.projects[name].public},
            **more,
        }


def _page(entries: list[dict[str, Any]], query: dict[str, str]) -> Answer:
    page, size = int(query.get("page", 1)), int(query.get("page_size", 10))
    assert size <= 100, "Harbor gives no more"
    some = entries[(page - 1) * size : page * size]
    return Answer(200, {**JSON, "X-Total-Count": str(len(entries))}, json.dumps(some).encode())


def _error(status: int, code: str) -> Answer:
    body = {"errors": [{"code": code, "message": code.lower().replace("_", " ")}]}
    return Answer(status, JSON, json.dumps(body).encode())


@contextmanager
def harbor(upstream_host: str) -> Iterator[Harbor]:
    """Run it in front of the plain-http registry at `upstream_host` (`host:port`)."""
    server = Harbor(upstream_host)
    with serving(server.handle) as listener:
        server.attach(listener)
        yield server
