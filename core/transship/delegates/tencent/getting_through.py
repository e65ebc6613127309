"""Who gets through to an instance of TCR, for who moves a name to it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from transship.delegates.tencent.network_access import Access, Link, Public, Stage
from transship.registry.attachment import AttachmentMessage
from transship.text import counted

_MOST_NAMED = 3


def reach_says(access: Access) -> tuple[AttachmentMessage, ...]:
    """Return what keeps clients from an instance, the public way first, then VPC by VPC."""
    return (*_of_public(access), *_of_links(access), *_unseen(access))


def lets_in(access: Access) -> str:
    """Return in a few words whom the public endpoint lets in; empty where it isn't open."""
    if access.public is not Public.OPEN or not access.allowed:
        return ""
    if _everyone(access):
        return f"{access.instance} is open to everyone"
    return f"{access.instance} lets in {_blocks(access)}"


def _of_public(access: Access) -> Iterator[AttachmentMessage]:
    linked = any(link.stage is Stage.WORKS for link in access.links)
    only_inside = "Only what runs in a linked VPC can pull."
    nobody = "Nobody can pull: no VPC is linked either, as far as is known."
    means, severity = (only_inside, "warn") if linked else (nobody, "block")
    open_it = f"`transship delegate network {access.domain} --open --allow ADDRESS`"
    inside = "make sure that all who pull are in a linked VPC."
    reason = f" The API says of it: {access.reason}" if access.reason else ""
    match access.public:
        case Public.CLOSED:
            yield AttachmentMessage(
                "public-endpoint-closed",
                severity,
                f"The public endpoint of {access.instance} is closed.{reason}",
                means,
                f"Open it and allow the addresses that pulls come from ({open_it}), or {inside}",
            )
        case Public.OPENING:
            yield AttachmentMessage(
                "public-endpoint-opening",
                "warn",
                f"The public endpoint of {access.instance} is being opened.{reason}",
                "Nobody gets in by it before that is done.",
                "Wait a minute or two, and check again.",
            )
        case Public.UNKNOWN if access.said:
            yield AttachmentMessage(
                "public-endpoint-unknown",
                "warn",
                f"The API calls the public endpoint of {access.instance} {access.said}, which "
                f"isn't a word that is known.{reason}",
                "Those who pull may get in by it, or not.",
                "Look at it in the console.",
            )
        case Public.OPEN if access.allowed:
            yield from _of_list(access)
        case Public.OPEN if not access.unseen:
            yield AttachmentMessage(
                "allow-list-empty",
                severity,
                f"The public endpoint of {access.instance} is open, and its allow-list is empty: "
                "nobody gets in by it.",
                means,
                "Allow the addresses that pulls come from "
                f"(`transship delegate network {access.domain} --allow ADDRESS`), or {inside}",
            )


def _of_list(access: Access) -> Iterator[AttachmentMessage]:
    if _everyone(access):
        return
    yield AttachmentMessage(
        "allow-list-bounds",
        "warn",
        f"The public endpoint of {access.instance} lets in {_blocks(access)}, and nobody else.",
        "Pulls from any other address fail, unless they come from a linked VPC.",
        "Look whether all who pull come from there. Allow who doesn't: "
        f"`transship delegate network {access.domain} --allow ADDRESS`.",
    )


def _of_links(access: Access) -> Iterator[AttachmentMessage]:
    for link in access.links:
        if link.stage is not Stage.WORKS or not link.records:
            continue
        stages = [each.stage for each in link.records if each.domain == access.domain]
        if Stage.WORKS not in stages:
            yield _led_outside(access, link)


def _led_outside(access: Access, link: Link) -> AttachmentMessage:
    return AttachmentMessage(
        "private-dns-missing",
        "info" if _everyone(access) else "warn",
        f"{link.vpc} is linked, and its private DNS doesn't lead {access.domain} there.",
        "What runs in that VPC is led to the public endpoint, which lets it in only where the "
        "allow-list has the address that it comes out with.",
        f"Make the record: `transship delegate network {access.domain} --record {link.vpc}`. DNS "
        "of your own in that VPC may do the same; acknowledge this then.",
    )


def _unseen(access: Access) -> Iterator[AttachmentMessage]:
    if access.unseen:
        yield AttachmentMessage(
            "access-unseen",
            "info",
            " ".join(access.unseen),
            "Who gets through isn't known whole from the service.",
            "Give the keys the right to ask for it, then check again.",
        )


def _everyone(access: Access) -> bool:
    networks = [each.network for each in access.allowed]
    return access.public is Public.OPEN and any(
        net is not None and not net.prefixlen and net.version == 4 for net in networks
    )


def _blocks(access: Access) -> str:
    blocks = [each.block for each in access.allowed]
    more = len(blocks) - _MOST_NAMED
    shown = ", ".join(blocks[:_MOST_NAMED])
    return f"{shown} and {counted(more, 'more block')}" if more > 0 else shown
