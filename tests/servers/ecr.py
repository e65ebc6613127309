"""ECR's API, for boto3. There is none here: it stands in, in AWS's JSON protocol over HTTP."""

from __future__ import annotations

import base64
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servers.loopback import serving
from servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.loopback import Exchange

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
        if operation == "CreateRepository":
            return self._create(asked["repositoryName"])
        if "repositoryNames" not in asked:
            return 200, self._page(int(asked.get("nextToken", 0)))
        names = asked["repositoryNames"]
        if any(name not in self.repositories for name in names):
            return 400, {"__type": "RepositoryNotFoundException", "message": "does not exist"}
        return 200, {"repositories": [self._repository(name) for name in names]}

    def _create(self, name: str) -> tuple[int, dict[str, Any]]:
        if name in self.repositories:
            return 400, {"__type": "RepositoryAlreadyExistsException", "message": "is there"}
        self.repositories[name] = {"imageTagMutability": "MUTABLE"}
        return 200, {"repository": self._repository(name)}

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


@contextmanager
def ecr_api() -> Iterator[EcrApi]:
    """Run it until the block ends."""
    api = EcrApi()
    with serving(api.handle) as listener:
        api.url = f"http://{LOOPBACK}:{listener.port}"
        yield api
