"""pulp-container, whole: PostgreSQL, its API, its content server, a worker, and nginx in front.

Its tokens are signed with ES256 and live for minutes, its blobs are at another host, to which it
redirects with a signed address, and its lists go on by absolute links. It is in an environment of
its own, `.venv-pulp`, which `make test-pulp` makes.
"""

from __future__ import annotations

import base64
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from servers.process import (
    LOOPBACK,
    clean_environment,
    free_port,
    listening,
    require,
    running,
)
from servers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

USERNAME = "admin"
PASSWORD = "correct horse battery"
READER = ("reader", "only looking")
"""Who may pull what is public, and push nothing."""
PAGE = 10
"""How many names a list gives at once, at the most."""

_PROGRAMS = Path(__file__).parents[2] / ".venv-pulp" / "bin"
_START_SECONDS = 60.0
_MIGRATE_SECONDS = 240.0
_USER = "postgres"
"""The user that Debian makes for PostgreSQL, which refuses to run as root."""

_REQUEST = re.compile(r"(?P<method>\S+) (?P<path>\S+) (?P<status>\d+) (?P<scheme>\S*)")

_SETTLED = "/the-log-is-settled"

_SETTINGS = """\
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql",
    "HOST": "{sockets}", "NAME": "postgres", "USER": "pulp"}}}}
SECRET_KEY = "the secret of the tests"
DB_ENCRYPTION_KEY = "{folder}/database.key"
DEPLOY_ROOT = "{folder}"
MEDIA_ROOT = "{folder}/media"
STATIC_ROOT = "{folder}/static"
WORKING_DIRECTORY = "{folder}/tmp"
FILE_UPLOAD_TEMP_DIR = "{folder}/tmp"
TOKEN_AUTH_DISABLED = False
TOKEN_SIGNATURE_ALGORITHM = "ES256"
PUBLIC_KEY_PATH = "{folder}/token.pub"
PRIVATE_KEY_PATH = "{folder}/token.key"
TOKEN_SERVER = "http://{loopback}/token/"
CONTENT_ORIGIN = "http://{loopback}"
CACHE_ENABLED = False
ANALYTICS = False
REST_FRAMEWORK__PAGE_SIZE = 1  # Of which a list gives ten times as many at once, at the most.
"""

_NGINX = """\
{user}
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    map $http_authorization $scheme_of_login {{ "~^(?<word>[A-Za-z]+) " $word; default ""; }}
    log_format tests "$request_method $request_uri $status $scheme_of_login";
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    client_max_body_size 0;
    proxy_set_header Host $http_host;
    proxy_redirect off;
    server {{
        listen {loopback}:{port};
        access_log {folder}/registry.log tests;
        location = {settled} {{ access_log off; return 204; }}
        location / {{ proxy_pass http://unix:{sockets}/{api}; }}
    }}
    server {{
        listen {loopback}:{content_port};
        access_log {folder}/content.log tests;
        location = {settled} {{ access_log off; return 204; }}
        location / {{ proxy_pass http://unix:{sockets}/content; }}
    }}
}}
"""

_USERS = """\
from django.contrib.auth import get_user_model
for name, password, is_superuser in {users}:
    user, _ = get_user_model().objects.get_or_create(username=name)
    user.set_password(password)
    user.is_superuser = user.is_staff = is_superuser
    user.save()
"""


class Request(NamedTuple):
    """One line of nginx's log: `path` has the query, `scheme` is that of a login, without it."""

    method: str
    path: str
    status: int
    scheme: str


class PulpRegistry(Registry):
    """One way to it: a registry at one port of loopback, and its content at another."""

    def __init__(self, folder: Path, port: int, content_port: int) -> None:
        super().__init__(f"http://{LOOPBACK}:{port}", USERNAME, PASSWORD)
        self._folder = folder
        self.content_host = f"{LOOPBACK}:{content_port}"

    def requests(self) -> list[Request]:
        """Return what the registry has answered, in order of the ends."""
        return self._requests(self.host, "registry.log")

    def content_requests(self) -> list[Request]:
        """Return what the content server has answered."""
        return self._requests(self.content_host, "content.log")

    def _requests(self, host: str, log: str) -> list[Request]:
        # nginx writes the line of an answer before it looks at what comes in after it.
        httpx.get(f"http://{host}{_SETTLED}", trust_env=False).raise_for_status()
        lines = self._folder.joinpath(log).read_text().splitlines()
        return [
            Request(found["method"], found["path"], int(found["status"]), found["scheme"])
            for found in map(_REQUEST.match, lines)
            if found
        ]


class Pulp:
    """All of it but the API: see `registry` for that. Files that last a test run are in `folder`.

    `sockets` is a folder with a short name: the path of a socket has at most 107 bytes.
    """

    def __init__(self, folder: Path, sockets: Path) -> None:
        self._folder = folder
        self._sockets = sockets
        self._environment = clean_environment(folder) | {
            "PULP_SETTINGS": str(folder / "settings.py"),
            "PATH": f"{_PROGRAMS}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }
        self._registries = 0

    def prepare(self) -> None:
        """Write settings and keys, make the tables, and the two users."""
        for name in ("media", "static", "tmp"):
            self._folder.joinpath(name).mkdir()
        values = {"folder": self._folder, "sockets": self._sockets, "loopback": LOOPBACK}
        self._folder.joinpath("settings.py").write_text(_SETTINGS.format(**values))
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self._folder.joinpath("token.key").write_bytes(private)
        self._folder.joinpath("token.pub").write_bytes(public)
        secret = base64.urlsafe_b64encode(os.urandom(32))
        self._folder.joinpath("database.key").write_bytes(secret)
        self._manage("migrate", "--verbosity", "0")
        users = [(USERNAME, PASSWORD, True), (*READER, False)]
        self._manage("shell", said=_USERS.format(users=users))

    @contextmanager
    def working(self) -> Iterator[None]:
        """Run the content server and the worker until the block ends."""
        content = self._sockets / "content"
        log = self._folder / "content-app.log"
        with (
            running(
                [_PROGRAMS / "pulpcore-content", "--bind", f"unix:{content}", "--workers", "1"],
                log,
                ready=lambda: _answers(content, "/pulp/content/"),
                deadline=_START_SECONDS,
                environment=self._environment,
            ),
            running(
                [_PROGRAMS / "pulpcore-worker"],
                self._folder / "worker.log",
                ready=lambda: True,
                environment=self._environment,
            ),
        ):
            yield

    @contextmanager
    def registry(self, *, token_seconds: int = 300) -> Iterator[PulpRegistry]:
        """Run an API, with nginx in front, whose tokens live for `token_seconds`."""
        self._registries += 1
        api = self._sockets / f"api-{self._registries}"
        folder = self._folder / f"nginx-{self._registries}"
        folder.mkdir()
        port, content_port = free_port(), free_port()
        config = folder / "nginx.conf"
        values = {"folder": folder, "sockets": self._sockets, "loopback": LOOPBACK}
        values["settled"] = _SETTLED
        ports = {"api": api.name, "port": port, "content_port": content_port}
        # As root, nginx gives its work to a user who can't look into our folders.
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(_NGINX.format(**values, **ports, user=user))
        environment = self._environment | {
            "PULP_TOKEN_SERVER": f"http://{LOOPBACK}:{port}/token/",
            "PULP_CONTENT_ORIGIN": f"http://{LOOPBACK}:{content_port}",
            "PULP_TOKEN_EXPIRATION_TIME": str(token_seconds),
        }
        registry = PulpRegistry(folder, port, content_port)
        with (
            running(
                [_PROGRAMS / "pulpcore-api", "--bind", f"unix:{api}", "--workers", "2"],
                folder / "api.log",
                ready=lambda: _answers(api, "/v2/"),
                deadline=_START_SECONDS,
                environment=environment,
            ),
            running(
                [require("nginx", "nginx-light"), "-e", "stderr", "-c", config],
                folder / "nginx.log",
                ready=lambda: listening(port) and listening(content_port),
            ),
        ):
            try:
                yield registry
            finally:
                registry.close()

    def _manage(self, *words: str, said: str = "") -> None:
        done = subprocess.run(
            [_PROGRAMS / "pulpcore-manager", *words],
            input=said.encode(),
            env=self._environment,
            capture_output=True,
            timeout=_MIGRATE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]


@contextmanager
def pulp(folder: Path) -> Iterator[Pulp]:
    """Run all that its registries need, with an empty database, until the block ends."""
    if not _PROGRAMS.joinpath("pulpcore-api").exists():
        pytest.fail("pulp-container is not there: `make test-pulp` brings it", pytrace=False)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pulp-")))
        stack.enter_context(_postgres(sockets, folder / "postgres.log"))
        server = Pulp(folder, sockets)
        server.prepare()
        stack.enter_context(server.working())
        yield server


@contextmanager
def _postgres(folder: Path, log_path: Path) -> Iterator[None]:
    """Run PostgreSQL on a socket in `folder`, which becomes its own. Nobody else gets there."""
    as_itself: list[str] = []
    if os.geteuid() == 0:
        as_itself = [require("setpriv", "util-linux"), f"--reuid={_USER}"]
        as_itself += [f"--regid={pwd.getpwnam(_USER).pw_gid}", "--clear-groups"]
        shutil.chown(folder, _USER)
    programs, data = _newest_postgres(), folder / "data"
    options = ["--no-sync", "--auth=trust", "--username=pulp", "--encoding=UTF8"]
    subprocess.run(
        [*as_itself, programs / "initdb", *options, "--locale=C.UTF-8", "--pgdata", data],
        cwd=folder,
        env=clean_environment(folder),
        capture_output=True,
        check=True,
    )
    # What it holds need not survive anything.
    settings = ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses="]
    words = [word for setting in settings for word in ("-c", setting)]
    with running(
        [*as_itself, programs / "postgres", "-D", data, "-k", folder, *words],
        log_path,
        ready=lambda: folder.joinpath(".s.PGSQL.5432").exists(),
        environment=clean_environment(folder),
    ):
        yield


def _newest_postgres() -> Path:
    """Return the folder of PostgreSQL's programs, which Debian doesn't have in the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=_version)
    return found[-1].parent if found else Path(require("postgres", "postgresql")).parent


def _version(program: Path) -> int:
    return int(program.parts[-3])


def _answers(address: Path, path: str) -> bool:
    """Tell whether a server of Python answers at a socket: it listens before it can."""
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(str(address))
        probe.sendall(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}\r\n\r\n".encode())
        return probe.recv(64).startswith(
            (b"HTTP/1.0 2", b"HTTP/1.0 4", b"HTTP/1.1 2", b"HTTP/1.1 4")
        )
    return False
