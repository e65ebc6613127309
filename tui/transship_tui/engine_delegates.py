"""What the app asks with, and is answered, when an engine elsewhere is to do the moving."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from transship.engines.choice import EngineKind, EngineOptions, PolicyTermOptions
from transship.engines.tcr.network_access import DesiredAccess
from transship.plans.plan import OnConflict

if TYPE_CHECKING:
    from transship.engines.changes import AppliedChange, ChangeSet, DelegatedItem, Delegation
    from transship.engines.executions import Execution
    from transship.engines.tcr.certificates import ServerCertificate
    from transship.engines.tcr.domains import CustomDomain
    from transship.plans.plan import Plan


Answer = tuple[str, str]
"""The id of a question of `transship.plans.advice`, and the value of its answer."""


@dataclass(frozen=True, slots=True)
class PlanWish:
    """Let somebody move what a plan says.

    `saved` is the plan's name where its file says the same, else empty. `terms` are put into the
    `options` when it is drawn: the plan's schedule may hold.
    """

    plan: Plan
    who: EngineKind
    saved: str = ""
    options: EngineOptions = field(default_factory=EngineOptions)
    terms: PolicyTermOptions = field(default_factory=PolicyTermOptions)


@dataclass(frozen=True, slots=True)
class UndoWish:
    """Take back what a delegation has made."""

    delegation: str


@dataclass(frozen=True, slots=True)
class QuickWish:
    """Move all of a personal account of TCR to an instance of TCR.

    `newest` takes so many tags of each repository, None all. With `incomplete` what could be listed
    is moved without the rest, with `expose` private images may become public. `names` gives
    namespaces other names at the instance, `leave_out` leaves some behind.
    """

    source: str
    target: str
    newest: int | None = None
    on_conflict: OnConflict = OnConflict.FAIL
    incomplete: bool = False
    expose: bool = False
    names: tuple[tuple[str, str], ...] = ()
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkWish:
    """Change who gets through to the instance of TCR at `host`.

    `here` is the address with which this machine comes out to the internet; empty where that isn't
    known.
    """

    host: str
    wishes: DesiredAccess
    here: str = ""


@dataclass(frozen=True, slots=True)
class DomainWish:
    """Attach a custom domain to the instance of TCR at `host`, or with `remove` take it away.

    `certificate` is the id of one in the SSL service. `files` are a certificate, with those above
    it, and its private key, to be handed to that service.
    """

    host: str
    name: str
    certificate: str = ""
    files: tuple[Path, Path] | None = None
    remove: bool = False


@dataclass(frozen=True, slots=True)
class ReplicaWish:
    """Have all of the instance of TCR at `host` replicated to a region, without a plan."""

    host: str
    region: str


Wish = PlanWish | UndoWish | QuickWish | NetworkWish | DomainWish | ReplicaWish


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a wish would change.

    `tells` are sentences about what it would move, `cares` those to mind. `plan` is what our own
    lanes would copy once it is made.
    """

    changes: ChangeSet
    tells: tuple[str, ...] = ()
    cares: tuple[str, ...] = ()
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """How far the making has come: the delegation's id, and the change that was made last."""

    delegation: str
    made: AppliedChange | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """An execution, and the name of what it is of."""

    of: str
    execution: Execution


@dataclass(frozen=True, slots=True)
class Look:
    """A delegation as it stands at its engine.

    `of` names what has executions, `begins` what of that can be started, `stops` says that
    executions can be stopped, `unseen` in sentences what couldn't be asked for.
    """

    delegation: Delegation
    things: tuple[DelegatedItem, ...] = ()
    of: tuple[str, ...] = ()
    runs: tuple[Run, ...] = ()
    begins: tuple[str, ...] = ()
    stops: bool = False
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DomainsThere:
    """The custom domains of an instance of TCR, and the certificates that its owner has.

    `now` is when they were asked for, in seconds since the epoch. `unseen` says why the
    certificates can't be seen, empty where they can.
    """

    domains: tuple[CustomDomain, ...]
    certificates: tuple[ServerCertificate, ...]
    now: float
    unseen: str = ""
