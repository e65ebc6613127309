"""A plan in the making, from the configuration of another tool, and what is to be said about it.

How other tools write images, patterns, times and ways to sign in, in the words of a plan; many
small rules are made into few that select the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from transship.errors import BadPattern, BadRange, BadReference, BadRequest, UsageError
from transship.oci.digest import Digest
from transship.oci.platform import Platform
from transship.oci.reference import Reference, is_repository, is_tag, parse_host, parse_reference
from transship.plans.importers.document import DocumentValue
from transship.plans.mapping import NameOrigin, named_at, parse_map
from transship.plans.patterns import REGEX, parse_pattern, why_nothing
from transship.plans.plan import (
    Kind,
    Limits,
    OnConflict,
    Plan,
    Rule,
    Schedule,
    TagFilter,
    Terms,
    Wanted,
    wanted,
)
from transship.plans.schedule import check_cron
from transship.plans.versions import parse_range
from transship.registry.credential import Tls

KEPT = "{repository}"
"""The template that keeps a repository's name."""

_WORDS = frozenset({"keep", "strip", "flatten"})


def placed(repository: str, target: Reference) -> tuple[Reference, str]:
    """Return the place of `target` and the template that makes its name from `repository`."""
    if target.repository == repository:
        return Reference(target.registry), KEPT
    prefix = target.repository.removesuffix(f"/{repository}")
    if prefix != target.repository and is_repository(prefix):
        return Reference(target.registry, prefix), KEPT
    name = target.repository
    # These are words of their own in a map; a slash in front makes them names.
    return Reference(target.registry), f"/{name}" if name in _WORDS else name


def compact(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return rules that select the same with fewer of them, in the order of the first of each.

    What differs only in the tags or digests that it names becomes one; then what differs only in
    targets; then what differs only in repositories, where their names come from a template.
    """
    by_tags: dict[Rule, list[TagFilter]] = {}
    for rule in rules:
        bare = TagFilter(exact=("",)) if _only_names(rule.tags) else rule.tags
        by_tags.setdefault(replace(rule, tags=bare), []).append(rule.tags)
    named = [replace(rule, tags=_joined(tags)) for rule, tags in by_tags.items()]

    by_target: dict[Rule, list[Reference]] = {}
    for rule in named:
        by_target.setdefault(replace(rule, targets=()), []).extend(rule.targets)
    fanned = [
        replace(rule, targets=tuple(dict.fromkeys(targets))) for rule, targets in by_target.items()
    ]

    by_repository: dict[tuple[Rule, tuple[str, ...]], list[str]] = {}
    for rule in fanned:
        leaves_out = any(pattern.startswith("!") for pattern in rule.repositories)
        own = rule.repositories if leaves_out or "{" not in rule.map else ()
        key = replace(rule, repositories=()), own
        by_repository.setdefault(key, []).extend(rule.repositories)
    return tuple(
        replace(rule, repositories=tuple(dict.fromkeys(repositories)))
        for (rule, _), repositories in by_repository.items()
    )


def is_plain(rule: Rule) -> bool:
    """Tell whether a rule names all that it selects, so that copies can say the same."""
    patterns = all(
        not pattern.startswith("!") and parse_pattern(pattern).literal
        for pattern in rule.repositories
    )
    return patterns and (rule.tags == TagFilter() or _only_names(rule.tags))


def copies_of(rule: Rule) -> Iterator[Wanted]:
    """Give the copies that a plain rule stands for."""
    terms = Terms(platforms=rule.platforms) if rule.platforms else None
    names = parse_map(rule.map)
    for repository in rule.repositories:
        source = replace(rule.source, repository=repository)
        origin = NameOrigin(source.registry, repository, repository)
        for place in rule.targets:
            target = replace(place, repository=named_at(place, names.repository(origin)))
            if rule.tags == TagFilter():
                yield Wanted(source, target, terms)
            for tag in rule.tags.exact:
                yield Wanted(source.at(tag), target.at(names.renamed(origin, tag)), terms)
            for digest in rule.tags.digests:
                yield Wanted(source.at(digest), target.at(digest), terms)


def _only_names(tags: TagFilter) -> bool:
    bare = replace(tags, exact=(), digests=())
    return bool(tags.exact or tags.digests) and bare == TagFilter()


def _joined(filters: list[TagFilter]) -> TagFilter:
    if not _only_names(filters[0]):
        return filters[0]
    exact: dict[str, None] = {}
    digests: dict[Digest, None] = {}
    for each in filters:
        exact |= dict.fromkeys(each.exact)
        digests |= dict.fromkeys(each.digests)
    return TagFilter(exact=tuple(exact), digests=tuple(digests))


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


_USER_PART = re.compile(r"[^/@\s'\"]*:[^/@\s]*@(?!sha\d)")


class NoteKind(StrEnum):
    """What became of an entry that couldn't be carried over as it was."""

    LEFT_OUT = "left-out"
    """The plan lacks it."""
    CHANGED = "changed"
    """The plan has it, but does something else than the tool did."""
    TO_DO = "to-do"
    """It belongs elsewhere than in a plan, and has to be seen to there."""


@dataclass(frozen=True, slots=True)
class ImportNote:
    """What an operator should know of one entry: where it stands, and what became of it and why."""

    kind: NoteKind
    file: str
    line: int
    entry: str
    text: str

    def __str__(self) -> str:
        entry = f" {self.entry}:" if self.entry else ""
        return f"{self.file}, line {self.line}:{entry} {self.text}"


@dataclass(frozen=True, slots=True)
class ImportedLogin:
    """A way to sign in that was found in a file. The secret never shows in a repr.

    With a `namespace` the tool used it for that part of the registry only.
    """

    host: str
    username: str = field(repr=False)
    secret: str = field(repr=False)
    namespace: str = ""
    tls: Tls = field(default_factory=Tls)


@dataclass(frozen=True, slots=True)
class Imported:
    """What was made of the configuration of `tool`.

    `plan` is None where there is nothing to copy in the files. `secrets` are no part of a plan;
    they are for the keyring, if the operator says so.
    """

    tool: str
    plan: Plan | None
    notes: tuple[ImportNote, ...]
    secrets: tuple[ImportedLogin, ...]


class ImportDraft:
    """Collects what the files of a tool say. `to` is where what names no target goes."""

    def __init__(self, to: Reference | None = None) -> None:
        self.to = to
        self.referrers: set[bool] = set()
        self._limits: dict[str, tuple[DocumentValue, Limits]] = {}
        self._rules: list[Rule] = []
        self._pinned: list[tuple[DocumentValue, Wanted]] = []
        self._notes: list[ImportNote] = []
        self._logins: dict[tuple[str, str], ImportedLogin] = {}
        self._schedules: list[tuple[DocumentValue, Schedule | None]] = []

    def left_out(self, value: DocumentValue, text: str, *, entry: str | None = None) -> None:
        """Say that the plan lacks this entry."""
        self._note(NoteKind.LEFT_OUT, value, text, entry)

    def changed(self, value: DocumentValue, text: str, *, entry: str | None = None) -> None:
        """Say that the plan does something else with this entry than the tool did."""
        self._note(NoteKind.CHANGED, value, text, entry)

    def to_do(self, value: DocumentValue, text: str, *, entry: str | None = None) -> None:
        """Say what has to be seen to elsewhere."""
        self._note(NoteKind.TO_DO, value, text, entry)

    def unknown(self, value: DocumentValue, known: Collection[str]) -> None:
        """Name the keys of a mapping that aren't `known`: nothing is dropped silently."""
        for key, found in value.mapping().items():
            if key not in known:
                self.left_out(found, "this importer doesn't know the key")

    def rule(self, value: DocumentValue, rule: Rule) -> None:
        """Add a rule."""
        if rule.source in rule.targets and rule.map == "{repository}":
            self.left_out(value, "source and target are the same")
            return
        why = why_nothing(rule)
        if why:
            self.left_out(value, f"it selects nothing: {why}")
            return
        self._rules.append(rule)

    def repository(
        self,
        value: DocumentValue,
        source: Reference,
        target: Reference,
        tags: TagFilter,
        platforms: tuple[Platform, ...] = (),
    ) -> None:
        """Add the rule that carries tags of one repository to another.

        A tag in `target` is the new name of the only one that `tags` names.
        """
        renamed = target.tag if (target.tag,) != tags.exact else ""
        same = (source.registry, source.repository) == (target.registry, target.repository)
        if same and not renamed:
            self.left_out(value, "source and target are the same repository")
            return
        place, template = placed(source.repository, target)
        self.rule(
            value,
            Rule(
                Reference(source.registry),
                (place,),
                repositories=(source.repository,),
                tags=tags,
                platforms=platforms,
                map=f"{template}:{renamed}" if renamed else template,
            ),
        )

    def image(
        self,
        value: DocumentValue,
        source: Reference,
        target: Reference,
        platforms: tuple[Platform, ...] = (),
    ) -> None:
        """Add one image. A digest that gets a tag is beyond rules; copies can say it."""
        try:
            copy = wanted(source, target)
        except UsageError as error:
            self.left_out(value, f"it can't be copied: {error.detail}")
            return
        if copy.source.digest and copy.target.tag:
            terms = Terms(platforms=platforms) if platforms else None
            self._pinned.append((value, replace(copy, terms=terms)))
        elif copy.source.digest:
            tags = TagFilter(digests=(copy.source.digest,))
            self.repository(value, copy.source, copy.target, tags, platforms)
        else:
            tags = TagFilter(exact=(copy.source.tag,))
            self.repository(value, copy.source, copy.target, tags, platforms)

    def login(self, value: DocumentValue, login: ImportedLogin) -> None:
        """Keep a way to sign in; a second one for the same place is named, not kept."""
        before = self._logins.setdefault((login.host, login.namespace), login)
        if before != login:
            where = f"{login.host}/{login.namespace}".rstrip("/")
            self.left_out(value, f"another sign-in for {where} came before this one")

    def schedule(self, value: DocumentValue, schedule: Schedule | None) -> None:
        """Note when an entry runs again; None for one that runs once."""
        self._schedules.append((value, schedule))

    def limit(self, value: DocumentValue, host: str, limits: Limits) -> None:
        """Keep what a registry may be asked for."""
        self._limits[host] = value, limits

    def done(self, tool: str) -> Imported:
        """Return what was collected."""
        rules = compact(self._rules)
        plan: Plan | None = None
        if self._pinned and all(map(is_plain, rules)):
            named = (copy for rule in rules for copy in copies_of(rule))
            copies = dict.fromkeys((*named, *(copy for _, copy in self._pinned)))
            plan = self._plan(Plan(copies=tuple(copies)))
        else:
            self._tell_pinned()
            plan = self._plan(Plan(kind=Kind.SYNC, rules=rules)) if rules else None
        self._tell_limits(plan)
        return Imported(tool, plan, self._in_order(), tuple(self._logins.values()))

    def _in_order(self) -> tuple[ImportNote, ...]:
        """Return the notes in the order of the entries that they are about."""
        files = list(dict.fromkeys(note.file for note in self._notes))
        return tuple(sorted(self._notes, key=lambda note: (files.index(note.file), note.line)))

    def _plan(self, plan: Plan) -> Plan:
        """Return a plan with what holds for all of it."""
        taking_part = {place.registry for place in plan.places}
        limits = {host: each for host, (_, each) in self._limits.items() if host in taking_part}
        return replace(
            plan,
            on_conflict=OnConflict.OVERWRITE,
            referrers=self.referrers != {False},
            schedule=self._one_schedule(),
            limits=limits,
        )

    def _tell_pinned(self) -> None:
        for value, copy in self._pinned:
            self.left_out(
                value,
                "a digest that gets a tag can't stand beside rules with patterns; "
                f"`transship copy {copy.source} {copy.target}` copies it",
            )

    def _tell_limits(self, plan: Plan | None) -> None:
        for host, (value, _) in self._limits.items():
            if plan is None or host not in plan.limits:
                self.left_out(value, f"nothing in the plan reads from {host} or writes to it")

    def _note(self, kind: NoteKind, value: DocumentValue, text: str, entry: str | None) -> None:
        shown = value.path if entry is None else entry
        note = ImportNote(kind, value.file, value.line, without_user(shown), without_user(text))
        self._notes.append(note)

    def _one_schedule(self) -> Schedule | None:
        """Return the schedule for the whole plan: of several the most frequent interval."""
        known = [schedule for _, schedule in self._schedules if schedule]
        if not known:
            return None
        intervals = [schedule for schedule in known if schedule.every]
        shortest = min(intervals, key=lambda each: each.every or 0.0, default=known[0])
        for value, schedule in self._schedules:
            if schedule != shortest:
                own = schedule_words(schedule)
                self.changed(
                    value,
                    f"a plan has one schedule, {schedule_words(shortest)}; this entry ran {own}",
                )
        return shortest


def schedule_words(schedule: Schedule | None) -> str:
    """Return a schedule in words."""
    if schedule is None:
        return "once"
    return f"by cron {schedule.cron!r}" if schedule.cron else f"every {schedule.every:g} s"


def without_user(text: str) -> str:
    """Return text from a file without a user and a password that stand in front of a host."""
    return _USER_PART.sub("…@", text)


_VARIABLE = re.compile(r"\$(?:\{[^}]*\}|[A-Za-z_][A-Za-z0-9_]*)")
_KEYS = ("username", "password", "insecure")


def has_variable(text: str) -> bool:
    """Tell whether a text names a variable of the environment, `$VAR` or `${VAR}`."""
    return bool(_VARIABLE.search(text))


def is_secrets(value: DocumentValue) -> bool:
    """Tell whether a value is a map from registries to `username`, `password` and `insecure`.

    A key beside them is a slip, which `read_secrets` names.
    """
    entries = value.entries or {}
    return bool(entries) and all(
        entry.entries is not None and not entry.entries.keys().isdisjoint(_KEYS)
        for entry in entries.values()
    )


def read_secrets(draft: ImportDraft, value: DocumentValue, *, expands: bool = False) -> None:
    """Take the ways to sign in from such a map, whose keys are `host` or `host/namespace`.

    `expands` says that the tool puts variables of the environment into them.
    """
    for key, entry in value.mapping().items():
        draft.unknown(entry, _KEYS)
        try:
            place = place_of(key)
        except BadReference as error:
            draft.left_out(entry, f"not a registry: {error.detail}", entry=key)
            continue
        username, secret = entry.get("username").words(), entry.get("password").words()
        insecure = entry.get("insecure").flag()
        if insecure:
            draft.to_do(
                entry,
                "the tool verified no certificate here, and fell back to plain http; "
                f"`transship login {place.registry} --insecure` (or --plain-http) says it again",
                entry=key,
            )
        if expands and (has_variable(username) or has_variable(secret)):
            draft.left_out(
                entry,
                "the sign-in names a variable of the environment, which isn't read here; "
                f"needs `transship login {place.registry}`",
                entry=key,
            )
            continue
        keep_login(
            draft,
            entry,
            ImportedLogin(
                place.registry, username, secret, place.repository, Tls(insecure=insecure)
            ),
        )


def keep_login(draft: ImportDraft, value: DocumentValue, login: ImportedLogin) -> None:
    """Keep a way to sign in, if it is one that a registry takes."""
    if not login.username and not login.secret:
        return
    if not login.username or not login.secret:
        draft.left_out(value, f"half of a sign-in is missing; needs `transship login {login.host}`")
    elif login.username == "_oauth2_":
        draft.left_out(
            value,
            "a service account's key that the tool exchanged for a token; "
            f"sign in as _json_key with `transship login {login.host}`",
        )
    else:
        draft.login(value, login)


def one_for_each(logins: Iterable[ImportedLogin]) -> dict[str, ImportedLogin | None]:
    """Return the sign-in that an account would have for each registry; None where several compete.

    That for a whole registry goes before those for parts of it.
    """
    by_host: dict[str, list[ImportedLogin]] = {}
    for login in logins:
        by_host.setdefault(login.host, []).append(login)
    return {host: _only(found) for host, found in by_host.items()}


def _only(logins: list[ImportedLogin]) -> ImportedLogin | None:
    whole = [login for login in logins if not login.namespace] or logins
    alike = {(login.username, login.secret) for login in whole}
    return whole[0] if len(alike) == 1 else None


@dataclass(frozen=True, slots=True)
class SourceName:
    """A repository with what is wanted of it: tags, a digest, or a Go expression over its tags.

    With nothing of these, all tags.
    """

    registry: str
    repository: str
    tags: tuple[str, ...] = ()
    digest: Digest | None = None
    expression: str = ""

    @property
    def whole(self) -> Reference:
        """The repository."""
        return Reference(self.registry, self.repository)


def source_name(text: str) -> SourceName:
    """Return what `repository`, `...:a,b`, `...@sha256:...` or `...:/expression/` names.

    Raises BadReference.
    """
    text = text.strip()
    name, found, expression = text.partition(":/")
    if found and "/" in name and expression.endswith("/") and len(expression) > 1:
        image = image_of(name)
        return SourceName(image.registry, image.repository, expression=expression[:-1])
    first, *more = text.split(",")
    image = image_of(first)
    if not more:
        single = (image.tag,) if image.tag else ()
        return SourceName(image.registry, image.repository, single, image.digest)
    tags = tuple(dict.fromkeys([image.tag, *(tag.strip() for tag in more)]))
    if image.digest or not all(map(is_tag, tags)):
        raise BadReference(f"{text!r} has something else than tags between its commas")
    return SourceName(image.registry, image.repository, tags)
