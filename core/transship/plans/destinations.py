"""Where the tags that rules take end up, by names; and what can't end up there. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from transship.errors import BadMapping
from transship.oci.digest import Digest
from transship.oci.reference import Reference, is_tag
from transship.plans.naming import NameMap, Origin, named_at

Source = tuple[str, str, str]
"""A registry, a repository, and a tag or a digest."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A repository at a target, and what one rule sends there from one repository.

    `versions` are tags and digests of the source, in the source's order; `renamed` holds what
    those that get a name of their own are called at the target. `impossible` has the others, with
    the reason. `target` has no repository when no version has a name there.
    """

    rule: int
    origin: Origin
    target: Reference
    versions: tuple[str, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    impossible: Mapping[str, str] = field(default_factory=dict)

    def name(self, version: str) -> str:
        """Return what a version is called at the target."""
        return self.renamed.get(version, version)

    def without(self, impossible: Mapping[str, str], already: Iterable[str] = ()) -> Destination:
        """Return the same without the versions that turned out to be impossible, or sent."""
        gone = {*impossible, *already}
        return replace(
            self,
            versions=tuple(version for version in self.versions if version not in gone),
            impossible={**self.impossible, **impossible},
        )


def destinations(
    rule: int,
    origin: Origin,
    targets: Iterable[Reference],
    names: NameMap,
    tags: Sequence[str],
    digests: Sequence[Digest],
) -> tuple[Destination, ...]:
    """Return where one rule sends tags and digests of one repository, target by target."""
    found: list[Destination] = []
    for target in dict.fromkeys(targets):
        if names.by_tag:
            found += [_one(rule, origin, target, names, (tag,), (), tag) for tag in tags]
            if digests:
                found.append(_one(rule, origin, target, names, (), digests, ""))
        else:
            found.append(_one(rule, origin, target, names, tags, digests, ""))
    return tuple(found)


def _one(
    rule: int,
    origin: Origin,
    target: Reference,
    names: NameMap,
    tags: Sequence[str],
    digests: Sequence[Digest],
    tag: str,
) -> Destination:
    nowhere = Reference(target.registry)
    try:
        repository = named_at(target, names.repository(origin, tag))
    except BadMapping as error:
        failed = dict.fromkeys((*tags, *digests), error.detail)
        return Destination(rule, origin, nowhere, (), impossible=failed)
    place = Reference(target.registry, repository)
    called = names.called(origin, tags)
    illegal = {
        tag: f"{name!r} is not a tag"
        for tag, name in zip(tags, called, strict=True)
        if not is_tag(name)
    }
    renamed = dict(zip(tags, called, strict=True)) if names.tag else {}
    made = Destination(rule, origin, place, (*tags, *digests), renamed)
    if illegal:
        made = made.without(illegal)
    if (target.registry, repository) == (origin.registry, origin.repository):
        onto = (version for version in made.versions if made.name(version) == version)
        made = made.without(dict.fromkeys(onto, "would be copied onto itself"))
    return made


def settled(
    all_of_them: Sequence[Destination], alike: Mapping[int, object]
) -> tuple[Destination, ...]:
    """Return destinations without clashes, and with each copy only once.

    Where two sources would become the same tag, neither may. Where two rules send the same source
    to the same place, the first does, when `alike` says the same of both rules: how they copy.
    """
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, each in enumerate(all_of_them):
        if each.versions:
            groups[each.target.registry, each.target.repository].append(number)
    result = list(all_of_them)
    for numbers in groups.values():
        if len(numbers) > 1 or result[numbers[0]].renamed:
            together = [result[number] for number in numbers]
            for number, each in zip(numbers, _settle(together, alike), strict=True):
                result[number] = each
    return tuple(result)


def _settle(together: Sequence[Destination], alike: Mapping[int, object]) -> list[Destination]:
    """Settle what goes to one repository."""
    senders: dict[str, dict[Source, int]] = defaultdict(dict)
    for each in together:
        for version in each.versions:
            source = each.origin.registry, each.origin.repository, version
            senders[each.name(version)].setdefault(source, each.rule)
    sent: set[tuple[str, Source]] = set()
    result: list[Destination] = []
    for each in together:
        impossible: dict[str, str] = {}
        already: set[str] = set()
        for version in each.versions:
            name = each.name(version)
            source = each.origin.registry, each.origin.repository, version
            first = senders[name][source]
            others = [other for other in senders[name] if other != source]
            if others and not _is_content(version):
                impossible[version] = f"{_text(others[0])} would become {each.target}:{name} too"
            elif (name, source) not in sent:
                sent.add((name, source))
            elif alike[first] == alike[each.rule]:
                already.add(version)
            else:
                impossible[version] = (
                    f"rule {first + 1} copies it to {each.target}:{name} on other terms"
                )
        result.append(each.without(impossible, already) if impossible or already else each)
    return result


def _is_content(version: str) -> bool:
    """Tell whether a version is a digest: the same from wherever it comes."""
    return ":" in version


def _text(source: Source) -> str:
    registry, repository, version = source
    return f"{registry}/{repository}:{version}"
