"""Where a registry is, and what of all that is named there leads to the registry itself."""

from __future__ import annotations

import re

from transship import errors
from transship.registries.addresses import is_loopback, leads_to, origin_of, path_of, resolve
from transship.registries.answers import Answer

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
