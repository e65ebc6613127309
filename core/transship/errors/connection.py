"""What can go wrong on the way to a registry."""

from __future__ import annotations

from transship.errors.base import TransshipError


class NameNotFound(TransshipError):
    """The host name doesn't resolve."""

    title = "Host name not found"
    remedy = "Check the spelling, and that this machine's resolver knows the name."
    retryable = True


class ConnectionRefused(TransshipError):
    """Nothing listens at the address."""

    title = "Connection refused"
    remedy = "Check host and port, and that the registry is running and reachable from here."
    retryable = True


class ConnectionLost(TransshipError):
    """The connection ended before the answer did."""

    title = "Connection lost"
    remedy = "Check the network between here and the registry; it is tried again by itself."
    retryable = True


class TimedOut(TransshipError):
    """No answer in time."""

    title = "No answer in time"
    remedy = "Check that a firewall or proxy doesn't swallow the connection."
    retryable = True


class ProxyFailed(TransshipError):
    """The proxy from the environment doesn't let us through."""

    title = "The proxy failed"
    remedy = "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and that the proxy allows this host."


class CertificateNotTrusted(TransshipError):
    """The server's certificate doesn't verify."""

    title = "Certificate not trusted"
    remedy = (
        "If it is signed by your own authority, pass that with --ca FILE; "
        "--insecure turns verification off for this registry."
    )


class ClientCertificateRefused(TransshipError):
    """The server ended the TLS handshake because of our certificate, or the lack of one."""

    title = "The server refused the TLS handshake"
    remedy = "If it asks for a client certificate, pass one with --client-cert and --client-key."


class PlainHttp(TransshipError):
    """The server speaks http where https was expected."""

    title = "The server speaks plain http"
    remedy = "If that is meant, pass --plain-http for this registry."


class NotARegistry(TransshipError):
    """Something answers, but not the distribution API."""

    title = "Not a registry"
    remedy = "The host answers, but not as a registry does. Check the host name and the port."


class RedirectRefused(TransshipError):
    """A redirect that would leak or loop."""

    title = "A redirect was not followed"
    remedy = "The registry points to a place that isn't safe to follow; ask its operator."
