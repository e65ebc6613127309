"""The `tags` of a mapping of dregsy: what a plan selects for them."""

from __future__ import annotations

from dataclasses import dataclass

from transship.oci.digest import Digest, is_digest
from transship.oci.reference import is_tag
from transship.plans.importers.document import Value
from transship.plans.importers.draft import Draft
from transship.plans.importers.names import version_range, whole_pattern
from transship.plans.rule import TagFilter


@dataclass(frozen=True, slots=True)
class TagFilters:
    """Filters of which any may select a tag, and tags that are pinned to a digest."""

    any_of: tuple[TagFilter, ...]
    pinned: tuple[tuple[str, Digest], ...] = ()


def read_tags(draft: Draft, value: Value) -> TagFilters | None:
    """Return what a list of tags selects; None, and a note, when a part of it can't be said."""
    exact: list[str] = []
    filters: list[TagFilter] = []
    pinned: list[tuple[str, Digest]] = []
    nothing = False
    for item in value.sequence():
        word = item.words()
        kind, _, rest = word.partition(":")
        tag, at, digest = word.partition("@")
        if kind in ("semver", "regex"):
            chosen = _versions(rest) if kind == "semver" else _matching(rest.strip())
            if chosen is None:
                draft.left_out(item, f"what stands after {kind}: can't be said in a plan")
                return None
            filters.append(chosen)
        elif kind == "keep":
            draft.left_out(
                item,
                "a plan keeps the newest in another way, so more tags are copied; write "
                "`newest` into the rule's tags",
            )
        elif at and is_tag(tag) and is_digest(digest):
            pinned.append((tag, Digest(digest)))
        elif is_tag(word):
            exact.append(word)
        else:
            draft.left_out(item, "not a tag")
            nothing = True
    if nothing and not (filters or exact or pinned):
        return None
    any_of = _joined(filters, tuple(dict.fromkeys(exact)))
    return TagFilters(any_of or (() if pinned else (TagFilter(),)), tuple(pinned))


def _versions(expression: str) -> TagFilter | None:
    wanted = version_range(expression)
    # dregsy's library lets pre-releases in by their order alone.
    return None if wanted is None else TagFilter(semver=wanted, prereleases=True)


def _matching(expression: str) -> TagFilter | None:
    pattern = whole_pattern(expression.removeprefix("!"))
    if pattern is None:
        return None
    inverted = expression.startswith("!")
    return TagFilter(exclude=(pattern,)) if inverted else TagFilter(include=(pattern,))


def _joined(filters: list[TagFilter], exact: tuple[str, ...]) -> tuple[TagFilter, ...]:
    """Return the same filters, with all that only include in one, and `exact` beside that."""
    include = tuple(dict.fromkeys(p for each in filters for p in each.include))
    others = tuple(each for each in filters if not each.include)
    return (TagFilter(include=include, exact=exact), *others) if include or exact else others
