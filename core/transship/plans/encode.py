"""A plan as a TOML document, in the order and the forms in which a person would write it. Pure.

Text is made here and not by a library, because a person reads it: a rule is one block, what
selects tags stands in one line, and copies are blocks however short they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from transship.oci.reference import Reference
from transship.plans.decode import ARTIFACTS, NOTHING, VERSION
from transship.plans.plan import Kind, Limits, NewestBy, Plan, Rule, TagFilter, Wanted
from transship.plans.quantities import (
    write_duration,
    write_moment,
    write_rate,
    write_share,
    write_window,
)
from transship.text import escaped

TomlValue = str | int | list[str] | Mapping[str, "TomlValue"]
TomlDocument = dict[str, TomlValue | list[dict[str, TomlValue]]]
"""What `tomllib` gives for a plan: scalars, lists of texts, tables, and lists of tables."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_WORDS = {artifact: word for word, artifact in ARTIFACTS.items()}


@dataclass(frozen=True, slots=True)
class Spelling:
    """How places are written: by default with their hosts, else as the operator calls them."""

    place: Callable[[Reference], str] = field(default=str)
    registry: Callable[[str], str] = field(default=str)


def encode_plan(plan: Plan, spelling: Spelling | None = None) -> TomlDocument:
    """Return the document that says what `plan` does."""
    spelling = spelling or Spelling()
    document: TomlDocument = {
        "version": VERSION,
        "kind": str(plan.kind),
        "on_conflict": str(plan.on_conflict),
        "referrers": plan.referrers,
    }
    document |= _given(
        create_missing=plan.create_missing and str(plan.create_missing),
        try_refused=plan.try_refused or None,
        retries=plan.retries,
        platforms=[str(platform) for platform in plan.platforms],
    )
    if plan.kind is Kind.COPY:
        document["copies"] = [_copy(copy, spelling) for copy in plan.copies]
    else:
        document["rules"] = [_rule(rule, spelling) for rule in plan.rules]
    if plan.schedule is not None:
        every = plan.schedule.every
        document["schedule"] = _given(
            every=None if every is None else write_duration(every), cron=plan.schedule.cron
        )
    if plan.create:
        document["create"] = _given(
            immutable_tags=plan.create.immutable_tags,
            resource_tags=dict(plan.create.resource_tags),
        )
    if plan.delete is not None:
        document["delete"] = {
            "at_most": write_share(plan.delete.at_most),
            **_given(protect=list(plan.delete.protect)),
        }
    limits = {spelling.registry(name): _limits(limits) for name, limits in plan.limits.items()}
    return document | _given(limits=limits)


def _given(**values: TomlValue | None) -> dict[str, TomlValue]:
    """Return what isn't left to its default."""
    return {key: value for key, value in values.items() if value}


def _copy(copy: Wanted, spelling: Spelling) -> dict[str, TomlValue]:
    table: dict[str, TomlValue] = {
        "from": spelling.place(copy.source),
        "to": spelling.place(copy.target),
    }
    if copy.replaces is not None:
        table["replaces"] = copy.replaces or NOTHING
    if copy.terms is None:
        return table
    return {
        **table,
        # Even if there are none: these terms don't fall back to the plan's.
        "platforms": [str(platform) for platform in copy.terms.platforms],
        **_given(
            artifacts=[word for kind, word in _WORDS.items() if kind in copy.terms.artifacts],
            immutable=copy.terms.immutable,
        ),
    }


def _rule(rule: Rule, spelling: Spelling) -> dict[str, TomlValue]:
    targets = [spelling.place(target) for target in rule.targets]
    return {
        "from": spelling.place(rule.source),
        "to": targets[0] if len(targets) == 1 else targets,
        **_given(
            repositories=[] if rule.repositories == ("**",) else list(rule.repositories),
            tags=_tags(rule.tags),
            platforms=[str(platform) for platform in rule.platforms],
            artifacts=[word for kind, word in _WORDS.items() if kind in rule.artifacts],
            map="" if rule.map == "{repository}" else rule.map,
            immutable=list(rule.immutable),
        ),
    }


def _tags(tags: TagFilter) -> dict[str, TomlValue]:
    since = None
    if tags.since is not None:
        since = (write_moment if tags.since_is_moment else write_duration)(tags.since)
    return _given(
        include=list(tags.include),
        exclude=list(tags.exclude),
        semver=tags.semver,
        prereleases=tags.prereleases,
        newest=tags.newest,
        by=None if tags.newest_by is NewestBy.CREATED else str(tags.newest_by),
        since=since,
        exact=list(tags.exact),
        digests=[str(digest) for digest in tags.digests],
    )


def _limits(limits: Limits) -> dict[str, TomlValue]:
    return _given(
        concurrency=limits.concurrency,
        rate=None if limits.rate is None else write_rate(limits.rate),
        window=None if limits.window is None else write_window(limits.window),
    )


def document_text(document: TomlDocument) -> str:
    """Return a document as TOML."""
    plain = {key: value for key, value in document.items() if not _is_block(value)}
    blocks = [block_text(key, document[key]) for key in document if key not in plain]
    return "\n".join([_pairs(plain), *blocks])


def block_text(key: str, value: object) -> str:
    """Return the tables under a key of a document as TOML, each under its header."""
    if isinstance(value, list):
        return "\n".join(f"[[{key}]]\n{_pairs(table)}" for table in value)
    assert isinstance(value, Mapping)
    if key == "limits":
        return "\n".join(f"[{key}.{_key(name)}]\n{_pairs(inner)}" for name, inner in value.items())
    return f"[{key}]\n{_pairs(value)}"


def _is_block(value: object) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
    )


def _pairs(table: Mapping[str, object]) -> str:
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in table.items())


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _string(key)


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _string(value)
        case Mapping():
            inner = ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items())
            return f"{{ {inner} }}"
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            return str(value)


def _string(text: str) -> str:
    """Return a string in which nothing is hidden. JSON's escapes are TOML's."""
    if "\\" in text and "'" not in text and escaped(text) == text:
        return f"'{text}'"
    return escaped(json.dumps(text, ensure_ascii=False))
