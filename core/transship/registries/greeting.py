"""What a registry answers to `GET /v2/`, and what answers so that is none."""

from __future__ import annotations

from urllib.parse import urlsplit

from transship import errors
from transship.registries.answers import Answer, described

_UNAUTHORIZED = 401
REDIRECTS = frozenset({301, 302, 303, 307, 308})


def check_is_registry(answer: Answer, host: str) -> None:
    """Raise unless the answer to `/v2/` is one that a registry gives."""
    said = "docker-distribution-api-version" in answer.headers
    if answer.status == _UNAUTHORIZED and (said or answer.challenges):
        return
    if answer.ok and (said or not answer.body.lstrip().startswith(b"<")):
        return
    if answer.status == 403:
        raise errors.NoRight(f"{described(answer)}; a firewall of the registry may keep us out")
    if answer.status == 400 and b"HTTPS" in answer.body:
        raise errors.NotARegistry(f"{host} speaks https", remedy="Leave --plain-http out.")
    if answer.status in REDIRECTS:
        target = urlsplit(answer.headers.get("location", "")).netloc
        raise errors.NotARegistry(f"{described(answer)}, a redirect to {target or 'elsewhere'}")
    raise errors.NotARegistry(described(answer))
