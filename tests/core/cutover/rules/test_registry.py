"""The registry's API and token server, under the domain's name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutovers.clean import (
    FLIPPED,
    NAME,
    NEW_AT,
    OLD_AT,
    REALM,
    case,
    chain,
    finding,
    found,
    probe,
    result,
    signed_in,
)
from transship.cutover.evidence import ApiProbe, TokenRealm
from transship.cutover.finding import CheckOutcome

NO = {"registry": False, "challenge": "", "realm": None}


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"status": 404}, "api-default-host"),
        ({"status": 421}, "api-default-host"),
        ({"status": 403}, "api-forbidden"),
        ({"status": 308, "headers": (("location", "https://x.org/v2/"),)}, "api-redirect"),
        ({"status": 503}, "api-server-failed"),
        ({"status": 200}, "api-not-a-registry"),
        ({"status": 0, "error": "timed-out"}, "api-no-answer"),
    ],
)
def test_what_answers_instead_of_a_registry(more: dict[str, object], outcome: str) -> None:
    assert found(case(probes=(probe(**{**NO, **more}),)), "P-20") == {outcome: "block"}


def test_every_address_has_to_answer() -> None:
    two = chain("registry.newcloud.org", to=("5.6.7.8", "5.6.7.9"))

    assert "5.6.7.9" in result(case(target=two), "P-20").needs
    bad = (probe(), probe("5.6.7.9", status=404, **NO))
    assert "5.6.7.9" in finding(case(target=two, probes=bad), "P-20", "api-default-host").seen


def test_a_proxy_that_was_passed_by_is_told() -> None:
    assert found(case(probes=(probe(proxy="proxy:3128"),)), "P-20") == {"proxy-passed-by": "info"}


def test_the_old_side_doesnt_count_as_the_target() -> None:
    assert result(case(probes=(probe(OLD_AT, side="old"),)), "P-20").outcome is CheckOutcome.OPEN


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({}, {}),
        ({"challenge": 'Basic realm="x"', "realm": None}, {}),
        ({"challenge": ""}, {"challenge-missing": "block"}),
        ({"challenge": "Negotiate"}, {"challenge-missing": "block"}),
        ({"status": 200, "challenge": "", "realm": None}, {"registry-open": "info"}),
    ],
)
def test_how_to_sign_in_is_told(more: dict[str, object], outcome: dict[str, str]) -> None:
    assert found(case(probes=(probe(**more),)), "P-21") == outcome


def naming(**more: object) -> ApiProbe:
    return probe(realm=replace(REALM, **more))  # type: ignore[arg-type]


OLD_REALM = {"url": "https://registry.oldcloud.net/t", "host": "registry.oldcloud.net"}


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({}, {}),
        ({"host": NAME, "url": f"https://{NAME}/token"}, {}),
        (OLD_REALM, {"realm-is-old": "block"}),
        ({"addresses": (OLD_AT,)}, {"realm-at-old": "warn"}),
        ({**OLD_REALM, "addresses": (OLD_AT,)}, {"realm-is-old": "block"}),
        ({"addresses": (OLD_AT, "9.9.9.9")}, {}),
        ({"addresses": (NEW_AT,)}, {}),
        ({"url": "http://registry.newcloud.org/t"}, {"realm-without-tls": "block"}),
        ({"error": "name-not-found: x"}, {"realm-broken": "block"}),
        ({"error": "certificate-not-trusted: x", "status": 0}, {"realm-broken": "block"}),
        ({"status": 404}, {"realm-broken": "block"}),
        ({"status": 502, "error": "server-failed: 502"}, {"realm-broken": "block"}),
        ({"status": 401, "error": "wrong-credential: no"}, {}),
    ],
)
def test_the_token_server(more: dict[str, object], outcome: dict[str, str]) -> None:
    assert found(case(probes=(naming(**more),)), "P-22") == outcome


def test_after_the_change_the_target_isnt_taken_for_the_old_side() -> None:
    assert found(case(**FLIPPED), "P-22") == {}


def test_a_realm_that_wasnt_read_stays_open() -> None:
    assert result(case(probes=(probe(realm=None),)), "P-22").outcome is CheckOutcome.OPEN
    assert result(case(probes=()), "P-22").outcome is CheckOutcome.OPEN
    basic = probe(challenge="Basic realm=x", realm=None)
    assert result(case(probes=(basic,)), "P-22").outcome is CheckOutcome.PASS
    assert result(case(probes=(basic,)), "P-23").outcome is CheckOutcome.PASS


def granting(actions: tuple[str, ...] | None, **more: object) -> tuple[ApiProbe, ...]:
    realm: TokenRealm = replace(REALM, granted=actions)
    return (signed_in(realm=realm, **more),)


def test_a_token_has_to_allow_the_pull() -> None:
    assert found(case(probes=granting(("pull", "push"))), "P-23") == {}
    assert found(case(probes=granting(())), "P-23") == {"token-without-pull": "block"}
    assert result(case(probes=granting(None)), "P-23").outcome is CheckOutcome.PASS
    assert result(case(probes=(probe(),)), "P-23").outcome is CheckOutcome.OPEN
    anonymous = probe(realm=replace(REALM, granted=()))
    assert found(case(probes=(anonymous, *granting(("pull",)))), "P-23") == {}
