"""A token server: Bearer tokens by GET and by OAuth2 POST, as distribution's spec/auth says."""

from __future__ import annotations

import base64
import json
import math
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from servers.loopback import serving
from servers.process import LOOPBACK
from servers.registry import SET_UP_CLIENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from servers.certificates import Certificates
    from servers.loopback import Exchange

ISSUER = "Token server of the tests"
SERVICE = "registry.example"

# docker-registry accepts a token for so long after its `exp`.
_LEEWAY_SECONDS = 60
_DEFAULT_LIFETIME = 300.0

Form = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a client asked for, and the status it got. Never holds a password or a token."""

    method: str
    grant_type: str | None
    service: str | None
    scopes: tuple[str, ...]
    user: str | None
    status: int


@dataclass
class TokenServer:
    """The server's knobs, which a test may turn at any moment, and what it was asked.

    `lifetime`: seconds for which registries accept a token, and up to one more; with -1 it is
    dead on arrival. `announced`: the `expires_in` told to the client; None tells the truth.
    `read_only`: users who are granted no more than pull. `anonymous_pull`: whether a request
    without a login is granted pull, or refused. `forbidden`: a scope that is refused with 401, as
    some do, and not granted in part. `failing`: the statuses of the next answers. `requests` leaves
    out the tests' own set-up.
    """

    realm: str
    root_certificate: Path
    users: dict[str, str] = field(repr=False)
    read_only: frozenset[str] = frozenset()
    lifetime: float = _DEFAULT_LIFETIME
    announced: int | None = None
    post_supported: bool = True
    anonymous_pull: bool = False
    forbidden: str = ""
    failing: list[int] = field(default_factory=list)
    requests: list[TokenRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sessions: dict[str, str] = {}
        self._signer = _Signer(self.root_certificate)

    def reset(self) -> None:
        """Turn every knob back, and forget the requests and the refresh tokens."""
        self.lifetime, self.announced = _DEFAULT_LIFETIME, None
        self.post_supported, self.anonymous_pull = True, False
        self.forbidden, self.failing = "", []
        self.requests.clear()
        self.revoke()

    def revoke(self) -> None:
        """Make every refresh token that was given out invalid."""
        self._sessions.clear()

    def registry_options(self) -> dict[str, str]:
        """Return the `auth.token` section of a docker-registry that trusts this server."""
        return {
            "realm": self.realm,
            "service": SERVICE,
            "issuer": ISSUER,
            "rootcertbundle": str(self.root_certificate),
        }

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request of a client."""
        if exchange.method == "POST":
            form = parse_qs(b"".join([piece async for piece in exchange.body]).decode())
            status, answer, user = self._post(form)
        else:
            form = parse_qs(urlsplit(exchange.target).query)
            status, answer, user = self._get(form, exchange.head.get("Authorization"))
        if self.forbidden and self.forbidden in _scopes(form):
            status, answer, user = _refused("DENIED")
        if self.failing:
            status, answer, user = self.failing.pop(0), {}, None
        if form.get("client_id") != [SET_UP_CLIENT]:
            self.requests.append(
                TokenRequest(
                    exchange.method,
                    _first(form, "grant_type"),
                    _first(form, "service"),
                    _scopes(form),
                    user,
                    status,
                )
            )
        headers = {"Content-Type": "application/json"}
        await exchange.answer(status, headers, json.dumps(answer).encode())

    def _get(self, form: Form, authorization: str | None) -> tuple[int, dict[str, Any], str | None]:
        user = self._user(*_basic(authorization)) if authorization else None
        if user is None and (authorization or not self.anonymous_pull):
            return _refused("UNAUTHORIZED")
        answer = self._answer(user, form)
        answer["token"] = answer["access_token"]
        if user is not None and _first(form, "offline_token") == "true":
            answer["refresh_token"] = self._new_session(user)
        return HTTPStatus.OK, answer, user

    def _post(self, form: Form) -> tuple[int, dict[str, Any], str | None]:
        if not self.post_supported:
            return HTTPStatus.METHOD_NOT_ALLOWED, {"errors": [{"code": "UNSUPPORTED"}]}, None
        refresh_token = _first(form, "refresh_token")
        match _first(form, "grant_type"):
            case "password":
                name, password = _first(form, "username"), _first(form, "password")
                user = self._user(name or "", password or "")
            case "refresh_token":
                user = self._sessions.get(refresh_token or "")
            case _:
                return HTTPStatus.BAD_REQUEST, {"error": "unsupported_grant_type"}, None
        if user is None:
            return _refused("UNAUTHORIZED")
        answer = self._answer(user, form)
        answer["scope"] = " ".join(_scopes(form))
        if _first(form, "access_type") == "offline":
            answer["refresh_token"] = refresh_token or self._new_session(user)
        return HTTPStatus.OK, answer, user

    def _user(self, name: str, password: str) -> str | None:
        return name if password and self.users.get(name) == password else None

    def _new_session(self, user: str) -> str:
        refresh_token = secrets.token_urlsafe(24)
        self._sessions[refresh_token] = user
        return refresh_token

    def _answer(self, user: str | None, form: Form) -> dict[str, Any]:
        now = time.time()
        announced = math.ceil(self.lifetime) if self.announced is None else self.announced
        return {
            "access_token": self._signer.sign(self._claims(user, form, now)),
            "expires_in": announced,
            "issued_at": datetime.fromtimestamp(now, UTC).isoformat(),
        }

    def _claims(self, user: str | None, form: Form, now: float) -> dict[str, Any]:
        return {
            "iss": ISSUER,
            "sub": user or "",
            "aud": _first(form, "service") or "",
            "exp": math.ceil(now + self.lifetime) - _LEEWAY_SECONDS,
            "nbf": int(now) - _LEEWAY_SECONDS,
            "iat": int(now),
            "jti": secrets.token_hex(8),
            "access": [access for scope in _scopes(form) if (access := self._grant(user, scope))],
        }

    def _grant(self, user: str | None, scope: str) -> dict[str, Any] | None:
        """Return what of `scope` the user gets. A name may hold colons, the ends may not."""
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        granted = actions.split(",")
        if user is None or user in self.read_only:
            granted = [action for action in granted if action == "pull"]
        return {"type": kind, "name": name, "actions": granted} if granted else None


@contextmanager
def token_server(
    folder: Path,
    users: Mapping[str, str] | None = None,
    *,
    read_only: frozenset[str] = frozenset(),
    tls: Certificates | None = None,
) -> Iterator[TokenServer]:
    """Run a token server for `users` (name to password) until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    users = dict(users or {"operator": "correct horse battery"})
    server = TokenServer("", folder / "token-server.pem", users, read_only)
    with serving(server.handle, tls=tls.server_context() if tls else None) as listener:
        origin = (
            f"https://localhost:{listener.port}" if tls else f"http://{LOOPBACK}:{listener.port}"
        )
        server.realm = f"{origin}/token"
        yield server


class _Signer:
    """RS256 by a key whose certificate hangs on the root that it writes to `root_certificate`."""

    def __init__(self, root_certificate: Path) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(root_certificate))
        leaf = authority.issue_cert("token.example", key_type=trustme.KeyType.RSA)
        key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key
        certificate = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
        der = certificate.public_bytes(serialization.Encoding.DER)
        header = {"alg": "RS256", "typ": "JWT", "x5c": [base64.b64encode(der).decode()]}
        self._header = _base64url(json.dumps(header).encode())

    def sign(self, claims: dict[str, Any]) -> str:
        """Return the JSON Web Token of `claims`."""
        message = f"{self._header}.{_base64url(json.dumps(claims).encode())}"
        signature = self._key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{message}.{_base64url(signature)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    name, _, password = base64.b64decode(value).decode().partition(":")
    return name, password


def _first(form: Form, name: str) -> str | None:
    return form[name][0] if name in form else None


def _scopes(form: Form) -> tuple[str, ...]:
    return tuple(scope for value in form.get("scope", []) for scope in value.split())


def _refused(code: str) -> tuple[int, dict[str, Any], None]:
    return HTTPStatus.UNAUTHORIZED, {"errors": [{"code": code, "message": "login refused"}]}, None
