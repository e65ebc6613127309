"""The actions of `transship cutover`: in which order they are written, and what each refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from transship_tui.commands.application import app_for
from transship_tui.commands.cutover import COMMANDS, action_first

DOMAIN = "images.example.com"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", "status"),
        ("--json", "status --json"),
        (DOMAIN, f"status {DOMAIN}"),
        (f"{DOMAIN} --json", f"status {DOMAIN} --json"),
        (f"{DOMAIN} plan --to new.example", f"plan {DOMAIN} --to new.example"),
        (f"plan {DOMAIN} --to new.example", f"plan {DOMAIN} --to new.example"),
        (f"{DOMAIN} --to new.example plan", f"plan {DOMAIN} --to new.example"),
        (f"--to new.example {DOMAIN} plan", f"plan --to new.example {DOMAIN}"),
        (f"--json {DOMAIN} watch --delta", f"watch --json {DOMAIN} --delta"),
        (f"{DOMAIN} --key watch", f"status {DOMAIN} --key watch"),
        (f"{DOMAIN} --key=a --key-file - apply", f"apply {DOMAIN} --key=a --key-file -"),
        (f"{DOMAIN} keep old team/app:1", f"keep {DOMAIN} old team/app:1"),
        (f"{DOMAIN} paln", f"paln {DOMAIN}"),
        (f"paln {DOMAIN}", f"paln {DOMAIN}"),
    ],
)
def test_the_action_may_come_before_or_after_the_domain(written: str, meant: str) -> None:
    assert action_first(written.split()) == meant.split()


@pytest.mark.parametrize("action", COMMANDS)
def test_every_action_explains_itself(action: str) -> None:
    words = ["cutover", action, "--help"]
    ended = CliRunner().invoke(app_for(words), words, prog_name="transship")

    assert ended.exit_code == 0
    assert ended.output.startswith(f"Usage: transship cutover {action}")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (f"status {DOMAIN} --to new.example", "--to belongs to cutover plan, not to status."),
        (f"{DOMAIN} --no-public", "--no-public belongs to cutover plan, not to status."),
        (f"{DOMAIN} watch --yes", "--yes belongs to cutover delta, not to watch."),
        (f"delta {DOMAIN} --delta", "--delta belongs to cutover watch, not to delta."),
        (f"apply {DOMAIN} --accept-loss", "belongs to cutover rollback, not to apply."),
        (f"plan {DOMAIN} --confirm {DOMAIN}", "belongs to cutover apply and rollback, not to"),
        (f"watch {DOMAIN} -o report.md", "-o belongs to cutover report, not to watch."),
        (f"keep {DOMAIN} old a:1 --json", "delta, rollback and report, not to keep."),
        (f"rollback {DOMAIN} --answer a=b", "cutover plan, status and apply, not to rollback."),
        (f"{DOMAIN} report --key-file=a", "cutover plan, apply and rollback, not to report."),
        (f"report {DOMAIN} --json -o a.md", "--json writes the report to the output"),
        ("status --answer automation=no", "--answer and --accept need a domain"),
        (f"plan {DOMAIN}", "Missing option '--to'."),
        (f"keep {DOMAIN} both a:1", "'both' is not one of 'old', 'new'."),
        (f"apply {DOMAIN} --nothing", "No such option: --nothing"),
        (f"{DOMAIN} aply", "No such command 'aply'. Did you mean 'apply'?"),
    ],
)
def test_what_does_not_fit_an_action_is_refused(written: str, said: str) -> None:
    words = ["cutover", *written.split()]
    ended = CliRunner().invoke(app_for(words), words, prog_name="transship")

    assert ended.exit_code == 2
    assert said in " ".join(ended.stderr.split())


def test_the_list_of_commands_waits_for_no_cutover() -> None:
    code = (
        "import sys\n"
        "from transship_tui.commands.application import app_for\n"
        "app_for(['--help']); app_for(['ls'])\n"
        "assert 'transship_tui.commands.cutover' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)
