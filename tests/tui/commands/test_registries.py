"""`transship registries HOST`: the capability card on the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from transship.accounts.registry_file import Account, Accounts
from transship.paths import default_paths

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry

UNSEEN = Account("docker.io", alias="hub")


@pytest.fixture
def accounts() -> Accounts:
    """The operator's accounts."""
    return Accounts(default_paths().registries)


def test_a_registry_is_knocked_at_and_shows_what_can_be_done(
    transship: Any, accounts: Accounts, open_registry: DockerRegistry
) -> None:
    accounts.save(Account(open_registry.host, alias="old"))
    ended = transship("registries", "old")

    assert ended.status == 0, ended.err
    first, *rows = ended.out.splitlines()
    assert first == f"{open_registry.host}: Registry, this machine"
    words = " ".join(rows[0].split())
    assert words == "✓ yes list by _catalog, where the account may (seen here)"
    assert "the rest is known of the service" in ended.err


def test_as_a_document_it_tells_what_was_seen(
    transship: Any, accounts: Accounts, open_registry: DockerRegistry
) -> None:
    accounts.save(Account(open_registry.host, alias="old"))
    accounts.save(UNSEEN)

    (one,) = transship("registries", "old", "--json").document["registries"]
    both = transship("registries", "--json").document["registries"]

    assert one["card"]["list"]["seen"]
    assert one["card"]["list"]["can"] == "yes"
    assert [entry["card"]["list"]["seen"] for entry in both] == [False, False]
    assert [list(entry["card"]) for entry in both] == [list(one["card"])] * 2
    assert both[0]["card"]["quota"] is None
    assert all(
        row["means"]
        for entry in both
        for row in entry["card"].values()
        if row and row["can"] == "no"
    )


def test_one_that_does_not_answer_shows_what_is_known_and_fails(
    transship: Any, accounts: Accounts
) -> None:
    accounts.save(Account("localhost:1", alias="gone"))

    ended = transship("registries", "gone")
    assert ended.status == 1
    assert "resume      from the last piece" in ended.out
    assert "(seen here)" not in ended.out
    assert "error: Connection refused" in ended.err

    document = transship("registries", "gone", "--json").document
    assert document["error"]["cause"] == "connection-refused"


def test_one_that_is_no_account_says_how_to_add_it(transship: Any) -> None:
    ended = transship("registries", "nobody.example")
    assert ended.status == 2
    assert "`transship login HOST` adds one" in ended.err


def test_in_a_narrow_terminal_no_line_is_cut(
    terminal: Any, accounts: Accounts, open_registry: DockerRegistry
) -> None:
    accounts.save(Account(open_registry.host, alias="old"))
    window = terminal("registries", "old", columns=60)
    assert window.wait() == 0
    assert "both repositories" in " ".join(window.written.split())
    assert "…" not in window.written


def test_a_login_that_is_handed_out_is_not_anonymous(transship: Any, accounts: Accounts) -> None:
    accounts.save(Account("123456789012.dkr.ecr.eu-central-1.amazonaws.com"))
    assert "by the AWS profile of this machine" in transship("registries").out
