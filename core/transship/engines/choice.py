"""Which engine could move a plan, what each means, why the others can't, and its options. Pure.

What is known of both sides comes in as `transship.plans.advice.Ends`. What isn't known speaks
against nobody; the questions that would decide are named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from transship.engines.filters import UntranslatedPart, fewest_name_components, translate_plan
from transship.engines.harbor.policy import PolicyTerms, TriggerKind, policy_terms_of
from transship.oci.reference import LAYOUT
from transship.plans.advice import Edition, Ends, border_sides, not_of_edition, question
from transship.plans.plan import Plan


class EngineKind(StrEnum):
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
class EngineTraits:
    """What it means to let somebody move it, a sentence each.

    `logins` says whose login the engine is handed.
    """

    freshness: str
    filters: str
    deletes: str
    logins: str


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """One who could move it.

    `obstacle` says in a sentence why not, empty when it can, and `instead` what to do then. `asks`
    are the ids of questions (`transship.plans.advice`) of which the answers aren't known, and
    count.
    """

    who: EngineKind
    means: EngineTraits
    obstacle: str = ""
    instead: str = ""
    asks: tuple[str, ...] = ()

    @property
    def is_possible(self) -> bool:
        """Whether nothing that is known speaks against it."""
        return not self.obstacle


_Obstacle = tuple[str, str]
"""Why not, and what to do instead. Both are empty where nothing is in the way."""

_NO_OBSTACLE: _Obstacle = ("", "")
_LANES = "Let Transship move it."


@dataclass(frozen=True, slots=True)
class _ChoiceCase:
    ends: Ends
    harbors: tuple[str, ...]
    unsaid: tuple[UntranslatedPart, ...]
    pairs: int


def registry_pairs(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return between which registries a plan goes, source and target, each pair once, in order."""
    copies = ((copy.source.registry, copy.target.registry) for copy in plan.copies)
    rules = (
        (rule.source.registry, target.registry) for rule in plan.rules for target in rule.targets
    )
    return tuple(dict.fromkeys((*copies, *rules)))


def untranslated_parts(plan: Plan, ends: Ends) -> tuple[UntranslatedPart, ...]:
    """Return what of a plan, between these two sides, can't be said in an engine's filters."""
    made = translate_plan(
        plan,
        ends.source.registry,
        ends.target.registry,
        at_least=fewest_name_components(ends.source.service),
        from_harbor=ends.source.service == "harbor",
    )
    return tuple(dict.fromkeys(unsaid for each in made for unsaid in each.unsaid))


def engine_choices(
    ends: Ends,
    *,
    harbors: Sequence[str] = (),
    unsaid: Sequence[UntranslatedPart] = (),
    pairs: int = 1,
) -> tuple[EngineChoice, ...]:
    """Return everybody who could move it, in the order of `Who`.

    `harbors` are the hosts of accounts that are Harbors, `unsaid` what of the plan can't be said
    in an engine's filters (`unsaid_of`), `pairs` between how many pairs of registries
    the plan goes.
    """
    case = _ChoiceCase(ends, tuple(harbors), tuple(unsaid), pairs)
    made = []
    for who in EngineKind:
        obstacle, instead = _OBSTACLES[who](case)
        asked = (name for name in _QUESTIONS[who] if question(name, ends) is not None)
        asks = () if obstacle else tuple(asked)
        made.append(EngineChoice(who, _TRAITS[who](case), obstacle, instead, asks))
    return tuple(made)


def _first_obstacle(*whys: _Obstacle) -> _Obstacle:
    return next((why for why in whys if why[0]), _NO_OBSTACLE)


def _obstacle_if(holds: object, obstacle: str, instead: str = _LANES) -> _Obstacle:
    return (obstacle, instead) if holds else _NO_OBSTACLE


def _transship_obstacle(case: _ChoiceCase) -> _Obstacle:
    return _obstacle_if(
        case.ends.here_reaches is False,
        "This machine can't reach both registries.",
        "Copy to an OCI layout folder where the source can be reached, carry it over, and copy "
        "from there.",
    )


def _any_engine_obstacle(case: _ChoiceCase) -> _Obstacle:
    """Return what is in the way of any engine."""
    sides = case.ends.source.registry, case.ends.target.registry
    return _first_obstacle(
        _obstacle_if(
            case.pairs > 1,
            "The plan goes between several pairs of registries.",
            "Write a plan for each pair, or let Transship move it.",
        ),
        _obstacle_if(
            any(side.startswith(LAYOUT) for side in sides),
            "A folder on this machine is out of an engine's reach.",
        ),
    )


def _filter_obstacle(case: _ChoiceCase) -> _Obstacle:
    first = case.unsaid[0] if case.unsaid else None
    return (f"{first.part}: {first.why}", first.instead) if first else _NO_OBSTACLE


def _admin_obstacle(case: _ChoiceCase) -> _Obstacle:
    return _obstacle_if(
        case.ends.harbor_admin is False,
        "Harbor's replication is for system administrators and robots of the system.",
        "Sign in to Harbor as one of those, or let Transship move it.",
    )


def _harbor_obstacle(case: _ChoiceCase) -> _Obstacle:
    ends = case.ends
    pushes, pulls = ends.source.service == "harbor", ends.target.service == "harbor"
    reaches = (pushes and ends.source_reaches_target is not False) or (
        pulls and ends.target_reaches_source is not False
    )
    relay = "Let a third registry that is a Harbor relay it, or let Transship move it."
    return _first_obstacle(
        _any_engine_obstacle(case),
        _obstacle_if(not pushes and not pulls, "Neither side is a Harbor.", relay),
        _obstacle_if(ends.is_one_registry, "Both sides are the same Harbor."),
        _obstacle_if(
            not reaches,
            "Harbor can't reach the other side.",
            "Open the way, or " + _lower_first(_LANES),
        ),
        _admin_obstacle(case),
        _filter_obstacle(case),
    )


def _relay_obstacle(case: _ChoiceCase) -> _Obstacle:
    ends = case.ends
    sides = ends.source.registry, ends.target.registry
    others = [host for host in case.harbors if host not in sides]
    itself = "harbor" in (ends.source.service, ends.target.service)
    add = "Add one with `transship login HOST --service harbor`, or let Transship move it."
    return _first_obstacle(
        _any_engine_obstacle(case),
        _obstacle_if(
            itself, "One side is a Harbor itself.", "Let that Harbor do it, without a relay."
        ),
        _obstacle_if(not others, "No account is a Harbor that is neither side.", add),
        _obstacle_if(
            ends.is_one_registry,
            "Both sides are the same registry.",
        ),
        _admin_obstacle(case),
        _filter_obstacle(case),
    )


def _tcr_obstacle(case: _ChoiceCase) -> _Obstacle:
    both = (case.ends.source.service, case.ends.target.service) == ("tcr", "tcr")
    return _first_obstacle(
        _any_engine_obstacle(case),
        _obstacle_if(not both, "It goes between instances of Tencent TCR only."),
    )


def _sync_obstacle(case: _ChoiceCase) -> _Obstacle:
    lacking = not_of_edition(case.ends, (Edition.STANDARD, Edition.PREMIUM), unknown=False)
    return _first_obstacle(
        _tcr_obstacle(case),
        _obstacle_if(case.ends.is_one_registry, "Both sides are the same instance."),
        _obstacle_if(
            lacking,
            f"It needs the standard or premium edition at both ends; {lacking}.",
            "Upgrade the instance, or let Transship move it.",
        ),
        _filter_obstacle(case),
    )


def _replica_obstacle(case: _ChoiceCase) -> _Obstacle:
    ends = case.ends
    sides = border_sides(ends)
    # What is named instead has to be possible itself.
    can_sync = not _sync_obstacle(case)[0]
    sync = "Let TCR synchronise the two instances by rules instead." if can_sync else _LANES
    crosses = None not in sides and len(set(sides)) == 2
    # It is a replica of the source: which edition the target is of doesn't matter.
    edition = ends.source.edition
    lacks = edition is not None and edition is not Edition.PREMIUM
    return _first_obstacle(
        _tcr_obstacle(case),
        _obstacle_if(crosses, "A replica can't stand across the border of mainland China.", sync),
        _obstacle_if(
            lacks,
            f"Only the premium edition has replicas; {ends.source.registry} is {edition}.",
            f"Upgrade the instance. {sync}",
        ),
        _obstacle_if(
            ends.same_owner is False, "A replica belongs to the owner of its instance.", sync
        ),
        _obstacle_if(
            ends.whole is False, "A replica is a full copy; it can't select or rename.", sync
        ),
        _obstacle_if(ends.target_written is True, "Nobody can push to a replica.", sync),
    )


def _lower_first(text: str) -> str:
    return text[0].lower() + text[1:]


_OBSTACLES: dict[EngineKind, Callable[[_ChoiceCase], _Obstacle]] = {
    EngineKind.TRANSSHIP: _transship_obstacle,
    EngineKind.HARBOR: _harbor_obstacle,
    EngineKind.HARBOR_RELAY: _relay_obstacle,
    EngineKind.TCR_SYNC: _sync_obstacle,
    EngineKind.TCR_REPLICA: _replica_obstacle,
}
_QUESTIONS: dict[EngineKind, tuple[str, ...]] = {
    EngineKind.TRANSSHIP: ("here",),
    EngineKind.HARBOR: ("harbor-admin",),
    EngineKind.HARBOR_RELAY: ("harbor-admin",),
    EngineKind.TCR_SYNC: ("source-edition", "target-edition", "owner"),
    EngineKind.TCR_REPLICA: (
        "source-edition", "source-side", "target-side", "owner", "whole", "target-written",
    ),
}  # fmt: skip

_BY_PATTERNS = "One pattern for names and patterns for tags in each policy; several are made."


def _transship_traits(case: _ChoiceCase) -> EngineTraits:
    del case
    return EngineTraits(
        "As fresh as the plan's schedule, or within seconds with `run --watch --listen`.",
        "Everything that a plan can say.",
        "Only what a replication is told to delete, within its bounds.",
        "None: the logins stay on this machine.",
    )


def _harbor_traits(case: _ChoiceCase) -> EngineTraits:
    ends = case.ends
    if ends.source.service == "harbor":
        return EngineTraits(
            "At once, when an image is pushed to Harbor; or by the clock, or by hand.",
            _BY_PATTERNS,
            "What is deleted in Harbor, if asked and event-based; with no bound.",
            f"Harbor at {ends.source.registry} is handed the login of {ends.target.registry}.",
        )
    return EngineTraits(
        "By the clock or by hand: Harbor isn't told of what is pushed elsewhere.",
        _BY_PATTERNS,
        "Nothing: a policy that pulls never deletes.",
        f"Harbor at {ends.target.registry} is handed the login of {ends.source.registry}.",
    )


def _relay_traits(case: _ChoiceCase) -> EngineTraits:
    sides = case.ends.source.registry, case.ends.target.registry
    others = [host for host in case.harbors if host not in sides]
    host = f"Harbor at {others[0]}" if len(others) == 1 else "The Harbor between"
    return EngineTraits(
        "No fresher than the interval at which Harbor pulls; what it has pulled goes on at once.",
        _BY_PATTERNS,
        "Nothing: the half that pulls never deletes. What has passed stays in Harbor too.",
        f"{host} is handed the logins of {sides[0]} and {sides[1]}.",
    )


def _sync_traits(case: _ChoiceCase) -> EngineTraits:
    foreign = case.ends.same_owner is False
    logins = (
        f"TCR is handed a long-term token of {case.ends.target.registry}, and the rules end with "
        f"it."
        if foreign
        else "None, where both instances have the same owner."
    )
    return EngineTraits(
        "At once, when an image is pushed to the source. Whether what is there already is taken "
        "isn't documented.",
        "A pattern for names and one for tags in each rule.",
        "What is deleted at the source, if asked; with no bound.",
        logins,
    )


def _replica_traits(case: _ChoiceCase) -> EngineTraits:
    source, target = case.ends.source.registry, case.ends.target.registry
    other = "" if case.ends.is_one_registry else f" {target} itself gets nothing."
    return EngineTraits(
        "Kept in step by TCR itself, all the time.",
        f"None: all of {source}, in the other region, under the same domain.{other}",
        "What is deleted in the instance is gone in its replica.",
        "None: a replica has the logins of its instance.",
    )


_TRAITS: dict[EngineKind, Callable[[_ChoiceCase], EngineTraits]] = {
    EngineKind.TRANSSHIP: _transship_traits,
    EngineKind.HARBOR: _harbor_traits,
    EngineKind.HARBOR_RELAY: _relay_traits,
    EngineKind.TCR_SYNC: _sync_traits,
    EngineKind.TCR_REPLICA: _replica_traits,
}

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class EngineOptions:
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
    terms: PolicyTerms | None = None
    via: str = "transship"
    adapter: str = ""
    uin: str = ""
    instance: str = ""
    region: str = ""


def policy_name(options: EngineOptions, source: str, target: str) -> str:
    """Return what a policy or a rule is to be called."""
    return options.name or plain_name(f"{source}-to-{target}")


def plain_name(text: str) -> str:
    """Return a text as every engine takes it for a name: small letters, digits and dashes."""
    return _NOT_IN_NAMES.sub("-", text.lower())[:_LONGEST].strip("-") or "transship"


@dataclass(frozen=True, slots=True)
class PolicyTermOptions:
    """What is said of how Harbor's policies work; None and empty where nothing is."""

    begins: TriggerKind | None = None
    cron: str = ""
    deletion: bool = False
    speed: int = 0
    copy_by_chunk: bool = False
    single_active: bool = False
    enabled: bool = True

    def terms(self, plan: Plan) -> PolicyTerms | None:
        """Return the terms; None where nothing is said, so that the plan's schedule holds.

        A cron line alone says that it goes by the clock. What begins it is the plan's to say where
        only the rest is said. Raises CantBeDelegated.
        """
        if self == PolicyTermOptions():
            return None
        begins = self.begins or (TriggerKind.SCHEDULED if self.cron else None)
        if begins is None or (begins is TriggerKind.SCHEDULED and not self.cron):
            base = policy_terms_of(plan)
        else:
            base = PolicyTerms(begins, cron=self.cron)
        return replace(
            base,
            begins=begins or base.begins,
            deletion=self.deletion,
            speed=self.speed,
            copy_by_chunk=self.copy_by_chunk,
            single_active=self.single_active,
            enabled=self.enabled,
        )


class OtherEngineKind(StrEnum):
    """What else is changed at engines, beside letting one move a plan. The values are stable."""

    QUICK = "tcr-quick"
    """Namespaces and repositories, before Transship moves a personal account to an instance."""
    NETWORK = "tcr-network"
    DOMAIN = "tcr-domain"
