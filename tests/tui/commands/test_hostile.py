"""What stands in a file or comes from a registry never steers the terminal, whatever command."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from servers.images import push_image
from transship.oci.reference import Reference
from transship.paths import default_paths
from transship.plans.file import read_plan, write_plan
from transship.plans.plan import Deletion, Kind, Plan, Rule, TagFilter
from transship.text import safe
from transship.transfers.jobs import JobStore

if TYPE_CHECKING:
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

EVIL = "\u202eevil\x1b[31m\x9b2J\u200b\u2066"
# What stands in a set of characters is no name, so no rule for names refuses it.
PATTERN = f"[{EVIL.replace('[', '')}]-*"


def assert_harmless(ended: Any) -> None:
    """Nothing but plain lines was written."""
    for line in (ended.out + ended.err).split("\n"):
        assert safe(line, limit=len(line) + 1) == line.strip(), repr(line)
    assert "Traceback" not in ended.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an OCI layout, with a name that nobody should print."""
    return tmp_path / EVIL.replace("/", "")


@pytest.fixture
def plan_file(open_registry: DockerRegistry, repository: str, folder: Path, tmp_path: Path) -> Path:
    """A plan with hostile patterns between a registry and that folder."""
    for tag in ("v1", "v2", "passed-by"):
        push_image(open_registry, repository, tag)
    source = Reference(open_registry.host, repository)
    tags = TagFilter(include=("v1", PATTERN), exclude=(f"regex:\\d{PATTERN}",), exact=("v2",))
    rule = Rule(source, (Reference(f"layout:{folder}", "all"),), (f"!{PATTERN}", "**"), tags)
    file = tmp_path / f"plan-{EVIL}.toml"
    write_plan(file, Plan(kind=Kind.SYNC, rules=(rule,)))
    return file


def test_a_plan_file_hides_nothing_and_says_the_same(plan_file: Path) -> None:
    text = plan_file.read_text()
    assert [line for line in text.splitlines() if safe(line, limit=len(line) + 1) != line] == []
    assert "\\u202e" in text
    again = plan_file.with_name("again.toml")
    write_plan(again, read_plan(plan_file))
    assert again.read_text() == text


@pytest.mark.parametrize("options", [(), ("--all",), ("--json",)])
def test_plan_and_drift(transship: Any, plan_file: Path, options: tuple[str, ...]) -> None:
    for command in ("plan", "drift"):
        ended = transship(command, str(plan_file), *options)
        assert ended.status in (0, 1), ended.err
        assert_harmless(ended)
        if command == "plan":
            assert "evil" in ended.out, "the pattern is told"


def test_a_run_its_report_its_proof_and_its_undo(
    transship: Any, plan_file: Path, tmp_path: Path
) -> None:
    ran = transship("run", str(plan_file))
    assert ran.status == 0, ran.err
    assert_harmless(ran)
    job = JobStore(default_paths().jobs).all()[0].id
    for words in (
        ("jobs",),
        ("attach", job),
        ("verify", job),
        ("report", job, "--format", "md"),
        ("report", job, "--format", "json"),
        ("report", job, "-o", str(tmp_path / f"{EVIL}.html")),
        ("undo", job, "--dry-run"),
        ("undo", job, "--yes"),
        ("undo", f"{EVIL}"),
        ("limit", job, EVIL, "--rate", EVIL),
    ):
        ended = transship(*words)
        assert_harmless(ended)
    for report in tmp_path.glob("*.html"):
        assert "\u202e" not in report.read_text()


def test_what_would_be_deleted(
    transship: Any, open_registry: DockerRegistry, repository: str, folder: Path, tmp_path: Path
) -> None:
    push_image(open_registry, repository, "v1")
    source = f"{open_registry.host}/{repository}"
    transship("copy", source, f"layout:{folder}//gone")
    rule = Rule(Reference(open_registry.host, repository), (Reference(f"layout:{folder}"),))
    plan = Plan(kind=Kind.REPLICATION, rules=(rule,), delete=Deletion(protect=(PATTERN,)))
    file = tmp_path / "plan.toml"
    write_plan(file, replace(plan, rules=(replace(rule, map="{repository}"),)))
    assert_harmless(transship("plan", str(file)))
    assert_harmless(transship("run", str(file), "--delete"))


FILES = (
    f'version = 1\nkind = "{EVIL[0]}"\n',
    f'version = 1\nkind = "sync"\n"{EVIL[0]}" = 1\n',
    'version = 1\nkind = "sync"\n[[rules]]\nfrom = "a\\u202eb"\nto = "\\u009bc"\n',
    'version = 1\nkind = "flow"\nname = "\\u202e"\n[[stages]]\nname = "a"\nat = "\\u001b"\n',
    f"version = 1\n{EVIL}\n",
)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        *(("plan", text) for text in FILES),
        ("flow", FILES[3]),
        ("drift", FILES[0]),
        ("run", FILES[1]),
        ("import", FILES[4]),
    ],
)
def test_a_file_that_can_not_be_read(
    transship: Any, tmp_path: Path, command: str, text: str
) -> None:
    file = tmp_path / f"{EVIL}.toml"
    file.write_text(text)
    ended = transship(command, str(file))
    assert ended.status == 2
    assert_harmless(ended)


def test_a_flow_and_a_promotion(
    transship: Any, open_registry: DockerRegistry, repository: str, folder: Path, tmp_path: Path
) -> None:
    push_image(open_registry, f"{repository}/web", "v1")
    stages = (("dev\u202e", f"{open_registry.host}/{repository}"), (EVIL, f"layout:{folder}//prod"))
    entries = "".join(
        f"[[stages]]\nname = {json.dumps(name)}\nat = {json.dumps(at)}\n" for name, at in stages
    )
    file = tmp_path / "flow.toml"
    file.write_text(f'version = 1\nkind = "flow"\nrepositories = ["web"]\n{entries}')
    for words in (
        ("flow", str(file)),
        ("promote", str(file), "web:v1", "--to", EVIL, "--dry-run"),
        ("promote", str(file), "web:v1", "--to", EVIL),
        ("promote", str(file), f"web:{EVIL}", "--to", EVIL),
        ("flow", str(file), "--history"),
        ("flow", str(file), EVIL),
    ):
        assert_harmless(transship(*words))


def test_what_is_imported(transship: Any, tmp_path: Path) -> None:
    evil = json.dumps(EVIL)
    files = {
        "image-syncer.yaml": f"images:\n  old.example/app:{EVIL[0]}x: new.example/app\n"
        f"auth:\n  {evil}:\n    username: {evil}\n    password: x\n",
        "skopeo.yaml": f"old.example:\n  images:\n    {evil}: []\n  images-by-tag-regex:\n"
        f"    app: {evil}\n  {evil}: 1\n",
        "regsync.yaml": f"version: 1\nsync:\n  - source: old.example/{EVIL[0]}\n    target: "
        f"new.example/app\n    type: repository\n    tags:\n      allow: [{evil}]\n",
        "dregsy.yaml": f"relay: skopeo\ntasks:\n  - name: {evil}\n    source:\n      registry: "
        f"old.example\n    target:\n      registry: new.example\n    mappings:\n"
        f"      - from: app\n        tags: [{evil}]\n",
    }
    for name, text in files.items():
        file = tmp_path / name
        file.write_text(text)
        assert_harmless(transship("import", str(file), "-o", "-"))
        assert_harmless(transship("import", str(file), "-o", str(tmp_path / f"{EVIL}{name}.toml")))
        assert_harmless(transship("import", str(file), "--json", "-o", str(tmp_path / f"{name}.p")))
