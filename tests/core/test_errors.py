"""Every error tells an operator what happened and what to do."""

from __future__ import annotations

import inspect
import re

import pytest

from transship import errors
from transship.errors import CheckFailed, RateLimited, ServerFailed, TransshipError, UsageError

_BASES = (TransshipError, UsageError, CheckFailed)
CAUSES = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, TransshipError) and found not in _BASES
]


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.__name__)
class TestEachCause:
    def test_has_a_title_and_a_remedy_of_its_own(self, cause: type[TransshipError]) -> None:
        assert "title" in vars(cause)
        assert "remedy" in vars(cause)
        assert re.fullmatch(r"[A-Z][^.]*[^. ]", cause.title)
        assert re.fullmatch(r"(`|[A-Z]).*\.", cause.remedy)

    def test_has_a_name_for_journals(self, cause: type[TransshipError]) -> None:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cause("detail").cause)

    def test_says_in_one_line_what_and_where(self, cause: type[TransshipError]) -> None:
        assert str(cause("old.example")) == f"{cause.title}: old.example"
        assert str(cause()) == cause.title

    def test_ends_a_line_command_as_the_manual_says(self, cause: type[TransshipError]) -> None:
        stopped = 3 if issubclass(cause, CheckFailed) else 1
        assert cause.exit_status == (2 if issubclass(cause, UsageError) else stopped)


@pytest.mark.parametrize("words", ["title", "remedy"])
def test_no_two_causes_sound_alike(words: str) -> None:
    said = [getattr(cause, words) for cause in CAUSES]

    assert sorted(said) == sorted(set(said))


def test_causes_are_told_apart_by_name() -> None:
    names = {cause().cause for cause in CAUSES}

    assert len(names) == len(CAUSES)
    assert {"rate-limited", "not-a-layout", "no-right", "tag-conflict"} <= names


def test_what_a_registry_says_can_not_steer_the_terminal() -> None:
    error = errors.ManifestRejected("no\x1b[2J\u202e!", remedy="ask\x07again")

    assert error.detail == "no [2J !"
    assert error.remedy == "ask again"
    assert error.args == ("no [2J !",)


def test_a_remedy_that_fits_better_takes_the_place_of_the_usual_one() -> None:
    usual = errors.NoRight.remedy

    assert errors.NoRight("x", remedy="Run it as root.").remedy == "Run it as root."
    assert errors.NoRight("x").remedy == usual


@pytest.mark.parametrize("cause", [RateLimited, ServerFailed])
def test_how_long_to_wait_is_kept(cause: type[RateLimited | ServerFailed]) -> None:
    assert cause("busy", retry_after=2.5).retry_after == 2.5
    assert cause("busy").retry_after is None
    assert cause.retryable


@pytest.mark.parametrize(
    "cause", [errors.ConnectionLost, errors.TimedOut, errors.DigestMismatch, errors.UploadLost]
)
def test_what_may_pass_is_tried_again(cause: type[TransshipError]) -> None:
    assert cause.retryable


@pytest.mark.parametrize(
    "cause",
    [errors.WrongCredential, errors.NoRight, errors.ManifestNotFound, errors.QuotaExceeded]
    + [cause for cause in CAUSES if issubclass(cause, UsageError)],
)
def test_what_stays_as_it_is_is_not(cause: type[TransshipError]) -> None:
    assert not cause.retryable
