"""What a plan says, from its TOML document: all of it, or every mistake in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from transship.errors import BadRequest, UsageError
from transship.oci.digest import is_digest
from transship.oci.platform import Platform, parse_platform
from transship.plans.circles import circle_of_rules
from transship.plans.decode_rules import (
    Resolve,
    checked_protection,
    decode_artifacts,
    decode_rule,
    without_secret,
)
from transship.plans.plan import Kind, OnConflict, Plan, Terms, Wanted, wanted
from transship.plans.policy import MOST_AT_ONCE, Deletion, Limits, Schedule
from transship.plans.quantities import parse_duration, parse_rate, parse_share, parse_window
from transship.plans.schedule import check_cron
from transship.plans.tables import Mistake, Mistakes, Table, Words
from transship.registry.registry import CreationOptions, Visibility

VERSION = 1
"""The version of plan files that is read and written here."""

NOTHING = "nothing"
"""What a copy `replaces` that is written only while there is no such tag."""

_MOST_RETRIES = 100
_EVERYWHERE = frozenset(
    {
        "version",
        "kind",
        "on_conflict",
        "create_missing",
        "referrers",
        "retries",
        "try_refused",
        "schedule",
        "limits",
        "create",
    }
)
_ELSEWHERE = {
    **dict.fromkeys(("from", "to"), "stands in [[rules]], or in [[copies]] of a copy plan"),
    **dict.fromkeys(("every", "cron", "interval"), "stands in [schedule]"),
    **dict.fromkeys(("concurrency", "rate", "window"), "stands in [limits.REGISTRY]"),
    **dict.fromkeys(("immutable_tags", "resource_tags"), "stands in [create]"),
    **dict.fromkeys(("at_most", "protect"), "stands in [delete]"),
}
_NO_COPIES = "belongs to a copy plan; what this kind copies, [[rules]] say"
_NO_PLATFORMS = "stands in each of the [[rules]]"
_NO_DELETE = "only a replication deletes; what vanishes stays in any other plan"
_DOCUMENT = {
    Kind.COPY: Words(
        _EVERYWHERE | {"copies", "platforms"},
        meant={"rules": "copies", "images": "copies"},
        elsewhere={**_ELSEWHERE, "rules": "needs kind sync or replication", "delete": _NO_DELETE},
    ),
    Kind.SYNC: Words(
        _EVERYWHERE | {"rules"},
        meant={"sync": "rules"},
        elsewhere={
            **_ELSEWHERE,
            "copies": _NO_COPIES,
            "platforms": _NO_PLATFORMS,
            "delete": _NO_DELETE,
        },
    ),
    Kind.REPLICATION: Words(
        _EVERYWHERE | {"rules", "delete"},
        elsewhere={
            **_ELSEWHERE,
            "copies": _NO_COPIES,
            "platforms": "a replication keeps every platform; to select, make the kind sync",
        },
    ),
}
_COPY = Words(
    frozenset({"from", "to", "platforms", "artifacts", "immutable", "replaces"}),
    meant={"source": "from", "target": "to", "destination": "to"},
)
_SCHEDULE = Words(frozenset({"every", "cron"}), meant={"interval": "every"})
_LIMITS = Words(
    frozenset({"concurrency", "rate", "window"}),
    meant={"parallel": "concurrency", "bandwidth": "rate", "hours": "window"},
)
_CREATE = Words(
    frozenset({"immutable_tags", "resource_tags"}),
    meant={"immutable": "immutable_tags", "tags": "resource_tags", "labels": "resource_tags"},
    elsewhere={"visibility": "is what create_missing says, outside of this table"},
)
_DELETE = Words(frozenset({"at_most", "protect"}), meant={"floor": "at_most", "keep": "protect"})


def decode(
    document: Mapping[str, object], resolve: Resolve, now: float | None = None
) -> tuple[Plan | None, tuple[Mistake, ...]]:
    """Return the plan in a document; or None, and every mistake in it.

    `now`, in seconds since the epoch, is for who is about to run it: what it selects of the
    future is a mistake then.
    """
    mistakes = Mistakes()
    plan = _plan(Table(document, (), mistakes), resolve, now)
    return None if mistakes.found else plan, tuple(mistakes.found)


def _plan(table: Table, resolve: Resolve, now: float | None) -> Plan | None:
    kind = _kind(table)
    if kind is None:
        return None
    table.only(_DOCUMENT[kind])
    plan = Plan(
        kind=kind,
        on_conflict=table.one_of("on_conflict", OnConflict, OnConflict.OVERWRITE),
        referrers=table.flag("referrers", default=True),
        schedule=_schedule(table),
        delete=_deletion(table) if kind is Kind.REPLICATION else None,
        retries=table.count("retries", 0, _MOST_RETRIES) or 0,
        create_missing=_create_missing(table),
        create=_creation_options(table),
        try_refused=table.flag("try_refused", default=False),
    )
    plan = (
        _with_copies(table, plan, resolve)
        if kind is Kind.COPY
        else _ruled(table, plan, resolve, now)
    )
    return replace(plan, limits=_limits(table, plan, resolve))


def _create_missing(table: Table) -> Visibility | None:
    if "create_missing" not in table:
        return None
    return table.one_of("create_missing", Visibility, Visibility.PRIVATE)


def _creation_options(table: Table) -> CreationOptions:
    inner = table.table("create")
    if inner is None:
        return CreationOptions()
    inner.only(_CREATE)
    tags = inner.table("resource_tags")
    texts = ((name, tags.text(name)) for name in tags or ()) if tags else ()
    return CreationOptions(
        immutable_tags=inner.flag("immutable_tags", default=False),
        resource_tags=tuple((name, text) for name, text in texts if text is not None),
    )


def _with_copies(table: Table, plan: Plan, resolve: Resolve) -> Plan:
    platforms = table.each("platforms", parse_platform, empty=None)
    copies = [_copy(entry, resolve, platforms) for entry in table.tables("copies")]
    return replace(plan, platforms=platforms, copies=tuple(filter(None, copies)))


def _ruled(table: Table, plan: Plan, resolve: Resolve, now: float | None) -> Plan:
    entries = list(table.tables("rules"))
    rules = [
        decode_rule(entry, resolve, replication=plan.is_replication, now=now) for entry in entries
    ]
    if None in rules:
        return plan
    plan = replace(plan, rules=tuple(filter(None, rules)))
    if now is not None:
        _check_circle(plan, entries)
    return plan


def _check_circle(plan: Plan, entries: Sequence[Table]) -> None:
    """Note rules that would swap tags for ever; a plan that is only shown may have some."""
    circle = circle_of_rules(plan)
    if circle:
        others = " and ".join(f"rules[{number}]" for number in circle[:-1])
        entries[circle[-1]].note(
            f"copies in a circle with {others}; each run would overwrite what the last has copied",
            "to",
            remedy='Leave one of them out, or set on_conflict = "skip" or "fail".',
        )


def _kind(table: Table) -> Kind | None:
    """Return what sort of plan it is; without that, nothing else in it has a meaning."""
    version = table.count("version", 1, 10**6)
    if "version" not in table:
        table.note("version is missing; write version = 1 at the top")
    elif version is not None and version != VERSION:
        table.note(
            f"the file is of version {version}, and this Transship reads version {VERSION}",
            "version",
            remedy="Use a newer Transship, or write the plan anew.",
        )
        return None
    kind = table.text("kind") or ""
    if kind == "flow":
        table.note("a flow is no plan; `transship promote` goes by it", "kind")
    elif "kind" not in table:
        table.note(f"kind is missing; write one of {', '.join(Kind)}")
    elif kind in list(Kind):
        return Kind(kind)
    elif kind:
        table.one_of("kind", Kind, Kind.COPY)
    return None


def _copy(table: Table, resolve: Resolve, platforms: tuple[Platform, ...]) -> Wanted | None:
    table.only(_COPY)
    table.needs("from", "to")
    source = table.parsed("from", lambda text: without_secret(text, resolve))
    target = table.parsed("to", lambda text: without_secret(text, resolve))
    terms = None
    if any(key in table for key in ("platforms", "artifacts", "immutable")):
        own = table.each("platforms", parse_platform, empty=None)
        terms = Terms(
            platforms=own if "platforms" in table else platforms,
            artifacts=decode_artifacts(table),
            immutable=table.flag("immutable", default=False),
        )
    replaces = table.parsed("replaces", _replaced)
    if source is None or target is None:
        return None
    try:
        copy = wanted(source, target)
    except UsageError as error:
        table.error(error)
        return None
    if replaces is not None and not copy.target.tag:
        table.note("is about a tag, and this copy names none", "replaces")
    return replace(copy, terms=terms, replaces=replaces)


def _replaced(text: str) -> str:
    if text == NOTHING:
        return ""
    if not is_digest(text):
        raise BadRequest(f"{text!r} is neither a digest nor {NOTHING!r}")
    return text


def _schedule(table: Table) -> Schedule | None:
    inner = table.table("schedule")
    if inner is None:
        return None
    inner.only(_SCHEDULE)
    if ("every" in inner) == ("cron" in inner):
        inner.note("needs either every or cron")
    every = inner.parsed("every", _interval)
    cron = inner.parsed("cron", _cron)
    return Schedule(every=every, cron=cron or "")


def _interval(text: str) -> float:
    seconds = parse_duration(text)
    if seconds < 1:
        raise BadRequest(f"{text!r} is too often; a second is the least")
    return seconds


def _cron(text: str) -> str:
    check_cron(text)
    return text


def _limits(table: Table, plan: Plan, resolve: Resolve) -> Mapping[str, Limits]:
    outer = table.table("limits")
    # What a copy plan names may have been chosen by rules, so that some registries have no part.
    known = [place.registry for place in plan.places] if plan.rules else None
    limits: dict[str, Limits] = {}
    for name, inner in outer.inner() if outer else ():
        try:
            registry = _registry(name, resolve)
        except UsageError as error:
            inner.error(error)
            continue
        if registry in limits:
            inner.note(f"there are limits for {registry} already")
        if known is not None and registry not in known:
            inner.note(f"no rule reads from it or writes to it; there are {', '.join(known)}")
        limits[registry] = _limits_of_one(inner)
    return limits


def _limits_of_one(table: Table) -> Limits:
    table.only(_LIMITS)
    if not any(table):
        table.note("says nothing; there are concurrency, rate and window")
    return Limits(
        concurrency=table.count("concurrency", 1, MOST_AT_ONCE),
        rate=table.parsed("rate", parse_rate),
        window=table.parsed("window", parse_window),
    )


def _registry(text: str, resolve: Resolve) -> str:
    reference = without_secret(text, resolve)
    if reference.repository or reference.version:
        raise BadRequest(f"limits hold for a whole registry; write {reference.registry}")
    return reference.registry


def _deletion(table: Table) -> Deletion | None:
    inner = table.table("delete")
    if inner is None:
        return None
    inner.only(_DELETE)
    at_most = inner.parsed("at_most", parse_share)
    return Deletion(
        at_most=Deletion().at_most if at_most is None else at_most,
        protect=inner.each("protect", checked_protection),
    )
