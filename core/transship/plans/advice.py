"""Which way images should go from one registry to another, and why not the other ways. Pure.

What is known of the two ends of a move comes first, with the questions for what isn't.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from transship.errors import BadRequest
from transship.text import bytes_text

# Where the regions are: "Regions and Availability Zones" in the documentation of Tencent Cloud
# (CVM, 213/6091). What the border is: its page on replicas (TCR, 1051/43978) lets a primary in
# Guangzhou have none overseas; Hong Kong and Taipei, which it doesn't name, are taken for that.
_MAINLAND = frozenset(
    f"ap-{place}"
    for place in (
        "guangzhou", "shenzhen", "shenzhen-fsi", "shanghai", "shanghai-fsi", "nanjing", "beijing",
        "beijing-fsi", "tianjin", "chengdu", "chongqing", "zhongwei",
    )
)  # fmt: skip
_ABROAD = frozenset(
    {
        "ap-hongkong", "ap-taipei", "ap-singapore", "ap-tokyo", "ap-seoul", "ap-mumbai",
        "ap-bangkok", "ap-jakarta", "na-siliconvalley", "na-ashburn", "na-toronto", "eu-frankfurt",
        "eu-moscow", "sa-saopaulo",
    }
)  # fmt: skip


class Edition(StrEnum):
    """What edition a TCR instance is of."""

    BASIC = "basic"
    STANDARD = "standard"
    PREMIUM = "premium"


class Pace(StrEnum):
    """How often what is at the source changes after the first move."""

    ONCE = "once"
    """Never: the source is left behind."""
    SOMETIMES = "sometimes"
    CONSTANTLY = "constantly"


def side_of(region: str) -> bool | None:
    """Return whether a region of Tencent Cloud is in mainland China; None when that isn't known."""
    if region in _MAINLAND:
        return True
    return False if region in _ABROAD else None


@dataclass(frozen=True, slots=True)
class End:
    """One end: its registry, and what is known of that.

    `service` is the kind of service (see `transship.registry.service`). `region` is what the
    service calls it. `mainland` says whether it stands in mainland China, where the region
    doesn't tell.
    """

    registry: str
    service: str = "registry"
    edition: Edition | None = None
    region: str = ""
    mainland: bool | None = None

    @property
    def side(self) -> bool | None:
        """Whether it stands in mainland China; None when that isn't known."""
        return side_of(self.region) if self.mainland is None else self.mainland


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends, and what is known of what lies between them. None: not known.

    `whole` says that everything at the source is wanted, `size` is its bytes. `target_written`
    says that others push to the target too. `here_reaches` says that this machine reaches both
    ends. `tags_vanish` says that tags are deleted at the source, and are to vanish at the target.
    """

    source: End
    target: End
    whole: bool | None = None
    pace: Pace | None = None
    size: int | None = None
    tags_vanish: bool | None = None
    same_owner: bool | None = None
    target_written: bool | None = None
    source_reaches_target: bool | None = None
    target_reaches_source: bool | None = None
    here_reaches: bool | None = None
    harbor_admin: bool | None = None

    @property
    def goes_on(self) -> bool:
        """Whether it is known that the source goes on changing."""
        return self.pace in (Pace.SOMETIMES, Pace.CONSTANTLY)

    @property
    def is_one_registry(self) -> bool:
        """Whether both ends are in the same registry."""
        return self.source.registry == self.target.registry


@dataclass(frozen=True, slots=True)
class EndChoice:
    """One answer: its value, and what it says in words."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class EndQuestion:
    """What to ask the operator. `id` stays the same from version to version."""

    id: str
    words: str
    choices: tuple[EndChoice, ...]


_YES_NO = (EndChoice("yes", "Yes"), EndChoice("no", "No"))
_EDITIONS = tuple(EndChoice(str(edition), edition.capitalize()) for edition in Edition)
_SIDES = (EndChoice("yes", "In mainland China"), EndChoice("no", "Elsewhere"))
_PACES = (
    EndChoice("once", "No: it is left behind"),
    EndChoice("sometimes", "Yes, now and then"),
    EndChoice("constantly", "Yes, all the time"),
)
_WORDS: Mapping[str, tuple[str, tuple[EndChoice, ...]]] = {
    "source-edition": ("Which edition of TCR is {source}?", _EDITIONS),
    "target-edition": ("Which edition of TCR is {target}?", _EDITIONS),
    "source-side": ("Where does {source} stand?", _SIDES),
    "target-side": ("Where does {target} stand?", _SIDES),
    "owner": ("Do both instances belong to the same account of the cloud?", _YES_NO),
    "target-written": ("Does anybody else push to {target}?", _YES_NO),
    "whole": ("Is everything wanted that is in {source}?", _YES_NO),
    "pace": ("Will {source} go on changing after the first move?", _PACES),
    "vanish": ("Should tags that are deleted at {source} vanish at {target}?", _YES_NO),
    "source-reaches": ("Can {source} reach {target} over the network?", _YES_NO),
    "target-reaches": ("Can {target} reach {source} over the network?", _YES_NO),
    "here": ("Can this machine reach both registries?", _YES_NO),
    "harbor-admin": ("Are you a system administrator of Harbor?", _YES_NO),
}
_FIELDS: Mapping[str, str] = {
    "owner": "same_owner",
    "target-written": "target_written",
    "whole": "whole",
    "vanish": "tags_vanish",
    "source-reaches": "source_reaches_target",
    "target-reaches": "target_reaches_source",
    "here": "here_reaches",
    "harbor-admin": "harbor_admin",
    "pace": "pace",
}


def question(name: str, facts: Ends) -> EndQuestion | None:
    """Return the question with this id; None when its answer is known."""
    if _known(name, facts):
        return None
    words, choices = _WORDS[name]
    text = words.format(source=facts.source.registry, target=facts.target.registry)
    return EndQuestion(name, text, choices)


def answered(facts: Ends, name: str, value: str) -> Ends:
    """Return the facts with the answer to a question. Raises BadRequest for none of its choices."""
    if name not in _WORDS or value not in {choice.value for choice in _WORDS[name][1]}:
        raise BadRequest(f"{value!r} is no answer to the question {name!r}")
    end, _, fact = name.partition("-")
    if name in _FIELDS:
        return _with(facts, _FIELDS[name], value)
    changed = facts.source if end == "source" else facts.target
    if fact == "edition":
        changed = replace(changed, edition=Edition(value))
    else:
        changed = replace(changed, mainland=value == "yes")
    return replace(facts, source=changed) if end == "source" else replace(facts, target=changed)


def border_sides(facts: Ends) -> tuple[bool | None, bool | None]:
    """Return whether each end stands in mainland China; None where that isn't known."""
    return facts.source.side, facts.target.side


def not_of_edition(facts: Ends, editions: Collection[Edition], *, unknown: bool = True) -> str:
    """Return in words which ends aren't of one of these editions; nothing when both are.

    `unknown` counts an end of which the edition isn't known.
    """
    lacking = []
    for end in (facts.source, facts.target):
        if end.edition is None and unknown:
            lacking.append(f"that of {end.registry} isn't known")
        elif end.edition is not None and end.edition not in editions:
            lacking.append(f"{end.registry} is {end.edition}")
    return ", ".join(lacking)


def _known(name: str, facts: Ends) -> bool:
    if name in _FIELDS:
        return getattr(facts, _FIELDS[name]) is not None
    end, _, fact = name.partition("-")
    asked = facts.source if end == "source" else facts.target
    return (asked.edition if fact == "edition" else asked.side) is not None


def _with(facts: Ends, field: str, value: str) -> Ends:
    change: dict[str, Any] = {field: Pace(value) if field == "pace" else value == "yes"}
    return replace(facts, **change)


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
    questions: tuple[EndQuestion, ...]


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


def _questions(best: Way, facts: Ends) -> tuple[EndQuestion, ...]:
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
