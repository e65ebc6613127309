"""Tencent Cloud's API: any action of its official SDK (the extra `tencent`), as one account.

The SDK is taken for what it knows: the names and fields of all actions, and the signature. Its
clients are not, so that requests go the same way as all others here. The blocking one would need
threads, follows redirects, and takes logins and proxies from `.netrc` and the environment by rules
of its own; the other one asks httpx for an option that httpx no longer has, takes an authority's
file for a client certificate, and both write whole requests and answers, tokens included, to a log.

The SDK is imported only when something is asked.
"""

from __future__ import annotations

import asyncio
import importlib
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol, TypeVar

import msgspec

from transship import errors
from transship.extras import extra_missing
from transship.registries.answers import Answer, described
from transship.registries.services.api import Judge, Keys, Make, Request
from transship.registries.services.tencent.refusals import failure_of
from transship.registries.services.tencent.signing import Call, SignTc3, signed

_T = TypeVar("_T", bound=msgspec.Struct)

_PER_SECOND = 20.0
_RATES: Mapping[str, float] = {
    "CreateInstanceToken": 100.0,
    "DescribeImages": 100.0,
    "DescribeInstances": 100.0,
    "DescribeRepositories": 100.0,
    "DescribeImageManifests": 10.0,
    "CreateInstanceCustomizedDomain": 1.0,
    "DeleteInstanceCustomizedDomain": 1.0,
}
"""How often an action may be asked for in a second, where that isn't `_PER_SECOND`."""

_READS = ("Check", "Describe", "Validate")
"""How the names of actions begin that change nothing."""

_HOST = re.compile(
    r"(?P<product>[a-z]+)(\.(?P<region>[a-z]+-[a-z0-9-]+))?(?P<intl>\.intl)?\.tencentcloudapi\.com"
)


@dataclass(frozen=True, slots=True)
class Product:
    """One of the cloud's products. `models` is the module of the SDK with its actions' fields."""

    service: str
    version: str
    models: str


TCR = Product("tcr", "2019-09-24", "tencentcloud.tcr.v20190924.models")
SSL = Product("ssl", "2019-12-05", "tencentcloud.ssl.v20191205.models")


class Send(Protocol):
    """Sends requests to the host of the keys: `Ask.cloud`, or `registries.cloud.Cloud.ask`."""

    async def __call__(
        self,
        make: Make,
        judge: Judge,
        *,
        per_second: float = 0,
        counted: str = "",
        repeats: bool = True,
    ) -> Answer:
        """Return the answer that `judge` is fine with."""


class TencentCloud:
    """The API of one product, as the account whose keys `send` has. `host` is that of the keys."""

    def __init__(self, send: Send, host: str, product: Product = TCR) -> None:
        self._send = send
        self._host = host
        self._product = product

    @property
    def region(self) -> str:
        """The region that is named where none has to be."""
        return region_of(self._host)

    async def call(
        self,
        action: str,
        kind: type[_T],
        fields: Mapping[str, object] | None = None,
        *,
        region: str = "",
    ) -> _T:
        """Call an action and return its answer as `kind`, the fields of it that are wanted.

        One that isn't there, or is null, has its default. Otherwise as `document`.
        """
        return converted(action, await self.document(action, fields, region=region), kind)

    async def document(
        self, action: str, fields: Mapping[str, object] | None = None, *, region: str = ""
    ) -> dict[str, object]:
        """Call an action and return its whole answer, without what is null.

        `fields` are those of the SDK's request model; ValueError names one that it doesn't have.
        `region` is where what is meant is. Raises WrongCredential, NoRight, RateLimited,
        QuotaExceeded, CloudLacks, CloudHasIt, CloudRefused, UnexpectedAnswer, ServerFailed,
        ExtraMissing, ApiKeysNeeded, and those of the network.
        """
        wanted = dict(fields or {})
        sdk = await asyncio.to_thread(_sdk, self._product)
        sdk.check(action, wanted)
        call = Call(
            self._product.service,
            self._product.version,
            action,
            region or self.region,
            msgspec.json.encode(wanted),
        )

        def made(keys: Keys, now: float) -> Request:
            return signed(call, keys.host, keys.credential, now, sdk.sign_tc3)

        answer = await self._send(
            made,
            partial(failure_of, action),
            per_second=_RATES.get(action, _PER_SECOND),
            counted=action,
            repeats=action.startswith(_READS),
        )
        return _document(action, answer)


@dataclass(frozen=True, slots=True)
class _Sdk:
    """What is used of the SDK for one product."""

    models: Any
    sign_tc3: SignTc3

    def check(self, action: str, fields: Mapping[str, object]) -> None:
        """Raise ValueError for an action, or a field of it, that the SDK doesn't know."""
        model = getattr(self.models, f"{action}Request", None)
        if model is None:
            raise ValueError(f"the SDK knows no action {action}")
        request = model()
        with warnings.catch_warnings():
            # The SDK warns of what it doesn't know, but not in every model.
            warnings.simplefilter("ignore")
            request.from_json_string(msgspec.json.encode(fields).decode())
        if unknown := next(_unknown(request, fields), ""):
            raise ValueError(f"{action} has no field {unknown}")


def _unknown(model: Any, fields: Mapping[str, object]) -> Iterator[str]:
    """Give the names of fields that a model of the SDK, filled with them, doesn't have."""
    known = vars(model)
    for name, value in fields.items():
        if f"_{name}" not in known:
            yield name
            continue
        values = value if isinstance(value, list) else [value]
        models = known[f"_{name}"] if isinstance(value, list) else [known[f"_{name}"]]
        for each, of in zip(values, models, strict=True):
            if isinstance(each, Mapping):
                yield from (f"{name}.{inner}" for inner in _unknown(of, each))


@lru_cache
def _sdk(product: Product) -> _Sdk:
    """Import the SDK. Raises ExtraMissing."""
    try:
        models = importlib.import_module(product.models)
        sign = importlib.import_module("tencentcloud.common.sign").Sign
    except ImportError as error:
        raise extra_missing("tencent", "the API of Tencent Cloud") from error
    return _Sdk(models, sign.sign_tc3)


def converted(action: str, value: object, kind: type[_T]) -> _T:
    """Return a part of an answer as `kind`; a number may be a string. Raises UnexpectedAnswer."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise errors.UnexpectedAnswer(f"{action}: {error}") from None


def _document(action: str, answer: Answer) -> dict[str, object]:
    try:
        found = msgspec.json.decode(answer.body, type=dict[str, dict[str, object]])["Response"]
    except (msgspec.MsgspecError, KeyError, RecursionError, UnicodeError) as error:
        raise errors.UnexpectedAnswer(f"{action}: {described(answer)}: {error}") from None
    return {name: _without_nulls(each) for name, each in found.items() if each is not None}


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value


def region_of(host: str) -> str:
    """Return the region that an API's host is of, or that of its site where any does."""
    found = _HOST.fullmatch(host)
    if found and found["region"]:
        return found["region"]
    return "ap-singapore" if found and found["intl"] else "ap-guangzhou"


def host_for(product: Product, host: str) -> str:
    """Return where the API of another product is, which the same keys open."""
    found = _HOST.fullmatch(host)
    return f"{product.service}{host[found.end('product') :]}" if found else host
