"""`GET /v2/` at an address under the domain's name, and the sign-in that follows from it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

import msgspec

from transship import errors
from transship.cutover.evidence import ApiProbe, Realm
from transship.cutover.observe.pinned import Way, error_text, proxy_passed_by
from transship.cutover.observe.resolving import local_addresses
from transship.errors import TransshipError
from transship.registries.addresses import authority, resolve
from transship.registries.answers import Answer
from transship.registries.auth import Authenticator
from transship.registries.challenge import Challenge, parse_challenges
from transship.registries.credential import Credential
from transship.registries.exchanges import struck_address, struck_fields
from transship.registries.scopes import pull
from transship.registries.transport import Transport
from transship.text import safe

_SAYS_REGISTRY = "docker-distribution-api-version"
_TELLING = frozenset(
    {"alt-svc", "content-type", "date", "location", "retry-after", "server", "via", _SAYS_REGISTRY}
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A credential to be tried. `in_use` says that nodes hold it today under the domain's name."""

    credential: Credential
    in_use: bool = True


async def probe(
    way: Way, *, repository: str = "", sign_in: SignIn | None = None, side: str = "new"
) -> ApiProbe:
    """Ask for `/v2/` and, where a sign-in is wanted, for the right to pull `repository`.

    Without `sign_in` this is done anonymously. Nothing but pulling is ever asked for.
    """
    blank = ApiProbe(
        way.address,
        way.clock.now(),
        credential=safe(sign_in.credential.username) if sign_in else "",
        in_use=bool(sign_in and sign_in.in_use),
        side=side,
        proxy=proxy_passed_by(way.domain),
    )
    try:
        return await _probed(way, blank, repository, sign_in)
    except errors.CertificateNotTrusted as error:
        blank = replace(blank, verified=False, error=error_text(error))
    except TransshipError as error:
        return replace(blank, error=error_text(error))
    if sign_in is not None:
        return blank
    try:
        return await _probed(way, blank, repository, None)
    except TransshipError:
        return blank


async def _probed(way: Way, blank: ApiProbe, repository: str, sign_in: SignIn | None) -> ApiProbe:
    async with way.transport(verified=blank.verified) as transport:
        answer = await transport.request("GET", f"{way.url}/v2/")
        found = replace(
            blank,
            status=answer.status,
            headers=_headers(answer),
            registry=_is_registry(answer),
            challenge=", ".join(_challenges(answer)),
        )
        if not found.registry:
            return found
        if answer.status != HTTPStatus.UNAUTHORIZED:
            # A registry that asks for no sign-in takes everybody's pulls.
            return replace(found, accepted=answer.ok or None if sign_in else None)
        return await _SigningIn(way, transport, repository, sign_in).after(answer, found)


class _SigningIn:
    """One sign-in, as a client does it: told what to do by a 401, then once more to `/v2/`."""

    def __init__(
        self, way: Way, transport: Transport, repository: str, sign_in: SignIn | None
    ) -> None:
        self._way = way
        self._transport = transport
        self._repository = repository
        self._credential = sign_in.credential if sign_in else None
        self._realm_status = 0

    async def after(self, answer: Answer, found: ApiProbe) -> ApiProbe:
        auth = Authenticator(self._credential, self._asked, self._way.clock, lambda: self._way.url)
        if not auth.learn(answer, ()):
            return found
        scopes = (pull(self._repository),) if self._repository else ()
        authorization, error = None, ""
        try:
            authorization = await auth.authorization(scopes)
        except (errors.WrongCredential, errors.NoRight) as refusal:
            error = error_text(refusal)
            found = replace(found, accepted=False if self._credential else None)
        except TransshipError as failure:
            error = error_text(failure)
        bearer = _bearer(answer)
        if bearer is not None:
            found = replace(found, realm=await self._realm(bearer, authorization, error))
        elif self._credential:
            found = replace(found, error=error)
        if authorization is None or not self._credential:
            return found
        try:
            return replace(found, accepted=await self._accepted(authorization))
        except TransshipError as failure:
            return replace(found, error=error_text(failure))

    async def _asked(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        answer = await self._transport.request(method, url, headers=headers, form=form)
        self._realm_status = answer.status
        return answer

    async def _accepted(self, authorization: str) -> bool | None:
        headers = {"authorization": authorization}
        answer = await self._transport.request("GET", f"{self._way.url}/v2/", headers=headers)
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return False
        return True if answer.ok else None

    async def _realm(self, challenge: Challenge, authorization: str | None, error: str) -> Realm:
        realm = Realm(
            struck_address(challenge.realm),
            safe(challenge.service),
            "",
            self._repository,
            self._realm_status,
            error=error,
        )
        try:
            address = resolve(self._way.url, challenge.realm)
            host, port = authority(address)
        except ValueError:
            return realm
        own = self._way.domain
        if host == own.name:
            addresses: tuple[str, ...] = (self._way.address,)
        else:
            addresses, _ = await local_addresses(host, port)
        token = (authorization or "").removeprefix("Bearer ")
        return replace(
            realm,
            host=f"{host}:{port}" if port != 443 else host,
            addresses=addresses,
            granted=granted(token, self._repository),
        )


class _Access(msgspec.Struct):
    type: str = ""
    name: str = ""
    actions: list[str] | None = None


class _Claims(msgspec.Struct):
    access: list[_Access] | None = None


def granted(token: str, repository: str) -> tuple[str, ...] | None:
    """Return the actions for a repository in a token's `access`, None if it can't be read.

    Distribution's token specification (JWT); the signature is the registry's own affair.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        access = msgspec.json.decode(payload, type=_Claims).access
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    if access is None:
        return None
    found = [a for a in access if (a.type, a.name) == ("repository", repository)]
    return tuple(sorted({safe(action) for a in found for action in a.actions or ()}))


def _headers(answer: Answer) -> tuple[tuple[str, str], ...]:
    told = {name: value for name, value in answer.headers.items() if name in _TELLING}
    return struck_fields(told.items())


def _challenges(answer: Answer) -> list[str]:
    return [
        value for _, value in struck_fields([("www-authenticate", c) for c in answer.challenges])
    ]


def _is_registry(answer: Answer) -> bool:
    """Tell whether a registry answered, and not whatever else serves this address."""
    if answer.headers.get(_SAYS_REGISTRY, "").startswith("registry/2"):
        return True
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return any(c.scheme in ("bearer", "basic") for c in parse_challenges(answer.challenges))
    return answer.ok and answer.body.lstrip().startswith(b"{")


def _bearer(answer: Answer) -> Challenge | None:
    offered = parse_challenges(answer.challenges)
    return next((each for each in offered if each.scheme == "bearer" and each.realm), None)
