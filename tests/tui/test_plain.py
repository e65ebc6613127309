"""The guide in plain lines: what is asked, what is said, and what is done about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.engine import FakeEngine
from fakes.jobs import job_view
from fakes.script import Script
from transship.accounts.registry_file import Account
from transship.accounts.secrets import SecretStatus
from transship.errors import NameNotFound, WrongCredential
from transship.oci.digest import digest_of
from transship.oci.reference import parse_reference
from transship.transfers.copies import Copy, JobState, Verdict, Worklist
from transship.transfers.verify import Problem, Proof, ProofDifference
from transship_tui.plain import PlainGuide, Terminal

OLD, NEW = Account("old.example", alias="old"), Account("new.example", alias="new")


def copy(verdict: Verdict = Verdict.COPY, tag: str = "1.4", reason: str = "") -> Copy:
    return Copy(
        id=1,
        source=parse_reference(f"old.example/team/web:{tag}"),
        target=parse_reference(f"new.example/team/web:{tag}"),
        digest=digest_of(tag.encode()),
        previous=None,
        verdict=verdict,
        reason=reason,
    )


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine(known=[OLD, NEW], catalog={"old.example": ["team/api", "team/web"]})
    engine.worklist = Worklist((copy(),), (), {})
    engine.proof = Proof(1, 1, 2, 0, deep=False, differences=())
    engine.views = [job_view("job1", JobState.DONE)]
    return engine


async def test_a_newcomer_walks_from_the_first_question_to_the_proof(engine: FakeEngine) -> None:
    script = Script(["1", "2", "2", "", "yes"])

    status = await PlainGuide(engine, script.terminal()).run()

    assert status == 0
    (plan,) = engine.started
    assert str(plan.copies[0].source) == "old.example/team/web"
    assert str(plan.copies[0].target) == "new.example/team/web"
    assert "copy: 1" in script.text
    assert "proven" in script.text


async def test_empty_answers_take_the_first_registry_and_then_another(engine: FakeEngine) -> None:
    script = Script(["", "", "q"])

    await PlainGuide(engine, script.terminal()).run()

    assert script.text.count("Step 2, target") == 1
    assert "host of another registry [2]" in script.text
    assert "Step 3, choose" in script.text


async def test_who_leaves_a_demo_is_not_sent_back_to_it(engine: FakeEngine) -> None:
    script = Script(["q"])

    await PlainGuide(engine, script.terminal(), farewell="It is gone.").run()

    assert "It is gone." in script.text
    assert "Start again" not in script.text


async def test_nothing_starts_without_a_yes(engine: FakeEngine) -> None:
    script = Script(["1", "2", "team/web:1.4", "mirror/web", ""])

    status = await PlainGuide(engine, script.terminal()).run()

    assert status == 130
    assert engine.started == []
    assert "Nothing is lost" in script.text


async def test_no_to_the_start_leads_back_to_the_choice_of_images(engine: FakeEngine) -> None:
    script = Script(["1", "2", "2", "", "no", "1", "", "yes"])

    status = await PlainGuide(engine, script.terminal()).run()

    assert status == 0
    (plan,) = engine.started
    assert str(plan.copies[0].source) == "old.example/team/api"


async def test_a_secret_that_is_gone_is_asked_for_until_it_is_right(engine: FakeEngine) -> None:
    engine.known = [OLD, Account("new.example", username="alice", secret_source="session")]
    engine.without_secret = {"new.example"}
    secrets: list[str] = ["wrong", "right"]
    script = Script(["1", "2", "2", "", "yes"])

    def type_secret(question: str) -> str:
        script.said.append(question)
        secret = secrets.pop(0)
        engine.failures.pop("sign_in", None)
        if secret == "wrong":
            engine.failures["sign_in"] = WrongCredential("401")
        return secret

    guide = PlainGuide(engine, Terminal(script.ask, type_secret, script.said.append))
    status = await guide.run()

    assert status == 0
    assert secrets == []
    assert "alice" in script.text
    assert f"Error: {WrongCredential.title}" in script.text
    assert len(engine.started) == 1


async def test_a_registry_whose_secret_nobody_knows_makes_room_for_another(
    engine: FakeEngine,
) -> None:
    engine.known = [OLD, replace(NEW, username="alice", secret_source="session")]
    engine.without_secret = {"new.example"}
    script = Script(["1", "2", "2", "", "", "q"])

    assert await PlainGuide(engine, script.terminal()).run() == 130

    assert script.text.count("Step 2, target") == 2
    assert engine.started == []


async def test_the_end_of_the_input_leaves_in_peace(engine: FakeEngine) -> None:
    assert await PlainGuide(engine, Script([]).terminal()).run() == 130


async def test_a_registry_can_be_added_on_the_way(engine: FakeEngine) -> None:
    engine.known = [OLD]
    script = Script(["1", "new.example:5000", "alice", "a secret", "q"])

    await PlainGuide(engine, script.terminal()).run()

    added = engine.known[-1]
    assert (added.host, added.username, added.secret_source) == (
        "new.example:5000",
        "alice",
        "keyring",
    )


async def test_a_locked_keyring_is_said_and_never_passed_over(engine: FakeEngine) -> None:
    engine.known = [OLD]
    engine.keyring_status = SecretStatus("locked", "The keyring is locked", "", "Unlock it.")
    script = Script(["1", "new.example", "alice", "a secret", "no"])

    status = await PlainGuide(engine, script.terminal()).run()

    assert status == 130
    assert "The keyring is locked. Unlock it." in script.text
    assert engine.known == [OLD]


async def test_an_error_is_said_with_its_remedy_and_the_step_asked_again(
    engine: FakeEngine,
) -> None:
    engine.failures["repositories"] = NameNotFound("old.example")
    script = Script(["1", "2", "", "q"])

    await PlainGuide(engine, script.terminal()).run()

    assert "Error: Host name not found" in script.text
    assert NameNotFound().remedy in script.text
    assert script.text.count("Step 3") == 2


async def test_what_would_be_overwritten_is_named_before_anything_moves(
    engine: FakeEngine,
) -> None:
    engine.worklist = Worklist((copy(Verdict.OVERWRITE, reason="the target has x"),), (), {})
    script = Script(["1", "2", "2", ""])

    await PlainGuide(engine, script.terminal()).run()

    assert "overwrite: new.example/team/web:1.4, the target has x" in script.text
    assert engine.started == []


async def test_what_is_missing_is_named_and_can_be_copied_again(engine: FakeEngine) -> None:
    missing = copy()
    engine.proof = Proof(
        1,
        0,
        0,
        0,
        deep=False,
        differences=(
            ProofDifference(missing.source, missing.target, Problem.MISSING, "not there"),
        ),
    )
    script = Script(["1", "2", "2", "", "yes", "no"])

    assert await PlainGuide(engine, script.terminal()).run() == 130
    assert "missing: new.example/team/web:1.4, not there" in script.text


async def test_names_from_a_registry_can_not_steer_the_terminal(engine: FakeEngine) -> None:
    engine.catalog["old.example"] = ["web\x1b]52;c;aGk=\x07\u202e"]
    script = Script(["1", "2", "q"])

    await PlainGuide(engine, script.terminal()).run()

    assert "\x1b" not in script.text
    assert "\u202e" not in script.text
