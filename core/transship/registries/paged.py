"""Lists that a registry gives in pages (distribution spec, "Listing Tags")."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registries.addresses import path_of
from transship.registries.answers import Answer, described
from transship.registries.exchange import Exchange
from transship.registries.links import Pages, next_page
from transship.registries.scopes import CATALOG, Scopes, pull

_PAGE = 1000


class _Catalog(msgspec.Struct):
    repositories: list[str] | None = None


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


class Lists:
    """The lists of one registry, as it gives them: a name in them may break the rules for names."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def catalog(self) -> AsyncIterator[str]:
        """Give the names in the catalog. Raises CatalogClosed where there is none."""
        path = f"/v2/_catalog?n={_PAGE}"
        async for page in self._pages(path, (CATALOG,), errors.CatalogClosed):
            for name in page.json(_Catalog).repositories or ():
                yield name

    async def tags(self, repository: str) -> AsyncIterator[str]:
        """Give the tags of a repository. Raises RepositoryNotFound."""
        path = f"/v2/{repository}/tags/list?n={_PAGE}"
        async for page in self._pages(path, (pull(repository),), errors.RepositoryNotFound):
            for tag in page.json(_Tags).tags or ():
                yield tag

    async def pages_after(
        self, page: Answer, scopes: Scopes, missing: type[TransshipError]
    ) -> AsyncIterator[Answer]:
        """Give `page` and all that follow it by Link. Raises `missing` for 404."""
        pages = Pages(path_of(page.url))
        while True:
            if not page.ok:
                raise self._exchange.error_of(page, missing=missing)
            yield page
            path = _next_path(page)
            if path is None:
                return
            pages.turn(path, described(page))
            page = await self._exchange.ask("GET", path, scopes=scopes)

    async def _pages(
        self, path: str, scopes: Scopes, missing: type[TransshipError]
    ) -> AsyncIterator[Answer]:
        first = await self._exchange.ask("GET", path, scopes=scopes)
        if first.status == HTTPStatus.BAD_REQUEST or self._is_missing_somehow(first):
            # Some registries know no pages, and nothing that a query asks for.
            first = await self._exchange.ask("GET", path.partition("?")[0], scopes=scopes)
        async for page in self.pages_after(first, scopes, missing):
            yield page

    def _is_missing_somehow(self, answer: Answer) -> bool:
        """Tell whether an answer is a 404 that doesn't say that there is no such repository."""
        if answer.status != HTTPStatus.NOT_FOUND:
            return False
        error = self._exchange.error_of(answer, missing=errors.UnexpectedAnswer)
        return not isinstance(error, errors.RepositoryNotFound)


def _next_path(page: Answer) -> str | None:
    """Return the path of the next page, if there is one. A list goes on at the same host.

    Behind a proxy a registry may name itself by http, or by its inner port; the path is what
    counts, and our sign-in goes nowhere else.
    """
    try:
        address = next_page(page.headers.get("link", ""), page.url)
    except ValueError as error:
        raise errors.UnexpectedAnswer(f"{described(page)}: its next page is {error}") from error
    if address is None:
        return None
    if urlsplit(address).hostname != urlsplit(page.url).hostname:
        host = urlsplit(address).netloc
        raise errors.RedirectRefused(f"{described(page)}: the next page is at {host}")
    return path_of(address)
