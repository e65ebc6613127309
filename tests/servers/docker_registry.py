"""Debian's docker-registry (distribution 2.8): open, with htpasswd, with tokens, over TLS."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from servers.process import LOOPBACK, eventually, free_port, listening, require, running
from servers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.certificates import Certificates
    from servers.token_server import TokenServer

Auth = Literal["none", "htpasswd", "token"]

USERNAME = "operator"
PASSWORD = "correct horse battery"

_ACCESS = re.compile(
    r'\S+ - \S+ \[[^\]]*\] "(?P<method>\S+) (?P<path>\S+) [^"]*" (?P<status>\d+) (?P<bytes>\d+) '
)
_QUIET_SECONDS = 0.03


@dataclass(frozen=True, slots=True)
class Access:
    """One line of the access log: `path` has the query, `bytes` counts the body of the answer."""

    method: str
    path: str
    status: int
    bytes: int


class DockerRegistry(Registry):
    """A docker-registry that a test can stop and start again, on the same port and storage."""

    def __init__(self, folder: Path, storage: Path, port: int, config: dict[str, Any]) -> None:
        tls = "tls" in config["http"]
        address = config["http"]["addr"].rpartition(":")[0]
        name = "localhost" if address == LOOPBACK else address
        super().__init__(f"https://{name}:{port}" if tls else f"http://{address}:{port}")
        self.storage = storage
        self._port = port
        self._address = address.strip("[]")
        self._config_path = folder / "config.json"
        self._config_path.write_text(json.dumps(config, indent=2))
        self._log_path = folder / "registry.log"
        self._access_path = folder / "access.log"
        self._process = ExitStack()

    def start(self) -> None:
        """Start it and return when it accepts connections."""
        program = require("docker-registry", "docker-registry")
        self._process.enter_context(
            running(
                [program, "serve", self._config_path],
                self._log_path,
                output_path=self._access_path,
                ready=lambda: listening(self._port, self._address),
            )
        )

    def stop(self) -> None:
        """Stop it and return when its port refuses connections; does nothing when stopped."""
        self.close()
        self._process.close()

    def collect_garbage(self) -> None:
        """Stop it, clear away all that no tag leads to, and start it again."""
        program = require("docker-registry", "docker-registry")
        self.stop()
        subprocess.run(
            [program, "garbage-collect", "--delete-untagged", self._config_path],
            capture_output=True,
            check=True,
        )
        self.pushed.clear()
        self.start()

    def access_log(self) -> list[Access]:
        """Return every request that was answered since the registry was made."""
        return self.since(0)

    def mark(self) -> int:
        """Return a place in the access log, to be given to `since`."""
        return self._settled_size()

    def since(self, mark: int) -> list[Access]:
        """Return the requests that were answered after `mark` was taken, in order of their end."""
        return [
            Access(found["method"], found["path"], int(found["status"]), int(found["bytes"]))
            for found in map(_ACCESS.match, self.log_since(mark).splitlines())
            if found
        ]

    def log_since(self, mark: int) -> str:
        """Return what was written to the access log after `mark` was taken, as it stands there."""
        size = self._settled_size()
        with self._access_path.open("rb") as log:
            log.seek(mark)
            return log.read(size - mark).decode(errors="replace")

    def _settled_size(self) -> int:
        """Return the size of the access log once it has stopped growing.

        The line of a large GET is written just after its last byte has reached the client.
        """
        size, since = -1, 0.0

        def settled() -> bool:
            nonlocal size, since
            now, current = time.monotonic(), self._access_path.stat().st_size
            if current != size:
                size, since = current, now
            return now - since >= _QUIET_SECONDS

        eventually(settled, "a quiet access log")
        return size


@contextmanager
def docker_registry(
    folder: Path,
    *,
    auth: Auth = "none",
    login: tuple[str, str] = (USERNAME, PASSWORD),
    tls: Certificates | None = None,
    client_certificates: bool = False,
    storage: Path | None = None,
    address: str = LOOPBACK,
    port: int | None = None,
    readonly: bool = False,
    deletes: bool = True,
    relative_urls: bool = False,
    redirect_to: str | None = None,
    token_server: TokenServer | None = None,
    notifies: tuple[str, str] | None = None,
    remembers: bool = False,
) -> Iterator[DockerRegistry]:
    """Run a docker-registry whose files are in `folder`; deletion is enabled if it `deletes`.

    `login`: the one user of `auth="htpasswd"`. `storage`: where blobs are kept; by default inside
    `folder`, and removed at the end. `address`: where it listens; the certificate of `tls` need not
    be for it, if nobody pushes that way. `client_certificates`: with `tls`, refuse clients that
    show no certificate of its authority. `redirect_to`: the URL of a `blob_storage` that holds the
    same `storage`; blobs are then answered by 307. `token_server`: who issues the tokens for
    `auth="token"`. `notifies`: the URL that is told of every push and deletion, and the
    Authorization that is sent there. `remembers`: it keeps in memory which blobs it has, as Debian
    sets it up, and doesn't notice when a test takes one away.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "storage" if storage is None else storage
    port = free_port() if port is None else port
    config = _config(kept, port, readonly=readonly, deletes=deletes, relative_urls=relative_urls)
    config["http"]["addr"] = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    if tls is not None:
        config["http"]["tls"] = _tls(tls, client_certificates=client_certificates)
    if redirect_to is not None:
        redirect = {"name": "redirect", "options": {"baseurl": redirect_to}}
        config["middleware"] = {"storage": [redirect]}
    if remembers:
        config["storage"]["cache"] = {"blobdescriptor": "inmemory"}
    if notifies is not None:
        config["notifications"] = {"endpoints": [_endpoint(*notifies)]}
    if auth == "htpasswd":
        config["auth"] = {"htpasswd": {"realm": "registry", "path": str(_htpasswd(folder, *login))}}
    elif auth == "token":
        assert token_server is not None, "auth='token' needs a token_server"
        config["auth"] = {"token": token_server.registry_options()}

    registry = DockerRegistry(folder, kept, port, config)
    registry.ca_file = None if tls is None else tls.ca_file
    if auth == "htpasswd":
        registry.username, registry.password = login
    elif token_server is not None:
        registry.username, registry.password = next(iter(token_server.users.items()))
    registry.start()
    try:
        yield registry
    finally:
        registry.stop()
        if storage is None:
            shutil.rmtree(kept, ignore_errors=True)


def _config(
    storage: Path, port: int, *, readonly: bool, deletes: bool, relative_urls: bool
) -> dict[str, Any]:
    return {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": False}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": deletes},
            "maintenance": {
                "uploadpurging": {"enabled": False},
                "readonly": {"enabled": readonly},
            },
        },
        # A fixed secret: upload sessions, whose state it signs, then outlive a restart.
        "http": {
            "addr": f"{LOOPBACK}:{port}",
            "secret": "the secret of the tests",
            "relativeurls": relative_urls,
        },
    }


def _endpoint(url: str, authorization: str) -> dict[str, Any]:
    return {
        "name": "tests",
        "url": url,
        "headers": {"Authorization": [authorization]},
        "timeout": "5s",
        "threshold": 1000,
        "backoff": "100ms",
    }


def _tls(certificates: Certificates, *, client_certificates: bool) -> dict[str, Any]:
    options: dict[str, Any] = {
        "certificate": str(certificates.server_certificate),
        "key": str(certificates.server_key),
    }
    if client_certificates:
        options["clientcas"] = [str(certificates.ca_file)]
    return options


def _htpasswd(folder: Path, username: str, password: str) -> Path:
    """Write the login with the cheapest bcrypt: the registry pays its cost at every request."""
    path = folder / "htpasswd"
    program = require("htpasswd", "apache2-utils")
    subprocess.run(
        [program, "-i", "-c", "-B", "-C", "4", path, username],
        input=password.encode(),
        capture_output=True,
        check=True,
    )
    return path
