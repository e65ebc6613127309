"""What TCR's API says of a domain that is to be moved to an instance, and who gets through to it.

It only asks: `InstanceAttachments` is a `transship.registries.attachment.TellsAttachment`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from transship.clock import Clock
from transship.engines.reach import EngineReach, ssl_cloud_at, tcr_instance_at
from transship.engines.tcr.api import InstanceApi
from transship.engines.tcr.certificates import CertificateService
from transship.engines.tcr.domains import DomainEngine
from transship.engines.tcr.network_access import (
    EndpointStatus,
    LinkStatus,
    NetworkAccess,
    NetworkEngine,
    VpcLink,
)
from transship.errors import TransshipError
from transship.registry.attachment import Attached, Attachment, AttachmentMessage
from transship.text import counted


@dataclass(frozen=True, slots=True)
class InstanceEngines:
    """One instance, asked about with one pair of keys, and its engines."""

    at: InstanceApi
    network: NetworkEngine
    domains: DomainEngine


async def open_instance(reach: EngineReach, host: str) -> InstanceEngines:
    """Open what is asked about the instance that `host` is a domain of.

    The SSL service has a host of its own, at the same site of the cloud, which the same keys open.
    Raises ApiKeysNeeded, NoInstance, SeveralInstances, and what stands in the way of asking.
    """
    at = await tcr_instance_at(reach, host)
    certificates = CertificateService(await ssl_cloud_at(reach, host))
    return InstanceEngines(
        at, NetworkEngine(at, reach.clock), DomainEngine(at, certificates, reach.clock)
    )


_MOST_NAMED = 3


def access_statements(access: NetworkAccess) -> tuple[AttachmentMessage, ...]:
    """Return what keeps clients from an instance, the public way first, then VPC by VPC."""
    return (*_endpoint_statements(access), *_link_statements(access), *_unseen_statements(access))


def allowed_text(access: NetworkAccess) -> str:
    """Return in a few words whom the public endpoint lets in; empty where it isn't open."""
    if access.public is not EndpointStatus.OPEN or not access.allowed:
        return ""
    if _is_open_to_all(access):
        return f"{access.instance} is open to everyone"
    return f"{access.instance} lets in {_blocks_text(access)}"


def _endpoint_statements(access: NetworkAccess) -> Iterator[AttachmentMessage]:
    linked = any(link.stage is LinkStatus.WORKS for link in access.links)
    only_inside = "Only what runs in a linked VPC can pull."
    nobody = "Nobody can pull: no VPC is linked either, as far as is known."
    means, severity = (only_inside, "warn") if linked else (nobody, "block")
    open_it = f"`transship delegate network {access.domain} --open --allow ADDRESS`"
    inside = "make sure that all who pull are in a linked VPC."
    reason = f" The API says of it: {access.reason}" if access.reason else ""
    match access.public:
        case EndpointStatus.CLOSED:
            yield AttachmentMessage(
                "public-endpoint-closed",
                severity,
                f"The public endpoint of {access.instance} is closed.{reason}",
                means,
                f"Open it and allow the addresses that pulls come from ({open_it}), or {inside}",
            )
        case EndpointStatus.OPENING:
            yield AttachmentMessage(
                "public-endpoint-opening",
                "warn",
                f"The public endpoint of {access.instance} is being opened.{reason}",
                "Nobody gets in by it before that is done.",
                "Wait a minute or two, and check again.",
            )
        case EndpointStatus.UNKNOWN if access.said:
            yield AttachmentMessage(
                "public-endpoint-unknown",
                "warn",
                f"The API calls the public endpoint of {access.instance} {access.said}, which "
                f"isn't a word that is known.{reason}",
                "Those who pull may get in by it, or not.",
                "Look at it in the console.",
            )
        case EndpointStatus.OPEN if access.allowed:
            yield from _allow_list_statements(access)
        case EndpointStatus.OPEN if not access.unseen:
            yield AttachmentMessage(
                "allow-list-empty",
                severity,
                f"The public endpoint of {access.instance} is open, and its allow-list is empty: "
                "nobody gets in by it.",
                means,
                "Allow the addresses that pulls come from "
                f"(`transship delegate network {access.domain} --allow ADDRESS`), or {inside}",
            )


def _allow_list_statements(access: NetworkAccess) -> Iterator[AttachmentMessage]:
    if _is_open_to_all(access):
        return
    yield AttachmentMessage(
        "allow-list-bounds",
        "warn",
        f"The public endpoint of {access.instance} lets in {_blocks_text(access)}, and nobody "
        f"else.",
        "Pulls from any other address fail, unless they come from a linked VPC.",
        "Look whether all who pull come from there. Allow who doesn't: "
        f"`transship delegate network {access.domain} --allow ADDRESS`.",
    )


def _link_statements(access: NetworkAccess) -> Iterator[AttachmentMessage]:
    for link in access.links:
        if link.stage is not LinkStatus.WORKS or not link.records:
            continue
        stages = [each.stage for each in link.records if each.domain == access.domain]
        if LinkStatus.WORKS not in stages:
            yield _missing_record_statement(access, link)


def _missing_record_statement(access: NetworkAccess, link: VpcLink) -> AttachmentMessage:
    return AttachmentMessage(
        "private-dns-missing",
        "info" if _is_open_to_all(access) else "warn",
        f"{link.vpc} is linked, and its private DNS doesn't lead {access.domain} there.",
        "What runs in that VPC is led to the public endpoint, which lets it in only where the "
        "allow-list has the address that it comes out with.",
        f"Make the record: `transship delegate network {access.domain} --record {link.vpc}`. DNS "
        "of your own in that VPC may do the same; acknowledge this then.",
    )


def _unseen_statements(access: NetworkAccess) -> Iterator[AttachmentMessage]:
    if access.unseen:
        yield AttachmentMessage(
            "access-unseen",
            "info",
            " ".join(access.unseen),
            "Who gets through isn't known whole from the service.",
            "Give the keys the right to ask for it, then check again.",
        )


def _is_open_to_all(access: NetworkAccess) -> bool:
    networks = [each.network for each in access.allowed]
    return access.public is EndpointStatus.OPEN and any(
        net is not None and not net.prefixlen and net.version == 4 for net in networks
    )


def _blocks_text(access: NetworkAccess) -> str:
    blocks = [each.block for each in access.allowed]
    more = len(blocks) - _MOST_NAMED
    shown = ", ".join(blocks[:_MOST_NAMED])
    return f"{shown} and {counted(more, 'more block')}" if more > 0 else shown


class InstanceAttachments:
    """Tells of domains at one instance: `registries.attachment.TellsAttachment`."""

    def __init__(self, opened: InstanceEngines, clock: Clock) -> None:
        self._opened = opened
        self._clock = clock

    async def attachment(self, domain: str) -> Attachment:
        """Return what is said of a domain, and of who gets through to the instance.

        What one of both couldn't be asked for is told in it. Raises nothing.
        """
        found = await self._of_domain(domain.lower())
        try:
            access = await self._opened.network.access()
        except TransshipError as error:
            unseen = AttachmentMessage(
                "access-unseen",
                "info",
                f"Who gets through to {found.registry} couldn't be asked for: {error}",
                "What is seen at the target's addresses from here tells of this machine alone.",
                error.remedy,
            )
            return replace(found, reach=(unseen,))
        return replace(found, reach=access_statements(access), lets_in=allowed_text(access))

    async def _of_domain(self, domain: str) -> Attachment:
        try:
            return await self._opened.domains.attachment(domain)
        except TransshipError as error:
            registry = self._opened.at.instance.public_domain
            unseen = AttachmentMessage(
                "domain-unseen",
                "info",
                f"Whether {registry} has the custom domain {domain} couldn't be asked for: {error}",
                "What is seen at the target's addresses tells whether it works.",
                error.remedy,
            )
            now = self._clock.now()
            return Attachment(registry, domain, Attached.UNKNOWN, now, says=(unseen,))
