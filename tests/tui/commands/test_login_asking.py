"""`transship login --service KIND`: a service's own words, on a terminal or on the line."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from servers.scripted import Reply, ScriptedServer, scripted_server
from transship.accounts.registry_file import Accounts
from transship.paths import default_paths
from transship.registry.service import all_services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

KEY = {
    "type": "service_account",
    "project_id": "example",
    "private_key_id": "1",
    "private_key": "-----BEGIN PRIVATE KEY-----\nthe-private-one\n-----END PRIVATE KEY-----\n",
    "client_email": "ci@example.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}
BASIC = Reply(401, {"WWW-Authenticate": 'Basic realm="one"'})
ACCOUNTS = [service for service in all_services() if not service.catalogue]


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def wants_basic(server: ScriptedServer) -> None:
    """Let a registry want a sign-in once more, and take whatever comes."""
    server.on("GET", "/v2/", BASIC, Reply(200, {"Docker-Distribution-Api-Version": "registry/2.0"}))


def sent_to(server: ScriptedServer) -> set[str]:
    """Return with which users and passwords it was signed in to."""
    fields = (asked.headers.get("authorization", "") for asked in server.asked("GET", "/v2/"))
    return {base64.b64decode(each.removeprefix("Basic ")).decode() for each in fields if each}


def test_a_terminal_is_asked_one_by_one_and_told_where_to_look(
    terminal: Any, htpasswd_registry: DockerRegistry
) -> None:
    registry = htpasswd_registry
    window = terminal("login", "--service", "harbor", "--session", "--alias", "new")
    window.until("Host (host of your Harbor, as harbor.example.com): ")
    window.type(f"{registry.host}\n")
    window.until("2  user")
    window.type("2\n")
    window.until("At the top right of Harbor's pages")
    window.until("User (user name in Harbor): ")
    window.type(f"{registry.username}\n")
    window.until("CLI secret where sign-in is by OIDC): ")
    window.type(f"{registry.password}\n")

    assert window.wait() == 0
    assert str(registry.password) not in window.written
    [account] = Accounts(default_paths().registries).all()
    assert (account.host, account.username) == (registry.host, registry.username)
    assert (account.service, account.alias) == ("harbor", "new")


def test_an_answer_that_cannot_be_one_is_asked_for_again(terminal: Any) -> None:
    window = terminal("login", "--service", "ecr", "--session")
    window.until("Account ID")
    window.type("12\n")
    window.until("Account ID isn't 12 digits.")
    window.type("123456789012\n")
    window.until("as eu-west-1): ")
    window.type("eu-west-1\n")
    window.until("1  by the AWS profile of this machine")
    window.type("2\n")
    window.until("of `aws ecr get-login-password`): ")
    window.type("\x03")
    assert window.wait() == 130


@pytest.mark.parametrize("host", ["reg.example --service harbor", "example.tencentcloudcr.com"])
def test_whoever_names_the_host_is_asked_in_the_words_of_its_service_too(
    terminal: Any, host: str
) -> None:
    window = terminal("login", *host.split(), "--session", columns=60)
    window.until(f"{host.split()[0]} (")
    window.until("1  ")
    window.type("9\n")
    window.until("It is a number from 1 to 2.")
    window.type("1\n")
    window.until("single")
    window.until("$ included, as ")
    window.type("\x03")
    assert window.wait() == 130
    assert all(len(line) <= 60 for line in window.written.splitlines() if line[:2] == "  ")


def test_a_secret_that_is_not_taken_is_made_anew_of_what_is_typed_then(
    terminal: Any, scripted: ScriptedServer
) -> None:
    refused = Reply(401, {"WWW-Authenticate": 'Basic realm="one"'})
    scripted.on("GET", "/v2/", refused, refused, refused, refused, Reply(200))
    words = ("--service", "swr", "--session", "--set", "identity=access-key")
    window = terminal("login", scripted.host, *words, "--set", "user=cn-north-4@ACCESSKEY0001")
    window.until("secret access key (SK)")
    window.type("not this one\n")
    window.until("Type it once more")
    window.type("\x03")

    assert window.wait() == 130
    keys = {sent.partition(":")[2] for sent in sent_to(scripted)}
    assert {len(key) for key in keys} == {64}
    assert Accounts(default_paths().registries).all() == ()


def test_three_wrong_answers_are_enough(terminal: Any) -> None:
    window = terminal("login", "--service", "swr", "--session")
    window.until("Region")
    window.type("a\nb\nc\n")
    assert window.wait() == 2
    assert "Region isn't a region's code" in window.written


def test_a_key_file_is_read_and_never_shown(terminal: Any, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text(json.dumps(KEY))
    words = ("--service", "gar", "--set", "identity=key-file", "--session")
    window = terminal("login", "localhost:1", *words)
    window.until("Key file (path of the key's JSON file")
    window.type(f"{key}\n")

    assert window.wait() == 1
    assert "the-private-one" not in window.written


def test_without_a_terminal_the_options_that_are_missing_are_named(transship: Any) -> None:
    ended = transship("login", "--service", "ecr")
    assert ended.status == 2
    assert "--set account=123456789012 --set region=eu-west-1" in ended.err
    assert "--anonymous (by the AWS profile of this machine) or --password-stdin" in ended.err

    ended = transship("login", "--service", "swr", "--set", "region=cn-north-4")
    assert ended.status == 2
    assert "region=" not in ended.err
    assert "--password-stdin" in ended.err
    assert "Another --set identity= asks otherwise: access-key, login" in ended.err


@pytest.mark.parametrize("kind", [service.kind for service in ACCOUNTS])
def test_no_service_waits_for_a_terminal_that_is_not_there(transship: Any, kind: str) -> None:
    ended = transship("login", "--service", kind)
    assert ended.status == 2
    assert "There is no terminal to ask on" in ended.err


def test_everything_can_be_said_on_the_line_but_the_secret(
    transship: Any, htpasswd_registry: DockerRegistry
) -> None:
    registry = htpasswd_registry
    words = ("--set", f"host={registry.host}", "--set", f"user={registry.username}")
    more = ("--set", "identity=user", "--session", "--password-stdin")
    ended = transship("login", "--service", "harbor", *words, *more, stdin=f"{registry.password}\n")

    assert ended.status == 0, ended.err
    [account] = Accounts(default_paths().registries).all()
    assert (account.host, account.username) == (registry.host, registry.username)


def test_a_secret_of_several_lines_is_read_whole(
    transship: Any, scripted: ScriptedServer, tmp_path: Path
) -> None:
    key = json.dumps(KEY, indent=1)
    (tmp_path / "key.json").write_text(f"{key}\n")
    words = ("login", scripted.host, "--service", "gar", "--set", "identity=key-file", "--session")

    wants_basic(scripted)
    assert transship(*words, "--password-stdin", stdin=f"{key}\n").status == 0
    assert sent_to(scripted) == {f"_json_key:{key}"}
    wants_basic(scripted)
    assert transship(*words, "--set", f"key-file={tmp_path / 'key.json'}").status == 0
    assert sent_to(scripted) == {f"_json_key:{key}"}


def test_a_login_key_is_made_of_the_two_keys(transship: Any, scripted: ScriptedServer) -> None:
    wants_basic(scripted)
    words = ("--service", "swr", "--set", "user=cn-north-4@ACCESSKEY0001", "--session")
    more = ("--set", "identity=access-key", "--password-stdin")
    ended = transship("login", scripted.host, *words, *more, stdin="the secret key\n")

    assert ended.status == 0, ended.err
    [sent] = sent_to(scripted)
    user, _, login_key = sent.partition(":")
    assert user == "cn-north-4@ACCESSKEY0001"
    assert len(login_key) == 64


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "It isn't said which registry is meant"),
        (("--service", "artifact-hub"), "transship find"),
        (("--service", "ghcr", "--set", "secret=abc"), "which others can see"),
        (("--service", "ghcr", "--set", "colour=red"), "nothing asks for that"),
        (("--service", "ghcr", "--set", "user"), "says no answer"),
        (("--service", "acr", "--set", "identity=nobody"), "Known are principal"),
        (
            ("--service", "ecr", "--anonymous", "--set", "account=1", "--set", "region=x"),
            "12 digits",
        ),
        (("--service", "ghcr", "--from-docker", "-u", "me"), "come from elsewhere"),
        (("reg.example", "--anonymous", "--api", "https://api.example"), "HOST[:PORT]"),
    ],
)
def test_what_cannot_be_asked(transship: Any, words: tuple[str, ...], said: str) -> None:
    ended = transship("login", *words)
    assert ended.status == 2, ended.err
    assert said in ended.err


def test_the_account_of_the_api_is_kept(transship: Any, open_registry: DockerRegistry) -> None:
    host = open_registry.host
    assert transship("login", host, "--anonymous", "--api", "api.example").status == 0
    assert transship("login", host, "--anonymous", "--alias", "old").status == 0
    [account] = Accounts(default_paths().registries).all()
    assert account.api == "api.example"


def test_services_are_listed_with_their_words_and_cards(transship: Any) -> None:
    listed = transship("services")
    assert all(service.title in listed.out for service in ACCOUNTS)

    document = transship("services", "--json").document["services"]
    assert [each["kind"] for each in document] == [service.kind for service in all_services()]
    [ecr] = [each for each in document if each["kind"] == "ecr"]
    assert [each["id"] for each in ecr["questions"]] == ["account", "region", "secret"]
    assert ecr["handed_out"] == "by the AWS profile of this machine"
    assert ecr["card"]["list"]["can"] == "yes"

    shown = transship("services", "swr")
    assert "access-key: access key and secret key" in shown.out
    assert "2 or more components" in shown.out
    assert transship("services", "nonsense").status == 2


def test_a_catalogue_is_nothing_to_sign_in_to(transship: Any) -> None:
    listed = transship("services")
    assert "Artifact Hub" not in listed.out
    assert "Artifact Hub is a catalogue: `transship find`" in listed.err

    shown = transship("services", "artifact-hub")
    assert "nobody signs in" in shown.out
    assert "`transship find WORDS`" in shown.out
    assert "resume" not in shown.out, "a card is for what holds images"

    for words in (("ls", "artifacthub.io"), ("copy", "artifacthub.io/a/b", "layout:here")):
        ended = transship(*words)
        assert ended.status == 2
        assert "A catalogue, which holds no images" in ended.err
        assert "`transship find`" in ended.err
    assert transship("jobs", "--json").document == {"jobs": []}
