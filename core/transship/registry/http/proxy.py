"""Which proxy the environment names: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit

from transship import errors
from transship.registry.http.address import is_loopback


def proxy_for(address: str) -> str | None:
    """Return the proxy for an address, with its user name and password if it has them, or None.

    Loopback is always reached without one, as Go's programs do. Raises ProxyFailed for a proxy
    that isn't spoken to over http or https, or whose address isn't one.
    """
    parts = urlsplit(address)
    if is_loopback(parts.netloc) or urllib.request.proxy_bypass(parts.netloc):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        raise errors.ProxyFailed(f"{proxy.partition(':')[0]} isn't supported, only http and https")
    _check(proxy)
    return proxy


def _check(proxy: str) -> None:
    try:
        parts = urlsplit(proxy)
        named = bool(parts.hostname and parts.port != 0)
    except ValueError:
        named = False
    if not named:
        raise errors.ProxyFailed(
            "its address has no host or a wrong port; in a password, "
            "write %2F for /, %3F for ?, %23 for # and %40 for @"
        )
