"""What a rule of a plan says, from its TOML table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from transship.errors import BadRange, BadRequest
from transship.oci.artifact import Artifact
from transship.oci.digest import Digest, is_digest
from transship.oci.platform import parse_platform
from transship.oci.reference import Reference, is_tag
from transship.plans.globs import REGEX
from transship.plans.naming import keeps_names, parse_map
from transship.plans.possible import (
    check_repository_pattern,
    check_tag_pattern,
    why_no_repository,
    why_no_tag,
    why_no_version,
)
from transship.plans.quantities import parse_duration, parse_moment
from transship.plans.rule import NewestBy, Rule, TagFilter
from transship.plans.tables import Table, Words

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
_RULE = Words(
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
_TAGS = Words(
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
    table: Table, resolve: Resolve, *, replication: bool, now: float | None = None
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


def decode_artifacts(table: Table) -> frozenset[Artifact]:
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


def _repositories(table: Table) -> tuple[str, ...]:
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


def _tags(table: Table, now: float | None) -> TagFilter:
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


def _check_apart(table: Table, rule: Rule) -> None:
    if rule.source in rule.targets and keeps_names(rule.map):
        table.note(f"from and to are the same, {rule.source}", "to")
