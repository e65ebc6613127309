"""What a change of a domain's record, and the way back, can end in."""

from __future__ import annotations

from transship.errors.base import CheckFailed, TransshipError, UsageError


class CutoverNotFound(UsageError):
    """No cutover has this id or domain, or several begin like it."""

    title = "No such cutover"
    remedy = "`transship cutover` lists the cutovers; name one by its domain or its id."


class CutoverBusy(UsageError):
    """Another process changes the record, or watches it."""

    title = "Another process works on the cutover"
    remedy = "Look at it there, or end that process first; nothing of the cutover is lost by it."


class ExtraMissing(UsageError):
    """Something is asked for that an optional dependency does."""

    title = "A part of Transship isn't installed"
    remedy = "Install it in the environment that Transship is in."


class ByHandOnly(UsageError):
    """The record is to be changed by a person, and not from here."""

    title = "This record is changed by hand"
    remedy = "Make the edit that is shown at the DNS provider; the watch sees it by itself."


class WritesOff(CheckFailed):
    """A change was asked for while --read-only is on."""

    title = "Nothing is written with --read-only"
    remedy = "Start Transship without --read-only to change the record from here."


class RecordChanged(CheckFailed):
    """A record isn't what it was when the change was planned."""

    title = "The record isn't what it was expected to be"
    remedy = (
        "Somebody else changed it, and nothing was written. Look again: what it holds now is shown "
        "before it is changed."
    )


class RecordNotPlain(CheckFailed):
    """A record has more to it than its values: an alias, a routing policy, a disabled part."""

    title = "The record has more to it than its values"
    remedy = "Change it in the provider's console, where the rest of it can be seen and kept."


class ChangePending(CheckFailed):
    """An earlier change of the record was begun, and nobody has looked what became of it."""

    title = "An earlier change hasn't come to its end"
    remedy = "Open the cutover: it looks at the name servers and says what became of the change."


class ChangeBlocked(CheckFailed):
    """A check stands in the way of the change."""

    title = "A check stands in the way of the change"
    remedy = "See `transship check`, or the board in the app; nothing was changed."


class NothingToPutBack(CheckFailed):
    """The record is what it was before the change, or was never changed."""

    title = "There is nothing to put back"
    remedy = "Nothing was changed by this."


class RollbackBlocked(CheckFailed):
    """Going back would lose what is on the new side only."""

    title = "Going back now would lose something"
    remedy = "Copy it to the old registry first, or say that it may be lost."


class LossUnknown(RollbackBlocked):
    """Both registries can't be compared, so that nobody knows what going back would lose."""

    title = "What going back would lose isn't known"
    remedy = (
        "Try again when both registries answer. If it can't wait, go back without knowing: "
        "--accept-loss."
    )


class PullFailed(TransshipError):
    """An image couldn't be pulled by the domain."""

    title = "A pull by the domain failed"
    remedy = "`transship check` says what is wrong there; the record can be put back."


class KeyMissing(TransshipError):
    """The keyring has no key for a DNS provider."""

    title = "No key for the DNS provider"
    remedy = "Give the key once; it is kept in the keyring."


class KeyRefused(TransshipError):
    """A DNS provider doesn't accept a TSIG key, an API key or a sign-in."""

    title = "The DNS provider doesn't accept the key"
    remedy = "Check its name, algorithm and secret, and for TSIG that both clocks agree."


class ProviderRefused(TransshipError):
    """A DNS provider understood, and said no."""

    title = "The DNS provider refused"
    remedy = "Check that the key may change this name, and that the zone's name is right."


class ProviderUnreachable(TransshipError):
    """A DNS provider gave no answer, and nothing was changed."""

    title = "The DNS provider can't be reached"
    remedy = "Check its address, and that a firewall lets this machine through to it."
    retryable = True


class ChangeUncertain(TransshipError):
    """A change was sent, and no answer says whether it was made."""

    title = "It isn't known whether the record was changed"
    remedy = "The name servers are asked what they say; look there before anything else is done."


class ChangeNotMade(TransshipError):
    """A change was sent, and every name server still says the old value."""

    title = "The record wasn't changed"
    remedy = "Every name server says the old value still. Try again, or make the edit by hand."
    retryable = True


class ChangeUndone(TransshipError):
    """A change went wrong at a name server, and the old record was put back."""

    title = "The change went wrong and was undone"
    remedy = "Pulls go where they went before. Make the edit in the provider's console instead."


class NotPutBack(TransshipError):
    """The old record couldn't be put back."""

    title = "The old record isn't back"
    remedy = "Put the records above back by hand at the DNS provider, now."
