"""How far a cutover is, told from what was served and seen alone."""

from __future__ import annotations

import pytest

from transship.cutover.domain import Domain, Subject
from transship.cutover.evidence import Evidence, Statement
from transship.cutover.progress import CutoverProgress, CutoverState, assess_progress
from transship.cutover.rules.case import Case, Side
from transship.cutover.timeline import Sample, Served

NOW = 10_000.0
OLD, NEW = ("registry.old.example.",), ("registry.new.example.",)
NONE: tuple[str, ...] = ()
SUBJECT = Subject(Domain("images.example.com"), "registry.new.example")


def seen(
    *history: Served, samples: tuple[Sample, ...] = (), now: float = NOW, before: str = ""
) -> CutoverProgress:
    said = (Statement("ttl-before", before, 1.0),) if before else ()
    return assess_progress(Case(SUBJECT, Evidence(0.0, statements=said), now, history, samples))


def served(
    values: tuple[str, ...], first: float, last: float, ttl: int = 60, server: str = "ns1"
) -> Served:
    return Served(server, values, ttl, NOW + first, NOW + last)


def answers(values: tuple[str, ...], *at: float, ttl: int = 5, by: str = "r") -> tuple[Sample, ...]:
    return tuple(Sample(by, values, ttl, NOW + each) for each in at)


def test_nobody_has_looked() -> None:
    found = seen()

    assert (found.state, found.waits, found.servers) == (CutoverState.BEFORE, None, ())


def test_a_long_ttl_is_to_be_lowered_and_to_run_out_at_the_slowest_server() -> None:
    high = served(OLD, -9000, -600, ttl=3600)
    slow = served(OLD, -9000, -100, ttl=3600, server="ns2")
    low = served(OLD, -590, 0), served(OLD, -90, 0, server="ns2")

    assert seen(high, slow).waits is None
    assert seen(high, slow, low[0]).readiness.slowest == "ns2"
    draining = seen(high, slow, *low)
    assert (draining.state, draining.waits) == (CutoverState.BEFORE, 3510.0)
    assert seen(high, slow, *low, now=NOW + 3510).state is CutoverState.READY


def test_what_the_ttl_was_before_anybody_looked_counts_when_it_is_said() -> None:
    low = served(OLD, -100, 0)

    assert seen(low).state is CutoverState.READY
    assert seen(low, before="3600").waits == 3500.0


def test_servers_that_do_not_agree_are_changing() -> None:
    found = seen(served(OLD, -900, -1), served(NEW, 0, 0), served(OLD, -900, 0, server="ns2"))

    assert found.state is CutoverState.CHANGING
    assert [(row.server, row.side) for row in found.servers] == [
        ("ns1", Side.NEW),
        ("ns2", Side.OLD),
    ]
    assert found.clocks.behind == ("ns2",)


def test_a_name_that_is_gone_is_said_loudly_whenever_it_is() -> None:
    before = seen(served(OLD, -900, -1), served(NONE, 0, 0))
    after = seen(served(OLD, -900, -5), served(NEW, -4, -1), served(NONE, 0, 0))

    assert before.missing == after.missing == ("ns1",)
    assert after.state is CutoverState.CHANGING


def test_changed_until_the_rules_and_what_was_seen_allow_moved() -> None:
    history = served(OLD, -900, -1, ttl=60), served(NEW, 0, 100)
    early = seen(*history, samples=answers(NEW, 1, 2, 3), now=NOW + 59)
    late = seen(*history, samples=answers(NEW, 1, 2, 3), now=NOW + 60)

    assert (early.state, late.state) == (CutoverState.CHANGED, CutoverState.MOVED)
    assert early.clocks.by_the_rules == NOW + 60
    assert early.resolvers[0].moved


def test_a_resolver_that_clamps_is_waited_for_and_one_that_never_follows_is_named() -> None:
    history = served(OLD, -900, -1, ttl=60), served(NEW, 0, 100)
    clamping = answers(OLD, 0, ttl=900)

    found = seen(*history, samples=clamping, now=NOW + 200)
    assert (found.state, found.clocks.as_seen) == (CutoverState.CHANGED, NOW + 900)
    assert found.resolvers[0].clamps

    stuck = seen(*history, samples=(*clamping, *answers(OLD, 950)), now=NOW + 1000)
    assert (stuck.state, stuck.clocks.stragglers) == (CutoverState.CHANGED, ("r",))


def test_one_new_answer_is_not_enough() -> None:
    history = served(OLD, -900, -1, ttl=60), served(NEW, 0, 100)
    samples = (*answers(NEW, 60), *answers(OLD, 61), *answers(NEW, 62, 63))

    found = seen(*history, samples=samples, now=NOW + 90)

    assert (found.resolvers[0].in_a_row, found.resolvers[0].moved) == (2, False)
    assert found.state is CutoverState.CHANGED


def test_rolled_back_counts_the_clocks_of_the_way_back() -> None:
    history = (
        served(OLD, -900, -100, ttl=300),
        served(NEW, -99, -11, ttl=60),
        served(OLD, -10, 0, ttl=300),
    )

    found = seen(*history, samples=(*answers(NEW, -20), *answers(OLD, -2, -1, 0)))

    assert found.state is CutoverState.ROLLED_BACK
    assert found.clocks.changed_at == NOW - 10
    assert found.clocks.by_the_rules == NOW - 10 + 60
    assert found.resolvers[0].moved


@pytest.mark.parametrize("values", [("REGISTRY.new.example.",), ("registry.new.example",)])
def test_names_are_compared_as_names(values: tuple[str, ...]) -> None:
    assert seen(served(values, 0, 0)).servers[0].side is Side.NEW
