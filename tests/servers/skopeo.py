"""skopeo, the independent judge: it reads what we wrote, and writes what we read.

References are skopeo's own: `docker://host/repository:tag`, `oci:path:tag`, `dir:path`. Every
function takes the registries that the references name, for their logins and their authority.
Raises SkopeoError, with what skopeo said, when it fails.
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from servers.process import clean_environment, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servers.registry import Registry

_SECONDS = 60.0


class SkopeoError(Exception):
    """skopeo ended with a failure."""


def inspect_raw(reference: str, *registries: Registry) -> bytes:
    """Return the bytes of the manifest, or of the index, that `reference` names."""
    return _run(["inspect", "--raw", reference], registries)


def digest(reference: str, *registries: Registry) -> str:
    """Return the digest of the manifest or of the index, as skopeo computes it."""
    with tempfile.NamedTemporaryFile() as manifest:
        manifest.write(inspect_raw(reference, *registries))
        manifest.flush()
        return _run(["manifest-digest", manifest.name], ()).decode().strip()


def copy(source: str, target: str, *registries: Registry, through: Sequence[str] = ()) -> None:
    """Copy an image, or an index with all its children, and keep every digest.

    `through` goes in front of the command: see `dns.clients.with_resolver`.
    """
    _run(["copy", "--quiet", "--all", "--preserve-digests", source, target], registries, through)


def list_tags(reference: str, *registries: Registry) -> list[str]:
    """Return the tags of the repository `docker://host/repository`, sorted."""
    tags: list[str] = json.loads(_run(["list-tags", reference], registries))["Tags"]
    return sorted(tags)


def _run(
    arguments: list[str], registries: tuple[Registry, ...], through: Sequence[str] = ()
) -> bytes:
    program = require("skopeo", "skopeo")
    with tempfile.TemporaryDirectory(prefix="skopeo-") as home:
        _write_home(Path(home), registries)
        authfile = Path(home, "auth.json")
        environment = clean_environment(Path(home)) | {"REGISTRY_AUTH_FILE": str(authfile)}
        done = subprocess.run(
            [*through, program, "--insecure-policy", "--tmpdir", home, *arguments],
            capture_output=True,
            env=environment,
            timeout=_SECONDS,
            check=False,
        )
    if done.returncode:
        raise SkopeoError(done.stderr.decode(errors="replace").strip())
    return done.stdout


def _write_home(home: Path, registries: tuple[Registry, ...]) -> None:
    """Write what skopeo has to know of `registries` where it looks for it: under its HOME."""
    containers = home / ".config" / "containers"
    containers.mkdir(parents=True)
    logins, plain = {}, []
    for registry in registries:
        if registry.username is not None:
            login = f"{registry.username}:{registry.password}".encode()
            logins[registry.host] = {"auth": base64.b64encode(login).decode()}
        if registry.ca_file is None:
            plain.append(registry.host)
        else:
            trusted = containers / "certs.d" / registry.host
            trusted.mkdir(parents=True)
            trusted.joinpath("ca.crt").write_bytes(registry.ca_file.read_bytes())
    authfile = home / "auth.json"
    authfile.touch(0o600)
    authfile.write_text(json.dumps({"auths": logins}))
    tables = [f'[[registry]]\nlocation = "{host}"\ninsecure = true\n' for host in plain]
    containers.joinpath("registries.conf").write_text("\n".join(tables))
