from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from transship.accounts.docker_config import DockerConfig
from transship.accounts.registry_file import Account, Accounts
from transship.accounts.secrets import SecretStatus, SessionStore
from transship.accounts.sign_in import SignedOutRegistry, Sources, sign_in_to, sign_out
from transship.errors import (
    AccountNotFound,
    BadFile,
    BadRequest,
    ConnectionRefused,
    KeyringHung,
    KeyringLocked,
    SecretUnavailable,
    SignInNeeded,
    TransshipError,
    WrongCredential,
)
from transship.registry.access import Access
from transship.registry.credential import Credential, Tls
from transship.services.harbor import HARBOR

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry

HOST = "registry.example.com"
SECRET = "correct horse battery"
ACCOUNT = Account(HOST, alias="old", username="robot", secret_source="keyring")


class Locked(SessionStore):
    async def get(self, host: str, username: str) -> str | None:
        raise KeyringLocked

    async def set(self, host: str, username: str, secret: str) -> None:
        raise KeyringLocked

    async def delete(self, host: str, username: str) -> bool:
        raise KeyringLocked

    async def probe(self) -> SecretStatus:
        return SecretStatus("locked")


class Desk:
    """A registry as signing in sees it: takes one credential, and remembers what it was shown."""

    def __init__(self, takes: Credential | None = None) -> None:
        self.takes = takes
        self.shown: list[Access] = []
        self.open = 0

    def __call__(self, access: Access) -> Desk:
        self.shown.append(access)
        self.open += 1
        return self

    async def check_sign_in(self) -> None:
        if self.shown[-1].credential != self.takes:
            raise WrongCredential(HOST)

    async def aclose(self) -> None:
        self.open -= 1


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "config" / "registries.toml")


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    # A SessionStore stands in for a keyring that works.
    return Sources(SessionStore(), SessionStore(), DockerConfig({}, home=tmp_path), {})


@pytest.fixture
def desk() -> Desk:
    return Desk(Credential("robot", SECRET))


async def test_signing_in_keeps_the_secret_and_then_the_account(
    accounts: Accounts, sources: Sources, desk: Desk
) -> None:
    account = replace(ACCOUNT, tls=Tls(insecure=True), service="harbor")
    signed_in = await sign_in_to(account, SECRET, accounts=accounts, sources=sources, connect=desk)
    assert signed_in == account
    assert accounts.all() == (account,)
    assert await sources.keyring.get(HOST, "robot") == SECRET
    assert desk.shown == [Access(HOST, account.tls, Credential("robot", SECRET), service="harbor")]
    assert desk.open == 0


async def test_the_secret_is_in_no_file(
    accounts: Accounts, sources: Sources, desk: Desk, tmp_path: Path
) -> None:
    for source in ("session", "keyring"):
        account = replace(ACCOUNT, secret_source=source)
        await sign_in_to(account, SECRET, accounts=accounts, sources=sources, connect=desk)
    for folder, _, names in os.walk(tmp_path):
        for name in names:
            assert SECRET.encode() not in Path(folder, name).read_bytes()


async def test_a_secret_for_this_run_leaves_the_keyring_alone(
    accounts: Accounts, sources: Sources, desk: Desk
) -> None:
    account = replace(ACCOUNT, secret_source="session")
    sources = replace(sources, keyring=Locked())
    await sign_in_to(account, SECRET, accounts=accounts, sources=sources, connect=desk)
    assert accounts.get("old").secret_source == "session"
    assert await sources.session.get(HOST, "robot") == SECRET


async def test_a_wrong_password_leaves_nothing(accounts: Accounts, sources: Sources) -> None:
    desk = Desk(Credential("robot", "another"))
    with pytest.raises(WrongCredential):
        await sign_in_to(ACCOUNT, SECRET, accounts=accounts, sources=sources, connect=desk)
    assert accounts.all() == ()
    assert await sources.keyring.get(HOST, "robot") is None
    assert desk.open == 0


async def test_a_keyring_that_refuses_leaves_no_account(
    accounts: Accounts, sources: Sources, desk: Desk
) -> None:
    sources = replace(sources, keyring=Locked())
    with pytest.raises(KeyringLocked):
        await sign_in_to(ACCOUNT, SECRET, accounts=accounts, sources=sources, connect=desk)
    assert accounts.all() == ()
    assert await sources.session.get(HOST, "robot") is None, "no downgrade in silence"


async def test_a_file_that_cannot_be_written_leaves_no_secret(
    accounts: Accounts, sources: Sources, desk: Desk
) -> None:
    accounts.path.parent.write_text("a file where the folder should be")
    with pytest.raises(BadFile):
        await sign_in_to(ACCOUNT, SECRET, accounts=accounts, sources=sources, connect=desk)
    assert await sources.keyring.get(HOST, "robot") is None


class _FullDisk(Accounts):
    def save(self, account: Account) -> None:
        raise BadFile("no room")


async def test_an_account_that_cannot_be_saved_takes_its_new_secret_with_it(
    accounts: Accounts, sources: Sources, desk: Desk
) -> None:
    full = _FullDisk(accounts.path)
    with pytest.raises(BadFile):
        await sign_in_to(ACCOUNT, SECRET, accounts=full, sources=sources, connect=desk)
    assert await sources.keyring.get(HOST, "robot") is None
    await sign_in_to(ACCOUNT, SECRET, accounts=accounts, sources=sources, connect=desk)
    with pytest.raises(BadFile):
        await sign_in_to(ACCOUNT, SECRET, accounts=full, sources=sources, connect=desk)
    assert await sources.keyring.get(HOST, "robot") == SECRET, "the account there still needs it"


@pytest.mark.parametrize(
    "account",
    [
        replace(ACCOUNT, alias="taken"),
        replace(ACCOUNT, alias="Not An Alias"),
        replace(ACCOUNT, username=""),
    ],
)
async def test_what_cannot_be_saved_is_not_even_tried(
    accounts: Accounts, sources: Sources, desk: Desk, account: Account
) -> None:
    accounts.save(Account("other.example.com", alias="taken"))
    with pytest.raises(BadRequest):
        await sign_in_to(account, SECRET, accounts=accounts, sources=sources, connect=desk)
    assert desk.shown == []


@pytest.mark.parametrize("secret", ["", None])
async def test_an_empty_password_is_refused(
    accounts: Accounts, sources: Sources, desk: Desk, secret: str | None
) -> None:
    with pytest.raises(BadRequest, match="empty"):
        await sign_in_to(ACCOUNT, secret, accounts=accounts, sources=sources, connect=desk)


async def test_signing_in_again_replaces_the_secret(accounts: Accounts, sources: Sources) -> None:
    for secret in ("first", "second"):
        desk = Desk(Credential("robot", secret))
        await sign_in_to(ACCOUNT, secret, accounts=accounts, sources=sources, connect=desk)
    assert await sources.keyring.get(HOST, "robot") == "second"
    assert len(accounts.all()) == 1


async def test_the_secret_of_a_replaced_account_is_forgotten(
    accounts: Accounts, sources: Sources, desk: Desk
) -> None:
    person = replace(ACCOUNT, username="person")
    person_desk = Desk(Credential("person", "hers"))
    await sign_in_to(person, "hers", accounts=accounts, sources=sources, connect=person_desk)
    await sign_in_to(ACCOUNT, SECRET, accounts=accounts, sources=sources, connect=desk)
    assert await sources.keyring.get(HOST, "person") is None
    session = replace(ACCOUNT, secret_source="session")
    await sign_in_to(session, SECRET, accounts=accounts, sources=sources, connect=desk)
    assert await sources.keyring.get(HOST, "robot") is None


async def test_a_locked_keyring_does_not_stop_a_session_from_replacing_its_account(
    accounts: Accounts, sources: Sources, desk: Desk
) -> None:
    accounts.save(ACCOUNT)
    sources = replace(sources, keyring=Locked())
    session = replace(ACCOUNT, secret_source="session")
    await sign_in_to(session, SECRET, accounts=accounts, sources=sources, connect=desk)
    assert accounts.get("old") == session


async def test_an_anonymous_account_is_tried_without_a_credential(
    accounts: Accounts, sources: Sources
) -> None:
    desk = Desk(takes=None)
    await sign_in_to(Account(HOST), None, accounts=accounts, sources=sources, connect=desk)
    assert accounts.all() == (Account(HOST),)


async def test_an_account_may_leave_its_secret_in_the_environment(
    accounts: Accounts, sources: Sources, desk: Desk
) -> None:
    account = Account(HOST, secret_source="environment")
    with pytest.raises(SecretUnavailable):
        await sign_in_to(account, None, accounts=accounts, sources=sources, connect=desk)
    sources = replace(
        sources,
        environ={
            "TRANSSHIP_REGISTRY_EXAMPLE_COM_USERNAME": "robot",
            "TRANSSHIP_REGISTRY_EXAMPLE_COM_PASSWORD": SECRET,
        },
    )
    signed_in = await sign_in_to(account, None, accounts=accounts, sources=sources, connect=desk)
    assert signed_in == replace(account, username="robot")
    assert accounts.all() == (signed_in,)
    assert await sources.keyring.get(HOST, "robot") is None


async def test_signing_out_removes_the_secret_and_the_account(
    accounts: Accounts, sources: Sources, desk: Desk
) -> None:
    await sign_in_to(ACCOUNT, SECRET, accounts=accounts, sources=sources, connect=desk)
    await sources.session.set(HOST, "robot", "for this run")
    gone = await sign_out("old", accounts=accounts, sources=sources)
    assert gone == SignedOutRegistry(ACCOUNT, secret_removed=True)
    assert accounts.all() == ()
    assert await sources.keyring.get(HOST, "robot") is None
    assert await sources.session.get(HOST, "robot") is None


async def test_signing_out_says_that_there_was_no_secret(
    accounts: Accounts, sources: Sources
) -> None:
    account = replace(ACCOUNT, secret_source="docker")
    accounts.save(account)
    gone = await sign_out(HOST, accounts=accounts, sources=replace(sources, keyring=Locked()))
    assert gone == SignedOutRegistry(account, secret_removed=False)
    with pytest.raises(AccountNotFound):
        await sign_out(HOST, accounts=accounts, sources=sources)


async def test_while_the_keyring_is_locked_the_account_stays(
    accounts: Accounts, sources: Sources
) -> None:
    accounts.save(ACCOUNT)
    sources = replace(sources, keyring=Locked())
    with pytest.raises(KeyringLocked):
        await sign_out("old", accounts=accounts, sources=sources)
    assert accounts.all() == (ACCOUNT,)
    gone = await sign_out("old", accounts=accounts, sources=sources, leave_secret=True)
    assert gone == SignedOutRegistry(ACCOUNT, secret_removed=False)
    assert accounts.all() == ()


async def test_a_real_registry_is_signed_in_to(
    accounts: Accounts, sources: Sources, htpasswd_registry: DockerRegistry
) -> None:
    registry = htpasswd_registry
    assert registry.username
    assert registry.password
    account = Account(
        registry.host,
        username=registry.username,
        tls=Tls(plain_http=True),
        secret_source="keyring",
    )
    with pytest.raises(WrongCredential) as caught:
        await sign_in_to(account, "a wrong one", accounts=accounts, sources=sources)
    assert "a wrong one" not in str(caught.value)
    with pytest.raises(SignInNeeded):
        await sign_in_to(
            Account(registry.host, tls=account.tls), None, accounts=accounts, sources=sources
        )
    assert accounts.all() == ()
    await sign_in_to(account, registry.password, accounts=accounts, sources=sources)
    assert accounts.all() == (account,)


async def test_a_registry_that_is_not_there_is_no_account(
    accounts: Accounts, sources: Sources, free_host: Callable[[], str]
) -> None:
    with pytest.raises(ConnectionRefused):
        await sign_in_to(Account(free_host()), None, accounts=accounts, sources=sources)
    assert accounts.all() == ()


@pytest.fixture
def free_host() -> Callable[[], str]:
    from servers.process import free_port

    return lambda: f"127.0.0.1:{free_port()}"


async def test_a_hung_keyring_is_said_to_be_hung(
    accounts: Accounts, sources: Sources, desk: Desk
) -> None:
    class Hung(Locked):
        async def set(self, host: str, username: str, secret: str) -> None:
            raise KeyringHung("No answer in 60 s")

    with pytest.raises(TransshipError) as caught:
        await sign_in_to(
            ACCOUNT,
            SECRET,
            accounts=accounts,
            sources=replace(sources, keyring=Hung()),
            connect=desk,
        )
    assert caught.value.cause == "keyring-hung"
    assert accounts.all() == ()


class Recognised(Desk):
    """A registry that answers as a service does."""

    recognised = HARBOR


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        (Account(HOST), "harbor"),
        (Account(HOST, service="quay"), "quay"),
        (Account(HOST, service="registry"), "registry"),
        (Account("quay.io"), ""),
    ],
)
async def test_an_account_keeps_the_service_that_answers_unless_it_is_known(
    account: Account, kind: str, accounts: Accounts, sources: Sources
) -> None:
    kept = await sign_in_to(account, None, accounts=accounts, sources=sources, connect=Recognised())

    assert kept.service == kind
    assert accounts.all() == (kept,)
