from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.registry.http.authentication import Challenge, parse_challenges

HUB = (
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
    'scope="repository:library/web:pull,push registry:catalog:*"'
)


def test_a_bearer_challenge_keeps_the_commas_of_its_scope() -> None:
    assert parse_challenges([HUB]) == (
        Challenge(
            "bearer",
            realm="https://auth.docker.io/token",
            service="registry.docker.io",
            scope="repository:library/web:pull,push registry:catalog:*",
        ),
    )


def test_the_error_of_a_token_is_read() -> None:
    (challenge,) = parse_challenges(['Bearer realm="r",error="insufficient_scope"'])
    assert challenge.error == "insufficient_scope"


@pytest.mark.parametrize(
    "fields",
    [
        ['Basic realm="files", Bearer realm="/token"'],
        ['Basic realm="files"', 'Bearer realm="/token"'],
        ['basic   REALM = "files" ,, BEARER\trealm="/token"'],
        [", ,Basic realm=files , Bearer realm=/token,"],
    ],
    ids=["one field", "two fields", "spaces and cases", "bare values"],
)
def test_several_challenges_are_found_in_one_field_and_in_several(fields: list[str]) -> None:
    assert parse_challenges(fields) == (
        Challenge("basic", realm="files"),
        Challenge("bearer", realm="/token"),
    )


def test_the_example_of_the_specification() -> None:
    field = 'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\", now"'
    assert [(c.scheme, c.realm) for c in parse_challenges([field])] == [
        ("basic", "simple"),
        ("newauth", "apps"),
    ]


@pytest.mark.parametrize(
    ("field", "schemes"),
    [
        ('Negotiate, Basic realm="x"', ["negotiate", "basic"]),
        ('Negotiate YWJjZA==, Basic realm="x"', ["negotiate", "basic"]),
        ('Negotiate a.b/c+d~e, Basic realm="x"', ["negotiate", "basic"]),
        ('NTLM , Basic realm="x"', ["ntlm", "basic"]),
        ("Negotiate , Basic", ["negotiate", "basic"]),
        ("Bearer", ["bearer"]),
    ],
)
def test_schemes_without_parameters_stand_between_others(field: str, schemes: list[str]) -> None:
    assert [challenge.scheme for challenge in parse_challenges([field])] == schemes


@pytest.mark.parametrize(
    "garbage",
    ['="x"', 'realm="a,b"', '"', "Bearer realm=", 'Digest nonce="never closed', "???", "a=b=c"],
)
def test_what_cannot_be_read_does_not_hide_what_follows(garbage: str) -> None:
    assert Challenge("basic", realm="x") in parse_challenges([garbage, 'Basic realm="x"'])


def test_servers_that_forget_quotes_and_commas_are_understood() -> None:
    field = 'Bearer realm=https://auth.example/token?a=b service="s"  scope=repository:x:pull'
    assert parse_challenges([field]) == (
        Challenge("bearer", "https://auth.example/token?a=b", "s", "repository:x:pull"),
    )


def test_a_parameter_that_comes_twice_counts_once() -> None:
    assert parse_challenges(['Basic realm="first", realm="second"'])[0].realm == "first"


quotable = st.text(st.characters(min_codepoint=32, max_codepoint=126))
challenges = st.builds(
    Challenge,
    scheme=st.from_regex(r"[a-z][a-z0-9-]*", fullmatch=True),
    realm=quotable,
    service=quotable,
    scope=quotable,
    error=quotable,
)


def written(challenge: Challenge) -> str:
    parameters = []
    for name in ("realm", "service", "scope", "error"):
        value = getattr(challenge, name).replace("\\", "\\\\").replace('"', '\\"')
        parameters.append(f'{name}="{value}"')
    return f"{challenge.scheme} {', '.join(parameters)}"


@given(st.lists(st.lists(challenges, max_size=3), max_size=3))
def test_every_list_of_challenges_can_be_written_and_read(fields: list[list[Challenge]]) -> None:
    lines = [", ".join(written(challenge) for challenge in field) for field in fields]
    assert parse_challenges(lines) == tuple(c for field in fields for c in field)


@given(st.text())
def test_nothing_that_a_server_sends_is_an_error(value: str) -> None:
    parse_challenges([value])
