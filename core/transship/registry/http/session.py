"""Requests to one registry: found, signed in, rate limited, retried, and redirected safely."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.registry.credential import Credential, HandingOut, SharedCall, Tls
from transship.registry.http.address import is_loopback, leads_to, origin_of, path_of, resolve
from transship.registry.http.answer import JSON_LIMIT, Answer, described, error_of, is_transient
from transship.registry.http.authentication import Authenticator, Scopes
from transship.registry.http.client import Stream, Timeouts, Transport
from transship.registry.http.exchange_log import Recorder
from transship.registry.http.rate_limiter import RateLimiter, RetryPolicy, RetryState
from transship.registry.http.tls import fingerprint

if TYPE_CHECKING:
    from transship.registry.http.connection import Pins

_UNAUTHORIZED = 401
_QUESTION = RetryPolicy(attempts=2, seconds=10)
"""Of a question that can go unanswered."""
_ONCE = RetryPolicy(attempts=1, seconds=0)

_Once = Callable[[], Awaitable[Answer]]


class RegistrySession:
    """All that `Registry` sends goes through here.

    A path (`/v2/...`) is meant at the registry; a whole address may be elsewhere, and then gets
    no credential. `ask` retries; `stream` and `send` carry bytes that can't be sent twice, so
    they try once and raise what happened. `name` is what the registry is called, where that isn't
    the `host` that is asked.
    """

    def __init__(
        self,
        host: str,
        *,
        credential: Credential | None,
        tls: Tls,
        patience: RetryPolicy,
        clock: Clock,
        timeouts: Timeouts | None = None,
        recorder: Recorder | None = None,
        pins: Pins | None = None,
        handing_out: HandingOut | None = None,
        name: str = "",
    ) -> None:
        self.host = host
        self.pacer = RateLimiter(clock, longest=patience.seconds)
        self._tls = tls
        self._patience = patience
        self._clock = clock
        self._transport = Transport(host, tls, timeouts, recorder, pins)
        self._auth = Authenticator(
            credential,
            self._transport.request,
            clock,
            lambda: self._origin.base,
            handing_out,
            name or host,
        )
        self._pinned = bool(pins)
        self._origin = Origin(host)
        self._greeting: Answer | None = None
        self._finding = SharedCall()
        self._reached = False

    async def connect(self) -> None:
        """Find out how the registry is spoken to, once. Raises why it can't be."""
        if not self._origin.base:
            await self._finding.do(self._find)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        scopes: Scopes,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        limit: int = JSON_LIMIT,
        patience: RetryPolicy | None = None,
    ) -> Answer:
        """Send a small request and return its answer, whatever the status.

        Raises the errors of the way and of signing in, and RateLimited or ServerFailed once
        patience has run out, which is that of the exchange unless another is given.
        """
        await self.connect()

        async def once() -> Answer:
            return await self._signed(method, self.address(path), scopes, headers, content, limit)

        return await self._retried(once, patience)

    async def ask_service(
        self,
        method: str,
        named: str,
        *,
        hosts: tuple[str, ...] = (),
        authorization: str | None = None,
        content: bytes | None = None,
        media_type: str = "",
        accept: str = "application/json",
        repeats: bool = True,
    ) -> Answer:
        """Ask the service's own API and return its answer, whatever the status.

        A path is at the registry, a whole address there, at its token server or at one of `hosts`.
        Such an API wants the password itself, not a token, unless there is an `authorization` (an
        empty one is left out). Nobody waits long for its answer, and what never `repeats` goes out
        once. Raises SignInNeeded without a credential, RedirectRefused for any other host, and what
        `ask` raises.
        """
        await self.connect()
        if authorization is None:
            authorization = self._auth.password()
        url = self._origin.service_address(named, self._auth.realm, hosts)
        headers = _with({"accept": accept}, authorization)
        if media_type:
            headers["content-type"] = media_type

        async def once() -> Answer:
            async with self.pacer.slot():
                return await self._followed(method, url, headers, content, JSON_LIMIT)

        return await self._retried(once, _QUESTION if repeats else _ONCE)

    def credential(self) -> Credential:
        """Return what the registry is signed in to with. Raises SignInNeeded without one."""
        return self._auth.credential()

    @property
    def realm(self) -> str:
        """The address of the token server that the registry named, empty before it named one."""
        return self._auth.realm

    @property
    def greeting(self) -> Answer | None:
        """What the registry first answered to `/v2/`, None before it did."""
        return self._greeting

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        scopes: Scopes,
        headers: Mapping[str, str] | None = None,
        missing: type[TransshipError],
    ) -> AsyncIterator[Stream]:
        """Open what is at `path` for reading, where redirects lead to. One attempt.

        Raises `missing` for 404 and the error of any other answer that isn't a success.
        """
        await self.connect()
        url = self.address(path)
        fresh = False
        redirects = 0
        while True:
            authorization = await self._authorization(url, scopes)
            await self.pacer.quiet()
            async with (
                self.pacer.body(),
                self._transport.stream(
                    "GET",
                    url,
                    headers=_with(headers, authorization),
                    read_ahead=self.pacer.throttle.read_ahead,
                ) as stream,
            ):
                if stream.status < 300:
                    self._reached = True
                    self.pacer.answered()
                    yield stream
                    return
                # Read to its end, so that the connection can be used again.
                answer = await stream.whole("GET")
            if answer.status in REDIRECTS and "location" in answer.headers:
                redirects += 1
                url = self._origin.redirected(answer, redirects)
            elif answer.status == _UNAUTHORIZED and self._origin.holds(url) and not fresh:
                self._renew(answer, scopes, authorization)
                fresh = True
            else:
                raise self._failure(answer, scopes, missing)

    async def send(
        self,
        method: str,
        address: str,
        body: AsyncIterator[bytes] | bytes,
        size: int,
        *,
        scopes: Scopes,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send `size` bytes and return the answer, if it is a success. One attempt.

        Raises TokenExpired when the sign-in ran out, the error of any other failure, and what
        `body` raised.
        """
        await self.connect()
        authorization = await self._authorization(address, scopes)
        await self.pacer.quiet()
        async with self.pacer.body():
            answer = await self._transport.send(
                method, address, body, size, headers=_with(headers, authorization)
            )
        if answer.status == _UNAUTHORIZED and self._origin.holds(address):
            self._renew(answer, scopes, authorization)
            raise errors.TokenExpired(described(answer))
        if not answer.ok:
            raise self._failure(answer, scopes, errors.UploadLost)
        self.pacer.went_well()
        return answer

    def address(self, named: str, answer: Answer | None = None) -> str:
        """Return the whole address of a path, or of what `answer` names, as `Origin.address`."""
        return self._origin.address(named, answer)

    def error_of(self, answer: Answer, *, missing: type[TransshipError]) -> TransshipError:
        """Return the error that a failed answer stands for."""
        error = error_of(answer, self._clock.now(), missing=missing)
        if isinstance(error, errors.NoRight) and not self._auth.signed_in:
            return errors.SignInNeeded(error.detail)
        return error

    async def pause(self, seconds: float) -> None:
        """Wait, by the registry's clock."""
        await self._clock.sleep(seconds)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _find(self) -> None:
        if self._origin.base:
            return

        async def once() -> Answer:
            return await ping(self._transport, self.host, plain_http=self._tls.plain_http)

        try:
            answer = await self._retried(once)
        except errors.CertificateNotTrusted as error:
            # What DNS leads to isn't what a pinned host was refused at.
            shown = "" if self._pinned else await fingerprint(self.host)
            raise errors.CertificateNotTrusted(error.detail + shown, remedy=error.remedy) from error
        check_is_registry(answer, self.host)
        self._origin.base = answer.url.removesuffix(PING_PATH)
        self._greeting = answer
        if answer.status == _UNAUTHORIZED:
            self._auth.learn(answer, ())

    async def _retried(self, once: _Once, patience: RetryPolicy | None = None) -> Answer:
        retrying = RetryState(patience or self._patience, self._clock, reached=self._reached)
        while True:
            try:
                answer = await once()
                if not is_transient(answer.status):
                    self._reached = True
                    self.pacer.went_well()
                    return answer
                failure = error_of(answer, self._clock.now())
            except TransshipError as error:
                failure = error
            self.pacer.went_badly(failure)
            pause = retrying.pause_after(failure)
            if pause is None:
                raise failure
            await self._clock.sleep(pause)

    async def _signed(
        self,
        method: str,
        url: str,
        scopes: Scopes,
        headers: Mapping[str, str] | None,
        content: bytes | None,
        limit: int,
    ) -> Answer:
        """Send once, and once more with a fresh sign-in if the first was answered with 401."""

        async def once() -> tuple[Answer, str | None]:
            # Signing in may take requests of its own, and so comes before the turn; a token may not
            # live as long as the wait for that.
            shown = await self._authorization(url, scopes)
            async with self.pacer.slot() as waited:
                if waited:
                    shown = await self._authorization(url, scopes)
                fields = _with(headers, shown)
                return await self._followed(method, url, fields, content, limit), shown

        answer, authorization = await once()
        if answer.status != _UNAUTHORIZED or not self._origin.holds(answer.url):
            return answer
        self._renew(answer, scopes, authorization)
        fresh = await self._authorization(url, scopes)
        if fresh is not None and fresh != authorization:
            answer, fresh = await once()
        if answer.status == _UNAUTHORIZED and self._origin.holds(answer.url):
            refusal = self._auth.refusal(answer, scopes)
            wrong = isinstance(refusal, errors.WrongCredential) and bool(scopes)
            if wrong and await self._still_takes(fresh):
                raise errors.NoRight(refusal.detail)
            raise refusal
        return answer

    async def _still_takes(self, password: str | None) -> bool:
        """Tell whether a password that was refused is taken at the registry's own door.

        Some refuse like a wrong password what the account has no right to. Where the door is open
        to everybody, that says nothing.
        """
        if self._greeting is None or self._greeting.status != _UNAUTHORIZED:
            return False
        async with self.pacer.slot():
            answer = await self._transport.request(
                "GET", self._origin.base + PING_PATH, headers=_with(None, password)
            )
        return answer.ok

    async def _followed(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        limit: int,
    ) -> Answer:
        redirects = 0
        first = url
        while True:
            answer = await self._transport.request(
                method, url, headers=headers, content=content, limit=limit
            )
            redirected = answer.status in REDIRECTS and "location" in answer.headers
            if not redirected or method not in ("GET", "HEAD"):
                return answer
            redirects += 1
            url = self._origin.redirected(answer, redirects)
            if origin_of(url) != origin_of(first):
                headers = {k: v for k, v in headers.items() if k != "authorization"}

    def _failure(
        self, answer: Answer, scopes: Scopes, missing: type[TransshipError]
    ) -> TransshipError:
        if answer.status == _UNAUTHORIZED and self._origin.holds(answer.url):
            return self._auth.refusal(answer, scopes)
        error = self.error_of(answer, missing=missing)
        self.pacer.went_badly(error)
        return error

    def _renew(self, answer: Answer, scopes: Scopes, authorization: str | None) -> None:
        """Take in a 401, so that the next authorization is a new one. Raises if none can be."""
        self._auth.reject(authorization)
        if not self._auth.learn(answer, scopes):
            raise self._auth.refusal(answer, scopes)

    async def _authorization(self, url: str, scopes: Scopes) -> str | None:
        return await self._auth.authorization(scopes) if self._origin.holds(url) else None


def _with(headers: Mapping[str, str] | None, authorization: str | None) -> dict[str, str]:
    fields = dict(headers or {})
    if authorization:
        fields["authorization"] = authorization
    return fields


PING_PATH = "/v2/"
REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def ping(transport: Transport, host: str, *, plain_http: bool) -> Answer:
    """Return what `host` answers to `/v2/`, whatever the status. Raises why it can't be asked.

    Loopback hosts fall back from https to plain http; no other host does.
    """
    if not plain_http:
        try:
            return await transport.request("GET", f"https://{host}{PING_PATH}")
        except (errors.PlainHttp, errors.ConnectionLost):
            if not is_loopback(host):
                raise
    return await transport.request("GET", f"http://{host}{PING_PATH}")


def check_is_registry(answer: Answer, host: str) -> None:
    """Raise unless the answer to `/v2/` is one that a registry gives."""
    said = "docker-distribution-api-version" in answer.headers
    if answer.status == _UNAUTHORIZED and (said or answer.challenges):
        return
    if answer.ok and (said or not answer.body.lstrip().startswith(b"<")):
        return
    if answer.status == 403:
        raise errors.NoRight(f"{described(answer)}; a firewall of the registry may keep us out")
    if answer.status == 400 and b"HTTPS" in answer.body:
        raise errors.NotARegistry(f"{host} speaks https", remedy="Leave --plain-http out.")
    if answer.status in REDIRECTS:
        target = urlsplit(answer.headers.get("location", "")).netloc
        raise errors.NotARegistry(f"{described(answer)}, a redirect to {target or 'elsewhere'}")
    raise errors.NotARegistry(described(answer))


_MOST_REDIRECTS = 5
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_][A-Za-z0-9_.:-]*)+/?(?:\?[A-Za-z0-9_.:/=&%-]*)?")
"""A path that means at any origin exactly what it says: most of all requests have one."""


class Origin:
    """The origin of the registry at `host` (`scheme://host[:port]`): `base`, once it is found."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.base = ""

    def holds(self, url: str) -> bool:
        """Tell whether an address is at the registry itself."""
        return bool(self.base) and url.startswith(self.base + "/")

    def address(self, named: str, answer: Answer | None = None) -> str:
        """Return the whole address of a path, or of what `answer` names.

        What leads to the registry itself is spoken to as the registry was found, whatever scheme
        it names. Raises RedirectRefused for what is no web address, or leads from https to http.
        """
        if answer is None and _PLAIN_PATH.fullmatch(named):
            return self.base + named
        if self.holds(named) and _PLAIN_PATH.fullmatch(named, len(self.base)):
            return named
        try:
            address = resolve(answer.url if answer else self.base, named)
            own = leads_to(address, self.base)
        except ValueError as error:
            raise errors.RedirectRefused(
                f"{self.host} points to {_bare(named)!r}: {error}"
            ) from None
        if own:
            return self.base + path_of(address)
        if address.startswith("http:") and self.base.startswith("https:"):
            raise errors.RedirectRefused(f"{self.host} points from https to {_bare(address)}")
        return address

    def redirected(self, answer: Answer, redirects: int) -> str:
        """Return where a redirect leads, which is the one of this number. Raises as `address`."""
        if redirects > _MOST_REDIRECTS:
            raise errors.RedirectRefused(f"{self.host}: over {_MOST_REDIRECTS} redirects")
        return self.address(answer.headers["location"], answer)

    def service_address(self, named: str, realm: str, hosts: tuple[str, ...]) -> str:
        """Return the whole address of what is asked of the service's own API.

        The account's secret may go to the registry, its token server (`realm`) and `hosts`. Raises
        RedirectRefused for an address anywhere else.
        """
        url = self.address(named)
        known = {origin_of(f"https://{host}/") for host in hosts}
        # This machine's own hosts aren't spoken to by https, as everywhere else.
        known |= {origin_of(f"http://{host}/") for host in hosts if is_loopback(host)}
        if realm:
            known.add(origin_of(realm))
        if self.holds(url) or origin_of(url) in known:
            return url
        raise errors.RedirectRefused(
            f"{_bare(named)!r} is neither at {self.host} nor at its service, and isn't asked"
        )


def _bare(address: str) -> str:
    return address.partition("?")[0]
