"""The lines that the screens show do what the screens do, and nothing more, in a shell."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from transship.cutover.domain import parse_domain
from transship.cutover.observer import make_subject
from transship.oci.platform import parse_platform
from transship.oci.reference import parse_reference
from transship.plans.mapping import mapped
from transship.plans.plan import OnConflict, Plan
from transship.registry.registry import Visibility
from transship_tui.lines import check_line, copy_line, inspect_line, ls_line, plan_line, run_line

HOSTILE = ("x; rm -rf $HOME", "$(id)", "`id`", "a'b", "a\nb", "\x1b]52;c;aGk=\x07", "\u202eweb")


def plan(*sources: str, path: str) -> Plan:
    chosen = [parse_reference(f"old.example:5000/{source}") for source in sources]
    return Plan(mapped(chosen, "new.example", path))


def commands(line: str) -> list[str]:
    """Return what a shell makes of a line: the words of each transship that it calls."""
    told = subprocess.run(
        ["sh", "-c", f'transship() {{ echo "$@"; }}; {line}'],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.splitlines()


def test_one_copy_is_one_command() -> None:
    assert copy_line(plan("team/web:1", path="web")) == (
        "transship copy old.example:5000/team/web:1 new.example/web:1"
    )


def test_options_are_said_only_where_they_differ_from_what_holds_anyway() -> None:
    copies = plan("web", path="web").copies
    changed = Plan(copies, OnConflict.FAIL, False, (parse_platform("linux/arm64"),))
    assert copy_line(changed) == (
        "transship copy old.example:5000/web new.example/web"
        " --on-conflict fail --no-referrers --platform linux/arm64"
    )


def test_what_may_be_created_is_said() -> None:
    allowed = Plan(plan("web", path="web").copies, create_missing=Visibility.PRIVATE)
    assert copy_line(allowed) == (
        "transship copy old.example:5000/web new.example/web --create-missing private"
    )


@pytest.mark.parametrize(
    ("sources", "path"),
    [
        (("team/web", "team/api:1"), "mirror"),
        (("web", "api"), ""),
        (("web:1", "web:1.1", "web:2"), "renamed/web"),
        (("web:1", f"web@sha256:{'0' * 64}"), "renamed"),
    ],
)
def test_several_copies_come_out_of_the_shell_one_by_one(
    sources: tuple[str, ...], path: str
) -> None:
    wanted = plan(*sources, path=path)
    assert commands(copy_line(wanted)) == [
        f"copy {copy.source} {copy.target}" for copy in wanted.copies
    ]


def test_many_tags_are_a_loop_that_is_short() -> None:
    assert copy_line(plan("web:1", "web:2", path="web")) == (
        "for x in 1 2; do transship copy old.example:5000/web:$x new.example/web:$x; done"
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_never_more_than_a_word(name: str) -> None:
    line = ls_line("old.example", name)
    assert shlex.split(line)[:2] == ["transship", "ls"]
    assert len(commands(line)) == 1
    assert line.isprintable()


def test_an_image_is_inspected_by_its_reference() -> None:
    reference = parse_reference("old.example/web:1")
    assert inspect_line(str(reference)) == "transship inspect old.example/web:1"


@pytest.mark.parametrize("name", [*HOSTILE, "nightly"])
def test_a_plan_is_looked_at_and_run_by_its_name(name: str) -> None:
    for line, command in ((plan_line(name), "plan"), (run_line(name), "run")):
        assert shlex.split(line)[:2] == ["transship", command]
        assert len(commands(line)) == 1
    assert run_line("nightly") == "transship run nightly"


def test_a_check_says_what_differs_from_what_holds_anyway() -> None:
    domain = parse_domain("images.example.com")
    plain = make_subject(domain, "new.example", resolvers=("192.0.2.1:5353",))
    inside = make_subject(domain, "new.example", old="old.example", public=False)
    assert check_line(plain) == (
        "transship check images.example.com --to new.example --resolver 192.0.2.1:5353"
    )
    assert check_line(inside) == (
        "transship check images.example.com --to new.example --from old.example --no-public"
    )
