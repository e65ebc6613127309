"""The core stands alone: it loads no terminal, and its rooms know only those below them."""

from __future__ import annotations

import importlib.util
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import transship

TERMINAL = ("transship_tui", "textual", "typer", "rich", "click")
ROOT = Path(__file__).parents[1]
MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(transship.__path__, "transship.")
    if not found.name.endswith("__main__")
)


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_core_runs_where_no_terminal_library_is_installed() -> None:
    # httpx loads rich and click for its own command where it finds them, so that looking at what
    # is loaded would not do: they are made unfindable.
    program = f"""
import importlib, sys
sys.modules.update(dict.fromkeys({TERMINAL!r}))
for name in {["transship", *MODULES]!r}:
    importlib.import_module(name)
"""
    assert run(program) == ""
    assert len(MODULES) > 20


def test_the_core_loads_neither_the_app_nor_what_it_is_made_of() -> None:
    program = f"""
import importlib, sys
for name in {["transship", *MODULES]!r}:
    importlib.import_module(name)
print(*{{"transship_tui", "textual", "typer"}} & set(sys.modules))
"""
    assert run(program).split() == []


def test_importing_the_core_loads_none_of_its_rooms() -> None:
    loaded = run("import sys, transship; print(*sys.modules)").split()

    assert [name for name in loaded if name.startswith("transship.")] == []
    assert not set(TERMINAL) & set(loaded)


@pytest.mark.skipif(not importlib.util.find_spec("importlinter"), reason="a tool of developers")
def test_the_contracts_between_the_rooms_hold() -> None:
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(
        [*lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
