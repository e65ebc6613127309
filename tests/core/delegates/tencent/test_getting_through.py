"""Who gets through to an instance, as who moves a name to it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from delegating.tencent import HOST
from transship.cutover.finding import Severity
from transship.delegates.tencent.getting_through import lets_in, reach_says
from transship.delegates.tencent.network_access import (
    Access,
    Allowed,
    Link,
    Public,
    Record,
    Stage,
)

CLOSED = Access("team", HOST, Public.CLOSED, "Closed")
OPEN = replace(CLOSED, public=Public.OPEN, said="Opened")
LED = Link("vpc-a", "s", Stage.WORKS, address="10.0.0.7", records=(Record(HOST, Stage.WORKS),))
STRAY = replace(LED, vpc="vpc-b", records=(Record(HOST, Stage.OFF),))
OFFICE, ALL = Allowed("203.0.113.0/24"), Allowed("0.0.0.0/0")


def said(access: Access) -> dict[str, str]:
    return {each.id: each.severity for each in reach_says(access)}


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (CLOSED, {"public-endpoint-closed": "block"}),
        (replace(CLOSED, links=(LED,)), {"public-endpoint-closed": "warn"}),
        (
            replace(CLOSED, links=(replace(LED, stage=Stage.BEGUN),)),
            {"public-endpoint-closed": "block"},
        ),
        (replace(CLOSED, public=Public.OPENING), {"public-endpoint-opening": "warn"}),
        (
            replace(CLOSED, public=Public.UNKNOWN, said="Blue"),
            {"public-endpoint-unknown": "warn"},
        ),
        (OPEN, {"allow-list-empty": "block"}),
        (replace(OPEN, links=(LED,)), {"allow-list-empty": "warn"}),
        (replace(OPEN, allowed=(OFFICE,)), {"allow-list-bounds": "warn"}),
        (replace(OPEN, allowed=(OFFICE, ALL)), {}),
        (replace(OPEN, allowed=(Allowed("::/0"),)), {"allow-list-bounds": "warn"}),
    ],
)
def test_what_keeps_clients_out_is_told_by_how_bad_it_is(
    access: Access, expected: dict[str, str]
) -> None:
    assert said(access) == expected


def test_a_linked_vpc_that_is_led_elsewhere_is_told_of() -> None:
    bounded = replace(OPEN, allowed=(OFFICE,), links=(LED, STRAY))
    to_all = replace(OPEN, allowed=(ALL,), links=(LED, STRAY))

    assert said(bounded) == {"allow-list-bounds": "warn", "private-dns-missing": "warn"}
    assert said(to_all) == {"private-dns-missing": "info"}
    assert "--record vpc-b" in reach_says(to_all)[0].remedy


def test_private_dns_that_couldnt_be_asked_for_is_not_called_missing() -> None:
    unseen = ("Its private DNS couldn't be asked for: no right",)
    access = replace(OPEN, allowed=(ALL,), links=(replace(STRAY, records=()),), unseen=unseen)

    assert said(access) == {"access-unseen": "info"}


@pytest.mark.parametrize("public", [Public.OPEN, Public.UNKNOWN])
def test_what_couldnt_be_asked_for_is_not_called_empty_or_closed(public: Public) -> None:
    access = Access("team", HOST, public, unseen=("Its allow-list couldn't be asked for: no",))

    assert said(access) == {"access-unseen": "info"}


def test_the_remedy_names_the_line_that_helps() -> None:
    (closed,) = reach_says(CLOSED)
    (bounds,) = reach_says(replace(OPEN, allowed=(OFFICE,)))

    assert f"`transship delegate network {HOST} --open --allow ADDRESS`" in closed.remedy
    assert f"`transship delegate network {HOST} --allow ADDRESS`" in bounds.remedy


def test_whom_it_lets_in_is_told_in_a_few_words() -> None:
    many = tuple(Allowed(f"192.0.2.{n}/32") for n in range(5))

    assert lets_in(CLOSED) == lets_in(OPEN) == ""
    assert lets_in(replace(OPEN, allowed=(OFFICE, ALL))) == "team is open to everyone"
    assert lets_in(replace(OPEN, allowed=many)) == (
        "team lets in 192.0.2.0/32, 192.0.2.1/32, 192.0.2.2/32 and 2 more blocks"
    )


def test_each_severity_is_one_that_a_cutover_knows() -> None:
    for access in (CLOSED, OPEN, replace(OPEN, allowed=(OFFICE,), links=(STRAY,))):
        assert all(Severity(each.severity) and each.remedy for each in reach_says(access))
