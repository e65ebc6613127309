"""What name a rule gives to what it selects, and where chosen images go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath
from string import Formatter

from transship.errors import BadMapping, BadReference
from transship.oci.reference import Reference, is_repository, is_tag
from transship.plans.plan import Wanted, wanted

FIELDS = ("registry", "namespace", "repository", "name", "flat", "tag")

_STRIP = "strip:"
_FLATTEN = "flatten"
_JOIN = "join:"
_JOINER = r"-+|_|__|\."
_SAMPLE = {
    "registry": "old.example",
    "namespace": "team",
    "repository": "team/web",
    "name": "web",
    "flat": "team-web",
    "tag": "1",
}


@dataclass(frozen=True, slots=True)
class NameOrigin:
    """A repository at the source, and its name below the rule's path there."""

    registry: str
    repository: str
    below: str

    def fields(self) -> dict[str, str]:
        """Return what a template's fields stand for, the tag apart."""
        return {
            "registry": _host(self.registry),
            "namespace": self.below.rpartition("/")[0],
            "repository": self.below,
            "name": self.repository.rpartition("/")[2],
            "flat": self.below.replace("/", "-"),
        }


@dataclass(frozen=True, slots=True)
class NameMap:
    """A mapping that has been read. `strip`, `joiner` and `path` are one of three ways.

    With a `joiner` at most `most` components are left. `tag` is the template for the tag, empty
    when it stays.
    """

    text: str
    path: str = ""
    tag: str = ""
    strip: int = 0
    joiner: str = ""
    most: int = 1

    @property
    def by_tag(self) -> bool:
        """Whether the repository's name depends on the tag."""
        return "{tag}" in self.path

    def repository(self, origin: NameOrigin, tag: str = "") -> str:
        """Return the name below the target's path. Raises BadMapping when nothing is left."""
        if self.strip:
            parts = origin.below.split("/")[self.strip :]
            if not parts:
                raise BadMapping(f"{self.text} leaves nothing of {origin.below!r}")
            return "/".join(parts)
        if self.joiner:
            parts = origin.below.split("/")
            kept, joined = parts[: self.most - 1], parts[self.most - 1 :]
            return "/".join([*kept, *([self.joiner.join(joined)] if joined else [])])
        if self.by_tag and not tag:
            raise BadMapping(f"{self.text} needs a tag")
        return _joined(tag.join(_around_tag(self.path, origin)))

    def renamed(self, origin: NameOrigin, tag: str) -> str:
        """Return what a tag is called at the target. Raises BadMapping when that is no tag."""
        [made] = self.called(origin, [tag])
        if not is_tag(made):
            raise BadMapping(f"{made!r} is not a tag")
        return made

    def called(self, origin: NameOrigin, tags: Iterable[str]) -> list[str]:
        """Return what tags are called at the target, legal or not, in order."""
        if not self.tag:
            return list(tags)
        around = _around_tag(self.tag, origin)
        return [tag.join(around) for tag in tags]


def keeps_names(text: str) -> bool:
    """Tell whether a mapping leaves all names as they are."""
    return text.strip() in ("", "keep", "{repository}")


@lru_cache(maxsize=256)
def parse_map(text: str) -> NameMap:
    """Return the mapping that `text` writes down. Raises BadMapping."""
    text = text.strip()
    if keeps_names(text):
        return NameMap(text, path="{repository}")
    if text.startswith(_STRIP):
        count = text.removeprefix(_STRIP)
        if not re.fullmatch("[1-9][0-9]?", count):
            raise BadMapping(f"{text!r}: strip takes a number of components, from 1 on")
        return NameMap(text, strip=int(count))
    if text == _FLATTEN or text.startswith(f"{_FLATTEN}:"):
        joiner = text.removeprefix(_FLATTEN).removeprefix(":") if ":" in text else "-"
        return NameMap(text, joiner=_checked_joiner(joiner, text))
    if text.startswith(_JOIN):
        count, colon, joiner = text.removeprefix(_JOIN).partition(":")
        if not re.fullmatch("[1-9][0-9]?", count):
            raise BadMapping(f"{text!r}: join takes a number of components, from 1 on")
        return NameMap(
            text, joiner=_checked_joiner(joiner if colon else "-", text), most=int(count)
        )
    return _template(text)


def _checked_joiner(joiner: str, text: str) -> str:
    if not re.fullmatch(_JOINER, joiner):
        raise BadMapping(f"{text!r}: the joiner is -, _, __ or a dot")
    return joiner


def named_at(target: Reference, made: str) -> str:
    """Return the repository below the path of `target`. Raises BadMapping when it is no name."""
    name = "/".join(part for part in (target.repository, made) if part)
    if is_repository(name):
        return name
    if not name:
        raise BadMapping(f"nothing names the repository at {target}")
    if len(name) > 255:
        raise BadMapping(f"{name[:60]}… is longer than the 255 characters of a repository's name")
    hint = "; they are in lower case" if name != name.lower() else ""
    raise BadMapping(f"{name!r} is not a repository name{hint}")


def _template(text: str) -> NameMap:
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise BadMapping(f"{text!r}: a brace stands alone") from error
    for literal, field, spec, conversion in parsed:
        if "{" in literal or "}" in literal:
            raise BadMapping(f"{text!r}: a name has no brace")
        if field is not None and (field not in FIELDS or spec or conversion):
            raise BadMapping(f"{text!r}: there is no {{{field}{spec and ':'}{spec}}}")
    path, colon, tag = text.partition(":")
    if ":" in tag:
        raise BadMapping(f"{text!r} has more than one colon")
    if colon and not is_tag(tag.format_map(_SAMPLE)):
        raise BadMapping(f"{text!r}: {tag!r} gives no tag")
    if not is_repository(_joined(path.format_map(_SAMPLE))):
        raise BadMapping(f"{text!r}: {path!r} gives no repository name")
    return NameMap(text, path=path, tag="" if tag == "{tag}" else tag)


def _around_tag(template: str, origin: NameOrigin) -> list[str]:
    """Return what a template gives before, between and after the places where the tag goes."""
    fields = origin.fields()
    return [part.format_map(fields) for part in template.split("{tag}")]


def _joined(path: str) -> str:
    return "/".join(part for part in path.split("/") if part)


def _host(registry: str) -> str:
    place = Reference(registry)
    if place.layout is not None:
        return PurePosixPath(place.layout).name.lower()
    return re.sub(r"[\[\]]", "", registry).replace(":", "-").strip("-")


def repositories_of(sources: Iterable[Reference]) -> tuple[str, ...]:
    """Return the repositories that `sources` are in, each once, in order."""
    return tuple(dict.fromkeys(source.repository for source in sources))


def proposed_path(sources: Sequence[Reference]) -> str:
    """Return the path at the target that keeps every name as it is."""
    repositories = repositories_of(sources)
    return repositories[0] if len(repositories) == 1 else ""


def mapped(sources: Sequence[Reference], registry: str, path: str) -> tuple[Wanted, ...]:
    """Return a copy to `registry` for each of `sources`, in order.

    For one repository `path` is its name at the target. For several it is put in front of their
    names, and may be empty. A repository that is meant as a whole covers its tags. Raises
    BadReference when that gives no repository name, and BadRequest when a copy would go onto
    itself.
    """
    path = path.strip().strip("/")
    repositories = repositories_of(sources)
    names = {
        name: path if len(repositories) == 1 else f"{path}/{name}".strip("/")
        for name in repositories
    }
    for name in names.values():
        if not is_repository(name):
            hint = "; they are in lower case" if name != name.lower() else ""
            raise BadReference(f"{name!r} is not a repository name{hint}")
    whole = {source.repository for source in sources if not source.version}
    chosen = (s for s in dict.fromkeys(sources) if not s.version or s.repository not in whole)
    return tuple(
        wanted(source, replace(source, registry=registry, repository=names[source.repository]))
        for source in chosen
    )
