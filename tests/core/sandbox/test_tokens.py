from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.clock import SystemClock
from transship.sandbox.registry_server import CATALOG, Tokens, parse_scopes, repository_scope

USERS = {"demo": "a secret"}
PULL = repository_scope("team/web", "pull")
PUSH = repository_scope("team/web", "pull", "push")


@pytest.fixture
def tokens(clock: Any) -> Tokens:
    return Tokens(USERS, lifetime=60, clock=clock)


def test_only_the_right_password_makes_a_user(tokens: Tokens) -> None:
    assert tokens.is_user("demo", "a secret")
    assert not tokens.is_user("demo", "another")
    assert not tokens.is_user("demo", "")
    assert not tokens.is_user("nobody", "")
    assert not tokens.is_user("", "")


def test_a_token_allows_what_was_asked_for_and_no_more(tokens: Tokens) -> None:
    note = tokens.read_access(tokens.access("demo", [PULL]))

    assert note is not None
    assert note.allows([PULL])
    assert not note.allows([PUSH])
    assert not note.allows([PULL, CATALOG])
    assert not note.allows([repository_scope("team/api", "pull")])


def test_a_star_allows_every_action(tokens: Tokens) -> None:
    note = tokens.read_access(tokens.access("demo", [repository_scope("team/web", "*")]))

    assert note is not None
    assert note.allows([PUSH, repository_scope("team/web", "delete")])


def test_a_token_ends(tokens: Tokens, clock: Any) -> None:
    token = tokens.access("demo", [PULL])

    clock.time += 59
    assert tokens.read_access(token) is not None
    clock.time += 1
    assert tokens.read_access(token) is None


def test_anonymous_may_do_nothing(tokens: Tokens) -> None:
    note = tokens.read_access(tokens.access("", [PULL]))

    assert note is not None
    assert note.allows([])
    assert not note.allows([PULL])


def test_a_refresh_token_stands_for_its_user_and_opens_nothing(tokens: Tokens) -> None:
    refresh = tokens.refresh("demo")

    assert tokens.read_refresh(refresh) == "demo"
    assert tokens.read_access(refresh) is None
    assert tokens.read_refresh(tokens.access("demo", [PULL])) is None


def test_a_token_of_another_registry_is_none(tokens: Tokens, clock: Any) -> None:
    other = Tokens(USERS, lifetime=60, clock=clock)

    assert tokens.read_access(other.access("demo", [PULL])) is None


@given(token=st.text(), at=st.integers(0, 100), character=st.characters(codec="ascii"))
def test_a_token_that_was_touched_is_none(token: str, at: int, character: str) -> None:
    tokens = Tokens(USERS, lifetime=60, clock=SystemClock())
    whole = tokens.access("demo", [PULL])
    touched = whole[:at] + character + whole[at + 1 :]

    assert tokens.read_access(token) is None
    assert (tokens.read_access(touched) is not None) == (touched == whole)


def test_scopes_of_one_repository_are_one() -> None:
    text = "repository:team/web:pull registry:catalog:* repository:team/web:push"

    assert [str(scope) for scope in parse_scopes(text)] == [
        "repository:team/web:pull,push",
        "registry:catalog:*",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "repository",
        "repository:team/web",
        "repository:Team:pull",
        "repository:../etc:pull",
        "repository:team/web:read",
        "registry:catalog:pull",
        "repository(plugin):team/web:pull",
    ],
)
def test_what_is_no_scope_here_is_left_out(text: str) -> None:
    assert parse_scopes(text) == []
