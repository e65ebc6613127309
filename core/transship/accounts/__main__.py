"""Gives the login of a place once more: `python -m transship.accounts HOST[/REPOSITORY]`.

For a job's process, which knows no accounts: it asks when a registry doesn't take a login any more
that came from the keyring or from docker, where another one may be by now. Standard output has to
be a pipe; it gets one line of JSON: the login, or null.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys

import msgspec

from transship.accounts.docker_config import DockerConfig
from transship.accounts.registry_file import Accounts
from transship.accounts.secrets import KeyringStore, SessionStore
from transship.accounts.sign_in import Sources, access_for
from transship.errors import TransshipError
from transship.oci.reference import parse_reference
from transship.paths import default_paths
from transship.registry.credential import Credential


async def _kept(place: str) -> Credential | None:
    sources = Sources(SessionStore(), KeyringStore(), DockerConfig(os.environ), os.environ)
    try:
        accounts = Accounts(default_paths().registries)
        access = await access_for(parse_reference(place), accounts, sources)
    except TransshipError:
        return None
    return access.credential


def main() -> int:
    """Write the login of the place that the arguments name."""
    if not stat.S_ISFIFO(os.fstat(1).st_mode):
        return 2
    os.write(1, msgspec.json.encode(asyncio.run(_kept(sys.argv[1]))) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
