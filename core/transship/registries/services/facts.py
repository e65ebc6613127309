"""What a service lets a migration do, as facts: an answer each, and what a "no" means. Data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Can(StrEnum):
    """Whether something can be done."""

    YES = "yes"
    NO = "no"
    NOT_NEEDED = "not needed"
    """It can't, and nobody misses it."""
    PARTLY = "partly"
    """It can, within bounds that are said."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fact:
    """One answer. `how` says in a few words how or within what bounds.

    `means` says in a sentence what it means for a migration; every "no" has one.
    """

    can: Can
    how: str = ""
    means: str = ""


def yes(how: str = "") -> Fact:
    """Return that it can be done."""
    return Fact(Can.YES, how)


def no(means: str, how: str = "") -> Fact:
    """Return that it can't be done, and what that means for a migration."""
    return Fact(Can.NO, how, means)


def partly(how: str, means: str = "") -> Fact:
    """Return within what bounds it can be done."""
    return Fact(Can.PARTLY, how, means)


def unknown(how: str = "") -> Fact:
    """Return that it isn't known before it is tried."""
    return Fact(Can.UNKNOWN, how)


def unneeded(how: str = "") -> Fact:
    """Return that nothing has to be created, and what is to be known of it all the same."""
    means = "Nothing has to be there before: a push makes the repository."
    return Fact(Can.NOT_NEEDED, how, means)


NO_LIST = (
    "Name the repositories yourself: in the account, or in the rules of a plan, without patterns."
)
NO_RESUME = "A large layer that breaks off is sent again from its beginning."
NO_REFERRERS = "Signatures and SBOMs are kept under fallback tags, which Transship writes."
NO_DELETE = "What a replication would delete stays; take it away with the service's own tools."


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a service before anybody has knocked.

    `create` is about what has to be there before a repository can be pushed to. `limits` says in
    words what it counts or bounds, `credential` how long what it is signed in to with lives; both
    are empty when nothing is known.
    """

    list: Fact = Fact(Can.UNKNOWN)
    create: Fact = Fact(Can.UNKNOWN)
    mount: Fact = Fact(Can.UNKNOWN)
    resume: Fact = Fact(Can.UNKNOWN)
    delete: Fact = Fact(Can.UNKNOWN)
    referrers: Fact = Fact(Can.UNKNOWN)
    limits: str = ""
    credential: str = ""


def no_registry(
    means: str, how: str = "holds no images", *, listing: str = "", limits: str, credential: str
) -> Facts:
    """Return the facts of what holds no images.

    Each "no" `means` the same, but for that to its list where `listing` says more.
    """
    nothing = no(means, how)
    return Facts(
        list=no(listing or means, how),
        create=nothing,
        mount=nothing,
        resume=nothing,
        delete=nothing,
        referrers=nothing,
        limits=limits,
        credential=credential,
    )


def of_keys(limits: str, credential: str) -> Facts:
    """Return the facts of an account of a cloud's API."""
    return no_registry(
        "Nothing is copied to here.",
        listing="Add the registry itself; these keys list and make its repositories.",
        limits=limits,
        credential=credential,
    )
