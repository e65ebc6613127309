"""dregsy: a YAML file of tasks, each with a source, a target, and mappings of repositories."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, replace

from transship.errors import BadPlatform, BadReference
from transship.oci.digest import Digest, is_digest
from transship.oci.platform import Platform, parse_platform
from transship.oci.reference import Reference, is_repository, is_tag
from transship.plans.importers.document import DocumentValue
from transship.plans.importers.draft import (
    ImportDraft,
    ImportedLogin,
    go_duration,
    image_of,
    interval_schedule,
    keep_login,
    placed,
    registry_of,
    version_range,
    whole_pattern,
)
from transship.plans.importers.importer import Importer
from transship.plans.mapping import NameOrigin, named_at, parse_map
from transship.plans.plan import Rule, TagFilter
from transship.registry.credential import Tls


@dataclass(frozen=True, slots=True)
class TagFilters:
    """Filters of which any may select a tag, and tags that are pinned to a digest."""

    any_of: tuple[TagFilter, ...]
    pinned: tuple[tuple[str, Digest], ...] = ()


def read_tags(draft: ImportDraft, value: DocumentValue) -> TagFilters | None:
    """Return what a list of tags selects; None, and a note, when a part of it can't be said."""
    exact: list[str] = []
    filters: list[TagFilter] = []
    pinned: list[tuple[str, Digest]] = []
    nothing = False
    for item in value.sequence():
        word = item.words()
        kind, _, rest = word.partition(":")
        tag, at, digest = word.partition("@")
        if kind in ("semver", "regex"):
            chosen = _versions(rest) if kind == "semver" else _matching(rest.strip())
            if chosen is None:
                draft.left_out(item, f"what stands after {kind}: can't be said in a plan")
                return None
            filters.append(chosen)
        elif kind == "keep":
            draft.left_out(
                item,
                "a plan keeps the newest in another way, so more tags are copied; write "
                "`newest` into the rule's tags",
            )
        elif at and is_tag(tag) and is_digest(digest):
            pinned.append((tag, Digest(digest)))
        elif is_tag(word):
            exact.append(word)
        else:
            draft.left_out(item, "not a tag")
            nothing = True
    if nothing and not (filters or exact or pinned):
        return None
    any_of = _joined(filters, tuple(dict.fromkeys(exact)))
    return TagFilters(any_of or (() if pinned else (TagFilter(),)), tuple(pinned))


def _versions(expression: str) -> TagFilter | None:
    wanted = version_range(expression)
    # dregsy's library lets pre-releases in by their order alone.
    return None if wanted is None else TagFilter(semver=wanted, prereleases=True)


def _matching(expression: str) -> TagFilter | None:
    pattern = whole_pattern(expression.removeprefix("!"))
    if pattern is None:
        return None
    inverted = expression.startswith("!")
    return TagFilter(exclude=(pattern,)) if inverted else TagFilter(include=(pattern,))


def _joined(filters: list[TagFilter], exact: tuple[str, ...]) -> tuple[TagFilter, ...]:
    """Return the same filters, with all that only include in one, and `exact` beside that."""
    include = tuple(dict.fromkeys(p for each in filters for p in each.include))
    others = tuple(each for each in filters if not each.include)
    return (TagFilter(include=include, exact=exact), *others) if include or exact else others


_KEYS = ("relay", "skopeo", "docker", "lister", "dockerhost", "api-version", "watch", "tasks")
_MACHINERY = {
    "relay": "Transship copies by itself, without skopeo or Docker",
    "skopeo": "Transship copies by itself; certificates belong to an account: "
    "`transship login HOST --ca FILE`",
    "docker": "Transship copies by itself, without Docker",
    "dockerhost": "Transship copies by itself, without Docker",
    "api-version": "Transship copies by itself, without Docker",
    "lister": "Transship lists every repository that a registry has",
    "watch": "a plan is read when it runs",
}
_TASK_KEYS = ("name", "interval", "verbose", "source", "target", "mappings")
_PLACE_KEYS = ("registry", "auth", "auth-refresh", "skip-tls-verify", "lister")
_MAPPING_KEYS = ("from", "to", "tags", "platform", "digests", "preserve-digests")
_GROUP = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def recognises(value: DocumentValue) -> bool:
    """Tell whether a file is one of this tool's."""
    entries = value.entries or {}
    tasks = entries.get("tasks")
    return tasks is not None and tasks.items is not None


def read(draft: ImportDraft, value: DocumentValue) -> None:
    """Take a file of the tool. Raises BadFile for what can't be one."""
    draft.unknown(value, _KEYS)
    for key, why in _MACHINERY.items():
        if not value.get(key).is_empty and value.get(key).text != "false":
            draft.left_out(value.get(key), why)
    for task in value.get("tasks").sequence():
        named = task.get("name").words()
        at = replace(task, path=f"{task.path} ({named})" if named else task.path)
        draft.unknown(task, _TASK_KEYS)
        source = _place(draft, task.get("source"))
        target = _place(draft, task.get("target"))
        _schedule(draft, at, task.get("interval"))
        if source is None or target is None:
            draft.left_out(at, "its source or target is no registry")
            continue
        for mapping in task.get("mappings").sequence():
            _mapping(draft, mapping, source, target)


def _place(draft: ImportDraft, value: DocumentValue) -> str | None:
    """Return the registry at one end of a task, and keep the sign-in for it."""
    draft.unknown(value, _PLACE_KEYS)
    written = value.get("registry").words()
    # ACCOUNT@public.ecr.aws names the account whose credentials are fetched.
    try:
        host = registry_of(written.rpartition("@")[2])
    except BadReference as error:
        draft.left_out(value, error.detail)
        return None
    if not value.get("lister").is_empty:
        draft.left_out(
            value.get("lister"),
            "Transship lists a registry in its own way; where a registry doesn't list, name its "
            f"repositories with `transship login {host} --repository PATH`",
        )
    if not value.get("auth-refresh").is_empty:
        draft.to_do(
            value.get("auth-refresh"),
            f"passwords that are fetched again aren't kept in a plan; `transship login {host}`",
        )
    insecure = value.get("skip-tls-verify").flag()
    if insecure:
        draft.to_do(
            value.get("skip-tls-verify"),
            f"certificates weren't verified; `transship login {host} --insecure` says it again",
        )
    _sign_in(draft, value.get("auth"), host, Tls(insecure=insecure))
    return host


def _sign_in(draft: ImportDraft, value: DocumentValue, host: str, tls: Tls) -> None:
    written = value.words()
    if not written or written == "none":
        return
    try:
        document = json.loads(base64.b64decode(written, validate=True))
        user, secret = document["username"], document["password"]
    except (binascii.Error, ValueError, TypeError, KeyError, RecursionError):
        draft.left_out(value, f"not a sign-in as dregsy writes it; needs `transship login {host}`")
        return
    if not isinstance(user, str) or not isinstance(secret, str):
        draft.left_out(value, f"not a user and a password; needs `transship login {host}`")
        return
    keep_login(draft, value, ImportedLogin(host, user, secret, tls=tls))


def _schedule(draft: ImportDraft, task: DocumentValue, interval: DocumentValue) -> None:
    words = interval.words()
    seconds = float(words[:12]) if words.isascii() and words.isdigit() else go_duration(words)
    schedule = interval_schedule(seconds)
    if schedule is None and words not in ("", "0"):
        draft.left_out(interval, "not an interval that a plan takes")
    draft.schedule(task, schedule)


def _mapping(draft: ImportDraft, value: DocumentValue, source: str, target: str) -> None:
    draft.unknown(value, _MAPPING_KEYS)
    platforms = _platforms(draft, value.get("platform"), value)
    filters = read_tags(draft, value.get("tags"))
    digests = _digests(draft, value.get("digests"))
    if platforms is None or filters is None or digests is None:
        draft.left_out(value, "so the whole mapping is left out")
        return
    if digests:
        chosen = () if value.get("tags").is_empty else filters.any_of
        filters = replace(filters, any_of=(*chosen, TagFilter(digests=digests)))
    try:
        rule = _rule(draft, value, source, target)
    except BadReference as error:
        draft.left_out(value, error.detail)
        return
    if rule is None:
        return
    rule = replace(rule, platforms=platforms)
    for tags in filters.any_of:
        draft.rule(value, replace(rule, tags=tags))
    for tag, digest in filters.pinned:
        _pinned(draft, value, rule, tag, digest)


def _pinned(draft: ImportDraft, value: DocumentValue, rule: Rule, tag: str, digest: Digest) -> None:
    """Add the copy of a tag that is pinned to a digest."""
    [repository], [place] = rule.repositories, rule.targets
    if "regex:" in repository:
        draft.left_out(value, "a tag with a digest can't be chosen in many repositories")
        return
    source = replace(rule.source, repository=repository)
    made = parse_map(rule.map).repository(NameOrigin(source.registry, repository, repository))
    target = Reference(place.registry, named_at(place, made), tag)
    draft.image(value, replace(source, tag=tag, digest=digest), target, rule.platforms)


def _rule(draft: ImportDraft, value: DocumentValue, source: str, target: str) -> Rule | None:
    """Return the rule of a mapping, without its tags; None, and a note, when there can't be one."""
    written, to = value.get("from").words(), value.get("to").words()
    if not written.startswith("regex:"):
        image = image_of(f"{source}/{written.strip('/')}")
        name = _renamed(draft, value, written, to)
        if name is None:
            return None
        if not is_repository(name):
            draft.left_out(value, "what it becomes at the target is no name")
            return None
        place, template = placed(image.repository, image_of(f"{target}/{name}"))
        return Rule(Reference(source), (place,), (image.repository,), map=template)
    pattern = whole_pattern(written.removeprefix("regex:").strip())
    if pattern is None:
        draft.left_out(value, "its regular expression means something else here, or nothing")
        return None
    if to.startswith("regex:"):
        draft.left_out(
            value,
            "names that are chosen and changed by expressions can't be said in a plan; write a "
            "rule for each part of the names, with a template in `map`",
        )
        return None
    path = to.strip("/")
    if path and not is_repository(path):
        draft.left_out(value, "what it becomes at the target is no name")
        return None
    return Rule(Reference(source), (Reference(target, path),), (pattern,))


def _renamed(draft: ImportDraft, value: DocumentValue, name: str, to: str) -> str | None:
    """Return what one repository is called at the target."""
    if not to.startswith("regex:"):
        return (to or name).strip("/")
    expression, comma, replacement = to.removeprefix("regex:").partition(",")
    if not comma:
        draft.left_out(value, "its expression has nothing to put in")
        return None
    template = _GROUP.sub(r"\\g<\1\2>", replacement.replace("\\", "\\\\"))
    try:
        # dregsy puts a slash before the name before it looks at it.
        return re.sub(expression, template, f"/{name.strip('/')}").strip("/")
    except (re.error, IndexError):
        draft.left_out(value, "its regular expression means something else here, or nothing")
        return None


def _platforms(
    draft: ImportDraft, value: DocumentValue, mapping: DocumentValue
) -> tuple[Platform, ...] | None:
    word = value.words()
    if word == "all":
        return ()
    if not word:
        draft.changed(
            mapping,
            "dregsy copies the platform of its own machine only; the plan copies every platform "
            "(write `platforms` into the rule for some)",
        )
        return ()
    try:
        return (parse_platform(word),)
    except BadPlatform as error:
        draft.left_out(value, f"not a platform: {error.detail}")
        return None


def _digests(draft: ImportDraft, value: DocumentValue) -> tuple[Digest, ...] | None:
    digests = value.texts()
    if all(map(is_digest, digests)):
        return tuple(dict.fromkeys(map(Digest, digests)))
    draft.left_out(value, "not a digest")
    return None


DREGSY = Importer("dregsy", recognises, read)
