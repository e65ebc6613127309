"""What is known of the two ends of a move, and the questions for what isn't. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from transship.errors import BadRequest

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
class Choice:
    """One answer: its value, and what it says in words."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask the operator. `id` stays the same from version to version."""

    id: str
    words: str
    choices: tuple[Choice, ...]


_YES_NO = (Choice("yes", "Yes"), Choice("no", "No"))
_EDITIONS = tuple(Choice(str(edition), edition.capitalize()) for edition in Edition)
_SIDES = (Choice("yes", "In mainland China"), Choice("no", "Elsewhere"))
_PACES = (
    Choice("once", "No: it is left behind"),
    Choice("sometimes", "Yes, now and then"),
    Choice("constantly", "Yes, all the time"),
)
_WORDS: Mapping[str, tuple[str, tuple[Choice, ...]]] = {
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


def question(name: str, facts: Ends) -> Question | None:
    """Return the question with this id; None when its answer is known."""
    if _known(name, facts):
        return None
    words, choices = _WORDS[name]
    text = words.format(source=facts.source.registry, target=facts.target.registry)
    return Question(name, text, choices)


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
