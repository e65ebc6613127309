"""Nothing of a credential is ever in a job's folder, or where another user could see it."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from moving.jobs import access_to, ends, new_job, plan_of
from servers.faults import Answer, Fault, Hold
from servers.images import push_image
from servers.process import eventually
from servers.registry import Registry
from transship.transfers.copies import JobState
from transship.transfers.process import start_runner

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy


@pytest.mark.parametrize("kind", ["htpasswd_registry", "token_registry"])
def test_a_secret_goes_through_the_pipe_and_nowhere_else(
    kind: str,
    open_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry: DockerRegistry = request.getfixturevalue(kind)
    push_image(open_registry, repository, "fails")
    push_image(open_registry, repository, "goes")
    proxy = proxy_for(registry)
    hold = Hold()
    proxy.add(Fault(hold, method="PUT", path="/manifests/goes"))
    proxy.add(Fault(Answer(400), method="PUT", path="/manifests/fails", times=None))
    secret = str(registry.password)
    monkeypatch.setenv("TRANSSHIP_TARGET_PASSWORD", secret)
    job = new_job(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    )
    access = access_to(Registry(proxy.url, registry.username, secret))

    pid = start_runner(job, [access])
    eventually(hold.held.is_set, "the runner to be at work")
    seen = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
    hold.release.set()
    ended = ends(job)

    assert ended.state is JobState.FAILED
    assert ended.counts.copied == 1
    pair = f"{registry.username}:{secret}".encode()
    forms = (
        secret.encode(),
        base64.b64encode(pair),
        base64.b64encode(secret.encode()),
        b"eyJhbGci",
    )
    files = [path for path in job.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"plan.toml", "journal.sqlite", "runner.log"}
    for content in (*seen, *(path.read_bytes() for path in files)):
        assert not [form for form in forms if form in content]
    assert stat.S_IMODE(job.folder.stat().st_mode) == 0o700
