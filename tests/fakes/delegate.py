"""An engine in memory: what it has, what it was asked, and what it does wrong when told to."""

from __future__ import annotations

from typing import Any

from transship.engines.changes import Change, ChangeAction, EngineItem, GetLogin
from transship.errors import TransshipError


class MemoryEngine:
    """Keeps settings by kind and name. `fails` are raised, each once, by what is made next.

    `forgets` are fields that it doesn't keep. With `dies` it does what is asked, and then the
    process ends.
    """

    name = "an engine in memory"

    def __init__(self) -> None:
        self.has: dict[tuple[str, str], dict[str, Any]] = {}
        self.made: list[str] = []
        self.given: list[str] = []
        self.fails: list[TransshipError] = []
        self.forgets: set[str] = set()
        self.dies = False

    async def read(self, kind: str, name: str) -> EngineItem | None:
        settings = self.has.get((kind, name))
        return None if settings is None else EngineItem(dict(settings), id=f"{kind}/{name}")

    async def make(self, change: Change, gives: GetLogin) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.made.append(str(change))
        for host in change.gives:
            self.given.append((await gives(host)).username)
        key = (change.kind, change.name)
        if change.does is ChangeAction.DELETE:
            del self.has[key]
        else:
            kept = {k: v for k, v in (change.after or {}).items() if k not in self.forgets}
            self.has[key] = {**self.has.get(key, {}), **kept}
        if self.dies:
            raise KeyboardInterrupt
