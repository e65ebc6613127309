"""The proof that a job's images are at the target, and every difference by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from transship.text import bytes_text, counted, safe
from transship.transfers.verify import Proof, ProofDifference, VerifyProgress
from transship_tui.dialogs.facts import FactsDialog
from transship_tui.keys import all_keys
from transship_tui.lines import line
from transship_tui.marks import BAD, OK, QUIET

_SHOWN = 200


class ProofDialog(FactsDialog):
    """Shows what was proven until it is closed, or until the guide's next step is taken."""

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(key, action="next_step").binding() for key in all_keys() if key.id == "next"
    ]

    def action_next_step(self) -> None:
        """Close, and take the next step of the guide."""
        from transship_tui.app import TransshipApp

        assert isinstance(self.app, TransshipApp)
        self.dismiss()
        self.app.call_later(self.app.action_next_step)


def verdict(proof: Proof) -> Content:
    """Return in one line what a verification has found."""
    images = counted(proof.compared, "image")
    if proof.holds:
        return Content.assemble(
            ("✓ proven", OK), f"  every digest of {images} is the same on both sides"
        )
    return Content.assemble((f"✗ {len(proof.differences):,} of {images} differ", BAD))


def progress_text(progress: VerifyProgress) -> str:
    """Return in one line how far a verification is."""
    found, blobs = counted(progress.found, "image"), counted(progress.blobs, "blob")
    return f"comparing both sides: {found} found so far, {blobs} looked at"


def proof_dialog(job: str, proof: Proof) -> ProofDialog:
    """Return the dialog that shows what was compared and how it differs."""
    depth = f"{bytes_text(proof.bytes_read)} read and hashed" if proof.deep else "sizes compared"
    facts = [
        ("Job", job),
        ("Compared", f"{counted(proof.compared, 'image')}, by digest, on both sides"),
        ("At target", counted(proof.manifests, "manifest")),
        ("", f"{counted(proof.blobs, 'blob')}, {depth}"),
    ]
    return ProofDialog(verdict(proof), facts, Content("\n").join(_rest(job, proof)))


def _rest(job: str, proof: Proof) -> Iterator[Content]:
    for difference in proof.differences[:_SHOWN]:
        yield Content("")
        yield from _difference(difference)
    if len(proof.differences) > _SHOWN:
        yield Content(f"\nand {len(proof.differences) - _SHOWN:,} more: {line('verify', job)}")
    elif not proof.deep:
        deep = line("verify", job, "--deep")
        yield Content.styled(f"\nTo read and hash every blob as well: {deep}", QUIET)


def _difference(difference: ProofDifference) -> Iterator[Content]:
    source, target = safe(str(difference.source)), safe(str(difference.target))
    yield Content.assemble((f"✗ {difference.problem}", BAD), f"  {source}")
    yield Content(f"  → {target}")
    yield Content.styled(f"  {safe(difference.detail)}", QUIET)
