"""How a cutover's record is changed, as the operator has said; and the provider opened by that.

No secret is in here, and nothing but msgspec is imported before a provider is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from transship.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from transship.accounts.secrets import SecretStore
    from transship.clock import Clock
    from transship.cutover.change.provider import DnsProvider
    from transship.cutover.evidence import ZoneEvidence


class ManualSettings(msgspec.Struct, frozen=True, tag_field="by", tag="hand"):
    """Somebody edits it; it is shown what."""


class Rfc2136Settings(msgspec.Struct, frozen=True, tag_field="by", tag="rfc2136"):
    """Dynamic update of `zone` at its primary, signed by the TSIG key named `key`."""

    zone: str
    address: str
    key: str
    port: int = 53
    algorithm: str = "hmac-sha256"


class PowerDnsSettings(msgspec.Struct, frozen=True, tag_field="by", tag="powerdns"):
    """PowerDNS's API at `url`."""

    zone: str
    url: str
    server: str = "localhost"
    ca_file: str = ""


class Route53Settings(msgspec.Struct, frozen=True, tag_field="by", tag="route53"):
    """Amazon Route 53."""

    hosted_zone: str
    profile: str = ""


ProviderSettings = ManualSettings | Rfc2136Settings | PowerDnsSettings | Route53Settings
"""No secret is in it: the keyring has them, and for Route 53 boto3's own configuration."""


def check_zone_contains(way: ProviderSettings, name: str) -> None:
    """Raise BadRequest where the zone that a way changes doesn't contain `name`."""
    from transship.cutover.domain import host_name

    if isinstance(way, Rfc2136Settings | PowerDnsSettings):
        zone = host_name(way.zone)
        if not f".{host_name(name)}".endswith(f".{zone}"):
            raise BadRequest(
                f"{name} isn't in the zone {way.zone}",
                remedy="Name the zone that the domain's record is in.",
            )


async def open_provider(
    way: ProviderSettings,
    secrets: SecretStore,
    look: Callable[[], Awaitable[ZoneEvidence]],
    clock: Clock,
    *,
    read_only: bool = False,
) -> DnsProvider:
    """Return what changes the record in this way; with `read_only` it can't, whichever it is.

    `look` asks every name server of the zone for all that the name holds. Raises KeyMissing,
    KeyRefused, ExtraMissing, BadRequest and the `Keyring...` errors.
    """
    from transship.cutover.change.provider import ReadOnlyProvider

    applier = await _open(way, secrets, look, clock)
    return ReadOnlyProvider(applier) if read_only else applier


async def _open(
    way: ProviderSettings,
    secrets: SecretStore,
    look: Callable[[], Awaitable[ZoneEvidence]],
    clock: Clock,
) -> DnsProvider:
    # Each speaks in its own way, and what it needs for that is imported when it is opened.
    match way:
        case ManualSettings():
            from transship.cutover.change.manual import ManualProvider

            return ManualProvider(look)
        case Rfc2136Settings():
            from transship.cutover.change.provider import tsig_key
            from transship.cutover.change.rfc2136 import Rfc2136Provider, UpdateServer

            key = await tsig_key(secrets, way.address, way.key, way.algorithm)
            return Rfc2136Provider(UpdateServer(way.zone, way.address, way.port), key, clock=clock)
        case PowerDnsSettings():
            from transship.cutover.change.powerdns import PowerDnsProvider, PowerDnsServer
            from transship.cutover.change.provider import api_key

            server = PowerDnsServer(way.url, way.zone, way.server, way.ca_file)
            return PowerDnsProvider(server, await api_key(secrets, way.url))
        case Route53Settings():
            from transship.cutover.change.route53 import Route53Provider

            return Route53Provider(way.hosted_zone, profile=way.profile, clock=clock)
