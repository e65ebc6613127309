"""What the commands on flows share: the file, its stages opened, promotions as JSON."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from transship.oci.reference import Reference
from transship.registry.access import open_registry
from transship_tui.commands.documents import time_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from transship.plans.flow import Flow
    from transship.registry.registry import Registry
    from transship.transfers.promotion import PromotionRecord
    from transship_tui.commands.session import Session

FlowFile = Annotated[
    str, typer.Argument(metavar="FLOW", help="A flow's file, or its name among your plans.")
]


@asynccontextmanager
async def stage_places(session: Session, flow: Flow) -> AsyncIterator[dict[str, Registry]]:
    """Open the registry of every stage. A layout needn't be there yet."""
    async with AsyncExitStack() as stack:
        places: dict[str, Registry] = {}
        for at in flow.places:
            place = open_registry(Reference(at.registry), await session.access(at), create=True)
            places[at.registry] = await stack.enter_async_context(aclosing(place))
        yield places


def promotion_document(entry: PromotionRecord) -> dict[str, object]:
    """Return one line of a flow's ledger: keys that stay, times in ISO 8601 (UTC)."""
    return {
        "number": entry.number,
        "repository": entry.image.repository,
        "tag": entry.image.tag,
        "from": entry.begins,
        "to": entry.ends,
        "source": str(entry.source),
        "target": str(entry.target),
        "digest": entry.digest,
        "replaced": entry.replaced,
        "overwrite": entry.overwrite,
        "by": entry.by.name,
        "host": entry.by.host,
        "job": entry.job,
        "asked": time_text(entry.asked),
        "outcome": str(entry.outcome),
        "ended": None if entry.ended is None else time_text(entry.ended),
        "detail": entry.detail,
    }
