"""Signing in: Basic, and Bearer tokens from a token server.

Distribution's token specification (by GET) and its OAuth2 form (by POST, with refresh tokens).
Scopes are computed here and never taken from the challenge: some services offer scopes there that
they refuse afterwards, and a scope to push, asked for where only reading was meant, creates
repositories on some.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from transship import errors
from transship.clock import Clock
from transship.registries.answers import Answer, described
from transship.registries.challenge import Challenge, parse_challenges
from transship.registries.credential import Credential

Scopes = tuple[str, ...]
"""Token scopes (`type:name:actions`), sorted, each once."""

CATALOG = "registry:catalog:*"
_CLIENT = "transship"
_DEFAULT_LIFE = 60.0  # The token specification's own, for servers that don't say.
_USABLE_SHARE = 0.8  # Renewed before it ends, so that a long request doesn't outlive it.


def pull(repository: str) -> str:
    """Return the scope for reading a repository."""
    return f"repository:{repository}:pull"


def push(repository: str) -> str:
    """Return the scope for writing to a repository."""
    return f"repository:{repository}:pull,push"


class Asking(Protocol):
    """Sends one request, as `Transport.request` does, with retries where they help."""

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Awaitable[Answer]:
        """Return the answer of whatever status."""


class _Token(msgspec.Struct):
    token: str | None = None
    access_token: str | None = None
    expires_in: float | None = None
    refresh_token: str | None = None


class Authenticator:
    """The sign-in to one registry.

    Learns from challenges which scheme the registry wants, keeps tokens by realm, service and
    scopes until 80 % of their life is over, and asks for each only once at a time. `base` returns
    the registry's own address, against which a relative realm is meant.
    """

    def __init__(
        self, credential: Credential | None, ask: Asking, clock: Clock, base: Callable[[], str]
    ) -> None:
        self._credential = credential
        self._ask = ask
        self._clock = clock
        self._base = base
        self._challenges: dict[str, Challenge] = {}
        self._tokens: dict[tuple[str, str, Scopes], tuple[str, float]] = {}
        self._locks: dict[tuple[str, str, Scopes], asyncio.Lock] = {}
        self._refresh_token = credential.secret if credential and credential.identity else ""
        self._posts = bool(self._refresh_token)

    @property
    def signed_in(self) -> bool:
        """Whether there is a credential to sign in with."""
        return self._credential is not None

    @property
    def scheme(self) -> str:
        """What the registry asks for: `bearer`, `basic`, or nothing."""
        challenge = self._challenges.get("")
        return challenge.scheme if challenge else ""

    def learn(self, answer: Answer, scopes: Scopes) -> bool:
        """Take in the challenges of a 401; tell whether one can be met.

        A registry may ask in another way for its catalog than for its repositories, so what it
        asks for is kept by the kind of scope.
        """
        offered = {challenge.scheme: challenge for challenge in parse_challenges(answer.challenges)}
        challenge = offered.get("bearer") or offered.get("basic")
        if challenge is None or (challenge.scheme == "bearer" and not challenge.realm):
            return False
        self._challenges[_kind(scopes)] = challenge
        self._challenges.setdefault("", challenge)
        return True

    async def authorization(self, scopes: Scopes) -> str | None:
        """Return the Authorization field for a request that needs `scopes`, or None.

        Raises SignInNeeded, WrongCredential, NoRight or RealmRefused when there can't be one.
        """
        challenge = self._challenges.get(_kind(scopes)) or self._challenges.get("")
        if challenge is None:
            return None
        if challenge.scheme == "basic":
            return self._basic()
        return f"Bearer {await self._token(challenge, scopes)}"

    def reject(self, authorization: str | None) -> bool:
        """Forget a token that the registry didn't take; tell whether another one can be had."""
        kept = {k: v for k, v in self._tokens.items() if f"Bearer {v[0]}" != authorization}
        dropped = len(kept) < len(self._tokens)
        self._tokens = kept
        return dropped

    def refusal(self, detail: str) -> errors.TransshipError:
        """Return the error for an answer of 401 that a good token didn't prevent."""
        if self._credential is None:
            return errors.SignInNeeded(detail)
        return errors.WrongCredential(detail) if self.scheme == "basic" else errors.NoRight(detail)

    def _basic(self) -> str | None:
        if self._credential is None:
            return None
        if self._credential.identity:
            raise errors.WrongCredential(
                "the registry wants a password; an identity token is kept for it"
            )
        pair = f"{self._credential.username}:{self._credential.secret}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    async def _token(self, challenge: Challenge, scopes: Scopes) -> str:
        realm = self._checked_realm(challenge.realm)
        key = (realm, challenge.service, scopes)
        async with self._locks.setdefault(key, asyncio.Lock()):
            now = self._clock.monotonic()
            token, usable_until = self._tokens.get(key, ("", 0.0))
            if now < usable_until:
                return token
            answer = await self._fetch(realm, challenge.service, scopes)
            token = answer.access_token or answer.token or ""
            life = answer.expires_in if answer.expires_in is not None else _DEFAULT_LIFE
            self._tokens[key] = (token, now + life * _USABLE_SHARE)
            return token

    async def _fetch(self, realm: str, service: str, scopes: Scopes) -> _Token:
        if self._posts:
            answer = await self._post(realm, service, scopes)
            if answer.status not in _NO_POST:
                return self._read(answer)
            self._posts = False
            if self._credential and self._credential.identity:
                raise errors.WrongCredential(f"{described(answer)}: identity tokens aren't taken")
        answer = await self._get(realm, service, scopes)
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED and self._credential:
            self._posts = True
            answer = await self._post(realm, service, scopes)
        if answer.status == HTTPStatus.BAD_REQUEST and scopes == (CATALOG,):
            # Some services know no catalog scope and list with a token that has none.
            answer = await self._get(realm, service, ())
        return self._read(answer)

    async def _get(self, realm: str, service: str, scopes: Scopes) -> Answer:
        query = [("service", service)] if service else []
        query += [("scope", scope) for scope in scopes]
        if self._credential:
            query.append(("account", self._credential.username))
        query.append(("client_id", _CLIENT))
        basic = self._basic()
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
        elif self._credential:
            form |= {
                "grant_type": "password",
                "username": self._credential.username,
                "password": self._credential.secret,
            }
        return await self._ask("POST", realm, form=form)

    def _read(self, answer: Answer) -> _Token:
        if not answer.ok:
            raise self._token_refused(answer)
        token: _Token = answer.json(_Token)
        if not (token.token or token.access_token):
            raise errors.UnexpectedAnswer(f"{described(answer)}: no token in the answer")
        if token.refresh_token and self._posts:
            self._refresh_token = token.refresh_token
        return token

    def _token_refused(self, answer: Answer) -> errors.TransshipError:
        if answer.status == HTTPStatus.FORBIDDEN:
            return errors.NoRight(described(answer))
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.BAD_REQUEST):
            kind = errors.WrongCredential if self._credential else errors.SignInNeeded
            return kind(described(answer))
        return errors.UnexpectedAnswer(described(answer))

    def _checked_realm(self, realm: str) -> str:
        base = self._base()
        address = urljoin(base, realm)
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise errors.RealmRefused(f"{realm!r} is no web address")
        if parts.scheme == "http" and base.startswith("https:"):
            raise errors.RealmRefused(f"{parts.netloc} over http, named by {urlsplit(base).netloc}")
        if "@" in parts.netloc:
            raise errors.RealmRefused("its address holds a user name")
        return address


_NO_POST = frozenset(
    {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
)


def _kind(scopes: Scopes) -> str:
    return scopes[0].partition(":")[0] if scopes else ""
