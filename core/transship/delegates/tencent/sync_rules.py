"""What rules would be made so that TCR synchronises two instances. Pure: facts are handed in.

What stands in the way is in `ChangeSet.refusals`. The facts are the instances
(`services.tencent_cloud`) and the rules that are there (`SyncRules.rules`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from transship import errors
from transship.delegates.changes import Change, ChangeSet, Does, change_to
from transship.delegates.filters import ANY_TAG, Selecting, translations
from transship.delegates.tencent.judging import is_doubtful
from transship.delegates.tencent.rules import (
    FORGETS,
    LEADS,
    RESOURCES,
    RULE,
    Destination,
    KnownRule,
    SyncRule,
    is_wild,
)
from transship.errors import TransshipError
from transship.plans.ends import side_of
from transship.plans.plan import Plan
from transship.services.tencent_cloud import EDITIONS, RUNNING, TcrInstance

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]{1,29}")
_BY_LANES = "let Transship move it"
_NO_SYNC = frozenset({"ap-taipei"})
"""Regions whose instances can't be synchronised, by the page on synchronisation (1141/41945)."""

SYNTAX_IN_DOUBT = (
    "How TCR reads patterns is documented in two ways: as regular expressions in its console, as "
    "globs in the examples of its API. They are sent as they stand here; what an execution has "
    "taken tells which it is, so look at the first."
)
BEGINS = (
    "A push to the source begins an execution. No action of the API begins or stops one, and it "
    "isn't documented whether a new rule takes what is there already: look whether one has begun, "
    "and else start one in the console of TCR, or let Transship copy it once."
)
READS_BACK = (
    "Whether a rule deletes, and where exactly it leads, the API takes but doesn't tell: what was "
    "asked for stands in the rule's description, and can be checked in the console of TCR."
)
BEFORE_THE_INSTANCE = "Its rules have to be deleted before the source itself can be."


def wish(
    source: TcrInstance,
    to: Destination,
    rules: Sequence[SyncRule],
    there: Sequence[KnownRule],
    *,
    namespaces: Collection[str] | None = None,
) -> ChangeSet:
    """Return what would be made so that `source` is synchronised to `to` by `rules`.

    `there` are all rules that the source has. A rule that is there and was made from here is
    changed, one of others is a refusal. `namespaces` are those of the destination, where they are
    known.
    """
    engine, purpose = f"TCR instance {source}", f"synchronise {source.public_domain} to {to.host}"
    known = {rule.name: rule for rule in there}
    refusals = [*_instances(source, to)]
    for rule in rules:
        refusals += _faults(rule)
    names = [rule.name for rule in rules]
    refusals += [
        errors.BadRequest(f"two rules are called {name}")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if not rules:
        refusals.append(errors.BadRequest("no rule is wished for"))
    changes = [_change(rule, to, known.get(rule.name), refusals) for rule in rules]
    if refusals:
        return ChangeSet(engine, purpose, refusals=tuple(refusals))
    notes = (*_notes(source, to, rules), *_of_namespaces(to, rules, namespaces))
    return ChangeSet(engine, purpose, tuple(changes), (*notes, BEFORE_THE_INSTANCE))


def of_plan(
    source: TcrInstance,
    to: Destination,
    name: str,
    plan: Plan,
    there: Sequence[KnownRule],
    *,
    host: str = "",
    namespaces: Collection[str] | None = None,
    deletion: bool = False,
) -> ChangeSet:
    """Return what would be made so that TCR does what a plan says from `source` to `to`.

    `host` is what the plan calls the source, where that isn't its own domain; `to.host` is what it
    calls the destination. `name` is that of the first rule; the second is `NAME-2`, and so on. With
    `deletion` what is deleted at the source is deleted at the destination too.
    What of the plan can't be said in rules is a refusal each. `namespaces` as for `wish`.
    """
    sides = host or source.public_domain, to.host
    made = translations(plan, *sides, at_least=2)
    refusals: list[TransshipError] = [
        errors.CantBeDelegated(f"{unsaid.part}: {unsaid.why}", remedy=unsaid.instead)
        for each in made
        for unsaid in each.unsaid
    ]
    if not made:
        refusals.append(
            errors.CantBeDelegated(f"the plan copies nothing from {sides[0]} to {sides[1]}")
        )
    rules: list[SyncRule] = []
    parts = dict.fromkeys((part, each.override) for each in made for part in each.parts)
    for part, override in parts:
        called = f"{name}-{len(rules) + 1}" if rules else name
        try:
            rule = _rule(called, part, override=override)
            rules.append(replace(rule, deletion=deletion))
        except errors.CantBeDelegated as error:
            refusals.append(error)
    if refusals:
        purpose = f"let TCR move a plan from {sides[0]} to {sides[1]}"
        return ChangeSet(f"TCR instance {source}", purpose, refusals=tuple(refusals))
    found = wish(source, to, rules, there, namespaces=namespaces)
    notes = dict.fromkeys(note for each in made for note in each.notes)
    return ChangeSet(
        found.engine, found.purpose, found.changes, (*found.notes, *notes), found.refusals
    )


def removal(source: TcrInstance, names: Sequence[str], there: Sequence[KnownRule]) -> ChangeSet:
    """Return what would be taken away: the rules of these names. Images stay where they are."""
    engine = f"TCR instance {source}"
    known = {rule.name: rule for rule in there}
    missing = [
        errors.CantBeDelegated(f"{engine} has no rule {name}", remedy="List them again.")
        for name in names
        if name not in known
    ]
    changes = [
        change_to(RULE, name, known[name].found.settings, None, warns=tuple(_losses(known[name])))
        for name in dict.fromkeys(names)
        if name in known
    ]
    return ChangeSet(
        engine,
        f"take away {', '.join(names)}",
        () if missing else tuple(changes),
        refusals=tuple(missing),
    )


def _losses(rule: KnownRule) -> Iterator[str]:
    yield FORGETS
    if not rule.is_ours:
        yield (
            f"{rule.name} wasn't made from here, and the API doesn't tell all that it is set to: "
            f"undo can't make it again."
        )
    elif rule.found.settings["PeerRegistryUin"]:
        yield f"The token that {rule.name} has isn't kept here: undo can't make it again."


def _instances(source: TcrInstance, to: Destination) -> Iterator[TransshipError]:
    """Give what is in the way at the two instances."""
    if source.id == to.id:
        yield errors.CantBeDelegated("both sides are the same instance")
    for label, edition, status in (
        (str(source), source.edition, source.status),
        (str(to), to.edition, to.status),
    ):
        known = EDITIONS.get(edition)
        if known is not None and not known.syncs:
            yield errors.CantBeDelegated(
                f"{label} is of the {edition} edition, and rules take standard or premium",
                remedy=f"Upgrade the instance, or {_BY_LANES}.",
            )
        if status not in ("", RUNNING):
            yield errors.CantBeDelegated(
                f"{label} isn't running, it is {status}", remedy="Look at it in the console of TCR."
            )
    for region in (source.region, to.region):
        if region in _NO_SYNC:
            yield errors.CantBeDelegated(
                f"TCR synchronises nothing from or to {region}", remedy=f"{_capital(_BY_LANES)}."
            )
    if to.uin and not (to.uin.isascii() and to.uin.isdecimal()):
        yield errors.BadRequest(f"{to.uin!r} is no account ID (UIN): those are digits")


def _faults(rule: SyncRule) -> Iterator[TransshipError]:
    """Give what is wrong with a rule by itself."""
    if not _NAME.fullmatch(rule.name):
        yield errors.BadRequest(
            f"{rule.name!r} is no name for a rule: small letters, digits, '-', '.' and '_', a "
            f"letter or a digit first"
        )
    if not rule.filters:
        yield errors.BadRequest(
            f"{rule.name}: a rule needs a pattern, as in NAMESPACE/** for all of a namespace"
        )
    if rule.resource not in RESOURCES:
        yield errors.BadRequest(f"{rule.resource!r} is neither image nor chart")
    if rule.namespace and not _NAMESPACE.fullmatch(rule.namespace):
        yield errors.BadRequest(f"{rule.namespace!r} is no namespace of TCR")


def _change(
    rule: SyncRule, to: Destination, there: KnownRule | None, refusals: list[TransshipError]
) -> Change:
    before = there.found.settings if there is not None else None
    after = rule.settings(to)
    owner = bool(to.uin) and before is None
    warns = []
    if owner:
        warns.append(
            f"TCR is handed the long-term token of {to.host}, of the owner {to.uin}, and keeps it. "
            f"The rule ends with that token, and another can't be put in its place."
        )
    if rule.deletion:
        warns.append(
            f"What is deleted at the source is deleted at {to.host} too: no bound, and no way back."
        )
    gives = (to.host,) if owner else ()
    change = change_to(RULE, rule.name, before, after, gives=gives, warns=tuple(warns))
    if change.does is Does.CHANGE and there is not None and before is not None:
        if not there.is_ours:
            refusals.append(errors.NameTaken(f"{RULE} {rule.name}, to {there.destination}"))
        elif any(before.get(name) != after[name] for name in LEADS):
            refusals.append(
                errors.CantBeDelegated(
                    f"{RULE} {rule.name} leads to {there.leads_to}, and where a rule leads can't "
                    f"be changed",
                    remedy="Choose another name, or delete that rule first.",
                )
            )
    return change


def _notes(source: TcrInstance, to: Destination, rules: Sequence[SyncRule]) -> Iterator[str]:
    for rule in rules:
        yield f"{rule.name} takes {_taken(rule)}; that is what is sent."
        yield f"{rule.name} puts it {_placed(rule)}."
    if any(is_doubtful(each["Type"], each["Value"]) for rule in rules for each in rule.filters):
        yield SYNTAX_IN_DOUBT
    yield BEGINS
    if any(not rule.override for rule in rules):
        yield (
            "A tag that differs at the destination is left alone where a rule doesn't override; "
            "nothing that the API tells names such tags."
        )
    yield READS_BACK
    sides = side_of(source.region), side_of(to.region)
    if None not in sides and sides[0] is not sides[1]:
        yield "It goes across the border of mainland China, which rules may."
    if not to.edition:
        yield (
            f"The keys don't see {to.host}: that it runs, and is of the standard or premium "
            f"edition, isn't checked."
        )
    elif to.edition not in EDITIONS:
        yield f"The edition of {to.host}, {to.edition}, isn't known here, and isn't checked."
    if source.edition not in EDITIONS:
        yield f"The edition of {source}, {source.edition}, isn't known here, and isn't checked."


def _of_namespaces(
    to: Destination, rules: Sequence[SyncRule], known: Collection[str] | None
) -> Iterator[str]:
    named = (rule.namespace or rule.names.partition("/")[0] for rule in rules)
    for name in dict.fromkeys(name for name in named if name and not is_wild(name)):
        if known is None:
            yield (
                f"Look whether {to.host} has the namespace {name}: that TCR makes one that is "
                f"missing isn't documented."
            )
        elif name not in known:
            yield (
                f"{to.host} has no namespace {name}, and that TCR makes it isn't documented: make "
                f"it before."
            )


def _taken(rule: SyncRule) -> str:
    what = {"image": "images", "chart": "charts"}.get(rule.resource, "images and charts")
    names = f"in repositories that match {rule.names}" if rule.names else "in every repository"
    tags = f"with tags that match {rule.tags}" if rule.tags else "with any tag"
    return f"{what} {names}, {tags}"


def _placed(rule: SyncRule) -> str:
    if not rule.namespace:
        return "where it has the same name"
    return (
        f"into the namespace {rule.namespace}; how a name of more than two components is kept "
        f"below it isn't documented, the targets of the tasks tell"
    )


def _rule(name: str, part: Selecting, *, override: bool) -> SyncRule:
    """Return the rule that selects and names what a part does. Raises CantBeDelegated."""
    tags = [tag for tag in part.tags if tag.pattern != ANY_TAG or tag.excludes]
    if len(tags) > 1 or any(tag.excludes for tag in tags):
        raise errors.CantBeDelegated(
            f"{part.name}: a rule of TCR has one pattern for tags, and none that leaves tags out",
            remedy=f"Write it as one pattern that takes tags in, or {_BY_LANES}.",
        )
    namespace, _, rest = part.name.partition("/")
    if is_wild(namespace) or not rest:
        raise errors.CantBeDelegated(
            f"{part.name}: a rule of TCR is for one namespace",
            remedy=f"Begin the pattern with the name of a namespace, or {_BY_LANES}.",
        )
    path, replaces = _shortest(part)
    if path and (replaces != 1 or "/" in path):
        raise errors.CantBeDelegated(
            f"{part.name}: a rule of TCR puts another namespace in the place of the first "
            f"component, and names can't be made otherwise",
            remedy=f"Write a `to` of one component, or {_BY_LANES}.",
        )
    return SyncRule(
        name,
        names=part.name,
        tags=tags[0].pattern if tags else "",
        namespace=path or namespace,
        override=override,
    )


def _shortest(part: Selecting) -> tuple[str, int]:
    """Return what goes in the place of how many components, without those that stay the same."""
    path, replaces, names = part.namespace.split("/"), part.replaces, part.name.split("/")
    while len(path) > 1 and replaces > 1 and path[-1] == names[replaces - 1]:
        path.pop()
        replaces -= 1
    return "/".join(path), replaces


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
