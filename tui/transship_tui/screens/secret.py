"""Asks for the secrets of accounts that aren't kept: one dialog at a time, one a registry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.widgets import Button, Static

from transship.errors import SecretMissing
from transship.text import safe
from transship_tui.marks import CARE
from transship_tui.screens.registries.entry import Entry
from transship_tui.type_ahead import PAUSE, TypeAhead
from transship_tui.widgets.form import SecretInput
from transship_tui.widgets.secrets import SecretQuestion

if TYPE_CHECKING:
    from textual.app import App

    from transship.accounts.registry_file import Account
    from transship.app.application import Application


class SecretAsking:
    """Asks in front of whatever screen is there. `core` signs in.

    The question comes by itself, but only when nobody types, so that no key is taken from what is
    in front.
    """

    def __init__(self, app: App[None], core: Application, typed: TypeAhead) -> None:
        self._app = app
        self._core = core
        self._typed = typed
        self._asked: dict[str, asyncio.Future[bool]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def ask(self, error: SecretMissing) -> bool:
        """Ask for a secret; tell whether there is one now. Who asks meanwhile gets the answer."""
        known = self._asked.get(error.host)
        if known is not None:
            return await asyncio.shield(known)
        answer = self._asked[error.host] = asyncio.get_running_loop().create_future()
        try:
            async with self._one_at_a_time:
                await self._typed.pause()
                self._show(error, answer)
                return await asyncio.shield(answer)
        finally:
            self._asked.pop(error.host, None)
            if not answer.done():
                answer.set_result(False)

    def _show(self, error: SecretMissing, answer: asyncio.Future[bool]) -> None:

        account = next((a for a in self._core.registries.all() if a.host == error.host), None)
        if account is None:
            answer.set_result(False)
            return

        def answered(signed_in: bool | None) -> None:
            if not answer.done():
                answer.set_result(bool(signed_in))

        def keys_are_held() -> bool:
            return not self._typed.is_empty

        dialog = SecretDialog(self._core, account, error.detail, keys_are_held)
        self._app.push_screen(dialog, answered)


_LEFT_OUT = "! What was typed before this question could be read was left out."


class SecretDialog(SecretQuestion):
    """Asks for the secret of an account and signs in with it; returns whether that worked.

    It comes by itself, so somebody may begin to type for what is behind it before they see it.
    Keys are for this dialog only once there was a pause.
    """

    AUTO_FOCUS = ""

    def __init__(
        self,
        core: Application,
        account: Account,
        why: str,
        keys_are_held: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__()
        self._keys_are_held = keys_are_held
        self._core = core
        self._account = account
        self._why = safe(why)
        self._takes_keys = False
        self._left_out = False

    def question(self) -> Iterator[Static]:
        """Give where the secret is for, why it is asked for, and whose it is."""
        account = self._account
        secret = Entry.of(account).kind.secret
        yield Static(Content(f"Sign in to {safe(account.host)}"), classes="title")
        yield Static(Content(f"{self._why}."))
        yield Static(
            Content.assemble(
                "\n", f"{secret[0].upper()}{secret[1:]} of ", (safe(account.username), "bold")
            )
        )

    def buttons(self) -> Iterator[Button]:
        """Give the buttons."""
        yield Button("Cancel", id="cancel", compact=True)
        yield Button("Sign in", id="answer", compact=True, variant="primary")

    def on_mount(self) -> None:
        """Begin with the field, after a pause."""
        self._pause = self.set_timer(PAUSE, self._take_keys)

    def on_key(self, event: events.Key) -> None:
        """Leave out what was typed for something else."""
        if not self._takes_keys:
            event.stop()
            event.prevent_default()
            self._left_out = True
            self._pause.stop()
            self._pause = self.set_timer(PAUSE, self._take_keys)

    def _take_keys(self) -> None:
        if self._keys_are_held():
            self._pause = self.set_timer(PAUSE, self._take_keys)
            return
        self._takes_keys = True
        self.query_one(SecretInput).focus()
        if self._left_out:
            self.say(Content.styled(_LEFT_OUT, CARE))

    def answered(self, secret: str) -> None:
        """Sign in with it."""
        asking = f"asking {safe(self._account.host)}"
        self.use(partial(self._core.registries.sign_in, self._account, secret), asking)
