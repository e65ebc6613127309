"""`transship import`: a plan from another tool's files, and what it can't say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from samples.configs import FOLDER, SECRET
from transship.accounts.registry_file import Accounts
from transship.paths import default_paths
from transship.plans.file import read_plan
from transship.plans.importers.importer import tools

if TYPE_CHECKING:
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.keyring_session import KeyringSession

RULES = FOLDER / "transfer-rule.yaml"
SECRETS = FOLDER / "registry-secret.yaml"


def test_a_plan_is_written_and_the_rest_is_listed(transship: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    ended = transship("import", RULES, SECRETS, "-o", path)

    assert ended.status == 0, ended.err
    assert ended.out == ""
    assert len(read_plan(path).rules) == 11
    assert f"left out: {RULES}, line 13: old.example/team1/job:" in ended.err
    assert f"changed:  {RULES}, line 7:" in ended.err
    assert f"to do:    {SECRETS}, line 1:" in ended.err
    assert "read as image-transfer: 11 rules, 8 notes" in ended.err
    assert "`transship login old.example`, or import with --keyring" in ended.err
    assert f"transship plan {path}" in ended.err
    assert SECRET not in ended.err + path.read_text()


def test_the_plan_may_go_to_the_output(transship: Any, tmp_path: Path) -> None:
    ended = transship("import", FOLDER / "dregsy.yaml", "-o", "-")
    path = tmp_path / "plan.toml"
    path.write_text(ended.out)

    assert ended.status == 0
    assert read_plan(path).rules
    assert SECRET not in ended.out + ended.err


def test_json_says_it_all(transship: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    document = transship("import", FOLDER / "regsync.yaml", "-o", path, "--json").document

    assert document["tool"] == "regsync"
    assert (document["plan"], document["kind"]) == (str(path), "sync")
    assert (document["rules"], document["copies"]) == (8, 0)
    hook = next(note for note in document["notes"] if note["entry"] == "defaults.hooks")
    assert (hook["kind"], hook["line"]) == ("left-out", 28)
    assert document["registries"] == [{"host": "old.example", "state": "needed", "why": None}]
    assert SECRET not in str(document)


def test_skopeo_is_told_where_to(transship: Any, tmp_path: Path) -> None:
    sources, path = FOLDER / "skopeo-sync.yaml", tmp_path / "plan.toml"
    refused = transship("import", sources, "-o", path)
    assert refused.status == 2
    assert "--to HOST[/PATH]" in refused.err

    ended = transship("import", sources, "-o", path, "--to", "new.example/mirror")
    assert ended.status == 0, ended.err
    assert str(read_plan(path).rules[0].targets[0]) == "new.example/mirror"


def test_an_alias_may_say_where_to(
    transship: Any, tmp_path: Path, open_registry: DockerRegistry
) -> None:
    transship("login", open_registry.host, "--anonymous", "--alias", "new")
    path = tmp_path / "plan.toml"
    transship("import", FOLDER / "skopeo-sync.yaml", "-o", path, "--to", "new/mirror")
    assert str(read_plan(path).rules[0].targets[0]) == f"{open_registry.host}/mirror"


def test_a_file_that_is_there_stays(transship: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("mine")
    ended = transship("import", RULES, "-o", path)

    assert ended.status == 2
    assert "is there already" in ended.err
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\n", "line 2"),
        ("a: 1\na: 2\n", "line 2: the same key stands there twice"),
        ("name: web\n", "is no file of"),
        ("sync:\n  - source: [x]\n", "line 2: sync[0].source has to be text"),
    ],
)
def test_a_bad_file_is_named_with_the_place(
    transship: Any, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(text)
    ended = transship("import", file, "-o", tmp_path / "plan.toml", "--json")

    assert ended.status == 2
    assert f"{file}: " in ended.document["error"]["detail"]
    assert said in ended.document["error"]["detail"]
    assert not (tmp_path / "plan.toml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((RULES,), "isn't said where the plan goes"),
        ((RULES, "-o", "-", "--json"), "both write to the output"),
        ((RULES, "-o", "x", "--from", "rsync"), f"Known are {', '.join(tools())}"),
        ((RULES, "-o", "x", "--from", "regsync"), "is no file of regsync"),
        ((RULES, "-o", "x", "--to", "new.example/a:1"), "no place in a registry"),
        ((FOLDER / "nothing.yaml", "-o", "x"), "No such file"),
        ((FOLDER, "-o", "x"), "Is a directory"),
    ],
)
def test_what_cannot_be_asked(transship: Any, words: tuple[object, ...], said: str) -> None:
    ended = transship("import", *words)
    assert ended.status == 2
    assert said in ended.err


def test_files_with_nothing_to_carry_over_fail(transship: Any) -> None:
    ended = transship("import", FOLDER / "tencentcloud-secret.yaml", "-o", "plan.toml")
    assert ended.status == 1
    assert "there is nothing to copy in it" in ended.err


def test_files_with_sign_ins_alone_make_no_plan_and_say_so(transship: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    ended = transship("import", SECRETS, "-o", path)
    assert ended.status == 1
    assert "there is nothing to copy in it, so there is no plan" in ended.err
    assert not path.exists()


def test_without_a_keyring_nothing_is_written(transship: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    ended = transship("import", RULES, SECRETS, "-o", path, "--keyring")

    assert ended.status == 1
    assert "There is no keyring here" in ended.err
    assert not path.exists()


@pytest.mark.secretservice
def test_sign_ins_become_accounts_when_asked(
    transship: Any,
    unlocked_keyring: KeyringSession,
    htpasswd_registry: DockerRegistry,
    open_registry: DockerRegistry,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, unlocked_keyring.environment[name])
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    registry = htpasswd_registry
    transship("login", open_registry.host, "--anonymous")
    secrets = tmp_path / "registry-secret.yaml"
    secrets.write_text(
        f"{registry.host}: {{username: {registry.username}, password: {registry.password}}}\n"
        f"{open_registry.host}: {{username: somebody, password: else}}\n"
        "127.0.0.1:1: {username: nobody, password: there}\n"
    )

    ended = transship("import", secrets, "--keyring", "--json")

    assert ended.status == 1
    assert [(entry["host"], entry["state"]) for entry in ended.document["registries"]] == [
        (registry.host, "added"),
        (open_registry.host, "there"),
        ("127.0.0.1:1", "failed"),
    ]
    assert f"{registry.host} is an account; its password is in your keyring" in ended.err
    assert "127.0.0.1:1 is no account" in ended.err
    hosts = [account.host for account in Accounts(default_paths().registries).all()]
    assert hosts == [open_registry.host, registry.host]
    assert transship("ls", registry.host).status == 0
    assert str(registry.password) not in default_paths().registries.read_text() + ended.err
