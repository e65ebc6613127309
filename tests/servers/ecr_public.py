"""The API of Amazon ECR Public, for boto3. There is none here: this stands in for it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servers.loopback import serving
from servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.loopback import Exchange

ACCOUNT = "123456789012"
ALIAS = "example"
OTHER_NAME = "r1a2b3c4"
"""The name that AWS has given to the registry; it goes on beside the alias."""
_PAGE = 2


@dataclass
class EcrPublicApi:
    """The registry of one account, with these `repositories`, and what was asked of it."""

    url: str = ""
    repositories: list[str] = field(default_factory=list)
    resource_tags: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        headers = {name.lower(): value for name, value in exchange.head.headers}
        body = b"".join([piece async for piece in exchange.body])
        assert "/us-east-1/ecr-public/" in headers["authorization"]
        operation, asked = headers["x-amz-target"].rpartition(".")[2], json.loads(body)
        self.asked.append((operation, asked))
        status, answer = self._answer(operation, asked)
        content = {"Content-Type": "application/x-amz-json-1.1"}
        await exchange.answer(status, content, json.dumps(answer).encode())

    def _answer(self, operation: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        match operation:
            case "DescribeRegistries":
                return 200, {"registries": [self._registry()]}
            case "DescribeRepositories":
                return 200, self._page(int(asked.get("nextToken", 0)))
            case "CreateRepository" if asked["repositoryName"] in self.repositories:
                return 400, {"__type": "RepositoryAlreadyExistsException", "message": "exists"}
            case "CreateRepository":
                self.repositories.append(asked["repositoryName"])
                if "tags" in asked:
                    tags = {each["Key"]: each["Value"] for each in asked["tags"]}
                    self.resource_tags[asked["repositoryName"]] = tags
                return 200, {"repository": self._repository(asked["repositoryName"])}
        raise AssertionError(operation)

    def _registry(self) -> dict[str, Any]:
        names = {ALIAS: True, OTHER_NAME: False}
        return {
            "registryId": ACCOUNT,
            "registryArn": f"arn:aws:ecr-public::{ACCOUNT}:registry/{ACCOUNT}",
            "registryUri": f"public.ecr.aws/{ALIAS}",
            "verified": False,
            "aliases": [
                {
                    "name": name,
                    "status": "ACTIVE",
                    "primaryRegistryAlias": primary,
                    "defaultRegistryAlias": not primary,
                }
                for name, primary in names.items()
            ],
        }

    def _page(self, first: int) -> dict[str, Any]:
        some = [self._repository(name) for name in self.repositories[first : first + _PAGE]]
        more = {"nextToken": str(first + _PAGE)} if first + _PAGE < len(self.repositories) else {}
        return {"repositories": some, **more}

    def _repository(self, name: str) -> dict[str, Any]:
        return {
            "registryId": ACCOUNT,
            "repositoryName": name,
            "repositoryUri": f"public.ecr.aws/{ALIAS}/{name}",
        }


@contextmanager
def ecr_public_api() -> Iterator[EcrPublicApi]:
    """Serve the API over plain HTTP on a free port of this machine."""
    api = EcrPublicApi()
    with serving(api.handle) as listener:
        api.url = f"http://{LOOPBACK}:{listener.port}"
        yield api
