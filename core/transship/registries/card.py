"""The capability card of a registry: what its service can do, and what was really seen. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from transship.registries.place import MEBIBYTE, Capabilities
from transship.registries.services.facts import NO_LIST, NO_REFERRERS, Can, Fact, no, yes
from transship.registries.services.service import Service
from transship.text import counted

if TYPE_CHECKING:
    from transship.registries.examine import Examination


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a card. `seen` tells what was really met from what is known of the service."""

    title: str
    fact: Fact
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """What can be done at one registry, in the order in which it is shown."""

    service: Service
    rows: tuple[Row, ...]

    def row(self, title: str) -> Row:
        """Return the row with this title. Raises KeyError."""
        found = {row.title: row for row in self.rows}
        return found[title]


def card_of(service: Service, examination: Examination | None = None) -> Card:
    """Return the card of a registry of this service; what `examination` has seen goes before."""
    facts = service.facts
    rows = (
        _listed(facts.list, examination),
        Row("create before push", facts.create),
        Row("mount", facts.mount),
        Row("resume", facts.resume),
        Row("delete", facts.delete),
        _referrers(facts.referrers, examination),
        Row("path", _path(service.capabilities)),
        Row("upload", _upload(service.capabilities)),
        Row("limits", Fact(Can.PARTLY if facts.limits else Can.UNKNOWN, facts.limits)),
        Row("credential", Fact(Can.PARTLY if facts.credential else Can.UNKNOWN, facts.credential)),
        _quota(examination),
    )
    return Card(service, tuple(row for row in rows if row is not None))


def _listed(fact: Fact, seen: Examination | None) -> Row:
    if seen is None or seen.lists is None:
        return Row("list", fact)
    if seen.lists:
        return Row("list", yes(fact.how if fact.can is not Can.NO else ""), seen=True)
    how = fact.how if fact.can is Can.NO else "this account gets no list"
    return Row("list", no(fact.means or NO_LIST, how), seen=True)


def _referrers(fact: Fact, seen: Examination | None) -> Row:
    if seen is None or seen.referrers is None:
        return Row("referrers", fact)
    found = yes("referrers API") if seen.referrers else no(NO_REFERRERS, "no referrers API")
    return Row("referrers", found, seen=True)


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


def _quota(seen: Examination | None) -> Row | None:
    if seen is None or seen.quota is None:
        return None
    quota = seen.quota
    of = f" of {quota.limit:,}" if quota.limit else ""
    hours = f" in {quota.seconds // 3600} h" if quota.seconds >= 3600 else ""
    row = Row("quota", Fact(Can.PARTLY, f"{quota.left:,}{of} manifests may be read{hours}"), True)
    if quota.left:
        return row
    means = "Nothing can be read before the registry gives more."
    return replace(row, fact=replace(row.fact, can=Can.NO, means=means))
