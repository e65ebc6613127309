"""regsync: a YAML file with `creds`, `defaults` and steps under `sync`.

A step copies an image, a repository or a whole registry. Its tags are chosen by sets, of which
any may select one: a range of versions, then expressions that allow, then those that deny.
"""

from __future__ import annotations

from dataclasses import replace

from transship.errors import BadPlatform, BadReference
from transship.oci.platform import Platform, parse_platform
from transship.oci.reference import Reference
from transship.plans.importers.document import Value
from transship.plans.importers.draft import Draft
from transship.plans.importers.names import (
    cron_schedule,
    go_duration,
    has_alternatives,
    image_of,
    interval_schedule,
    names_prerelease,
    registry_of,
    version_range,
    whole_pattern,
)
from transship.plans.importers.regsync_settings import (
    STEP_SETTINGS,
    has_template,
    read_creds,
    read_defaults,
    tell_settings,
)
from transship.plans.rule import Rule, TagFilter

NAME = "regsync"

_TAG_KEYS = ("semverRange", "allow", "deny")
_STEP_KEYS = (
    "source", "target", "type", "tags", "tagSets", "repos", "platform", "platforms",
    "interval", "schedule", "referrers", "digestTags", *STEP_SETTINGS,
)  # fmt: skip


def recognises(value: Value) -> bool:
    """Tell whether a file is one of this tool's."""
    entries = value.entries or {}
    steps = entries.get("sync")
    return steps is not None and steps.items is not None


def read(draft: Draft, value: Value) -> None:
    """Take a file of the tool. Raises BadFile for what can't be one."""
    anchors = [key for key in value.mapping() if key.startswith("x-")]
    draft.unknown(value, ("version", "creds", "defaults", "sync", *anchors))
    for creds in value.get("creds").sequence():
        read_creds(draft, creds)
    defaults = value.get("defaults")
    read_defaults(draft, defaults)
    for step in value.get("sync").sequence():
        draft.unknown(step, _STEP_KEYS)
        tell_settings(draft, step, STEP_SETTINGS)
        if _step(draft, step, defaults):
            _schedule(draft, step, defaults)
    if not draft.referrers:
        draft.changed(
            value,
            "regsync leaves signatures and other referrers behind unless told; the plan copies "
            "them (referrers = false leaves them)",
            entry="",
        )


def _step(draft: Draft, step: Value, defaults: Value) -> bool:
    """Take a step; tell whether there is something of it in the plan."""
    source, target = step.get("source").words(), step.get("target").words()
    kind = step.get("type").words()
    if has_template(source) or has_template(target):
        draft.left_out(step, "it has a template in its source or target, which isn't filled in")
        return False
    if source.startswith("ocidir://") or target.startswith("ocidir://"):
        draft.left_out(
            step, "a rule has no OCI layout folders; `transship copy layout:PATH...` copies them"
        )
        return False
    platforms = _platforms(draft, step)
    if platforms is None:
        return False
    try:
        if kind == "image":
            _image(draft, step, image_of(source), image_of(target), platforms)
        elif kind == "repository":
            image, to = image_of(source), image_of(target)
            whole, to = image.at(""), to.at("")
            for tags in _tag_filters(draft, step):
                draft.repository(step, whole, to, tags, platforms)
        elif kind == "registry":
            _registry(draft, step, registry_of(source), registry_of(target), platforms)
        else:
            draft.left_out(step, "its type is none of image, repository and registry")
            return False
    except BadReference as error:
        draft.left_out(step, error.detail)
        return False
    asked = step.get("referrers") if "referrers" in step.mapping() else defaults.get("referrers")
    if not asked.is_empty:
        draft.referrers.add(asked.flag())
    return True


def _image(
    draft: Draft,
    step: Value,
    source: Reference,
    target: Reference,
    platforms: tuple[Platform, ...],
) -> None:
    source = source if source.version else source.at("latest")
    target = target if target.version else target.at("latest")
    for key in ("tags", "tagSets", "repos"):
        if not step.get(key).is_empty:
            draft.left_out(step.get(key), "a step for one image doesn't choose")
    draft.image(step, source, target, platforms)


def _registry(
    draft: Draft, step: Value, source: str, target: str, platforms: tuple[Platform, ...]
) -> None:
    repos = step.get("repos")
    draft.unknown(repos, ("allow", "deny"))
    allow = _patterns(draft, repos.get("allow"))
    deny = _patterns(draft, repos.get("deny"))
    if allow is None or deny is None:
        return
    for tags in _tag_filters(draft, step):
        draft.rule(
            step,
            Rule(
                Reference(source),
                (Reference(target),),
                repositories=(*(allow or ("**",)), *(f"!{pattern}" for pattern in deny)),
                tags=tags,
                platforms=platforms,
            ),
        )


def _tag_filters(draft: Draft, step: Value) -> list[TagFilter]:
    """Return the filters of which any may select a tag."""
    sets = list(step.get("tagSets").sequence())
    if not step.get("tags").is_empty or not sets:
        sets.insert(0, step.get("tags"))
    filters: list[TagFilter] = []
    for each in sets:
        filters += _set(draft, each)
    return filters


def _set(draft: Draft, value: Value) -> list[TagFilter]:
    draft.unknown(value, _TAG_KEYS)
    allow = _patterns(draft, value.get("allow"))
    deny = _patterns(draft, value.get("deny"))
    if allow is None or deny is None:
        return []
    tags = TagFilter(include=allow, exclude=deny)
    expressions = value.get("semverRange").texts()
    filters: list[TagFilter] = []
    for expression in expressions:
        wanted = version_range(expression)
        if wanted is None:
            draft.left_out(
                value.get("semverRange"), "a range of versions that can't be said in a plan"
            )
            continue
        filters.append(replace(tags, semver=wanted, prereleases=names_prerelease(wanted)))
    return filters if expressions else [tags]


def _patterns(draft: Draft, value: Value) -> tuple[str, ...] | None:
    """Return the patterns for expressions; None, and a note, when one of them can't be said."""
    patterns: list[str] = []
    for expression in value.texts():
        pattern = whole_pattern(expression)
        if pattern is None:
            draft.left_out(
                value, "a regular expression means something else here, or nothing: the set is out"
            )
            return None
        if has_alternatives(expression):
            draft.changed(
                value,
                "regsync anchors only the first and the last of the alternatives; the plan "
                "anchors each",
            )
        patterns.append(pattern)
    return tuple(dict.fromkeys(patterns))


def _platforms(draft: Draft, step: Value) -> tuple[Platform, ...] | None:
    """Return the platforms of a step; None, and a note, when it can't be copied for them."""
    words = [*step.get("platforms").texts()]
    if not step.get("platform").is_empty:
        words = [step.get("platform").words()]
    if "local" in words:
        draft.left_out(step, "the platform of the machine that regsync ran on isn't in the file")
        return None
    try:
        return tuple(dict.fromkeys(map(parse_platform, words)))
    except BadPlatform as error:
        draft.left_out(step, f"not a platform: {error.detail}")
        return None


def _schedule(draft: Draft, step: Value, defaults: Value) -> None:
    cron, every = step.get("schedule"), step.get("interval")
    if cron.is_empty and every.is_empty:
        cron = defaults.get("schedule")
    if cron.is_empty and every.is_empty:
        every = defaults.get("interval")
    if not cron.is_empty:
        schedule = cron_schedule(cron.words())
        if schedule is None:
            draft.left_out(cron, "not a cron line that a plan takes", entry=f"{step.path}.schedule")
        draft.schedule(step, schedule)
        return
    schedule = interval_schedule(go_duration(every.words()))
    if schedule is None and not every.is_empty:
        draft.left_out(every, "not an interval that a plan takes", entry=f"{step.path}.interval")
    draft.schedule(step, schedule)
