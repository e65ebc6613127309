"""Where the names of a registry's repositories come from: its service's own API, or its catalog."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from transship import errors
from transship.errors import TransshipError
from transship.registries.services.api import Lister, Unlisted

CATALOG_CLOSED = (
    errors.CatalogClosed,
    errors.NoRight,
    errors.ReadOnly,
    errors.RepositoryNotFound,
    errors.SignInNeeded,
    errors.UnexpectedAnswer,
)
"""What registries say that list nothing, or not to this account."""

_API_CLOSED = (
    *CATALOG_CLOSED,
    errors.ApiKeysNeeded,
    errors.ExtraMissing,
    errors.RedirectRefused,
    errors.WrongCredential,
)
"""What keeps this account from a service's API for good. Anything else may pass, and the catalog
may hold less than the API: it isn't taken for the whole."""


@runtime_checkable
class Reticent(Protocol):
    """A place whose list may leave out what can be read there all the same."""

    @property
    def lists_own(self) -> bool:
        """Whether it lists only what belongs to the account."""


async def listed(
    api: object, catalog: AsyncIterator[str], host: str = ""
) -> AsyncIterator[str | Unlisted]:
    """Give the names that the service's API lists, or else those of the catalog, as they come.

    An API that has begun with its list goes on with it, or fails. Raises CatalogClosed, with what
    the API said where it was asked, when neither gives any, and what may pass with the API.
    An API that doesn't take its account is known as that of the registry at `host` (`met_at`).
    """
    refused: TransshipError | None = None
    if isinstance(api, Lister):
        begun = False
        try:
            async for name in api.repositories():
                begun = True
                yield name
            return
        except _API_CLOSED as error:
            if isinstance(error, errors.WrongCredential):
                error.met_at = error.met_at or host or None
            if begun:
                raise
            refused = error
    try:
        async for name in catalog:
            yield name
    except CATALOG_CLOSED as error:
        why = refused or error
        raise errors.CatalogClosed(str(why) if refused else why.detail) from why
