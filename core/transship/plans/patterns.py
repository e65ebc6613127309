"""Patterns over names: which repositories and tags are meant.

Besides: whether a pattern can select anything at all; what never can is a slip.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from transship.errors import BadPattern
from transship.plans.plan import Rule, TagFilter
from transship.plans.versions import parse_range

REGEX = "regex:"

_LONGEST = 1000
_MOST_REPEATS = 100_000
_SECONDS_FOR_A_NAME = 0.25
_WILD = re.compile(r"[*?\[]")
_SET_OR_ESCAPE = re.compile(r"\\.|\[\^?\]?[^\]]*\]")
_OPEN_REPEAT = re.compile(r"[*+]|\{\d*,\d*\}")
_COUNT = re.compile(r"\{(?:\d*,)?(\d+),?\}")
_BACK_REFERENCE = re.compile(r"\\[1-9]|\(\?P=")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern without its `!`. `literal` says that it names exactly one thing.

    What `matches` gives is to be taken as true or false.
    """

    text: str
    matches: Callable[[str], object]
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Patterns:
    """A list of patterns: what is wanted (when there are any, else everything), and what isn't."""

    wanted: tuple[Pattern, ...]
    unwanted: tuple[Pattern, ...]
    written_out: frozenset[str] = field(init=False, repr=False, compare=False)
    """The names that are wanted by themselves: there may be as many as there are names."""
    _wild: tuple[Pattern, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = frozenset(pattern.text for pattern in self.wanted if pattern.literal)
        wild = tuple(pattern for pattern in self.wanted if not pattern.literal)
        object.__setattr__(self, "written_out", named)
        object.__setattr__(self, "_wild", wild)

    def selects(self, name: str) -> bool:
        """Tell whether `name` is wanted and not left out."""
        return self.left_out_by(name) is None and self.wants(name)

    def wants(self, name: str) -> bool:
        """Tell whether `name` is wanted, whatever is left out."""
        if not self.wanted or name in self.written_out:
            return True
        return _first(self._wild, name) is not None

    def wanted_by(self, name: str) -> str | None:
        """Return the pattern that wants `name`, None when none does."""
        return _first(self.wanted, name)

    def left_out_by(self, name: str) -> str | None:
        """Return the pattern (without its `!`) that leaves `name` out, None when none does."""
        return _first(self.unwanted, name)


def _first(patterns: tuple[Pattern, ...], name: str) -> str | None:
    for pattern in patterns:
        if pattern.matches(name):
            return pattern.text
    return None


def parse_patterns(texts: Iterable[str]) -> Patterns:
    """Return the patterns that `texts` write down. Raises BadPattern."""
    return _patterns(tuple(texts))


@lru_cache(maxsize=64)
def _patterns(texts: tuple[str, ...]) -> Patterns:
    # A rule's are asked for once for each repository, and there may be as many of both.
    wanted: list[Pattern] = []
    unwanted: list[Pattern] = []
    for text in texts:
        text = text.strip()
        rest = text.removeprefix("!")
        (wanted if rest == text else unwanted).append(parse_pattern(rest))
    return Patterns(tuple(wanted), tuple(unwanted))


def may_match_below(pattern: Pattern, path: str) -> bool:
    """Tell whether a name below `path` may match: false only where none can.

    Below an empty path is every name.
    """
    if not path or pattern.text.startswith(REGEX):
        return True
    begins = _WILD.split(pattern.text, maxsplit=1)[0]
    inside = f"{path}/"
    return begins.startswith(inside) or (inside.startswith(begins) and not pattern.literal)


def matches_all_below(pattern: Pattern, path: str) -> bool:
    """Tell whether every name below `path` matches for certain."""
    if pattern.text.startswith(REGEX) or not pattern.text.endswith("**"):
        return False
    return bool(pattern.matches(path)) if path else pattern.text == "**"


@lru_cache(maxsize=1024)
def parse_pattern(text: str) -> Pattern:
    """Return the pattern that `text`, without a `!`, writes down. Raises BadPattern."""
    text = text.strip()
    if not text:
        raise BadPattern("an empty pattern matches nothing")
    if len(text) > _LONGEST:
        raise BadPattern(f"{text[:40]}… is longer than {_LONGEST} characters")
    if text.startswith(REGEX):
        return Pattern(text, _regex(text, text.removeprefix(REGEX)))
    if text.startswith("/") or text.endswith("/") or "//" in text:
        raise BadPattern(f"{text!r}: a name neither begins nor ends with /, and has no //")
    if any(letter in text for letter in "{},"):
        raise BadPattern(f"{text!r}: no name has a brace or a comma; write several patterns")
    if not _WILD.search(text):
        return Pattern(text, text.__eq__, literal=True)
    if _runs_across(text):
        return Pattern(text, _timed(text, _glob(text)))
    return Pattern(text, re.compile(_glob(text)).fullmatch)


def _runs_across(text: str) -> bool:
    """Tell whether a component has a `**` beside other characters: nothing bounds its run."""
    return any("**" in component and component != "**" for component in text.split("/"))


def _regex(text: str, expression: str) -> Callable[[str], object]:
    """Return the test for a regular expression.

    The engine of the standard library can't be stopped, and some expressions would keep it busy
    for years on one name. `regex` reads the same syntax, and gives up after a time.
    """
    if not expression:
        raise BadPattern(f"{text!r} has no expression")
    import regex  # Few plans need it, and to import it takes as long as to read a plan.

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            re.compile(expression)
        _check_size(text, expression)
        return _timed(text, expression)
    except (re.error, regex.error, FutureWarning, OverflowError, RecursionError) as error:
        raise BadPattern(f"{text!r}: {error}") from error


def _timed(text: str, expression: str) -> Callable[[str], object]:
    """Return the test that gives up after a time, if the expression could need it."""
    import regex

    fullmatch = regex.compile(expression).fullmatch
    if _is_plain(expression):
        return fullmatch

    def matches(name: str) -> object:
        try:
            return fullmatch(name, timeout=_SECONDS_FOR_A_NAME)
        except TimeoutError as error:
            raise BadPattern(
                f"{text!r} takes too long on {name[:40]!r}",
                remedy="Take out repeats within repeats, such as (a+)+.",
            ) from error

    return matches


def _check_size(text: str, expression: str) -> None:
    """Refuse repeats that multiply to more than any name is long: they are written out."""
    size = 1
    for count in _COUNT.findall(_SET_OR_ESCAPE.sub("x", expression)):
        size *= max(int(count), 1)
        if size > _MOST_REPEATS:
            raise BadPattern(f"{text!r} repeats too much; a name has at most 255 characters")


def _is_plain(expression: str) -> bool:
    """Tell whether no name can keep an expression busy, so that no time need be taken."""
    bare = _SET_OR_ESCAPE.sub("x", expression)
    return (
        not re.search(r"\)[*+?{]", bare)
        and len(_OPEN_REPEAT.findall(bare)) <= 2
        and not _BACK_REFERENCE.search(expression)
    )


def _glob(text: str) -> str:
    """Return the regular expression for a glob."""
    made = ""
    # Any number of components, twice over, is any number of components.
    while "**/**" in text:
        text = text.replace("**/**", "**")
    if text == "**":
        return "(?s:.*)"
    first, *others = _stretches(text)
    made = first
    for number, stretch in enumerate(others, 1):
        if number == len(others):
            made += f"(?:[^/]+/)*{stretch}" if stretch else ".*"
        else:
            made += f"(?>(?:[^/]+/)*?{stretch})"
    return f"(?s:{made})"


def _stretches(text: str) -> list[str]:
    """Return the regular expressions for what stands before, between and after each `**`.

    A stretch has as many components as it is written with. So the first place where it fits is
    right whenever any is, and no other need be tried.
    """
    *parents, last = text.split("/")
    found = [""]
    for component in parents:
        if component == "**":
            found.append("")
        else:
            found[-1] += f"{_component(component, text)}/"
    if last != "**":
        found[-1] += _component(last, text)
        return found
    # What a last ** follows may be the name's end.
    found[-1] = found[-1].removesuffix("/") + r"(?:/|\Z)"
    return [*found, ""]


def _component(component: str, text: str) -> str:
    """Return the regular expression for what stands between two slashes.

    All runs but the last are taken as short as they go, and never tried longer: the shortest is
    right whenever any is, and nothing is tried twice.
    """
    if component == "*":
        return "[^/]+"
    pieces: list[str] = [""]
    runs: list[str] = []
    place = 0
    while place < len(component):
        letter = component[place]
        if letter == "*":
            across = component.startswith("**", place)
            place += len(component[place:]) - len(component[place:].lstrip("*"))
            runs.append("." if across else "[^/]")
            pieces.append("")
            continue
        end = place + 1
        if letter == "?":
            pieces[-1] += "[^/]"
        elif letter == "[":
            end, made = _set(component, place, text)
            pieces[-1] += made
        else:
            pieces[-1] += re.escape(letter)
        place = end
    if not runs:
        return pieces[0]
    # A run over slashes may have to give way to one that can't cross them.
    possessive = len(set(runs)) == 1
    middle = "".join(
        f"(?>{run}*?{piece})" if possessive else f"{run}*?{piece}"
        for run, piece in zip(runs[:-1], pieces[1:-1], strict=True)
    )
    return f"{pieces[0]}{middle}{runs[-1]}*{pieces[-1]}"


def _set(component: str, begins: int, text: str) -> tuple[int, str]:
    """Return the place after a set of characters, and the regular expression for it."""
    first = begins + 1
    negated = component[first : first + 1] in ("!", "^")
    first += negated
    ends = component.find("]", first + 1)
    if ends < 0:
        raise BadPattern(f"{text!r}: [ is not closed")
    letters = component[first:ends]
    members = ""
    place = 0
    while place < len(letters):
        low, high = letters[place], letters[place]
        if letters[place + 1 : place + 2] == "-" and place + 2 < len(letters):
            high = letters[place + 2]
            place += 2
        if low > high:
            raise BadPattern(f"{text!r}: {low}-{high} is backwards")
        members += re.escape(low) if low == high else f"{re.escape(low)}-{re.escape(high)}"
        place += 1
    return ends + 1, f"[^/{members}]" if negated else f"(?!/)[{members}]"


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
