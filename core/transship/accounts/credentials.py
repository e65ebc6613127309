"""Which credential a registry is signed in to with.

What is given for this run goes before what is kept: first this run's own secrets, then the
environment. After that an account's secret is looked for where the account says that it lives,
and nowhere else. A host that is no account gets what docker has for it, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from transship.accounts.environment import environment_credential, variables_of
from transship.accounts.secrets import Found, credential_of
from transship.errors import SecretMissing, SecretUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transship.accounts.account import Account
    from transship.accounts.docker_config import DockerConfig
    from transship.accounts.secrets import SecretStore, SessionStore


@dataclass(frozen=True, slots=True)
class Sources:
    """Where secrets may come from. Only `session` and `keyring` are ever written."""

    session: SessionStore
    keyring: SecretStore
    docker: DockerConfig
    environ: Mapping[str, str]

    def store(self, name: str) -> SecretStore | None:
        """Return the store that an account's `secret_source` names, if it can be written."""
        return {"session": self.session, "keyring": self.keyring}.get(name)


async def credential_for(wanted: Account | str, sources: Sources, *, repository: str = "") -> Found:
    """Return the credential for an account, or for a host (`host[:port]`) that is no account.

    `repository` narrows docker's answer where it has several for a host. Raises SecretUnavailable
    when an account's secret isn't where the account says, and what the sources raise: a keyring
    that is locked or hung is an error, never a reason to take another credential or none.
    """
    if isinstance(wanted, str):
        return _given(wanted, sources, "") or await sources.docker.find(wanted, repository)
    account = wanted
    secret = await sources.session.get(account.host, account.username)
    if secret is not None:
        return Found(credential_of(account.username, secret), "session")
    return _given(account.host, sources, account.username) or await _kept(
        account, sources, repository
    )


def _given(host: str, sources: Sources, username: str) -> Found | None:
    credential = environment_credential(host, sources.environ, username=username)
    return Found(credential, "environment") if credential else None


async def _kept(account: Account, sources: Sources, repository: str) -> Found:
    host, username = account.host, account.username
    match account.secret_source:
        case "":
            return Found()
        case "keyring":
            secret = await sources.keyring.get(host, username)
            if secret is not None:
                return Found(credential_of(username, secret), "keyring")
            raise SecretMissing(f"The keyring has no secret for {username} at {host}", host)
        case "docker":
            found = await sources.docker.find(host, repository)
            if found.credential is not None:
                return found
            raise SecretUnavailable(
                found.note or f"Docker's configuration has none for {host}",
                remedy=f"Sign in with `docker login {host}`.",
            )
        case "environment":
            both = " and ".join(variables_of(host))
            raise SecretUnavailable(f"{both} are not set", remedy=f"Set {both}.")
        case "session":
            raise SecretMissing(
                f"The secret for {username} at {host} was for one run only, which has ended", host
            )


def is_gone(account: Account, sources: Sources) -> bool:
    """Tell whether an account's secret was for one run only, and this is another one."""
    for_one_run = sources.store(account.secret_source) is sources.session
    if not for_one_run or sources.session.has(account.host, account.username):
        return False
    try:
        return _given(account.host, sources, account.username) is None
    except SecretUnavailable:
        return True
