"""The guide follows from facts, and only from facts."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from transship.guide import Progress, Step, World, next_step, rail, why_not

HOSTS = ("old.example", "new.example")
CHOSEN = World(accounts=HOSTS, source=HOSTS[0], target=HOSTS[1], chosen=3)

worlds = st.builds(
    World,
    accounts=st.sampled_from([(), HOSTS[:1], HOSTS]),
    source=st.sampled_from(["", *HOSTS]),
    target=st.sampled_from(["", *HOSTS]),
    chosen=st.integers(0, 3),
    previewed=st.booleans(),
    job_state=st.sampled_from(
        ["", "waiting", "running", "paused", "interrupted", "done", "failed", "cancelled"]
    ),
    proven=st.booleans(),
    cutover_done=st.booleans(),
)


def test_a_newcomer_begins_with_the_source() -> None:
    step = next_step(World())
    assert step.step is Step.SOURCE
    assert "where the images are now" in step.waits_for


def test_source_and_target_must_differ() -> None:
    world = World(accounts=HOSTS, source=HOSTS[0], target=HOSTS[0])
    assert next_step(world).step is Step.TARGET


def test_an_account_that_was_removed_is_asked_for_again() -> None:
    assert next_step(replace(CHOSEN, accounts=HOSTS[1:])).step is Step.SOURCE


def test_the_steps_follow_one_another_to_the_cutover() -> None:
    walk = [
        World(),
        World(accounts=HOSTS, source=HOSTS[0]),
        replace(CHOSEN, chosen=0),
        CHOSEN,
        replace(CHOSEN, previewed=True),
        replace(CHOSEN, job_state="done"),
        replace(CHOSEN, job_state="done", proven=True),
    ]
    assert [next_step(world).step for world in walk] == list(Step)


def test_the_last_step_says_what_the_domain_waits_for() -> None:
    proven = replace(CHOSEN, job_state="done", proven=True)
    assert next_step(proven).waits_for == "Move the domain when you are ready."
    waits = replace(proven, cutover_waits="images.example.com waits for 2 things.")
    assert next_step(waits).waits_for == "images.example.com waits for 2 things."


def test_a_job_that_failed_in_part_is_the_step_until_it_is_retried() -> None:
    step = next_step(replace(CHOSEN, job_state="failed"))
    assert step.step is Step.RUN
    assert "retry" in step.waits_for


def test_after_a_crash_the_guide_stands_where_the_job_is() -> None:
    step = next_step(replace(CHOSEN, chosen=0, job_state="interrupted"))
    assert step.step is Step.RUN
    assert "resume" in step.waits_for


@given(worlds)
def test_everything_before_the_step_is_done_and_everything_after_it_waits(world: World) -> None:
    now = next_step(world).step
    states = dict(rail(world))
    before = list(Step)[: list(Step).index(now)]
    after = list(Step)[list(Step).index(now) + 1 :]
    assert all(states[step] is Progress.DONE for step in before)
    assert all(states[step] is Progress.LATER for step in after)


@given(worlds, st.sampled_from(list(Step)))
def test_a_step_that_can_be_taken_gives_no_reason_and_any_other_one_does(
    world: World, step: Step
) -> None:
    now = next_step(world).step
    can_be_taken = list(Step).index(step) <= list(Step).index(now)
    assert (why_not(world, step) == "") is can_be_taken
