"""`transship login`, `registries` and `logout`: accounts, and where their secrets are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from servers.process import eventually
from transship.accounts.registry_file import Accounts
from transship.accounts.secrets import variables_of
from transship.paths import default_paths

if TYPE_CHECKING:
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.keyring_session import KeyringSession


@pytest.fixture
def in_keyring(unlocked_keyring: KeyringSession, monkeypatch: pytest.MonkeyPatch) -> KeyringSession:
    """A session with a keyring that every command runs in."""
    for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, unlocked_keyring.environment[name])
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    return unlocked_keyring


def login(registry: DockerRegistry, *more: object) -> tuple[object, ...]:
    return "login", registry.host, "-u", registry.username, "--password-stdin", *more


@pytest.mark.secretservice
def test_a_password_goes_into_the_keyring_and_out_again(
    transship: Any, in_keyring: KeyringSession, htpasswd_registry: DockerRegistry
) -> None:
    registry = htpasswd_registry
    ended = transship(*login(registry, "--alias", "new"), stdin=f"{registry.password}\n")

    assert ended.status == 0, ended.err
    assert "the password is in your keyring" in ended.err
    listed = transship("registries", "--json").document["registries"][0]
    assert (listed["alias"], listed["username"], listed["secret"]) == ("new", "operator", "keyring")
    assert str(registry.password) not in default_paths().registries.read_text()
    assert transship("ls", "new").status == 0

    assert "its secret are removed" in transship("logout", "new").err
    assert transship("ls", registry.host).status == 1
    assert transship("logout", "new").status == 2


@pytest.mark.secretservice
def test_a_locked_keyring_is_an_error_with_a_way_out(
    transship: Any, in_keyring: KeyringSession, htpasswd_registry: DockerRegistry
) -> None:
    registry = htpasswd_registry
    in_keyring.lock()
    ended = transship(*login(registry), stdin=f"{registry.password}\n")

    assert ended.status == 1
    assert "error: The keyring is locked" in ended.err
    assert "--session" in ended.err
    assert Accounts(default_paths().registries).all() == ()


@pytest.mark.secretservice
def test_on_a_terminal_a_silent_keyring_is_explained(
    terminal: Any, transship: Any, in_keyring: KeyringSession, htpasswd_registry: DockerRegistry
) -> None:
    registry = htpasswd_registry
    transship(*login(registry, "--alias", "new"), stdin=f"{registry.password}\n")
    in_keyring.hang()

    window = terminal("ls", "new")
    window.until("waiting for your keyring to unlock; it may be asking on another screen")
    in_keyring.resume()

    assert window.wait() == 0


def test_without_a_keyring_nothing_is_kept_elsewhere(
    transship: Any, htpasswd_registry: DockerRegistry
) -> None:
    ended = transship(*login(htpasswd_registry), stdin=f"{htpasswd_registry.password}\n")

    assert ended.status == 1
    assert "error: There is no keyring here" in ended.err
    assert "--session" in ended.err
    assert not default_paths().registries.exists()


def test_a_wrong_password_is_not_kept(transship: Any, htpasswd_registry: DockerRegistry) -> None:
    ended = transship(*login(htpasswd_registry, "--session"), stdin="wrong\n")

    assert ended.status == 1
    assert "error: User name or password not accepted" in ended.err
    assert Accounts(default_paths().registries).all() == ()


def test_a_password_is_asked_for_and_not_shown(
    terminal: Any, htpasswd_registry: DockerRegistry
) -> None:
    registry = htpasswd_registry
    window = terminal("login", registry.host, "--session")
    window.until("User name: ")
    window.type(f"{registry.username}\n")
    window.until(f"Password or token for {registry.username}: ")
    window.type(f"{registry.password}\n")

    assert window.wait() == 0
    assert str(registry.password) not in window.written


def test_a_password_that_is_not_taken_can_be_typed_again(
    terminal: Any, htpasswd_registry: DockerRegistry
) -> None:
    registry = htpasswd_registry
    window = terminal("login", registry.host, "--session", "-u", registry.username)
    window.until(f"Password or token for {registry.username}: ")
    window.type("wrong\n")
    window.until(f"Type it once more, or press Ctrl-C where {registry.username} is wrong.")
    window.type(f"{registry.password}\n")

    assert window.wait() == 0
    assert "User name or password not accepted" in window.written
    assert Accounts(default_paths().registries).all()[0].host == registry.host


def test_the_third_wrong_password_is_the_last(
    terminal: Any, htpasswd_registry: DockerRegistry
) -> None:
    registry = htpasswd_registry
    window = terminal("login", registry.host, "--session", "-u", registry.username)

    def asked_so_often(tries: int) -> bool:
        return bool(window.written.count(f"Password or token for {registry.username}: ") == tries)

    for tries in range(1, 4):
        eventually(partial(asked_so_often, tries), "the question")
        window.type(f"wrong {tries}\n")

    assert window.wait() == 1
    assert window.written.count("Type it once more") == 2
    assert "error:" in window.written
    assert Accounts(default_paths().registries).all() == ()


def test_the_question_is_in_the_words_of_the_service(terminal: Any) -> None:
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    window = terminal("login", host, "--session", "-u", "AWS")
    window.until("aws ecr get-login-password")
    window.type("\x03")
    assert window.wait() == 130


def test_a_password_that_is_kept_nowhere_is_asked_for_or_read(
    transship: Any, terminal: Any, htpasswd_registry: DockerRegistry
) -> None:
    registry = htpasswd_registry
    ended = transship(*login(registry, "--session"), stdin=f"{registry.password}\n")
    user, password = variables_of(registry.host)
    assert password in ended.err

    refused = transship("ls", registry.host)
    assert refused.status == 1
    assert f"Set {user} and {password}" in refused.err

    named = {user: registry.username or "", password: registry.password or ""}
    assert transship("ls", registry.host, **named).status == 0

    window = terminal("ls", registry.host)
    window.until("Password of operator")
    window.type(f"{registry.password}\n")
    assert window.wait() == 0


def test_secrets_that_others_keep(
    transship: Any, htpasswd_registry: DockerRegistry, tmp_path: Path
) -> None:
    registry = htpasswd_registry
    user, password = variables_of(registry.host)
    named = {user: registry.username or "", password: registry.password or ""}

    assert transship("login", registry.host, "--from-environment", **named).status == 0
    assert transship("registries", "--json").document["registries"][0]["secret"] == "environment"
    assert transship("ls", registry.host).status == 1
    assert transship("login", registry.host, "--from-docker").status == 1


def test_signing_in_again_keeps_what_is_not_said(
    transship: Any, open_registry: DockerRegistry
) -> None:
    host = open_registry.host
    first = "--alias", "old", "--repository", "team/web", "--plain-http"
    transship("login", host, "--anonymous", *first)
    transship("login", host, "--anonymous", "--repository", "base")

    account = transship("registries", "--json").document["registries"][0]
    assert account["alias"] == "old"
    assert account["repositories"] == ["team/web", "base"]
    assert account["tls"]["plain_http"]
    assert "PLAIN HTTP" in transship("registries").out


def test_what_protects_the_way_is_shown(transship: Any, tls_registry: DockerRegistry) -> None:
    host = tls_registry.host
    assert transship("login", host, "--anonymous").status == 1
    assert transship("login", host, "--anonymous", "--ca", tls_registry.ca_file).status == 0
    assert "own CA" in transship("registries").out
    assert transship("login", host, "--anonymous", "--insecure").status == 0
    assert "NOT VERIFIED" in transship("registries").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.example", "--service", "nonsense"), "Known are docker-hub"),
        (("a.example", "--session", "--from-docker"), "one place only"),
        (("a.example", "--plain-http", "--insecure"), "no certificates"),
        (("a.example", "--insecure", "--ca", "/dev/null"), ""),
        (("a.example", "--from-docker", "-u", "somebody"), "come from elsewhere"),
        (("a.example", "--session"), "no terminal"),
        (("a.example", "--session", "-u", "somebody"), "no terminal"),
        (("a.example/team", "--anonymous"), "more than a host"),
        (("a.example", "--alias", "UPPER", "--anonymous"), "short name"),
        (("a.example", "--password", "secret"), "No such option"),
    ],
)
def test_what_cannot_be_asked(transship: Any, words: tuple[str, ...], said: str) -> None:
    ended = transship("login", *words)
    assert ended.status == 2
    assert said in ended.err
