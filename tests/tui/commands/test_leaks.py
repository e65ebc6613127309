"""A secret is given to the line, and nowhere to be found afterwards."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servers.faults import Fault, Hold
from servers.images import push_image, random_layer
from servers.process import eventually
from transship.accounts.secrets import variables_of
from transship.paths import default_paths
from transship.transfers.jobs import JobStore

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy


def test_the_runner_has_it_from_a_pipe_and_keeps_it_nowhere(
    started: Any,
    transship: Any,
    runner_pid: Callable[[Any], int],
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
    repository: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    push_image(open_registry, repository, "1.0", [random_layer(1000, repository)])
    proxy = proxy_for(htpasswd_registry)
    hold = Hold()
    proxy.add(Fault(hold, method="PUT", path="/blobs/uploads/"))
    username, password = htpasswd_registry.username or "", htpasswd_registry.password or ""
    names = variables_of(proxy.host)
    monkeypatch.setenv(names[0], username)
    monkeypatch.setenv(names[1], password)

    running = started("copy", f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}")
    eventually(hold.held.is_set, "an upload")
    pid = runner_pid(JobStore(default_paths().jobs).all()[0])
    process = Path("/proc") / str(pid)
    seen = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
    seen += Path("/proc", str(running.pid), "cmdline").read_bytes()
    hold.release.set()
    out, err = running.communicate(timeout=30)
    assert running.returncode == 0, err

    kept = b"".join(
        path.read_bytes() for path in default_paths().state.parent.rglob("*") if path.is_file()
    )
    basic = base64.b64encode(f"{username}:{password}".encode())
    for secret in (password.encode(), basic):
        assert secret not in seen
        assert secret not in kept
        assert secret not in (out + err).encode()


def test_what_is_kept_is_for_its_owner_only(
    transship: Any, open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str
) -> None:
    push_image(open_registry, repository, "1.0")
    transship("login", open_registry.host, "--anonymous")
    transship("copy", f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}")

    root = default_paths().state.parent
    for path in (default_paths().registries, *root.rglob("*")):
        if path.is_dir():
            assert path.stat().st_mode & 0o077 == 0, path
    assert default_paths().registries.stat().st_mode & 0o077 == 0
