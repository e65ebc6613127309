"""One image: its digest and size, and everything that it consists of or that refers to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from transship.errors import TransshipError
from transship.oci.digest import short
from transship.text import bytes_text, counted, safe
from transship_tui.keys import chosen
from transship_tui.lines import inspect_line
from transship_tui.marks import BAD, QUIET
from transship_tui.screens.frame import Frame
from transship_tui.widgets.table import Column, VirtualTable

if TYPE_CHECKING:
    from transship.oci.digest import Digest
    from transship.oci.manifest import Descriptor
    from transship.oci.reference import Reference
    from transship.registry.inspection import InspectedManifest, Inspection

_ATTESTATION = "vnd.docker.reference.type"
_CREATED = "org.opencontainers.image.created"
_COLUMNS = (
    Column("Part", 11),
    Column("What"),
    Column("Size", 9, right=True),
    Column("Digest", 19, least=60),
)


@dataclass(frozen=True, slots=True)
class ImagePart:
    """One thing about an image. `opens` says that it is a manifest that can be looked at."""

    kind: str
    what: str
    size: int | None = None
    digest: Digest | None = None
    opens: bool = False
    problem: str = ""


def parts_of(found: Inspection) -> tuple[ImagePart, ...]:
    """Return the parts of an image: platforms, layers, what it refers to and what to it, notes."""
    return tuple(_parts(found))


def _parts(found: Inspection) -> Iterator[ImagePart]:
    manifest = found.manifest
    for entry in found.entries:
        at = entry.descriptor
        problem = str(entry.problem) if entry.problem else ""
        kind = "platform" if entry.platform else "entry"
        yield ImagePart(kind, _what(entry), entry.size, at.digest, at.is_manifest, problem)
    for layer in manifest.layers:
        yield ImagePart("layer", layer.media_type, layer.size, layer.digest)
    if manifest.subject:
        yield _manifest_part("refers to", manifest.subject)
    for referrer in found.referrers:
        yield _manifest_part("referrer", referrer)
    for name, value in sorted(manifest.annotations.items()):
        yield ImagePart("annotation", f"{name} = {value}")


def _what(entry: InspectedManifest) -> str:
    at = entry.descriptor
    named = at.annotations.get(_ATTESTATION) or at.artifact_type or "no platform"
    return str(entry.platform) if entry.platform else named


def _manifest_part(kind: str, at: Descriptor) -> ImagePart:
    return ImagePart(kind, at.artifact_type or at.media_type, at.size, at.digest, opens=True)


class _PartRows:
    """Parts as rows."""

    def __init__(self, parts: Sequence[ImagePart]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return len(self.parts)

    def key(self, index: int) -> str:
        """Return the row's number: nothing else tells parts apart for certain."""
        return str(index)

    def cells(self, index: int) -> Sequence[Content]:
        """Return kind, what, size and digest."""
        part = self.parts[index]
        sign = ("✗ ", BAD) if part.problem else ""
        return (
            Content.styled(part.kind, QUIET),
            Content.assemble(sign, safe(part.what)),
            Content("" if part.size is None else bytes_text(part.size)),
            Content(short(part.digest) if part.digest else ""),
        )


class ImageView(Vertical):
    """Shows an inspection."""

    DEFAULT_CSS = """
    ImageView {
        #facts { height: auto; padding: 0 1 1 1; }
        #part { height: auto; max-height: 4; padding: 0 1; background: $surface; }
    }
    """

    @dataclass
    class PartWanted(Message):
        """A part that is an image itself is to be looked at."""

        digest: Digest

    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[ImagePart, ...] = ()

    def compose(self) -> ComposeResult:
        """Give the facts, the parts, and all of the part under the cursor."""
        yield Static(id="facts")
        yield VirtualTable(_COLUMNS, empty="Looking…")
        yield Static(id="part")

    def show(self, found: Inspection) -> None:
        """Show an image."""
        self._parts = parts_of(found)
        self.query_one("#facts", Static).update(_facts(found))
        self.query_one(VirtualTable).show(_PartRows(self._parts), empty="It has no parts.")

    def nothing(self, why: str) -> None:
        """Show that there is nothing to show."""
        self._parts = ()
        self.query_one("#facts", Static).update(Content(""))
        self.query_one("#part", Static).update(Content(""))
        self.query_one(VirtualTable).show(_PartRows(()), empty=why)

    @property
    def part(self) -> ImagePart | None:
        """The part under the cursor."""
        key = self.query_one(VirtualTable).key_at_cursor()
        return self._parts[int(key)] if key is not None else None

    @on(VirtualTable.CursorMoved)
    def _show_part(self, event: VirtualTable.CursorMoved) -> None:
        event.stop()
        if (part := self.part) is None:
            return
        lines: list[str | tuple[str, str]] = [safe(part.what)]
        if part.digest:
            lines += ["\n", (part.digest, QUIET)]
        if part.problem:
            lines += ["\n", (f"✗ {part.problem}", BAD)]
        self.query_one("#part", Static).update(Content.assemble(*lines))

    @on(VirtualTable.Opened)
    def _open_part(self, event: VirtualTable.Opened) -> None:
        event.stop()
        if (part := self.part) is not None and part.opens and part.digest:
            self.post_message(self.PartWanted(part.digest))


def _facts(found: Inspection) -> Content:
    manifest, config = found.manifest, found.config
    kind = " · ".join(filter(None, (manifest.media_type, safe(manifest.artifact_type))))
    platforms = [str(config.platform)] if config and config.platform else []
    if manifest.is_index:
        platforms = [counted(len(manifest.platforms), "platform")]
    created = (config.created if config else "") or manifest.annotations.get(_CREATED, "")
    facts = [f"{bytes_text(found.size)} in all", *map(safe, platforms)]
    if manifest.layers:
        facts.append(counted(len(manifest.layers), "layer"))
    if created:
        facts.append(f"created {_moment(created)}")
    return Content.assemble((manifest.digest, "bold"), "\n", (kind, QUIET), "\n", " · ".join(facts))


def _moment(text: str) -> str:
    """Return a moment of the image's own telling as a person reads it, if it is one."""
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return safe(text, limit=40)
    return f"{moment:%Y-%m-%d %H:%M} UTC"


class ImageScreen(Frame):
    """Everything about one image. What was found is kept in `seen`, by the reference as written."""

    MODE = "browse"
    BINDINGS: ClassVar[list[BindingType]] = chosen(
        "browse.copy", "browse.refresh", "browse.copy-digest"
    )
    HELP = """
The digest is what the image is; a tag only points at it. {list.open} looks into a platform or a
referrer, {browse.copy-digest} copies the digest of the row under the cursor, {browse.copy} copies
the image to another registry.
"""

    def __init__(self, reference: Reference, seen: dict[str, Inspection]) -> None:
        super().__init__()
        self._reference = reference
        self._seen = seen

    def compose_body(self) -> ComposeResult:
        """Give the view of the image."""
        yield ImageView()

    def on_mount(self) -> None:
        """Look at the image, unless that was done."""
        called = self.context.naming.place(str(self._reference))
        self.heading(called)
        self.line(inspect_line(called))
        self.query_one(VirtualTable).focus()
        known = self._seen.get(str(self._reference))
        if known is None:
            self._look()
        else:
            self.query_one(ImageView).show(known)

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        view = self.query_one(ImageView)
        view.nothing("Looking…")
        try:
            found = await self.core.registries.inspect(self._reference)
        except TransshipError as error:
            view.nothing(error.title)
            self.fail(error)
            return
        self._seen[str(self._reference)] = found
        view.show(found)

    @on(ImageView.PartWanted)
    def _part_wanted(self, event: ImageView.PartWanted) -> None:
        self.app.push_screen(ImageScreen(self._reference.at(event.digest), self._seen))

    def action_refresh_list(self) -> None:
        """Look anew."""
        self.hush()
        self._look()

    async def action_copy_digest(self) -> None:
        """Copy the digest under the cursor, else that of the image, with where it is."""
        part = self.query_one(ImageView).part
        known = self._seen.get(str(self._reference))
        digest = part.digest if part else None
        digest = digest or (known.manifest.digest if known else None)
        if digest is None:
            self.warn("The digest isn't known yet.")
        else:
            await self.copy(str(self._reference.at(digest)))

    def action_copy(self) -> None:
        """Copy the image to another registry."""
        from transship_tui.screens.browse.copy import CopyScreen

        self.app.push_screen(CopyScreen((self._reference,)))
