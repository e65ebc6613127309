"""Signing in: Basic, and Bearer tokens from a token server.

The challenge is read by RFC 9110, 11.6.1; scopes are computed, as Distribution's token
specification names them, and never taken from a challenge.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from transship import errors
from transship.clock import Clock
from transship.registry.credential import (
    USABLE_SHARE,
    Confidential,
    Credential,
    CurrentLogin,
    HandingOut,
    SharedCall,
    life_of,
)
from transship.registry.http.address import resolve
from transship.registry.http.answer import Answer, described, error_of, is_transient

_DEFAULT_LIFE = 60.0  # The token specification's own, for servers that don't say.


class _Kept:
    """A token, and who fetches it: one for all who need it."""

    def __init__(self) -> None:
        self.fetching = SharedCall()
        self.token = ""
        self.usable_until = 0.0


class Authenticator:
    """The sign-in to one registry.

    Learns from challenges which scheme the registry wants, keeps tokens by realm, service and
    scopes until 80 % of their life is over, and asks for each only once at a time. `base` returns
    the registry's own address, against which a relative realm is meant. `handing_out` and `name`
    are as `CurrentLogin` takes them.
    """

    def __init__(
        self,
        credential: Credential | None,
        ask: Asking,
        clock: Clock,
        base: Callable[[], str],
        handing_out: HandingOut | None = None,
        name: str = "",
    ) -> None:
        self._login = CurrentLogin(credential, clock, handing_out, name)
        self._server = TokenServer(self._login, ask, clock)
        self._clock = clock
        self._base = base
        self._challenges: dict[str, Challenge] = {}
        self._tokens: dict[tuple[str, str, Scopes], _Kept] = {}

    @property
    def signed_in(self) -> bool:
        """Whether there is a credential to sign in with."""
        return self._login.there

    def learn(self, answer: Answer, scopes: Scopes) -> bool:
        """Take in the challenges of a 401; tell whether one can be met.

        A registry may ask in another way for its catalog than for its repositories, so what it
        asks for is kept by the type of scope.
        """
        offered: dict[str, Challenge] = {}
        for challenge in parse_challenges(answer.challenges):
            if challenge.scheme == "basic" or (challenge.scheme == "bearer" and challenge.realm):
                offered.setdefault(challenge.scheme, challenge)
        best = offered.get("bearer") or offered.get("basic")
        if best is None:
            return False
        self._challenges[type_of(scopes)] = best
        self._challenges.setdefault("", best)
        return True

    async def authorization(self, scopes: Scopes) -> str | None:
        """Return the Authorization field for a request that needs `scopes`, or None.

        Raises SignInNeeded, WrongCredential, NoLogin, NoRight or RealmRefused when there can't be
        one, and what the token server has instead of a token.
        """
        challenge = self._challenge(scopes)
        if challenge is None:
            return None
        await self._login.fetch()
        if challenge.scheme == "basic":
            return self._login.basic()
        shown = self._login.credential
        try:
            return f"Bearer {await self._token(challenge, scopes)}"
        except errors.WrongCredential:
            if not await self._login.another_than(shown):
                raise
        return f"Bearer {await self._token(challenge, scopes)}"

    def password(self) -> str:
        """Return the Authorization field with the password itself, which no challenge asked for.

        Raises SignInNeeded without a credential, and WrongCredential when it is no password.
        """
        basic = self._login.basic()
        if basic is None:
            raise errors.SignInNeeded("the service's own API wants one")
        return basic

    def credential(self) -> Credential:
        """Return what is signed in with. Raises SignInNeeded without a credential."""
        if self._login.credential is None:
            raise errors.SignInNeeded("the service's own API wants one")
        return self._login.credential

    @property
    def realm(self) -> str:
        """The address of the token server that was named, empty when none was.

        Raises RealmRefused for one that no password goes to.
        """
        challenge = self._challenges.get("")
        if challenge is None or challenge.scheme != "bearer":
            return ""
        return self._checked_realm(challenge.realm)

    def reject(self, authorization: str | None) -> None:
        """Forget a token that the registry didn't take, and a login that can be fetched anew."""
        self._login.reject(authorization)
        for kept in self._tokens.values():
            if kept.token and authorization == f"Bearer {kept.token}":
                kept.token = ""

    def refusal(self, answer: Answer, scopes: Scopes) -> errors.TransshipError:
        """Return the error for an answer of 401 that the best sign-in there is didn't prevent."""
        detail = described(answer)
        if not self.signed_in:
            return errors.SignInNeeded(detail)
        challenge = self._challenge(scopes)
        if challenge is None:
            asked = ", ".join(c.scheme for c in parse_challenges(answer.challenges))
            return errors.UnexpectedAnswer(f"{detail}; it asks for {asked or 'nothing'} to sign in")
        basic = challenge.scheme == "basic"
        return self._login.wrong(detail) if basic else errors.NoRight(detail)

    def _challenge(self, scopes: Scopes) -> Challenge | None:
        return self._challenges.get(type_of(scopes)) or self._challenges.get("")

    async def _token(self, challenge: Challenge, scopes: Scopes) -> str:
        realm = self._checked_realm(challenge.realm)
        kept = self._tokens.setdefault((realm, challenge.service, scopes), _Kept())

        async def fetched() -> str:
            now = self._clock.monotonic()
            if not kept.token or now >= kept.usable_until:
                answer = await self._server.token(realm, challenge.service, scopes)
                kept.token = answer.given
                # A life of nothing is said by servers that don't count; the registry will tell.
                said = answer.expires_in
                life = life_of(kept.token) if said is None else said
                life = max(0.0, life) or _DEFAULT_LIFE
                kept.usable_until = now + life * USABLE_SHARE
            return kept.token

        return await kept.fetching.do(fetched)

    def _checked_realm(self, realm: str) -> str:
        base = self._base()
        try:
            address = resolve(base, realm)
        except ValueError as error:
            raise errors.RealmRefused(
                f"{realm.partition('?')[0]!r}: {error}",
                remedy="The registry names a token server that can't be one; ask its operator.",
            ) from error
        if address.startswith("http:") and base.startswith("https:"):
            raise errors.RealmRefused(
                f"{urlsplit(address).netloc} over http, named by {urlsplit(base).netloc}"
            )
        return address


_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
# Some servers quote nothing, addresses included, or forget the commas; both are understood.
_BARE = r'[^\s",=][^\s",]*'
_PARAMETER = re.compile(rf"({_NAME})\s*=\s*({_QUOTED}|{_BARE})(?=[\s,]|$)", re.DOTALL)
_SCHEME = re.compile(rf"({_NAME})(?=[\s,]|$)")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*\s*(?=,|$)")
_SEPARATOR = re.compile(r"[\s,]*")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to sign in that a server offers. `scheme` is in lower case."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""
    error: str = ""


def parse_challenges(fields: Iterable[str]) -> tuple[Challenge, ...]:
    """Return the challenges in all WWW-Authenticate fields of an answer, in order.

    One field may hold several, and quoted values may hold commas. What can't be read is passed
    over to the next challenge: a server's fault in one must not hide the other.
    """
    return tuple(challenge for value in fields for challenge in _parse(value))


def _parse(value: str) -> Iterator[Challenge]:
    position = _skip(value, 0)
    while position < len(value):
        scheme = _SCHEME.match(value, position)
        if not scheme:
            comma = value.find(",", position)
            position = len(value) if comma < 0 else _skip(value, comma)
            continue
        parameters, position = _parameters(value, scheme.end())
        yield Challenge(
            scheme=scheme[1].lower(),
            realm=parameters.get("realm", ""),
            service=parameters.get("service", ""),
            scope=parameters.get("scope", ""),
            error=parameters.get("error", ""),
        )


def _parameters(value: str, position: int) -> tuple[dict[str, str], int]:
    """Return what follows a scheme, up to what may be the next one, and where that begins."""
    parameters: dict[str, str] = {}
    position = len(value) - len(value[position:].lstrip())
    if value[position : position + 1] == ",":
        return parameters, _skip(value, position)
    if not _PARAMETER.match(value, position) and (token68 := _TOKEN68.match(value, position)):
        return parameters, _skip(value, token68.end())
    while match := _PARAMETER.match(value, position):
        parameters.setdefault(match[1].lower(), _unquoted(match[2]))
        position = _skip(value, match.end())
    return parameters, position


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if text.startswith('"') else text


def _skip(value: str, position: int) -> int:
    match = _SEPARATOR.match(value, position)
    return match.end() if match else position


Scopes = tuple[str, ...]
"""Token scopes (`type:name:actions`), sorted, each once."""

CATALOG = "registry:catalog:*"


def pull(repository: str) -> str:
    """Return the scope for reading a repository."""
    return f"repository:{repository}:pull"


def push(repository: str) -> str:
    """Return the scope for writing to a repository."""
    return f"repository:{repository}:pull,push"


def delete(repository: str) -> str:
    """Return the scope for writing to a repository and taking things away from it."""
    return f"repository:{repository}:pull,push,delete"


def known_to_all(scopes: Scopes) -> Scopes:
    """Return scopes without what some services don't know.

    They list with a token that has no scope, and let everyone delete who may push.
    """
    return tuple(scope.removesuffix(",delete") for scope in scopes if scope != CATALOG)


def type_of(scopes: Scopes) -> str:
    """Return of what type scopes are (`repository`, `registry`), empty when there are none."""
    return scopes[0].partition(":")[0] if scopes else ""


_CLIENT = "transship"
_REFUSED_SECONDS = 30.0  # For so long nobody shows a token server again what it has just refused.
_NO_POST = frozenset(
    {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
)
_NOT_ACCEPTED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED})


class Asking(Protocol):
    """Sends one request, once, as `Transport.request` does."""

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Awaitable[Answer]:
        """Return the answer of whatever status."""


class TokenAnswer(Confidential):
    """What a token server gives; `expires_in` is in seconds, None when it doesn't say."""

    token: str | None = None
    access_token: str | None = None
    expires_in: float | None = None
    refresh_token: str | None = None

    @property
    def given(self) -> str:
        """The token, empty when there is none in the answer."""
        return self.access_token or self.token or ""


class TokenServer:
    """The token servers of one registry, asked with its login or without one."""

    def __init__(self, login: CurrentLogin, ask: Asking, clock: Clock) -> None:
        self._login = login
        self._ask = ask
        self._clock = clock
        self._refused: tuple[Credential, float, str] | None = None
        self._asked_as: Credential | None = None
        self._refresh_token = ""
        self._posts = False
        self._follow()

    async def token(self, realm: str, service: str, scopes: Scopes) -> TokenAnswer:
        """Return a token for `scopes` from the server at `realm`.

        Raises WrongCredential, SignInNeeded, NoRight, and what there is instead of a token.
        """
        self._check_not_refused()
        answer = await self._requested(realm, service, scopes)
        if answer.status == HTTPStatus.BAD_REQUEST and scopes != (known := known_to_all(scopes)):
            answer = await self._requested(realm, service, known)
        if not answer.ok:
            raise await self._refusal(answer, realm, service, scopes)
        token: TokenAnswer = answer.json(TokenAnswer)
        if not token.given:
            raise errors.UnexpectedAnswer(f"{described(answer)}: no token in the answer")
        if token.refresh_token and self._posts:
            self._refresh_token = token.refresh_token
        return token

    def _follow(self) -> None:
        """See who is signed in: what another login was given is of no use to this one."""
        if self._login.credential != self._asked_as:
            self._refresh_token = self._login.identity
            self._posts = bool(self._login.identity)
        self._asked_as = self._login.credential

    async def _requested(self, realm: str, service: str, scopes: Scopes) -> Answer:
        """Ask in the way that the token server takes: by GET, or by POST where it takes no GET."""
        self._follow()
        if not self._posts:
            answer = await self._get(realm, service, scopes)
            if answer.status != HTTPStatus.METHOD_NOT_ALLOWED or not self._login.credential:
                return answer
            self._posts = True
        answer = await self._post(realm, service, scopes)
        if answer.status in _NOT_ACCEPTED and self._refresh_token and not self._login.identity:
            self._refresh_token = ""
            answer = await self._post(realm, service, scopes)
        if answer.status in _NO_POST and self._login.identity:
            raise self._login.wrong(f"{described(answer)}; it takes no identity tokens")
        return answer

    async def _get(self, realm: str, service: str, scopes: Scopes) -> Answer:
        query = [("service", service)] if service else []
        query += [("scope", scope) for scope in scopes]
        if self._login.credential:
            query.append(("account", self._login.credential.username))
        query.append(("client_id", _CLIENT))
        basic = self._login.basic()
        separator = "&" if urlsplit(realm).query else "?"
        return await self._ask(
            "GET",
            realm + separator + urlencode(query),
            headers={"authorization": basic} if basic else None,
        )

    async def _post(self, realm: str, service: str, scopes: Scopes) -> Answer:
        form = {"service": service, "client_id": _CLIENT, "access_type": "offline"}
        if scopes:
            form["scope"] = " ".join(scopes)
        if self._refresh_token:
            form |= {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        elif self._login.credential:
            form |= {
                "grant_type": "password",
                "username": self._login.credential.username,
                "password": self._login.credential.secret,
            }
        return await self._ask("POST", realm, form=form)

    async def _refusal(
        self, answer: Answer, realm: str, service: str, scopes: Scopes
    ) -> errors.TransshipError:
        """Return the error for what a token server answered instead of a token.

        Some refuse like a wrong password what the account has no right to. So the login is shown
        once more, without asking for any right.
        """
        credential = self._login.credential
        if answer.status in _NOT_ACCEPTED and credential is None:
            return errors.SignInNeeded(described(answer))
        if answer.status in _NOT_ACCEPTED and scopes:
            known = await self._requested(realm, service, ())
            if known.ok:
                return errors.NoRight(described(answer))
            answer = known
        if answer.status in _NOT_ACCEPTED and credential is not None:
            detail = described(answer)
            self._refused = credential, self._clock.monotonic() + _REFUSED_SECONDS, detail
            return self._login.wrong(detail)
        error = error_of(answer, self._clock.now(), missing=errors.UnexpectedAnswer)
        if is_transient(answer.status) or isinstance(error, errors.NoRight):
            return error
        return errors.UnexpectedAnswer(error.detail)

    def _check_not_refused(self) -> None:
        """Raise WrongCredential again for what the token server refused a moment ago.

        Many may be about to ask, and some services lock an account out that errs too often.
        """
        if self._refused is None or self._login.credential is None:
            return
        credential, until, detail = self._refused
        if credential is self._login.credential and self._clock.monotonic() < until:
            raise self._login.wrong(detail)
