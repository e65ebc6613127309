"""What the API of a registry's cloud says no to, and what can't be told from its answers."""

from __future__ import annotations

from transship.errors.answers import UnexpectedAnswer
from transship.errors.base import TransshipError


class CloudRefused(UnexpectedAnswer):
    """The API of the cloud refuses what it was asked; `code` is its own word for why."""

    title = "The cloud's API refuses this"
    remedy = "The code and the words above are the API's own; its documentation says more of them."

    def __init__(self, detail: str = "", *, code: str = "", remedy: str | None = None) -> None:
        super().__init__(detail, remedy=remedy)
        self.code = code


class CloudLacks(CloudRefused):
    """The cloud doesn't have what it was asked about."""

    title = "The cloud doesn't have it"
    remedy = "Check its name, and whether the keys are of the account that it belongs to."


class CloudHasIt(CloudRefused):
    """What was to be made is there already, or another has the name."""

    title = "It is there already, or the name is taken"
    remedy = "Use what is there, or choose another name."


class NoInstance(UnexpectedAnswer):
    """No instance that the keys see answers at a host."""

    title = "No instance has this domain"
    remedy = "Check the host, and whether the keys see the instance: its account, site and rights."


class SeveralInstances(UnexpectedAnswer):
    """More than one instance answers at a host, and they hold different images."""

    title = "Several instances have this domain"
    remedy = "Use the default domain of the one that is meant."


class ListIncomplete(TransshipError):
    """A list didn't come as long as the cloud says that it is, read again and again."""

    title = "The cloud's list didn't come whole"
    remedy = "Try again once nothing is being made or deleted there."
    retryable = True
