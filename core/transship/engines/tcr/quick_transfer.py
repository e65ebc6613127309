"""Everything of a personal account (CCR) to an instance of TCR, in one go: changes, and a plan.

What the account holds is listed whole, or with each gap named. What is missing at the instance is a
change set as any other, which `NamespaceEngine` makes; the images themselves are copied by
Transship, by a plan as any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from transship import errors
from transship.engines.changes import (
    Change,
    ChangeAction,
    ChangeSet,
    EngineItem,
    GetLogin,
    change_between,
)
from transship.engines.tcr.api import InstanceApi
from transship.engines.tcr.inventory import (
    ListGap,
    PersonalInventory,
    PersonalRepository,
    ScanProgress,
    TargetInventory,
    scan_personal_account,
    scan_target,
)
from transship.errors import TransshipError
from transship.oci.reference import Reference, is_repository, is_tag
from transship.plans.encode import Spelling, document_text, encode_plan
from transship.plans.plan import Kind, OnConflict, Plan, Rule, TagFilter
from transship.registry.registry import Visibility
from transship.services.tencent import name_refusal
from transship.services.tencent_cloud import TencentCloud
from transship.text import counted, safe


@dataclass(frozen=True, slots=True)
class QuickTransferTerms:
    """How everything of an account is to be moved.

    `newest` takes so many tags of each repository, those pushed last; None takes all. `names` gives
    namespaces other names at the target, `leave_out` leaves some behind. `visibility` says who may
    pull from a namespace that is made; without it, everyone where everyone might pull all that is
    in it, else who is given the right. With `incomplete` what could be listed is moved without the
    rest, with `expose` private images may become public. `target` is the domain of the instance
    that is written to, empty for its public one.
    """

    newest: int | None = None
    on_conflict: OnConflict = OnConflict.FAIL
    names: Mapping[str, str] = field(default_factory=dict)
    leave_out: frozenset[str] = frozenset()
    visibility: Mapping[str, Visibility] = field(default_factory=dict)
    incomplete: bool = False
    expose: bool = False
    target: str = ""


@dataclass(frozen=True, slots=True)
class TargetCollision:
    """A repository that is at the target already, by its name there.

    `both` are the tags that both sides have: whether they are the same the plan finds out, digest
    by digest. `there` are those that only the target has, which stay. Both are None where they
    couldn't be asked for.
    """

    repository: str
    both: frozenset[str] | None = None
    there: frozenset[str] | None = None

    def __str__(self) -> str:
        if self.both is None or self.there is None:
            return f"{self.repository} is there already, and its tags couldn't be listed."
        return (
            f"{self.repository} is there already: {counted(len(self.both), 'tag')} of the same "
            f"name, {counted(len(self.there), 'tag')} that only the target has."
        )


@dataclass(frozen=True, slots=True)
class QuickTransfer:
    """What a quick migration would make and copy.

    Without a `plan` there is nothing to copy, or `changes.refusals` say what is in the way.
    `gaps` are all that couldn't be listed: the plan isn't whole while there are any. `empty` are
    the repositories without a tag.
    """

    changes: ChangeSet
    plan: Plan | None = None
    repositories: int = 0
    tags: int = 0
    empty: tuple[str, ...] = ()
    gaps: tuple[ListGap, ...] = ()
    collisions: tuple[TargetCollision, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether everything that the account has was listed."""
        return not self.gaps


NAMESPACE = "namespace"
REPOSITORY = "repository"
KINDS = (NAMESPACE, REPOSITORY)


class _NamespaceEntry(msgspec.Struct, rename="pascal"):
    name: str
    public: bool = False
    namespace_id: int = 0


class _RepositoryEntry(msgspec.Struct, rename="pascal"):
    name: str
    description: str = ""
    brief_description: str = ""


class _ImageCount(msgspec.Struct, rename="pascal"):
    total_count: int = 0


class NamespaceEngine:
    """The engine of one instance. Raises, beside what is named, what `TencentCloud.call` does.

    A namespace goes by its name, a repository by its own with its namespace. What holds something
    isn't deleted.
    """

    def __init__(self, at: InstanceApi) -> None:
        self._at = at

    @property
    def name(self) -> str:
        """Which engine and where."""
        return self._at.name

    async def read(self, kind: str, name: str) -> EngineItem | None:
        """Return the namespace or the repository of this name; None when there is none."""
        if kind == NAMESPACE:
            # A name that is asked for finds all that it is a part of.
            spaces = await self._at.listed(
                "DescribeNamespaces", _NamespaceEntry, NamespaceName=name
            )
            space = next((each for each in spaces if each.name == name), None)
            return None if space is None else _namespace_item(space)
        found = await self._repository(name)
        return None if found is None else EngineItem({"Description": found.description})

    async def make(self, change: Change, gives: GetLogin) -> None:  # noqa: ARG002 - no login is given
        """Make one change. Raises EngineRefused for what would delete images."""
        makers: Mapping[tuple[str, ChangeAction], Callable[[Change], Awaitable[None]]] = {
            (NAMESPACE, ChangeAction.CREATE): self._create_namespace,
            (NAMESPACE, ChangeAction.CHANGE): self._change_namespace,
            (NAMESPACE, ChangeAction.DELETE): self._delete_namespace,
            (REPOSITORY, ChangeAction.CREATE): self._create_repository,
            (REPOSITORY, ChangeAction.CHANGE): self._describe_repository,
            (REPOSITORY, ChangeAction.DELETE): self._delete_repository,
        }
        await makers[change.kind, change.does](change)

    async def _create_namespace(self, change: Change) -> None:
        await self._at.do(
            "CreateNamespace", NamespaceName=change.name, IsPublic=_wants_public(change)
        )

    async def _change_namespace(self, change: Change) -> None:
        await self._at.do(
            "ModifyNamespace", NamespaceName=change.name, IsPublic=_wants_public(change)
        )

    async def _delete_namespace(self, change: Change) -> None:
        inside = await self._at.listed(
            "DescribeRepositories", _RepositoryEntry, NamespaceName=change.name, SortBy="-name"
        )
        own = [each for each in inside if each.name.startswith(f"{change.name}/")]
        if own:
            raise errors.EngineRefused(
                f"the namespace {change.name} has repositories, {own[0].name} among them",
                remedy="What holds images isn't deleted from here.",
            )
        await self._at.do("DeleteNamespace", NamespaceName=change.name)

    async def _create_repository(self, change: Change) -> None:
        namespace, _, rest = change.name.partition("/")
        await self._at.do(
            "CreateRepository",
            NamespaceName=namespace,
            RepositoryName=rest,
            Description=_wanted_description(change),
        )

    async def _describe_repository(self, change: Change) -> None:
        namespace, _, rest = change.name.partition("/")
        found = await self._repository(change.name)
        if found is None:
            raise errors.ChangedMeanwhile(str(change))
        await self._at.do(
            "ModifyRepository",
            NamespaceName=namespace,
            RepositoryName=rest,
            # Both are set by it: what isn't said would be empty.
            BriefDescription=found.brief_description,
            Description=_wanted_description(change),
        )

    async def _delete_repository(self, change: Change) -> None:
        namespace, _, rest = change.name.partition("/")
        where = {"NamespaceName": namespace, "RepositoryName": rest}
        images = await self._at.call("DescribeImages", _ImageCount, Offset=1, Limit=1, **where)
        if images.total_count:
            raise errors.EngineRefused(
                f"the repository {change.name} has images",
                remedy="What holds images isn't deleted from here.",
            )
        await self._at.do("DeleteRepository", **where)

    async def _repository(self, name: str) -> _RepositoryEntry | None:
        namespace, _, rest = name.partition("/")
        found = await self._at.listed(
            "DescribeRepositories", _RepositoryEntry, NamespaceName=namespace, RepositoryName=rest
        )
        return next((each for each in found if each.name == name), None)


def _namespace_item(space: _NamespaceEntry) -> EngineItem:
    return EngineItem({"IsPublic": space.public}, str(space.namespace_id))


def _wants_public(change: Change) -> bool:
    return bool((change.after or {}).get("IsPublic"))


def _wanted_description(change: Change) -> str:
    return str((change.after or {}).get("Description", ""))


_MOST_NAMED = 5
_MOST_COLLISIONS = 20


def target_names(stock: PersonalInventory, terms: QuickTransferTerms) -> frozenset[str]:
    """Return what the repositories would be called at the target."""
    return frozenset(
        _target_name(each, terms)
        for each in stock.repositories
        if each.namespace not in terms.leave_out
    )


def plan_from_inventory(
    stock: PersonalInventory, target: TargetInventory, terms: QuickTransferTerms, engine: str
) -> QuickTransfer:
    """Return what would be made and copied; `engine` is what the engine is called."""
    return _TransferPlanner(stock, target, terms, engine).drawn()


@dataclass(slots=True)
class _TransferPlanner:
    stock: PersonalInventory
    target: TargetInventory
    terms: QuickTransferTerms
    engine: str
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusals: list[TransshipError] = field(default_factory=list)
    gaps: list[ListGap] = field(default_factory=list)
    collisions: list[TargetCollision] = field(default_factory=list)

    def drawn(self) -> QuickTransfer:
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
        return QuickTransfer(
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

    def _nameable(self) -> Iterator[PersonalRepository]:
        """Give the repositories to be moved; what nobody can ask a registry for is a gap."""
        for each in self.stock.repositories:
            if each.namespace in self.terms.leave_out:
                continue
            if not is_repository(each.name) or "/" not in each.name:
                why = errors.BadReference("no repository's name by the distribution spec")
                self.gaps.append(ListGap("a repository", safe(each.name), why))
                continue
            odd = [tag for tag in each.tags if not is_tag(tag)]
            for tag in odd:
                why = errors.BadReference("no tag by the distribution spec")
                self.gaps.append(ListGap(f"the tag {safe(tag)!r}", each.name, why))
            tags = tuple(tag for tag in each.tags if tag not in odd)
            yield PersonalRepository(each.name, each.public, each.description, tags)

    def _check_apart(self, repositories: Iterable[PersonalRepository]) -> None:
        by_name: dict[str, list[str]] = defaultdict(list)
        for each in repositories:
            by_name[_target_name(each, self.terms)].append(each.name)
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
            self.notes.append(_closing_note(name, public))
        self.changes.append(change_between(NAMESPACE, name, None, {"IsPublic": is_public}))

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
                    f"the namespace {name} is there, and {_visibility_text(is_public)}",
                    remedy="Change that in the console, or choose another name for it.",
                )
            )
        elif is_public and private:
            self._expose(name, private)
        elif not is_public and public:
            self.notes.append(_closing_note(name, public))
        settings = {"IsPublic": is_public}
        self.changes.append(change_between(NAMESPACE, name, settings, settings))

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
        why = (
            f"everyone may pull from the namespace {name}, and {_named_repositories(private)} "
            f"would be in it"
        )
        if self.terms.expose:
            self.notes.append(f"{why[0].upper()}{why[1:]}, as asked.")
        else:
            self.refusals.append(errors.WouldBePublic(why))

    def _check_room(self, repositories: Sequence[PersonalRepository]) -> None:
        """Note what the edition has no room for by its usual limits, which can be raised."""
        instance, limits = self.target.instance, self.target.instance.limits
        if limits is None:
            return
        made = sum(change.kind == NAMESPACE and change.before is None for change in self.changes)
        namespaces = len(self.target.namespaces) + made
        new = [
            r for r in repositories if _target_name(r, self.terms) not in self.target.descriptions
        ]
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

    def _repository(self, repository: PersonalRepository) -> None:
        name = _target_name(repository, self.terms)
        after = {"Description": repository.description}
        there = self.target.descriptions.get(name)
        if there is None and name.partition("/")[0] in self.target.unlisted:
            return
        if there is None:
            # A push makes a repository, but with no description, and none without an image.
            if repository.description or not repository.tags:
                self.changes.append(change_between(REPOSITORY, name, None, after))
            return
        self._collides(name, repository)
        if not repository.description or there == repository.description:
            return
        if there:
            self.notes.append(f"{name} keeps the description that it has at the target.")
            return
        self.changes.append(change_between(REPOSITORY, name, {"Description": there}, after))

    def _collides(self, name: str, repository: PersonalRepository) -> None:
        there = self.target.tags.get(name)
        mine = frozenset(self._taken(repository))
        if there is None:
            self.collisions.append(TargetCollision(name))
        elif there:
            self.collisions.append(TargetCollision(name, mine & there, there - mine))

    def _taken(self, repository: PersonalRepository) -> tuple[str, ...]:
        newest = self.terms.newest
        return repository.tags if newest is None else repository.tags[: max(newest, 0)]

    def _rules(self, repositories: Iterable[PersonalRepository]) -> Iterator[Rule]:
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
                (Reference(registry, _target_name(each, self.terms)),),
                tags=TagFilter(include=include, exact=tags),
            )

    def _note_counts(self, repositories: Sequence[PersonalRepository]) -> None:
        self.notes += map(str, self.collisions[:_MOST_COLLISIONS])
        if (more := len(self.collisions) - _MOST_COLLISIONS) > 0:
            self.notes.append(f"{more:,} more repositories are there already.")
        if self.collisions:
            self.notes.append(_CONFLICTS[self.terms.on_conflict])
        cut = [each for each in repositories if len(self._taken(each)) < len(each.tags)]
        if cut:
            left = sum(len(each.tags) - len(self._taken(each)) for each in cut)
            self.notes.append(
                f"{counted(left, 'older tag')} of "
                f"{_named_repositories([each.name for each in cut])} stay "
                f"behind, as asked: the newest {self.terms.newest:,} of each are taken."
            )
        self.notes += [f"{each}." for each in grouped_gaps(self.target.gaps)]
        if self.stock.quota is None:
            self.notes.append("The quota of the personal account couldn't be asked for.")
        else:
            self.notes += _quota_notes(self.stock)

    def _judge_gaps(self) -> None:
        lacks = grouped_gaps(self.gaps)
        if self.terms.incomplete:
            self.notes += [f"Not among it, as asked: {each}." for each in lacks]
        else:
            self.refusals += [errors.NotWhole(each) for each in lacks]


def grouped_gaps(gaps: Iterable[ListGap]) -> tuple[str, ...]:
    """Return gaps in words, those that have the same cause as one."""
    alike: dict[tuple[str, str], list[ListGap]] = defaultdict(list)
    for gap in gaps:
        code = gap.why.code if isinstance(gap.why, errors.CloudRefused) else gap.why.cause
        alike[gap.what, code].append(gap)
    words = []
    for several in alike.values():
        names = [gap.of for gap in several if gap.of]
        words.append(str(replace(several[0], of=_named_repositories(names))))
    return tuple(words)


_CONFLICTS: Mapping[OnConflict, str] = {
    OnConflict.FAIL: "A tag that is there with another digest fails, and stays as it is.",
    OnConflict.SKIP: "A tag that is there with another digest stays as it is.",
    OnConflict.OVERWRITE: "A tag that is there with another digest is overwritten, as asked.",
}


def _target_name(repository: PersonalRepository, terms: QuickTransferTerms) -> str:
    namespace, slash, rest = repository.name.partition("/")
    return f"{terms.names.get(namespace, namespace)}{slash}{rest}"


def _closing_note(name: str, public: Sequence[str]) -> str:
    return (
        f"Everyone may pull {_named_repositories(public)} today; the namespace {name} is "
        f"private, so that there "
        "it takes a login."
    )


def _quota_notes(stock: PersonalInventory) -> Iterator[str]:
    """Note where more is there than the account may have: then a quota was raised, or is wrong."""
    quota = stock.quota or {}
    counts = {"namespace": len(stock.namespaces), "repo": len(stock.repositories)}
    for kind, count in counts.items():
        if kind in quota and count > quota[kind]:
            yield f"The account has {count:,} of kind {kind}; its quota is {quota[kind]:,}."


def _named_repositories(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(names[:_MOST_NAMED])
    return (
        f"{shown} and {counted(more, 'more repository', 'more repositories')}"
        if more > 0
        else (shown)
    )


def _visibility_text(is_public: bool) -> str:
    return "public" if is_public else "private"


PLAIN_TERMS = QuickTransferTerms()


async def plan_quick_transfer(
    personal: TencentCloud,
    host: str,
    at: InstanceApi,
    terms: QuickTransferTerms = PLAIN_TERMS,
    looked: ScanProgress | None = None,
) -> QuickTransfer:
    """Return what would be made and copied to move all that an account holds at a host of CCR.

    `personal` asks with the keys of that account, `at` with those of the instance's: they may be
    the same. `looked` is told how far the listing is. Makes nothing. Raises NoInstance where the
    keys are for another host, and what stands in the way of asking at all.
    """
    stock = await scan_personal_account(personal, host, looked)
    target = await scan_target(at, target_names(stock, terms))
    return plan_from_inventory(stock, target, terms, at.name)


def transfer_plan_text(found: QuickTransfer, spelling: Spelling | None = None) -> str:
    """Return the plan's TOML, with what couldn't be listed as comments in front.

    Raises ValueError where there is no plan.
    """
    if found.plan is None:
        raise ValueError("there is no plan")
    text = document_text(encode_plan(found.plan, spelling))
    if found.is_whole:
        return text
    lacks = "".join(f"#   {safe(each)}\n" for each in grouped_gaps(found.gaps))
    return f"# Not all of the account is in this plan. What couldn't be listed:\n{lacks}\n{text}"
