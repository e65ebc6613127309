"""The optional parts of Transship, and how one is added to the installation that lacks it."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from transship.errors import ExtraMissing

_NAME = "transship"


def extra_missing(extra: str, what: str) -> ExtraMissing:
    """Return the error for `what` that needs an extra, with the command that installs that."""
    command = install_command(extra, Path(sys.prefix))
    return ExtraMissing(f"{what} needs {_NAME}[{extra}]", remedy=f"Add it: `{command}`.")


def install_command(extra: str, prefix: Path) -> str:
    """Return the command that adds what an extra needs to the environment at `prefix`.

    pipx and uv leave a file of theirs in the environments that they make. Not `transship[EXTRA]`
    is installed but what that needs, since Transship itself may come from a folder.
    """
    needed = shlex.join(requirements_of(extra))
    if (prefix / "pipx_metadata.json").is_file():
        return f"pipx inject {shlex.quote(prefix.name)} {needed}"
    if (prefix / "uv-receipt.toml").is_file():
        return f"uv pip install --python {shlex.quote(str(prefix))} {needed}"
    return f"{shlex.quote(sys.executable)} -m pip install {needed}"


def requirements_of(extra: str) -> list[str]:
    """Return what an extra needs (PEP 508, without markers), as the installed package says it."""
    import importlib.metadata  # Whoever lacks nothing doesn't wait for it.

    wanted = re.compile(rf"""(.+?)\s*;\s*extra\s*==\s*["']{re.escape(extra)}["']""")
    try:
        required = importlib.metadata.requires(_NAME) or []
    except importlib.metadata.PackageNotFoundError:
        required = []
    found = (wanted.fullmatch(each) for each in required)
    return [each[1] for each in found if each] or [f"{_NAME}[{extra}]"]
