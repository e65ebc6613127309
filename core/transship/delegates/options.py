"""What the operator says beside a plan, of how an engine is to move it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from transship.delegates.harbor.terms import Terms

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Options:
    """What is said of how an engine is to do it; what is left out is chosen.

    `name` is what the policy or rule is called, or the first of several. `harbor` is the host of
    the Harbor that does it: it has to be named where it relays; where both sides are Harbors, the
    source pushes unless the target is named. `terms` are those of Harbor's policies, else the
    plan's schedule holds. `via` is the project that a relay keeps everything in between. `adapter`
    is the type of Harbor's endpoint for the other registry.

    `uin` is the account ID of who owns the target, where that isn't who owns the source;
    `instance` and `region` are the target's own, where no keys see it. `region` is also where a
    replica is to stand, else where the target is. The default is to have patterns sent as they are.
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
