"""The registries to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from transship.accounts.registry_file import Account
from transship.registry.service import service_named, service_of
from transship_tui.keys.words import words_for
from transship_tui.widgets.rows import Column
from transship_tui.widgets.virtual_table import VirtualTable

_COLUMNS = (Column("Registry"), Column("Alias", 16), Column("Service", 28, least=70))
_NONE = "No registries yet. Press {registries} to add the first one."


class _AccountRows:
    """Accounts as rows."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._accounts = accounts

    def __len__(self) -> int:
        return len(self._accounts)

    def key(self, index: int) -> str:
        """Return the host."""
        return self._accounts[index].host

    def cells(self, index: int) -> Sequence[Content]:
        """Return host, alias and service."""
        account = self._accounts[index]
        service = service_named(account.service) or service_of(account.host)
        return Content(account.host), Content(account.alias), Content(service.title)


class AccountList(VirtualTable):
    """Shows accounts by their hosts."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(_COLUMNS, id=id)

    def on_mount(self) -> None:
        """Say where the first account comes from."""
        self.show(_AccountRows(()), empty=words_for(self, _NONE))

    def put(self, accounts: Sequence[Account], host: str) -> None:
        """Show accounts; the cursor goes to `host`, or to the first."""
        hosts = [account.host for account in accounts]
        self.show(_AccountRows(accounts), at=hosts.index(host) if host in hosts else 0)
