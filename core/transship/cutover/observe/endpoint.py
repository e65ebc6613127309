"""One address under the domain's name: fresh connections, no proxy, `GET /v2/`, the sign-in.

And where an upload would go, if the operator asks for that. What to try, and for how long, is said
here too.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec

from transship import errors
from transship.clock import Clock
from transship.cutover.domain import Domain
from transship.cutover.evidence import ApiProbe, TokenRealm, UploadProbe
from transship.cutover.observe.resolvers import local_addresses
from transship.errors import TransshipError
from transship.oci.digest import digest_of
from transship.oci.reference import Reference, parse_reference
from transship.registry.credential import Credential, Tls
from transship.registry.distribution import DistributionRegistry
from transship.registry.http.address import authority, resolve
from transship.registry.http.answer import Answer
from transship.registry.http.authentication import Authenticator, Challenge, parse_challenges, pull
from transship.registry.http.client import Timeouts, Transport
from transship.registry.http.exchange_log import Exchanged, Recorder, struck_address, struck_fields
from transship.registry.http.proxy import proxy_for
from transship.registry.http.rate_limiter import RetryPolicy
from transship.text import safe

_RETRY_POLICY = RetryPolicy(attempts=2, seconds=5.0)

_MOST_RECORDED = 20_000

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class PinnedEndpoint:
    """How an address is reached under the domain's name.

    `ca_file` has authorities that are trusted beside the system's. `connect` and `answer` are how
    long a connection and an answer may take, in seconds.
    """

    domain: Domain
    address: str
    clock: Clock
    ca_file: str = ""
    connect: float = 5.0
    answer: float = 15.0

    @property
    def url(self) -> str:
        """The registry's own address, as a client of the domain has it."""
        return f"https://{self.domain.host}"

    @asynccontextmanager
    async def transport(
        self, *, verified: bool = True, recorder: Recorder | None = None
    ) -> AsyncIterator[Transport]:
        """Open a transport that has no connection yet."""
        tls = Tls(ca_file=self.ca_file, insecure=not verified)
        transport = Transport(self.domain.host, tls, self._timeouts, recorder, self._pins)
        try:
            yield transport
        finally:
            await transport.aclose()

    @asynccontextmanager
    async def registry(
        self, credential: Credential | None = None, *, recorder: Recorder | None = None
    ) -> AsyncIterator[DistributionRegistry]:
        """Open the registry, with connections and tokens of its own."""
        registry = DistributionRegistry(
            self.domain.host,
            credential=credential,
            tls=Tls(ca_file=self.ca_file),
            patience=_RETRY_POLICY,
            clock=self.clock,
            timeouts=self._timeouts,
            recorder=recorder,
            pins=self._pins,
        )
        try:
            yield registry
        finally:
            await registry.aclose()

    def recorder(self) -> Recorder:
        """Return a recorder that keeps all that a pull asks for."""
        return Recorder(self.clock, limit=_MOST_RECORDED)

    def reference(self, text: str) -> Reference:
        """Return `REPOSITORY[:TAG][@DIGEST]` under the domain's name. Raises BadReference."""
        return parse_reference(f"{self.domain.host}/{text}")

    @property
    def _pins(self) -> dict[str, str]:
        return {self.domain.name: self.address}

    @property
    def _timeouts(self) -> Timeouts:
        return Timeouts(connect=self.connect, read=self.answer, write=self.answer)


def bypassed_proxy(domain: Domain) -> str:
    """Return the proxy that the environment names for the domain, as `host:port`, or nothing.

    A proxy would resolve the name by itself, so that none is used here.
    """
    try:
        parts = urlsplit(proxy_for(f"https://{domain.host}") or "")
    except errors.ProxyFailed:
        return "of a kind that isn't supported"
    return parts.netloc.rpartition("@")[2]


def error_text(error: TransshipError) -> str:
    """Return an error as evidence has it: the name of the cause, and what is known of it."""
    return f"{error.cause}: {error.detail}" if error.detail else error.cause


def origin_of(address: str) -> str:
    """Return `scheme://host:port` of a web address, or nothing for what is none."""
    parts = urlsplit(address)
    try:
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        return ""
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}" if host else ""


def origins(exchanged: Exchanged) -> list[str]:
    """Return the places that an exchange was with and that its answer points to, the former first.

    What is relative points to where it came from.
    """
    named = [exchanged.url, *(value for name, value in exchanged.answer if name == "location")]
    return [origin for address in named if (origin := origin_of(address))]


_SAYS_REGISTRY = "docker-distribution-api-version"

_KEPT_HEADERS = frozenset(
    {"alt-svc", "content-type", "date", "location", "retry-after", "server", "via", _SAYS_REGISTRY}
)


@dataclass(frozen=True, slots=True)
class TrialCredential:
    """A credential to be tried. `in_use` says that nodes hold it today under the domain's name."""

    credential: Credential
    in_use: bool = True


async def probe_endpoint(
    way: PinnedEndpoint,
    *,
    repository: str = "",
    sign_in: TrialCredential | None = None,
    side: str = "new",
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
        proxy=bypassed_proxy(way.domain),
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


async def _probed(
    way: PinnedEndpoint, blank: ApiProbe, repository: str, sign_in: TrialCredential | None
) -> ApiProbe:
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
        return await _SignInAttempt(way, transport, repository, sign_in).after(answer, found)


class _SignInAttempt:
    """One sign-in, as a client does it: told what to do by a 401, then once more to `/v2/`."""

    def __init__(
        self,
        way: PinnedEndpoint,
        transport: Transport,
        repository: str,
        sign_in: TrialCredential | None,
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

    async def _realm(
        self, challenge: Challenge, authorization: str | None, error: str
    ) -> TokenRealm:
        realm = TokenRealm(
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
            granted=granted_actions(token, self._repository),
        )


class _TokenAccess(msgspec.Struct):
    type: str = ""
    name: str = ""
    actions: list[str] | None = None


class _TokenClaims(msgspec.Struct):
    access: list[_TokenAccess] | None = None


def granted_actions(token: str, repository: str) -> tuple[str, ...] | None:
    """Return the actions for a repository in a token's `access`, None if it can't be read.

    Distribution's token specification (JWT); the signature is the registry's own affair.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        access = msgspec.json.decode(payload, type=_TokenClaims).access
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    if access is None:
        return None
    found = [a for a in access if (a.type, a.name) == ("repository", repository)]
    return tuple(sorted({safe(action) for a in found for action in a.actions or ()}))


def _headers(answer: Answer) -> tuple[tuple[str, str], ...]:
    told = {name: value for name, value in answer.headers.items() if name in _KEPT_HEADERS}
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


async def try_push(
    way: PinnedEndpoint, credential: Credential | None, repository: str, *, seconds: float = 30.0
) -> UploadProbe:
    """Begin an upload to a repository, see where its bytes are wanted, and give it up.

    This asks for the right to push, and some services make the repository by it. Nothing is
    uploaded.
    """
    blank = UploadProbe(repository, way.address, way.clock.now())
    recorder = way.recorder()
    error = ""
    try:
        async with (
            asyncio.timeout(seconds),
            way.registry(credential, recorder=recorder) as registry,
        ):
            upload = await registry.start_upload(repository, digest_of(b""))
            if upload is not None:
                await upload.cancel()
    except TimeoutError:
        error = error_text(errors.TimedOut())
    except TransshipError as failure:
        error = error_text(failure)
    location = next(
        (
            value if "://" in value else each.url
            for each in recorder.exchanges()
            if each.method == "POST" and each.status in (201, 202)
            for name, value in each.answer
            if name == "location"
        ),
        "",
    )
    return replace(blank, location=safe(origin_of(location)), error=error)


GIBIBYTE = 1024**3


@dataclass(frozen=True, slots=True)
class TargetLimits:
    """How long things may take, in seconds, and how much may be read.

    `connect`: a connection, and then TLS. `answer`: each answer. `paths`: to look for all of the
    references, and as long again to see how large they are. `pull`: each image. An image of more
    than `image` bytes isn't pulled.
    """

    connect: float = 5.0
    answer: float = 15.0
    paths: float = 60.0
    pull: float = 600.0
    image: int = 4 * GIBIBYTE


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """What to try beside handshakes and `/v2/`.

    `references` are `REPOSITORY[:TAG][@DIGEST]`, those of the subject if there are none. `old` are
    the addresses of the old registry: hands are shaken there too, and the credentials tried. `push`
    is a repository to begin an upload to, empty unless the operator asked for it: it needs the
    right to write, and some services make the repository by it.
    """

    sign_ins: tuple[TrialCredential, ...] = ()
    references: tuple[str, ...] = ()
    old: tuple[str, ...] = ()
    pull: bool = True
    push: str = ""
