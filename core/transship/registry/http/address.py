"""Addresses that a registry names: what they mean, whether they lead to the registry itself.

With the Link field of a list in pages (RFC 8288): where the next one is, and that none comes twice.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import quote, urldefrag, urljoin, urlsplit

from transship.errors import UnexpectedAnswer

_PORTS = {"http": 80, "https": 443}
AS_WRITTEN = "%/:?[]@!$&'()*+,;=~"
"""What `quote` leaves as it is in a whole address, beside letters and digits: escapes too."""


def resolve(base: str, named: str) -> str:
    """Return the whole address that `named` means at the address `base`.

    Escapes stay as they were written, because storage signs its addresses. Raises ValueError
    for what isn't an http or https address, or holds a user name.
    """
    address = quote(urldefrag(urljoin(base, named)).url, safe=AS_WRITTEN)
    parts = urlsplit(address)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("not a web address")
    if "@" in parts.netloc:
        raise ValueError("an address with a user name")
    if parts.port == 0:
        raise ValueError("an address with the port 0")
    return address


def authority(address: str) -> tuple[str, int]:
    """Return the host name and the port of an http or https address."""
    return origin_of(address)[1:]


def origin_of(address: str) -> tuple[str, str, int]:
    """Return the scheme, the host name and the port of an http or https address (RFC 6454)."""
    return _origin(beginning_of(address))


def beginning_of(address: str) -> str:
    """Return an http or https address up to its path: the same for all that is at one origin."""
    return "/".join(address.split("/", 3)[:3]).partition("?")[0]


@lru_cache(maxsize=1024)
def _origin(beginning: str) -> tuple[str, str, int]:
    parts = urlsplit(beginning)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]


def path_of(address: str) -> str:
    """Return the path of an address, with its query."""
    parts = urlsplit(address)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def leads_to(address: str, origin: str) -> bool:
    """Tell whether `address` is a place at `origin` (`scheme://host[:port]`).

    Behind a proxy that ends TLS a registry names itself by plain http, with its own port or
    without one; that is still itself.
    """
    host, port = authority(address)
    own_host, own_port = authority(origin)
    return host == own_host and (port == own_port or (port, own_port) == (80, 443))


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Tell whether `host[:port]` is this machine by its name or address."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def manifest_path(repository: str, reference: str) -> str:
    """Return the path of a manifest (distribution spec, "Pulling manifests")."""
    return f"/v2/{repository}/manifests/{quote(reference, safe=':')}"


_PARAMETER = r';\s*([^\s=;,]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,]*))?\s*'
_LINK = re.compile(rf"<([^>]*)>\s*((?:{_PARAMETER})*)")


class PageChain:
    """The pages of one list that have been asked for, by whatever tells them apart."""

    def __init__(self, first: str) -> None:
        self._asked = {first}

    def turn(self, page: str, where: str) -> None:
        """Say that the next page is asked for. Raises UnexpectedAnswer for one that was already.

        `where` says in words what is listed.
        """
        if page in self._asked:
            raise UnexpectedAnswer(f"{where}: its pages go round in circles")
        self._asked.add(page)


def next_page(link: str, current: str) -> str | None:
    """Return the absolute address of the next page named in a Link field, or None.

    `current` is the address of the page that the field came with; a relative target is meant
    from there. Raises ValueError for a target that is no web address.
    """
    for target, parameters, *_ in _LINK.findall(link):
        # A second `rel` doesn't count (RFC 8288, 3.3).
        relations = [
            value.strip('"').lower().split()
            for name, value in re.findall(_PARAMETER, parameters)
            if name.lower() == "rel"
        ]
        if relations and "next" in relations[0]:
            return resolve(current, target)
    return None
