"""Who gets through to an instance of TCR, as rows: the endpoint, addresses, links, records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from textual.content import Content

from transship.engines.tcr.network_access import (
    EndpointStatus,
    LinkStatus,
    NetworkAccess,
    PrivateDnsRecord,
    VpcLink,
)
from transship.text import safe
from transship_tui.marks import CARE, NEWS, OK, QUIET, Mark
from transship_tui.widgets.rows import Column

COLUMNS = (
    Column("State", 12),
    Column("What", 18),
    Column("Name", middle=True),
    Column("", 24, least=96),
)
PUBLIC = {
    EndpointStatus.OPEN: Mark("✓", "open", OK),
    EndpointStatus.OPENING: Mark("▸", "opening", NEWS),
    EndpointStatus.CLOSED: Mark("–", "closed", CARE),
    EndpointStatus.UNKNOWN: Mark("?", "unknown", CARE),
}
STAGES = {
    LinkStatus.WORKS: Mark("✓", "works", OK),
    LinkStatus.BEGUN: Mark("▸", "being made", NEWS),
    LinkStatus.GOING: Mark("–", "going", CARE),
    LinkStatus.OFF: Mark("–", "off", QUIET),
    LinkStatus.UNKNOWN: Mark("?", "unknown", CARE),
}
_ALLOWED = Mark("✓", "allowed", OK)


class Part(StrEnum):
    """What a row is."""

    ENDPOINT = "public endpoint"
    ALLOWED = "allowed address"
    LINK = "VPC link"
    RECORD = "private DNS"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that lets clients in.

    `name` is the endpoint's domain, a block of addresses, `VPC/SUBNET`, or the domain of a record;
    `vpc` is the VPC of a link or a record.
    """

    part: Part
    name: str
    mark: Mark
    more: str = ""
    vpc: str = ""

    @property
    def key(self) -> str:
        """What it is known by."""
        return f"{self.part} {self.name} {self.vpc}"


class NetworkRows:
    """All of it, the endpoint first."""

    def __init__(self, access: NetworkAccess | None = None) -> None:
        self.rows = tuple(_rows(access)) if access is not None else ()

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, index: int) -> str:
        """Return what a row is known by."""
        return self.rows[index].key

    def cells(self, index: int) -> Sequence[Content]:
        """Return how it is, what it is, its name, and what else is known of it."""
        row = self.rows[index]
        at = f"{row.name} in {row.vpc}" if row.part is Part.RECORD else row.name
        return (
            row.mark.content(),
            Content.styled(str(row.part), QUIET),
            Content(safe(at)),
            Content.styled(safe(row.more), QUIET),
        )


def _rows(access: NetworkAccess) -> Iterator[Row]:
    yield Row(Part.ENDPOINT, access.domain, PUBLIC[access.public], access.reason)
    for each in access.allowed:
        yield Row(Part.ALLOWED, each.block, _ALLOWED, each.note)
    for link in access.links:
        yield _link(link)
        for record in link.records:
            if record.stage is not LinkStatus.OFF:
                yield _record(link, record)


def _link(link: VpcLink) -> Row:
    at = f"at {link.address}" if link.address else link.said
    return Row(Part.LINK, f"{link.vpc}/{link.subnet}", STAGES[link.stage], at, link.vpc)


def _record(link: VpcLink, record: PrivateDnsRecord) -> Row:
    said = record.said if record.stage is LinkStatus.UNKNOWN else ""
    return Row(Part.RECORD, record.domain, STAGES[record.stage], said, link.vpc)
