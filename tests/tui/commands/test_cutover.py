"""`transship check` and `transship cutover`: the same checks for a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cutovers import clean
from fakes.cutovers_world import ready, standing, with_trouble
from servers.dns.zones import IMAGES, NEW, OLD
from transship_tui.commands.check import show_standing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.dns.lab import DnsLab
    from tui.commands.conftest import Ended

    Run = Callable[..., Ended]

DOMAIN = IMAGES.rstrip(".")
TO = ("--to", NEW.rstrip("."), "--no-public")


@pytest.fixture
def resolver(lab: DnsLab) -> tuple[str, str]:
    """The option that names the lab's resolver; its name servers have to be at port 53."""
    if lab.served:
        pytest.skip("the lab's name servers aren't at port 53")
    cache = lab.caches["plain"]
    return "--resolver", f"{cache.address}:{cache.port}"


def test_what_is_no_domain_is_a_mistake_of_who_asks(transship: Run) -> None:
    ended = transship("check", "https://images.example.com", *TO)
    assert ended.status == 2
    assert "Not a domain" in ended.err
    ended = transship("check", DOMAIN, "--to", DOMAIN)
    assert ended.status == 2
    assert "would point at itself" in ended.err


def test_what_blocks_is_named_and_ends_with_3(transship: Run, resolver: tuple[str, str]) -> None:
    ended = transship("check", DOMAIN, *TO, *resolver)
    assert ended.status == 3, ended.err
    assert "P-12" in ended.out
    assert "blocks" in ended.out
    document = transship("check", DOMAIN, *TO, *resolver, "--json").document
    assert document["domain"] == DOMAIN
    assert document["change"]["edit"]["remove"][0].endswith(f"CNAME {OLD}")
    assert any(each.startswith("P-12/") for each in document["blocks"])
    assert transship("cutover", "--json").document == {"cutovers": []}, "nothing is kept"


def test_several_domains_are_looked_at_in_one_go(transship: Run, resolver: tuple[str, str]) -> None:
    other = f"other.{DOMAIN.partition('.')[2]}"
    ended = transship("check", DOMAIN, other, *TO, *resolver)
    assert ended.status == 3, ended.err
    assert [line for line in ended.out.splitlines() if line in (f"{DOMAIN}:", f"{other}:")] == [
        f"{DOMAIN}:",
        f"{other}:",
    ]
    documents = transship("check", DOMAIN, other, *TO, *resolver, "--json").document["domains"]
    assert [each["domain"] for each in documents] == [DOMAIN, other]
    assert documents[1]["blocks"] != documents[0]["blocks"], "a name that isn't there"


def test_the_exit_status_says_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_standing(ready()) == 0
    assert "nothing blocks" in capsys.readouterr().out
    assert show_standing(with_trouble()) == 3
    assert "P-13 A certificate for the name" in capsys.readouterr().out
    unseen = standing(clean.case(zone=clean.zone(error="timeout")))
    assert show_standing(unseen) == 1
    assert "DNS couldn't be looked at: timeout" in capsys.readouterr().out


def test_a_cutover_is_kept_and_told_of(
    transship: Run, resolver: tuple[str, str], tmp_path: Path
) -> None:
    ended = transship("cutover", DOMAIN, "plan", *TO, *resolver, "--answer", "automation=none")
    assert ended.status == 3
    assert f"- {DOMAIN}." in ended.out
    assert "kept as" in ended.err
    (kept,) = transship("cutover", "--json").document["cutovers"]
    assert (kept["domain"], kept["state"]) in {(DOMAIN, "before"), (DOMAIN, "ready")}
    told = transship("cutover", DOMAIN)
    assert told.status == 0
    assert "Way back" in told.out
    assert "SAYS" in told.out
    report = tmp_path / "report.html"
    assert transship("cutover", DOMAIN, "report", "-o", str(report)).status == 0
    assert report.read_text().startswith("<!DOCTYPE html>")
    applied = transship("cutover", DOMAIN, "apply", "--confirm", DOMAIN)
    assert applied.status == 3
    assert "waits for" in applied.err
    back = transship("cutover", DOMAIN, "rollback", "--confirm", DOMAIN)
    assert back.status == 3
    assert "nothing was changed" in back.err


def test_mistakes_are_said_before_anything_is_kept(transship: Run) -> None:
    assert transship("cutover", DOMAIN, "status").status == 2
    assert transship("cutover", DOMAIN, "plan").status == 2
    assert "plan takes no more words" in transship("cutover", DOMAIN, "plan", "now", *TO).err
    assert transship("cutover", DOMAIN, "plan", *TO, "--answer", "nosuch=x").status == 2
    assert transship("cutover", DOMAIN, "plan", *TO, "--rfc2136", "127.0.0.1").status == 2
    assert transship("cutover", "--json").document == {"cutovers": []}
