"""One DNS message there and one back, by each of the ways that there are."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterator
from functools import cached_property

import certifi
import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.flags
import dns.inet
import dns.message

from transship.cutover.subject import Resolver
from transship.lifetimes import heed_cancellation
from transship.registries.credential import Tls
from transship.registries.tls import tls_context
from transship.text import safe

_MEDIA_TYPE = "application/dns-message"
_LARGEST = 65535
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class HttpsFailed(Exception):
    """A message couldn't be sent by DoH; the cause says why."""


Failure = (dns.exception.DNSException, OSError, EOFError, TimeoutError, HttpsFailed)
"""What sending a message may raise."""


class Wire:
    """Sends messages. `ca_file` has authorities that are trusted beside the system's."""

    def __init__(self, ca_file: str = "") -> None:
        self._ca_file = ca_file

    async def send(
        self, query: dns.message.Message, to: Resolver, seconds: float
    ) -> dns.message.Message:
        """Return what `to` answers by its own transport; an answer that is cut is returned so.

        Raises what is in `Failure`, and BadFile for a `ca_file` that can't be used.
        """
        try:
            return await self._sent(query, to, seconds)
        finally:
            heed_cancellation()

    async def _sent(
        self, query: dns.message.Message, to: Resolver, seconds: float
    ) -> dns.message.Message:
        if to.transport == "tls":
            return await dns.asyncquery.tls(
                query,
                to.address,
                seconds,
                to.port,
                ssl_context=self._tls_context,
                server_hostname=to.hostname or to.address,
            )
        if to.transport == "https":
            return await self._https(query, to, seconds)
        if to.transport == "tcp":
            return await dns.asyncquery.tcp(query, to.address, seconds, to.port)
        return await _udp(query, to, seconds)

    async def _https(
        self, query: dns.message.Message, to: Resolver, seconds: float
    ) -> dns.message.Message:
        """Ask by DoH (RFC 8484), at the address and under the server's name."""
        # Most resolvers are asked in another way, and httpx is slow to import.
        import httpx

        try:
            return await self._posted(query, to, seconds)
        except httpx.HTTPError as error:
            raise HttpsFailed(str(error)) from error

    async def _posted(
        self, query: dns.message.Message, to: Resolver, seconds: float
    ) -> dns.message.Message:
        import httpx

        query.id = 0
        name = to.hostname or to.address
        headers = {"host": name, "content-type": _MEDIA_TYPE, "accept": _MEDIA_TYPE}
        body = bytearray()
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(
                http2=True, verify=self._https_context, trust_env=False, timeout=seconds
            ) as client,
            client.stream(
                "POST",
                httpx.URL(scheme="https", host=to.address, port=to.port, path="/dns-query"),
                content=query.to_wire(),
                headers=headers,
                extensions={"sni_hostname": name},
            ) as response,
        ):
            response.raise_for_status()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > _LARGEST:
                    raise dns.exception.FormError
        answer = dns.message.from_wire(bytes(body))
        if not query.is_response(answer):
            raise dns.exception.FormError
        return answer

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        return self._own_context()

    @cached_property
    def _https_context(self) -> ssl.SSLContext:
        return self._own_context()

    def _own_context(self) -> ssl.SSLContext:
        # The engines write into it which protocols they speak, so it is shared with nobody.
        return tls_context(Tls(ca_file=self._ca_file or certifi.where()))


async def _udp(query: dns.message.Message, to: Resolver, seconds: float) -> dns.message.Message:
    """Ask by UDP. The socket is connected, so that a closed port is told from silence."""
    family = dns.inet.af_for_address(to.address)
    backend = dns.asyncbackend.get_backend("asyncio")
    async with await backend.make_socket(  # type: ignore[no-untyped-call]
        family, socket.SOCK_DGRAM, 0, None, (to.address, to.port)
    ) as connected:
        return await dns.asyncquery.udp(
            query,
            to.address,
            seconds,
            to.port,
            sock=connected,
            ignore_unexpected=True,
            ignore_errors=True,
        )


def was_cut(answer: dns.message.Message) -> bool:
    """Tell whether more would have come by TCP (RFC 2181, 9)."""
    return bool(answer.flags & dns.flags.TC)


def cause(error: BaseException) -> str:
    """Return the words for why no answer came, as `Answer.error` has them."""
    import httpx

    for found in _chain(error):
        match found:
            case ssl.SSLCertVerificationError():
                return f"certificate: {safe(found.verify_message)}"
            case ssl.SSLError():
                return f"tls: {safe(found.reason or 'failed').lower().replace('_', ' ')}"
            case ConnectionRefusedError():
                return "refused"
            case dns.exception.Timeout() | TimeoutError() | httpx.TimeoutException():
                return "timeout"
            case httpx.HTTPStatusError():
                return f"http {found.response.status_code}"
            case OSError() if found.errno in _NO_WAY:
                return "unreachable"
            case EOFError() | ConnectionError() | httpx.RemoteProtocolError():
                return "closed"
            case dns.exception.DNSException():
                return "malformed"
    return safe(str(error)).lower() or "failed"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give what lies behind an error, the innermost last."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
