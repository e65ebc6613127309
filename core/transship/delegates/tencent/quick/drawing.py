"""From what a personal account holds to a plan, and to what has to be made before it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from transship import errors
from transship.delegates.changes import Change, ChangeSet, change_to
from transship.delegates.tencent.quick.pages import Gap
from transship.delegates.tencent.quick.spaces import NAMESPACE, REPOSITORY
from transship.delegates.tencent.quick.stock import Repository, Stock
from transship.delegates.tencent.quick.target import Target
from transship.delegates.tencent.quick.wished import Collision, Quick, Terms
from transship.errors import TransshipError
from transship.oci.reference import Reference, is_repository, is_tag
from transship.plans.plan import Kind, OnConflict, Plan
from transship.plans.rule import Rule, TagFilter
from transship.registry.registry import Visibility
from transship.services.tencent import name_refusal
from transship.text import counted, safe

_MOST_NAMED = 5
_MOST_COLLISIONS = 20


def wanted_names(stock: Stock, terms: Terms) -> frozenset[str]:
    """Return what the repositories would be called at the target."""
    return frozenset(
        _called(each, terms) for each in stock.repositories if each.namespace not in terms.leave_out
    )


def draw(stock: Stock, target: Target, terms: Terms, engine: str) -> Quick:
    """Return what would be made and copied; `engine` is what the engine is called."""
    return _Drawing(stock, target, terms, engine).drawn()


@dataclass(slots=True)
class _Drawing:
    stock: Stock
    target: Target
    terms: Terms
    engine: str
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusals: list[TransshipError] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    collisions: list[Collision] = field(default_factory=list)

    def drawn(self) -> Quick:
        self._check_terms()
        self.gaps += [gap for gap in self.stock.gaps if not self._is_left_out(gap.of)]
        repositories = list(self._nameable())
        self._check_apart(repositories)
        for name, sources in self._namespaces().items():
            self._namespace(name, sources)
        self._check_room(repositories)
        for repository in repositories:
            self._repository(repository)
        rules = tuple(self._rules(repositories))
        self._note_counts(repositories)
        self._judge_gaps()
        refusals = tuple(self.refusals)
        changes = ChangeSet(
            self.engine,
            f"move all of {self.stock.host} to {self.target.instance.name}",
            () if refusals else tuple(self.changes),
            tuple(self.notes),
            refusals,
        )
        plan = Plan(kind=Kind.SYNC, rules=rules, on_conflict=self.terms.on_conflict)
        return Quick(
            changes,
            plan if rules and not refusals else None,
            len(repositories),
            sum(len(rule.tags.exact) for rule in rules),
            tuple(each.name for each in repositories if not each.tags),
            tuple(self.gaps),
            tuple(self.collisions),
        )

    def _is_left_out(self, name: str) -> bool:
        return bool(name) and name.partition("/")[0] in self.terms.leave_out

    def _namespaces(self) -> Mapping[str, Sequence[str]]:
        """Return the namespaces to be moved, by what they are called at the target."""
        several: dict[str, list[str]] = defaultdict(list)
        for source in self.stock.namespaces:
            if source not in self.terms.leave_out:
                several[self.terms.names.get(source, source)].append(source)
        return several

    def _check_terms(self) -> None:
        terms = self.terms
        if terms.newest is not None and terms.newest < 1:
            self.refusals.append(errors.BadRequest(f"the newest {terms.newest} tags are none"))
        said = {*terms.names, *terms.leave_out, *terms.visibility}
        for name in sorted(said - {*self.stock.namespaces}):
            self.refusals.append(
                errors.BadRequest(
                    f"the account has no namespace {name}",
                    remedy="Name those that it has, as they are called there.",
                )
            )

    def _nameable(self) -> Iterator[Repository]:
        """Give the repositories to be moved; what nobody can ask a registry for is a gap."""
        for each in self.stock.repositories:
            if each.namespace in self.terms.leave_out:
                continue
            if not is_repository(each.name) or "/" not in each.name:
                why = errors.BadReference("no repository's name by the distribution spec")
                self.gaps.append(Gap("a repository", safe(each.name), why))
                continue
            odd = [tag for tag in each.tags if not is_tag(tag)]
            for tag in odd:
                why = errors.BadReference("no tag by the distribution spec")
                self.gaps.append(Gap(f"the tag {safe(tag)!r}", each.name, why))
            tags = tuple(tag for tag in each.tags if tag not in odd)
            yield Repository(each.name, each.public, each.description, tags)

    def _check_apart(self, repositories: Iterable[Repository]) -> None:
        by_name: dict[str, list[str]] = defaultdict(list)
        for each in repositories:
            by_name[_called(each, self.terms)].append(each.name)
        for name, several in by_name.items():
            if len(several) > 1:
                self.refusals.append(
                    errors.BadRequest(
                        f"{' and '.join(several)} would both be {name}",
                        remedy="Give their namespaces names that differ.",
                    )
                )

    def _namespace(self, name: str, sources: Sequence[str]) -> None:
        inside = [each for source in sources for each in self.stock.inside(source)]
        private = [each.name for each in inside if not each.public]
        public = [each.name for each in inside if each.public]
        asked = {self.terms.visibility[each] for each in sources if each in self.terms.visibility}
        if len(asked) > 1:
            self.refusals.append(
                errors.BadRequest(
                    f"{' and '.join(sources)} would both be the namespace {name}, and "
                    f"it can't be public and private",
                    remedy="Give them names that differ, or say the same of both.",
                )
            )
            return
        if name in self.target.namespaces:
            self._there(name, asked, private, public)
            return
        if why := name_refusal(name):
            self.refusals.append(
                errors.CantBeDelegated(
                    f"the namespace {name} can't be made: {why}",
                    remedy="Give it another name there, or leave it out.",
                )
            )
            return
        is_public = self._who(sources, asked, private, public) is Visibility.PUBLIC
        if is_public and private:
            self._expose(name, private)
        elif not is_public and public:
            self.notes.append(_closes(name, public))
        self.changes.append(change_to(NAMESPACE, name, None, {"IsPublic": is_public}))

    def _there(
        self,
        name: str,
        asked: Collection[Visibility],
        private: Sequence[str],
        public: Sequence[str],
    ) -> None:
        """Judge a namespace that the target has: it stays for whom it is."""
        is_public = self.target.namespaces[name]
        if any((each is Visibility.PUBLIC) != is_public for each in asked):
            self.refusals.append(
                errors.CantBeDelegated(
                    f"the namespace {name} is there, and {_word(is_public)}",
                    remedy="Change that in the console, or choose another name for it.",
                )
            )
        elif is_public and private:
            self._expose(name, private)
        elif not is_public and public:
            self.notes.append(_closes(name, public))
        settings = {"IsPublic": is_public}
        self.changes.append(change_to(NAMESPACE, name, settings, settings))

    def _who(
        self,
        sources: Sequence[str],
        asked: Collection[Visibility],
        private: Sequence[str],
        public: Sequence[str],
    ) -> Visibility:
        for each in asked:
            return each
        # What couldn't be listed may be private.
        unseen = any(gap.of in ("", *sources) for gap in self.gaps)
        everyone = bool(public) and not private and not unseen
        return Visibility.PUBLIC if everyone else Visibility.PRIVATE

    def _expose(self, name: str, private: Sequence[str]) -> None:
        why = f"everyone may pull from the namespace {name}, and {_named(private)} would be in it"
        if self.terms.expose:
            self.notes.append(f"{why[0].upper()}{why[1:]}, as asked.")
        else:
            self.refusals.append(errors.WouldBePublic(why))

    def _check_room(self, repositories: Sequence[Repository]) -> None:
        """Note what the edition has no room for by its usual limits, which can be raised."""
        instance, limits = self.target.instance, self.target.instance.limits
        if limits is None:
            return
        made = sum(change.kind == NAMESPACE and change.before is None for change in self.changes)
        namespaces = len(self.target.namespaces) + made
        new = [r for r in repositories if _called(r, self.terms) not in self.target.descriptions]
        rooms = [("namespaces", namespaces, limits.namespaces, made)]
        if self.target.count is not None:
            count = self.target.count + len(new)
            rooms.append(("repositories", count, limits.repositories, len(new)))
        for words, count, limit, more in rooms:
            if more and count > limit:
                self.notes.append(
                    f"{instance.name} would have {count:,} {words}; its edition "
                    f"({instance.edition}) has {limit:,}, unless the cloud has raised that."
                )

    def _repository(self, repository: Repository) -> None:
        name = _called(repository, self.terms)
        after = {"Description": repository.description}
        there = self.target.descriptions.get(name)
        if there is None and name.partition("/")[0] in self.target.unlisted:
            return
        if there is None:
            # A push makes a repository, but with no description, and none without an image.
            if repository.description or not repository.tags:
                self.changes.append(change_to(REPOSITORY, name, None, after))
            return
        self._collides(name, repository)
        if not repository.description or there == repository.description:
            return
        if there:
            self.notes.append(f"{name} keeps the description that it has at the target.")
            return
        self.changes.append(change_to(REPOSITORY, name, {"Description": there}, after))

    def _collides(self, name: str, repository: Repository) -> None:
        there = self.target.tags.get(name)
        mine = frozenset(self._taken(repository))
        if there is None:
            self.collisions.append(Collision(name))
        elif there:
            self.collisions.append(Collision(name, mine & there, there - mine))

    def _taken(self, repository: Repository) -> tuple[str, ...]:
        newest = self.terms.newest
        return repository.tags if newest is None else repository.tags[: max(newest, 0)]

    def _rules(self, repositories: Iterable[Repository]) -> Iterator[Rule]:
        registry = self.terms.target or self.target.instance.public_domain
        for each in repositories:
            tags = self._taken(each)
            if not tags:
                continue
            # Each tag by its name, so that one which the registry doesn't list is missed, beside
            # whatever it lists that is newer than this.
            include = ("*",) if self.terms.newest is None else ()
            yield Rule(
                Reference(self.stock.host, each.name),
                (Reference(registry, _called(each, self.terms)),),
                tags=TagFilter(include=include, exact=tags),
            )

    def _note_counts(self, repositories: Sequence[Repository]) -> None:
        self.notes += map(str, self.collisions[:_MOST_COLLISIONS])
        if (more := len(self.collisions) - _MOST_COLLISIONS) > 0:
            self.notes.append(f"{more:,} more repositories are there already.")
        if self.collisions:
            self.notes.append(_CONFLICTS[self.terms.on_conflict])
        cut = [each for each in repositories if len(self._taken(each)) < len(each.tags)]
        if cut:
            left = sum(len(each.tags) - len(self._taken(each)) for each in cut)
            self.notes.append(
                f"{counted(left, 'older tag')} of {_named([each.name for each in cut])} stay "
                f"behind, as asked: the newest {self.terms.newest:,} of each are taken."
            )
        self.notes += [f"{each}." for each in together(self.target.gaps)]
        if self.stock.quota is None:
            self.notes.append("The quota of the personal account couldn't be asked for.")
        else:
            self.notes += _beyond(self.stock)

    def _judge_gaps(self) -> None:
        lacks = together(self.gaps)
        if self.terms.incomplete:
            self.notes += [f"Not among it, as asked: {each}." for each in lacks]
        else:
            self.refusals += [errors.NotWhole(each) for each in lacks]


def together(gaps: Iterable[Gap]) -> tuple[str, ...]:
    """Return gaps in words, those that have the same cause as one."""
    alike: dict[tuple[str, str], list[Gap]] = defaultdict(list)
    for gap in gaps:
        code = gap.why.code if isinstance(gap.why, errors.CloudRefused) else gap.why.cause
        alike[gap.what, code].append(gap)
    words = []
    for several in alike.values():
        names = [gap.of for gap in several if gap.of]
        words.append(str(replace(several[0], of=_named(names))))
    return tuple(words)


_CONFLICTS: Mapping[OnConflict, str] = {
    OnConflict.FAIL: "A tag that is there with another digest fails, and stays as it is.",
    OnConflict.SKIP: "A tag that is there with another digest stays as it is.",
    OnConflict.OVERWRITE: "A tag that is there with another digest is overwritten, as asked.",
}


def _called(repository: Repository, terms: Terms) -> str:
    namespace, slash, rest = repository.name.partition("/")
    return f"{terms.names.get(namespace, namespace)}{slash}{rest}"


def _closes(name: str, public: Sequence[str]) -> str:
    return (
        f"Everyone may pull {_named(public)} today; the namespace {name} is private, so that there "
        "it takes a login."
    )


def _beyond(stock: Stock) -> Iterator[str]:
    """Note where more is there than the account may have: then a quota was raised, or is wrong."""
    quota = stock.quota or {}
    counts = {"namespace": len(stock.namespaces), "repo": len(stock.repositories)}
    for kind, count in counts.items():
        if kind in quota and count > quota[kind]:
            yield f"The account has {count:,} of kind {kind}; its quota is {quota[kind]:,}."


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(names[:_MOST_NAMED])
    return (
        f"{shown} and {counted(more, 'more repository', 'more repositories')}"
        if more > 0
        else (shown)
    )


def _word(is_public: bool) -> str:
    return "public" if is_public else "private"
