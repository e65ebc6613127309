"""How a service's own API is asked for one registry: as its account, and only where it may be."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from transship import errors
from transship.errors import TransshipError, UnexpectedAnswer
from transship.registries.answers import Answer, described
from transship.registries.exchange import Exchange
from transship.registries.services.api import Sign, Signed


class ServiceAsk:
    """`services.api.Ask` over the exchange of one registry. `hosts` are the service's own."""

    def __init__(self, exchange: Exchange, hosts: tuple[str, ...]) -> None:
        self._exchange = exchange
        self._hosts = hosts

    async def __call__(
        self,
        path: str,
        *,
        missing: type[TransshipError] = UnexpectedAnswer,
        post: object = None,
        bearer: str = "",
        sign: Sign | None = None,
    ) -> Answer:
        """Return the answer, which is a success. Raises `missing` for 404, or another error."""
        signed = Signed(f"Bearer {bearer}") if bearer else None
        if sign is not None:
            signed = sign(self._exchange.credential())
        body = post if signed is None or signed.body is None else signed.body
        answer = await self._exchange.ask_service(
            path,
            hosts=self._hosts,
            authorization=None if signed is None else signed.authorization,
            content=None if body is None else msgspec.json.encode(body),
        )
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise errors.NoRight(described(answer))
        if not answer.ok:
            raise self._exchange.error_of(answer, missing=missing)
        return answer

    async def realm(self) -> str:
        """Return the address of the registry's token server, empty when it has none."""
        await self._exchange.connect()
        return self._exchange.realm
