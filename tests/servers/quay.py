"""Quay's registry and API. Quay itself can't be had here: it stands in.

It answers after Quay's own source (`endpoints/v2`, `endpoints/api`), in front of a real registry
that keeps the images. Whoever asks its token server for a token to push with gets the repository
made, and the organization too where `creates_organizations` is on. What an upload session holds is
said with one byte too many and with a unit, an answer to a piece has no Location, a manifest is
accepted with 202, and a part of a blob can't be asked for.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from servers.loopback import serving
from servers.token_proxy import Asked, TokenProxy, document, error
from servers.wire import head_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servers.faults import Answer, ProxiedRequest
    from servers.loopback import Exchange
    from servers.wire import Head

OAUTH = "$oauthtoken"
OWNER = "operator"
ROBOT = "team+mover"

_SCOPE = re.compile(r"repository:[a-zA-Z0-9._/-]+:(push|pull|\*)(,(push|pull|\*))*")
_SESSION = re.compile(r"/v2/.+/blobs/uploads/([^/?]+)")
_BLOB = re.compile(r"/v2/.+/blobs/sha256:[0-9a-f]+")
_MANIFEST = re.compile(r"/v2/.+/manifests/[^/]+")
_PAGE = 100


class Quay(TokenProxy):
    """The service. `repositories` are by path, with `public` or `private`.

    `states` are of repositories that aren't written to, `page` is how much the API gives at once.
    The OAuth token has the scopes in `scopes`. `circles` has the last page name the first.
    """

    realm = "/v2/auth"

    def __init__(self, upstream_host: str, users: Mapping[str, str]) -> None:
        super().__init__(upstream_host, users)
        self.organizations: set[str] = set()
        self.repositories: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.creates_organizations = True
        self.page = _PAGE
        self.scopes = {"repo:read", "repo:create", "user:read", "user:admin", "org:admin"}
        self.wants_email = False
        self.circles = False
        self._sessions: dict[str, str] = {}

    @property
    def service(self) -> str:  # type: ignore[override]
        """It names itself by its host."""
        return self.host

    @property
    def there(self) -> tuple[set[str], set[str]]:
        """The organizations and the repositories, as they are now."""
        return set(self.organizations), set(self.repositories)

    def scope_refused(self, scope: str) -> bool:
        """Only pull, push and * are known, and no catalog."""
        return _SCOPE.fullmatch(scope) is None

    def granted(self, user: str, repository: str, actions: frozenset[str]) -> frozenset[str]:
        """Make what isn't there for who asks to push, and grant what the account may."""
        namespace = repository.partition("/")[0]
        granted = set()
        if "push" in actions and self._writes(user, namespace):
            if repository not in self.repositories:
                self._make_by_push(user, namespace, repository)
            if repository in self.repositories:
                granted.add("push")
        if "pull" in actions and self._reads(user, repository):
            granted.add("pull")
        return frozenset(granted)

    def instead(self, exchange: Exchange, user: str, repository: str, kind: str) -> Answer | None:
        """Answer the catalog, and what isn't there."""
        if urlsplit(exchange.target).path == "/v2/_catalog":
            return document(
                {"repositories": [r for r in self.repositories if self._reads(user, r)]}
            )
        if repository and repository not in self.repositories:
            return error(404, "NAME_UNKNOWN")
        return None

    def passed_on(self, head: Head) -> bytes:
        """Find the session behind its address, and forget that only a part was asked for."""
        method, target, version = head.start
        path, _, query = target.partition("?")
        headers = head.headers
        if _BLOB.fullmatch(path):
            headers = tuple(each for each in headers if each[0].lower() != "range")
        if found := _SESSION.fullmatch(path):
            target = self._sessions.get(found[1], path)
            if query:
                target += f"{'&' if '?' in target else '?'}{query}"
        return head_of((method, target, version), headers).raw

    def answered(self, request: ProxiedRequest, head: Head) -> bytes:
        """Answer in Quay's own way what the registry has done."""
        version, status, phrase = head.start
        headers = {name.lower(): value for name, value in head.headers}
        path = request.path.partition("?")[0]
        if request.method == "PUT" and _MANIFEST.fullmatch(path) and status == "201":
            status, phrase = "202", "Accepted"
        if "/blobs/uploads/" in path and "range" in headers:
            location = headers.pop("location", "")
            if found := _SESSION.fullmatch(urlsplit(location).path):
                self._sessions[found[1]] = location.partition(self.host)[2]
            headers["range"] = _range_of(request.method, headers["range"])
            if request.method == "POST":
                headers["location"] = location.partition("?")[0]
        return head_of((version, status, phrase), headers.items()).raw

    def called(self, asked: Asked) -> Answer:
        """Answer as the API. Only an OAuth token opens it; who has none is nobody."""
        if asked.sign_in != f"Bearer {self.users[OAUTH]}":
            return _refused(401, "invalid_token", "Requires authentication")
        content = json.loads(asked.body) if asked.body else {}
        match asked.method, asked.path.removeprefix("/api/v1/").split("/"):
            case "GET", ["user", ""]:
                return self._needs("user:read", self._user())
            case "GET", ["repository"]:
                return self._needs("repo:read", self._list(asked.query))
            case "GET", ["repository", *path]:
                name = unquote("/".join(path))
                found = {"name": name.partition("/")[2], "state": self.states.get(name, "NORMAL")}
                return document(found) if name in self.repositories else _refused(404, "not_found")
            case "GET", ["organization", name]:
                there = name in self.organizations
                return document({"name": name}) if there else _refused(404, "not_found")
            case "GET", ["users", name]:
                return document({}) if name == OWNER else _refused(404, "not_found")
            case "POST", ["organization", ""]:
                return self._needs("user:admin", self._make_organization, content)
            case "POST", ["repository"]:
                return self._needs("repo:create", self._make_repository, content)
        return _refused(404, "not_found")

    def _needs(self, scope: str, answer: Any, *given: Any) -> Answer:
        if scope not in self.scopes:
            return _refused(403, "insufficient_scope", f"needs {scope}")
        found: Answer = answer(*given) if callable(answer) else answer
        return found

    def _user(self) -> Answer:
        organizations = [{"name": name} for name in sorted(self.organizations)]
        return document({"username": OWNER, "organizations": organizations})

    def _list(self, query: dict[str, str]) -> Answer:
        namespace = query["namespace"]
        names = [r for r in self.repositories if r.partition("/")[0] == namespace]
        start = int(query.get("next_page", "page-0").removeprefix("page-"))
        some = names[start : start + self.page]
        found: dict[str, Any] = {
            "repositories": [
                {
                    "namespace": namespace,
                    "name": name.partition("/")[2],
                    "is_public": self.repositories[name] == "public",
                    "state": self.states.get(name, "NORMAL"),
                }
                for name in some
            ]
        }
        if start + self.page < len(names):
            found["next_page"] = f"page-{start + self.page}"
        elif self.circles and start:
            found["next_page"] = f"page-{self.page}"
        return document(found)

    def _make_organization(self, content: dict[str, Any]) -> Answer:
        if content["name"] in self.organizations:
            return _refused(400, "invalid_request", "already exists")
        if self.wants_email and not content.get("email"):
            return _refused(400, "invalid_request", "Email address is required")
        self.organizations.add(content["name"])
        return document("Created", 201)

    def _make_repository(self, content: dict[str, Any]) -> Answer:
        path = f"{content['namespace']}/{content['repository']}"
        assert isinstance(content["description"], str), "Quay wants one"
        if not self._is_namespace(content["namespace"]):
            return _refused(403, "insufficient_scope", "Unauthorized")
        if path in self.repositories:
            return _refused(400, "invalid_request", "Repository already exists")
        self.repositories[path] = content["visibility"]
        return document({"namespace": content["namespace"], "name": content["repository"]}, 201)

    def _make_by_push(self, user: str, namespace: str, repository: str) -> None:
        if not self._is_namespace(namespace):
            if not self.creates_organizations:
                return
            self.organizations.add(namespace)
        self.repositories[repository] = "private"

    def _is_namespace(self, name: str) -> bool:
        return name in self.organizations or name == OWNER

    def _writes(self, user: str, namespace: str) -> bool:
        robot_of, _, robot = user.partition("+")
        return bool(user) and (not robot or robot_of == namespace)

    def _reads(self, user: str, repository: str) -> bool:
        if self.repositories.get(repository) == "public":
            return True
        return repository in self.repositories and self._writes(user, repository.partition("/")[0])


def _range_of(method: str, said: str) -> str:
    """Return what Quay says an upload session holds, where the registry says this."""
    last = int(said.rpartition("-")[2])
    if method == "POST":
        return "bytes=0--1"
    if method == "GET":
        return f"bytes=0-{last + 1 if last else 0}"
    return said


def _refused(status: int, kind: str, words: str = "") -> Answer:
    return document({"error_type": kind, "error_message": words or kind, "detail": words}, status)


@contextmanager
def quay(upstream_host: str, users: Mapping[str, str]) -> Iterator[Quay]:
    """Run it in front of the plain-http registry at `upstream_host` (`host:port`)."""
    server = Quay(upstream_host, users)
    with serving(server.handle) as listener:
        server.attach(listener)
        yield server
