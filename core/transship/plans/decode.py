"""What a plan says, from its TOML document: all of it, or every mistake in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from transship.errors import BadRange, BadRequest, UsageError
from transship.oci.artifact import Artifact
from transship.oci.digest import Digest, is_digest
from transship.oci.platform import Platform, parse_platform
from transship.oci.reference import Reference, is_tag
from transship.plans.mapping import keeps_names, parse_map
from transship.plans.patterns import (
    REGEX,
    check_repository_pattern,
    check_tag_pattern,
    why_no_repository,
    why_no_tag,
    why_no_version,
)
from transship.plans.plan import (
    MOST_AT_ONCE,
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
    wanted,
)
from transship.plans.quantities import (
    parse_duration,
    parse_moment,
    parse_rate,
    parse_share,
    parse_window,
)
from transship.plans.replication_loop import loop_of_rules
from transship.plans.schedule import check_cron
from transship.plans.toml_document import Mistake, Mistakes, TomlTable, TomlWords
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
    Kind.COPY: TomlWords(
        _EVERYWHERE | {"copies", "platforms"},
        meant={"rules": "copies", "images": "copies"},
        elsewhere={**_ELSEWHERE, "rules": "needs kind sync or replication", "delete": _NO_DELETE},
    ),
    Kind.SYNC: TomlWords(
        _EVERYWHERE | {"rules"},
        meant={"sync": "rules"},
        elsewhere={
            **_ELSEWHERE,
            "copies": _NO_COPIES,
            "platforms": _NO_PLATFORMS,
            "delete": _NO_DELETE,
        },
    ),
    Kind.REPLICATION: TomlWords(
        _EVERYWHERE | {"rules", "delete"},
        elsewhere={
            **_ELSEWHERE,
            "copies": _NO_COPIES,
            "platforms": "a replication keeps every platform; to select, make the kind sync",
        },
    ),
}
_COPY = TomlWords(
    frozenset({"from", "to", "platforms", "artifacts", "immutable", "replaces"}),
    meant={"source": "from", "target": "to", "destination": "to"},
)
_SCHEDULE = TomlWords(frozenset({"every", "cron"}), meant={"interval": "every"})
_LIMITS = TomlWords(
    frozenset({"concurrency", "rate", "window"}),
    meant={"parallel": "concurrency", "bandwidth": "rate", "hours": "window"},
)
_CREATE = TomlWords(
    frozenset({"immutable_tags", "resource_tags"}),
    meant={"immutable": "immutable_tags", "tags": "resource_tags", "labels": "resource_tags"},
    elsewhere={"visibility": "is what create_missing says, outside of this table"},
)
_DELETE = TomlWords(
    frozenset({"at_most", "protect"}), meant={"floor": "at_most", "keep": "protect"}
)


def decode_plan(
    document: Mapping[str, object], resolve: Resolve, now: float | None = None
) -> tuple[Plan | None, tuple[Mistake, ...]]:
    """Return the plan in a document; or None, and every mistake in it.

    `now`, in seconds since the epoch, is for who is about to run it: what it selects of the
    future is a mistake then.
    """
    mistakes = Mistakes()
    plan = _plan(TomlTable(document, (), mistakes), resolve, now)
    return None if mistakes.found else plan, tuple(mistakes.found)


def _plan(table: TomlTable, resolve: Resolve, now: float | None) -> Plan | None:
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


def _create_missing(table: TomlTable) -> Visibility | None:
    if "create_missing" not in table:
        return None
    return table.one_of("create_missing", Visibility, Visibility.PRIVATE)


def _creation_options(table: TomlTable) -> CreationOptions:
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


def _with_copies(table: TomlTable, plan: Plan, resolve: Resolve) -> Plan:
    platforms = table.each("platforms", parse_platform, empty=None)
    copies = [_copy(entry, resolve, platforms) for entry in table.tables("copies")]
    return replace(plan, platforms=platforms, copies=tuple(filter(None, copies)))


def _ruled(table: TomlTable, plan: Plan, resolve: Resolve, now: float | None) -> Plan:
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


def _check_circle(plan: Plan, entries: Sequence[TomlTable]) -> None:
    """Note rules that would swap tags for ever; a plan that is only shown may have some."""
    circle = loop_of_rules(plan)
    if circle:
        others = " and ".join(f"rules[{number}]" for number in circle[:-1])
        entries[circle[-1]].note(
            f"copies in a circle with {others}; each run would overwrite what the last has copied",
            "to",
            remedy='Leave one of them out, or set on_conflict = "skip" or "fail".',
        )


def _kind(table: TomlTable) -> Kind | None:
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


def _copy(table: TomlTable, resolve: Resolve, platforms: tuple[Platform, ...]) -> Wanted | None:
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


def _schedule(table: TomlTable) -> Schedule | None:
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


def _limits(table: TomlTable, plan: Plan, resolve: Resolve) -> Mapping[str, Limits]:
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


def _limits_of_one(table: TomlTable) -> Limits:
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


def _deletion(table: TomlTable) -> Deletion | None:
    inner = table.table("delete")
    if inner is None:
        return None
    inner.only(_DELETE)
    at_most = inner.parsed("at_most", parse_share)
    return Deletion(
        at_most=Deletion().at_most if at_most is None else at_most,
        protect=inner.each("protect", checked_protection),
    )


Resolve = Callable[[str], Reference]
"""From what stands in a plan to a place: an alias may stand for a host. Raises UsageError."""

ARTIFACTS = {
    "images": Artifact.IMAGE,
    "charts": Artifact.CHART,
    "signatures": Artifact.SIGNATURE,
    "sboms": Artifact.SBOM,
    "other": Artifact.OTHER,
}

_SELECTING = frozenset({"tags", "platforms", "artifacts"})
_RULE = TomlWords(
    known=frozenset({"from", "to", "repositories", "map", "immutable"}) | _SELECTING,
    meant={
        **dict.fromkeys(("source", "src"), "from"),
        **dict.fromkeys(("target", "targets", "destination", "dest"), "to"),
        **dict.fromkeys(("repos", "images", "repository"), "repositories"),
        **dict.fromkeys(("rename", "mapping", "path"), "map"),
    },
    elsewhere={
        **dict.fromkeys(
            ("include", "exclude", "semver", "newest", "since", "exact", "digests"),
            "stands inside tags = { ... }",
        ),
        **dict.fromkeys(
            ("on_conflict", "create_missing", "referrers", "retries", "try_refused"),
            "holds for the whole plan; it stands before the first [[rules]]",
        ),
    },
)
_REPLICATED = _RULE.without(
    _SELECTING, "a replication keeps everything; to select, make the plan's kind sync"
)
_TAGS = TomlWords(
    known=frozenset(
        {
            "include",
            "exclude",
            "semver",
            "prereleases",
            "newest",
            "by",
            "since",
            "exact",
            "digests",
        }
    ),
    meant={
        **dict.fromkeys(("allow", "match", "glob", "regex"), "include"),
        **dict.fromkeys(("deny", "ignore"), "exclude"),
        **dict.fromkeys(("latest", "keep", "last", "limit"), "newest"),
        **dict.fromkeys(("within", "after", "created"), 'since = "90d"'),
        **dict.fromkeys(("range", "version"), "semver"),
    },
)
_CREDENTIAL = re.compile(r"(?:\w+://)?[^/@]*:[^/@]*@(?!sha(?:256|512):)")
_MOST = 1_000_000


def decode_rule(
    table: TomlTable, resolve: Resolve, *, replication: bool, now: float | None = None
) -> Rule | None:
    """Return the rule in `table`, or None when something that it needs is wrong.

    With `now`, in seconds since the epoch, a `since` that lies in the future is a mistake.
    """
    table.only(_REPLICATED if replication else _RULE)
    table.needs("from", "to")
    source = table.parsed("from", lambda text: rule_place(text, resolve))
    targets = table.each(
        "to", lambda text: rule_place(text, resolve), bare=True, empty="name a place"
    )
    selects = not replication
    tags = table.table("tags") if selects else None
    rule = Rule(
        source=source or Reference(""),
        targets=targets,
        repositories=_repositories(table),
        tags=_tags(tags, now) if tags else TagFilter(),
        artifacts=decode_artifacts(table) if selects else frozenset(),
        platforms=table.each("platforms", parse_platform, empty=None) if selects else (),
        map=table.parsed("map", _map) or "{repository}",
        immutable=table.each("immutable", _tag_pattern),
    )
    if source is None or not targets:
        return None
    _check_apart(table, rule)
    return rule


def rule_place(text: str, resolve: Resolve) -> Reference:
    """Return a registry, with or without a path. Raises UsageError.

    Unlike in the name of an image, a path on Docker Hub is what it says: `docker.io/acme` is what
    lies below `acme`, and `docker.io/library` are the official images.
    """
    reference = without_secret(text, resolve)
    if reference.version:
        raise BadRequest(f"{text!r} names a tag or a digest; tags = {{ ... }} says which")
    path = text.strip().partition("/")[2].strip("/")
    if reference.registry == "docker.io" and path and "/" not in path:
        return replace(reference, repository=path)
    return reference


def without_secret(text: str, resolve: Resolve) -> Reference:
    """Resolve a place, unless a password stands in it, which no error may repeat."""
    if _CREDENTIAL.match(text.strip()):
        raise BadRequest(
            "a user name and a password stand in it",
            remedy="Take them out; `transship login HOST` puts them into the keyring.",
        )
    return resolve(text)


def decode_artifacts(table: TomlTable) -> frozenset[Artifact]:
    """Return the kinds of artifacts under `artifacts`."""
    return frozenset(table.each("artifacts", _artifact))


def _artifact(text: str) -> Artifact:
    if text not in ARTIFACTS:
        raise BadRequest(f"{text!r} is no kind of artifact; there are {', '.join(ARTIFACTS)}")
    return ARTIFACTS[text]


def checked_protection(text: str) -> str:
    """Return a pattern of what is never deleted, `REPOSITORY[:TAG]`. Raises UsageError."""
    if text.strip().startswith(REGEX):
        raise BadRequest(f"{text!r}: write globs, REPOSITORY or REPOSITORY:TAG")
    _without_sign(text)
    repository, colon, tag = text.partition(":")
    check_repository_pattern(repository)
    if colon:
        check_tag_pattern(tag)
    return text


def _without_sign(text: str) -> None:
    """Refuse a `!` where patterns leave nothing out."""
    name = text.strip()
    if name.startswith("!"):
        raise BadRequest(
            f"{text!r} begins with !, which has no meaning here",
            remedy=f"Write {name.lstrip('!').strip() or 'the name'} without it, or leave it out.",
        )


def _tag_pattern(text: str) -> str:
    """Return a pattern for tags that leaves nothing out. Raises UsageError."""
    _without_sign(text)
    check_tag_pattern(text)
    return text


def _signed_tag_pattern(text: str) -> str:
    """Return a pattern for tags, which with `!` in front leaves out. Raises UsageError."""
    check_tag_pattern(text.strip().removeprefix("!"))
    return text


def _signed_pattern(text: str) -> str:
    """Return a pattern for repositories, which with `!` in front leaves out. Raises UsageError."""
    check_repository_pattern(text.strip().removeprefix("!"))
    return text


def _repositories(table: TomlTable) -> tuple[str, ...]:
    patterns = table.each("repositories", _signed_pattern)
    why = why_no_repository(patterns)
    if why:
        table.note(f"no repository is left: {why}", "repositories")
    return patterns or ("**",)


def _range(text: str) -> str:
    why = why_no_version(text)
    if why:
        raise BadRange(why, remedy=f"For one or the other, write {_either(text)!r}.")
    return text


def _either(text: str) -> str:
    """Return a range whose conditions are alternatives of each other."""
    sides = (side.replace(",", " ").split() for side in text.split("||"))
    return " || ".join(condition for side in sides for condition in side)


def _tags(table: TomlTable, now: float | None) -> TagFilter:
    table.only(_TAGS)
    newest = table.count("newest", 1, _MOST)
    by = table.one_of("by", NewestBy, NewestBy.CREATED)
    semver = table.parsed("semver", _range) or ""
    prereleases = table.flag("prereleases", default=False)
    if "by" in table and newest is None and "newest" not in table:
        table.note("says what newest goes by, and there is no newest", "by")
    if prereleases and not semver and by is not NewestBy.VERSION:
        table.note('counts only with semver, or with newest by = "version"', "prereleases")
    since = table.moment("since", _since)
    if since and since[1] and now is not None and since[0] > now:
        table.note("lies in the future, and nothing was created since", "since")
    tags = TagFilter(
        include=table.each("include", _signed_tag_pattern),
        exclude=table.each("exclude", _tag_pattern),
        semver=semver,
        prereleases=prereleases,
        newest=newest,
        newest_by=by,
        since=since[0] if since else None,
        since_is_moment=bool(since and since[1]),
        exact=table.each("exact", _tag),
        digests=table.each("digests", _digest),
    )
    why = why_no_tag(tags)
    if why:
        table.note(f"no tag is left: {why}", "exclude" if tags.exclude else "include")
    return tags


def _since(value: str | date) -> tuple[float, bool]:
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9.]+ ?[A-Za-z]*", value):
            return parse_duration(value), False
        return parse_moment(value), True
    except BadRequest as error:
        raise BadRequest(
            error.detail,
            remedy='Write since = "90d" (before the run), "2026-01-31" or "2026-01-31T08:00:00Z".',
        ) from None


def _tag(text: str) -> str:
    if not is_tag(text):
        raise BadRequest(f"{text!r} is not a tag; patterns go into include")
    return text


def _digest(text: str) -> Digest:
    if not is_digest(text):
        raise BadRequest(f"{text!r} is not a sha256 or sha512 digest")
    return Digest(text)


def _map(text: str) -> str:
    parse_map(text)
    return text


def _check_apart(table: TomlTable, rule: Rule) -> None:
    if rule.source in rule.targets and keeps_names(rule.map):
        table.note(f"from and to are the same, {rule.source}", "to")
