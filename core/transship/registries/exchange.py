"""Requests to one registry: found, signed in, paced, retried, and redirected safely."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urljoin, urlsplit

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.registries.answers import JSON_LIMIT, Answer, described, error_of
from transship.registries.auth import Authenticator, Scopes
from transship.registries.credential import Credential, Tls
from transship.registries.pacing import Pacer, Patience, Retrying
from transship.registries.transport import Stream, Transport

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_UNAUTHORIZED = 401
_CERTIFICATE_SECONDS = 5.0

_Once = Callable[[], Awaitable[Answer]]


class Exchange:
    """All that `Registry` sends goes through here.

    A path (`/v2/...`) is meant at the registry; a whole address may be elsewhere, and then gets
    no credential. `ask` retries; `stream` and `send` carry bytes that can't be sent twice, so
    they try once and raise what happened.
    """

    def __init__(
        self,
        host: str,
        *,
        credential: Credential | None,
        tls: Tls,
        patience: Patience,
        clock: Clock,
    ) -> None:
        self.host = host
        self.pacer = Pacer(clock)
        self._tls = tls
        self._patience = patience
        self._clock = clock
        self._transport = Transport(host, tls)
        self._auth = Authenticator(credential, self._ask_realm, clock, lambda: self._base)
        self._base = ""
        self._connecting = asyncio.Lock()
        self._reached = False

    async def connect(self) -> None:
        """Find out how the registry is spoken to, once. Raises why it can't be.

        Loopback hosts fall back from https to plain http; no other host does.
        """
        async with self._connecting:
            if self._base:
                return
            if self._tls.plain_http:
                await self._try_base("http")
                return
            try:
                await self._try_base("https")
            except (errors.PlainHttp, errors.ConnectionLost):
                if not is_loopback(self.host):
                    raise
                await self._try_base("http")

    async def ask(
        self,
        method: str,
        path: str,
        *,
        scopes: Scopes,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        limit: int = JSON_LIMIT,
    ) -> Answer:
        """Send a small request and return its answer, whatever the status.

        Raises the errors of the way and of signing in, and RateLimited or ServerFailed once
        patience has run out.
        """
        await self.connect()

        async def once() -> Answer:
            return await self._signed(method, self.address(path), scopes, headers, content, limit)

        return await self._retried(once)

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
        for _ in range(_MOST_REDIRECTS + 1):
            authorization = await self._authorization(url, scopes)
            await self.pacer.quiet()
            async with self._transport.stream(
                "GET", url, headers=_with(headers, authorization)
            ) as stream:
                if stream.status in _REDIRECTS and "location" in stream.headers:
                    url = self._redirected(url, stream.headers["location"])
                    continue
                if stream.status < 300:
                    yield stream
                    return
                answer = await stream.whole("GET")
            if answer.status == _UNAUTHORIZED and self._is_own(url) and not fresh:
                self._renew(answer, scopes, authorization)
                fresh = True
                continue
            raise self.error_of(answer, missing=missing)
        raise errors.RedirectRefused(f"{self.host}: over {_MOST_REDIRECTS} redirects")

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

        Raises TokenExpired when the sign-in ran out, and the error of any other failure.
        """
        authorization = await self._authorization(address, scopes)
        await self.pacer.quiet()
        answer = await self._transport.send(
            method, address, body, size, headers=_with(headers, authorization)
        )
        if answer.status == _UNAUTHORIZED and self._is_own(address):
            self._renew(answer, scopes, authorization)
            raise errors.TokenExpired(described(answer))
        if not answer.ok:
            error = self.error_of(answer, missing=errors.UploadLost)
            self.pacer.went_badly(error)
            raise error
        return answer

    def address(self, path: str) -> str:
        """Return the whole address of a path, or of what a Location at this registry says.

        A registry behind a proxy may name itself by plain http; it is spoken to as it was found.
        """
        address = urljoin(self._base, path)
        parts = urlsplit(address)
        if parts.netloc.lower() == self.host and not address.startswith(self._base):
            return self._base + address.partition(parts.netloc)[2]
        return address

    def error_of(self, answer: Answer, *, missing: type[TransshipError]) -> TransshipError:
        """Return the error that a failed answer stands for."""
        error = error_of(answer, self._clock.now(), missing=missing)
        if isinstance(error, errors.NoRight) and not self._auth.signed_in:
            return errors.SignInNeeded(error.detail)
        return error

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _try_base(self, scheme: str) -> None:
        base = f"{scheme}://{self.host}"

        async def once() -> Answer:
            return await self._transport.request("GET", f"{base}/v2/")

        try:
            answer = await self._retried(once)
        except errors.CertificateNotTrusted as error:
            raise errors.CertificateNotTrusted(
                error.detail + await fingerprint(self.host)
            ) from error
        _check_is_registry(answer, self.host)
        self._base = base
        if answer.status == _UNAUTHORIZED:
            self._auth.learn(answer, ())

    async def _retried(self, once: _Once) -> Answer:
        retrying = Retrying(self._patience, self._clock, reached=self._reached)
        while True:
            try:
                answer = await once()
                failure = self._transient(answer)
                if failure is None:
                    self._reached = True
                    self.pacer.went_well()
                    return answer
            except TransshipError as error:
                failure = error
            self.pacer.went_badly(failure)
            pause = retrying.pause_after(failure)
            if pause is None:
                raise failure
            await self._clock.sleep(pause)

    def _transient(self, answer: Answer) -> TransshipError | None:
        if answer.status != 429 and answer.status < 500:
            return None
        error = self.error_of(answer, missing=errors.UnexpectedAnswer)
        return error if error.retryable else None

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

        async def once(authorization: str | None) -> Answer:
            fields = _with(headers, authorization)
            async with self.pacer.slot():
                return await self._followed(method, url, fields, content, limit)

        authorization = await self._authorization(url, scopes)
        answer = await once(authorization)
        if answer.status != _UNAUTHORIZED or not self._is_own(answer.url):
            return answer
        self._renew(answer, scopes, authorization)
        fresh = await self._authorization(url, scopes)
        if fresh is None or fresh == authorization:
            raise self._auth.refusal(described(answer))
        answer = await once(fresh)
        if answer.status == _UNAUTHORIZED:
            raise self._auth.refusal(described(answer))
        return answer

    async def _followed(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        limit: int,
    ) -> Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = await self._transport.request(
                method, url, headers=headers, content=content, limit=limit
            )
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not location or method not in ("GET", "HEAD"):
                return answer
            url = self._redirected(url, location)
            if not self._is_own(url):
                headers = {k: v for k, v in headers.items() if k != "authorization"}
        raise errors.RedirectRefused(f"{self.host}: over {_MOST_REDIRECTS} redirects")

    def _redirected(self, url: str, location: str) -> str:
        target = self.address(urljoin(url, location))
        parts = urlsplit(target)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise errors.RedirectRefused(f"{self.host} points to {location.partition('?')[0]!r}")
        if parts.scheme == "http" and url.startswith("https:"):
            raise errors.RedirectRefused(f"{self.host} points from https to http://{parts.netloc}")
        return target

    def _renew(self, answer: Answer, scopes: Scopes, authorization: str | None) -> None:
        """Take in a 401, so that the next authorization is a new one. Raises if none can be."""
        self._auth.reject(authorization)
        if not self._auth.learn(answer, scopes):
            raise self._auth.refusal(described(answer))

    async def _authorization(self, url: str, scopes: Scopes) -> str | None:
        return await self._auth.authorization(scopes) if self._is_own(url) else None

    def _is_own(self, url: str) -> bool:
        return bool(self._base) and url.startswith(self._base + "/")

    async def _ask_realm(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        async def once() -> Answer:
            return await self._transport.request(method, url, headers=headers, form=form)

        return await self._retried(once)


def is_loopback(host: str) -> bool:
    """Tell whether `host[:port]` is this machine by its name or address."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def fingerprint(host: str) -> str:
    """Return the SHA-256 fingerprint of the certificate at `host[:port]`, as words to append.

    Nothing but the TLS handshake is sent, because the certificate isn't trusted. Returns an empty
    string when it can't be had.
    """
    parts = urlsplit(f"//{host}")
    address = (parts.hostname or "", parts.port or 443)
    try:
        pem = await asyncio.to_thread(
            ssl.get_server_certificate, address, timeout=_CERTIFICATE_SECONDS
        )
    except (OSError, ValueError):
        return ""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return " (SHA-256 fingerprint " + ":".join(digest[i : i + 2] for i in range(0, 64, 2)) + ")"


def _check_is_registry(answer: Answer, host: str) -> None:
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
    if answer.status in _REDIRECTS:
        target = urlsplit(answer.headers.get("location", "")).netloc
        raise errors.NotARegistry(f"{described(answer)}, a redirect to {target or 'elsewhere'}")
    raise errors.NotARegistry(described(answer))


def _with(headers: Mapping[str, str] | None, authorization: str | None) -> dict[str, str]:
    fields = dict(headers or {})
    if authorization:
        fields["authorization"] = authorization
    return fields
