"""An account of TCR and one of the cloud's API, as an operator keeps them, open the way together.

`servers.tencent` stands in for the cloud.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from servers.tencent import Instances, TencentApi
from servers.tencent.api import SECRET_ID, SECRET_KEY
from servers.tencent.enterprise import Namespace
from transship.accounts.docker_config import DockerConfig
from transship.accounts.registry_file import Account, Accounts
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources, access_for
from transship.oci.reference import Reference
from transship.registry.access import Access, open_distribution

if TYPE_CHECKING:
    from pathlib import Path

HOST = "team.tencentcloudcr.com"


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(SessionStore(), SessionStore(), DockerConfig({}, home=tmp_path), {})


async def test_the_keys_of_one_list_what_is_at_the_other(
    api: TencentApi, sources: Sources, tmp_path: Path
) -> None:
    api.now = time.time
    instance = api.of(Instances).add("team", HOST)
    instance.namespaces = {"team": Namespace(repositories=["web"])}
    accounts = Accounts(tmp_path / "registries.toml")
    accounts.save(Account(HOST, service="tcr", api=api.host))
    accounts.save(
        Account(api.host, service="tencent-api", username=SECRET_ID, secret_source="keyring")
    )
    await sources.keyring.set(api.host, SECRET_ID, SECRET_KEY)

    access = Access.decode((await access_for(Reference(HOST), accounts, sources)).encode())
    async with aclosing(open_distribution(access)) as registry:
        listed = [name async for name in registry.repositories()]

    assert listed == ["team/web"]
    assert (access.handed_out, access.credential) == (True, None)
    assert SECRET_KEY not in repr(access)
    assert SECRET_KEY not in (tmp_path / "registries.toml").read_text()
