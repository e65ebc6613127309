"""What can be wished of the network access of an instance of TCR. Makes nothing."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from transship import errors
from transship.delegates.changes import Change, ChangeSet, change_to
from transship.delegates.tencent.network_access import (
    NOBODY_YET,
    SHUTS_OUT,
    Access,
    Link,
    Public,
    Stage,
    block_of,
    cautions,
    explained,
    loss_of_block,
    loss_of_link,
    loss_of_record,
    same_block,
)
from transship.delegates.tencent.network_engine import (
    ALLOWED_ADDRESS,
    KINDS,
    PRIVATE_RECORD,
    PUBLIC_ENDPOINT,
    VPC_LINK,
    Network,
    split_link,
)
from transship.errors import TransshipError
from transship.text import counted

__all__ = ["KINDS", "Network", "Wishes", "wish"]


@dataclass(frozen=True, slots=True)
class Wishes:
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
class _Drawing:
    """A wish that is being drawn up."""

    network: Network
    access: Access
    wishes: Wishes
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
            if self.wishes.allow and self.access.public is Public.CLOSED:
                self.refusals.append(
                    errors.CantBeDelegated(
                        "the public endpoint is closed, and only an open one has an allow-list",
                        remedy="Wish for it to be opened, too.",
                    )
                )
            return
        if self.access.public is Public.UNKNOWN:
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
        is_open = self.access.public is not Public.CLOSED
        warns = () if wanted else tuple(self._shut_out())
        self._add(PUBLIC_ENDPOINT, self.network.domain, {"Open": is_open}, {"Open": wanted}, warns)

    def _shut_out(self) -> Iterator[str]:
        yield SHUTS_OUT
        if self.access.allowed:
            yield (
                f"The allow-list may be gone with it ({_listed(self.access)}): opening the "
                "endpoint again brings back no entry."
            )

    def _allow(self, text: str) -> None:
        block = block_of(text)
        after = {"Description": self.wishes.note}
        there = self._entry(block)
        # What others wrote beside their entries isn't ours to change.
        before = None if there is None else after
        self._add(ALLOWED_ADDRESS, block, before, after, cautions(block))

    def _disallow(self, text: str) -> None:
        block = block_of(text)
        there = self._entry(block)
        if there is None:
            raise errors.BadRequest(
                f"{block} isn't on the allow-list", remedy="Look at the list again."
            )
        warns = [loss_of_block(block)]
        network = ipaddress.ip_network(block)
        if self.here and ipaddress.ip_address(self.here) in network:
            warns.append(f"This machine's own address, {self.here}, is one of them.")
        self._add(ALLOWED_ADDRESS, block, {"Description": there}, None, tuple(warns))

    def _link(self, text: str) -> None:
        vpc, subnet = split_link(text)
        there = self._links().get(f"{vpc}/{subnet}")
        after = {"VpcId": vpc, "SubnetId": subnet}
        before = None if there is None or there.stage is Stage.GOING else after
        self._add(VPC_LINK, f"{vpc}/{subnet}", before, after)

    def _unlink(self, text: str) -> None:
        vpc, subnet = split_link(text)
        if f"{vpc}/{subnet}" not in self._links():
            raise errors.BadRequest(
                f"{vpc} isn't linked by {subnet}", remedy="Look at the links again."
            )
        warns = (loss_of_link(vpc),)
        before = {"VpcId": vpc, "SubnetId": subnet}
        self._add(VPC_LINK, f"{vpc}/{subnet}", before, None, warns)

    def _record(self, vpc: str, *, is_to_be: bool) -> None:
        domain = self.network.vpc_domain if self.wishes.vpc_domain else self.network.domain
        there = any(
            record.domain == domain and record.stage is Stage.WORKS
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
            warns = () if is_to_be else (loss_of_record(name),)
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
        self.changes.append(change_to(kind, name, before, after, warns=warns))

    def _entry(self, block: str) -> str | None:
        """Return what the allow-list says beside a block, None where it doesn't have it."""
        found = (each.note for each in self.access.allowed if same_block(each.block, block))
        return next(found, None)

    def _links(self) -> Mapping[str, Link]:
        return {f"{each.vpc}/{each.subnet}": each for each in self.access.links}

    def _notes(self) -> None:
        self.notes += explained(self.access, self.here)
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


async def wish(network: Network, wishes: Wishes, *, here: str = "") -> ChangeSet:
    """Return what would be changed for `wishes`; with none, nothing, and how it is in the notes.

    `here` is the address with which this machine comes out to the internet, empty where that isn't
    known. Raises what stands in the way of asking, and BadRequest where `here` is no address.
    """
    try:
        mine = here and str(ipaddress.ip_address(here.strip()))
    except ValueError:
        raise errors.BadRequest(f"{here!r} is no address") from None
    access = await network.access()
    if access.unseen and wishes != Wishes():
        refusal = errors.CantBeDelegated(
            " ".join(access.unseen), remedy="Give the keys the right to ask for it, then try again."
        )
        return ChangeSet(
            network.name,
            f"network access of {access.instance}",
            notes=explained(access, mine),
            refusals=(refusal,),
        )
    return _Drawing(network, access, wishes, mine).drawn()


def _listed(access: Access) -> str:
    return ", ".join(each.block for each in access.allowed)
