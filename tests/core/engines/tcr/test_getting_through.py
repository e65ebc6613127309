"""Who gets through to an instance, as who moves a name to it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from delegating.tencent import HOST
from transship.cutover.finding import Severity
from transship.engines.tcr.attachment import access_statements, allowed_text
from transship.engines.tcr.network_access import (
    AllowedBlock,
    EndpointStatus,
    LinkStatus,
    NetworkAccess,
    PrivateDnsRecord,
    VpcLink,
)

CLOSED = NetworkAccess("team", HOST, EndpointStatus.CLOSED, "Closed")
OPEN = replace(CLOSED, public=EndpointStatus.OPEN, said="Opened")
LED = VpcLink(
    "vpc-a",
    "s",
    LinkStatus.WORKS,
    address="10.0.0.7",
    records=(PrivateDnsRecord(HOST, LinkStatus.WORKS),),
)
STRAY = replace(LED, vpc="vpc-b", records=(PrivateDnsRecord(HOST, LinkStatus.OFF),))
OFFICE, ALL = AllowedBlock("203.0.113.0/24"), AllowedBlock("0.0.0.0/0")


def said(access: NetworkAccess) -> dict[str, str]:
    return {each.id: each.severity for each in access_statements(access)}


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (CLOSED, {"public-endpoint-closed": "block"}),
        (replace(CLOSED, links=(LED,)), {"public-endpoint-closed": "warn"}),
        (
            replace(CLOSED, links=(replace(LED, stage=LinkStatus.BEGUN),)),
            {"public-endpoint-closed": "block"},
        ),
        (replace(CLOSED, public=EndpointStatus.OPENING), {"public-endpoint-opening": "warn"}),
        (
            replace(CLOSED, public=EndpointStatus.UNKNOWN, said="Blue"),
            {"public-endpoint-unknown": "warn"},
        ),
        (OPEN, {"allow-list-empty": "block"}),
        (replace(OPEN, links=(LED,)), {"allow-list-empty": "warn"}),
        (replace(OPEN, allowed=(OFFICE,)), {"allow-list-bounds": "warn"}),
        (replace(OPEN, allowed=(OFFICE, ALL)), {}),
        (replace(OPEN, allowed=(AllowedBlock("::/0"),)), {"allow-list-bounds": "warn"}),
    ],
)
def test_what_keeps_clients_out_is_told_by_how_bad_it_is(
    access: NetworkAccess, expected: dict[str, str]
) -> None:
    assert said(access) == expected


def test_a_linked_vpc_that_is_led_elsewhere_is_told_of() -> None:
    bounded = replace(OPEN, allowed=(OFFICE,), links=(LED, STRAY))
    to_all = replace(OPEN, allowed=(ALL,), links=(LED, STRAY))

    assert said(bounded) == {"allow-list-bounds": "warn", "private-dns-missing": "warn"}
    assert said(to_all) == {"private-dns-missing": "info"}
    assert "--record vpc-b" in access_statements(to_all)[0].remedy


def test_private_dns_that_couldnt_be_asked_for_is_not_called_missing() -> None:
    unseen = ("Its private DNS couldn't be asked for: no right",)
    access = replace(OPEN, allowed=(ALL,), links=(replace(STRAY, records=()),), unseen=unseen)

    assert said(access) == {"access-unseen": "info"}


@pytest.mark.parametrize("public", [EndpointStatus.OPEN, EndpointStatus.UNKNOWN])
def test_what_couldnt_be_asked_for_is_not_called_empty_or_closed(public: EndpointStatus) -> None:
    access = NetworkAccess(
        "team", HOST, public, unseen=("Its allow-list couldn't be asked for: no",)
    )

    assert said(access) == {"access-unseen": "info"}


def test_the_remedy_names_the_line_that_helps() -> None:
    (closed,) = access_statements(CLOSED)
    (bounds,) = access_statements(replace(OPEN, allowed=(OFFICE,)))

    assert f"`transship delegate network {HOST} --open --allow ADDRESS`" in closed.remedy
    assert f"`transship delegate network {HOST} --allow ADDRESS`" in bounds.remedy


def test_whom_it_lets_in_is_told_in_a_few_words() -> None:
    many = tuple(AllowedBlock(f"192.0.2.{n}/32") for n in range(5))

    assert allowed_text(CLOSED) == allowed_text(OPEN) == ""
    assert allowed_text(replace(OPEN, allowed=(OFFICE, ALL))) == "team is open to everyone"
    assert allowed_text(replace(OPEN, allowed=many)) == (
        "team lets in 192.0.2.0/32, 192.0.2.1/32, 192.0.2.2/32 and 2 more blocks"
    )


def test_each_severity_is_one_that_a_cutover_knows() -> None:
    for access in (CLOSED, OPEN, replace(OPEN, allowed=(OFFICE,), links=(STRAY,))):
        assert all(Severity(each.severity) and each.remedy for each in access_statements(access))
