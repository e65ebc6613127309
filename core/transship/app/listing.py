"""What the sources of plans hold, listed once and kept for as long as the app is open.

Only what some rule takes is asked for: the names of repositories first, then the tags of those
that the rules take at that moment. What has come can be used at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from transship.clock import Clock
from transship.concurrency import each
from transship.errors import CatalogClosed, TransshipError
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue, TagFacts
from transship.plans.outline import passes_by
from transship.plans.patterns import parse_patterns
from transship.plans.plan import Rule
from transship.plans.selection import literal_repositories
from transship.registry.registry import Registry
from transship.transfers.copies import PLACE_WIDE
from transship.transfers.scanner import AT_ONCE, Scanner, ScanProgress, look_up

Rules = Callable[[], Sequence[Rule]]
"""Gives the rules as they are now: they may change while their sources are listed."""


@dataclass(slots=True)
class Listed:
    """What of one source was listed so far.

    `names` are its repositories in the registry's order; `whole` says that those are all. `closed`
    is why it doesn't list them.
    """

    names: dict[str, None] = field(default_factory=dict)
    whole: bool = False
    closed: CatalogClosed | None = None
    tags: dict[str, tuple[str, ...]] = field(default_factory=dict)
    facts: dict[tuple[str, str], TagFacts] = field(default_factory=dict)
    problems: dict[str, TransshipError] = field(default_factory=dict)

    def catalogue(self, place: str) -> Catalogue:
        """Return it as rules choose from it. A repository that isn't listed yet has no tags."""
        names = (name for name in self.names if name not in self.problems)
        tags = {name: self.tags.get(name, ()) for name in names}
        return Catalogue(place, tags, self.facts, dict(self.problems))

    def is_due(self, name: str) -> bool:
        """Tell whether the tags of a repository aren't listed yet."""
        return name not in self.tags and name not in self.problems


class Listings:
    """The listed sources, by registry. `opened` gives the place of a registry, to be read."""

    def __init__(self, opened: Callable[[str], Awaitable[Registry]], clock: Clock) -> None:
        self._opened = opened
        self._clock = clock
        self._listed: dict[str, Listed] = {}

    def known(self) -> dict[str, Catalogue]:
        """Return what is known of each source. What comes later doesn't change it."""
        return {host: listed.catalogue(host) for host, listed in self._listed.items()}

    def due(self, rules: Sequence[Rule]) -> int | None:
        """Return how many repositories that the rules take aren't listed yet.

        None when it isn't even known which there are.
        """
        hosts = dict.fromkeys(rule.source.registry for rule in rules)
        if any(not self._is_named(host) for host in hosts):
            return None
        return sum(1 for host in hosts for _ in self._due(host, rules))

    def forget(self, host: str) -> None:
        """Know nothing of a source any more."""
        self._listed.pop(host, None)

    async def list_for(self, rules: Rules) -> None:
        """List what the rules take and isn't listed yet. A repository's own problem stays with it.

        Raises what is wrong with a whole place, and CatalogClosed where a rule needs a list that
        its source doesn't give.
        """
        for host in dict.fromkeys(rule.source.registry for rule in rules()):
            place = await self._opened(host)
            await self._list_names(host, place)
            while some := self._next(host, rules()):
                await each(self._list_tags(host, place, name) for name in some)
            self._check_closed(host, rules())

    async def look_up(self, sources: Iterable[Reference]) -> None:
        """Read the manifests of these tags, to know when they were created and what they are."""
        left = iter(sources)
        while some := tuple(islice(left, AT_ONCE)):
            hosts = dict.fromkeys(source.registry for source in some)
            places = {host: await self._opened(host) for host in hosts}
            looking = Scanner(places, self._clock, ScanProgress())
            known = {host: self.at(host).catalogue(host) for host in hosts}
            for host, catalogue in (await look_up(known, some, looking)).items():
                self.at(host).facts = {**self.at(host).facts, **catalogue.facts}

    def at(self, host: str) -> Listed:
        """Return what was listed of a source."""
        return self._listed.setdefault(host, Listed())

    def _is_named(self, host: str) -> bool:
        listed = self._listed.get(host)
        return listed is not None and (listed.whole or listed.closed is not None)

    async def _list_names(self, host: str, place: Registry) -> None:
        listed = self.at(host)
        if self._is_named(host):
            return
        try:
            async for name in place.repositories():
                listed.names[name] = None
        except CatalogClosed as error:
            listed.closed = error
        else:
            listed.whole = True

    async def _list_tags(self, host: str, place: Registry, name: str) -> None:
        listed = self.at(host)
        listed.names[name] = None
        try:
            listed.tags[name] = tuple(sorted([tag async for tag in place.tags(name)]))
        except PLACE_WIDE:
            raise
        except TransshipError as error:
            listed.problems[name] = error

    def _next(self, host: str, rules: Sequence[Rule]) -> list[str]:
        return list(islice(self._due(host, rules), AT_ONCE))

    def _due(self, host: str, rules: Sequence[Rule]) -> Iterator[str]:
        """Give the repositories whose tags the rules need next."""
        listed = self.at(host)
        ready = [(r, parse_patterns(r.repositories)) for r in rules if r.source.registry == host]
        names = dict(listed.names)
        if listed.closed is not None:
            written = (literal_repositories(rule) or () for rule, _ in ready)
            names |= dict.fromkeys(name for some in written for name in some)
        for name in names:
            if listed.is_due(name) and any(passes_by(*rule, name) is None for rule in ready):
                yield name

    def _check_closed(self, host: str, rules: Sequence[Rule]) -> None:
        closed = self.at(host).closed
        here = (rule for rule in rules if rule.source.registry == host)
        if closed is not None and any(literal_repositories(rule) is None for rule in here):
            raise closed
