"""hypothesis strategies for plans: anything that a plan file may say."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from transship.oci.artifact import Artifact
from transship.oci.digest import digest_of
from transship.oci.platform import Platform
from transship.oci.reference import Reference
from transship.plans.plan import (
    Deletion,
    Kind,
    Limits,
    NewestBy,
    OnConflict,
    Plan,
    Rule,
    Schedule,
    TagFilter,
    Terms,
    Wanted,
    Window,
    wanted,
)
from transship.registry.registry import CreationOptions, Visibility

SOURCES = ("old.example", "old.example:5000", "[::1]:5001", "docker.io", "layout:folder/of images")
TARGETS = ("new.example", "backup.example:5000", "docker.io")

names = st.from_regex(r"[a-z][a-z0-9]{0,8}(/[a-z][a-z0-9]{0,8}){0,2}", fullmatch=True)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,10}", fullmatch=True)
digests = st.binary(max_size=3).map(digest_of)
platforms = st.lists(
    st.sampled_from([Platform("linux", "amd64"), Platform("linux", "arm", "v7")]), unique=True
).map(tuple)
artifacts = st.frozensets(st.sampled_from(Artifact))
globs = st.sampled_from(["*", "**", "v*", "team/**", "a?c", "[a-c]*", r"regex:v\d+(\.\d+)*", "x"])
ranges = st.sampled_from(["", ">=1.2 <3", "^1.4", "1.x"])
maps = st.sampled_from(
    ["{repository}", "flatten", "strip:1", "all/{name}", "keep", "join:2:_", "x/{flat}"]
)
durations = st.one_of(
    st.integers(1, 10**8).map(float), st.sampled_from([60.0, 600.0, 5400.0, 86_400.0, 1.5])
)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC, microsecond=0).timestamp()
)


def some(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(strategy, max_size=3, unique=True).map(tuple)


def patterns() -> st.SearchStrategy[tuple[str, ...]]:
    """Any patterns that leave something."""
    signed = some(st.builds("{}{}".format, st.sampled_from(["", "!"]), globs))
    return signed.filter(lambda texts: not _nothing_is_left(texts))


def _nothing_is_left(texts: tuple[str, ...]) -> bool:
    return any(text in ("!*", "!**") or f"!{text}" in texts for text in texts)


@st.composite
def copies(draw: st.DrawFn) -> Wanted:
    """Any copy that may be asked for."""
    version = draw(st.one_of(st.just({}), st.builds(lambda tag: {"tag": tag}, tags)))
    # On Docker Hub an image without a namespace is in library, which is another test's matter.
    host = draw(st.sampled_from([host for host in SOURCES if host != "docker.io"]))
    copy = wanted(
        Reference(host, draw(names), **version),
        Reference("third.example", draw(names), **version),
    )
    terms = draw(st.none() | st.builds(Terms, platforms, artifacts, st.booleans()))
    replaces = draw(st.none() | st.just("") | digests) if copy.target.tag else None
    return Wanted(copy.source, copy.target, terms, replaces)


@st.composite
def tag_filters(draw: st.DrawFn) -> TagFilter:
    newest = draw(st.none() | st.integers(1, 1000))
    by = draw(st.sampled_from(NewestBy)) if newest else NewestBy.CREATED
    semver = draw(ranges)
    is_moment = draw(st.booleans())
    since = draw(st.none() | (moments if is_moment else durations))
    include = draw(patterns())
    narrow = globs.filter(lambda text: text not in ("*", "**", *include))
    return TagFilter(
        include=include,
        exclude=draw(some(narrow)),
        semver=semver,
        prereleases=draw(st.booleans()) and (bool(semver) or by is NewestBy.VERSION),
        newest=newest,
        newest_by=by,
        since=since,
        since_is_moment=is_moment and since is not None,
        exact=draw(some(tags)),
        digests=draw(st.lists(digests, max_size=2, unique=True).map(tuple)),
    )


def paths(hosts: tuple[str, ...]) -> st.SearchStrategy[Reference]:
    return st.builds(Reference, st.sampled_from(hosts), st.just("") | names)


@st.composite
def rules(draw: st.DrawFn, *, selecting: bool) -> Rule:
    source = draw(paths(SOURCES))
    targets = st.lists(paths(TARGETS), min_size=1, max_size=3, unique=True).map(tuple)
    return Rule(
        source=source,
        targets=draw(targets.filter(lambda targets: source not in targets)),
        repositories=draw(patterns()) or ("**",),
        tags=draw(tag_filters()) if selecting else TagFilter(),
        artifacts=draw(artifacts) if selecting else frozenset(),
        platforms=draw(platforms) if selecting else (),
        map=draw(maps),
        immutable=draw(some(globs)),
    )


windows = st.lists(st.integers(0, 24 * 60 - 1), min_size=2, max_size=2, unique=True).map(
    lambda ends: Window(*ends)
)
limits = st.builds(
    Limits,
    st.none() | st.integers(1, 1000),
    st.none() | st.integers(1, 2**40) | st.just(50 * 2**20),
    st.none() | windows,
).filter(lambda limits: limits != Limits())
schedules = st.none() | st.one_of(
    durations.map(lambda seconds: Schedule(every=seconds)),
    st.sampled_from(["0 3 * * *", "*/10 * * * MON-FRI", "0 0 1,15 JAN *"]).map(
        lambda line: Schedule(cron=line)
    ),
)
deletions = st.none() | st.builds(
    Deletion,
    st.sampled_from([0.05, 0.001, 0.123456789, 1.0, 0.3]) | st.floats(0.0001, 1),
    some(st.sampled_from(["team/**", "web:v*", "**:latest"])),
)


creation_options = st.builds(
    CreationOptions,
    st.booleans(),
    st.dictionaries(
        st.sampled_from(["team", "cost center", "a.b", '"']), st.sampled_from(["web", "Ä 7", "\\"])
    ).map(lambda tags: tuple(tags.items())),
)


@st.composite
def plans(draw: st.DrawFn, kinds: tuple[Kind, ...] = tuple(Kind)) -> Plan:
    """Any plan that a file may say."""
    kind = draw(st.sampled_from(kinds))
    ruled = rules(selecting=kind is Kind.SYNC)
    plan = Plan(
        copies=()
        if kind is not Kind.COPY
        else draw(st.lists(copies(), min_size=1, max_size=4).map(tuple)),
        on_conflict=draw(st.sampled_from(OnConflict)),
        referrers=draw(st.booleans()),
        platforms=draw(platforms) if kind is Kind.COPY else (),
        kind=kind,
        rules=() if kind is Kind.COPY else draw(st.lists(ruled, min_size=1, max_size=4).map(tuple)),
        schedule=draw(schedules),
        delete=draw(deletions) if kind is Kind.REPLICATION else None,
        retries=draw(st.integers(0, 5)),
        create_missing=draw(st.none() | st.sampled_from(Visibility)),
        create=draw(creation_options),
        try_refused=draw(st.booleans()),
    )
    registries = [place.registry for place in plan.places]
    limited = draw(st.dictionaries(st.sampled_from(registries), limits, max_size=2))
    return Plan(**{name: getattr(plan, name) for name in Plan.__slots__} | {"limits": limited})
