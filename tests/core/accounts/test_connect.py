from __future__ import annotations

from pathlib import Path

import pytest

from transship.accounts.docker_config import DockerConfig
from transship.accounts.registry_file import Account, Accounts
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources, access_for, resolve
from transship.errors import BadReference, CatalogueOnly
from transship.oci.reference import Reference, parse_reference
from transship.registry.access import Access
from transship.registry.credential import Credential, Tls

OLD = Account(
    "old.example.com:5000",
    alias="old",
    username="robot",
    service="harbor",
    tls=Tls(ca_file="/etc/ssl/own.pem"),
    repositories=("team/web",),
    secret_source="keyring",
)
HUB = Account("docker.io", alias="hub")
PLAIN = Tls(plain_http=True)


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    accounts = Accounts(tmp_path / "registries.toml")
    accounts.save(OLD)
    accounts.save(HUB)
    return accounts


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(SessionStore(), SessionStore(), DockerConfig({}, home=tmp_path), {})


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("old", "old.example.com:5000"),
        ("old/team/web", "old.example.com:5000/team/web"),
        (" old/team/web:1.4 ", "old.example.com:5000/team/web:1.4"),
        ("hub/debian:12", "docker.io/library/debian:12"),
        ("old.example.com:5000/team/web:1.4", "old.example.com:5000/team/web:1.4"),
        ("other.example.com/team", "other.example.com/team"),
        ("layout:old/team", "layout:old/team"),
        ("layout:/srv/images//team/web:1.4", "layout:/srv/images//team/web:1.4"),
    ],
)
def test_an_alias_stands_for_its_host(accounts: Accounts, text: str, reference: str) -> None:
    assert resolve(text, accounts) == parse_reference(reference)


@pytest.mark.parametrize("text", ["older/team/web", "older", "old:1.4", "old/Team", ""])
def test_what_is_neither_host_nor_alias_is_refused(accounts: Accounts, text: str) -> None:
    with pytest.raises(BadReference):
        resolve(text, accounts)


async def test_an_account_brings_all_that_it_knows(accounts: Accounts, sources: Sources) -> None:
    await sources.keyring.set(OLD.host, "robot", "s3cret")
    access = await access_for(resolve("old/team/web", accounts), accounts, sources)
    assert access == Access(
        OLD.host,
        tls=OLD.tls,
        credential=Credential("robot", "s3cret"),
        service="harbor",
        repositories=("team/web",),
        kept=True,
    )


async def test_options_for_hosts_without_account_leave_accounts_as_they_are(
    accounts: Accounts, sources: Sources
) -> None:
    await sources.keyring.set(OLD.host, "robot", "s3cret")
    access = await access_for(Reference(OLD.host), accounts, sources, adhoc=PLAIN)
    assert access.tls == OLD.tls
    access = await access_for(Reference("new.example.com"), accounts, sources, adhoc=PLAIN)
    assert access == Access("new.example.com", tls=PLAIN)
    access = await access_for(Reference("new.example.com"), accounts, sources)
    assert access.tls == Tls()


async def test_a_folder_needs_nothing(accounts: Accounts, sources: Sources) -> None:
    reference = parse_reference("layout:/srv/images//team/web")
    assert await access_for(reference, accounts, sources) == Access("layout:/srv/images")


@pytest.mark.parametrize("text", ["artifacthub.io", "artifacthub.io/packages/redis:1"])
async def test_a_catalogue_is_no_place_to_open(
    accounts: Accounts, sources: Sources, text: str
) -> None:
    with pytest.raises(CatalogueOnly, match="Artifact Hub") as caught:
        await access_for(parse_reference(text), accounts, sources)
    assert "`transship find`" in caught.value.remedy
