"""Names as an operator writes them, and as DNS wants them."""

from __future__ import annotations

import ipaddress
import re

from transship import errors
from transship.cutover.subject import HTTPS, Domain

_LABEL = re.compile("[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_PORT = re.compile("[0-9]{1,5}")


def parse_domain(text: str) -> Domain:
    """Return the domain that `NAME[:PORT]` stands for, with its A-labels (RFC 5890; UTS #46).

    Raises BadDomain for what no image can be pulled by, or what no DNS record can move: a web
    address, a path, an IP address, a name of one label, a wildcard.
    """
    text = text.strip()
    for sign, what in (("://", "a web address"), ("/", "with a path"), ("@", "with a user")):
        if sign in text:
            raise errors.BadDomain(f"{text}: {what}; only the name is wanted")
    if is_address(text.removeprefix("[").partition("]")[0]) or is_address(text.partition(":")[0]):
        raise errors.BadDomain(f"{text}: an IP address, which no DNS record can move")
    host, port = host_and_port(text)
    name = host_name(host)
    if "." not in name:
        raise errors.BadDomain(f"{text}: one label alone is no name in DNS")
    return Domain(name, HTTPS if port is None else port, unicode_name(name))


def host_and_port(text: str) -> tuple[str, int | None]:
    """Return both of `HOST[:PORT]`, as they are written. Raises BadDomain for what is no port."""
    host, colon, port = text.strip().partition(":")
    if not colon:
        return host, None
    if not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
        raise errors.BadDomain(f"{text}: {port or 'nothing'} is no port")
    return host, int(port)


def host_name(text: str) -> str:
    """Return a host name in A-labels, in lower case and without the dot at its end.

    Raises BadDomain for what is no host name (RFC 1123, 2.1).
    """
    import dns.exception  # The app opens without it.
    import dns.name

    try:
        absolute = dns.name.from_text(text.strip(), idna_codec=dns.name.IDNA_2008_UTS_46)
        name = absolute.to_text(True).lower()
    except dns.exception.DNSException as error:
        raise errors.BadDomain(f"{text}: {error}") from error
    for label in name.split("."):
        if not _LABEL.fullmatch(label):
            raise errors.BadDomain(f"{text}: {label!r} can't be part of a host name")
    return name


def unicode_name(name: str) -> str:
    """Return a name as a person reads it; the name itself where it has no such form."""
    import dns.exception
    import dns.name

    codec = dns.name.IDNA_2008_UTS_46
    try:
        shown = dns.name.from_text(name).to_unicode(True, codec)
        same = dns.name.from_text(shown, idna_codec=codec) == dns.name.from_text(name)
    except dns.exception.DNSException:
        return name
    return shown if same else name


def is_address(text: str) -> bool:
    """Tell whether `text` is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def address_and_port(text: str, port: int) -> tuple[str, int]:
    """Return address and port of `ADDRESS[:PORT]`, IPv6 in brackets if a port follows.

    `port` is the one that holds where none is named. Raises ValueError for anything else.
    """
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(text)
        named = rest[1:] if rest else None
    elif text.count(":") == 1:
        address, _, named = text.partition(":")
    else:
        address, named = text, None
    if named is not None:
        if not _PORT.fullmatch(named) or not 0 < int(named) < 65536:
            raise ValueError(text)
        port = int(named)
    return str(ipaddress.ip_address(address)), port


def ancestors(name: str) -> list[str]:
    """Return the name and all names above it, the root (an empty name) last."""
    labels = name.split(".") if name else []
    return [".".join(labels[i:]) for i in range(len(labels) + 1)]


def parent_of(name: str) -> str:
    """Return the name above; that of the root's children is empty."""
    return name.partition(".")[2]


def under(label: str, name: str) -> str:
    """Return a name one label, or several, below another."""
    return f"{label}.{name}" if name else label
