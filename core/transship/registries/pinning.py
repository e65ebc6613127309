"""Hosts that are connected to at a given address, whatever DNS says of them."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping

from transship.registries.engine import aiohttp

Pins = Mapping[str, str]
"""The IP address to connect to, by host name (in lower case, A-labels, without a port)."""


class PinnedResolver(aiohttp.abc.AbstractResolver):
    """Knows the addresses of some hosts; the system is asked for the others.

    Only the connection goes elsewhere: TLS (SNI, the name that is verified) and the Host field are
    the host's own.
    """

    def __init__(self, pins: Pins) -> None:
        self._pins = pins
        self._others = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        """Return the one address of a pinned host, or all of another one."""
        address = self._pins.get(host.lower())
        if address is None:
            return await self._others.resolve(host, port, family)
        is_ipv4 = ipaddress.ip_address(address).version == 4
        return [
            aiohttp.abc.ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET if is_ipv4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
        ]

    async def close(self) -> None:
        """Close nothing: it holds nothing open."""
