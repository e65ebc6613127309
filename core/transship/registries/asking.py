"""How a service's own API is asked for one registry: as its account, and only where it may be."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from transship import errors
from transship.errors import TransshipError, UnexpectedAnswer
from transship.registries.answers import Answer, described
from transship.registries.credential import Login
from transship.registries.exchange import Exchange
from transship.registries.services.api import ChecksKeys, Keys, Sign, Signed, SignsIn
from transship.registries.services.service import Service


class ServiceAsk:
    """`services.api.Ask` over the exchange of one registry. `keys` are of its cloud's API."""

    def __init__(self, exchange: Exchange, service: Service, keys: Keys | None) -> None:
        self._exchange = exchange
        self._service = service
        self._keys = keys

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
            hosts=self._service.api_hosts,
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

    def keys(self) -> Keys:
        """Return the account of the cloud's API. Raises ApiKeysNeeded when there is none."""
        if self._keys is not None:
            return self._keys
        title, hosts = self._service.title, self._service.keys_at
        known = f" ({' or '.join(hosts)})" if hosts else ""
        raise errors.ApiKeysNeeded(f"{title} does this by its cloud's API{known}")


class OwnApi:
    """The service's own API for the registry at `host`, where there is one."""

    def __init__(
        self, service: Service, host: str, exchange: Exchange, keys: Keys | None = None
    ) -> None:
        self._service = service
        self._host = host
        self._ask = ServiceAsk(exchange, service, keys)

    def open(self) -> object:
        """Return the API, opened anew: nothing that was asked before is believed."""
        return self._service.api(self._host, self._ask) if self._service.api else None

    async def check(self) -> None:
        """Prove that the API takes its account. Raises what stands in the way."""
        api = self.open()
        if not isinstance(api, ChecksKeys):
            raise errors.NotARegistry(f"{self._service.title} holds no images")
        await api.check()

    async def login(self) -> Login:
        """Return a login that it hands out. Raises what stands in the way."""
        api = self.open()
        if not isinstance(api, SignsIn):
            raise errors.SignInNeeded(f"{self._host} hands out no login")
        return await api.login()
