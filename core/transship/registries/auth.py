"""Signing in: Basic, and Bearer tokens from a token server."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from transship import errors
from transship.clock import Clock
from transship.registries.addresses import resolve
from transship.registries.answers import Answer, described
from transship.registries.challenge import Challenge, parse_challenges
from transship.registries.credential import Credential
from transship.registries.current_login import USABLE_SHARE, CurrentLogin, HandingOut
from transship.registries.scopes import Scopes, type_of
from transship.registries.sharing import Shared
from transship.registries.token_server import Asking, TokenServer
from transship.registries.web_token import life_of

_DEFAULT_LIFE = 60.0  # The token specification's own, for servers that don't say.


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
