from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from transship.accounts.registry_file import Account, Accounts
from transship.errors import AccountNotFound, BadFile, BadRequest, DiskFull
from transship.registry.credential import Tls

OLD = Account("old.example.com:5000", alias="old", username="robot", secret_source="keyring")
NEW = Account("new.example.com", alias="new", repositories=("team/web",), tls=Tls(insecure=True))


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "config" / "registries.toml")


def written(accounts: Accounts, text: str) -> Accounts:
    accounts.path.parent.mkdir()
    accounts.path.write_text(text)
    return accounts


def test_without_a_file_there_are_no_accounts(accounts: Accounts) -> None:
    assert accounts.all() == ()
    assert accounts.find("old") is None
    assert not accounts.path.parent.exists(), "reading must not create anything"


def test_an_account_is_found_by_host_and_by_alias(accounts: Accounts) -> None:
    accounts.save(OLD)
    accounts.save(NEW)
    assert accounts.all() == (OLD, NEW)
    assert accounts.get("old") == accounts.get("old.example.com:5000") == OLD
    assert accounts.get("NEW.example.com") == NEW
    assert accounts.find("old.example.com") is None, "another port is another registry"
    assert accounts.find("") is None


def test_every_name_of_docker_hub_finds_its_account(accounts: Accounts) -> None:
    hub = Account("docker.io")
    accounts.save(hub)
    assert accounts.get("index.docker.io") == accounts.get("registry-1.docker.io") == hub


def test_an_unknown_name_is_named(accounts: Accounts) -> None:
    accounts.save(OLD)
    for name in ("older", "old.example.com"):
        with pytest.raises(AccountNotFound, match=name):
            accounts.get(name)
    with pytest.raises(AccountNotFound):
        accounts.remove("new.example.com")


def test_an_account_is_replaced_in_its_place(accounts: Accounts) -> None:
    accounts.save(OLD)
    accounts.save(NEW)
    renamed = replace(OLD, alias="older", service="harbor")
    accounts.save(renamed)
    assert accounts.all() == (renamed, NEW)


def test_a_removed_account_is_gone(accounts: Accounts) -> None:
    accounts.save(OLD)
    accounts.save(NEW)
    assert accounts.remove(OLD.host) == OLD
    assert accounts.all() == (NEW,)


def test_an_alias_belongs_to_one_account(accounts: Accounts) -> None:
    accounts.save(OLD)
    with pytest.raises(BadRequest, match=r"old\.example\.com:5000"):
        accounts.save(replace(NEW, alias="old"))
    assert accounts.all() == (OLD,)


def test_what_breaks_the_rules_is_not_written(accounts: Accounts) -> None:
    with pytest.raises(BadRequest, match="alias"):
        accounts.save(replace(OLD, alias="Not An Alias"))
    assert not accounts.path.exists()


def test_the_file_is_the_operators_alone_and_says_what_it_is(accounts: Accounts) -> None:
    accounts.save(OLD)
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(accounts.path.parent.stat().st_mode) == 0o700
    assert accounts.path.read_text() == (
        "# Transship writes this file: `transship login` and `transship logout` change it.\n"
        "# It holds no secrets; those live where `secret-source` says.\n"
        "\n"
        "version = 1\n"
        "\n"
        '[registry."old.example.com:5000"]\n'
        'alias = "old"\n'
        'username = "robot"\n'
        'secret-source = "keyring"\n'
    )


def test_a_file_that_others_could_read_is_closed_to_them(accounts: Accounts) -> None:
    written(accounts, "version = 1\n").path.chmod(0o644)
    accounts.save(OLD)
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("version = 2\n", "version"),
        ("", "version"),
        ("version = 1\nregistries = 3\n", "registries"),
        ("version = 1\n[registry]\n'h.example' = 3\n", "registry"),
        ("version = 1\n[registry.'h.example']\nalias = 3\n", r'registry\."h\.example".*alias'),
        ("version = 1\n[registry.'h.example']\npassword = 'x'\n", r"h\.example.*password"),
        ("version = 1\n[registry.'h.example']\nplain_http = true\n", r"h\.example.*plain_http"),
        ("version = 1\n[registry.'h.example']\nplain-http = 1\n", r"h\.example.*plain-http"),
        ("version = 1\n[registry.'h.example']\nsecret-source = 'x'\n", r"h\.example.*secret-"),
        ("version = 1\n[registry.'h.example']\nrepositories = ['A']\n", r"h\.example.*reposit"),
        ("version = 1\n[registry.old]\n", r'registry\."old".*host'),
        (
            "version = 1\n[registry.'a.example']\nalias = 'x'\n[registry.'b.example']\nalias = 'x'",
            r"b\.example.*a\.example",
        ),
        ("version = 1\n[registry\n", "line 2"),
        ("version = 1\n\udcff", "decode"),
    ],
)
def test_a_file_that_was_spoiled_by_hand_is_refused_with_the_place(
    accounts: Accounts, text: str, place: str
) -> None:
    accounts.path.parent.mkdir()
    accounts.path.write_bytes(text.encode(errors="surrogateescape"))
    before = accounts.path.read_bytes()
    with pytest.raises(BadFile, match=place) as caught:
        accounts.all()
    assert str(accounts.path) in caught.value.detail
    with pytest.raises(BadFile):
        accounts.save(OLD)
    assert accounts.path.read_bytes() == before, "a file that isn't understood is left alone"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.save(OLD)

    def no_room(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_room)
        with pytest.raises(DiskFull):
            accounts.save(NEW)
    assert accounts.all() == (OLD,)
    assert {path.name for path in accounts.path.parent.iterdir()} == {
        "registries.toml",
        "registries.toml.lock",
    }


def test_a_folder_that_cannot_be_made_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadFile, match="File exists"):
        Accounts(tmp_path / "file" / "registries.toml").save(OLD)


def test_two_transships_at_once_keep_each_others_accounts(accounts: Accounts) -> None:
    adds = (
        "import sys, pathlib\n"
        "from transship.accounts.registry_file import Account\n"
        "from transship.accounts.registry_file import Accounts\n"
        "accounts = Accounts(pathlib.Path(sys.argv[1]))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "for n in range(20):\n"
        "    accounts.save(Account(f'r{n}.{sys.argv[2]}.example'))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", adds, str(accounts.path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in ("one", "two", "three")
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(accounts.all()) == 60


_labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
_hosts = st.builds(
    lambda label, port: f"{label}.example{port}",
    _labels,
    st.sampled_from(["", ":5000", ":443"]),
)
_paths = st.sampled_from(["", "/etc/ssl/own.pem", '/srv/a "b"\\c.pem', "/srv/ключ.pem"])
_accounts = st.builds(
    Account,
    _hosts,
    username=st.text(
        st.characters(exclude_characters=":\x7f", exclude_categories=["Cc", "Cs"]), min_size=1
    ),
    service=st.sampled_from(["", "harbor", "ecr"]),
    tls=st.builds(
        Tls, st.booleans(), st.booleans(), ca_file=_paths, client_cert=st.just("/c"),
        client_key=_paths,
    ),
    repositories=st.lists(_labels.map("team/{}".format)).map(tuple),
    secret_source=st.sampled_from(["", "keyring", "session", "environment", "docker"]),
)  # fmt: skip


@given(st.lists(_accounts, max_size=4, unique_by=lambda account: account.host))
def test_whatever_is_saved_is_read_again(saved: list[Account]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        accounts = Accounts(Path(folder) / "registries.toml")
        for account in saved:
            accounts.save(account)
        assert list(accounts.all()) == saved


def test_a_file_written_by_hand_is_read(accounts: Accounts) -> None:
    entry = {"alias": "old", "plain-http": True, "repositories": ["team/web"]}
    written(accounts, tomli_w.dumps({"version": 1, "registry": {"old.example": entry}}))
    assert accounts.get("old") == Account(
        "old.example", alias="old", tls=Tls(plain_http=True), repositories=("team/web",)
    )
