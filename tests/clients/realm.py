"""A token server as the test wants it, and what it was asked."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from servers.scripted import Reply, ScriptedServer


def challenge(scripted: ScriptedServer, realm: str = "", more: str = "") -> Reply:
    field = f'Bearer realm="{realm or scripted.url + "/token"}",service="s"{more}'
    return Reply(401, {"WWW-Authenticate": field})


def token(**fields: object) -> Reply:
    return Reply(200, {}, json.dumps(fields).encode())


def form(server: ScriptedServer, number: int = 0) -> dict[str, str]:
    """Return what was posted to the token server."""
    fields = parse_qs(server.asked("POST", "/token")[number].body.decode())
    return {name: values[0] for name, values in fields.items()}


def query(server: ScriptedServer, number: int = 0) -> dict[str, list[str]]:
    return parse_qs(urlsplit(server.asked("GET", "/token.*")[number].target).query)
