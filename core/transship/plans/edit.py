"""A plan file that a person and the app both write: what one changes leaves the other's alone."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from transship.errors import BadFile, BadRequest, FileChanged
from transship.oci.reference import Reference, parse_reference
from transship.plans.decode_rules import Resolve, rule_place
from transship.plans.encode import Spelling, document_text, encode
from transship.plans.file import plan_in, read_text, write_text
from transship.plans.plan import Plan


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan and the text that says it. `on_disk` is what the file said, None if there was none."""

    path: Path
    text: str
    plan: Plan
    resolve: Resolve
    on_disk: str | None = None

    @classmethod
    def load(cls, path: Path, resolve: Resolve = parse_reference) -> PlanFile:
        """Return what a file says. Raises BadFile, which names each mistake with its line."""
        text = read_text(path)
        return cls(path, text, plan_in(text, path, resolve), resolve, text)

    @classmethod
    def new(
        cls,
        path: Path,
        plan: Plan,
        resolve: Resolve = parse_reference,
        spelling: Spelling | None = None,
    ) -> PlanFile:
        """Return the text for a plan that is in no file yet; `spelling` writes its places.

        Raises BadFile when no file can say that plan.
        """
        text = document_text(encode(plan, spelling))
        return cls(path, text, plan_in(text, path, resolve), resolve)

    @property
    def is_saved(self) -> bool:
        """Whether the file on disk said the same when it was last read or written."""
        return self.text == self.on_disk

    def replaced(self, plan: Plan, spelling: Spelling | None = None) -> PlanFile:
        """Return the file with `plan` in it; only what differs is changed in its text.

        Places are called what the file calls them; `spelling` is for those that it doesn't name.
        Raises BadFile when no file can say that plan, or not without losing what stands in it.
        """
        if plan == self.plan:
            return self
        spelled = self._spelling(spelling or Spelling())
        old, new = encode(self.plan, spelled), encode(plan, spelled)
        refused = BadFile(f"{self.path}: it can't be changed without losing what stands in it")
        for text in self._attempts(old, new):
            try:
                if plan_in(text, self.path, self.resolve) == plan:
                    return replace(self, text=text, plan=plan)
            except BadFile as error:
                refused = error
        raise refused

    def save(self) -> PlanFile:
        """Write the file as a whole, and return it as saved.

        Raises FileChanged when somebody else has changed it since it was read, DiskFull and
        SystemRefused.
        """
        now = read_text(self.path) if self.path.exists() else None
        if now != self.on_disk:
            raise FileChanged(str(self.path))
        if not self.is_saved:
            write_text(self.path, self.text)
        return replace(self, on_disk=self.text)

    def _attempts(self, old: Any, new: Any) -> Iterator[str]:
        # Whoever only reads plans has no use for what rewrites them.
        from tomlkit.exceptions import TOMLKitError

        from transship.plans.rewrite import rewritten

        for afresh in (False, True):
            try:
                text = rewritten(self.text, old, new, afresh=afresh)
                tomllib.loads(text)
            except BadRequest as error:
                raise BadFile(f"{self.path}: {error.detail}", remedy=error.remedy) from error
            except (TOMLKitError, tomllib.TOMLDecodeError, LookupError, TypeError):
                continue  # Something that tomlkit can't do: the section is then written anew.
            yield text

    def _spelling(self, other: Spelling) -> Spelling:
        """Return how the file calls places, and `other` where it doesn't call them anything."""
        document = tomllib.loads(self.text)
        places: dict[Reference, str] = {}
        names: dict[str, str] = {}
        for text, place in self._named(document):
            places.setdefault(place, text)
            if place.layout is None:
                names.setdefault(
                    place.registry, text.strip().removeprefix("docker://").partition("/")[0]
                )
        limited = {self.resolve(name).registry: name for name in document.get("limits", ())}

        def spell(place: Reference) -> str:
            name = names.get(place.registry)
            if place in places:
                return places[place]
            return other.place(place) if name is None else name + str(place)[len(place.registry) :]

        def spell_registry(registry: str) -> str:
            return limited.get(registry) or names.get(registry) or other.registry(registry)

        return Spelling(spell, spell_registry)

    def _named(self, document: Any) -> Iterator[tuple[str, Reference]]:
        for table in document.get("rules", ()):
            targets = table["to"] if isinstance(table["to"], list) else [table["to"]]
            yield from (
                (text, rule_place(text, self.resolve)) for text in (table["from"], *targets)
            )
        for table in document.get("copies", ()):
            yield from ((table[key], self.resolve(table[key])) for key in ("from", "to"))
