"""The regions that TCR is in, as the API tells: none of them is written down here."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from transship import errors
from transship.services.tencent_cloud import TencentCloud
from transship.text import safe


@dataclass(frozen=True, slots=True)
class Region:
    """A region: its number and its name (`ap-guangzhou`)."""

    id: int
    name: str


class _Region(msgspec.Struct, rename="pascal"):
    region_id: int = 0
    region_name: str = ""


class _Regions(msgspec.Struct, rename="pascal"):
    total_count: int = 0
    regions: tuple[_Region, ...] = ()


async def regions(cloud: TencentCloud, *, at: str = "") -> tuple[Region, ...]:
    """Return all regions; `at` is that in which it is asked. Raises ListIncomplete."""
    found = await cloud.call("DescribeRegions", _Regions, region=at)
    if len(found.regions) < found.total_count:
        raise errors.ListIncomplete(
            f"DescribeRegions: {len(found.regions):,} of {found.total_count:,} entries came"
        )
    return tuple(Region(each.region_id, safe(each.region_name)) for each in found.regions)
