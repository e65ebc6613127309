from __future__ import annotations

from dataclasses import replace

import pytest

from transship.accounts.registry_file import Account, faults_of, host_of, is_alias
from transship.errors import BadReference
from transship.registry.credential import Tls

GOOD = Account(
    "registry.example.com:5000",
    alias="old",
    username="robot$team+push",
    service="harbor",
    tls=Tls(ca_file="/etc/ssl/own.pem"),
    repositories=("team/web", "team/api"),
    secret_source="keyring",
)


@pytest.mark.parametrize("text", ["old", "a", "9", "old-site_2", "a" * 63])
def test_a_short_word_is_an_alias(text: str) -> None:
    assert is_alias(text)


@pytest.mark.parametrize(
    "text",
    ["", "Old", "-old", "_old", "old.example", "old:5000", "old/web", "a" * 64, "localhost",
     "layout", "óld", "old\n"],
)  # fmt: skip
def test_what_could_be_a_host_or_a_path_is_no_alias(text: str) -> None:
    assert not is_alias(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Registry.Example.COM:5000", "registry.example.com:5000"),
        ("registry.example.com/", "registry.example.com"),
        ("localhost", "localhost"),
        ("[::1]:5000", "[::1]:5000"),
        ("index.docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
    ],
)
def test_a_host_is_named_as_references_name_it(text: str, host: str) -> None:
    assert host_of(text) == host


@pytest.mark.parametrize(
    "text", ["", "old", "registry.example.com/team", "layout:/srv", "https://registry.example.com"]
)
def test_what_is_more_or_less_than_a_host_is_refused(text: str) -> None:
    with pytest.raises(BadReference):
        host_of(text)


def test_a_good_account_has_no_faults() -> None:
    assert faults_of(GOOD) == ()
    assert faults_of(Account("docker.io")) == ()


@pytest.mark.parametrize(
    ("account", "place"),
    [
        (replace(GOOD, host="Registry.example.com"), "host"),
        (replace(GOOD, host="index.docker.io"), "host"),
        (replace(GOOD, host="layout:/srv"), "host"),
        (replace(GOOD, alias="Old"), "alias"),
        (replace(GOOD, username="a:b"), "username"),
        (replace(GOOD, username="a\nb"), "username"),
        (replace(GOOD, username=""), "username"),
        (replace(GOOD, username="", secret_source="session"), "username"),
        (replace(GOOD, service="harbour"), "service"),
        (replace(GOOD, repositories=("team/web", "Team/Web")), "repositories"),
        (replace(GOOD, tls=Tls(client_key="/key.pem")), "client-key"),
        (replace(GOOD, tls=Tls(ca_file="own.pem")), "ca-file"),
    ],
)
def test_a_broken_rule_names_its_place_in_the_file(account: Account, place: str) -> None:
    assert [fault[0] for fault in faults_of(account)] == [place]


def test_an_account_without_a_secret_of_its_own_needs_no_username() -> None:
    assert faults_of(replace(GOOD, username="", secret_source="docker")) == ()
    assert faults_of(replace(GOOD, username="", secret_source="environment")) == ()
