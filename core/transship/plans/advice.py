"""Which way images should go from one registry to another, and why not the other ways. Pure.

An engine at one end is better than this machine where there is one that may do it: the bytes take
the short way. What isn't known speaks against a way that would then fail, and is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from transship.plans.ends import (
    Edition,
    Ends,
    Pace,
    Question,
    border_sides,
    not_of_edition,
    question,
)
from transship.text import bytes_text


class Way(StrEnum):
    """How images can get from one end to the other."""

    COPY = "copy"
    """Transship, once, through this machine."""
    SYNC = "sync"
    """Transship, through this machine, what rules select, again and again."""
    REPLICATION = "replication"
    """Transship, through this machine, everything, kept in step."""
    HARBOR = "harbor"
    """A replication policy of Harbor."""
    TCR_REPLICATION = "tcr-replication"
    """A replica of a TCR instance."""
    TCR_SYNC = "tcr-sync"
    """Synchronisation rules of a TCR instance."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A way that isn't recommended, and why."""

    way: Way
    why: str


@dataclass(frozen=True, slots=True)
class Advice:
    """One way, why it is the one, why each of the others isn't, and what to ask to be surer."""

    way: Way
    reason: str
    others: tuple[Alternative, ...]
    questions: tuple[Question, ...]


_HERE = (Way.COPY, Way.SYNC, Way.REPLICATION)


def advise(facts: Ends) -> Advice:
    """Return the advice that follows from what is known. There always is one."""
    obstacles = {way: _OBSTACLES[way](facts) for way in Way}
    best = _best(facts, obstacles)
    others = tuple(
        Alternative(way, obstacles[way] or _second(way, best, facts)) for way in Way if way != best
    )
    return Advice(best, _reason(best, facts, obstacles), others, _questions(best, facts))


def _best(facts: Ends, obstacles: Mapping[Way, str | None]) -> Way:
    ranked = [Way.TCR_REPLICATION, Way.TCR_SYNC]
    ranked += [Way.HARBOR] if facts.source.service == "harbor" else []
    ranked += [Way.REPLICATION] if facts.whole and facts.goes_on else []
    ranked += [Way.SYNC] if facts.goes_on else []
    # Harbor as the target pulls by the clock only, so it comes after what watches.
    ranked += [Way.COPY, Way.HARBOR]
    return next((way for way in ranked if obstacles[way] is None), Way.COPY)


def _no_tcr(facts: Ends) -> str | None:
    both = (facts.source.service, facts.target.service) == ("tcr", "tcr")
    return _first(
        _if(not both, "it goes between two instances of Tencent TCR only"),
        _if(facts.is_one_registry, "both ends are the same instance"),
    )


def _tcr_replication(facts: Ends) -> str | None:
    sides = border_sides(facts)
    border = "it isn't allowed across the border of mainland China"
    return _first(
        _if(
            facts.is_one_registry and facts.source.service == "tcr",
            "both ends are the same instance. To have all of it in another region too, make a "
            f"replica of it: transship delegate replica {facts.source.registry} --region REGION",
        ),
        _no_tcr(facts),
        _edition(facts, (Edition.PREMIUM,), "it needs the premium edition at both ends"),
        _if(None in sides, f"{border}, and it isn't known where both ends stand"),
        _if(len(set(sides)) == 2, border),
        _if(facts.same_owner is False, "a replica belongs to its instance, so to the same owner"),
        _if(facts.whole is False, "a replica is a full copy; it can't select"),
        _if(facts.target_written is True, "a replica only gives; nobody can push to it"),
    )


def _tcr_sync(facts: Ends) -> str | None:
    editions = Edition.STANDARD, Edition.PREMIUM
    words = "it needs the standard or premium edition at both ends"
    return _first(_no_tcr(facts), _edition(facts, editions, words))


def _harbor(facts: Ends) -> str | None:
    pushes, pulls = facts.source.service == "harbor", facts.target.service == "harbor"
    reaches = (pushes and facts.source_reaches_target is not False) or (
        pulls and facts.target_reaches_source is not False
    )
    admin = "it needs a system administrator of Harbor, or a robot of the system"
    return _first(
        _if(not pushes and not pulls, "neither end is a Harbor"),
        _if(not reaches, "Harbor can't reach the other end"),
        _if(facts.harbor_admin is False, admin),
    )


def _here(facts: Ends) -> str | None:
    return _if(facts.here_reaches is False, "this machine can't reach both ends")


def _replication(facts: Ends) -> str | None:
    return _first(
        _here(facts),
        _if(facts.whole is False, "it keeps everything in step, and only a part is wanted"),
        _if(facts.pace is Pace.ONCE, "nothing changes after the move, so nothing has to keep step"),
    )


def _sync(facts: Ends) -> str | None:
    once = facts.pace is Pace.ONCE
    return _first(_here(facts), _if(once, "nothing changes after the move; a copy does it once"))


_OBSTACLES: Mapping[Way, Callable[[Ends], str | None]] = {
    Way.COPY: _here,
    Way.SYNC: _sync,
    Way.REPLICATION: _replication,
    Way.HARBOR: _harbor,
    Way.TCR_REPLICATION: _tcr_replication,
    Way.TCR_SYNC: _tcr_sync,
}


def _if(holds: bool, words: str) -> str | None:
    return words if holds else None


def _edition(facts: Ends, editions: Collection[Edition], words: str) -> str | None:
    lacking = not_of_edition(facts, editions)
    return f"{words}; {lacking}" if lacking else None


def _first(*obstacles: str | None) -> str | None:
    return next(filter(None, obstacles), None)


def _second(way: Way, best: Way, facts: Ends) -> str:
    """Return why a way that is possible isn't the best."""
    match way:
        case _ if way in _HERE and best not in _HERE:
            return "it would work, but all bytes would go through this machine, and twice"
        case Way.COPY:
            return "it happens once; what changes after it stays behind"
        case Way.SYNC if best is Way.COPY:
            return "it is for what goes on changing, and it isn't known whether it does"
        case Way.SYNC:
            return "it copies what rules select; everything is wanted, and kept in step"
        case Way.REPLICATION:
            missing = "whether it does" if facts.whole else "whether everything is wanted"
            return f"it is for everything, and goes on; it isn't known {missing}"
        case Way.HARBOR:
            return (
                "Harbor could pull, but only by hand or by the clock: its events fire where it is "
                "the source"
            )
        case _:
            return "it would work, but a replica keeps itself in step without rules"


def _reason(way: Way, facts: Ends, obstacles: Mapping[Way, str | None]) -> str:
    match way:
        case Way.TCR_REPLICATION:
            return (
                "both instances are premium and on the same side of the border: TCR keeps a full "
                "replica by itself, under the same domain and credentials. Nobody can push to it"
            )
        case Way.TCR_SYNC:
            return _tcr_sync_reason(facts)
        case Way.HARBOR:
            return _harbor_reason(facts)
        case Way.COPY if obstacles[Way.COPY]:
            return (
                "this machine can't reach both ends, and no engine at either end may do it. Copy "
                "to an OCI layout folder where the source can be reached, carry it over, and copy "
                "from there"
            )
    return _here_reason(way, facts)


def _tcr_sync_reason(facts: Ends) -> str:
    sides = border_sides(facts)
    across = None not in sides and len(set(sides)) == 2
    why = "rules may go across the border, where a replica may not: " if across else ""
    owner = (
        ". With another owner it needs their UIN and a long-term token, and ends with that token"
        if facts.same_owner is False
        else ""
    )
    return f"{why}TCR copies from instance to instance by itself what its rules select{owner}"


def _harbor_reason(facts: Ends) -> str:
    if facts.source.service == "harbor" and facts.source_reaches_target is not False:
        return (
            "the source is a Harbor: a replication policy of its own sends what is pushed, at "
            "once or by the clock, to every service that it has an adapter for"
        )
    return "Harbor can pull by itself, by hand or by the clock, where this machine can't help"


def _here_reason(way: Way, facts: Ends) -> str:
    words = {
        Way.COPY: "Transship copies, through this machine, and proves what has arrived",
        Way.SYNC: "what is there goes on changing, and rules say what is wanted of it",
        Way.REPLICATION: "everything is wanted, and it goes on changing: Transship keeps it in "
        "step, deletions too if you say so",
    }[way]
    if facts.is_one_registry:
        return f"{words}. Both ends are one registry: it can mount layers, so that few travel"
    amount = bytes_text(facts.size) if facts.size is not None else "the bytes"
    lost = (
        ". It never deletes, so tags that vanish at the source stay"
        if way is Way.SYNC and facts.tags_vanish
        else ""
    )
    return f"{words}. No engine at either end can do it, so {amount} go down and up again{lost}"


def _questions(best: Way, facts: Ends) -> tuple[Question, ...]:
    """Return what is worth asking: what could change the advice, or what its way needs to know."""
    wanted: list[str] = []
    if _no_tcr(facts) is None:
        wanted += ["source-edition", "target-edition"]
        if not not_of_edition(facts, (Edition.PREMIUM,), unknown=False):
            wanted += ["source-side", "target-side", "owner", "target-written", "whole"]
    if facts.source.service == "harbor":
        wanted += ["source-reaches", "harbor-admin"]
    if facts.target.service == "harbor":
        wanted += ["target-reaches", "harbor-admin"]
    if best in _HERE:
        wanted += ["here", "pace", "whole"]
    if best not in (Way.COPY, Way.TCR_REPLICATION):
        wanted += ["vanish"]
    asked = (question(name, facts) for name in dict.fromkeys(wanted))
    return tuple(each for each in asked if each)
