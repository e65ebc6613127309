"""The wire: the one file that knows which engine carries the bytes.

Small requests go through httpx, on aiohttp's engine; the bytes of blobs go through the same
aiohttp sessions directly, because httpx costs several times more per byte. One pool, one TLS
context and one choice of proxy serve both.

Nothing here knows of registries. Redirects are not followed here: who follows one decides what
may go along.
"""

from __future__ import annotations

import asyncio
import ssl
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import certifi
import httpx
import yarl
from httpx_aiohttp import AiohttpTransport

from transship import errors
from transship.errors import TransshipError
from transship.registries.answers import JSON_LIMIT, Answer
from transship.registries.credential import Tls

PIECE = 1024 * 1024
"""How much is read and written at a time, in bytes."""

_CONNECT_SECONDS = 15.0
_READ_SECONDS = 60.0
_COMMIT_SECONDS = 600.0  # A registry may hash and move a large blob before it answers.
_CONNECTIONS = 128
_ERROR_BODY_LIMIT = 64 * 1024


class Stream:
    """The body of an answer, while it comes in."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.url = str(response.url)
        self.headers = {name.lower(): value for name, value in response.headers.items()}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated(self.url):
            async for piece in self._response.content.iter_any():
                yield piece

    async def whole(self, method: str) -> Answer:
        """Read what is left, up to a sensible length for an error, and return it as an answer."""
        with _translated(self.url):
            body = await self._response.content.read(_ERROR_BODY_LIMIT)
        return _answer(method, self._response, body)


class Transport:
    """Carries requests to one registry, and to the places that it points to.

    `host` is the registry's `host[:port]`. What the operator allowed for it (`tls`) holds for it
    alone: other hosts are always verified and never see the client certificate.
    """

    def __init__(self, host: str, tls: Tls) -> None:
        self._host = host
        self._tls = tls
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._clients: dict[tuple[bool, str | None], httpx.AsyncClient] = {}

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        form: Mapping[str, str] | None = None,
        limit: int = JSON_LIMIT,
    ) -> Answer:
        """Send a small request and return the whole answer.

        Raises the errors of the way (not found, refused, lost, not trusted, timed out), and
        TooLarge when the body is longer than `limit` bytes.
        """
        client = self._client(url)
        fields = {"accept-encoding": "identity", **(headers or {})}
        with _translated(url):
            request = client.build_request(
                method, url, headers=fields, content=content, data=form or None
            )
            response = await client.send(request, stream=True)
            try:
                body = bytearray()
                async for piece in response.aiter_raw():
                    body += piece
                    if len(body) > limit:
                        raise errors.TooLarge(f"{method} {url.partition('?')[0]}: over {limit} B")
            finally:
                await response.aclose()
        return Answer(
            method=method,
            url=url,
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            challenges=tuple(response.headers.get_list("www-authenticate")),
            body=bytes(body),
        )

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Stream]:
        """Send a request without a body and give the answer's body as it comes."""
        with _translated(url):
            response = await self._session(url).request(
                method,
                yarl.URL(url, encoded=True),
                headers={"accept-encoding": "identity", **(headers or {})},
                allow_redirects=False,
                proxy=_proxy(url),
                timeout=_timeout(_READ_SECONDS),
            )
        try:
            yield Stream(response)
        finally:
            # An answer that was not read to its end can't be followed by another on its
            # connection; `close` is a no-op for one that was.
            response.close()

    async def send(
        self,
        method: str,
        url: str,
        body: AsyncIterator[bytes] | bytes,
        size: int,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send `size` bytes of `body` and return the answer. `url` is sent exactly as it is."""
        fields = {
            "content-type": "application/octet-stream",
            "content-length": str(size),
            **(headers or {}),
        }
        with _translated(url):
            async with self._session(url).request(
                method,
                yarl.URL(url, encoded=True),
                data=body,
                headers=fields,
                allow_redirects=False,
                proxy=_proxy(url),
                timeout=_timeout(_COMMIT_SECONDS),
            ) as response:
                return _answer(method, response, await response.content.read(_ERROR_BODY_LIMIT))

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()
        for session in self._sessions.values():
            await session.close()
        # aiohttp closes TLS connections in the background; one turn of the loop lets it.
        await asyncio.sleep(0)

    def _client(self, url: str) -> httpx.AsyncClient:
        own, proxy = self._is_own(url), _proxy(url)
        client = self._clients.get((own, proxy))
        if client is None:
            client = self._clients[own, proxy] = httpx.AsyncClient(
                transport=AiohttpTransport(
                    client=self._session(url),
                    verify=self._context(own=own),
                    proxy=httpx.Proxy(proxy) if proxy else None,
                ),
                timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
                trust_env=False,
                headers={"user-agent": "transship"},
            )
        return client

    def _session(self, url: str) -> aiohttp.ClientSession:
        own = self._is_own(url)
        session = self._sessions.get(own)
        if session is None:
            session = self._sessions[own] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._context(own=own), limit=_CONNECTIONS),
                auto_decompress=False,
                read_bufsize=PIECE,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                headers={"user-agent": "transship"},
                skip_auto_headers=("accept-encoding",),
            )
        return session

    def _is_own(self, url: str) -> bool:
        return urlsplit(url).netloc.lower() == self._host

    def _context(self, *, own: bool) -> ssl.SSLContext:
        return tls_context(self._tls if own else Tls(ca_file=self._tls.ca_file))


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return the TLS context for these settings.

    The system's authorities are trusted, or certifi's where the system has none, and `ca_file`
    beside them. Raises BadFile for a file that can't be used.
    """
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        context.load_verify_locations(cafile=certifi.where())
    try:
        if tls.ca_file:
            context.load_verify_locations(cafile=tls.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise errors.BadFile(f"{tls.ca_file}: no PEM certificates ({error})") from error
    try:
        if tls.client_cert:
            context.load_cert_chain(tls.client_cert, tls.client_key or None)
    except (OSError, ssl.SSLError) as error:
        raise errors.BadFile(f"{tls.client_cert}: no certificate with its key ({error})") from error
    if tls.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for this address, or None."""
    parts = urlsplit(url)
    if not parts.hostname or urllib.request.proxy_bypass(parts.netloc):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _timeout(read: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=read)


def _answer(method: str, response: aiohttp.ClientResponse, body: bytes) -> Answer:
    return Answer(
        method=method,
        url=str(response.url),
        status=response.status,
        headers={name.lower(): value for name, value in response.headers.items()},
        challenges=tuple(response.headers.getall("www-authenticate", ())),
        body=body,
    )


class _translated:  # noqa: N801 - reads as a word where it is used
    """Turn the engine's exceptions into ours."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        if isinstance(error, aiohttp.ClientError | httpx.HTTPError | OSError | TimeoutError):
            raise _cause(error, urlsplit(self._url).netloc) from error


def _cause(error: BaseException, host: str) -> TransshipError:
    chain = list(_chain(error))
    for link in chain:
        # aiohttp's own TLS errors are called after ssl's but carry none of their fields.
        if isinstance(link, ssl.SSLError) and not isinstance(link, aiohttp.ClientError):
            return _tls_cause(link, host)
        if isinstance(link, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
            return errors.ProxyFailed(f"on the way to {host}: {link}")
        if isinstance(link, aiohttp.ClientConnectorDNSError):
            return errors.NameNotFound(host.rpartition("@")[2])
        if isinstance(link, ConnectionRefusedError):
            return errors.ConnectionRefused(host)
    # httpx-aiohttp calls every lost connection a timeout; only aiohttp's own word counts.
    if any(isinstance(link, TimeoutError) for link in chain):
        return errors.TimedOut(host)
    return errors.ConnectionLost(f"{host}: {chain[-1] or type(chain[-1]).__name__}")


def _tls_cause(error: ssl.SSLError, host: str) -> TransshipError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return errors.CertificateNotTrusted(f"{host}: {error.verify_message}")
    reason = (error.reason or "").upper()
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"):
        return errors.PlainHttp(host)
    if "CERTIFICATE" in reason and "ALERT" in reason:
        return errors.ClientCertificateRefused(f"{host}: {error.reason}")
    return errors.ConnectionLost(f"{host}: {error.reason or error}")


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = getattr(link, "os_error", None) or link.__cause__ or link.__context__
    return chain
