"""The capability card of a registry: what its service can do, and what was really seen. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from transship.registry.registry import MEBIBYTE, Capabilities
from transship.registry.service import NO_LIST, NO_REFERRERS, Can, Fact, Service, no, yes
from transship.text import counted

if TYPE_CHECKING:
    from transship.registry.examination import Examination


@dataclass(frozen=True, slots=True)
class CardRow:
    """One line of a card. `seen` tells what was really met from what is known of the service."""

    title: str
    fact: Fact
    seen: bool = False


@dataclass(frozen=True, slots=True)
class CapabilityCard:
    """What can be done at one registry, in the order in which it is shown."""

    service: Service
    rows: tuple[CardRow, ...]

    def row(self, title: str) -> CardRow:
        """Return the row with this title. Raises KeyError."""
        found = {row.title: row for row in self.rows}
        return found[title]


def card_of(service: Service, examination: Examination | None = None) -> CapabilityCard:
    """Return the card of a registry of this service; what `examination` has seen goes before."""
    facts = service.facts
    rows = (
        _listed(facts.list, examination),
        CardRow("create before push", facts.create),
        CardRow("mount", facts.mount),
        CardRow("resume", facts.resume),
        CardRow("delete", facts.delete),
        _referrers(facts.referrers, examination),
        CardRow("path", _path(service.capabilities)),
        CardRow("upload", _upload(service.capabilities)),
        CardRow("limits", Fact(Can.PARTLY if facts.limits else Can.UNKNOWN, facts.limits)),
        CardRow(
            "credential", Fact(Can.PARTLY if facts.credential else Can.UNKNOWN, facts.credential)
        ),
        _quota(examination),
    )
    return CapabilityCard(service, tuple(row for row in rows if row is not None))


def _listed(fact: Fact, seen: Examination | None) -> CardRow:
    if seen is None or seen.lists is None:
        return CardRow("list", fact)
    if seen.lists:
        return CardRow("list", yes(fact.how if fact.can is not Can.NO else ""), seen=True)
    how = fact.how if fact.can is Can.NO else "this account gets no list"
    return CardRow("list", no(fact.means or NO_LIST, how), seen=True)


def _referrers(fact: Fact, seen: Examination | None) -> CardRow:
    if seen is None or seen.referrers is None:
        return CardRow("referrers", fact)
    found = yes("referrers API") if seen.referrers else no(NO_REFERRERS, "no referrers API")
    return CardRow("referrers", found, seen=True)


def _path(capabilities: Capabilities) -> Fact:
    least, most = capabilities.parts
    if not most and least <= 1:
        return Fact(Can.YES, "any number of components")
    if least == most:
        how = f"exactly {counted(least, 'component')}"
    else:
        how = f"{least} or more components" if not most else f"{least} to {most} components"
    return Fact(Can.PARTLY, how, "Names of another shape need a `map` in the plan's rule.")


def _upload(capabilities: Capabilities) -> Fact:
    if not capabilities.piece:
        return Fact(Can.PARTLY, "each layer in one request")
    whole = capabilities.whole_limit // MEBIBYTE
    piece = capabilities.piece // MEBIBYTE
    first = f"up to {whole} MiB in one request, then " if whole else ""
    return Fact(Can.YES, f"{first}in pieces of {piece} MiB")


def _quota(seen: Examination | None) -> CardRow | None:
    if seen is None or seen.quota is None:
        return None
    quota = seen.quota
    of = f" of {quota.limit:,}" if quota.limit else ""
    hours = f" in {quota.seconds // 3600} h" if quota.seconds >= 3600 else ""
    row = CardRow(
        "quota", Fact(Can.PARTLY, f"{quota.left:,}{of} manifests may be read{hours}"), True
    )
    if quota.left:
        return row
    means = "Nothing can be read before the registry gives more."
    return replace(row, fact=replace(row.fact, can=Can.NO, means=means))
