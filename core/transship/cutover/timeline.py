"""When the record may change, and when everybody has seen that it did. Pure arithmetic.

A cache may hold what it was told for as long as the TTL that came with it (RFC 1035, 3.2.1; RFC
2308, 5 for "no such name"). What counts is therefore not what the servers say now, but what each of
them said last, and when. Between two looks that differ a server may have said the earlier thing
until just before the later look, and counts as if it had. Times are in seconds since the epoch,
TTLs in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

ENOUGH = 3
"""How many new answers in a row a resolver gives before it counts as moved.

One that serves what has expired gives an old answer once more after a new one is due.
"""


@dataclass(frozen=True, slots=True)
class Served:
    """What one address of a name server said of the record, from `first` to `last`.

    `values` is empty where it said that there is none; `ttl` is then the negative TTL.
    """

    server: str
    values: tuple[str, ...]
    ttl: int
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer of a resolver: `values` empty where there was none, `ttl` what was left of it."""

    resolver: str
    values: tuple[str, ...]
    ttl: int
    at: float


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether caches that obey still hold the record with its old, long TTL.

    `ready_at` is when the last of them lets go of it, None while a server still says more than
    `low`. `slowest` is the server that it waits for.
    """

    low: int
    ready_at: float | None
    slowest: str

    def waits(self, now: float) -> float | None:
        """Return the seconds until it is safe, 0 when it is, None when it can't be told yet."""
        return None if self.ready_at is None else max(0.0, self.ready_at - now)


@dataclass(frozen=True, slots=True)
class Clocks:
    """The three clocks after a change.

    `changed_at` is when the last server said the new value, None while one doesn't. `by_the_rules`
    is when caches that obey are done; `as_seen` when those resolvers are that were seen to hold the
    old value for longer; `stragglers` are resolvers that aren't moved although both have passed.
    """

    changed_at: float | None
    by_the_rules: float | None
    as_seen: float | None
    stragglers: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    """The servers that don't say the new value yet."""


def absorbed(
    history: Sequence[Served], server: str, values: Iterable[str], ttl: int, at: float
) -> tuple[Served, ...]:
    """Return the history with one more answer of a server.

    An answer like the server's last one makes that one last longer.
    """
    values = tuple(sorted(values))
    last = next((each for each in reversed(history) if each.server == server), None)
    if last is not None and (last.values, last.ttl) == (values, ttl):
        longer = replace(last, last=max(last.last, at))
        return tuple(longer if each is last else each for each in history)
    return (*history, Served(server, values, ttl, at, at))


def readiness(history: Sequence[Served], low: int, before: int | None = None) -> Readiness:
    """Return since when every cache that obeys holds the record for `low` seconds at most.

    `before` is the TTL that the operator says it had, for a record that was lowered before anybody
    looked: it counts from the first look, as a TTL does that was lowered between two looks.
    """
    ready_at, slowest = 0.0, ""
    for server, said in _by_server(history).items():
        if said[-1].ttl > low:
            return Readiness(low, None, server)
        let_go = max(
            (until + each.ttl for each, until in _until(said) if each.ttl > low), default=0.0
        )
        if before is not None and before > low and said[0].ttl <= low:
            let_go = max(let_go, said[0].first + before)
        if let_go >= ready_at:
            ready_at, slowest = let_go, server
    return Readiness(low, ready_at, slowest) if history else Readiness(low, None, "")


def clocks(
    history: Sequence[Served],
    samples: Sequence[Sample],
    new: Iterable[str],
    now: float,
    enough: int = ENOUGH,
) -> Clocks:
    """Return how far a change to the values `new` is, from all that was served and seen."""
    wanted = tuple(sorted(new))
    servers = _by_server(history)
    behind = tuple(name for name, said in servers.items() if said[-1].values != wanted)
    rules = max(
        (
            until + each.ttl
            for said in servers.values()
            for each, until in _until(said)
            if each.values != wanted
        ),
        default=None,
    )
    held = [
        last.at + last.ttl
        for last in (seen[-1] for seen in _by_resolver(samples).values())
        if last.values != wanted
    ]
    seen = max([*held, *([] if rules is None else [rules])], default=None)
    changed_at = None if behind or not servers else max(s[-1].first for s in servers.values())
    over = changed_at is not None and (seen is None or now >= seen)
    late = tuple(
        name
        for name, each in _by_resolver(samples).items()
        if not has_moved(each, wanted, enough=enough)
    )
    return Clocks(changed_at, rules, seen, late if over else (), behind)


def has_moved(
    samples: Sequence[Sample], new: Iterable[str], *, enough: int = ENOUGH, since: float = 0.0
) -> bool:
    """Tell whether the last answers of one resolver, `enough` in a row, were all the new value."""
    wanted = tuple(sorted(new))
    counted = [each for each in samples if each.at >= since]
    return len(counted) >= enough and all(each.values == wanted for each in counted[-enough:])


def is_clamped(samples: Sequence[Sample], highest: int) -> bool:
    """Tell whether a resolver holds the record for longer than it was ever told to."""
    return any(each.ttl > highest for each in samples)


def _until(said: Sequence[Served]) -> Iterator[tuple[Served, float]]:
    """Give all that one server said, each with until when it may have said it at most."""
    for each, after in zip_longest(said, said[1:]):
        yield each, after.first if after else each.last


def _by_server(history: Sequence[Served]) -> dict[str, list[Served]]:
    servers: dict[str, list[Served]] = {}
    for each in history:
        servers.setdefault(each.server, []).append(each)
    return servers


def _by_resolver(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    resolvers: dict[str, list[Sample]] = {}
    for each in samples:
        resolvers.setdefault(each.resolver, []).append(replace(each, values=_sorted(each.values)))
    return resolvers


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(values))
