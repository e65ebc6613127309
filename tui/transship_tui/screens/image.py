"""One image, looked at from Browse."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType

from transship.errors import TransshipError
from transship_tui.keys import chosen
from transship_tui.lines import inspect_line
from transship_tui.screens.frame import Frame
from transship_tui.widgets.image_view import ImageView
from transship_tui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from transship.oci.reference import Reference
    from transship.registry.inspection import Inspection


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
        called = self.transship.naming.place(str(self._reference))
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
            found = await self.transship.engine.registries.inspect(self._reference)
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
        from transship_tui.screens.copy import CopyScreen

        self.app.push_screen(CopyScreen((self._reference,)))
