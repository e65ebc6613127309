"""What the operator says beside a plan, of how an engine is to move it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from transship.delegates.harbor.terms import Begins, Terms, terms_of
from transship.plans.plan import Plan

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Options:
    """What is said of how an engine is to do it; what is left out is chosen.

    `name` is what the policy or rule is called, or the first of several. `harbor` is the host of
    the Harbor that does it: it has to be named where it relays; where both sides are Harbors, the
    source pushes unless the target is named. `terms` are those of Harbor's policies, else the
    plan's schedule holds; of them only `deletion` is for TCR's rules too. `via` is the project that
    a relay keeps everything in between. `adapter` is the type of Harbor's endpoint for the other
    registry.

    `uin` is the account ID of who owns the target, where that isn't who owns the source;
    `instance` and `region` are the target's own, where no keys see it. `region` is also where a
    replica is to stand, else where the target is.
    """

    name: str = ""
    harbor: str = ""
    terms: Terms | None = None
    via: str = "transship"
    adapter: str = ""
    uin: str = ""
    instance: str = ""
    region: str = ""


def name_of(options: Options, source: str, target: str) -> str:
    """Return what a policy or a rule is to be called."""
    return options.name or plain_name(f"{source}-to-{target}")


def plain_name(text: str) -> str:
    """Return a text as every engine takes it for a name: small letters, digits and dashes."""
    return _NOT_IN_NAMES.sub("-", text.lower())[:_LONGEST].strip("-") or "transship"


@dataclass(frozen=True, slots=True)
class SaidTerms:
    """What is said of how Harbor's policies work; None and empty where nothing is."""

    begins: Begins | None = None
    cron: str = ""
    deletion: bool = False
    speed: int = 0
    copy_by_chunk: bool = False
    single_active: bool = False
    enabled: bool = True

    def terms(self, plan: Plan) -> Terms | None:
        """Return the terms; None where nothing is said, so that the plan's schedule holds.

        A cron line alone says that it goes by the clock. What begins it is the plan's to say where
        only the rest is said. Raises CantBeDelegated.
        """
        if self == SaidTerms():
            return None
        begins = self.begins or (Begins.SCHEDULED if self.cron else None)
        if begins is None or (begins is Begins.SCHEDULED and not self.cron):
            base = terms_of(plan)
        else:
            base = Terms(begins, cron=self.cron)
        return replace(
            base,
            begins=begins or base.begins,
            deletion=self.deletion,
            speed=self.speed,
            copy_by_chunk=self.copy_by_chunk,
            single_active=self.single_active,
            enabled=self.enabled,
        )
