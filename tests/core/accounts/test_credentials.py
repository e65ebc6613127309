"""The order of the sources, and that none is passed over in silence."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from transship.accounts.docker_config import DockerConfig
from transship.accounts.registry_file import Account, SecretSource
from transship.accounts.secrets import FoundSecret, SecretStatus, SessionStore
from transship.accounts.sign_in import Sources, credential_for, is_gone
from transship.errors import KeyringHung, KeyringLocked, SecretUnavailable, TransshipError
from transship.registry.credential import Credential

HOST = "registry.example.com"
ACCOUNT = Account(HOST, username="robot", secret_source="keyring")
ENVIRON = {
    "TRANSSHIP_REGISTRY_EXAMPLE_COM_USERNAME": "ci",
    "TRANSSHIP_REGISTRY_EXAMPLE_COM_PASSWORD": "from the environment",
}


class Broken:
    """A keyring that can't be used, and a record of whether it was asked."""

    def __init__(self, error: TransshipError) -> None:
        self.error = error
        self.asked = 0

    async def get(self, host: str, username: str) -> str | None:
        self.asked += 1
        raise self.error

    async def set(self, host: str, username: str, secret: str) -> None:
        raise self.error

    async def delete(self, host: str, username: str) -> bool:
        raise self.error

    async def probe(self) -> SecretStatus:
        raise self.error


@pytest.fixture
def docker(tmp_path: Path) -> DockerConfig:
    """Docker has a login for every host that is asked for here."""
    encoded = base64.b64encode(b"docker:from docker").decode()
    hosts = {host: {"auth": encoded} for host in (HOST, f"{HOST}/team")}
    hosts[f"{HOST}/team"] = {"auth": base64.b64encode(b"team:from docker").decode()}
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": hosts}))
    return DockerConfig({}, home=tmp_path)


@pytest.fixture
def sources(docker: DockerConfig) -> Sources:
    # A SessionStore stands in for a keyring that works.
    return Sources(SessionStore(), SessionStore(), docker, {})


async def test_a_secret_of_this_run_goes_before_all_else(sources: Sources) -> None:
    await sources.session.set(HOST, "robot", "of this run")
    await sources.keyring.set(HOST, "robot", "from the keyring")
    sources = replace(sources, environ=ENVIRON)
    found = await credential_for(ACCOUNT, sources)
    assert found == FoundSecret(Credential("robot", "of this run"), "session")


async def test_the_environment_goes_before_what_is_kept(sources: Sources) -> None:
    await sources.keyring.set(HOST, "robot", "from the keyring")
    sources = replace(sources, environ=ENVIRON)
    expected = FoundSecret(Credential("ci", "from the environment"), "environment")
    assert await credential_for(ACCOUNT, sources) == expected
    assert await credential_for(HOST, sources) == expected
    assert await credential_for(Account(HOST), sources) == expected


async def test_an_accounts_secret_is_taken_from_the_keyring(sources: Sources) -> None:
    await sources.keyring.set(HOST, "robot", "from the keyring")
    found = await credential_for(ACCOUNT, sources)
    assert found == FoundSecret(Credential("robot", "from the keyring"), "keyring")


async def test_an_identity_token_stays_one(sources: Sources) -> None:
    await sources.keyring.set(HOST, "<token>", "refresh")
    found = await credential_for(replace(ACCOUNT, username="<token>"), sources)
    assert found.credential == Credential("<token>", "refresh", identity=True)


@pytest.mark.parametrize("error", [KeyringLocked(), KeyringHung("No answer in 5 s")])
async def test_a_keyring_that_cannot_be_used_is_an_error_not_another_credential(
    sources: Sources, error: TransshipError
) -> None:
    with pytest.raises(type(error)):
        await credential_for(ACCOUNT, replace(sources, keyring=Broken(error)))


@pytest.mark.parametrize("source", ["", "docker", "session", "environment"])
async def test_the_keyring_is_asked_only_for_accounts_that_live_there(
    sources: Sources, source: SecretSource
) -> None:
    keyring = Broken(KeyringLocked())
    account = replace(ACCOUNT, secret_source=source)
    sources = replace(sources, keyring=keyring)
    await sources.session.set(HOST, "somebody else", "x")
    if source in ("session", "environment"):
        with pytest.raises(SecretUnavailable):
            await credential_for(account, sources)
    else:
        await credential_for(account, sources)
    await credential_for(HOST, sources)
    assert keyring.asked == 0


async def test_a_secret_that_is_not_where_the_account_says_is_missed(
    sources: Sources, tmp_path: Path
) -> None:
    sources = replace(sources, docker=DockerConfig({}, home=tmp_path / "empty"))
    expected: dict[SecretSource, str] = {
        "keyring": "The keyring has no secret for robot at registry.example.com",
        "session": "robot at registry.example.com was for one run",
        "environment": "TRANSSHIP_REGISTRY_EXAMPLE_COM_PASSWORD",
        "docker": "none for registry.example.com",
    }
    for source, why in expected.items():
        with pytest.raises(SecretUnavailable, match=why) as caught:
            await credential_for(replace(ACCOUNT, secret_source=source), sources)
        assert "HOST" not in caught.value.remedy


async def test_a_secret_of_an_earlier_run_is_gone_until_it_is_typed_again(
    sources: Sources,
) -> None:
    account = replace(ACCOUNT, secret_source="session")
    assert is_gone(account, sources)
    assert not is_gone(ACCOUNT, sources)
    password = {"TRANSSHIP_REGISTRY_EXAMPLE_COM_PASSWORD": "x"}
    assert not is_gone(account, replace(sources, environ=password))
    await sources.session.set(HOST, account.username, "x")
    assert not is_gone(account, sources)


async def test_an_account_that_uses_dockers_login_gets_it(sources: Sources) -> None:
    account = replace(ACCOUNT, secret_source="docker")
    found = await credential_for(account, sources, repository="team/web")
    assert (found.credential, found.source) == (Credential("team", "from docker"), "docker")


async def test_an_anonymous_account_stays_anonymous(sources: Sources) -> None:
    assert await credential_for(Account(HOST), sources) == FoundSecret()


async def test_a_host_that_is_no_account_gets_dockers_login_or_nothing(sources: Sources) -> None:
    found = await credential_for(HOST, sources)
    assert (found.credential, found.source) == (Credential("docker", "from docker"), "docker")
    assert "config.json" in found.note
    found = await credential_for(HOST, sources, repository="team/web")
    assert found.credential == Credential("team", "from docker")
    assert await credential_for("other.example.com", sources) == FoundSecret()
