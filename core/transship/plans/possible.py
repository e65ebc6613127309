"""Whether what a rule says can select anything at all: what never can is a slip. Pure.

Names are those of the distribution spec ("Pulling manifests"): a repository's has no capitals and
no colon, a tag has no slash and no colon. What regular expressions match isn't looked into, but
for those that match everything.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from transship.errors import BadPattern
from transship.plans.globs import REGEX, parse_pattern, parse_patterns
from transship.plans.rule import Rule, TagFilter
from transship.plans.semver import parse_range

_SET = re.compile(r"\[[!^]?\]?[^\]]*\]")
_ANY_DEPTH = re.compile(r"(?:^|/)\*\*(?:/|$)")
_NOT_OF_A_REPOSITORY = re.compile(r"[^a-z0-9._/*?-]")
_NOT_OF_A_TAG = re.compile(r"[^A-Za-z0-9._*?-]")
_EVERYTHING = frozenset({"**", "regex:.*", "regex:.+"})


def check_repository_pattern(text: str) -> None:
    """Check that a pattern, without a `!`, can match a repository's name. Raises BadPattern."""
    parse_pattern(text)
    text = text.strip()
    if text.startswith(REGEX):
        return
    found = _NOT_OF_A_REPOSITORY.search(_SET.sub("", text))
    if found is None:
        return
    if text.lower() != text and not _NOT_OF_A_REPOSITORY.search(_SET.sub("", text.lower())):
        raise BadPattern(
            f"{text!r} matches nothing: the name of a repository has no capitals",
            remedy=f"Was {text.lower()} meant?",
        )
    raise BadPattern(f"{text!r} matches nothing: the name of a repository has no {found[0]!r}")


def check_tag_pattern(text: str) -> None:
    """Check that a pattern, without a `!`, can match a tag. Raises BadPattern."""
    parse_pattern(text)
    text = text.strip()
    if text.startswith(REGEX):
        return
    found = _NOT_OF_A_TAG.search(_ANY_DEPTH.sub("", _SET.sub("", text)))
    if found:
        raise BadPattern(f"{text!r} matches nothing: a tag has no {found[0]!r}")


def why_nothing(rule: Rule) -> str | None:
    """Return why a rule can't select anything; None when it may. Raises BadRange."""
    tags = rule.tags
    return (
        why_no_repository(rule.repositories)
        or why_no_tag(tags)
        or (why_no_version(tags.semver) if tags.semver else None)
    )


def why_no_repository(repositories: Collection[str]) -> str | None:
    """Return why patterns for repositories take none; None when they may take some."""
    return _why_none(repositories, (), _EVERYTHING)


def why_no_tag(tags: TagFilter) -> str | None:
    """Return why a filter takes no tag by its name; None when it may take some."""
    if tags.exact or tags.digests:
        return None
    return _why_none(tags.include, tags.exclude, _EVERYTHING | {"*"})


def why_no_version(text: str) -> str | None:
    """Return why a range of versions, or one side of a `||` in it, holds none. Raises BadRange."""
    for side, interval in zip(text.split("||"), parse_range(text).intervals, strict=True):
        if interval.high is not None and interval.high <= interval.low:
            return f"no version is in {side.strip()!r}"
    return None


def _why_none(
    wanted: Collection[str], unwanted: Collection[str], everything: Collection[str]
) -> str | None:
    patterns = parse_patterns(wanted)
    left_out = {pattern.text for pattern in (*patterns.unwanted, *parse_patterns(unwanted).wanted)}
    for text in sorted(left_out.intersection(everything)):
        return f"{text} leaves everything out"
    if patterns.wanted and left_out.issuperset(pattern.text for pattern in patterns.wanted):
        shown = ", ".join(pattern.text for pattern in patterns.wanted[:3])
        return f"what is wanted ({shown}) is left out again"
    return None
