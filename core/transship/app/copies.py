"""A copy that is asked for in a few words: from here to there, now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from transship.errors import BadRequest
from transship.oci.platform import parse_platform
from transship.plans.plan import OnConflict, Plan, wanted

if TYPE_CHECKING:
    from transship.app.connections import Connections
    from transship.app.jobs import Jobs
    from transship.oci.reference import Reference
    from transship.registry.registry import Visibility


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """Copy a tag, a digest, or without a version every tag of a repository.

    `source` and `target` are `HOST/REPOSITORY[:TAG or @DIGEST]`, where an alias may stand for the
    host, or `layout:PATH[//REPOSITORY[:TAG]]`; without a version the target takes the source's.
    `platforms` (`OS/ARCH[/VARIANT]`) takes these only. What the target needs is created with the
    visibility `create_missing`, and isn't with None. With `try_refused` what the target's service
    isn't known to take is tried too.
    """

    source: str
    target: str
    platforms: tuple[str, ...] = ()
    referrers: bool = True
    on_conflict: OnConflict = OnConflict.OVERWRITE
    create_missing: Visibility | None = None
    try_refused: bool = False


class Copies:
    """Copies that are asked for one by one."""

    def __init__(self, connections: Connections, jobs: Jobs) -> None:
        self._connections = connections
        self._jobs = jobs

    def plan(self, request: CopyRequest) -> Plan:
        """Return the plan of one copy: what `Plans` previews and verifies.

        Raises BadReference, BadPlatform and BadRequest.
        """
        place = self._connections.place
        copy = wanted(place(request.source), place(request.target))
        self._connections.check_adhoc((copy.source, copy.target))
        _check_target(request, copy.target)
        return Plan(
            copies=(copy,),
            on_conflict=request.on_conflict,
            create_missing=request.create_missing,
            try_refused=request.try_refused,
            referrers=request.referrers,
            platforms=tuple(map(parse_platform, request.platforms)),
        )

    async def start(self, request: CopyRequest) -> str:
        """Start a job that copies, in a process of its own; return its id.

        Raises what `plan` raises, and what keeps a registry from being reached.
        """
        return await self._jobs.start(self.plan(request))


def _check_target(request: CopyRequest, target: Reference) -> None:
    """Raise BadRequest for what says nothing to this target."""
    if target.layout is not None and (request.create_missing or request.try_refused):
        raise BadRequest(
            "a folder refuses nothing, and nothing is created for it",
            remedy="Leave --create-missing and --try-refused out.",
        )
    if target.digest and not target.tag and request.on_conflict is not OnConflict.OVERWRITE:
        raise BadRequest(
            "a digest is never in conflict with another", remedy="Leave --on-conflict out."
        )
