"""Why an image isn't moved to the next stage of a flow."""

from __future__ import annotations

from transship.errors.base import CheckFailed, UsageError


class StageSkipped(CheckFailed):
    """The image is in an earlier stage, and not in the one before."""

    title = "A stage would be skipped"
    remedy = "Promote it stage by stage; `transship flow FLOW` shows where it is."


class NotInStage(CheckFailed):
    """The image isn't in the stage that it would come from."""

    title = "The image isn't in the stage before"
    remedy = "`transship flow FLOW` shows what is in which stage."


class TagMoved(CheckFailed):
    """The tag doesn't point at the digest that was named."""

    title = "The tag points at another digest"
    remedy = "Look at what it points at; then name that digest, or none."


class StageTaken(CheckFailed):
    """The stage has the tag with another digest, and it wasn't said that it may move."""

    title = "The stage has the tag with another digest"
    remedy = "If that is to be replaced, say so with --overwrite."


class LedgerTaken(UsageError):
    """A flow's ledger is that of another file, and no ledger is of two."""

    title = "The ledger is another flow's"
    remedy = "Write a `name` of its own into one of the two files."
