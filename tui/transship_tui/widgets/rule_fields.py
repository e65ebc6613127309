"""The fields of one rule: where from and where to, which tags, and how they are copied."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from transship.plans.toml_document import TextPlace
from transship_tui.marks import CARE
from transship_tui.widgets.plan_form import ChoiceEntry, GroupEntry, PlanForm, TextEntry

_ENTRIES = (
    TextEntry(("from",), "From", "a registry or its alias, with or without a path"),
    TextEntry(("repositories",), "Repositories", "all; or team/** !team/tmp-* regex:…"),
    TextEntry(("to",), "To", "a registry, with or without a path; several with commas"),
    TextEntry(("map",), "New names", "as they are; or strip:1, flatten, {name}:{tag}"),
    GroupEntry("Which tags"),
    TextEntry(("tags", "include"), "Include", "all; or v* latest regex:…"),
    TextEntry(("tags", "exclude"), "Exclude", "none; or *-rc* *-debug"),
    TextEntry(("tags", "semver"), "Versions", "any; or >=1.2 <3"),
    ChoiceEntry(
        ("tags", "prereleases"), "Pre-releases", (("are left out", False), ("are taken too", True))
    ),
    TextEntry(("tags", "newest"), "Newest", "all; or how many, as 20"),
    ChoiceEntry(
        ("tags", "by"),
        "Newest by",
        (("when the image was created", "created"), ("version", "version")),
    ),
    TextEntry(("tags", "since"), "Since", "ever; or 90d, or 2026-01-31"),
    TextEntry(("tags", "exact"), "And exactly", "tags by name: v1.2.3 latest"),
    TextEntry(("tags", "digests"), "And digests", "sha256:…"),
    GroupEntry("How"),
    TextEntry(("platforms",), "Platforms", "all, byte for byte; or linux/amd64 linux/arm64"),
    TextEntry(("artifacts",), "Artifacts", "all; or images charts signatures sboms other"),
    TextEntry(("immutable",), "Immutable", "tags that never move at the target: v*"),
)
_ONLY_SYNC = ("tags", "platforms", "artifacts")
_PLATFORMS: TextPlace = ("platforms",)


class RuleFields(PlanForm):
    """The fields of one rule of a draft."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(_ENTRIES, id=id)

    def follow(self) -> None:
        """Show what a replication hasn't only for a sync, and answers only where they are asked."""
        selects = not self.draft.is_replication
        for entry in self.fields():
            if entry.place[0] in _ONLY_SYNC:
                self.field(entry.place).display = selects
        by_version = self._says("by") == "version"
        asked = {"prereleases": self._says("semver") or by_version, "by": self._says("newest")}
        for key, wanted in asked.items():
            self.field(("tags", key)).display = selects and bool(wanted)
        for title in self.query(".group").results():
            title.display = selects

    def notes(self) -> Mapping[TextPlace, Content]:
        """Say what comes of fewer platforms."""
        if not self.draft.text(self.prefix + _PLATFORMS):
            return {}
        words = "! An index with fewer platforms gets another digest; its signatures don't fit it."
        return {_PLATFORMS: Content.styled(words, CARE)}

    def _says(self, key: str) -> str:
        return self.draft.text((*self.prefix, "tags", key))
