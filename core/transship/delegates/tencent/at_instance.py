"""The cloud's API as it is asked about one instance of TCR: where that is, and by its id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from transship.services.tencent_cloud import TcrInstance, TencentCloud, listed

_T = TypeVar("_T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class AtInstance:
    """One instance, and how it is asked about. All methods raise what `TencentCloud.call` does."""

    cloud: TencentCloud
    instance: TcrInstance

    @property
    def name(self) -> str:
        """Which engine and where."""
        return f"TCR instance {self.instance}"

    async def call(self, action: str, kind: type[_T], **fields: object) -> _T:
        """Call an action about the instance, and return its answer."""
        return await self.cloud.call(action, kind, self._wanted(fields), region=self._region)

    async def do(self, action: str, **fields: object) -> None:
        """Call an action that changes something of the instance."""
        await self.cloud.document(action, self._wanted(fields), region=self._region)

    async def listed(self, action: str, kind: type[_T], **fields: object) -> list[_T]:
        """Return a whole list of the instance's. Raises ListIncomplete."""
        return await listed(self.cloud, action, kind, self._wanted(fields), region=self._region)

    @property
    def _region(self) -> str:
        return self.instance.region

    def _wanted(self, fields: Mapping[str, object]) -> dict[str, object]:
        return {"RegistryId": self.instance.id, **fields}
