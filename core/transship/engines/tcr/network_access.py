"""Network access of an instance of TCR: its public endpoint, its allow-list, its VPCs.

Nothing of it is open by default. A public endpoint that is open lets in only whom the allow-list
has; a VPC gets in by a link of its own, and finds it by private DNS. `plan_access` says what would
be changed for a desired access, `NetworkEngine` reads it and makes it on an explicit yes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

import msgspec

from transship import errors
from transship.clock import Clock
from transship.engines.changes import (
    Change,
    ChangeAction,
    ChangeSet,
    EngineItem,
    GetLogin,
    change_between,
)
from transship.engines.tcr.api import InstanceApi
from transship.errors import TransshipError
from transship.text import counted, safe

_WIDE = 1 << 16
_MOST_NAMED = 5

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_INSIDE: tuple[IpNetwork, ...] = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
    )
)
"""Addresses that are used inside networks only (RFC 1918, RFC 6598, RFC 4193)."""


class EndpointStatus(StrEnum):
    """How the public endpoint is."""

    OPEN = "open"
    OPENING = "opening"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    """It wasn't told, or in a word that isn't known."""


class LinkStatus(StrEnum):
    """How far a link or a record is."""

    WORKS = "works"
    BEGUN = "begun"
    GOING = "going"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AllowedBlock:
    """An entry of the allow-list, as the API has it: a block of addresses (CIDR), and a note."""

    block: str
    note: str = ""
    index: int = 0
    version: str = ""

    @property
    def network(self) -> IpNetwork | None:
        """The addresses, None where they can't be read."""
        try:
            return ipaddress.ip_network(self.block.strip(), strict=False)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class PrivateDnsRecord:
    """Private DNS of a VPC for one of the instance's own domains."""

    domain: str
    stage: LinkStatus
    said: str = ""


@dataclass(frozen=True, slots=True)
class VpcLink:
    """A VPC that is linked, by one of its subnets. `address` is the instance's inside it."""

    vpc: str
    subnet: str
    stage: LinkStatus
    said: str = ""
    address: str = ""
    records: tuple[PrivateDnsRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkAccess:
    """Who gets through to an instance, as the API tells.

    `said` is the API's word for the public endpoint, `reason` what it says of it. `unseen` has in
    sentences what couldn't be asked.
    """

    instance: str
    domain: str
    public: EndpointStatus
    said: str = ""
    reason: str = ""
    allowed: tuple[AllowedBlock, ...] = ()
    links: tuple[VpcLink, ...] = ()
    unseen: tuple[str, ...] = ()

    def lets_in(self, address: str) -> bool | None:
        """Tell whether an address of the internet gets in; None where that isn't known."""
        if self.public is not EndpointStatus.OPEN:
            return None if self.public is EndpointStatus.UNKNOWN else False
        there = ipaddress.ip_address(address)
        networks = [each.network for each in self.allowed]
        if any(
            net is not None and net.version == there.version and there in net for net in networks
        ):
            return True
        return None if None in networks or self.unseen else False


def endpoint_status(said: str) -> EndpointStatus:
    """Return how the endpoint is, by the API's word for it."""
    word = said.strip().lower()
    if word in ("opened", "open", "running", "success"):
        return EndpointStatus.OPEN
    if word in ("opening", "creating", "pending"):
        return EndpointStatus.OPENING
    return (
        EndpointStatus.CLOSED if word in ("closed", "close", "closing") else EndpointStatus.UNKNOWN
    )


def link_status(said: str) -> LinkStatus:
    """Return how far a link or a record is; `ENABLE` and `ENABLED` are one word here."""
    word = said.strip().lower()
    if word in ("running", "success", "opened", "normal", "enable", "enabled", "active"):
        return LinkStatus.WORKS
    if word in ("pending", "creating", "opening", "deploying", "enabling"):
        return LinkStatus.BEGUN
    if word in ("deleting", "closing", "disabling"):
        return LinkStatus.GOING
    return LinkStatus.OFF if word in ("disable", "disabled", "closed") else LinkStatus.UNKNOWN


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


def is_same_block(one: str, other: str) -> bool:
    """Tell whether two ways to write a block of addresses mean the same."""
    return _normal_block(one) == _normal_block(other)


SHUTS_OUT = (
    "Whoever isn't in a linked VPC can't pull or push any more, at once: this machine, and engines "
    "elsewhere, too."
)
NOBODY_YET = "Nobody gets in by it until an address is allowed."


def block_removal_warning(block: str) -> str:
    """Return, in a sentence, what to know before a block of addresses is taken off the list."""
    return f"Whoever comes from {block} can't pull or push any more, at once."


def link_removal_warning(vpc: str) -> str:
    """Return, in a sentence, what to know before a VPC's link is taken away."""
    return f"What runs in {vpc} can't pull or push by this link any more."


def record_removal_warning(name: str) -> str:
    """Return, in a sentence, what to know before a record, `DOMAIN@VPC`, is taken away."""
    domain, _, vpc = name.rpartition("@")
    return f"In {vpc} {domain} is what public DNS says again."


def block_warnings(block: str) -> tuple[str, ...]:
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


def explain_access(access: NetworkAccess, here: str = "") -> tuple[str, ...]:
    """Return, in sentences for a preflight, who gets in and what to do about who doesn't.

    `here` is the address with which this machine comes out to the internet, empty where that isn't
    known.
    """
    return (
        *_explain_endpoint(access, here),
        *(sentence for link in access.links for sentence in _explain_link(link)),
        *access.unseen,
    )


def _explain_endpoint(access: NetworkAccess, here: str) -> Iterator[str]:
    mine = str(ipaddress.ip_network(here)) if here else "this machine's public address"
    inside = "or run inside a VPC that is linked"
    of = f"of {access.instance}"
    match access.public:
        case EndpointStatus.CLOSED:
            yield (
                f"The public endpoint {of} is closed: a copy from this machine can't reach it, "
                f"unless it runs inside a linked VPC. Open it and allow {mine}, {inside}."
            )
        case EndpointStatus.OPENING:
            yield f"The public endpoint {of} is being opened; that takes a minute or two."
        case EndpointStatus.UNKNOWN:
            said = f": the API says {access.said}" if access.said else ""
            yield f"Whether the public endpoint {of} is open isn't known{said}."
        case EndpointStatus.OPEN:
            yield from _explain_allow_list(access, here, mine, inside)
    if access.reason and access.public is not EndpointStatus.OPEN:
        yield f"The API says of it: {access.reason}"


def _explain_allow_list(access: NetworkAccess, here: str, mine: str, inside: str) -> Iterator[str]:
    of = f"the public endpoint of {access.instance}"
    if not access.allowed:
        if not access.unseen:
            yield (
                f"{_upper_first(of)} is open, but its allow-list is empty, and so nobody gets in. "
                f"Allow {mine}, {inside}."
            )
        return
    named = _named_blocks([each.block for each in access.allowed])
    everyone = [each for each in access.allowed if each.network and not each.network.prefixlen]
    if everyone:
        yield (
            f"{_upper_first(of)} is open to everyone ({everyone[0].block}). Take that off the "
            "allow-list once the move is over."
        )
    elif not here:
        yield (
            f"{_upper_first(of)} is open to {named}. Where this machine isn't in it, allow {mine}."
        )
    elif access.lets_in(here):
        yield f"{_upper_first(of)} lets this machine in ({here}): it is open to {named}."
    else:
        yield (
            f"{_upper_first(of)} is open to {named}, and {here} isn't in it: a copy from this "
            f"machine can't reach it. Allow {mine}, {inside}."
        )
    for each in access.allowed:
        if each.network is None:
            yield f"The allow-list has {each.block!r}, which is no block of addresses."


def _explain_link(link: VpcLink) -> Iterator[str]:
    at = f" at {link.address}" if link.address else ""
    match link.stage:
        case LinkStatus.WORKS:
            yield f"{link.vpc} is linked by {link.subnet}{at}. {_explain_records(link)}"
        case LinkStatus.BEGUN:
            yield f"{link.vpc} is being linked by {link.subnet}."
        case LinkStatus.GOING:
            yield f"The link of {link.vpc} by {link.subnet} is being taken away."
        case _:
            yield f"{link.vpc} is linked by {link.subnet}{at}, and the API calls that {link.said}."


def _explain_records(link: VpcLink) -> str:
    on = [each.domain for each in link.records if each.stage is LinkStatus.WORKS]
    broken = [each for each in link.records if each.stage is LinkStatus.UNKNOWN]
    if on:
        return f"Its private DNS leads {' and '.join(on)} there."
    if broken:
        return f"Whether its private DNS leads there isn't known ({broken[0].said})."
    return "Its private DNS doesn't lead there: make a record, or use DNS of your own."


def _named_blocks(blocks: Sequence[str]) -> str:
    more = len(blocks) - _MOST_NAMED
    shown = ", ".join(blocks[:_MOST_NAMED])
    return f"{shown} and {counted(more, 'more block')}" if more > 0 else shown


def _normal_block(block: str) -> str:
    try:
        return str(ipaddress.ip_network(block.strip(), strict=False))
    except ValueError:
        return safe(block)


def _upper_first(text: str) -> str:
    return text[0].upper() + text[1:]


PUBLIC_ENDPOINT = "public endpoint"
ALLOWED_ADDRESS = "allowed address"
VPC_LINK = "VPC link"
PRIVATE_RECORD = "private DNS record"
KINDS = (PUBLIC_ENDPOINT, ALLOWED_ADDRESS, VPC_LINK, PRIVATE_RECORD)

_EVERY_SECONDS = 5.0
_PATIENCE_SECONDS = 180.0
_T = TypeVar("_T")
_NOT_TOLD = (errors.CloudRefused, errors.NoRight, errors.ListIncomplete, errors.ServerFailed)


class _EndpointAnswer(msgspec.Struct, rename="pascal"):
    status: str = ""
    reason: str = ""


class _AllowListEntry(msgspec.Struct, rename="pascal"):
    cidr_block: str = ""
    description: str = ""
    policy_index: int = 0
    policy_version: str = ""


class _AllowList(msgspec.Struct, rename="pascal"):
    security_policy_set: list[_AllowListEntry] = []


class _VpcEntry(msgspec.Struct, rename="pascal"):
    vpc_id: str = ""
    subnet_id: str = ""
    status: str = ""
    access_ip: str = ""


class _VpcList(msgspec.Struct, rename="pascal"):
    access_vpc_set: list[_VpcEntry] = []
    total_count: int = 0


class _DnsEntry(msgspec.Struct, rename="pascal"):
    vpc_id: str = ""
    status: str = ""


class _DnsList(msgspec.Struct, rename="pascal"):
    vpc_set: list[_DnsEntry] = []


class NetworkEngine:
    """The engine of one instance. Raises, beside what is named, what `TencentCloud.call` does.

    The public endpoint goes by the instance's domain, an allowed address by its block, a link by
    `VPC/SUBNET`, a record by `DOMAIN@VPC`.
    """

    def __init__(self, at: InstanceApi, clock: Clock) -> None:
        self._at = at
        self._clock = clock

    @property
    def name(self) -> str:
        """Which engine and where."""
        return self._at.name

    @property
    def at(self) -> InstanceApi:
        """The instance, and how it is asked about."""
        return self._at

    @property
    def domain(self) -> str:
        """The instance's public domain."""
        return self._at.instance.public_domain

    @property
    def vpc_domain(self) -> str:
        """The domain that is for VPCs alone."""
        name, dot, rest = self.domain.partition(".")
        return f"{name}-vpc{dot}{rest}"

    async def access(self) -> NetworkAccess:
        """Return who gets through. What couldn't be asked is named in it."""
        unseen: list[str] = []
        status = await self._told(self._status, _EndpointAnswer(), "its public endpoint", unseen)
        public = endpoint_status(status.status)
        allowed: Sequence[AllowedBlock] = ()
        if public is EndpointStatus.OPEN or not unseen:
            silent: list[str] = []
            allowed = await self._told(self._allowed, (), "its allow-list", silent)
            # One that isn't open may have none to be asked for.
            unseen += silent if public is EndpointStatus.OPEN else []
        none: Sequence[VpcLink] = ()
        links = await self._told(self._links, none, "its VPC links", unseen)
        links = await self._told(
            lambda: self._with_records(links), links, "its private DNS", unseen
        )
        return NetworkAccess(
            self._at.instance.name,
            self.domain,
            public,
            safe(status.status),
            safe(status.reason),
            tuple(allowed),
            tuple(links),
            tuple(unseen),
        )

    async def read(self, kind: str, name: str) -> EngineItem | None:
        """Return what is there; a link or a record that is being taken away isn't."""
        if kind == PUBLIC_ENDPOINT:
            status = await self._status()
            is_open = endpoint_status(status.status) in (
                EndpointStatus.OPEN,
                EndpointStatus.OPENING,
            )
            return EngineItem({"Open": is_open}, self._at.instance.id, safe(status.status))
        if kind == ALLOWED_ADDRESS:
            return _entry_item(await self._entry(name))
        if kind == VPC_LINK:
            return _link_item(await self._link(name))
        return await self._read_record(name)

    async def make(self, change: Change, gives: GetLogin) -> None:  # noqa: ARG002 - no login is given
        """Make one change. What needs another to be ready waits for that, three minutes at most."""
        makers: Mapping[str, Callable[[Change], Awaitable[None]]] = {
            PUBLIC_ENDPOINT: self._make_endpoint,
            ALLOWED_ADDRESS: self._make_address,
            VPC_LINK: self._make_link,
            PRIVATE_RECORD: self._make_record,
        }
        await makers[change.kind](change)

    async def _make_endpoint(self, change: Change) -> None:
        opens = bool((change.after or {}).get("Open"))
        await self._at.do("ManageExternalEndpoint", Operation="Create" if opens else "Delete")
        if not opens:
            await self._until(self._is_closed, "the public endpoint is open still")

    async def _make_address(self, change: Change) -> None:
        note = str((change.after or {}).get("Description", ""))
        if change.does is ChangeAction.CREATE:
            # The list is one of an endpoint that is open, and opening takes a while.
            await self._until(self._has_opened, "the public endpoint isn't open")
            await self._at.do("CreateSecurityPolicy", CidrBlock=change.name, Description=note)
            return
        entry = await self._entry(change.name)
        if entry is None:
            raise errors.ChangedMeanwhile(str(change))
        if change.does is ChangeAction.DELETE:
            # By its block, and not by its place in the list, which others may have moved.
            await self._at.do(
                "DeleteSecurityPolicy", CidrBlock=entry.block, PolicyVersion=entry.version
            )
        else:
            await self._at.do(
                "ModifySecurityPolicy",
                PolicyIndex=entry.index,
                CidrBlock=entry.block,
                Description=note,
            )

    async def _make_link(self, change: Change) -> None:
        vpc, subnet = split_link(change.name)
        await self._at.do(
            "ManageInternalEndpoint",
            Operation="Delete" if change.does is ChangeAction.DELETE else "Create",
            VpcId=vpc,
            SubnetId=subnet,
            RegionName=self._at.instance.region,
            RegionId=self._at.instance.region_id,
        )

    async def _make_record(self, change: Change) -> None:
        domain, _, vpc = change.name.rpartition("@")

        async def has_address() -> bool:
            return any(each.vpc == vpc and each.address for each in await self._links())

        await self._until(has_address, f"{vpc} has no link with an address")
        address = next(e.address for e in await self._links() if e.vpc == vpc and e.address)
        fields = {
            "InstanceId": self._at.instance.id,
            "VpcId": vpc,
            "EniLBIp": address,
            "UsePublicDomain": domain == self.domain,
            "RegionName": self._at.instance.region,
        }
        if change.does is ChangeAction.DELETE:
            await self._ask("DeleteInternalEndpointDns", fields)
        else:
            region = {"RegionId": self._at.instance.region_id}
            await self._ask("CreateInternalEndpointDns", fields | region)

    async def _ask(self, action: str, fields: Mapping[str, object]) -> None:
        """Call an action that has its own names for the instance."""
        await self._at.cloud.document(action, fields, region=self._at.instance.region)

    async def _until(self, holds: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        until = self._clock.monotonic() + _PATIENCE_SECONDS
        while not await holds():
            if self._clock.monotonic() >= until:
                raise errors.EngineRefused(
                    otherwise, remedy="Wait until it is as it has to be, then go on with this."
                )
            await self._clock.sleep(_EVERY_SECONDS)

    async def _has_opened(self) -> bool:
        public = endpoint_status((await self._status()).status)
        if public is EndpointStatus.CLOSED:
            raise errors.EngineRefused(
                "the public endpoint is closed, and only an open one has an allow-list",
                remedy="Open it with the same wish.",
            )
        return public is not EndpointStatus.OPENING

    async def _is_closed(self) -> bool:
        return endpoint_status((await self._status()).status) is not EndpointStatus.OPEN

    async def _status(self) -> _EndpointAnswer:
        return await self._at.call("DescribeExternalEndpointStatus", _EndpointAnswer)

    async def _allowed(self) -> Sequence[AllowedBlock]:
        found = await self._at.call("DescribeSecurityPolicies", _AllowList)
        return [
            AllowedBlock(
                safe(each.cidr_block), safe(each.description), each.policy_index,
                each.policy_version,
            )
            for each in found.security_policy_set
        ]  # fmt: skip

    async def _entry(self, block: str) -> AllowedBlock | None:
        try:
            entries = await self._allowed()
        except _NOT_TOLD:
            if endpoint_status((await self._status()).status) is not EndpointStatus.OPEN:
                return None
            # It may have been opened between the two questions.
            entries = await self._allowed()
        return next((each for each in entries if is_same_block(each.block, block)), None)

    async def _links(self) -> Sequence[VpcLink]:
        found = await self._at.call("DescribeInternalEndpoints", _VpcList)
        if (came := len(found.access_vpc_set)) < found.total_count:
            raise errors.ListIncomplete(f"{came} of {found.total_count} VPC links came")
        return [
            VpcLink(
                safe(each.vpc_id), safe(each.subnet_id), link_status(each.status),
                safe(each.status),
                safe(each.access_ip),
            )
            for each in found.access_vpc_set
        ]  # fmt: skip

    async def _link(self, name: str) -> VpcLink | None:
        links = await self._links()
        return next((each for each in links if f"{each.vpc}/{each.subnet}" == name), None)

    async def _with_records(self, links: Sequence[VpcLink]) -> Sequence[VpcLink]:
        ready = [each for each in links if each.address]
        if not ready:
            return links
        found: dict[str, list[PrivateDnsRecord]] = {each.vpc: [] for each in links}
        for domain in (self.domain, self.vpc_domain):
            for vpc, said in (await self._dns(domain, ready)).items():
                found.setdefault(vpc, []).append(
                    PrivateDnsRecord(domain, link_status(said), safe(said))
                )
        return [
            VpcLink(e.vpc, e.subnet, e.stage, e.said, e.address, tuple(found[e.vpc])) for e in links
        ]

    async def _dns(self, domain: str, links: Sequence[VpcLink]) -> Mapping[str, str]:
        """Return what the API says of the private DNS of each VPC for a domain."""
        wanted = [
            {
                "InstanceId": self._at.instance.id,
                "VpcId": each.vpc,
                "EniLBIp": each.address,
                "UsePublicDomain": domain == self.domain,
                "RegionName": self._at.instance.region,
            }
            for each in links
        ]
        answer = await self._at.cloud.call(
            "DescribeInternalEndpointDnsStatus",
            _DnsList,
            {"VpcSet": wanted},
            region=self._at.instance.region,
        )
        return {each.vpc_id: each.status for each in answer.vpc_set}

    async def _read_record(self, name: str) -> EngineItem | None:
        domain, _, vpc = name.rpartition("@")
        links = [each for each in await self._links() if each.vpc == vpc and each.address]
        if not links:
            return None
        said = (await self._dns(domain, links[:1])).get(vpc, "")
        stage = link_status(said)
        if stage is LinkStatus.UNKNOWN:
            raise errors.EngineRefused(f"{PRIVATE_RECORD} {name}: the API says {said or 'nothing'}")
        there = stage in (LinkStatus.WORKS, LinkStatus.BEGUN)
        return EngineItem({"VpcId": vpc}, links[0].address, safe(said)) if there else None

    async def _told(
        self, ask: Callable[[], Awaitable[_T]], otherwise: _T, what: str, unseen: list[str]
    ) -> _T:
        try:
            return await ask()
        except _NOT_TOLD as error:
            unseen.append(f"{what[0].upper()}{what[1:]} couldn't be asked for: {error}")
            return otherwise


def split_link(name: str) -> tuple[str, str]:
    """Return the VPC and the subnet of a link. Raises BadRequest."""
    vpc, slash, subnet = name.partition("/")
    if not vpc.strip() or not slash or not subnet.strip() or "/" in subnet:
        raise errors.BadRequest(
            f"{name!r} is no link of a VPC", remedy="Write it as vpc-abc/subnet-def."
        )
    return vpc.strip(), subnet.strip()


def _entry_item(entry: AllowedBlock | None) -> EngineItem | None:
    return None if entry is None else EngineItem({"Description": entry.note}, str(entry.index))


def _link_item(link: VpcLink | None) -> EngineItem | None:
    if link is None or link.stage is LinkStatus.GOING:
        return None
    return EngineItem({"VpcId": link.vpc, "SubnetId": link.subnet}, link.address, link.said)


@dataclass(frozen=True, slots=True)
class DesiredAccess:
    """What is wished of the network access of an instance.

    `public` says whether the public endpoint is to be open, None to leave it. `allow` and
    `disallow` are addresses or blocks of them, `note` what the allow-list says of the former. Links
    are written `VPC/SUBNET`, private DNS as the id of a VPC that is linked or is to be. With
    `vpc_domain` a record is of the domain that is for VPCs alone, else of the public one.
    """

    public: bool | None = None
    allow: tuple[str, ...] = ()
    disallow: tuple[str, ...] = ()
    note: str = "transship"
    link: tuple[str, ...] = ()
    unlink: tuple[str, ...] = ()
    resolve: tuple[str, ...] = ()
    unresolve: tuple[str, ...] = ()
    vpc_domain: bool = False


@dataclass(slots=True)
class _AccessPlanner:
    """A wish that is being drawn up."""

    network: NetworkEngine
    access: NetworkAccess
    wishes: DesiredAccess
    here: str
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusals: list[TransshipError] = field(default_factory=list)

    def drawn(self) -> ChangeSet:
        wishes = self.wishes
        # A list is one of an endpoint that is open, and a record leads to a link.
        if wishes.public is not False:
            self._endpoint()
        for text in wishes.allow:
            self._each(self._allow, text)
        for text in wishes.disallow:
            self._each(self._disallow, text)
        if wishes.public is False:
            self._endpoint()
        for text in wishes.link:
            self._each(self._link, text)
        for vpc in wishes.resolve:
            self._record(vpc, is_to_be=True)
        for vpc in wishes.unresolve:
            self._record(vpc, is_to_be=False)
        for text in wishes.unlink:
            self._each(self._unlink, text)
        self._notes()
        changes = () if self.refusals else tuple(self.changes)
        purpose = f"network access of {self.access.instance}"
        return ChangeSet(
            self.network.name, purpose, changes, tuple(self.notes), tuple(self.refusals)
        )

    def _each(self, draw: Callable[[str], None], text: str) -> None:
        try:
            draw(text)
        except errors.BadRequest as error:
            self.refusals.append(error)

    def _endpoint(self) -> None:
        wanted = self.wishes.public
        if wanted is None:
            if self.wishes.allow and self.access.public is EndpointStatus.CLOSED:
                self.refusals.append(
                    errors.CantBeDelegated(
                        "the public endpoint is closed, and only an open one has an allow-list",
                        remedy="Wish for it to be opened, too.",
                    )
                )
            return
        if self.access.public is EndpointStatus.UNKNOWN:
            self.refusals.append(
                errors.CantBeDelegated(
                    f"whether the public endpoint is open isn't known ({self.access.said})",
                    remedy="Look at it in the console first.",
                )
            )
            return
        if not wanted and self.wishes.allow:
            self.refusals.append(
                errors.BadRequest(
                    "the public endpoint is to be closed, and only an open one has an allow-list",
                    remedy="Wish for one of both.",
                )
            )
            return
        is_open = self.access.public is not EndpointStatus.CLOSED
        warns = () if wanted else tuple(self._shut_out())
        self._add(PUBLIC_ENDPOINT, self.network.domain, {"Open": is_open}, {"Open": wanted}, warns)

    def _shut_out(self) -> Iterator[str]:
        yield SHUTS_OUT
        if self.access.allowed:
            yield (
                f"The allow-list may be gone with it ({_allow_list_text(self.access)}): opening "
                f"the "
                "endpoint again brings back no entry."
            )

    def _allow(self, text: str) -> None:
        block = block_of(text)
        after = {"Description": self.wishes.note}
        there = self._entry(block)
        # What others wrote beside their entries isn't ours to change.
        before = None if there is None else after
        self._add(ALLOWED_ADDRESS, block, before, after, block_warnings(block))

    def _disallow(self, text: str) -> None:
        block = block_of(text)
        there = self._entry(block)
        if there is None:
            raise errors.BadRequest(
                f"{block} isn't on the allow-list", remedy="Look at the list again."
            )
        warns = [block_removal_warning(block)]
        network = ipaddress.ip_network(block)
        if self.here and ipaddress.ip_address(self.here) in network:
            warns.append(f"This machine's own address, {self.here}, is one of them.")
        self._add(ALLOWED_ADDRESS, block, {"Description": there}, None, tuple(warns))

    def _link(self, text: str) -> None:
        vpc, subnet = split_link(text)
        there = self._links().get(f"{vpc}/{subnet}")
        after = {"VpcId": vpc, "SubnetId": subnet}
        before = None if there is None or there.stage is LinkStatus.GOING else after
        self._add(VPC_LINK, f"{vpc}/{subnet}", before, after)

    def _unlink(self, text: str) -> None:
        vpc, subnet = split_link(text)
        if f"{vpc}/{subnet}" not in self._links():
            raise errors.BadRequest(
                f"{vpc} isn't linked by {subnet}", remedy="Look at the links again."
            )
        warns = (link_removal_warning(vpc),)
        before = {"VpcId": vpc, "SubnetId": subnet}
        self._add(VPC_LINK, f"{vpc}/{subnet}", before, None, warns)

    def _record(self, vpc: str, *, is_to_be: bool) -> None:
        domain = self.network.vpc_domain if self.wishes.vpc_domain else self.network.domain
        there = any(
            record.domain == domain and record.stage is LinkStatus.WORKS
            for link in self.access.links
            if link.vpc == vpc
            for record in link.records
        )
        settings = {"VpcId": vpc}
        linked = any(link.vpc == vpc for link in self.access.links)
        to_link = any(text.partition("/")[0].strip() == vpc for text in self.wishes.link)
        if is_to_be and not (linked or to_link):
            self.refusals.append(
                errors.CantBeDelegated(
                    f"{vpc} isn't linked, so there is nothing that its private DNS could lead to",
                    remedy="Wish for the link, too.",
                )
            )
        elif not is_to_be and not there:
            self.refusals.append(
                errors.BadRequest(
                    f"the private DNS of {vpc} has no record for {domain}",
                    remedy="Look at the records again.",
                )
            )
        else:
            name = f"{domain}@{vpc}"
            warns = () if is_to_be else (record_removal_warning(name),)
            before = settings if there else None
            after = settings if is_to_be else None
            self._add(PRIVATE_RECORD, name, before, after, warns)

    def _add(
        self,
        kind: str,
        name: str,
        before: Mapping[str, object] | None,
        after: Mapping[str, object] | None,
        warns: tuple[str, ...] = (),
    ) -> None:
        if any((each.kind, each.name) == (kind, name) for each in self.changes):
            self.refusals.append(errors.BadRequest(f"{kind} {name} is wished for twice"))
            return
        self.changes.append(change_between(kind, name, before, after, warns=warns))

    def _entry(self, block: str) -> str | None:
        """Return what the allow-list says beside a block, None where it doesn't have it."""
        found = (each.note for each in self.access.allowed if is_same_block(each.block, block))
        return next(found, None)

    def _links(self) -> Mapping[str, VpcLink]:
        return {f"{each.vpc}/{each.subnet}": each for each in self.access.links}

    def _notes(self) -> None:
        self.notes += explain_access(self.access, self.here)
        if self.wishes.public and not self.wishes.allow and not self.access.allowed:
            self.notes.append(NOBODY_YET)
        limits = self.network.at.instance.limits
        new = {*self.wishes.link} - {*self._links()}
        count = len(self.access.links) + len(new)
        if new and limits is not None and count > limits.vpcs:
            self.notes.append(
                f"That would be {counted(count, 'VPC link')}; the edition "
                f"({self.network.at.instance.edition}) has {limits.vpcs}, unless the cloud has "
                "raised that."
            )


async def plan_access(
    network: NetworkEngine, wishes: DesiredAccess, *, here: str = ""
) -> ChangeSet:
    """Return what would be changed for `wishes`; with none, nothing, and how it is in the notes.

    `here` is the address with which this machine comes out to the internet, empty where that isn't
    known. Raises what stands in the way of asking, and BadRequest where `here` is no address.
    """
    try:
        mine = here and str(ipaddress.ip_address(here.strip()))
    except ValueError:
        raise errors.BadRequest(f"{here!r} is no address") from None
    access = await network.access()
    if access.unseen and wishes != DesiredAccess():
        refusal = errors.CantBeDelegated(
            " ".join(access.unseen), remedy="Give the keys the right to ask for it, then try again."
        )
        return ChangeSet(
            network.name,
            f"network access of {access.instance}",
            notes=explain_access(access, mine),
            refusals=(refusal,),
        )
    return _AccessPlanner(network, access, wishes, mine).drawn()


def _allow_list_text(access: NetworkAccess) -> str:
    return ", ".join(each.block for each in access.allowed)
