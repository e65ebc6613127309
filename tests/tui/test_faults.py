"""What nobody foresaw is put into words; what it quotes goes nowhere."""

from __future__ import annotations

import pytest

from fakes.engine import FakeEngine
from transship.accounts.registry_file import Account
from transship.app.application import Application
from transship.errors import BadFile, InternalFault, SystemRefused, TransshipError
from transship_tui.faults import Faults, log_path
from transship_tui.guarded import guarded

SECRET = "-".join(["correct", "horse"])


def raised(error: Exception) -> Exception:
    try:
        password = SECRET
        assert password
        raise error
    except type(error) as seen:
        return seen


def kept() -> str:
    return log_path().read_text() if log_path().exists() else ""


def test_a_fault_is_named_by_its_type_and_leads_to_the_log() -> None:
    shown = Faults().shown(raised(RuntimeError(f"it was {SECRET}")), "the app")
    assert isinstance(shown, InternalFault)
    assert str(shown) == "Transship has a fault: RuntimeError in the app"
    assert str(log_path()) in shown.remedy
    assert "in raised" in kept()
    assert "RuntimeError" in kept()
    assert SECRET not in shown.detail + shown.remedy + kept()


def test_the_log_is_for_its_owner_only() -> None:
    Faults().keep(raised(RuntimeError()))
    assert log_path().stat().st_mode & 0o777 == 0o600


def test_what_caused_it_is_kept_too() -> None:
    fault = RuntimeError()
    fault.__cause__ = raised(ExceptionGroup("all", [raised(LookupError(SECRET))]))
    Faults().keep(fault)
    assert [line for line in kept().splitlines() if line[0] not in " 2"] == [
        "RuntimeError",
        "ExceptionGroup",
        "LookupError",
    ]
    assert SECRET not in kept()


def test_what_comes_up_again_and_again_is_kept_once() -> None:
    faults = Faults()
    for _ in range(5):
        faults.shown(raised(RuntimeError()), "jobs")
    assert kept().count("RuntimeError") == 1


def test_an_error_that_caused_itself_ends() -> None:
    error = raised(RuntimeError())
    error.__cause__ = error
    Faults().keep(error)
    assert kept().count("RuntimeError") == 1


def test_where_nothing_can_be_kept_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSSHIP_HOME", "/proc/nothing")
    shown = Faults().shown(raised(RuntimeError()), "the app")
    assert "can't be kept" in shown.remedy


def test_what_the_system_refuses_is_no_fault() -> None:
    shown = Faults().shown(raised(PermissionError(13, "Permission denied", "/etc/x")), "the app")
    assert isinstance(shown, SystemRefused)
    assert shown.detail == "/etc/x: Permission denied"
    assert kept() == ""


def test_an_error_of_ours_stays_what_it_is() -> None:
    error = BadFile("plan.toml")
    assert Faults().shown(error, "the app") is error
    assert kept() == ""


@pytest.fixture
def stand_in() -> FakeEngine:
    return FakeEngine(known=[Account("old.example")], catalog={"old.example": ["a", "b"]})


@pytest.fixture
def engine(stand_in: FakeEngine) -> Application:
    return guarded(stand_in, Faults())


class TestGuarded:
    async def test_what_goes_well_goes_through(
        self, engine: Application, stand_in: FakeEngine
    ) -> None:
        assert engine.registries.all() == (Account("old.example"),)
        assert (await engine.registries.examine(Account("old.example"))).problem is None
        assert [name async for name in engine.registries.repositories("old.example")] == ["a", "b"]
        assert engine.clock is stand_in.clock

    async def test_every_kind_of_method_raises_what_can_be_shown(
        self, engine: Application, stand_in: FakeEngine
    ) -> None:
        for name in ("jobs", "examine", "repositories"):
            stand_in.failures[name] = RuntimeError(SECRET)
        with pytest.raises(InternalFault, match="RuntimeError in all_jobs"):
            engine.jobs.all()
        with pytest.raises(InternalFault, match="RuntimeError in examine"):
            await engine.registries.examine(Account("old.example"))
        with pytest.raises(InternalFault, match="RuntimeError in repositories"):
            await anext(engine.registries.repositories("old.example"))  # type: ignore[call-overload]

    async def test_our_own_errors_go_through_as_they_are(
        self, engine: Application, stand_in: FakeEngine
    ) -> None:
        error = BadFile("x")
        stand_in.failures["jobs"] = error
        with pytest.raises(TransshipError) as seen:
            engine.jobs.all()
        assert seen.value is error
        assert error.__cause__ is None

    async def test_a_listing_that_is_given_up_lets_go_of_what_it_reads_from(self) -> None:
        class Listing(FakeEngine):
            let_go = False

            async def tags(self, host: str, repository: str):  # type: ignore[no-untyped-def]
                try:
                    yield "1.0"
                finally:
                    self.let_go = True

        stand_in = Listing()
        names = guarded(stand_in, Faults()).tags("old.example", "team/web")
        assert await anext(names) == "1.0"  # type: ignore[call-overload]
        await names.aclose()  # type: ignore[attr-defined]
        assert stand_in.let_go
