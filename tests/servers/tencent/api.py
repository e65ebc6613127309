"""The endpoint of the API: whose signature is right, what is asked, and an answer in its form."""

from __future__ import annotations

import importlib
import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from servers.loopback import serving
from servers.process import LOOPBACK
from servers.tencent.signature import fault

if TYPE_CHECKING:
    from servers.certificates import Certificates
    from servers.loopback import Exchange

SECRET_ID = "AKIDexampleexample"
SECRET_KEY = "a SecretKey of the tests"
UIN = "100000000001"

_PRODUCTS = {
    "2019-09-24": ("tcr", "tencentcloud.tcr.v20190924.models"),
    "2019-12-05": ("ssl", "tencentcloud.ssl.v20191205.models"),
}
_State = TypeVar("_State")


class Refused(Exception):
    """The API says no, with one of its codes."""

    def __init__(self, code: str, message: str = "It is refused.") -> None:
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Call:
    """One call: the action, its fields, and the region that it named."""

    api: TencentApi = field(repr=False)
    action: str
    fields: dict[str, Any]
    region: str

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field, `default` where it isn't there or null."""
        value = self.fields.get(name)
        return default if value is None else value

    def need(self, name: str) -> Any:
        """Return a field that has to be there."""
        if self.fields.get(name) is None:
            raise Refused("MissingParameter", f"The request is missing {name}.")
        return self.fields[name]


Action = Callable[[Call], dict[str, Any]]


class TencentApi:
    """One cloud. A test turns its knobs at any moment.

    `keys` are the SecretKeys by SecretId. `denied` are actions that the keys have no right to.
    `refuses` has, for an action, the codes with which it is refused next, one after the other.
    `raw` are whole answers (status, headers, body) for whatever is asked next. `now` is the clock
    that signatures are checked by. `asked` are the calls whose signature was right, in order;
    `codes` what was refused.
    """

    def __init__(self, *actions: Mapping[str, Action]) -> None:
        self.host = ""
        self.keys = {SECRET_ID: SECRET_KEY}
        self.denied: set[str] = set()
        self.refuses: dict[str, list[str]] = {}
        self.raw: list[tuple[int, dict[str, str], bytes]] = []
        self.now: Callable[[], float] = time.time
        self.asked: list[Call] = []
        self.codes: list[str] = []
        self._actions = {name: action for some in actions for name, action in some.items()}
        self._states: dict[type, Any] = {}
        self._count = 0

    def of(self, kind: type[_State]) -> _State:
        """Return the state of this kind, made when it is first asked for."""
        found: _State = self._states.setdefault(kind, kind())
        return found

    def actions(self) -> list[str]:
        """Return the names of the actions that were asked, in order."""
        return [call.action for call in self.asked]

    def calls(self, action: str) -> list[dict[str, Any]]:
        """Return the fields of each call of an action."""
        return [call.fields for call in self.asked if call.action == action]

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        headers = {name.lower(): value for name, value in exchange.head.headers}
        body = b"".join([piece async for piece in exchange.body])
        if self.raw:
            await exchange.answer(*self.raw.pop(0))
            return
        assert (exchange.method, exchange.target) == ("POST", "/")
        response = {**self._answer(headers, body), "RequestId": self._request_id()}
        content = json.dumps({"Response": response}, ensure_ascii=False).encode()
        await exchange.answer(200, {"Content-Type": "application/json"}, content)

    def _answer(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        try:
            return self._accepted(headers, body)
        except Refused as refused:
            self.codes.append(refused.code)
            return {"Error": {"Code": refused.code, "Message": refused.message}}

    def _accepted(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        service, module = _PRODUCTS[headers["x-tc-version"]]
        code, message = fault(headers, body, self.keys, service, self.now())
        if code:
            raise Refused(code, message)
        models = importlib.import_module(module)
        name = headers["x-tc-action"]
        call = Call(self, name, json.loads(body), headers.get("x-tc-region", ""))
        self.asked.append(call)
        if not call.region:
            raise Refused("MissingParameter", "The request is missing Region.")
        if unknown := _unknown(models, f"{name}Request", call.fields):
            raise Refused("UnknownParameter", f"unknown: {', '.join(unknown)}")
        if name in self.denied:
            raise Refused("UnauthorizedOperation", f"you are not authorized to perform tcr:{name}")
        if self.refuses.get(name):
            raise Refused(self.refuses[name].pop(0))
        answer = self._actions[name](call)
        foreign = _unknown(models, f"{name}Response", answer)
        assert not foreign, f"{name} doesn't answer with {', '.join(foreign)}"
        return answer

    def _request_id(self) -> str:
        self._count += 1
        return f"00000000-0000-4000-8000-{self._count:012}"


def _unknown(models: Any, name: str, fields: Mapping[str, Any]) -> list[str]:
    """Return the fields that a model of the SDK doesn't know, within it too.

    The SDK warns of them, but not in every model.
    """
    model = getattr(models, name)()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model._deserialize(dict(fields))
    return list(_foreign(model, fields))


def _foreign(model: Any, value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one, other in zip(model, value, strict=True):
            yield from _foreign(one, other)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if f"_{name}" in vars(model):
                yield from (f"{name}.{each}" for each in _foreign(vars(model)[f"_{name}"], inner))
            else:
                yield name


@contextmanager
def tencent_api(
    *actions: Mapping[str, Action], tls: Certificates | None = None
) -> Iterator[TencentApi]:
    """Run it until the block ends, with the actions of this package and further ones."""
    from servers.tencent import enterprise, personal

    api = TencentApi(enterprise.ACTIONS, personal.ACTIONS, *actions)
    with serving(api.handle, tls=tls.server_context() if tls else None) as listener:
        api.host = f"{'localhost' if tls else LOOPBACK}:{listener.port}"
        yield api
