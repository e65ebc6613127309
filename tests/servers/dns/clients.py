"""Programs that find names in the lab, as a machine does whose resolver is a cache of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from servers.dns.lab import DnsLab

_MOUNTED = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


def with_resolver(lab: DnsLab, cache: str, folder: Path) -> list[str]:
    """Return what to put in front of a command so that this cache is its resolver.

    The command sees an /etc/resolv.conf of its own. Skips the test where that can't be had: it
    takes root, and the lab at port 53.
    """
    if not lab.block.privileged:
        pytest.skip("a program can't be given a resolver that isn't at port 53")
    conf = folder / f"resolv-{cache}.conf"
    conf.write_text(f"nameserver {lab.caches[cache].address}\n")
    return ["unshare", "--mount", "sh", "-c", _MOUNTED, str(conf)]
