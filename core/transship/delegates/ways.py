"""Who could move images from one registry to another, what each means, and why the others can't.

Pure: what is known of both sides comes in as `transship.plans.ends.Ends`. What isn't known speaks
against nobody; the questions that would decide are named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from transship.delegates.filters import Unsaid, translations
from transship.oci.reference import LAYOUT
from transship.plans.ends import Edition, Ends, border_sides, not_of_edition, question
from transship.plans.plan import Plan
from transship.registry.service import service_named


class Who(StrEnum):
    """Who moves it. The values are stable."""

    TRANSSHIP = "transship"
    """Transship's own lanes, through this machine."""
    HARBOR = "harbor"
    """The Harbor that is one of the sides: it pushes from itself, or pulls to itself."""
    HARBOR_RELAY = "harbor-relay"
    """A Harbor that is neither side: it pulls, and pushes what it has pulled."""
    TCR_SYNC = "tcr-sync"
    """Instance synchronisation between two instances of TCR."""
    TCR_REPLICA = "tcr-replica"
    """A replication instance of a TCR instance, in another region."""


@dataclass(frozen=True, slots=True)
class Means:
    """What it means to let somebody move it, a sentence each.

    `logins` says whose login the engine is handed.
    """

    freshness: str
    filters: str
    deletes: str
    logins: str


@dataclass(frozen=True, slots=True)
class Way:
    """One who could move it.

    `obstacle` says in a sentence why not, empty when it can, and `instead` what to do then. `asks`
    are the ids of questions (`transship.plans.ends`) of which the answers aren't known, and count.
    """

    who: Who
    means: Means
    obstacle: str = ""
    instead: str = ""
    asks: tuple[str, ...] = ()

    @property
    def is_possible(self) -> bool:
        """Whether nothing that is known speaks against it."""
        return not self.obstacle


_Why = tuple[str, str]
"""Why not, and what to do instead. Both are empty where nothing is in the way."""

_NONE: _Why = ("", "")
_LANES = "Let Transship move it."


@dataclass(frozen=True, slots=True)
class _Case:
    ends: Ends
    harbors: tuple[str, ...]
    unsaid: tuple[Unsaid, ...]
    pairs: int


def pairs_of(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return between which registries a plan goes, source and target, each pair once, in order."""
    copies = ((copy.source.registry, copy.target.registry) for copy in plan.copies)
    rules = (
        (rule.source.registry, target.registry) for rule in plan.rules for target in rule.targets
    )
    return tuple(dict.fromkeys((*copies, *rules)))


def unsaid_of(plan: Plan, ends: Ends) -> tuple[Unsaid, ...]:
    """Return what of a plan, between these two sides, can't be said in an engine's filters."""
    made = translations(
        plan,
        ends.source.registry,
        ends.target.registry,
        at_least=fewest_parts(ends.source.service),
        from_harbor=ends.source.service == "harbor",
    )
    return tuple(dict.fromkeys(unsaid for each in made for unsaid in each.unsaid))


def fewest_parts(service: str) -> int:
    """Return how many components a repository's name has at least, by the kind of its service."""
    known = service_named(service)
    return known.capabilities.parts[0] if known is not None else 1


def ways(
    ends: Ends,
    *,
    harbors: Sequence[str] = (),
    unsaid: Sequence[Unsaid] = (),
    pairs: int = 1,
) -> tuple[Way, ...]:
    """Return everybody who could move it, in the order of `Who`.

    `harbors` are the hosts of accounts that are Harbors, `unsaid` what of the plan can't be said
    in an engine's filters (`unsaid_of`), `pairs` between how many pairs of registries
    the plan goes.
    """
    case = _Case(ends, tuple(harbors), tuple(unsaid), pairs)
    made = []
    for who in Who:
        obstacle, instead = _OBSTACLES[who](case)
        asked = (name for name in _ASKS[who] if question(name, ends) is not None)
        asks = () if obstacle else tuple(asked)
        made.append(Way(who, _MEANS[who](case), obstacle, instead, asks))
    return tuple(made)


def _first(*whys: _Why) -> _Why:
    return next((why for why in whys if why[0]), _NONE)


def _if(holds: object, obstacle: str, instead: str = _LANES) -> _Why:
    return (obstacle, instead) if holds else _NONE


def _here(case: _Case) -> _Why:
    return _if(
        case.ends.here_reaches is False,
        "This machine can't reach both registries.",
        "Copy to an OCI layout folder where the source can be reached, carry it over, and copy "
        "from there.",
    )


def _engine(case: _Case) -> _Why:
    """Return what is in the way of any engine."""
    sides = case.ends.source.registry, case.ends.target.registry
    return _first(
        _if(
            case.pairs > 1,
            "The plan goes between several pairs of registries.",
            "Write a plan for each pair, or let Transship move it.",
        ),
        _if(
            any(side.startswith(LAYOUT) for side in sides),
            "A folder on this machine is out of an engine's reach.",
        ),
    )


def _says_all(case: _Case) -> _Why:
    first = case.unsaid[0] if case.unsaid else None
    return (f"{first.part}: {first.why}", first.instead) if first else _NONE


def _admin(case: _Case) -> _Why:
    return _if(
        case.ends.harbor_admin is False,
        "Harbor's replication is for system administrators and robots of the system.",
        "Sign in to Harbor as one of those, or let Transship move it.",
    )


def _harbor(case: _Case) -> _Why:
    ends = case.ends
    pushes, pulls = ends.source.service == "harbor", ends.target.service == "harbor"
    reaches = (pushes and ends.source_reaches_target is not False) or (
        pulls and ends.target_reaches_source is not False
    )
    relay = "Let a third registry that is a Harbor relay it, or let Transship move it."
    return _first(
        _engine(case),
        _if(not pushes and not pulls, "Neither side is a Harbor.", relay),
        _if(ends.is_one_registry, "Both sides are the same Harbor."),
        _if(
            not reaches, "Harbor can't reach the other side.", "Open the way, or " + _lower(_LANES)
        ),
        _admin(case),
        _says_all(case),
    )


def _relay(case: _Case) -> _Why:
    ends = case.ends
    sides = ends.source.registry, ends.target.registry
    others = [host for host in case.harbors if host not in sides]
    itself = "harbor" in (ends.source.service, ends.target.service)
    add = "Add one with `transship login HOST --service harbor`, or let Transship move it."
    return _first(
        _engine(case),
        _if(itself, "One side is a Harbor itself.", "Let that Harbor do it, without a relay."),
        _if(not others, "No account is a Harbor that is neither side.", add),
        _if(
            ends.is_one_registry,
            "Both sides are the same registry.",
        ),
        _admin(case),
        _says_all(case),
    )


def _instances(case: _Case) -> _Why:
    both = (case.ends.source.service, case.ends.target.service) == ("tcr", "tcr")
    return _first(_engine(case), _if(not both, "It goes between instances of Tencent TCR only."))


def _sync(case: _Case) -> _Why:
    lacking = not_of_edition(case.ends, (Edition.STANDARD, Edition.PREMIUM), unknown=False)
    return _first(
        _instances(case),
        _if(case.ends.is_one_registry, "Both sides are the same instance."),
        _if(
            lacking,
            f"It needs the standard or premium edition at both ends; {lacking}.",
            "Upgrade the instance, or let Transship move it.",
        ),
        _says_all(case),
    )


def _replica(case: _Case) -> _Why:
    ends = case.ends
    sides = border_sides(ends)
    # What is named instead has to be possible itself.
    can_sync = not _sync(case)[0]
    sync = "Let TCR synchronise the two instances by rules instead." if can_sync else _LANES
    crosses = None not in sides and len(set(sides)) == 2
    # It is a replica of the source: which edition the target is of doesn't matter.
    edition = ends.source.edition
    lacks = edition is not None and edition is not Edition.PREMIUM
    return _first(
        _instances(case),
        _if(crosses, "A replica can't stand across the border of mainland China.", sync),
        _if(
            lacks,
            f"Only the premium edition has replicas; {ends.source.registry} is {edition}.",
            f"Upgrade the instance. {sync}",
        ),
        _if(ends.same_owner is False, "A replica belongs to the owner of its instance.", sync),
        _if(ends.whole is False, "A replica is a full copy; it can't select or rename.", sync),
        _if(ends.target_written is True, "Nobody can push to a replica.", sync),
    )


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


_OBSTACLES: dict[Who, Callable[[_Case], _Why]] = {
    Who.TRANSSHIP: _here,
    Who.HARBOR: _harbor,
    Who.HARBOR_RELAY: _relay,
    Who.TCR_SYNC: _sync,
    Who.TCR_REPLICA: _replica,
}
_ASKS: dict[Who, tuple[str, ...]] = {
    Who.TRANSSHIP: ("here",),
    Who.HARBOR: ("harbor-admin",),
    Who.HARBOR_RELAY: ("harbor-admin",),
    Who.TCR_SYNC: ("source-edition", "target-edition", "owner"),
    Who.TCR_REPLICA: (
        "source-edition", "source-side", "target-side", "owner", "whole", "target-written",
    ),
}  # fmt: skip

_BY_PATTERNS = "One pattern for names and patterns for tags in each policy; several are made."


def _lanes_mean(case: _Case) -> Means:
    del case
    return Means(
        "As fresh as the plan's schedule, or within seconds with `run --watch --listen`.",
        "Everything that a plan can say.",
        "Only what a replication is told to delete, within its bounds.",
        "None: the logins stay on this machine.",
    )


def _harbor_means(case: _Case) -> Means:
    ends = case.ends
    if ends.source.service == "harbor":
        return Means(
            "At once, when an image is pushed to Harbor; or by the clock, or by hand.",
            _BY_PATTERNS,
            "What is deleted in Harbor, if asked and event-based; with no bound.",
            f"Harbor at {ends.source.registry} is handed the login of {ends.target.registry}.",
        )
    return Means(
        "By the clock or by hand: Harbor isn't told of what is pushed elsewhere.",
        _BY_PATTERNS,
        "Nothing: a policy that pulls never deletes.",
        f"Harbor at {ends.target.registry} is handed the login of {ends.source.registry}.",
    )


def _relay_means(case: _Case) -> Means:
    sides = case.ends.source.registry, case.ends.target.registry
    others = [host for host in case.harbors if host not in sides]
    host = f"Harbor at {others[0]}" if len(others) == 1 else "The Harbor between"
    return Means(
        "No fresher than the interval at which Harbor pulls; what it has pulled goes on at once.",
        _BY_PATTERNS,
        "Nothing: the half that pulls never deletes. What has passed stays in Harbor too.",
        f"{host} is handed the logins of {sides[0]} and {sides[1]}.",
    )


def _sync_means(case: _Case) -> Means:
    foreign = case.ends.same_owner is False
    logins = (
        f"TCR is handed a long-term token of {case.ends.target.registry}, and the rules end with "
        f"it."
        if foreign
        else "None, where both instances have the same owner."
    )
    return Means(
        "At once, when an image is pushed to the source. Whether what is there already is taken "
        "isn't documented.",
        "A pattern for names and one for tags in each rule.",
        "What is deleted at the source, if asked; with no bound.",
        logins,
    )


def _replica_means(case: _Case) -> Means:
    source, target = case.ends.source.registry, case.ends.target.registry
    other = "" if case.ends.is_one_registry else f" {target} itself gets nothing."
    return Means(
        "Kept in step by TCR itself, all the time.",
        f"None: all of {source}, in the other region, under the same domain.{other}",
        "What is deleted in the instance is gone in its replica.",
        "None: a replica has the logins of its instance.",
    )


_MEANS: dict[Who, Callable[[_Case], Means]] = {
    Who.TRANSSHIP: _lanes_mean,
    Who.HARBOR: _harbor_means,
    Who.HARBOR_RELAY: _relay_means,
    Who.TCR_SYNC: _sync_means,
    Who.TCR_REPLICA: _replica_means,
}
