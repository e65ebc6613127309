"""The engine as the app holds it: whatever goes wrong behind it, a screen sees errors it can show.

Screens wait for `TransshipError`. Anything else would end their work without a word and leave
"testing…" standing for ever, so it is put into words here, at the one place that all of it passes.
So does what needs a secret that isn't kept: the operator is asked, and it is tried once more.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, cast

from transship.errors import SecretMissing, TransshipError

if TYPE_CHECKING:
    from transship.app.application import Application
    from transship_tui.faults import Faults

Ask = Callable[[SecretMissing], Awaitable[bool]]
"""Asks the operator for a secret; tells whether there is one now."""

_SUBJECTS = frozenset(
    ("registries", "plans", "jobs", "flows", "cutovers", "engines", "checks", "rounds", "changes")
)
"""The parts of an application: what they raise is put into words, too."""


async def nobody_to_ask(_: SecretMissing) -> bool:
    """Tell that there is no secret."""
    return False


def guarded(engine: Application, faults: Faults, ask: Ask = nobody_to_ask) -> Application:
    """Return `engine`; what its methods raise is a `TransshipError`.

    What lacks a secret is tried again when `ask` has got it.
    """
    return cast("Application", _Guarded(engine, faults, ask))


class _Guarded:
    def __init__(self, engine: object, faults: Faults, ask: Ask) -> None:
        self._engine = engine
        self._faults = faults
        self._ask = ask

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._engine, name)
        if name in _SUBJECTS:
            return _Guarded(found, self._faults, self._ask)
        if not inspect.ismethod(found):
            return found
        if inspect.isasyncgenfunction(found):
            return self._giving(found)
        return self._awaited(found) if inspect.iscoroutinefunction(found) else self._called(found)

    @contextmanager
    def _in_words(self, where: str) -> Iterator[None]:
        try:
            yield
        except TransshipError:
            raise
        except Exception as error:
            raise self._faults.shown(error, where) from error

    def _called(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*args: Any, **options: Any) -> Any:
            with self._in_words(method.__name__):
                return method(*args, **options)

        return call

    def _awaited(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        async def call(*args: Any, **options: Any) -> Any:
            asked: set[str] = set()
            while True:
                try:
                    with self._in_words(method.__name__):
                        return await method(*args, **options)
                except SecretMissing as error:
                    await self._get(error, asked)

        return call

    def _giving(self, method: Callable[..., Any]) -> Callable[..., AsyncGenerator[Any]]:
        @functools.wraps(method)
        async def give(*args: Any, **options: Any) -> AsyncGenerator[Any]:
            asked: set[str] = set()
            begun = False
            while True:
                try:
                    with self._in_words(method.__name__):
                        async with aclosing(method(*args, **options)) as items:
                            async for item in items:
                                begun = True
                                yield item
                    return
                except SecretMissing as error:
                    if begun:  # What was given already would come again.
                        raise
                    await self._get(error, asked)

        return give

    async def _get(self, error: SecretMissing, asked: set[str]) -> None:
        """Have the operator asked for a secret, once for each registry; else raise `error`."""
        if error.host in asked or not await self._ask(error):
            raise error
        asked.add(error.host)
