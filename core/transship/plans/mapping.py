"""Where chosen images go: from what stands at the source to what is written at the target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from transship.errors import BadReference
from transship.oci.reference import Reference, is_repository
from transship.plans.plan import Wanted, wanted


def repositories_of(sources: Iterable[Reference]) -> tuple[str, ...]:
    """Return the repositories that `sources` are in, each once, in order."""
    return tuple(dict.fromkeys(source.repository for source in sources))


def proposed_path(sources: Sequence[Reference]) -> str:
    """Return the path at the target that keeps every name as it is."""
    repositories = repositories_of(sources)
    return repositories[0] if len(repositories) == 1 else ""


def mapped(sources: Sequence[Reference], registry: str, path: str) -> tuple[Wanted, ...]:
    """Return a copy to `registry` for each of `sources`, in order.

    For one repository `path` is its name at the target. For several it is put in front of their
    names, and may be empty. A repository that is meant as a whole covers its tags. Raises
    BadReference when that gives no repository name, and BadRequest when a copy would go onto
    itself.
    """
    path = path.strip().strip("/")
    repositories = repositories_of(sources)
    names = {
        name: path if len(repositories) == 1 else f"{path}/{name}".strip("/")
        for name in repositories
    }
    for name in names.values():
        if not is_repository(name):
            hint = "; they are in lower case" if name != name.lower() else ""
            raise BadReference(f"{name!r} is not a repository name{hint}")
    whole = {source.repository for source in sources if not source.version}
    chosen = (s for s in dict.fromkeys(sources) if not s.version or s.repository not in whole)
    return tuple(
        wanted(source, replace(source, registry=registry, repository=names[source.repository]))
        for source in chosen
    )
