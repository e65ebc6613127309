"""How a cutover's record is changed, as the operator has said; and the applier that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from transship.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from transship.accounts.secrets import SecretStore
    from transship.clock import Clock
    from transship.cutover.change.applier import Applier
    from transship.cutover.evidence import Zone


class ByHand(msgspec.Struct, frozen=True, tag_field="by", tag="hand"):
    """Somebody edits it; it is shown what."""


class ByUpdate(msgspec.Struct, frozen=True, tag_field="by", tag="rfc2136"):
    """Dynamic update of `zone` at its primary, signed by the TSIG key named `key`."""

    zone: str
    address: str
    key: str
    port: int = 53
    algorithm: str = "hmac-sha256"


class ByPowerDns(msgspec.Struct, frozen=True, tag_field="by", tag="powerdns"):
    """PowerDNS's API at `url`."""

    zone: str
    url: str
    server: str = "localhost"
    ca_file: str = ""


class ByRoute53(msgspec.Struct, frozen=True, tag_field="by", tag="route53"):
    """Amazon Route 53."""

    hosted_zone: str
    profile: str = ""


Way = ByHand | ByUpdate | ByPowerDns | ByRoute53
"""No secret is in it: the keyring has them, and for Route 53 boto3's own configuration."""


def check_zone(way: Way, name: str) -> None:
    """Raise BadRequest where the zone that a way changes doesn't contain `name`."""
    from transship.cutover.observe.names import host_name

    if isinstance(way, ByUpdate | ByPowerDns):
        zone = host_name(way.zone)
        if not f".{host_name(name)}".endswith(f".{zone}"):
            raise BadRequest(
                f"{name} isn't in the zone {way.zone}",
                remedy="Name the zone that the domain's record is in.",
            )


async def open_applier(
    way: Way,
    secrets: SecretStore,
    look: Callable[[], Awaitable[Zone]],
    clock: Clock,
    *,
    read_only: bool = False,
) -> Applier:
    """Return what changes the record in this way; with `read_only` it can't, whichever it is.

    `look` asks every name server of the zone for all that the name holds. Raises KeyMissing,
    KeyRefused, ExtraMissing, BadRequest and the `Keyring...` errors.
    """
    from transship.cutover.change.applier import ReadOnly

    applier = await _open(way, secrets, look, clock)
    return ReadOnly(applier) if read_only else applier


async def _open(
    way: Way, secrets: SecretStore, look: Callable[[], Awaitable[Zone]], clock: Clock
) -> Applier:
    # Each speaks in its own way, and what it needs for that is imported when it is opened.
    match way:
        case ByHand():
            from transship.cutover.change.manual import Manual

            return Manual(look)
        case ByUpdate():
            from transship.cutover.change.rfc2136 import Rfc2136, UpdateServer
            from transship.cutover.change.secret import tsig_key

            key = await tsig_key(secrets, way.address, way.key, way.algorithm)
            return Rfc2136(UpdateServer(way.zone, way.address, way.port), key, clock=clock)
        case ByPowerDns():
            from transship.cutover.change.powerdns import PowerDns, PowerDnsServer
            from transship.cutover.change.secret import api_key

            server = PowerDnsServer(way.url, way.zone, way.server, way.ca_file)
            return PowerDns(server, await api_key(secrets, way.url))
        case ByRoute53():
            from transship.cutover.change.route53 import Route53

            return Route53(way.hosted_zone, profile=way.profile, clock=clock)
