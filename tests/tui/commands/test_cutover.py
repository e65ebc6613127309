"""`transship check` and `transship cutover`: the same checks for a pipeline."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

import pytest

from cutovers import clean
from fakes.cutovers_world import ready, standing, with_trouble
from servers.dns.knot import KEY_ALGORITHM, KEY_NAME, KEY_SECRET
from servers.dns.lab import EXAMPLE
from servers.dns.zones import IMAGES, NEW, OLD
from servers.process import LOOPBACK, free_port
from transship.cutover.evidence import Parity
from transship_tui.commands.check import show_standing

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from servers.dns.lab import DnsLab
    from transship.cutover.status import CutoverStatus
    from tui.commands.conftest import Ended

    Run = Callable[..., Ended]

DOMAIN = IMAGES.rstrip(".")
IN_POWER = "images.power.test."
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


def test_an_old_registry_that_nobody_can_ask_is_said_in_its_row(
    transship: Run, resolver: tuple[str, str]
) -> None:
    ended = transship("check", DOMAIN, *TO, *resolver, "--from", f"{LOOPBACK}:{free_port()}")
    (row,) = [line for line in ended.out.splitlines() if line.startswith("P-27")]

    assert "open" in row
    assert "connection-refused: " in row


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


def unsettled() -> CutoverStatus:
    """Return a domain that nothing blocks, and of which something isn't known."""
    return standing(clean.case(paths=()))


def test_the_exit_status_says_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_standing(ready()) == 0
    assert "nothing blocks" in capsys.readouterr().out
    assert show_standing(with_trouble()) == 3
    assert "P-13 A certificate for the name" in capsys.readouterr().out
    assert show_standing(unsettled(), strict=True) == 3
    assert show_standing(unsettled()) == 0
    assert "which is no yes yet: 2 open" in capsys.readouterr().out
    unseen = standing(clean.case(zone=clean.zone(error="timeout")))
    assert show_standing(unseen) == 1
    assert "DNS couldn't be looked at: timeout" in capsys.readouterr().out


def test_tags_that_couldnt_be_compared_although_asked_for_are_no_yes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed = Parity(0, (), error="connection-refused: registry.oldcloud.net")

    assert show_standing(standing(clean.case(parity=failed))) == 1
    out = capsys.readouterr().out
    assert "nothing blocks" not in out
    assert "tags couldn't be compared: connection-refused: registry.oldcloud.net" in out
    assert "both registries: connection-refused" in out, "the row says it too"


def test_a_cutover_is_kept_and_told_of(
    transship: Run, resolver: tuple[str, str], tmp_path: Path
) -> None:
    ended = transship("cutover", "plan", DOMAIN, *TO, *resolver, "--answer", "automation=none")
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
    assert transship("cutover", "report", DOMAIN, "-o", str(report)).status == 0
    assert report.read_text().startswith("<!DOCTYPE html>")
    applied = transship("cutover", "apply", DOMAIN, "--confirm", DOMAIN)
    assert applied.status == 3
    assert "waits for" in applied.err
    assert "error: A check stands in the way of the change" in applied.err
    back = transship("cutover", "rollback", DOMAIN, "--confirm", DOMAIN)
    assert back.status == 3
    assert "nothing was changed" in back.err
    assert "error: There is nothing to put back" in back.err


def test_mistakes_are_said_before_anything_is_kept(transship: Run) -> None:
    assert transship("cutover", "status", DOMAIN).status == 2
    assert transship("cutover", "plan", DOMAIN).status == 2
    assert "(now)" in transship("cutover", "plan", DOMAIN, "now", *TO).err
    assert transship("cutover", "plan", DOMAIN, *TO, "--answer", "nosuch=x").status == 2
    assert transship("cutover", "plan", DOMAIN, *TO, "--rfc2136", "127.0.0.1").status == 2
    assert transship("cutover", "--json").document == {"cutovers": []}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "registry.new.example:99999"), "99999 is no port"),
        ((*TO, "--from", "registry.old.example:x"), "x is no port"),
        ((*TO, "--record", "not a host"), "not a host"),
        ((*TO, "--accept", "P-99/nope=x"), "P-99/nope is no check"),
        ((*TO, "--key", "migrator."), "only --rfc2136 takes"),
        ((*TO, "--zone", "example.test"), "--zone goes with"),
        (
            (*TO, "--rfc2136", "127.0.0.1", "--zone", "other.test", "--key", "a"),
            "isn't in the zone other.test",
        ),
        ((*TO, "--key-file", "/nosuch"), "--key-file is for"),
        (
            (
                *TO,
                "--rfc2136",
                "127.0.0.1",
                "--zone",
                "test",
                "--key",
                "a",
                "--key-file",
                "/nosuch",
            ),
            "/nosuch: No such file",
        ),
    ],
)
def test_what_says_nothing_or_something_else_is_refused(
    transship: Run, words: tuple[str, ...], said: str
) -> None:
    ended = transship("cutover", "plan", DOMAIN, *words)

    assert ended.status == 2, ended
    assert said in ended.err
    assert transship("cutover", "--json").document == {"cutovers": []}


def test_a_password_in_the_url_of_an_api_is_refused_and_not_shown(
    transship: Run, tmp_path: Path
) -> None:
    url = "http://operator:s3cr3tpw@127.0.0.1:8081"
    ended = transship("cutover", "plan", DOMAIN, *TO, "--powerdns", url, "--zone", "example.test")

    assert ended.status == 2
    assert "has a user in it" in ended.err
    assert "s3cr3tpw" not in ended.err + ended.out
    assert transship("cutover", "--json").document == {"cutovers": []}


def test_the_same_plan_again_is_the_same_cutover_and_another_one_says_so(
    transship: Run, resolver: tuple[str, str]
) -> None:
    transship("cutover", "plan", DOMAIN, *TO, *resolver)
    same = transship("cutover", "plan", f"{DOMAIN.upper()}.", *TO, *resolver)
    (kept,) = transship("cutover", "--json").document["cutovers"]
    assert f"{kept['id']} is the same" in same.err
    other = transship("cutover", "plan", DOMAIN, *TO, *resolver, "--repository", "team/app")
    assert f"{kept['id']} ({kept['state']}) is a cutover of this domain too" in other.err
    newest, older = transship("cutover", "--json").document["cutovers"]
    assert older["id"] == kept["id"]
    document = transship("cutover", f"{DOMAIN}:443", "--json").document
    assert document["name"] == newest["id"]
    nobody = transship("cutover", "status", DOMAIN, "--accept", "P-01/nope=x")
    assert nobody.status == 2
    assert "P-01 has no warning nope" in nobody.err


def test_a_watch_writes_each_line_into_a_pipe_when_it_comes(
    transship: Run, started: Callable[..., subprocess.Popen[str]], resolver: tuple[str, str]
) -> None:
    transship("cutover", "plan", DOMAIN, *TO, *resolver)
    watch = started("cutover", "watch", DOMAIN)

    assert watch.stdout is not None
    ready, _, _ = select.select([watch.stdout], [], [], 30)
    assert ready, "nothing was written"
    assert watch.stdout.readline().startswith(f"{DOMAIN}: ")
    assert watch.poll() is None
    watch.kill()


# The key by which a DNS provider knows us


def by_update(lab: DnsLab, key_file: str) -> tuple[str, ...]:
    primary = f"{lab.primary.address}:{lab.block.port}"
    zone = EXAMPLE.rstrip(".")
    way = ("--rfc2136", primary, "--zone", zone, "--key", f"{KEY_ALGORITHM}:{KEY_NAME}")
    return (*way, "--key-file", key_file)


def test_a_key_comes_by_the_input_and_is_tried_before_anything_is_kept(
    transship: Run, resolver: tuple[str, str], lab: DnsLab
) -> None:
    plan = ("cutover", "plan", DOMAIN, *TO, *resolver, *by_update(lab, "-"))
    unreadable = transship(*plan, stdin="no base64!\n")
    wrong = transship(*plan, stdin="d3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmc=\n")
    two = transship(*plan, stdin=f"{KEY_SECRET}\n{KEY_SECRET}\n")

    for refused in (unreadable, wrong):
        assert refused.status == 1, refused
        assert "doesn't accept the key" in refused.err
    assert "more than one line" in two.err
    assert transship("cutover", "--json").document == {"cutovers": []}

    right = transship(*plan, stdin=f"{KEY_SECRET}\n")
    assert "kept as" in right.err, right
    assert KEY_SECRET not in right.err + right.out


def test_an_api_key_is_tried_at_the_server(
    transship: Run, resolver: tuple[str, str], lab: DnsLab, tmp_path: Path
) -> None:
    assert lab.power is not None
    key = tmp_path / "key"
    key.write_text("wrong\n")
    name = IN_POWER.rstrip(".")
    zone = name.partition(".")[2]
    plan = ("cutover", "plan", name, *TO, *resolver, "--powerdns", lab.power.url, "--zone", zone)
    refused = transship(*plan, "--key-file", str(key))

    assert refused.status == 1, refused
    assert "Check the API key" in refused.err
    assert "TSIG" not in refused.err
    assert transship("cutover", "--json").document == {"cutovers": []}
