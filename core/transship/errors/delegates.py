"""What stands in the way of letting an engine do the moving."""

from __future__ import annotations

from transship.errors.base import CheckFailed, TransshipError, UsageError


class DelegationNotFound(UsageError):
    """No delegation has this id, or several begin with it."""

    title = "No such delegation"
    remedy = "`transship delegate list` shows them; write more of the id."


class DelegationBusy(TransshipError):
    """Another Transship works on the same delegation."""

    title = "Another Transship works on this delegation"
    remedy = "Let it finish, then try again."


class ExecutionNotFound(UsageError):
    """The engine knows no execution of this id."""

    title = "No such execution"
    remedy = "List the executions again; engines forget old ones."


class ChangedMeanwhile(CheckFailed):
    """Something at the engine isn't as it was when the change was shown."""

    title = "It was changed by somebody else"
    remedy = "Look at what would be changed again, and decide anew. Nothing more was changed."


class NotAsAsked(TransshipError):
    """What was read back isn't what was asked for."""

    title = "The engine didn't keep what it was asked for"
    remedy = "Look at it there; undo takes back what this delegation made."


class NameTaken(CheckFailed):
    """The engine has something else of this name, which wasn't made from here."""

    title = "The engine has another of this name"
    remedy = "Choose another name. What others have made is never changed from here."


class CantBeDelegated(CheckFailed):
    """The engine can't do this move."""

    title = "This engine can't do it"
    remedy = "Let Transship move it, or choose another engine."


class EngineRefused(TransshipError):
    """The engine said no to a change or a start."""

    title = "The engine refused"
    remedy = "Do what it says, then try again."


class AlreadyThere(EngineRefused):
    """What was to be made is at the engine already: it wasn't made by this."""

    title = "It is there already"
    remedy = "Look at what is there: use it, or choose another name."


class TakenBack(UsageError):
    """A delegation is to be gone on with that was taken back."""

    title = "It was taken back"
    remedy = "Ask for it anew: what would be made is shown again."


class NotWhole(CheckFailed):
    """Something of what is to be moved couldn't be listed, so that a plan would leave it behind."""

    title = "Not everything could be listed"
    remedy = "Try again, or ask for a plan without what is named here."


class WouldBePublic(CheckFailed):
    """What only some may pull would be open to everyone at its target."""

    title = "Private images would become public"
    remedy = "Choose another namespace for them, or ask for it to be so."
