"""Tokens: who may do what, for how long (distribution, "Token Authentication Specification").

A token is opaque to clients: a signed note of what it allows. The key lives as long as the
registry, so no token outlives it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from transship.clock import Clock
from transship.oci.reference import is_repository

_ACTIONS = frozenset({"pull", "push", "delete", "*"})


@dataclass(frozen=True, slots=True)
class Scope:
    """Actions on a resource: `repository:team/web:pull,push`."""

    type: str
    name: str
    actions: frozenset[str]

    def __str__(self) -> str:
        return f"{self.type}:{self.name}:{','.join(sorted(self.actions))}"

    def allows(self, wanted: Scope) -> bool:
        """Tell whether this scope holds all of another."""
        same = (self.type, self.name) == (wanted.type, wanted.name)
        return same and ("*" in self.actions or wanted.actions <= self.actions)


CATALOG = Scope("registry", "catalog", frozenset({"*"}))


def repository_scope(name: str, *actions: str) -> Scope:
    """Return the scope of actions on a repository."""
    return Scope("repository", name, frozenset(actions))


def parse_scopes(text: str) -> list[Scope]:
    """Return the scopes in a space-separated list that this registry knows, each once.

    What can't be granted to anybody is left out, as token servers do.
    """
    scopes: dict[tuple[str, str], Scope] = {}
    for word in text.split():
        kind, _, rest = word.partition(":")
        name, _, actions = rest.rpartition(":")
        scope = Scope(kind, name, frozenset(actions.split(",")) & _ACTIONS)
        if scope == CATALOG or (kind == "repository" and is_repository(name) and scope.actions):
            known = scopes.get((kind, name), scope)
            scopes[kind, name] = Scope(kind, name, known.actions | scope.actions)
    return list(scopes.values())


class Note(msgspec.Struct, frozen=True):
    """What a token says. `scopes` is None in a refresh token; `expires` is in epoch seconds."""

    user: str
    scopes: str | None
    expires: float | None

    def allows(self, wanted: Iterable[Scope]) -> bool:
        """Tell whether the token allows all that is wanted."""
        held = parse_scopes(self.scopes or "")
        return all(any(scope.allows(want) for scope in held) for want in wanted)


class Tokens:
    """Makes and reads the tokens of one registry.

    `users` are passwords by user name; each user may do everything, the unnamed user nothing.
    `lifetime` is in seconds.
    """

    def __init__(self, users: Mapping[str, str], lifetime: float, clock: Clock) -> None:
        self.lifetime = lifetime
        self._users = users
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def is_user(self, username: str, password: str) -> bool:
        """Tell whether this is a user's password."""
        known = self._users.get(username)
        same = hmac.compare_digest(password.encode(), (known or "").encode())
        return same and known is not None

    def access(self, user: str, scopes: Iterable[Scope]) -> str:
        """Return a token that allows as much of `scopes` as the user may do."""
        granted = " ".join(str(scope) for scope in scopes) if user else ""
        return self._sign(Note(user, granted, self._clock.now() + self.lifetime))

    def refresh(self, user: str) -> str:
        """Return a token that stands for the user's password at the token realm."""
        return self._sign(Note(user, None, None))

    def read_access(self, token: str) -> Note | None:
        """Return what an access token says, or None if it isn't one or has expired."""
        note = self._verify(token)
        if note is None or note.expires is None or note.expires <= self._clock.now():
            return None
        return note

    def read_refresh(self, token: str) -> str | None:
        """Return the user for whom a refresh token stands, or None if it isn't one."""
        note = self._verify(token)
        return note.user if note and note.scopes is None else None

    def _sign(self, note: Note) -> str:
        body = urlsafe_b64encode(msgspec.json.encode(note))
        return f"{body.decode()}.{self._seal(body)}"

    def _verify(self, token: str) -> Note | None:
        body, _, seal = token.encode(errors="replace").rpartition(b".")
        if not hmac.compare_digest(seal, self._seal(body).encode()):
            return None
        return msgspec.json.decode(urlsafe_b64decode(body), type=Note)

    def _seal(self, body: bytes) -> str:
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()
