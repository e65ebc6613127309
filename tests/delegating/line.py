"""An operator who delegates by line: accounts in their file, secrets in variables, no keyring."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from servers.tencent.api import SECRET_ID, SECRET_KEY
from transship.accounts.registry_file import Account, Accounts
from transship.accounts.secrets import variables_of
from transship.clock import SystemClock
from transship.engines.changes import ChangeJournal, Delegation
from transship.oci.reference import Reference
from transship.paths import default_paths
from transship.plans.file import write_plan
from transship.plans.plan import Kind, Plan, Rule, TagFilter
from transship.registry.credential import Tls
from transship_tui.commands.application import app_for

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from servers.registry import Registry


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


def line(*words: object) -> Ended:
    """Run a command to its end, in this process and without a terminal."""
    said = list(map(str, words))
    ended = CliRunner().invoke(app_for(said), said, prog_name="transship", catch_exceptions=False)
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


@dataclass
class Operator:
    """The accounts of one operator; `secrets` are all that they were given."""

    monkeypatch: pytest.MonkeyPatch
    secrets: list[str] = field(default_factory=list)

    def add(
        self, host: str, login: tuple[str, str] | None = None, service: str = "", api: str = ""
    ) -> None:
        """Add an account; `api` is the host of the account that opens the API of its cloud."""
        source: Any = "environment" if login else ""
        username = login[0] if login else ""
        account = Account(
            host, "", username, service, Tls(plain_http=True), secret_source=source, api=api
        )
        Accounts(default_paths().registries).save(account)
        for name, value in zip(variables_of(host), login or (), strict=False):
            self.monkeypatch.setenv(name, value)
        self.secrets += login[1:] if login else ()

    def add_registry(self, registry: Registry, host: str = "", service: str = "") -> None:
        """Add a registry by its own login, at another host where it is behind one."""
        login = (registry.username, registry.password)
        known = (login[0], login[1]) if login[0] and login[1] else None
        self.add(host or registry.host, known, service)

    def add_keys(self, host: str) -> None:
        """Add the keys of the stand-in cloud's API."""
        self.add(host, (SECRET_ID, SECRET_KEY), "tencent-api")

    def delegations(self) -> tuple[Delegation, ...]:
        """Return what was delegated."""
        return ChangeJournal(default_paths().delegations, SystemClock()).all()

    def gave_away_nothing(self, *ended: Any) -> None:
        """Assert that no secret is in what commands wrote, or in what is kept."""
        assert self.secrets
        written = "".join(each.out + each.err for each in ended)
        kept = [
            path.read_bytes() for path in default_paths().state.parent.rglob("*") if path.is_file()
        ]
        for secret in self.secrets:
            assert secret not in written
            assert not any(secret.encode() in each for each in kept)


def plan_at(path: Path, source: Reference, target: Reference, **more: Any) -> Path:
    """Write a plan that takes tags `v*` of all that is below `source`; return its file."""
    repositories = more.pop("repositories", ("*/**",))
    tags = more.pop("tags", TagFilter(include=("v*",)))
    rule = Rule(source, (target,), repositories, tags)
    write_plan(path, Plan(**{"kind": Kind.SYNC, "rules": (rule,), **more}))
    return path
