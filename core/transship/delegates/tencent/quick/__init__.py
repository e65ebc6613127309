"""Everything of a personal account (CCR) to an instance of TCR, in one go.

What the account holds is listed by the cloud's API, whole or with each gap named. What is missing
at the instance is a set of changes as any other; the images themselves are copied by Transship's
own lanes, by a plan as any other.
"""

from __future__ import annotations

from transship.delegates.tencent.at_instance import AtInstance
from transship.delegates.tencent.quick.drawing import draw, wanted_names
from transship.delegates.tencent.quick.pages import Gap
from transship.delegates.tencent.quick.spaces import KINDS, Spaces
from transship.delegates.tencent.quick.stock import Looked, Repository, Stock, stock_at
from transship.delegates.tencent.quick.target import Target, target_at
from transship.delegates.tencent.quick.wished import Collision, Quick, Terms
from transship.delegates.tencent.quick.writing import text_of
from transship.services.tencent_cloud import TencentCloud

__all__ = [
    "KINDS",
    "Collision",
    "Gap",
    "Looked",
    "Quick",
    "Repository",
    "Spaces",
    "Stock",
    "Target",
    "Terms",
    "draw",
    "stock_at",
    "target_at",
    "text_of",
    "wish",
]

PLAIN_TERMS = Terms()


async def wish(
    personal: TencentCloud,
    host: str,
    at: AtInstance,
    terms: Terms = PLAIN_TERMS,
    looked: Looked | None = None,
) -> Quick:
    """Return what would be made and copied to move all that an account holds at a host of CCR.

    `personal` asks with the keys of that account, `at` with those of the instance's: they may be
    the same. `looked` is told how far the listing is. Makes nothing. Raises NoInstance where the
    keys are for another host, and what stands in the way of asking at all.
    """
    stock = await stock_at(personal, host, looked)
    target = await target_at(at, wanted_names(stock, terms))
    return draw(stock, target, terms, at.name)
