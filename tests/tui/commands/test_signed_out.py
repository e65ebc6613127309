"""An account that ends in the middle of a copy, as the line tells it and goes on after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from moving.ending_account import PASSWORD, USER, Account, ending_account, fill
from servers.faults import Fault, Hold
from servers.process import eventually
from transship.accounts.secrets import variables_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

TAGS = 100


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with ending_account(tmp_path) as account:
        yield account


def test_it_is_named_with_what_to_do_and_resume_finishes_the_job(
    transship: Any, account: Account, open_registry: DockerRegistry, repository: str
) -> None:
    fill(open_registry, repository, TAGS)
    user, password = variables_of(account.host)
    login = {user: USER, password: PASSWORD}
    hold = Hold()
    account.proxy.add(Fault(hold, method="PUT", path="/manifests/", times=None, skip=20))
    words = ("copy", f"{open_registry.host}/{repository}", f"{account.host}/app", "--detach")
    job = transship(*words, **login).out.strip()
    eventually(hold.held.is_set, "the middle of the job")

    account.end()
    hold.release.set()
    stopped = transship("attach", job)
    account.begin_again()
    ended = transship("resume", job, **login)

    assert stopped.status == 1
    assert "paused" in stopped.out
    assert "failed" not in stopped.out
    error = "error: User name or password not accepted\n"
    assert stopped.err.count(error) == 1
    assert f"images wait for the account at {account.host}" in stopped.err
    assert f"`transship login {account.host}`, then `transship resume {job}`" in stopped.err
    assert ended.status == 0, ended.err
    assert f"{TAGS} images: {TAGS} copied" in ended.out
