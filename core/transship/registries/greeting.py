"""What a registry answers to `GET /v2/`, and what answers so that is none."""

from __future__ import annotations

from urllib.parse import urlsplit

from transship import errors
from transship.registries.addresses import is_loopback
from transship.registries.answers import Answer, described
from transship.registries.transport import Transport

GREETING = "/v2/"
_UNAUTHORIZED = 401
REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def greeted(transport: Transport, host: str, *, plain_http: bool) -> Answer:
    """Return what `host` answers to `/v2/`, whatever the status. Raises why it can't be asked.

    Loopback hosts fall back from https to plain http; no other host does.
    """
    if not plain_http:
        try:
            return await transport.request("GET", f"https://{host}{GREETING}")
        except (errors.PlainHttp, errors.ConnectionLost):
            if not is_loopback(host):
                raise
    return await transport.request("GET", f"http://{host}{GREETING}")


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
