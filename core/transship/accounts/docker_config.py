"""Logins that Docker has: its configuration file and its credential helpers."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from transship.accounts.secrets import FoundSecret, credential_of
from transship.errors import BadFile, HelperFailed
from transship.registry.access import without_secrets
from transship.registry.credential import Credential

if TYPE_CHECKING:
    from collections.abc import Mapping

_HUB = "docker.io"
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_HUB_SERVER = "https://index.docker.io/v1/"


class _Auth(msgspec.Struct):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""
    registrytoken: str = ""


class _Config(msgspec.Struct, rename="camel"):
    auths: dict[str, _Auth] | None = None
    cred_helpers: dict[str, str] | None = None
    creds_store: str = ""


class DockerConfig:
    """What docker and podman know, as the environment `environ` of a user with `home` has it.

    A credential helper that needs longer than `helper_seconds` has failed.
    """

    def __init__(
        self, environ: Mapping[str, str], *, home: Path | None = None, helper_seconds: float = 30.0
    ) -> None:
        self._environ = environ
        self._home = home or Path.home()
        self._helper_seconds = helper_seconds

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are read, whether they exist or not, in order."""
        environ = self._environ
        config_home = environ.get("XDG_CONFIG_HOME") or self._home / ".config"
        docker = environ.get("DOCKER_CONFIG") or self._home / ".docker"
        runtime = environ.get("XDG_RUNTIME_DIR")
        override = environ.get("REGISTRY_AUTH_FILE")
        return (
            *([Path(override)] if override else []),
            *([Path(runtime) / "containers" / "auth.json"] if runtime else []),
            Path(config_home) / "containers" / "auth.json",
            Path(docker) / "config.json",
        )

    async def find(self, host: str, repository: str = "") -> FoundSecret:
        """Return the first credential for a host, or for a repository of it.

        Raises BadFile, which names the file and the place but never what stands there, and
        HelperFailed.
        """
        note = ""
        for path in self.paths:
            config = _read(path)
            found = await self._from_helpers(path, config, host) if config else None
            if found:
                return found
            key, entry = _entry(config.auths, host, repository) if config else ("", _Auth())
            credential = _credential(entry, place=f'{path}: auths."{key}"')
            if credential:
                return FoundSecret(credential, "docker", f"from {path}")
            if entry.registrytoken:
                note = f"{path} has a registrytoken for {key}; those are not used"
        return FoundSecret(note=note)

    async def _from_helpers(self, path: Path, config: _Config, host: str) -> FoundSecret | None:
        own = {_normal(key): name for key, name in (config.cred_helpers or {}).items()}
        for place, name in (("credHelpers", own.get(host, "")), ("credsStore", config.creds_store)):
            if not name:
                continue
            if not is_helper_name(name):
                raise BadFile(f"{path}: {place}: a helper's name can't have such characters")
            server = _HUB_SERVER if host == _HUB else host
            credential = await ask_helper(name, server, self._environ, seconds=self._helper_seconds)
            if credential:
                return FoundSecret(credential, "docker", f"from docker-credential-{name}")
        return None


def _read(path: Path) -> _Config | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Config)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}", remedy="Make the file readable.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: {error}") from None


def _entry(auths: Mapping[str, _Auth] | None, host: str, repository: str) -> tuple[str, _Auth]:
    """Return the entry for the longest part of `host/repository`, with its key in the file."""
    keys: dict[str, str] = {}
    for key in auths or ():
        # A key that is written as references are goes before docker's older ways to write it.
        if _normal(key) == key or _normal(key) not in keys:
            keys[_normal(key)] = key
    name = f"{host}/{repository}" if repository else host
    while name:
        if auths and name in keys:
            return keys[name], auths[keys[name]]
        name = name.rpartition("/")[0]
    return "", _Auth()


def _normal(key: str) -> str:
    """Return a key as references write it: `https://index.docker.io/v1/` is `docker.io`."""
    _, scheme, rest = key.rpartition("://")
    host, _, path = rest.strip("/").partition("/")
    host = _HUB if host.lower() in _HUB_NAMES else host.lower()
    return host if scheme or not path or path in ("v1", "v2") else f"{host}/{path}"


def _credential(entry: _Auth, place: str) -> Credential | None:
    username, password = entry.username, entry.password
    if entry.auth:
        username, password = _decoded(entry.auth, place)
    if entry.identitytoken:
        return Credential(username, entry.identitytoken, identity=True)
    return credential_of(username, password) if password else None


def _decoded(auth: str, place: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(auth, validate=True).decode()
    except ValueError:
        raise BadFile(f"{place}.auth: is not base64 of USERNAME:PASSWORD") from None
    username, colon, password = text.partition(":")
    if not colon:
        raise BadFile(f"{place}.auth: has no colon between user name and password")
    return username, password.strip("\0")


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_FOUND = b"credentials not found in native keychain"


class _Answer(msgspec.Struct, rename="pascal"):
    username: str = ""
    secret: str = ""


def is_helper_name(name: str) -> bool:
    """Tell whether `name` can be the end of a program's name, and nothing but that."""
    return bool(_NAME.fullmatch(name))


async def ask_helper(
    name: str, server: str, environ: Mapping[str, str], *, seconds: float
) -> Credential | None:
    """Return what `docker-credential-NAME` has for `server`, or None when it has nothing.

    The helper gets `environ` without our own secrets, and no terminal to ask on. Raises
    HelperFailed, also when it takes longer than `seconds`.
    """
    program = f"docker-credential-{name}"
    status, output = await _run(program, server, environ, seconds)
    if status != 0:
        if _NOT_FOUND in output:
            return None
        raise HelperFailed(f"{program} ended with status {status}")
    try:
        answer = msgspec.json.decode(output, type=_Answer)
    except msgspec.DecodeError:
        raise HelperFailed(f"{program} gave an answer that is not the protocol's") from None
    return credential_of(answer.username, answer.secret) if answer.secret else None


async def _run(
    program: str, server: str, environ: Mapping[str, str], seconds: float
) -> tuple[int, bytes]:
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=without_secrets(environ),
            start_new_session=True,
        )
    except OSError as error:
        raise HelperFailed(f"{program}: {error.strerror}") from None
    try:
        output, _ = await asyncio.wait_for(process.communicate(server.encode()), seconds)
    except TimeoutError:
        raise HelperFailed(f"{program} gave no answer in {seconds:g} s") from None
    finally:
        if process.returncode is None:
            # The whole group: a helper is often a script that waits for another program.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output
