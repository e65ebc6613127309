"""Where to copy to, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Label, Select, Static

from transship.accounts.registry_file import Account
from transship.errors import TransshipError
from transship.oci.platform import Platform, parse_platform
from transship.oci.reference import Reference
from transship.plans.mapping import mapped, proposed_path, repositories_of
from transship.plans.plan import OnConflict, Plan
from transship.registry.registry import Visibility
from transship.text import safe
from transship_tui.creations import ANSWERS, visibility_of
from transship_tui.keys.words import key_for
from transship_tui.marks import BAD, CARE, QUIET
from transship_tui.naming import Naming

_ON_CONFLICT = (
    ("overwrite: the tag moves", OnConflict.OVERWRITE),
    ("skip: it stays as it is", OnConflict.SKIP),
    ("fail: it stays, and counts as failed", OnConflict.FAIL),
)
_REFERRERS = (
    ("copied too (signatures, SBOMs)", True),
    ("left out (no signatures)", False),
)
_ALL_PLATFORMS = "Every platform, byte for byte: digests stay as they are."
_SOME_PLATFORMS = "! An index with fewer platforms has another digest; signatures don't follow it."


class CopyForm(VerticalScroll, can_focus=False):
    """Asks where `sources` go. `target` is proposed, if it is among the accounts."""

    DEFAULT_CSS = """
    CopyForm {
        padding: 0 1;
        .field { height: 1; margin-top: 1; }
        Label { width: 14; color: $text-muted; }
        Input, Select { width: 1fr; max-width: 64; }
        Input { background: $surface; padding: 0 1; }
        SelectCurrent { background: $surface; padding: 0 1; }
        Select:focus > SelectCurrent { text-style: reverse; }
        .hint { margin-left: 14; height: auto; }
        &.-close .field { margin-top: 0; }
    }
    """

    class Changed(Message):
        """Something else was chosen."""

    @dataclass
    class PreviewWanted(Message):
        """It is to be seen what the plan would do."""

        plan: Plan

    def __init__(
        self,
        sources: Sequence[Reference],
        accounts: Sequence[Account],
        target: str = "",
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._sources = tuple(sources)
        self._registry = sources[0].registry
        self._naming = Naming(accounts)
        others = [account for account in accounts if account.host != self._registry]
        self._hosts = [account.host for account in others] + [self._registry]
        self._target = target if target in self._hosts else self._hosts[0]

    def compose(self) -> ComposeResult:
        """Give the fields, each with what follows from it."""
        several = len(repositories_of(self._sources)) > 1
        with Horizontal(classes="field"):
            yield Label("To registry")
            yield Select(
                [(self._host_words(host), host) for host in self._hosts],
                value=self._target,
                allow_blank=False,
                compact=True,
                id="registry",
            )
        if self._hosts == [self._registry]:
            words = f"No other registry is known yet; {key_for(self, 'registries')} adds one."
            yield Static(Content.styled(words, CARE), classes="hint")
        with Horizontal(classes="field"):
            yield Label("Put under" if several else "Repository")
            yield Input(
                proposed_path(self._sources),
                placeholder="the same names" if several else "",
                compact=True,
                select_on_focus=False,
                id="path",
            )
        yield Static(id="example", classes="hint")
        with Horizontal(classes="field"):
            yield Label("Existing tags")
            yield Select(
                _ON_CONFLICT,
                value=OnConflict.OVERWRITE,
                allow_blank=False,
                compact=True,
                id="on-conflict",
            )
        with Horizontal(classes="field"):
            yield Label("Missing there")
            yield Select(ANSWERS, value="", allow_blank=False, compact=True, id="create-missing")
        with Horizontal(classes="field"):
            yield Label("Referrers")
            yield Select(_REFERRERS, value=True, allow_blank=False, compact=True, id="referrers")
        with Horizontal(classes="field"):
            yield Label("Platforms")
            yield Input(
                placeholder="all, or linux/amd64, linux/arm64",
                compact=True,
                select_on_focus=False,
                id="platforms",
            )
        yield Static(id="consequence", classes="hint")
        with Horizontal(classes="field"):
            yield Label("")
            yield Button("Preview", id="preview", compact=True, variant="primary")

    def on_mount(self) -> None:
        """Say what would go where."""
        for field in self.query(Input):
            field.cursor_blink = False
        self._say()

    def on_resize(self) -> None:
        """Close up where there are few lines."""
        self.set_class(self.size.height < 17, "-close")

    def _host_words(self, host: str) -> str:
        called = self._naming.place(host)
        words = host if called == host else f"{called}, {host}"
        same = " (the same registry)" if host == self._registry else ""
        # A literal IPv6 address has brackets, which would be read as markup.
        return f"{words}{same}".replace("[", "\\[")

    @property
    def is_touched(self) -> bool:
        """Whether closing the form would lose what was typed."""
        path, platforms = self.query_one("#path", Input), self.query_one("#platforms", Input)
        return path.value != proposed_path(self._sources) or bool(platforms.value.strip())

    @property
    def registry(self) -> str:
        """The registry that is chosen as the target."""
        return str(self.query_one("#registry", Select).value)

    def plan(self) -> Plan:
        """Return what was chosen. Raises BadReference, BadRequest and BadPlatform."""
        return Plan(
            copies=mapped(self._sources, self.registry, self.query_one("#path", Input).value),
            on_conflict=OnConflict(str(self.query_one("#on-conflict", Select).value)),
            referrers=bool(self.query_one("#referrers", Select).value),
            platforms=self._platforms(),
            create_missing=visibility_of(str(self.query_one("#create-missing", Select).value)),
        )

    def create_missing(self, visibility: Visibility | None) -> None:
        """Choose whether what is missing at the target is created, and for whom to pull."""
        self.query_one("#create-missing", Select).value = str(visibility or "")

    def _platforms(self) -> tuple[Platform, ...]:
        words = self.query_one("#platforms", Input).value.replace(",", " ").split()
        return tuple(dict.fromkeys(map(parse_platform, words)))

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self, event: Message) -> None:
        event.stop()
        self._say()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    @on(Button.Pressed, "#preview")
    def _preview(self, event: Message) -> None:
        event.stop()
        if not self.query_one("#preview", Button).disabled:
            self.post_message(self.PreviewWanted(self.plan()))

    def _say(self) -> None:
        """Say beside the fields what follows from them, or what is wrong."""
        example, places_fit = self._example()
        consequence, platforms_fit = self._consequence()
        self.query_one("#example", Static).update(example)
        self.query_one("#consequence", Static).update(consequence)
        self.query_one("#preview", Button).disabled = not (places_fit and platforms_fit)

    def _example(self) -> tuple[Content, bool]:
        one_each = tuple({source.repository: source for source in reversed(self._sources)}.values())
        try:
            copies = mapped(one_each, self.registry, self.query_one("#path", Input).value)
        except TransshipError as error:
            return Content.styled(f"✗ {error.detail}", BAD), False
        first = copies[-1]
        more = len(self._sources) - 1
        words = f"{safe(str(first.source))} → {safe(str(first.target))}"
        return Content.styled(words + (f", and {more:,} more" if more else ""), QUIET), True

    def _consequence(self) -> tuple[Content, bool]:
        try:
            platforms = self._platforms()
        except TransshipError as error:
            return Content.styled(f"✗ {error.title}: {error.detail}", BAD), False
        if platforms:
            return Content.styled(_SOME_PLATFORMS, CARE), True
        return Content.styled(_ALL_PLATFORMS, QUIET), True
