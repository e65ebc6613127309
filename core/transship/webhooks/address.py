"""Where the receiver listens."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from transship.errors import BadRequest

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    """An address of this machine, and a port; port 0 takes a free one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        return ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Return the address that `text` writes down. Raises BadRequest.

    A port alone is on loopback. Any other address has to be written out, and as a number: a name
    could come to mean another one.
    """
    if text.isascii() and text.isdecimal():
        text = f"{LOOPBACK}:{text}"
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port
        host = LOOPBACK if host == "localhost" else str(ipaddress.ip_address(host))
    except ValueError:
        host, port = "", None
    if port is None or parts.netloc != text or parts.username is not None:
        raise BadRequest(
            f"{text!r} is no address to listen on",
            remedy=f"Write ADDRESS:PORT, for example {LOOPBACK}:8090, or a port alone.",
        )
    return Address(host, port)
