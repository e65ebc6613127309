"""Pushes, overrides, and what others have of their own."""

from __future__ import annotations

import pytest

from cutovers.clean import NAME, NEW_AT, NOW, SAID, case, finding, found, result, said
from transship.cutover.evidence import UploadProbe
from transship.cutover.finding import CheckOutcome


@pytest.mark.parametrize(
    ("location", "error", "outcome"),
    [
        (f"https://{NAME}:443", "", {}),
        ("https://registry.oldcloud.net:443", "", {"push-elsewhere": "warn"}),
        ("https://uploads.newcloud.org:443", "", {"push-elsewhere": "info"}),
        ("", "no-right: push", {"push-fails": "warn"}),
    ],
)
def test_where_an_upload_would_go(location: str, error: str, outcome: dict[str, str]) -> None:
    push = UploadProbe("team/app", NEW_AT, NOW, location, error)

    assert found(case(push=push), "P-30") == outcome


def test_pushes_that_nobody_has_tried_are_told() -> None:
    untried = (*SAID, said("push-path", "untried", NOW + 1))

    assert found(case(statements=untried), "P-30") == {"push-untried": "warn"}
    assert result(case(statements=()), "P-30").outcome is CheckOutcome.OPEN


def test_a_line_in_the_hosts_file_is_told() -> None:
    lines = case(hosts=(f"10.0.0.1 {NAME}",), local=("10.0.0.1",))

    assert found(lines, "P-32") == {"hosts-line": "warn"}


def test_what_programs_here_get_and_dns_doesnt_say_is_told() -> None:
    assert found(case(local=("10.9.9.9",)), "P-32") == {"local-differs": "warn"}
    assert (
        f"getent ahosts {NAME}"
        in finding(case(local=("10.9.9.9",)), "P-32", "local-differs").remedy
    )
    assert found(case(local=()), "P-32") == {}


def test_what_nodes_have_of_their_own_is_asked_and_read() -> None:
    line = f"/etc/hosts:3:10.0.0.1 {NAME}\ndone"
    bad = (*SAID, said("node-overrides", line, NOW + 1), said("consumers", "unsure", NOW + 1))

    assert found(case(statements=bad), "P-32") == {
        "node-overrides": "warn",
        "consumers-unknown": "warn",
    }
    open_ = result(case(statements=()), "P-32")
    assert open_.outcome is CheckOutcome.OPEN
    assert "node-overrides and consumers" in open_.needs
