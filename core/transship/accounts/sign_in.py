"""Signing in to a registry, and what opens it: account, secret, the account of the cloud's API."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from transship.accounts.registry_file import Account, api_hosts_of, is_handed_out
from transship.accounts.secrets import (
    FoundSecret,
    credential_of,
    environment_credential,
    variables_of,
)
from transship.errors import (
    BadRequest,
    CatalogueOnly,
    SecretMissing,
    SecretUnavailable,
    TransshipError,
)
from transship.oci.reference import parse_reference
from transship.registry.access import Access, open_distribution
from transship.registry.credential import Tls
from transship.registry.service import GENERIC, Service, service_named, service_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from transship.accounts.docker_config import DockerConfig
    from transship.accounts.registry_file import Accounts
    from transship.accounts.secrets import SecretStore, SessionStore
    from transship.oci.reference import Reference
    from transship.registry.credential import Credential


_PERSON_SECONDS = 60.0
"""How long a keyring may take where a person sees why, and can type its password."""


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


def operator_sources(waiting: Callable[[], None] | None = None) -> Sources:
    """Return where the secrets of whoever runs this program may come from.

    `waiting` is called when the keyring lets somebody wait. Where there is nobody to answer it, a
    keyring that asks for its password is soon given up.
    """
    import os

    from transship.accounts.docker_config import DockerConfig
    from transship.accounts.secrets import KeyringStore, NotifyingStore, SessionStore

    keyring: SecretStore = KeyringStore()
    if waiting is not None:
        keyring = NotifyingStore(KeyringStore(read_seconds=_PERSON_SECONDS), waiting)
    return Sources(SessionStore(), keyring, DockerConfig(os.environ), os.environ)


async def credential_for(
    wanted: Account | str, sources: Sources, *, repository: str = ""
) -> FoundSecret:
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
        return FoundSecret(credential_of(account.username, secret), "session")
    return _given(account.host, sources, account.username) or await _kept(
        account, sources, repository
    )


def _given(host: str, sources: Sources, username: str) -> FoundSecret | None:
    credential = environment_credential(host, sources.environ, username=username)
    return FoundSecret(credential, "environment") if credential else None


async def _kept(account: Account, sources: Sources, repository: str) -> FoundSecret:
    host, username = account.host, account.username
    match account.secret_source:
        case "":
            return FoundSecret()
        case "keyring":
            secret = await sources.keyring.get(host, username)
            if secret is not None:
                return FoundSecret(credential_of(username, secret), "keyring")
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


_READ_AGAIN = ("keyring", "docker")
"""The sources of secrets that another process finds as well, later, and maybe with another one."""


def resolve(text: str, accounts: Accounts) -> Reference:
    """Return the reference that `text` writes down, where an alias may stand for the host.

    With the alias `old` for `registry.example.com:5000`, `old/team/web:1.4` is
    `registry.example.com:5000/team/web:1.4`. Raises BadReference.
    """
    name, slash, rest = text.strip().partition("/")
    account = accounts.find(name)
    return parse_reference(f"{account.host}{slash}{rest}" if account else text)


async def access_for(
    reference: Reference, accounts: Accounts, sources: Sources, *, adhoc: Tls | None = None
) -> Access:
    """Return all that is needed to open the place of `reference`, its credential included.

    `adhoc` is how a host that is no account is reached; an account says that itself. Raises what
    `credential_for` raises, BadFile, and CatalogueOnly where nothing can be opened.
    """
    host = reference.registry
    if reference.layout is not None:
        return Access(host)
    account = accounts.find(host)
    service = service_named(account.service if account else "") or service_of(host)
    if service.catalogue:
        raise CatalogueOnly(f"{host} is {service.title}")
    if account is None:
        found = await credential_for(host, sources, repository=reference.repository)
        api = await api_access(host, None, accounts, sources)
        return Access(
            host,
            tls=adhoc or Tls(),
            credential=found.credential,
            api=api,
            kept=found.source in _READ_AGAIN,
        )
    found = await credential_for(account, sources, repository=reference.repository)
    return Access(
        host,
        tls=account.tls,
        credential=found.credential,
        service=account.service,
        repositories=account.repositories,
        handed_out=is_handed_out(account),
        api=await api_access(host, account, accounts, sources),
        kept=found.source in _READ_AGAIN,
    )


async def api_access(
    host: str, account: Account | None, accounts: Accounts, sources: Sources
) -> Access | None:
    """Return how the API of the registry's cloud is reached, None when nobody added an account.

    Raises what `credential_for` raises.
    """
    added = map(accounts.find, api_hosts_of(host, account))
    found = next((each for each in added if each is not None), None)
    if found is None:
        return None
    secret = await credential_for(found, sources)
    return Access(found.host, tls=found.tls, credential=secret.credential, service=found.service)


def service_at(account: Account) -> Service:
    """Return the service behind an account: the one that was said, or that the host tells of."""
    return service_named(account.service) or service_of(account.host)


def holding_images(accounts: Iterable[Account]) -> tuple[Account, ...]:
    """Return those that images can be read from and written to."""
    return tuple(account for account in accounts if service_at(account).holds_images)


def api_account_of(account: Account, accounts: Iterable[Account]) -> Account | None:
    """Return the account that opens the API of an account's cloud, None where none was added."""
    added = {each.host: each for each in accounts}
    found = (added.get(host) for host in api_hosts_of(account.host, account))
    return next((each for each in found if each is not None), None)


def hands_out(account: Account, accounts: Iterable[Account]) -> str:
    """Return in a few words by what logins to an account's registry are handed out.

    That is to who keeps no secret; empty where none are: they take the keys of the cloud's API.
    """
    service = service_at(account)
    with_keys = api_account_of(account, accounts) is not None
    if not service.hands_out_at(account.host, with_keys=with_keys):
        return ""
    return handed_out_words(service)


def handed_out_words(service: Service) -> str:
    """Return in a few words by what a service hands out logins, where it does."""
    # The app opens without the words of every service.

    by_keys = "by the keys of its cloud's API" if service.keys_at else "by its API"
    return service.sign_in_form.handed_out or by_keys


def used_by(api: Account, accounts: Sequence[Account]) -> tuple[Account, ...]:
    """Return the accounts for which `api` opens the API of their cloud."""
    return tuple(
        account
        for account in holding_images(accounts)
        if (found := api_account_of(account, accounts)) is not None and found.host == api.host
    )


class SignInCheck(Protocol):
    """The part of a registry that signing in uses."""

    async def check_sign_in(self) -> None:
        """Sign in, and raise SignInNeeded, WrongCredential or what else is in the way."""

    async def aclose(self) -> None:
        """Close the connections."""


@runtime_checkable
class Recognising(Protocol):
    """A registry that may tell by its answers which service it is."""

    @property
    def recognised(self) -> Service | None:
        """The service that its answers are typical of, or None."""


@dataclass(frozen=True, slots=True)
class SignedOutRegistry:
    """What signing out removed: the account, and its secret if one was kept by Transship."""

    account: Account
    secret_removed: bool


async def sign_in_to(
    account: Account,
    secret: str | None,
    *,
    accounts: Accounts,
    sources: Sources,
    connect: Callable[[Access], SignInCheck] = open_distribution,
) -> Account:
    """Try the account at its registry, keep its secret, then keep the account; return it.

    `account.secret_source` says where the secret is to live. For `keyring` and `session` it is
    `secret`; for the others `secret` is None, and what that source has is tried. Where nobody said
    which service it is and the host name doesn't tell, the account keeps what the answers tell.

    Raises BadRequest, and what the registry, the source and the file raise; after each of these
    no account and no secret is there that wasn't there before. Of an account that this one
    replaces, the secret is forgotten too, where its store can be reached.
    """
    accounts.check(account)
    before = accounts.find(account.host)
    api = await api_access(account.host, account, accounts, sources)
    store = sources.store(account.secret_source)
    if store is None:
        credential = (await credential_for(account, sources)).credential
        account = replace(account, username=credential.username if credential else "")
        account = await _tried(account, credential, connect, api)
        accounts.save(account)
    else:
        if not secret:
            raise BadRequest("The password is empty")
        account = await _tried(account, credential_of(account.username, secret), connect, api)
        await store.set(account.host, account.username, secret)
        try:
            accounts.save(account)
        except TransshipError:
            if before is None or _keeping_place(before) != _keeping_place(account):
                await _forget(account, sources)
            raise
    if before is not None and _keeping_place(before) != _keeping_place(account):
        await _forget(before, sources)
    return account


async def sign_out(
    name: str, *, accounts: Accounts, sources: Sources, leave_secret: bool = False
) -> SignedOutRegistry:
    """Remove the account with this host or alias, and its secret; return what was removed.

    The secret goes first: while the keyring can't be used, its error is raised and the account
    stays. `leave_secret` removes the account without asking the keyring. Secrets that docker or
    the environment have are theirs, and stay.

    Raises AccountNotFound, BadFile and the errors of the keyring.
    """
    account = accounts.get(name)
    removed = False
    if sources.store(account.secret_source) is sources.keyring and not leave_secret:
        removed = await sources.keyring.delete(account.host, account.username)
    removed = await sources.session.delete(account.host, account.username) or removed
    accounts.remove(account.host)
    return SignedOutRegistry(account, removed)


async def _tried(
    account: Account,
    credential: Credential | None,
    connect: Callable[[Access], SignInCheck],
    api: Access | None,
) -> Account:
    """Try the account; return it with the service that it was found to be at."""
    access = Access(
        account.host,
        tls=account.tls,
        credential=credential,
        service=account.service,
        handed_out=is_handed_out(account),
        api=api,
    )
    registry = connect(access)
    try:
        await registry.check_sign_in()
        recognised = registry.recognised if isinstance(registry, Recognising) else None
    finally:
        await registry.aclose()
    if recognised is None or account.service or service_of(account.host) is not GENERIC:
        return account
    return replace(account, service=recognised.kind)


def _keeping_place(account: Account) -> tuple[str, str]:
    return account.secret_source, account.username


async def _forget(account: Account, sources: Sources) -> None:
    store = sources.store(account.secret_source)
    if store is not None:
        with suppress(TransshipError):
            await store.delete(account.host, account.username)
