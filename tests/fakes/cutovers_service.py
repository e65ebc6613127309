"""A domain whose new registry's service was asked, and the ways to what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cutovers import clean
from fakes.cutovers_world import NAME, standing
from transship.cutover.evidence import ServiceReport
from transship.engines.tcr.attachment import access_statements, allowed_text
from transship.engines.tcr.domains import attachment_of
from transship.engines.tcr.network_access import (
    AllowedBlock,
    EndpointStatus,
    LinkStatus,
    NetworkAccess,
    PrivateDnsRecord,
    VpcLink,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fakes.world import Walk
    from transship.cutover.status import CutoverStatus

HOST = "team.tencentcloudcr.com"
_VPC = VpcLink(
    "vpc-a1b2c3", "subnet-1", LinkStatus.WORKS, records=(PrivateDnsRecord(HOST, LinkStatus.OFF),)
)


def unattached() -> CutoverStatus:
    """Return a domain that isn't attached to its new registry, which lets in an office alone."""
    access = NetworkAccess(
        "team", HOST, EndpointStatus.OPEN, "Opened", allowed=(AllowedBlock("203.0.113.0/24"),)
    )
    access = replace(access, links=(_VPC,))
    told = replace(
        attachment_of(HOST, clean.NAME, None, None, clean.NOW, mainland=False),
        reach=access_statements(access),
        lets_in=allowed_text(access),
    )
    found = clean.case(
        replace(clean.SUBJECT, new=HOST),
        target=clean.chain(HOST, to=(clean.NEW_AT,)),
        handshakes=clean.shakes(verify_code=62, verify_message="Hostname mismatch"),
        probes=(clean.probe(status=404, registry=False, challenge="", realm=None),),
        paths=(),
        pulls=(),
        service=ServiceReport("Tencent TCR", clean.NOW, told),
    )
    return standing(found)


async def _told(walk: Walk) -> None:
    walk.engine.standings[NAME] = unattached()
    await walk.press("5", "enter")
    await walk.is_at("CutoverBoardScreen")


async def _explained(walk: Walk) -> None:
    await _told(walk)
    walk.app.screen.query_one("#board").go_to("P-12")  # type: ignore[attr-defined]
    await walk.rests()
    await walk.press("enter")
    await walk.is_at("CheckDialog")


WAYS: dict[str, Callable[[Walk], Awaitable[None]]] = {
    "cutover-service": _told,
    "cutover-service-reach": _explained,
}

DIALOGS = ("cutover-service-reach",)
