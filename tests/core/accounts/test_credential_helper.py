"""Credential helpers: real programs on a PATH of the test's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from transship.accounts.docker_config import ask_helper, is_helper_name
from transship.errors import HelperFailed
from transship.registry.credential import Credential

SERVER = "registry.example.com:5000"
SECRET = "correct horse battery"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "bin").mkdir()
    return {"PATH": f"{tmp_path / 'bin'}:{os.defpath}", "FOLDER": str(tmp_path)}


def install(environ: dict[str, str], script: str, *, mode: int = 0o755) -> None:
    helper = Path(environ["FOLDER"], "bin", "docker-credential-own")
    helper.write_text(f"#!/bin/sh\n{script}\n")
    helper.chmod(mode)


async def ask(environ: dict[str, str], *, seconds: float = 20.0) -> Credential | None:
    return await ask_helper("own", SERVER, environ, seconds=seconds)


async def test_a_helper_is_asked_for_the_server_on_its_standard_input(
    environ: dict[str, str],
) -> None:
    install(
        environ,
        'echo "$@" > "$FOLDER/argv"; cat > "$FOLDER/stdin"\n'
        f"""echo '{{"ServerURL": "x", "Username": "robot", "Secret": "{SECRET}"}}'""",
    )
    assert await ask(environ) == Credential("robot", SECRET)
    assert Path(environ["FOLDER"], "argv").read_text() == "get\n"
    assert Path(environ["FOLDER"], "stdin").read_text() == SERVER


async def test_the_user_name_token_says_that_the_secret_is_an_identity_token(
    environ: dict[str, str],
) -> None:
    install(environ, """echo '{"Username": "<token>", "Secret": "refresh"}'""")
    assert await ask(environ) == Credential("<token>", "refresh", identity=True)


async def test_a_helper_does_not_see_our_own_secrets(environ: dict[str, str]) -> None:
    install(environ, 'env > "$FOLDER/env"; echo {}')
    await ask(environ | {"TRANSSHIP_OTHER_EXAMPLE_PASSWORD": SECRET})
    assert SECRET not in Path(environ["FOLDER"], "env").read_text()


async def test_a_helper_that_has_nothing_is_no_failure(environ: dict[str, str]) -> None:
    install(environ, "echo credentials not found in native keychain; exit 1")
    assert await ask(environ) is None
    install(environ, """echo '{"Username": "", "Secret": ""}'""")
    assert await ask(environ) is None


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (f"echo {SECRET}; exit 3", "status 3"),
        (f"echo {SECRET} >&2; exit 1", "status 1"),
        (f"echo {SECRET}", "not the protocol's"),
        (f"""echo '{{"Username": 3, "Secret": "{SECRET}"}}'""", "not the protocol's"),
        ("kill -9 $$", "status -9"),
    ],
)
async def test_a_helper_that_fails_is_named_and_not_quoted(
    environ: dict[str, str], script: str, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    install(environ, script)
    with pytest.raises(HelperFailed, match=f"docker-credential-own .*{why}") as caught:
        await ask(environ)
    assert SECRET not in str(caught.value)
    assert capfd.readouterr() == ("", "")


async def test_a_helper_that_is_missing_or_may_not_run_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(HelperFailed, match="docker-credential-own: No such file"):
        await ask(environ)
    install(environ, "echo {}", mode=0o644)
    with pytest.raises(HelperFailed, match="docker-credential-own: Permission denied"):
        await ask(environ)


async def test_a_helper_that_waits_is_ended_with_all_it_started(environ: dict[str, str]) -> None:
    install(environ, 'echo $$ > "$FOLDER/pid"; sleep 600; echo {}')
    with pytest.raises(HelperFailed, match=r"no answer in 0\.3 s"):
        await ask(environ, seconds=0.3)
    pid = int(Path(environ["FOLDER"], "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_helper_that_does_not_read_is_still_heard(environ: dict[str, str]) -> None:
    install(environ, f"""exec 0<&-; echo '{{"Username": "robot", "Secret": "{SECRET}"}}'""")
    assert await ask(environ) == Credential("robot", SECRET)


@pytest.mark.parametrize("name", ["pass", "osxkeychain", "desktop.exe", "ecr-login", "gcr_2"])
def test_a_helper_has_a_plain_name(name: str) -> None:
    assert is_helper_name(name)


@pytest.mark.parametrize("name", ["", "../evil", "a/b", "a\\b", ".hidden", "-x", "a b", "a\n"])
def test_a_name_that_leads_elsewhere_is_no_helper(name: str) -> None:
    assert not is_helper_name(name)
