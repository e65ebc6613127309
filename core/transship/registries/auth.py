"""Signing in: Basic, and Bearer tokens from a token server.

Distribution's token specification (by GET) and its OAuth2 form (by POST, with refresh tokens).
Scopes are computed here and never taken from the challenge: some services offer scopes there that
they refuse afterwards, and a scope to push, asked for where only reading was meant, creates
repositories on some.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from transship import errors
from transship.clock import Clock
from transship.registries.addresses import resolve
from transship.registries.answers import Answer, described, error_of, is_transient
from transship.registries.challenge import Challenge, parse_challenges
from transship.registries.credential import Credential, Login
from transship.registries.sharing import Shared
from transship.registries.web_token import life_of

_Wrong = TypeVar("_Wrong", bound=errors.WrongCredential)

Scopes = tuple[str, ...]
"""Token scopes (`type:name:actions`), sorted, each once."""

CATALOG = "registry:catalog:*"
_CLIENT = "transship"
_DEFAULT_LIFE = 60.0  # The token specification's own, for servers that don't say.
_USABLE_SHARE = 0.8  # Renewed before it ends, so that a long request doesn't outlive it.
_REFUSED_SECONDS = 30.0  # For so long nobody shows a token server again what it has just refused.
_NO_POST = frozenset(
    {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
)
_NOT_ACCEPTED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED})


def pull(repository: str) -> str:
    """Return the scope for reading a repository."""
    return f"repository:{repository}:pull"


def push(repository: str) -> str:
    """Return the scope for writing to a repository."""
    return f"repository:{repository}:pull,push"


def delete(repository: str) -> str:
    """Return the scope for writing to a repository and taking things away from it."""
    return f"repository:{repository}:pull,push,delete"


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


HandingOut = Callable[[], Awaitable[Login]]
"""Fetches a login anew: from the service that hands it out, or from where a secret is kept."""

_NO_LOGIN = (errors.NoRight, errors.SignInNeeded, errors.SecretUnavailable, errors.WrongCredential)
"""Why there is no login to be had. What may pass, and what is wrong here, is raised as it is."""


class _TokenAnswer(msgspec.Struct):
    token: str | None = None
    access_token: str | None = None
    expires_in: float | None = None
    refresh_token: str | None = None


class _Kept:
    """A token, and who fetches it: one for all who need it."""

    def __init__(self) -> None:
        self.fetching = Shared()
        self.token = ""
        self.usable_until = 0.0


class Authenticator:
    """The sign-in to one registry.

    Learns from challenges which scheme the registry wants, keeps tokens by realm, service and
    scopes until 80 % of their life is over, and asks for each only once at a time. `base` returns
    the registry's own address, against which a relative realm is meant. `handing_out` fetches the
    login when there is none, when its life is nearly over, and once when it isn't taken any more.

    `name` is what the registry is called: an error that is about the whole account says so
    (`met_at`), so that whoever meets it knows which account that is.
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
        self._credential = credential
        self._ask = ask
        self._clock = clock
        self._base = base
        self._handing_out = handing_out
        self._name = name
        self._login = _Kept()
        self._login.usable_until = math.inf
        self._accepted: Credential | None = None
        self._refused: tuple[Credential, float, str] | None = None
        self._challenges: dict[str, Challenge] = {}
        self._tokens: dict[tuple[str, str, Scopes], _Kept] = {}
        self._refresh_token = self._identity
        self._posts = bool(self._identity)

    @property
    def _identity(self) -> str:
        credential = self._credential
        return credential.secret if credential and credential.identity else ""

    @property
    def signed_in(self) -> bool:
        """Whether there is a credential to sign in with."""
        return self._credential is not None or self._handing_out is not None

    def learn(self, answer: Answer, scopes: Scopes) -> bool:
        """Take in the challenges of a 401; tell whether one can be met.

        A registry may ask in another way for its catalog than for its repositories, so what it
        asks for is kept by the kind of scope.
        """
        offered: dict[str, Challenge] = {}
        for challenge in parse_challenges(answer.challenges):
            if challenge.scheme == "basic" or (challenge.scheme == "bearer" and challenge.realm):
                offered.setdefault(challenge.scheme, challenge)
        best = offered.get("bearer") or offered.get("basic")
        if best is None:
            return False
        self._challenges[_kind(scopes)] = best
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
        await self._be_handed_out()
        if challenge.scheme == "basic":
            return self._basic()
        shown = self._credential
        try:
            return f"Bearer {await self._token(challenge, scopes)}"
        except errors.WrongCredential:
            if self._handing_out is None or not await self._another_than(shown):
                raise
        return f"Bearer {await self._token(challenge, scopes)}"

    def password(self) -> str:
        """Return the Authorization field with the password itself, which no challenge asked for.

        Raises SignInNeeded without a credential, and WrongCredential when it is no password.
        """
        basic = self._basic()
        if basic is None:
            raise errors.SignInNeeded("the service's own API wants one")
        return basic

    def credential(self) -> Credential:
        """Return what is signed in with. Raises SignInNeeded without a credential."""
        if self._credential is None:
            raise errors.SignInNeeded("the service's own API wants one")
        return self._credential

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
        fetched = self._handing_out is not None and self._credential is not None
        if fetched and not self._identity and authorization == self._basic():
            self._credential = None
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
        return self._wrong(detail) if basic else errors.NoRight(detail)

    async def _be_handed_out(self) -> None:
        """Fetch a login if one is to be fetched. Raises what stands in the way of that."""
        handing_out = self._handing_out
        if handing_out is None:
            return

        async def fetched() -> None:
            now = self._clock.monotonic()
            if self._credential is not None and now < self._login.usable_until:
                return
            try:
                login = await handing_out()
            except _NO_LOGIN as error:
                raise self._met(errors.NoLogin(str(error))) from error
            self._use(login.credential)
            self._login.usable_until = now + login.seconds * _USABLE_SHARE

        await self._login.fetching.do(fetched)

    async def _another_than(self, refused: Credential | None) -> bool:
        """Fetch a login in place of one that isn't taken; tell whether it is another one."""
        if self._credential is refused:
            self._login.usable_until = 0.0
            await self._be_handed_out()
        return self._credential != refused

    def _use(self, credential: Credential) -> None:
        """Sign in with this from here on; what another one was given is of no use to it."""
        if credential == self._credential:
            return
        self._credential = credential
        self._refresh_token = self._identity
        self._posts = bool(self._identity)

    def _challenge(self, scopes: Scopes) -> Challenge | None:
        return self._challenges.get(_kind(scopes)) or self._challenges.get("")

    def _basic(self) -> str | None:
        if self._credential is None:
            return None
        if self._identity:
            raise self._wrong("the registry wants a password; an identity token is kept for it")
        pair = f"{self._credential.username}:{self._credential.secret}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    async def _token(self, challenge: Challenge, scopes: Scopes) -> str:
        realm = self._checked_realm(challenge.realm)
        kept = self._tokens.setdefault((realm, challenge.service, scopes), _Kept())

        async def fetched() -> str:
            now = self._clock.monotonic()
            if not kept.token or now >= kept.usable_until:
                self._check_not_refused(now)
                answer = await self._fetch(realm, challenge.service, scopes)
                self._accepted = self._credential
                kept.token = answer.access_token or answer.token or ""
                # A life of nothing is said by servers that don't count; the registry will tell.
                said = answer.expires_in
                life = life_of(kept.token) if said is None else said
                life = max(0.0, life) or _DEFAULT_LIFE
                kept.usable_until = now + life * _USABLE_SHARE
            return kept.token

        return await kept.fetching.do(fetched)

    async def _fetch(self, realm: str, service: str, scopes: Scopes) -> _TokenAnswer:
        answer = await self._requested(realm, service, scopes)
        if answer.status == HTTPStatus.BAD_REQUEST and scopes != (known := _known(scopes)):
            answer = await self._requested(realm, service, known)
        if not answer.ok:
            raise await self._token_refused(answer, realm, service, scopes)
        token: _TokenAnswer = answer.json(_TokenAnswer)
        if not (token.token or token.access_token):
            raise errors.UnexpectedAnswer(f"{described(answer)}: no token in the answer")
        if token.refresh_token and self._posts:
            self._refresh_token = token.refresh_token
        return token

    async def _requested(self, realm: str, service: str, scopes: Scopes) -> Answer:
        """Ask in the way that the token server takes: by GET, or by POST where it takes no GET."""
        if not self._posts:
            answer = await self._get(realm, service, scopes)
            if answer.status != HTTPStatus.METHOD_NOT_ALLOWED or not self._credential:
                return answer
            self._posts = True
        answer = await self._post(realm, service, scopes)
        if answer.status in _NOT_ACCEPTED and self._refresh_token and not self._identity:
            self._refresh_token = ""
            answer = await self._post(realm, service, scopes)
        if answer.status in _NO_POST and self._identity:
            raise self._wrong(f"{described(answer)}; it takes no identity tokens")
        return answer

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

    async def _token_refused(
        self, answer: Answer, realm: str, service: str, scopes: Scopes
    ) -> errors.TransshipError:
        """Return the error for what a token server answered instead of a token.

        Some refuse like a wrong password what the account has no right to. One that was taken
        before is therefore shown once more, without asking for any right.
        """
        credential = self._credential
        if answer.status in _NOT_ACCEPTED and credential is None:
            return errors.SignInNeeded(described(answer))
        if answer.status in _NOT_ACCEPTED and credential is self._accepted and scopes:
            known = await self._requested(realm, service, ())
            if known.ok:
                return errors.NoRight(described(answer))
            answer = known
        if answer.status in _NOT_ACCEPTED and credential is not None:
            detail = described(answer)
            self._refused = credential, self._clock.monotonic() + _REFUSED_SECONDS, detail
            return self._wrong(detail)
        error = error_of(answer, self._clock.now(), missing=errors.UnexpectedAnswer)
        if is_transient(answer.status) or isinstance(error, errors.NoRight):
            return error
        return errors.UnexpectedAnswer(error.detail)

    def _check_not_refused(self, now: float) -> None:
        """Raise WrongCredential again for what the token server refused a moment ago.

        Many may be about to ask, and some services lock an account out that errs too often.
        """
        if self._refused is None or self._credential is None:
            return
        credential, until, detail = self._refused
        if credential is self._credential and now < until:
            raise self._wrong(detail)

    def _wrong(self, detail: str) -> errors.WrongCredential:
        return self._met(errors.WrongCredential(detail))

    def _met(self, error: _Wrong) -> _Wrong:
        error.met_at = self._name or None
        return error

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


def _known(scopes: Scopes) -> Scopes:
    """Return scopes without what some services don't know.

    They list with a token that has no scope, and let everyone delete who may push.
    """
    return tuple(scope.removesuffix(",delete") for scope in scopes if scope != CATALOG)


def _kind(scopes: Scopes) -> str:
    return scopes[0].partition(":")[0] if scopes else ""
