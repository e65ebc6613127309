"""Where secrets live: the keyring, the environment, a key file. Never in a file of Transship's."""

from __future__ import annotations

import asyncio
import re
import stat
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from transship.errors import (
    BadFile,
    KeyringAbsent,
    KeyringFailed,
    KeyringHung,
    KeyringInsecure,
    KeyringLocked,
    SecretUnavailable,
    TransshipError,
)
from transship.registry.credential import Credential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from keyring.backend import KeyringBackend

IDENTITY_USERNAME = "<token>"
"""The user name that says that the secret is an identity token, as docker's helpers write it."""

SecretState = Literal["ok", "locked", "hung", "absent", "insecure", "failed", "unused"]

_STATES: dict[type[TransshipError], SecretState] = {
    KeyringLocked: "locked",
    KeyringHung: "hung",
    KeyringAbsent: "absent",
    KeyringInsecure: "insecure",
}


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """Whether a store can be used now; what happened and what to do when it can't."""

    state: SecretState
    title: str = ""
    detail: str = ""
    remedy: str = ""


def status_of(error: TransshipError) -> SecretStatus:
    """Return the status that `error` says a store is in."""
    state = _STATES.get(type(error), "failed")
    return SecretStatus(state, error.title, error.detail, error.remedy)


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """What was found for a registry.

    `source` says where (a `SecretSource`; empty when nothing was found), `note` what the operator
    should know of it.
    """

    credential: Credential | None = None
    source: str = ""
    note: str = ""


def credential_of(username: str, secret: str) -> Credential:
    """Return the credential that a stored secret is: a password, or docker's identity token."""
    return Credential(username, secret, identity=username == IDENTITY_USERNAME)


class SecretStore(Protocol):
    """A place that keeps secrets by host and user name.

    All methods raise the `Keyring...` errors while the store can't be used.
    """

    async def get(self, host: str, username: str) -> str | None:
        """Return the secret, or None if there is none."""

    async def set(self, host: str, username: str, secret: str) -> None:
        """Keep a secret, in place of an earlier one."""

    async def delete(self, host: str, username: str) -> bool:
        """Forget a secret; return whether there was one."""

    async def probe(self) -> SecretStatus:
        """Return whether the store can be used now. Never raises."""


class SessionStore:
    """Secrets in memory, for as long as this process lives."""

    def __init__(self) -> None:
        self._secrets: dict[tuple[str, str], str] = {}

    def has(self, host: str, username: str) -> bool:
        """Tell whether there is a secret."""
        return (host, username) in self._secrets

    async def get(self, host: str, username: str) -> str | None:
        """Return the secret, or None if there is none."""
        return self._secrets.get((host, username))

    async def set(self, host: str, username: str, secret: str) -> None:
        """Keep a secret until the process ends."""
        self._secrets[host, username] = secret

    async def delete(self, host: str, username: str) -> bool:
        """Forget a secret; return whether there was one."""
        return self._secrets.pop((host, username), None) is not None

    async def probe(self) -> SecretStatus:
        """Return that it can be used; it always can."""
        return SecretStatus("ok")


class InsteadOfKeyring(SessionStore):
    """Secrets in memory where the operator's keyring isn't to be touched."""

    async def probe(self) -> SecretStatus:
        """Return that the keyring isn't used."""
        return SecretStatus(
            "unused", "The keyring isn't used here", "", "What you type is forgotten at the end."
        )


_FREEDESKTOP = "keyring.backends.SecretService.Keyring"

SAFE_BACKENDS = frozenset(
    {
        _FREEDESKTOP,
        "keyring.backends.libsecret.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.kwallet.DBusKeyringKWallet4",
        "keyring.backends.macOS.Keyring",
        "keyring.backends.Windows.WinVaultKeyring",
    }
)
"""The backends of `keyring` that encrypt, and ask for a password outside our terminal."""

_NO_BACKENDS = frozenset({"keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"})
_PROBE = ("transship:probe", "probe")

# By name, because which of these libraries exists depends on the platform.
_LOCKED = frozenset(
    {"KeyringLocked", "LockedException", "PromptDismissedException", "ItemNotFoundException"}
)
_ABSENT = frozenset({"NoKeyringError", "SecretServiceNotAvailableException"})

_Answer = TypeVar("_Answer")


class KeyringStore:
    """The secrets that `keyring` keeps, each under service `transship:HOST` and its user name.

    `allowed` are the backends, as dotted class names, that may hold secrets. A keyring that lets
    a call wait longer than `read_seconds`, `write_seconds` where it may have to ask for its
    password, or `probe_seconds` where it asks for none, is hung: until that call returns after
    all, every other one fails at once. A write that was given up, by its deadline or by
    cancelling it, may still take effect.

    All methods raise KeyringLocked, KeyringHung, KeyringAbsent, KeyringInsecure or KeyringFailed.
    """

    def __init__(
        self,
        *,
        allowed: frozenset[str] = SAFE_BACKENDS,
        read_seconds: float = 5.0,
        write_seconds: float = 60.0,
        probe_seconds: float = 5.0,
        find_backend: Callable[[], KeyringBackend] | None = None,
    ) -> None:
        self._allowed = allowed
        self._read_seconds = read_seconds
        self._write_seconds = write_seconds
        self._probe_seconds = probe_seconds
        self._find_backend = find_backend or _configured_backend
        self._backend: KeyringBackend | None = None
        self._turn = asyncio.Lock()
        self._answered = threading.Event()
        self._answered.set()

    async def get(self, host: str, username: str) -> str | None:
        """Return the secret, or None if there is none."""
        service = _service(host)
        return await self._ask(lambda b: b.get_password(service, username), self._read_seconds)

    async def set(self, host: str, username: str, secret: str) -> None:
        """Keep a secret, in place of an earlier one."""
        service = _service(host)

        def work(backend: KeyringBackend) -> None:
            backend.set_password(service, username, secret)
            # Some backends don't look whether their service has taken what they sent.
            if backend.get_password(service, username) != secret:
                raise KeyringFailed("It doesn't give back what was put in")

        await self._ask(work, self._write_seconds)

    async def delete(self, host: str, username: str) -> bool:
        """Forget a secret; return whether there was one."""
        service = _service(host)

        def work(backend: KeyringBackend) -> bool:
            if backend.get_password(service, username) is None:
                return False
            backend.delete_password(service, username)
            return True

        return await self._ask(work, self._write_seconds)

    async def probe(self) -> SecretStatus:
        """Return whether the keyring can be used now. Never raises.

        The Secret Service is looked at without making it ask for its password.
        """
        try:
            await self._ask(_look, self._probe_seconds)
        except TransshipError as error:
            return status_of(error)
        return SecretStatus("ok")

    async def _ask(self, work: Callable[[KeyringBackend], _Answer], seconds: float) -> _Answer:
        async with self._turn:
            if not self._answered.is_set():
                raise KeyringHung("An earlier call still waits for its answer")
            answered = self._answered = threading.Event()
            future = _in_thread(lambda: work(self._safe_backend()), answered)
            try:
                return await asyncio.wait_for(future, seconds)
            except TimeoutError:
                raise KeyringHung(f"No answer in {seconds:g} s") from None

    def _safe_backend(self) -> KeyringBackend:
        """Return the backend to use. Looking for it may call services, so it may block too."""
        if self._backend is None:
            self._backend = safe_backend(self._find_backend(), self._allowed)
        return self._backend


_SILENCE_SECONDS = 1.0


class NotifyingStore:
    """A store of secrets that calls `waiting` when it lets somebody wait."""

    def __init__(self, store: SecretStore, waiting: Callable[[], None]) -> None:
        self._store = store
        self._waiting = waiting

    async def get(self, host: str, username: str) -> str | None:
        """Return the secret, or None if there is none."""
        with self._notified():
            return await self._store.get(host, username)

    async def set(self, host: str, username: str, secret: str) -> None:
        """Keep a secret, in place of an earlier one."""
        with self._notified():
            await self._store.set(host, username, secret)

    async def delete(self, host: str, username: str) -> bool:
        """Forget a secret; return whether there was one."""
        with self._notified():
            return await self._store.delete(host, username)

    async def probe(self) -> SecretStatus:
        """Return whether the store can be used now. Never raises."""
        with self._notified():
            return await self._store.probe()

    @contextmanager
    def _notified(self) -> Iterator[None]:
        timer = asyncio.get_running_loop().call_later(_SILENCE_SECONDS, self._waiting)
        try:
            yield
        finally:
            timer.cancel()


def safe_backend(found: KeyringBackend, allowed: frozenset[str]) -> KeyringBackend:
    """Return `found`, or the first allowed one inside it when it is a chain.

    A chain itself is never used: it reads from, and falls through to, whatever is installed.
    Raises KeyringAbsent and KeyringInsecure.
    """
    from keyring.backends.chainer import ChainerBackend

    candidates = found.backends if isinstance(found, ChainerBackend) else [found]
    names = {backend_name(candidate): candidate for candidate in candidates}
    for name, candidate in names.items():
        if name in allowed:
            return candidate
    unsafe = names.keys() - _NO_BACKENDS
    if unsafe:
        raise KeyringInsecure(", ".join(sorted(unsafe)))
    raise KeyringAbsent


def backend_name(backend: KeyringBackend) -> str:
    """Return a backend's dotted class name, as keyring's own configuration writes it."""
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _configured_backend() -> KeyringBackend:
    import keyring

    return keyring.get_keyring()


def _service(host: str) -> str:
    return f"transship:{host}"


def _look(backend: KeyringBackend) -> None:
    if backend_name(backend) != _FREEDESKTOP:
        backend.get_password(*_PROBE)
        return
    import secretstorage
    from secretstorage.collection import DEFAULT_COLLECTION

    path = getattr(backend, "preferred_collection", DEFAULT_COLLECTION)
    with closing(secretstorage.dbus_init()) as bus:
        if secretstorage.Collection(bus, path).is_locked():
            raise KeyringLocked


def _in_thread(work: Callable[[], _Answer], answered: threading.Event) -> asyncio.Future[_Answer]:
    """Run `work` in a daemon thread; set `answered` when it returns, even if nobody waits.

    `asyncio.to_thread` won't do: the process can't end before its threads do.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Answer] = loop.create_future()

    def deliver(tell: Callable[[], None]) -> None:
        if not future.done():
            tell()

    def run() -> None:
        try:
            answer = work()
        except BaseException as error:  # noqa: BLE001 - a backend may raise whatever it likes
            tell = partial(future.set_exception, _understood(error))
        else:
            tell = partial(future.set_result, answer)
        answered.set()
        # The loop is closed when the process ends while we were waiting.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(deliver, tell)

    threading.Thread(target=run, daemon=True, name="keyring").start()
    return future


def _understood(error: BaseException) -> TransshipError:
    """Return our error for a backend's. Its words are left out: they may quote the secret."""
    if isinstance(error, TransshipError):
        return error
    names = {type(each).__name__ for each in (error, error.__cause__)}
    if names & _LOCKED:
        return KeyringLocked()
    if names & _ABSENT:
        return KeyringAbsent()
    return KeyringFailed(type(error).__name__)


def variables_of(host: str) -> tuple[str, str]:
    """Return the names of the variables for a host's user name and password.

    The host in upper case, with `_` for each character that is no letter or digit. Hosts that
    differ in such characters only (`a-b.example`, `a.b.example`) share their variables.
    """
    stem = re.sub(r"[^A-Z0-9]", "_", host.upper())
    return f"TRANSSHIP_{stem}_USERNAME", f"TRANSSHIP_{stem}_PASSWORD"


def environment_credential(
    host: str, environ: Mapping[str, str], *, username: str = ""
) -> Credential | None:
    """Return what the environment has for `host`, or None when it says nothing.

    `username` is the account's, and is used where the variable for it isn't set. An empty
    variable counts as not set. Raises SecretUnavailable when one half is missing.
    """
    username_variable, password_variable = variables_of(host)
    named, password = environ.get(username_variable), environ.get(password_variable)
    if not named and not password:
        return None
    if not password:
        raise SecretUnavailable(
            f"{username_variable} is set but {password_variable} is not",
            remedy="Set both variables, or neither.",
        )
    if not (named or username):
        raise SecretUnavailable(
            f"{password_variable} is set but {username_variable} is not",
            remedy="Set both variables, or neither.",
        )
    return credential_of(named or username, password)


_MOST_BYTES = 64 * 1024
_REMEDY = "Name the file that the key came in."


def read_key_file(path: str) -> str:
    """Return what stands in a file, without the white space around it. Raises BadFile.

    `path` may begin with ~. What is no plain file isn't opened: it might never end.
    """
    file = Path(path).expanduser()
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            raise BadFile(f"{path}: no plain file", remedy=_REMEDY)
        if found.st_size > _MOST_BYTES:
            raise BadFile(f"{path}: too large for a key", remedy=_REMEDY)
        text = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}", remedy=_REMEDY) from error
    except UnicodeDecodeError:
        raise BadFile(f"{path}: no text", remedy=_REMEDY) from None
    if not text:
        raise BadFile(f"{path}: empty", remedy=_REMEDY)
    return text
