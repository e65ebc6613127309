"""What an execution really took, against the patterns that its rule was given. Pure.

How TCR reads a pattern isn't documented beyond doubt: the help in its console says regular
expression, the examples of its API are globs. What a rule has taken tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from transship.delegates.doublestar import matcher
from transship.delegates.executions import Task
from transship.delegates.tencent.rules import is_wild
from transship.errors import BadPattern
from transship.plans.globs import REGEX, parse_pattern

_DOCUMENTED = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*(/\*\*)?")
_CLASS = re.compile(r"\[[^\]]*\]")
_IN_NO_NAME = re.compile(r"[()+|^$\\]")
_RESOURCE = re.compile(r"(?P<repository>[^:\[\]]+)(:\[?(?P<tags>[^\[\]]*)\]?)?")


class Syntax(StrEnum):
    """How a pattern can be read."""

    GLOB = "glob"
    """As Harbor reads it: `*` within a component, `**` over several."""
    REGEX = "regular expression"
    """For the whole text."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an execution took (`repository:tag`), and by which readings of the patterns it is right.

    `beyond` is what was taken though the patterns, read as globs, don't select it; `missing` is
    what was wanted and not taken.
    """

    taken: tuple[str, ...]
    beyond: tuple[str, ...]
    missing: tuple[str, ...]
    explains: tuple[Syntax, ...]


def judged(
    filters: Iterable[Mapping[str, str]], tasks: Iterable[Task], wanted: Iterable[str] = ()
) -> Judgement:
    """Return what the tasks of one execution tell of how the filters of its rule were read."""
    patterns = {each["Type"]: each["Value"] for each in filters}
    taken = tuple(dict.fromkeys(image for task in tasks for image in images_of(task.source)))
    expected = tuple(wanted)
    missing = tuple(image for image in expected if image not in taken)
    explains = tuple(
        syntax
        for syntax in Syntax
        if all(selects(patterns, image, syntax) for image in taken)
        and not any(selects(patterns, image, syntax) for image in missing)
    )
    beyond = tuple(each for each in taken if not selects(patterns, each, Syntax.GLOB))
    return Judgement(taken, beyond, missing, explains)


def selects(patterns: Mapping[str, str], image: str, syntax: Syntax) -> bool:
    """Tell whether patterns by their type (`name`, `tag`) select an image, `repository:tag`."""
    repository, _, tag = image.partition(":")
    of_name = _matches(patterns.get("name", ""), repository, syntax)
    return of_name and (not tag or _matches(patterns.get("tag", ""), tag, syntax))


def images_of(resource: str) -> Sequence[str]:
    """Return the images that a task's source names: `team/web:[1.0,1.1]` names two."""
    found = _RESOURCE.fullmatch(resource.strip())
    if found is None:
        return (resource,)
    tags = [tag.strip() for tag in (found["tags"] or "").split(",")]
    return [f"{found['repository']}:{tag}" for tag in tags if tag] or [found["repository"]]


def is_doubtful(kind: str, pattern: str) -> bool:
    """Tell whether a pattern can be read in two ways, and isn't of a form that is documented.

    Documented for names are a repository, and a namespace with `/**` behind it.
    """
    if kind == "name" and _DOCUMENTED.fullmatch(pattern):
        return False
    return is_wild(pattern)


def _matches(pattern: str, text: str, syntax: Syntax) -> bool:
    if not pattern:
        return True
    try:
        if syntax is Syntax.REGEX:
            return bool(parse_pattern(f"{REGEX}{pattern}").matches(text))
        # Such characters are themselves in a glob, and no name has them.
        if _IN_NO_NAME.search(_CLASS.sub("", pattern)):
            return False
        return matcher(pattern).fullmatch(text) is not None
    except (BadPattern, re.error):
        return False
