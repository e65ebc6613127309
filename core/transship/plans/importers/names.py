"""How other tools write down images, patterns and times, in the words of a plan. Pure."""

from __future__ import annotations

import re

from transship.errors import BadPattern, BadRange, BadReference, BadRequest
from transship.oci.reference import Reference, is_repository, parse_host, parse_reference
from transship.plans.globs import REGEX, parse_pattern
from transship.plans.policy import Schedule
from transship.plans.schedule import check_cron
from transship.plans.semver import parse_range

_HUB_NAMES = frozenset(
    {"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
)
_SCHEME = re.compile("https?://")
_FLAGS = re.compile(r"\(\?([ims]+)\)")
# What Go's regular expressions (RE2) have and Python's read otherwise, or don't read.
_GO_ONLY = re.compile(r"\\[pPQECz]|\[\[:|\(\?(?:<[^=!]|[a-zA-Z]*U)")
_OLD_OPERATORS = re.compile(r"=>|=<|==")
_OPERATORS = {"=>": ">=", "=<": "<=", "==": "="}
_PRERELEASE = re.compile(r"[0-9]-[0-9A-Za-z]")
_GO_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|h|m|s))+")
_GO_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|h|m|s)")
_LONGEST = 10 * 365 * 86_400
_GO_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_CRON_NAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def registry_of(text: str) -> str:
    """Return the registry that `text` (`host[:port]`) names. Raises BadReference.

    Docker Hub's many names are one.
    """
    host = _SCHEME.sub("", text.strip()).rstrip("/")
    return "docker.io" if host in _HUB_NAMES else parse_host(host)


def image_of(text: str) -> Reference:
    """Return the image that `text` names as Docker reads it. Raises BadReference.

    A first part with a dot or a colon in it, or `localhost`, is a host; without one it is on
    Docker Hub, and there a name of one part is below `library`.
    """
    text = text.strip()
    host, slash, rest = text.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = "docker.io", text
    if host in _HUB_NAMES:
        host = "docker.io"
    reference = parse_reference(f"{host}/{rest}")
    if not reference.repository:
        raise BadReference(f"{text!r} names no repository")
    return reference


def place_of(text: str) -> Reference:
    """Return the place, a host with or without a path, that `text` names. Raises BadReference."""
    host, _, path = _SCHEME.sub("", text.strip()).strip("/").partition("/")
    if path and not is_repository(path):
        raise BadReference(f"{path!r} in {text!r} is not a path of repositories")
    return Reference(registry_of(host), path)


def whole_pattern(expression: str) -> str | None:
    """Return the pattern of a plan for a Go expression that has to match from end to end.

    None for one that Python would read otherwise, or not at all.
    """
    core, flags = _scoped(expression)
    if not has_alternatives(core):
        core = _without_end(core.removeprefix("^"))
    return _checked(expression, _flagged(core, flags))


def part_pattern(expression: str) -> str | None:
    """Return the pattern of a plan for a Go expression that has to match somewhere.

    None for one that Python would read otherwise, or not at all.
    """
    core, flags = _scoped(expression)
    if has_alternatives(core):
        return _checked(expression, f".*{_flagged(f'(?:{core})', flags)}.*")
    before = "" if core.startswith("^") else ".*"
    inner = _without_end(core.removeprefix("^"))
    after = ".*" if inner == core.removeprefix("^") else ""
    return _checked(expression, f"{before}{_flagged(inner, flags)}{after}")


def has_alternatives(expression: str) -> bool:
    """Tell whether an expression has `|` outside of all groups and classes."""
    depth, in_class, escaped = 0, False, False
    for character in expression:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "|" and depth == 0:
            return True
    return False


def go_duration(text: str) -> float | None:
    """Return the seconds of a Go duration (`1h30m`), or None for what is none."""
    if not _GO_DURATION.fullmatch(text):
        return None
    return sum(float(count) * _GO_SECONDS[unit] for count, unit in _GO_PART.findall(text)) or None


def interval_schedule(seconds: float | None) -> Schedule | None:
    """Return the schedule of an interval; None for one that no plan takes."""
    if seconds is None or not 1 <= seconds <= _LONGEST:
        return None
    return Schedule(every=seconds)


def cron_schedule(line: str) -> Schedule | None:
    """Return the schedule of a cron line as Go's cron library takes it; None for another."""
    line = line.strip()
    if line.startswith("@every "):
        return interval_schedule(go_duration(line.removeprefix("@every ").strip()))
    line = _CRON_NAMES.get(line, line)
    try:
        check_cron(line)
    except BadRequest:
        return None
    return Schedule(cron=line)


def version_range(expression: str) -> str | None:
    """Return a range of versions as a plan takes it; None for one that it can't say."""
    text = _OLD_OPERATORS.sub(lambda match: _OPERATORS[match[0]], expression).strip()
    try:
        parse_range(text)
    except BadRange:
        return None
    return text


def names_prerelease(text: str) -> bool:
    """Tell whether a range names a pre-release, as `>=1.2.0-0` does."""
    return bool(_PRERELEASE.search(text))


def _scoped(expression: str) -> tuple[str, str]:
    """Return an expression without the flags at its beginning, and these."""
    match = _FLAGS.match(expression)
    return (expression[match.end() :], match[1]) if match else (expression, "")


def _flagged(expression: str, flags: str) -> str:
    return f"(?{flags}:{expression})" if flags else expression


def _without_end(expression: str) -> str:
    """Return an expression without the `$` at its end, unless that stands for itself."""
    ends = expression.endswith("$") and not expression.endswith("\\$")
    return expression[:-1] if ends else expression


def _checked(expression: str, pattern: str) -> str | None:
    if _GO_ONLY.search(expression):
        return None
    try:
        return parse_pattern(f"{REGEX}{pattern}").text
    except BadPattern:
        return None
