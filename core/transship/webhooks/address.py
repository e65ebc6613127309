"""Where the receiver listens."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from transship.errors import BadRequest

LOOPBACK = "127.0.0.1"
_HIGHEST_PORT = 65535
_WRITTEN = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,6})", re.ASCII)


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
    alone = text.isascii() and text.isdecimal()
    match = _WRITTEN.fullmatch(f"{LOOPBACK}:{text}" if alone else text)
    if match is None:
        raise _refused(text, "" if ":" in text else ": it has no port")
    host, port = match[1].strip("[]"), int(match[2])
    if port > _HIGHEST_PORT:
        raise _refused(text, f": ports end at {_HIGHEST_PORT}")
    try:
        return Address(LOOPBACK if host == "localhost" else str(ipaddress.ip_address(host)), port)
    except ValueError:
        raise _refused(text, ": the address has to be a number") from None


def _refused(text: str, why: str) -> BadRequest:
    return BadRequest(
        f"{text!r} is no address to listen on{why}",
        remedy=f"Write a port alone (8090: this machine only), or ADDRESS:PORT, for example "
        f"{LOOPBACK}:8090, 0.0.0.0:8090 or [::1]:8090.",
    )
