"""The question before a promotion."""

from __future__ import annotations

from textual.content import Content

from transship.oci.digest import Digest
from transship.text import safe
from transship.transfers.promotion import Promotion
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.marks import CARE
from transship_tui.naming import Naming


def promote_dialog(promotion: Promotion, naming: Naming) -> ConfirmDialog:
    """Return the question whether to promote just that.

    Where the tag would move away from another digest, the target's host must be typed.
    """
    begins, ends = promotion.begins.name, promotion.ends.name
    source, target = promotion.source, promotion.target
    lines: list[str | tuple[str, str]] = [
        f"From {safe(begins)}  {naming.place(str(source.at(source.tag)))}\n",
        f"To {safe(ends)}  {naming.place(str(target))}\n",
        f"Digest, {_digest(promotion.digest)}\n",
    ]
    replaced = None if promotion.is_there else promotion.replaced
    if promotion.is_there:
        lines.append(f"{safe(ends)} has it already; what refers to it is looked at.")
    elif replaced:
        lines.append((f"↻ in place of another image, {_digest(replaced)}", CARE))
    elif promotion.referrers:
        lines.append("What refers to it goes along: signatures, SBOMs.")
    return ConfirmDialog(
        f"Promote {promotion.image} to {ends}?",
        Content.assemble(*lines),
        "Promote",
        danger=bool(replaced),
        typed=target.registry if replaced else None,
    )


def _digest(digest: Digest) -> str:
    """Return a digest in full, its hexadecimal digits on a line that has room for them."""
    algorithm, _, digits = digest.partition(":")
    return f"{algorithm}\n{digits}"
