"""The scopes that a token is asked for (Distribution's token scope specification).

They are computed here and never taken from a challenge: some services offer scopes there that they
refuse afterwards, and a scope to push, asked for where only reading was meant, creates repositories
on some.
"""

from __future__ import annotations

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
