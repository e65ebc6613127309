"""Where a registry listens, and how a test signs in to it to arrange and to look."""

from __future__ import annotations

import base64
import re
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SET_UP_CLIENT = "set-up"

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_REPOSITORY = re.compile(r"/v2/(.+)/(?:blobs|manifests|tags|referrers)/")


@dataclass
class Registry:
    """A registry that is already listening.

    `pushed`: the repositories and digests of blobs that the set-up has pushed, and need not again.
    """

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    pushed: set[tuple[str, str]] = field(default_factory=set, repr=False)

    @property
    def host(self) -> str:
        """The `host:port` that stands in front of a reference."""
        return urlsplit(self.url).netloc

    @cached_property
    def http(self) -> httpx.Client:
        """A plain client that is signed in; it owes nothing to the client under test."""
        verify: ssl.SSLContext | bool = False
        if self.ca_file is not None:
            verify = ssl.create_default_context(cafile=str(self.ca_file))
        auth = None
        if self.username is not None:
            auth = SetUpLogin(self.username, self.password or "", verify)
        return httpx.Client(
            base_url=self.url, auth=auth, verify=verify, timeout=30, trust_env=False
        )

    def close(self) -> None:
        """Close the client, if it was ever used; the next use opens another."""
        client = self.__dict__.pop("http", None)
        if client is not None:
            client.close()


class SetUpLogin(httpx.Auth):
    """Answer a Basic or Bearer challenge in the simplest way that works for a test's set-up.

    It tells the token server that its `client_id` is `SET_UP_CLIENT`, so that a test which counts
    token requests sees only those of the client under test.
    """

    def __init__(self, username: str, password: str, verify: ssl.SSLContext | bool) -> None:
        self._login = (username, password)
        self._verify = verify
        self._schemes: dict[str, str] = {}

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Send with what worked last for this repository; on 401 sign in and send once more."""
        found = _REPOSITORY.match(request.url.path)
        repository = found[1] if found else ""
        if repository in self._schemes:
            request.headers["Authorization"] = self._schemes[repository]
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            challenge = response.headers["WWW-Authenticate"]
            self._schemes[repository] = self._sign_in(challenge, repository)
            request.headers["Authorization"] = self._schemes[repository]
            yield request

    def _sign_in(self, challenge: str, repository: str) -> str:
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic":
            return "Basic " + base64.b64encode(":".join(self._login).encode()).decode()
        parameters = dict(_PARAMETER.findall(rest))
        query = {"client_id": SET_UP_CLIENT, "service": parameters.get("service", "")}
        query["scope"] = (
            f"repository:{repository}:pull,push,delete" if repository else "registry:catalog:*"
        )
        with httpx.Client(verify=self._verify, trust_env=False, auth=self._login) as client:
            answer = client.get(parameters["realm"], params=query).raise_for_status().json()
        return f"Bearer {answer['token']}"
