"""What a plan asks for and can't have."""

from __future__ import annotations

from transship.errors.base import CheckFailed, TransshipError


class NothingSelected(TransshipError):
    """No rule of a plan selects anything."""

    title = "Nothing selected"
    remedy = "`transship plan` shows what each rule left out, and why."


class PathRefused(TransshipError):
    """A registry can't have a repository of this name."""

    title = "Name not possible at the target"
    remedy = "Change where it goes: the target's path, or `map` in the rule."


class CopiedInCircles(TransshipError):
    """A tag would be overwritten by what the same plan copies back."""

    title = "Written and read by the same plan"
    remedy = (
        'Leave one of the rules out, or set on_conflict = "skip" or "fail". '
        "`transship copy` settles which of the two it is to be."
    )


class DeletionRefused(TransshipError):
    """A registry doesn't let a tag be deleted."""

    title = "Deletion refused"
    remedy = "Allow deletion at the registry (and give the account the right), or leave it there."


class TagNotGone(TransshipError):
    """A registry says that it has deleted a tag, and has it."""

    title = "Not deleted"
    remedy = "Try again; if it stays, somebody writes the tag anew, or it is locked there."
    retryable = True


class TooManyDeletions(CheckFailed):
    """A run would delete more than its plan allows at once."""

    title = "Too much would be deleted"
    remedy = (
        "Look at the list in `transship plan`. If it is right, raise `at_most` in [delete] "
        "and run the plan anew."
    )


class RestoreFailed(TransshipError):
    """What a tag pointed at before can't be put back."""

    title = "Can't be put back"
    remedy = "Copy it again from where it came from."
