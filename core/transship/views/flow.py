"""How a stage of a flow is shown, in the app and on the line: letters, arrows, digests."""

from __future__ import annotations

import string

from transship.oci.digest import short
from transship.transfers.promotion import StageStep

ARROWS = {StageStep.NEW: "→", StageStep.REPLACE: "⇒", StageStep.UNKNOWN: "?"}
LEGEND = "same letter, same digest;  → can be promoted,  ⇒ would replace another digest"


def letter(mark: int) -> str:
    """Return a mark as a letter; there are never more marks than stages."""
    letters = string.ascii_uppercase
    return letters[mark] if mark < len(letters) else str(mark)


def hexadecimal(digest: str) -> str:
    """Return the short form of a digest, without its algorithm."""
    return short(digest).partition(":")[2]
