"""Options that say nothing beside the rest of the line: refused with exit 2, and said which."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from samples.configs import FOLDER
from transship.accounts.registry_file import Account, Accounts
from transship.paths import default_paths
from transship_tui.commands.application import app_for

DIGEST = f"sha256:{'a' * 64}"
KNOWN = "known.example"
NETWORK = ("delegate", "network", KNOWN)
DOMAIN = ("delegate", "domain", "add", KNOWN, "images.example.com")
REPLICA = ("delegate", "replica", KNOWN)
HOW = "are for hosts that are no account"


def said_to(*words: object) -> Result:
    line = [str(word) for word in words]
    return CliRunner().invoke(app_for(line), line, prog_name="transship")


@pytest.fixture(autouse=True)
def account() -> None:
    Accounts(default_paths().registries).save(Account(KNOWN))


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(
        f'version = 1\nkind = "copy"\n[[copies]]\nfrom = "{KNOWN}/a:1"\nto = "{KNOWN}/b:1"\n'
    )
    return path


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--read-only", "jobs"), "--read-only is for the app, which `jobs` doesn't open."),
        (("--plain", "jobs"), "--plain is for the app"),
        (("--no-guide", "cutover"), "--guide is for the app, which `cutover` doesn't open."),
        (("--plain", "--guide"), "--guide and --no-guide say nothing"),
        (("copy", "a.example/b", "c.example/b", "--dry-run", "--detach"), "no job that could be"),
        (("copy", f"{KNOWN}/a:1", f"{KNOWN}/b:1", "--insecure"), f"{HOW}; {KNOWN}, {KNOWN} is one"),
        (("copy", f"{KNOWN}/a:1", "layout:there", "--plain-http"), HOW),
        (("verify", f"{KNOWN}/a:1", f"{KNOWN}/b:1", "--insecure"), HOW),
        (("copy", "a.example/b:1", "layout:there", "--create-missing", "public"), "is created for"),
        (("copy", "a.example/b:1", "layout:there", "--try-refused"), "a folder refuses nothing"),
        (("copy", f"a.example/b@{DIGEST}", "c.example/b", "--on-conflict", "skip"), "in conflict"),
        (("verify", "20260101-1", "--no-referrers"), "A job has its own platforms"),
        (("undo", "20260101-1", "--dry-run", "--yes"), "so --yes says nothing"),
        (("flow", "shop", "--history", "--insecure"), "--history asks no registry"),
        (("import", FOLDER / "regsync.yaml", "-o", "-", "--json"), "both write to the output"),
        (("import", FOLDER / "regsync.yaml", "-o", "-", "--to", "a.example"), "names its targets"),
        (("check", "a.example.com", "--to", "b.example", "--job", "1", "--plan", "p"), "exclude"),
        ((*NETWORK, "--yes"), "--yes, --note and --vpc-domain go with a change"),
        ((*NETWORK, "--open", "--dry-run", "--yes"), "so --yes says nothing"),
        ((*NETWORK, "--open", "--note", "us"), "--note is written beside what is let in"),
        ((*NETWORK, "--open", "--vpc-domain"), "goes with --record or --unrecord"),
        ((*REPLICA, "--yes"), "--dry-run and --yes go with a change"),
        ((*REPLICA, "--region", "a", "--dry-run", "--yes"), "so --yes says nothing"),
        ((*REPLICA, "--region", "a", "--remove", "b"), "say one of them"),
        ((*DOMAIN, "--no-wait", "--within", "5"), "--within bounds a wait"),
        ((*DOMAIN, "--dry-run", "--within", "5"), "--within bounds a wait"),
        ((*DOMAIN, "--dry-run", "--no-wait"), "so --no-wait says nothing"),
        ((*DOMAIN, "--dry-run", "--yes"), "so --yes says nothing"),
        (("delegate", "domain", "remove", KNOWN, "a.b", "--dry-run", "-y"), "--yes says nothing"),
        (("delegate", "quick", KNOWN, "a.example", "--dry-run", "--yes"), "--yes says nothing"),
        (("delegate", "quick", KNOWN, "a.example", "--dry-run", "--detach"), "could be left"),
    ],
    ids=lambda part: " ".join(map(str, part)) if isinstance(part, tuple) else "",
)
def test_what_says_nothing_is_refused(words: tuple[object, ...], why: str) -> None:
    ended = said_to(*words)

    assert ended.exit_code == 2, ended.output
    assert why in " ".join(ended.stderr.split())


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("plan", "--insecure"), HOW),
        (("drift", "--plain-http"), HOW),
        (("run", "--insecure"), HOW),
        (("run", "--watch", "--detach"), "--detach and --json say nothing"),
        (("run", "--watch", "--json"), "--detach and --json say nothing"),
        (("run", "--watch", "--trust"), "--trust is for one run"),
        (("run", "--listen", "8080"), "add --watch"),
        (("run", "--watch", "--secret-fd", "3"), "a shared secret is for --listen"),
        (("run", "--delete"), "the plan has no [delete]"),
        (("delegate", "show", "--by", "tcr-replica", "--name", "a"), "--name: that says nothing"),
        (("delegate", "show", "--by", "harbor", "--uin", "1"), "--uin: that says nothing"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else "",
)
def test_what_says_nothing_to_a_plan_is_refused(
    words: tuple[str, ...], why: str, plan: Path
) -> None:
    at = 2 if words[0] == "delegate" else 1
    ended = said_to(*words[:at], plan, *words[at:])

    assert ended.exit_code == 2, ended.output
    assert why in " ".join(ended.stderr.split())
