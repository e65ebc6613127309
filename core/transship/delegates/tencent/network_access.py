"""Who gets through to an instance of TCR: its public endpoint, its allow-list, its VPCs. Pure.

Nothing of it is open by default. A public endpoint that is open lets in only whom the allow-list
has; a VPC gets in by a link of its own, and finds it by private DNS.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from transship import errors
from transship.text import counted, safe

_WIDE = 1 << 16
_MOST_NAMED = 5

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_INSIDE: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
    )
)
"""Addresses that are used inside networks only (RFC 1918, RFC 6598, RFC 4193)."""


class Public(StrEnum):
    """How the public endpoint is."""

    OPEN = "open"
    OPENING = "opening"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    """It wasn't told, or in a word that isn't known."""


class Stage(StrEnum):
    """How far a link or a record is."""

    WORKS = "works"
    BEGUN = "begun"
    GOING = "going"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Allowed:
    """An entry of the allow-list, as the API has it: a block of addresses (CIDR), and a note."""

    block: str
    note: str = ""
    index: int = 0
    version: str = ""

    @property
    def network(self) -> Network | None:
        """The addresses, None where they can't be read."""
        try:
            return ipaddress.ip_network(self.block.strip(), strict=False)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Record:
    """Private DNS of a VPC for one of the instance's own domains."""

    domain: str
    stage: Stage
    said: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A VPC that is linked, by one of its subnets. `address` is the instance's inside it."""

    vpc: str
    subnet: str
    stage: Stage
    said: str = ""
    address: str = ""
    records: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """Who gets through to an instance, as the API tells.

    `said` is the API's word for the public endpoint, `reason` what it says of it. `unseen` has in
    sentences what couldn't be asked.
    """

    instance: str
    domain: str
    public: Public
    said: str = ""
    reason: str = ""
    allowed: tuple[Allowed, ...] = ()
    links: tuple[Link, ...] = ()
    unseen: tuple[str, ...] = ()

    def lets_in(self, address: str) -> bool | None:
        """Tell whether an address of the internet gets in; None where that isn't known."""
        if self.public is not Public.OPEN:
            return None if self.public is Public.UNKNOWN else False
        there = ipaddress.ip_address(address)
        networks = [each.network for each in self.allowed]
        if any(
            net is not None and net.version == there.version and there in net for net in networks
        ):
            return True
        return None if None in networks or self.unseen else False


def public_of(said: str) -> Public:
    """Return how the endpoint is, by the API's word for it."""
    word = said.strip().lower()
    if word in ("opened", "open", "running", "success"):
        return Public.OPEN
    if word in ("opening", "creating", "pending"):
        return Public.OPENING
    return Public.CLOSED if word in ("closed", "close", "closing") else Public.UNKNOWN


def stage_of(said: str) -> Stage:
    """Return how far a link or a record is; `ENABLE` and `ENABLED` are one word here."""
    word = said.strip().lower()
    if word in ("running", "success", "opened", "normal", "enable", "enabled", "active"):
        return Stage.WORKS
    if word in ("pending", "creating", "opening", "deploying", "enabling"):
        return Stage.BEGUN
    if word in ("deleting", "closing", "disabling"):
        return Stage.GOING
    return Stage.OFF if word in ("disable", "disabled", "closed") else Stage.UNKNOWN


def block_of(text: str) -> str:
    """Return a block of addresses as it is compared: `203.0.113.7` is `203.0.113.7/32`.

    Raises BadRequest.
    """
    try:
        return str(ipaddress.ip_network(text.strip(), strict=True))
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise errors.BadRequest(
            f"{text!r} is no address and no block of addresses",
            remedy="Write it as 203.0.113.7 or 203.0.113.0/24.",
        ) from None
    raise errors.BadRequest(
        f"{text!r} has bits beyond its prefix: the block is {meant}, the address alone "
        f"{text.partition('/')[0].strip()}",
        remedy="Write the one that is meant.",
    )


def same_block(one: str, other: str) -> bool:
    """Tell whether two ways to write a block of addresses mean the same."""
    return _plain(one) == _plain(other)


SHUTS_OUT = (
    "Whoever isn't in a linked VPC can't pull or push any more, at once: this machine, and engines "
    "elsewhere, too."
)
NOBODY_YET = "Nobody gets in by it until an address is allowed."


def loss_of_block(block: str) -> str:
    """Return, in a sentence, what to know before a block of addresses is taken off the list."""
    return f"Whoever comes from {block} can't pull or push any more, at once."


def loss_of_link(vpc: str) -> str:
    """Return, in a sentence, what to know before a VPC's link is taken away."""
    return f"What runs in {vpc} can't pull or push by this link any more."


def loss_of_record(name: str) -> str:
    """Return, in a sentence, what to know before a record, `DOMAIN@VPC`, is taken away."""
    domain, _, vpc = name.rpartition("@")
    return f"In {vpc} {domain} is what public DNS says again."


def cautions(block: str) -> tuple[str, ...]:
    """Return, in sentences, what to know before a block of addresses is allowed."""
    network = ipaddress.ip_network(block)
    if network.prefixlen == 0:
        return (
            f"{block} allows everyone: whoever is on the internet may try to sign in, and gets "
            "what is public without.",
        )
    found = []
    if any(net.version == network.version and net.overlaps(network) for net in _INSIDE):
        found.append(
            f"{block} are no addresses of the internet: what comes from inside a network arrives "
            "with the public address of its NAT. Allow that one, or link the VPC."
        )
    if network.num_addresses >= _WIDE:
        found.append(f"{block} are {network.num_addresses:,} addresses.")
    return tuple(found)


def explained(access: Access, here: str = "") -> tuple[str, ...]:
    """Return, in sentences for a preflight, who gets in and what to do about who doesn't.

    `here` is the address with which this machine comes out to the internet, empty where that isn't
    known.
    """
    return (
        *_of_public(access, here),
        *(sentence for link in access.links for sentence in _of_link(link)),
        *access.unseen,
    )


def _of_public(access: Access, here: str) -> Iterator[str]:
    mine = str(ipaddress.ip_network(here)) if here else "this machine's public address"
    inside = "or run inside a VPC that is linked"
    of = f"of {access.instance}"
    match access.public:
        case Public.CLOSED:
            yield (
                f"The public endpoint {of} is closed: a copy from this machine can't reach it, "
                f"unless it runs inside a linked VPC. Open it and allow {mine}, {inside}."
            )
        case Public.OPENING:
            yield f"The public endpoint {of} is being opened; that takes a minute or two."
        case Public.UNKNOWN:
            said = f": the API says {access.said}" if access.said else ""
            yield f"Whether the public endpoint {of} is open isn't known{said}."
        case Public.OPEN:
            yield from _of_list(access, here, mine, inside)
    if access.reason and access.public is not Public.OPEN:
        yield f"The API says of it: {access.reason}"


def _of_list(access: Access, here: str, mine: str, inside: str) -> Iterator[str]:
    of = f"the public endpoint of {access.instance}"
    if not access.allowed:
        if not access.unseen:
            yield (
                f"{_upper(of)} is open, but its allow-list is empty, and so nobody gets in. "
                f"Allow {mine}, {inside}."
            )
        return
    named = _named([each.block for each in access.allowed])
    everyone = [each for each in access.allowed if each.network and not each.network.prefixlen]
    if everyone:
        yield (
            f"{_upper(of)} is open to everyone ({everyone[0].block}). Take that off the "
            "allow-list once the move is over."
        )
    elif not here:
        yield f"{_upper(of)} is open to {named}. Where this machine isn't in it, allow {mine}."
    elif access.lets_in(here):
        yield f"{_upper(of)} lets this machine in ({here}): it is open to {named}."
    else:
        yield (
            f"{_upper(of)} is open to {named}, and {here} isn't in it: a copy from this machine "
            f"can't reach it. Allow {mine}, {inside}."
        )
    for each in access.allowed:
        if each.network is None:
            yield f"The allow-list has {each.block!r}, which is no block of addresses."


def _of_link(link: Link) -> Iterator[str]:
    at = f" at {link.address}" if link.address else ""
    match link.stage:
        case Stage.WORKS:
            yield f"{link.vpc} is linked by {link.subnet}{at}. {_of_records(link)}"
        case Stage.BEGUN:
            yield f"{link.vpc} is being linked by {link.subnet}."
        case Stage.GOING:
            yield f"The link of {link.vpc} by {link.subnet} is being taken away."
        case _:
            yield f"{link.vpc} is linked by {link.subnet}{at}, and the API calls that {link.said}."


def _of_records(link: Link) -> str:
    on = [each.domain for each in link.records if each.stage is Stage.WORKS]
    broken = [each for each in link.records if each.stage is Stage.UNKNOWN]
    if on:
        return f"Its private DNS leads {' and '.join(on)} there."
    if broken:
        return f"Whether its private DNS leads there isn't known ({broken[0].said})."
    return "Its private DNS doesn't lead there: make a record, or use DNS of your own."


def _named(blocks: Sequence[str]) -> str:
    more = len(blocks) - _MOST_NAMED
    shown = ", ".join(blocks[:_MOST_NAMED])
    return f"{shown} and {counted(more, 'more block')}" if more > 0 else shown


def _plain(block: str) -> str:
    try:
        return str(ipaddress.ip_network(block.strip(), strict=False))
    except ValueError:
        return safe(block)


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
