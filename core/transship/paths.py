"""Where Transship keeps its files."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one user: configuration, and state that a backup may leave out."""

    config: Path
    state: Path

    @property
    def registries(self) -> Path:
        """The accounts, without their secrets."""
        return self.config / "registries.toml"

    @property
    def settings(self) -> Path:
        """The operator's own settings. Transship reads this file and never writes it."""
        return self.config / "config.toml"

    @property
    def plans(self) -> Path:
        """The operator's plans, one file each."""
        return self.config / "plans"

    @property
    def jobs(self) -> Path:
        """One folder per job."""
        return self.state / "jobs"

    @property
    def flows(self) -> Path:
        """One ledger per flow."""
        return self.state / "flows"

    @property
    def cutovers(self) -> Path:
        """One folder per cutover."""
        return self.state / "cutovers"

    @property
    def delegations(self) -> Path:
        """One folder for each change that was made at an engine."""
        return self.state / "delegations"

    @property
    def watches(self) -> Path:
        """What is known of each plan that is watched."""
        return self.state / "watches"


def default_paths() -> Paths:
    """Return the platform's folders, or those under `TRANSSHIP_HOME` when that is set."""
    home = os.environ.get("TRANSSHIP_HOME")
    if home:
        root = Path(home).expanduser().absolute()
        return Paths(config=root / "config", state=root / "state")
    folders = platformdirs.PlatformDirs("transship", appauthor=False)
    return Paths(config=folders.user_config_path, state=folders.user_state_path)


def private_folder(path: Path) -> Path:
    """Make `path`, and the parents that it lacks, readable by their owner only; return it.

    A folder that is there already keeps its mode.
    """
    if not path.parent.is_dir():
        private_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def private_file(path: Path) -> Path:
    """Make the file `path` unless it is there, and let nobody but its owner read it; return it.

    Whatever the umask says.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except FileExistsError:
        # Not opened: to close a file drops the locks that SQLite holds on it in this process.
        if stat.S_IMODE(path.stat().st_mode) & ~_OWNER_ONLY:
            path.chmod(_OWNER_ONLY)
        return path
    try:
        os.fchmod(descriptor, _OWNER_ONLY)
    finally:
        os.close(descriptor)
    return path
