"""When it is safe to change a record, and when everybody has seen the change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transship.cutover.timeline import (
    Sample,
    Served,
    absorbed,
    clocks,
    has_moved,
    is_clamped,
    readiness,
)

OLD, NEW = ("old.example",), ("new.example",)


def served(server: str, values: tuple[str, ...], ttl: int, first: float, last: float) -> Served:
    return Served(server, values, ttl, first, last)


def seen(*samples: tuple[str, tuple[str, ...], int, float]) -> list[Sample]:
    return [Sample(*sample) for sample in samples]


def test_the_same_answer_again_lasts_longer_and_another_begins_anew() -> None:
    history = absorbed((), "ns1", OLD, 3600, 100)
    history = absorbed(history, "ns1", OLD, 3600, 160)
    history = absorbed(history, "ns1", OLD, 60, 220)

    assert history == (served("ns1", OLD, 3600, 100, 160), served("ns1", OLD, 60, 220, 220))


def test_an_old_ttl_counts_from_the_last_server_that_said_it() -> None:
    history = (
        served("ns1", OLD, 3600, 0, 100),
        served("ns1", OLD, 60, 110, 500),
        served("ns2", OLD, 3600, 0, 400),
        served("ns2", OLD, 60, 410, 500),
    )
    ready = readiness(history, low=300)

    assert (ready.ready_at, ready.slowest) == (410 + 3600, "ns2")
    assert (ready.waits(500), ready.waits(4011)) == (3510, 0)


def test_while_one_server_still_says_the_long_ttl_nothing_can_be_promised() -> None:
    history = (served("ns1", OLD, 60, 0, 500), served("ns2", OLD, 3600, 0, 500))

    assert readiness(history, low=300).waits(500) is None
    assert readiness(history, low=300).slowest == "ns2"


def test_a_ttl_that_was_lowered_before_anybody_looked_counts_from_the_first_look() -> None:
    history = (served("ns1", OLD, 60, 1000, 1500),)

    assert readiness(history, low=300, before=3600).ready_at == 4600
    assert readiness(history, low=300).ready_at == 0


def test_nothing_is_ready_when_nothing_was_seen() -> None:
    assert readiness((), low=300).waits(0) is None


def test_the_change_is_made_when_the_last_server_says_it() -> None:
    history = (
        served("ns1", OLD, 60, 0, 100),
        served("ns1", NEW, 60, 101, 110),
        served("ns2", OLD, 60, 0, 104),
    )
    half = clocks(history, [], NEW, now=110)
    whole = clocks((*history, served("ns2", NEW, 60, 106, 120)), [], NEW, now=120)

    assert (half.changed_at, half.behind) == (None, ("ns2",))
    assert (whole.changed_at, whole.behind, whole.by_the_rules) == (106, (), 106 + 60)


def test_a_slip_is_remembered_for_its_negative_ttl() -> None:
    history = (
        served("ns1", OLD, 60, 0, 100),
        served("ns1", (), 900, 101, 101),
        served("ns1", NEW, 60, 102, 200),
    )
    assert clocks(history, [], NEW, now=200).by_the_rules == 102 + 900


def test_a_resolver_that_holds_longer_moves_the_second_clock_and_not_the_first() -> None:
    history = (served("ns1", OLD, 20, 0, 100), served("ns1", NEW, 20, 101, 110))
    samples = seen(("clamps", OLD, 71, 118), ("obeys", NEW, 20, 118))

    both = clocks(history, samples, NEW, now=118)

    assert (both.by_the_rules, both.as_seen) == (121, 189)
    assert both.stragglers == ()
    assert is_clamped(samples, highest=20)


def test_who_still_says_the_old_value_when_all_is_over_is_a_straggler() -> None:
    history = (served("ns1", OLD, 20, 0, 100), served("ns1", NEW, 20, 101, 300))
    samples = seen(
        ("stale", NEW, 20, 200),
        ("stale", OLD, 0, 250),
        *(("good", NEW, 20, at) for at in (200, 230, 260)),
    )
    assert clocks(history, samples, NEW, now=300).stragglers == ("stale",)


def test_one_new_answer_is_not_enough() -> None:
    samples = seen(("r", OLD, 3, 1), ("r", NEW, 20, 2), ("r", NEW, 19, 3))

    assert not has_moved(samples, NEW)
    assert has_moved([*samples, Sample("r", NEW, 18, 4)], NEW)
    assert not has_moved([*samples, Sample("r", NEW, 18, 4)], NEW, since=3)


@st.composite
def looked(draw: st.DrawFn) -> tuple[list[Served], tuple[Served, ...]]:
    """What servers truly said, each from one moment to another, and what looks have seen of it.

    Everything that was said was seen once at least, and the last of it is said still.
    """
    truth: list[Served] = []
    history: tuple[Served, ...] = ()
    for server in draw(st.sets(st.sampled_from(["ns1", "ns2", "ns3"]), min_size=1)):
        began = 0.0
        for _ in range(draw(st.integers(1, 6))):
            values, ttl = (
                draw(st.sampled_from([OLD, NEW, ()])),
                draw(st.sampled_from([20, 60, 900])),
            )
            ended = began + draw(st.integers(1, 50))
            truth.append(Served(server, values, ttl, began, ended))
            for at in sorted(draw(st.sets(st.floats(began, ended, exclude_max=True), min_size=1))):
                history = absorbed(history, server, values, ttl, at)
            began = ended
    return truth, history


def still_said(truth: list[Served]) -> set[Served]:
    """The last of what each server said: it goes on."""
    return set({each.server: each for each in truth}.values())


@given(looked())
def test_nobody_who_obeys_holds_anything_else_after_the_first_clock(
    seen: tuple[list[Served], tuple[Served, ...]],
) -> None:
    truth, history = seen
    found = clocks(history, [], NEW, now=1e9)
    over = [each for each in truth if each.values != NEW and each not in still_said(truth)]

    assert all(each.last + each.ttl <= (found.by_the_rules or 0.0) for each in over)
    if not over and not found.behind:
        assert found.by_the_rules is None


@given(looked(), st.sampled_from([20, 60, 300]))
def test_no_cache_that_obeys_holds_more_than_the_low_ttl_once_it_is_ready(
    seen: tuple[list[Served], tuple[Served, ...]], low: int
) -> None:
    truth, history = seen
    ready = readiness(history, low).ready_at

    assert (ready is None) == any(each.ttl > low for each in still_said(truth))
    if ready is not None:
        assert all(each.last + each.ttl <= ready for each in truth if each.ttl > low)
