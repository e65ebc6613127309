"""How a record is to be changed: what an operator writes down, and the way that it is."""

from __future__ import annotations

import pytest

from transship.app.provider_request import (
    ProviderKind,
    ProviderRequest,
    request_of,
    secret_words,
    settings_of,
)
from transship.cutover.change.settings import (
    ManualSettings,
    PowerDnsSettings,
    ProviderSettings,
    Rfc2136Settings,
    Route53Settings,
)
from transship.cutover.domain import Domain, Subject
from transship.errors import BadRequest
from transship_tui.cutover_outcomes import outcome_of
from transship_tui.lines import begin_line

WAYS = (
    ManualSettings(),
    Rfc2136Settings("example.com", "10.0.0.53", "mover"),
    Rfc2136Settings("example.com", "2001:db8::53", "mover", 5353, "hmac-sha512"),
    PowerDnsSettings("example.com", "https://dns.example:8081"),
    Route53Settings("Z123"),
)


@pytest.mark.parametrize("way", WAYS)
def test_a_way_that_is_written_down_is_the_same_way(way: ProviderSettings) -> None:
    assert settings_of(request_of(way)) == way


@pytest.mark.parametrize("kind", [ProviderKind.UPDATE, ProviderKind.POWERDNS, ProviderKind.ROUTE53])
def test_what_is_missing_is_named(kind: ProviderKind) -> None:
    with pytest.raises(BadRequest, match="is needed"):
        settings_of(ProviderRequest(kind))


@pytest.mark.parametrize(
    ("wished", "why"),
    [
        (
            ProviderRequest(ProviderKind.UPDATE, "ns1.example.com", "example.com", "mover"),
            r"no IP\[:PORT\]",
        ),
        (ProviderRequest(ProviderKind.POWERDNS, "dns.example:8081", "example.com"), "no http"),
    ],
)
def test_what_cannot_be_read_is_named(wished: ProviderRequest, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        settings_of(wished)


def test_the_dot_at_the_end_of_a_zone_is_no_part_of_it() -> None:
    wished = ProviderRequest(ProviderKind.UPDATE, "10.0.0.53", "example.com.", "mover")
    assert settings_of(wished) == WAYS[1]


def test_only_what_is_kept_here_is_asked_for() -> None:
    assert [bool(secret_words(way)) for way in WAYS] == [False, True, True, True, False]


def test_the_line_says_the_way_as_well() -> None:
    subject = Subject(Domain("images.example.com"), "b.example", public=False)
    lines = [begin_line(subject, request_of(way)) for way in WAYS]
    begin = "transship cutover plan images.example.com --to b.example --no-public"
    assert lines[0] == begin
    assert lines[1] == f"{begin} --rfc2136 10.0.0.53 --zone example.com --key mover"
    assert lines[3] == f"{begin} --powerdns https://dns.example:8081 --zone example.com"
    assert lines[4] == f"{begin} --route53 Z123"


def test_what_became_of_a_change_is_said_with_what_comes_next() -> None:
    done, partly = outcome_of("change done"), outcome_of("change partly: ns2.example.com")
    assert (done.good, partly.good) == (True, False)
    assert "every name server has it" in done.words
    assert partly.words.endswith("don't have it yet: ns2.example.com")
    assert outcome_of("no change was left without an end").words.startswith("no change")
