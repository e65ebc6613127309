"""What docker and podman have written, read with the meaning that they give it."""

from __future__ import annotations

import base64
import json
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import FoundSecret
from transship.errors import BadFile, HelperFailed
from transship.registry.credential import Credential

HOST = "registry.example.com"
SECRET = "correct:horse battery"

Write = Callable[..., Path]


def auth(username: str = "robot", secret: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{secret}".encode()).decode()}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "somebody"


@pytest.fixture
def write(home: Path) -> Write:
    def write(content: Any, path: str = ".docker/config.json") -> Path:
        file = home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    return write


@pytest.fixture
def helper(home: Path) -> Callable[[str, dict[str, str]], None]:
    """Install a helper that has the given secrets of user `helped`, by server."""

    def install(name: str, secrets: dict[str, str]) -> None:
        cases = "".join(
            f"""'{server}') echo '{{"Username": "helped", "Secret": "{secret}"}}';;\n"""
            for server, secret in secrets.items()
        )
        program = home / "bin" / f"docker-credential-{name}"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(
            f"#!/bin/sh\ncase $(cat) in\n{cases}"
            "*) echo credentials not found in native keychain; exit 1;;\nesac\n"
        )
        program.chmod(0o755)

    return install


async def find(home: Path, host: str = HOST, repository: str = "", **environ: str) -> FoundSecret:
    environ["PATH"] = f"{home / 'bin'}:{os.defpath}"
    return await DockerConfig(environ, home=home).find(host, repository)


async def test_without_files_nothing_is_found(home: Path) -> None:
    assert await find(home) == FoundSecret()


async def test_a_written_login_is_found_with_the_file_it_is_from(home: Path, write: Write) -> None:
    file = write({"auths": {HOST: auth(), "other.example": auth("other")}})
    assert await find(home) == FoundSecret(Credential("robot", SECRET), "docker", f"from {file}")
    assert (await find(home, "other.example")).credential == Credential("other", SECRET)
    assert (await find(home, "third.example")).credential is None


@pytest.mark.parametrize(
    "key",
    [
        HOST,
        HOST.upper(),
        f"https://{HOST}",
        f"https://{HOST}/v1/",
        f"http://{HOST}/v2/",
        f"{HOST}/v2/",
    ],
)
async def test_a_host_is_known_in_all_the_ways_docker_has_written_it(
    home: Path, write: Write, key: str
) -> None:
    write({"auths": {key: auth()}})
    assert (await find(home)).credential == Credential("robot", SECRET)
    assert (await find(home, f"{HOST}:5000")).credential is None


@pytest.mark.parametrize(
    "key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"]
)
async def test_docker_hub_is_known_by_all_its_names(home: Path, write: Write, key: str) -> None:
    write({"auths": {key: auth()}})
    assert (await find(home, "docker.io", "library/debian")).credential is not None
    assert (await find(home, HOST)).credential is None


async def test_the_plain_key_goes_before_the_old_one(home: Path, write: Write) -> None:
    write({"auths": {f"https://{HOST}/v1/": auth("old"), HOST: auth("new")}})
    assert (await find(home)).credential == Credential("new", SECRET)
    write({"auths": {HOST: auth("new"), f"https://{HOST}/v1/": auth("old")}})
    assert (await find(home)).credential == Credential("new", SECRET)


async def test_the_longest_part_of_the_repository_wins(home: Path, write: Write) -> None:
    write(
        {
            "auths": {
                HOST: auth("host"),
                f"{HOST}/team": auth("team"),
                f"{HOST}/team/web": auth("web"),
            }
        }
    )
    for repository, username in {
        "": "host",
        "teams": "host",
        "other/team": "host",
        "team": "team",
        "team/api": "team",
        "team/web": "web",
        "team/web/base": "web",
        "team/website": "team",
    }.items():
        credential = (await find(home, HOST, repository)).credential
        assert credential == Credential(username, SECRET), repository


async def test_a_namespace_of_another_host_is_not_ours(home: Path, write: Write) -> None:
    write({"auths": {f"{HOST}/team": auth()}})
    assert (await find(home, HOST)).credential is None
    assert (await find(home, HOST, "other")).credential is None
    assert (await find(home, "example.com", "team")).credential is None


async def test_an_identity_token_is_one(home: Path, write: Write) -> None:
    write({"auths": {HOST: auth("robot", "") | {"identitytoken": "refresh"}}})
    assert (await find(home)).credential == Credential("robot", "refresh", identity=True)


async def test_user_and_password_in_the_clear_are_read_too(home: Path, write: Write) -> None:
    write({"auths": {HOST: {"username": "robot", "password": SECRET}}})
    assert (await find(home)).credential == Credential("robot", SECRET)


async def test_a_registry_token_is_left_out_and_said_so(home: Path, write: Write) -> None:
    file = write({"auths": {HOST: {"registrytoken": SECRET}}})
    found = await find(home)
    assert found.credential is None
    assert str(file) in found.note
    assert "registrytoken" in found.note
    assert SECRET not in found.note


async def test_files_are_asked_in_the_order_of_containers(home: Path, write: Write) -> None:
    places = {
        "override/auth.json": {"REGISTRY_AUTH_FILE": str(home / "override/auth.json")},
        "run/containers/auth.json": {"XDG_RUNTIME_DIR": str(home / "run")},
        ".config/containers/auth.json": {},
        "elsewhere/config.json": {"DOCKER_CONFIG": str(home / "elsewhere")},
    }
    environ = {name: value for place in places.values() for name, value in place.items()}
    for place in reversed(places):
        write({"auths": {HOST: auth(place)}}, place)
        assert (await find(home, **environ)).credential == Credential(place, SECRET)
    write({"auths": {}}, "override/auth.json")
    found = await find(home, **environ)
    assert found.credential == Credential("run/containers/auth.json", SECRET)


async def test_a_moved_docker_config_hides_the_one_at_home(home: Path, write: Write) -> None:
    write({"auths": {HOST: auth()}})
    assert (await find(home, DOCKER_CONFIG=str(home / "elsewhere"))).credential is None


async def test_the_hosts_own_helper_goes_before_all_else(
    home: Path, write: Write, helper: Callable[..., None]
) -> None:
    helper("own", {HOST: "from own"})
    helper("all", {HOST: "from all"})
    write({"auths": {HOST: auth()}, "credHelpers": {HOST: "own"}, "credsStore": "all"})
    assert await find(home) == FoundSecret(
        Credential("helped", "from own"), "docker", "from docker-credential-own"
    )


async def test_a_helper_without_the_secret_lets_the_next_source_answer(
    home: Path, write: Write, helper: Callable[..., None]
) -> None:
    helper("own", {})
    helper("all", {"second.example": "from all"})
    helpers = {HOST: "own", "second.example": "own", "third.example": "own"}
    write({"auths": {HOST: auth()}, "credHelpers": helpers, "credsStore": "all"})
    assert (await find(home)).credential == Credential("robot", SECRET)
    assert (await find(home, "second.example")).credential == Credential("helped", "from all")
    assert await find(home, "third.example") == FoundSecret()


async def test_a_store_is_asked_for_hosts_that_the_file_does_not_list(
    home: Path, write: Write, helper: Callable[..., None]
) -> None:
    helper("all", {HOST: "from all"})
    write({"credsStore": "all"})
    assert (await find(home)).credential == Credential("helped", "from all")


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "index.docker.io", "docker.io"])
async def test_helpers_know_docker_hub_by_its_old_address(
    home: Path, write: Write, helper: Callable[..., None], key: str
) -> None:
    helper("own", {"https://index.docker.io/v1/": "from own"})
    write({"credHelpers": {key: "own"}})
    assert (await find(home, "docker.io")).credential == Credential("helped", "from own")


async def test_a_helper_that_is_missing_is_a_failure(home: Path, write: Write) -> None:
    write({"auths": {HOST: auth()}, "credsStore": "gone"})
    with pytest.raises(HelperFailed, match="docker-credential-gone"):
        await find(home)


@pytest.mark.parametrize(
    ("config", "place"),
    [({"credsStore": "../evil"}, "credsStore"), ({"credHelpers": {HOST: "a/b"}}, "credHelpers")],
)
async def test_a_helper_is_never_a_path(
    home: Path, write: Write, config: dict[str, Any], place: str
) -> None:
    write(config)
    with pytest.raises(BadFile, match=place):
        await find(home)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (f'{{"auths": {{"{HOST}": {{"auth": "{SECRET}"', "JSON|truncated"),
        (f'["{SECRET}"]', "object"),
        ({"auths": {HOST: {"auth": 5, "password": SECRET}}}, r"\$\.auths\[\.\.\.\]\.auth"),
        ({"auths": {HOST: {"auth": SECRET}}}, rf'auths\."{HOST}"\.auth.*base64'),
        ({"auths": {HOST: {"auth": "////"}}}, rf'auths\."{HOST}"\.auth.*base64'),
        (
            {"auths": {HOST: {"auth": base64.b64encode(b"correct horse").decode()}}},
            rf'auths\."{HOST}"\.auth.*colon',
        ),
        ({"credsStore": [SECRET]}, r"\$\.credsStore"),
    ],
)
async def test_a_spoiled_file_is_named_with_the_place_and_never_quoted(
    home: Path, write: Write, content: Any, place: str
) -> None:
    file = write(content)
    with pytest.raises(BadFile, match=place) as caught:
        await find(home)
    assert str(file) in caught.value.detail
    for secret in (SECRET, "correct horse", "////", base64.b64encode(b"correct horse").decode()):
        assert secret not in str(caught.value)
    assert "correct horse" not in "".join(traceback.format_exception(caught.value))


async def test_a_spoiled_entry_of_another_host_is_no_concern(home: Path, write: Write) -> None:
    write({"auths": {HOST: auth(), "other.example": {"auth": "!"}}})
    assert (await find(home)).credential == Credential("robot", SECRET)


async def test_what_docker_keeps_beside_is_ignored(home: Path, write: Write) -> None:
    write(
        {
            "auths": {HOST: auth() | {"email": "a@example.com"}, "empty.example": {}},
            "credHelpers": None,
            "HttpHeaders": {"User-Agent": "x"},
            "plugins": {},
        }
    )
    assert (await find(home)).credential == Credential("robot", SECRET)
    assert await find(home, "empty.example") == FoundSecret()


async def test_a_file_in_the_way_of_the_folder_is_no_file(home: Path, write: Write) -> None:
    write("", ".docker")
    assert await find(home) == FoundSecret()
