"""Programs that find names in the lab, as a machine does whose resolver is a cache of it."""

from __future__ import annotations

import subprocess
from functools import cache
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from servers.dns.lab import DnsLab

_MOUNTED = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


@cache
def _mounts() -> bool:
    """Tell whether a command may have mounts of its own: root in a container may not."""
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return done.returncode == 0


def why_no_resolver(lab: DnsLab) -> str:
    """Return why a command can't be given a cache of the lab as its resolver, or nothing."""
    if not lab.block.privileged:
        return "a program can't be given a resolver that isn't at port 53"
    return "" if _mounts() else "a program can't be given an /etc/resolv.conf of its own here"


def with_resolver(lab: DnsLab, cache: str, folder: Path) -> list[str]:
    """Return what to put in front of a command so that this cache is its resolver.

    The command sees an /etc/resolv.conf of its own. Skips the test where that can't be had: it
    takes root with the right to mount, and the lab at port 53.
    """
    if why := why_no_resolver(lab):
        pytest.skip(why)
    conf = folder / f"resolv-{cache}.conf"
    conf.write_text(f"nameserver {lab.caches[cache].address}\n")
    return ["unshare", "--mount", "sh", "-c", _MOUNTED, str(conf)]
