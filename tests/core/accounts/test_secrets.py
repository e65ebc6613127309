from __future__ import annotations

import pytest

from transship.accounts.secrets import (
    FoundSecret,
    SecretStatus,
    SessionStore,
    credential_of,
    status_of,
)
from transship.errors import (
    KeyringAbsent,
    KeyringFailed,
    KeyringHung,
    KeyringInsecure,
    KeyringLocked,
    TransshipError,
)


async def test_a_session_keeps_secrets_by_host_and_user() -> None:
    store = SessionStore()
    await store.set("a.example", "robot", "one")
    await store.set("a.example", "person", "two")
    assert await store.get("a.example", "robot") == "one"
    assert await store.get("b.example", "robot") is None
    assert await store.delete("a.example", "robot")
    assert not await store.delete("a.example", "robot")
    assert await store.get("a.example", "robot") is None
    assert await store.get("a.example", "person") == "two"
    assert await store.probe() == SecretStatus("ok")


async def test_no_secret_is_in_a_repr() -> None:
    store = SessionStore()
    await store.set("a.example", "robot", "s3cret")
    assert "s3cret" not in repr(store)
    assert "s3cret" not in repr(FoundSecret(credential_of("robot", "s3cret"), "session"))


def test_the_user_name_tells_an_identity_token() -> None:
    assert credential_of("<token>", "refresh").identity
    assert not credential_of("robot", "s3cret").identity


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (KeyringLocked(), "locked"),
        (KeyringHung("No answer in 5 s"), "hung"),
        (KeyringAbsent(), "absent"),
        (KeyringInsecure("keyrings.alt"), "insecure"),
        (KeyringFailed("OSError"), "failed"),
    ],
)
def test_a_status_says_what_happened_and_what_to_do(error: TransshipError, state: str) -> None:
    status = status_of(error)
    assert status.state == state
    assert (status.title, status.detail) == (error.title, error.detail)
    assert status.remedy
