"""How a service's own API is asked for one registry: as its account, and only where it may be."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode

import msgspec

from transship import errors
from transship.errors import TransshipError, UnexpectedAnswer
from transship.registries.answers import Answer, described
from transship.registries.cloud import Cloud
from transship.registries.credential import Credential, Login
from transship.registries.exchange import Exchange
from transship.registries.services.api import ChecksKeys, Judge, Keys, Make, SignsIn
from transship.registries.services.service import Service


class ServiceAsk:
    """`services.api.Ask` over the exchange of the registry at `host`, and its cloud's API."""

    def __init__(self, exchange: Exchange, service: Service, host: str, cloud: Cloud) -> None:
        self._exchange = exchange
        self._service = service
        self._host = host
        self._cloud = cloud

    async def __call__(
        self,
        path: str,
        *,
        method: str = "GET",
        body: object = None,
        form: Mapping[str, str] | None = None,
        authorization: str | None = None,
        missing: type[TransshipError] = UnexpectedAnswer,
    ) -> Answer:
        """Return the answer, which is a success. Raises `missing` for 404, or another error."""
        content, media_type = _content(body, form)
        answer = await self._exchange.ask_service(
            method,
            path,
            hosts=self._service.api_hosts,
            authorization=authorization,
            content=content,
            media_type=media_type,
        )
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise errors.NoRight(described(answer))
        if not answer.ok:
            raise self._exchange.error_of(answer, missing=missing)
        return answer

    async def send(self, method: str, path: str, body: object = None) -> Answer:
        """Send one request and return its answer, whatever the status; a POST goes out once only.

        A `body` goes as JSON; the answer may be something else. Raises the errors of the way, and
        SignInNeeded.
        """
        content, media_type = _content(body, None)
        return await self._exchange.ask_service(
            method,
            path,
            content=content,
            media_type=media_type,
            accept="application/json, */*;q=0.1",
            repeats=method != "POST",
        )

    async def realm(self) -> str:
        """Return the address of the registry's token server, empty when it has none."""
        await self._exchange.connect()
        return self._exchange.realm

    def credential(self) -> Credential:
        """Return what the registry is signed in to with. Raises SignInNeeded without one."""
        return self._exchange.credential()

    def keys(self) -> Keys:
        """Return the account of the cloud's API. Raises ApiKeysNeeded when there is none."""
        if self._cloud.keys is not None:
            return self._cloud.keys
        title, hosts = self._service.title, self._service.keys_for(self._host)
        known = f" ({' or '.join(hosts)})" if hosts else ""
        raise errors.ApiKeysNeeded(f"{title} does this by its cloud's API{known}")

    async def cloud(
        self,
        make: Make,
        judge: Judge,
        *,
        per_second: float = 0,
        counted: str = "",
        repeats: bool = True,
    ) -> Answer:
        """Ask the API of the cloud. Raises what it comes to, and ApiKeysNeeded."""
        self.keys()
        return await self._cloud.ask(
            make, judge, per_second=per_second, counted=counted, repeats=repeats
        )


class OwnApi:
    """The service's own API for the registry at `host`, where there is one."""

    def __init__(self, service: Service, host: str, exchange: Exchange, cloud: Cloud) -> None:
        self._service = service
        self._host = host
        self._cloud = cloud
        self.ask = ServiceAsk(exchange, service, host, cloud)

    def open(self) -> object:
        """Return the API, opened anew: nothing that was asked before is believed."""
        return self._service.api(self._host, self.ask) if self._service.api else None

    async def check(self) -> None:
        """Prove that the API takes its account. Raises what stands in the way."""
        if self._service.catalogue:
            raise errors.CatalogueOnly(f"{self._host} is {self._service.title}")
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

    async def aclose(self) -> None:
        """Close the connections to the API of the cloud."""
        await self._cloud.aclose()


def _content(body: object, form: Mapping[str, str] | None) -> tuple[bytes | None, str]:
    """Return what goes along with a request, and its media type."""
    if form is not None:
        return urlencode(form).encode(), "application/x-www-form-urlencoded"
    if body is not None:
        return msgspec.json.encode(body), "application/json"
    return None, ""
