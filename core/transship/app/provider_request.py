"""How a record is to be changed, as an operator writes it down: on a form, or on the line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from transship.cutover.change.powerdns import NO_USER
from transship.cutover.change.settings import (
    ManualSettings,
    PowerDnsSettings,
    ProviderSettings,
    Rfc2136Settings,
    Route53Settings,
)
from transship.cutover.domain import address_and_port
from transship.errors import BadRequest

_DNS_PORT = 53
_ALGORITHM = "hmac-sha256"


class ProviderKind(StrEnum):
    """The ways that there are."""

    HAND = "hand"
    UPDATE = "update"
    POWERDNS = "powerdns"
    ROUTE53 = "route53"


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """A way as it is written down.

    `place` is `IP[:PORT]` of the primary for an update, the API's URL for PowerDNS, and the hosted
    zone's id for Route 53. `key` is `[ALGORITHM:]NAME`, as nsupdate takes it.
    """

    kind: ProviderKind = ProviderKind.HAND
    place: str = ""
    zone: str = ""
    key: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """What has to be filled in: `place`, `zone`, `key`."""
        return {
            ProviderKind.HAND: (),
            ProviderKind.UPDATE: ("place", "zone", "key"),
            ProviderKind.POWERDNS: ("place", "zone"),
            ProviderKind.ROUTE53: ("place",),
        }[self.kind]


def settings_of(wished: ProviderRequest) -> ProviderSettings:
    """Return the way. Raises BadRequest where something is missing or can't be read."""
    zone = wished.zone.strip().rstrip(".")
    match wished.kind:
        case ProviderKind.HAND:
            return ManualSettings()
        case ProviderKind.ROUTE53:
            return Route53Settings(_said(wished.place, "the hosted zone's id"))
        case ProviderKind.POWERDNS:
            url = _said(wished.place, "the API's URL")
            if "@" in url:
                # Not shown: what stands before it may be a password.
                raise BadRequest("the API's URL has a user in it", remedy=NO_USER)
            if not url.startswith(("http://", "https://")):
                raise BadRequest(f"{url} is no http:// or https:// URL")
            return PowerDnsSettings(_said(zone, "the zone"), url)
    text = _said(wished.place, "the server's address")
    try:
        address, port = address_and_port(text, _DNS_PORT)
    except ValueError:
        raise BadRequest(f"{text} is no IP[:PORT]") from None
    algorithm, name = algorithm_and_name(_said(wished.key, "the key's name"))
    return Rfc2136Settings(_said(zone, "the zone"), address, name, port, algorithm)


def algorithm_and_name(key: str) -> tuple[str, str]:
    """Return both of `[ALGORITHM:]NAME`, the algorithm in small letters."""
    algorithm, colon, name = key.rpartition(":")
    return (algorithm.lower() if colon else _ALGORITHM), name


def request_of(way: ProviderSettings) -> ProviderRequest:
    """Return a way as it is written down."""
    match way:
        case ManualSettings():
            return ProviderRequest()
        case Route53Settings():
            return ProviderRequest(ProviderKind.ROUTE53, way.hosted_zone)
        case PowerDnsSettings():
            return ProviderRequest(ProviderKind.POWERDNS, way.url, way.zone)
        case Rfc2136Settings():
            address = f"[{way.address}]" if ":" in way.address else way.address
            place = address if way.port == _DNS_PORT else f"{address}:{way.port}"
            plain = way.algorithm == _ALGORITHM
            key = way.key if plain else f"{way.algorithm}:{way.key}"
            return ProviderRequest(ProviderKind.UPDATE, place, way.zone, key)


def secret_words(way: ProviderSettings) -> str:
    """Return which secret a way needs, empty where it needs none that is kept here."""
    match way:
        case Rfc2136Settings():
            return f"Secret of the TSIG key {way.key} at {way.address}"
        case PowerDnsSettings():
            return f"API key of PowerDNS at {way.url}"
    return ""


def _said(text: str, what: str) -> str:
    if not text.strip():
        raise BadRequest(f"{what} is needed")
    return text.strip()
