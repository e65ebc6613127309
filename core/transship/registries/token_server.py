"""Asking a token server for tokens.

Distribution's token specification (by GET) and its OAuth2 form (by POST, with refresh tokens).
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from transship import errors
from transship.clock import Clock
from transship.registries.answers import Answer, described, error_of, is_transient
from transship.registries.credential import Confidential, Credential
from transship.registries.current_login import CurrentLogin
from transship.registries.scopes import Scopes, known_to_all

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
