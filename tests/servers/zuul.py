"""zuul-registry, the awkward one: no catalog, scopes of its own, no upload status, no ranges."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servers.process import LOOPBACK, free_port, listening, running
from servers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.certificates import Certificates

USERNAME = "operator"
PASSWORD = "correct horse battery"

_PROGRAM = Path(sys.executable).with_name("zuul-registry")
_START_SECONDS = 60.0


@contextmanager
def zuul_registry(folder: Path, *, tls: Certificates | None = None) -> Iterator[Registry]:
    """Run zuul-registry with one user, who may write; anybody may read."""
    folder.mkdir(parents=True, exist_ok=True)
    port, storage = free_port(), folder / "storage"
    storage.mkdir()
    url = f"https://localhost:{port}" if tls else f"http://{LOOPBACK}:{port}"
    options: dict[str, Any] = {
        "address": LOOPBACK,
        "port": port,
        "public-url": url,
        "secret": "the secret of the tests",
        "storage": {"driver": "filesystem", "root": str(storage)},
        "users": [{"name": USERNAME, "pass": PASSWORD, "access": "write"}],
    }
    if tls is not None:
        options["tls-cert"] = str(tls.server_certificate)
        options["tls-key"] = str(tls.server_key)
    config = folder / "registry.yaml"
    config.write_text(json.dumps({"registry": options}, indent=2))
    registry = Registry(url, USERNAME, PASSWORD, tls.ca_file if tls else None)
    with running(
        [_PROGRAM, "-c", config, "serve"],
        folder / "registry.log",
        ready=lambda: listening(port),
        deadline=_START_SECONDS,
    ):
        try:
            yield registry
        finally:
            registry.close()
    shutil.rmtree(storage, ignore_errors=True)
