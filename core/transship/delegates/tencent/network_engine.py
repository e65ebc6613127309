"""The network access of an instance of TCR as an engine: read, and changed on an explicit yes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from transship import errors
from transship.clock import Clock
from transship.delegates.changes import Change, Does
from transship.delegates.engine import Found, Gives
from transship.delegates.tencent.at_instance import AtInstance
from transship.delegates.tencent.network_access import (
    Access,
    Allowed,
    Link,
    Public,
    Record,
    Stage,
    public_of,
    same_block,
    stage_of,
)
from transship.text import safe

PUBLIC_ENDPOINT = "public endpoint"
ALLOWED_ADDRESS = "allowed address"
VPC_LINK = "VPC link"
PRIVATE_RECORD = "private DNS record"
KINDS = (PUBLIC_ENDPOINT, ALLOWED_ADDRESS, VPC_LINK, PRIVATE_RECORD)

_EVERY_SECONDS = 5.0
_PATIENCE_SECONDS = 180.0
_T = TypeVar("_T")
_NOT_TOLD = (errors.CloudRefused, errors.NoRight, errors.ListIncomplete, errors.ServerFailed)


class _Status(msgspec.Struct, rename="pascal"):
    status: str = ""
    reason: str = ""


class _Policy(msgspec.Struct, rename="pascal"):
    cidr_block: str = ""
    description: str = ""
    policy_index: int = 0
    policy_version: str = ""


class _Policies(msgspec.Struct, rename="pascal"):
    security_policy_set: list[_Policy] = []


class _Vpc(msgspec.Struct, rename="pascal"):
    vpc_id: str = ""
    subnet_id: str = ""
    status: str = ""
    access_ip: str = ""


class _Vpcs(msgspec.Struct, rename="pascal"):
    access_vpc_set: list[_Vpc] = []
    total_count: int = 0


class _Dns(msgspec.Struct, rename="pascal"):
    vpc_id: str = ""
    status: str = ""


class _DnsSet(msgspec.Struct, rename="pascal"):
    vpc_set: list[_Dns] = []


class Network:
    """The engine of one instance. Raises, beside what is named, what `TencentCloud.call` does.

    The public endpoint goes by the instance's domain, an allowed address by its block, a link by
    `VPC/SUBNET`, a record by `DOMAIN@VPC`.
    """

    def __init__(self, at: AtInstance, clock: Clock) -> None:
        self._at = at
        self._clock = clock

    @property
    def name(self) -> str:
        """Which engine and where."""
        return self._at.name

    @property
    def at(self) -> AtInstance:
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

    async def access(self) -> Access:
        """Return who gets through. What couldn't be asked is named in it."""
        unseen: list[str] = []
        status = await self._told(self._status, _Status(), "its public endpoint", unseen)
        public = public_of(status.status)
        allowed: Sequence[Allowed] = ()
        if public is Public.OPEN or not unseen:
            silent: list[str] = []
            allowed = await self._told(self._allowed, (), "its allow-list", silent)
            # One that isn't open may have none to be asked for.
            unseen += silent if public is Public.OPEN else []
        none: Sequence[Link] = ()
        links = await self._told(self._links, none, "its VPC links", unseen)
        links = await self._told(
            lambda: self._with_records(links), links, "its private DNS", unseen
        )
        return Access(
            self._at.instance.name,
            self.domain,
            public,
            safe(status.status),
            safe(status.reason),
            tuple(allowed),
            tuple(links),
            tuple(unseen),
        )

    async def read(self, kind: str, name: str) -> Found | None:
        """Return what is there; a link or a record that is being taken away isn't."""
        if kind == PUBLIC_ENDPOINT:
            status = await self._status()
            is_open = public_of(status.status) in (Public.OPEN, Public.OPENING)
            return Found({"Open": is_open}, self._at.instance.id, safe(status.status))
        if kind == ALLOWED_ADDRESS:
            return _found_entry(await self._entry(name))
        if kind == VPC_LINK:
            return _found_link(await self._link(name))
        return await self._read_record(name)

    async def make(self, change: Change, gives: Gives) -> None:  # noqa: ARG002 - no login is given
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
        if change.does is Does.CREATE:
            # The list is one of an endpoint that is open, and opening takes a while.
            await self._until(self._has_opened, "the public endpoint isn't open")
            await self._at.do("CreateSecurityPolicy", CidrBlock=change.name, Description=note)
            return
        entry = await self._entry(change.name)
        if entry is None:
            raise errors.ChangedMeanwhile(str(change))
        if change.does is Does.DELETE:
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
            Operation="Delete" if change.does is Does.DELETE else "Create",
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
        if change.does is Does.DELETE:
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
        public = public_of((await self._status()).status)
        if public is Public.CLOSED:
            raise errors.EngineRefused(
                "the public endpoint is closed, and only an open one has an allow-list",
                remedy="Open it with the same wish.",
            )
        return public is not Public.OPENING

    async def _is_closed(self) -> bool:
        return public_of((await self._status()).status) is not Public.OPEN

    async def _status(self) -> _Status:
        return await self._at.call("DescribeExternalEndpointStatus", _Status)

    async def _allowed(self) -> Sequence[Allowed]:
        found = await self._at.call("DescribeSecurityPolicies", _Policies)
        return [
            Allowed(
                safe(each.cidr_block), safe(each.description), each.policy_index,
                each.policy_version,
            )
            for each in found.security_policy_set
        ]  # fmt: skip

    async def _entry(self, block: str) -> Allowed | None:
        try:
            entries = await self._allowed()
        except _NOT_TOLD:
            if public_of((await self._status()).status) is not Public.OPEN:
                return None
            # It may have been opened between the two questions.
            entries = await self._allowed()
        return next((each for each in entries if same_block(each.block, block)), None)

    async def _links(self) -> Sequence[Link]:
        found = await self._at.call("DescribeInternalEndpoints", _Vpcs)
        if (came := len(found.access_vpc_set)) < found.total_count:
            raise errors.ListIncomplete(f"{came} of {found.total_count} VPC links came")
        return [
            Link(
                safe(each.vpc_id), safe(each.subnet_id), stage_of(each.status), safe(each.status),
                safe(each.access_ip),
            )
            for each in found.access_vpc_set
        ]  # fmt: skip

    async def _link(self, name: str) -> Link | None:
        links = await self._links()
        return next((each for each in links if f"{each.vpc}/{each.subnet}" == name), None)

    async def _with_records(self, links: Sequence[Link]) -> Sequence[Link]:
        ready = [each for each in links if each.address]
        if not ready:
            return links
        found: dict[str, list[Record]] = {each.vpc: [] for each in links}
        for domain in (self.domain, self.vpc_domain):
            for vpc, said in (await self._dns(domain, ready)).items():
                found.setdefault(vpc, []).append(Record(domain, stage_of(said), safe(said)))
        return [
            Link(e.vpc, e.subnet, e.stage, e.said, e.address, tuple(found[e.vpc])) for e in links
        ]

    async def _dns(self, domain: str, links: Sequence[Link]) -> Mapping[str, str]:
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
            _DnsSet,
            {"VpcSet": wanted},
            region=self._at.instance.region,
        )
        return {each.vpc_id: each.status for each in answer.vpc_set}

    async def _read_record(self, name: str) -> Found | None:
        domain, _, vpc = name.rpartition("@")
        links = [each for each in await self._links() if each.vpc == vpc and each.address]
        if not links:
            return None
        said = (await self._dns(domain, links[:1])).get(vpc, "")
        stage = stage_of(said)
        if stage is Stage.UNKNOWN:
            raise errors.EngineRefused(f"{PRIVATE_RECORD} {name}: the API says {said or 'nothing'}")
        there = stage in (Stage.WORKS, Stage.BEGUN)
        return Found({"VpcId": vpc}, links[0].address, safe(said)) if there else None

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


def _found_entry(entry: Allowed | None) -> Found | None:
    return None if entry is None else Found({"Description": entry.note}, str(entry.index))


def _found_link(link: Link | None) -> Found | None:
    if link is None or link.stage is Stage.GOING:
        return None
    return Found({"VpcId": link.vpc, "SubnetId": link.subnet}, link.address, link.said)
