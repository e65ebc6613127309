"""The registry form as a test uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.widgets import Button, Input, Select

from fakes.registries import FormEngine, found
from fakes.screen import until
from transship import errors
from transship.accounts.registry_file import Account
from transship.accounts.secrets import SecretStatus
from transship.errors import TransshipError
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.registries.accounts import RegistriesScreen
from transship_tui.screens.registries.form import RegistryForm, RegistryFormScreen
from transship_tui.widgets.dialogs import ConfirmDialog
from transship_tui.widgets.form import Field

FINGERPRINT = ":".join(f"{number:02X}" for number in range(32))
SECRET = "correct horse battery staple"


KEYRINGS = [
    SecretStatus("locked", "The keyring is locked", "", errors.KeyringLocked.remedy),
    SecretStatus("hung", "The keyring doesn't answer", "No answer in 5 s", "Answer there."),
    SecretStatus("absent", "There is no keyring here", "", errors.KeyringAbsent.remedy),
    SecretStatus("insecure", "The keyring isn't safe", "PlaintextKeyring", "Remove it."),
]


class Form:
    """The form as a test uses it."""

    def __init__(self, pilot: Pilot[None], engine: FormEngine) -> None:
        self.pilot = pilot
        self.engine = engine
        self.app = pilot.app

    @property
    def widget(self) -> RegistryForm:
        return self.app.screen.query_one(RegistryForm)

    @property
    def is_open(self) -> bool:
        return isinstance(self.app.screen, RegistryFormScreen)

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.app.screen.query_one(f"#{name.replace('_', '-')}", Input).value = value

    def choose(self, name: str, value: str) -> None:
        self.app.screen.query_one(f"#{name}", Select).value = value

    def chosen(self, name: str) -> object:
        return self.app.screen.query_one(f"#{name}", Select).value

    def field(self, place: str) -> Field:
        return self.app.screen.query_one(f"#at-{place}", Field)

    def said(self, place: str) -> str:
        return self.field(place).said

    @property
    def is_unfolded(self) -> bool:
        return self.app.screen.query_one("#rare").display

    @property
    def offers_this_run(self) -> bool:
        return self.app.screen.query_one("#this-run").display

    async def leave_host(self, host: str) -> None:
        """Type a host and go on to the next field."""
        self.app.screen.query_one("#host").focus()
        self.fill(host=host)
        await self.pilot.press("tab")

    async def press(self, button: str) -> None:
        await self.pilot.pause()
        self.app.screen.query_one(f"#{button}", Button).press()
        await self.pilot.pause()

    async def is_closed(self) -> None:
        await until(
            self.pilot, lambda: isinstance(self.app.screen, RegistriesScreen), "the form is closed"
        )

    async def is_asked(self) -> None:
        await until(
            self.pilot, lambda: isinstance(self.app.screen, ConfirmDialog), "it is asked first"
        )

    async def answer(self, button: str) -> None:
        await self.is_asked()
        await self.press(button)

    async def focuses(self, control: str) -> None:
        wanted = self.app.screen.query_one(f"#{control}")
        await until(self.pilot, lambda: self.app.focused is wanted, f"{control} has the focus")

    async def says(self, place: str, words: str) -> None:
        await until(
            self.pilot, lambda: words in " ".join(self.said(place).split()), f"{words!r} at {place}"
        )


@asynccontextmanager
async def form_for(
    engine: FormEngine, account: Account | None = None, *, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Form]:
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RegistriesScreen), "the list is there")
        await pilot.press("a" if account is None else "E")
        await until(pilot, lambda: app.screen.query(RegistryForm), "the form is there")
        await pilot.pause()
        yield Form(pilot, engine)


def refusing(problem: TransshipError) -> FormEngine:
    return FormEngine(answer=lambda account, secret: found(account, problem=problem))


def typed(**changes: str) -> Account:
    return Account("reg.example", username="alice", secret_source="keyring", **changes)
