from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.accounts.secrets import environment_credential, variables_of
from transship.errors import SecretUnavailable
from transship.registry.access import without_secrets
from transship.registry.credential import Credential

HOST = "registry.example.com:5000"
USERNAME = "TRANSSHIP_REGISTRY_EXAMPLE_COM_5000_USERNAME"
PASSWORD = "TRANSSHIP_REGISTRY_EXAMPLE_COM_5000_PASSWORD"


def test_the_variables_carry_the_host_in_their_names() -> None:
    assert variables_of(HOST) == (USERNAME, PASSWORD)
    assert variables_of("docker.io") == (
        "TRANSSHIP_DOCKER_IO_USERNAME",
        "TRANSSHIP_DOCKER_IO_PASSWORD",
    )


@given(st.from_regex(r"[A-Za-z0-9\[\].:-]+", fullmatch=True))
def test_every_host_has_variables_that_a_shell_can_set(host: str) -> None:
    for name in variables_of(host):
        assert re.fullmatch(r"[A-Z_][A-Z0-9_]*", name)
    assert variables_of(host) == variables_of(host.lower())
    assert variables_of(host)[1] not in without_secrets({variables_of(host)[1]: "secret"})


def test_both_variables_make_a_credential() -> None:
    found = environment_credential(HOST, {USERNAME: "ci", PASSWORD: "s3cret"})
    assert found == Credential("ci", "s3cret")


def test_an_identity_token_is_told_from_a_password() -> None:
    found = environment_credential(HOST, {USERNAME: "<token>", PASSWORD: "refresh"})
    assert found == Credential("<token>", "refresh", identity=True)


def test_the_account_gives_the_user_name_unless_the_environment_does() -> None:
    only_password = {PASSWORD: "s3cret"}
    found = environment_credential(HOST, only_password, username="robot")
    assert found == Credential("robot", "s3cret")
    found = environment_credential(HOST, only_password | {USERNAME: "ci"}, username="robot")
    assert found == Credential("ci", "s3cret")


@pytest.mark.parametrize("environ", [{}, {USERNAME: "", PASSWORD: ""}, {"PASSWORD": "other"}])
def test_without_variables_there_is_no_credential(environ: dict[str, str]) -> None:
    assert environment_credential(HOST, environ, username="robot") is None


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({PASSWORD: "s3cret"}, USERNAME),
        ({USERNAME: "ci"}, PASSWORD),
        ({USERNAME: "ci", PASSWORD: ""}, PASSWORD),
    ],
)
def test_half_a_credential_is_a_mistake_that_is_named(
    environ: dict[str, str], missing: str
) -> None:
    with pytest.raises(SecretUnavailable, match=f"{missing} is not") as caught:
        environment_credential(HOST, environ)
    assert "s3cret" not in str(caught.value)


def test_a_child_gets_the_environment_without_the_secrets() -> None:
    environ = {PASSWORD: "s3cret", USERNAME: "ci", "PATH": "/bin", "TRANSSHIP_HOME": "/srv"}
    assert without_secrets(environ) == {
        USERNAME: "ci",
        "PATH": "/bin",
        "TRANSSHIP_HOME": "/srv",
    }
