"""What is filled in makes the account that it says, and what is wrong with it is found at once."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from transship.accounts.registry_file import Account
from transship.errors import BadReference
from transship.registry.credential import Tls
from transship_tui.commands.application import app_for
from transship_tui.lines import login_line
from transship_tui.screens.registries.entry import Entry, faults_in

ACCOUNTS = (
    Account("old.example:5000", "old", "alice", "harbor", secret_source="keyring"),
    Account("a.example", username="bob", tls=Tls(ca_file="/ca.pem"), secret_source="session"),
    Account("b.example", tls=Tls(insecure=True), repositories=("team/web", "team/api")),
    Account("c.example", tls=Tls(plain_http=True), secret_source="environment"),
    Account("d.example", secret_source="docker"),
    Account("e.example", tls=Tls(ca_file="/ca.pem", client_cert="/c.pem", client_key="/k.pem")),
)


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.host)
def test_what_is_not_changed_stays_as_it_is(account: Account) -> None:
    assert Entry.of(account).account() == account


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.host)
def test_the_line_has_only_options_that_there_are(account: Account) -> None:
    program, command, *words = shlex.split(login_line(account))
    assert (program, command) == ("transship", "login")
    login = get_command(app_for(["login"])).commands["login"]
    known = {name for parameter in login.params for name in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


def test_a_user_is_nobody_elses_where_it_is_read_from_elsewhere() -> None:
    assert Entry("reg.example", username="alice", source="docker").account().username == ""


def test_a_file_of_ones_own_home_is_found_from_everywhere() -> None:
    entry = Entry("reg.example", protection="ca", ca_file="~/ca.pem")
    assert entry.account().tls.ca_file == str(Path.home() / "ca.pem")


def test_a_certificate_of_ones_own_home_is_found_from_everywhere() -> None:
    entry = Entry("reg.example", client_cert="~/c.pem", client_key="k.pem")
    tls = entry.account().tls
    assert tls.client_cert == str(Path.home() / "c.pem")
    assert tls.client_key == str(Path.cwd() / "k.pem")


@pytest.mark.parametrize(
    ("entry", "reachable"),
    [
        (Entry(), False),
        (Entry("reg.example"), True),
        (Entry("reg.example", protection="ca"), False),
        (Entry("reg.example", protection="ca", ca_file="/ca.pem"), True),
        (Entry("reg.example", client_key="/k.pem"), False),
        (Entry("reg.example", client_cert="/c.pem"), True),
    ],
)
def test_nobody_is_asked_before_all_that_it_takes_is_there(entry: Entry, reachable: bool) -> None:
    assert entry.is_reachable is reachable


def test_plain_http_leaves_nothing_of_tls() -> None:
    before = Account("reg.example", tls=Tls(ca_file="/ca.pem", client_cert="/c", client_key="/k"))
    entry = Entry("reg.example", protection="plain", before=before)
    assert entry.account().tls == Tls(plain_http=True)


def test_names_are_taken_once_however_they_are_written() -> None:
    entry = Entry("reg.example", repositories=" team/web,team/api  team/web ")
    assert entry.names == ("team/web", "team/api")


def test_what_is_no_host_makes_no_account() -> None:
    with pytest.raises(BadReference):
        Entry("not a host").account()


def test_the_service_is_the_one_that_was_chosen_or_that_the_name_tells_of() -> None:
    assert Entry("docker.io").kind.title == "Docker Hub"
    assert Entry("reg.example", service="harbor").kind.kind == "harbor"
    assert Entry("").kind.kind == "registry"


@pytest.mark.parametrize(
    ("entry", "has_secret", "places"),
    [
        (Entry("reg.example", username="alice"), True, []),
        (Entry("reg.example", source=""), False, []),
        (Entry("not a host"), True, ["host"]),
        (Entry("reg.example", username="a:b"), True, ["username"]),
        (Entry("reg.example"), False, ["username", "secret"]),
        (Entry("reg.example", "Old", source=""), False, ["alias"]),
        (Entry("reg.example", "old", source=""), False, ["alias"]),
        (Entry("reg.example", protection="ca", source=""), False, ["ca-file"]),
        (Entry("reg.example", client_key="/k.pem", source=""), False, ["client-key"]),
        (Entry("reg.example", repositories="A b/C", source=""), False, ["repositories"] * 2),
    ],
)
def test_every_fault_is_said_at_its_field(
    entry: Entry, has_secret: bool, places: list[str]
) -> None:
    notes = list(faults_in(entry, ACCOUNTS, has_secret=has_secret))
    assert [note.place for note in notes] == places
    assert all(note.sign == "✗" for note in notes)


def test_the_secret_that_is_kept_will_do_for_the_same_user_in_the_same_place() -> None:
    before = Account("reg.example", username="alice", secret_source="keyring")
    entry = Entry.of(before)
    assert entry.keeps_secret
    assert list(faults_in(entry, (before,), has_secret=False)) == []
