"""Requests to the API of a registry's cloud, with keys that go to the host of that API alone."""

from __future__ import annotations

from functools import partial

from transship import errors
from transship.clock import Clock
from transship.registries.answers import Answer
from transship.registries.endpoint import Endpoint
from transship.registries.exchanges import Recorder
from transship.registries.services.api import Judge, Keys, Make


class Cloud:
    """The API at `keys.host`, where there are keys."""

    def __init__(self, keys: Keys | None, clock: Clock, recorder: Recorder | None = None) -> None:
        self.keys = keys
        self._endpoint = Endpoint(keys.host, keys.tls, clock, recorder) if keys else None

    async def ask(
        self,
        make: Make,
        judge: Judge,
        *,
        per_second: float = 0,
        counted: str = "",
        repeats: bool = True,
    ) -> Answer:
        """Send what `make` makes of the keys, as `Endpoint.ask` does. Raises ApiKeysNeeded."""
        if self.keys is None or self._endpoint is None:
            raise errors.ApiKeysNeeded("the API of the cloud")
        try:
            return await self._endpoint.ask(
                partial(make, self.keys),
                judge,
                per_second=per_second,
                counted=counted,
                repeats=repeats,
            )
        except errors.WrongCredential as error:
            error.sign_in_at = self.keys.host
            raise

    async def aclose(self) -> None:
        """Close all connections."""
        if self._endpoint is not None:
            await self._endpoint.aclose()
