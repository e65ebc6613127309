"""Draws up what would be made at one Harbor: its endpoints and policies, as they are and would be.

Nothing is changed by it. What is in the way is a refusal of the set, not an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from transship import errors
from transship.delegates.changes import Change, ChangeSet, Does, change_to
from transship.delegates.doublestar import is_wild, matcher
from transship.delegates.filters import Selecting
from transship.delegates.harbor.adapters import Far, adapter_for, takes_chunks
from transship.delegates.harbor.engine import Harbor, found_endpoint
from transship.delegates.harbor.settings import (
    ENDPOINT,
    LONGEST_NAME,
    MADE_BY,
    POLICY,
    endpoint_settings,
    in_order,
    is_ours,
    policy_settings,
)
from transship.delegates.harbor.shapes import Adapter, Endpoint, Policy
from transship.delegates.harbor.terms import Terms, faults_of, said_of, settings_of
from transship.errors import TransshipError
from transship.registry.service import service_named
from transship.text import safe

_LONGEST_POLICY = 256
_MOST_EXAMPLES = 5
_PING_FAILS = (errors.EngineRefused, errors.ServerFailed)


@dataclass(frozen=True, slots=True)
class Half:
    """Policies to or from one other registry, one for each of `parts`.

    `examples` are repositories that are at the source, to show what they would be called.
    """

    name: str
    far: Far
    parts: tuple[Selecting, ...]
    terms: Terms
    pulls: bool
    examples: tuple[str, ...] = ()


@dataclass(slots=True)
class Drawing:
    """A set of changes that is being drawn up."""

    harbor: Harbor
    purpose: str
    adapters: tuple[str, ...]
    infos: Mapping[str, Adapter]
    endpoints: tuple[Endpoint, ...]
    policies: tuple[Policy, ...]
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusals: list[TransshipError] = field(default_factory=list)

    @classmethod
    async def begun(cls, harbor: Harbor, purpose: str) -> Drawing:
        """Ask what there is. Raises NoRight for who is no administrator, and the like."""
        return cls(
            harbor,
            purpose,
            await harbor.adapters(),
            await harbor.adapter_infos(),
            await harbor.endpoints(),
            await harbor.policies(),
        )

    async def add(self, half: Half) -> None:
        """Draw up one half."""
        self.refusals += faults_of(half.terms, pulls=half.pulls)
        if not half.name or len(half.name) > _LONGEST_POLICY:
            self.refusals.append(errors.BadRequest(f"{half.name!r} is no name for a policy"))
        endpoint = await self._endpoint(half)
        if half.pulls:
            await self._check_projects(half)
        if self.refusals or endpoint is None:
            return
        self._note(*said_of(half.terms, pulls=half.pulls))
        self._show_names(half)
        for number, part in enumerate(half.parts, 1):
            name = half.name if number == 1 else f"{half.name}-{number}"
            self._policy(name, half, part, endpoint)

    def result(self) -> ChangeSet:
        """Return what has been drawn up."""
        changes = () if self.refusals else tuple(self.changes)
        return ChangeSet(
            self.harbor.name, self.purpose, changes, tuple(self.notes), tuple(self.refusals)
        )

    async def _endpoint(self, half: Half) -> str | None:
        """Return the name of the endpoint that is used or would be made."""
        far = half.far
        lists = half.pulls and any(map(is_wild, (part.name for part in half.parts)))
        try:
            adapter = adapter_for(far, self.adapters, lists=lists)
        except errors.CantBeDelegated as error:
            self.refusals.append(error)
            return None
        far = self._as_asked(far, adapter)
        there = self._same(far)
        if half.terms.copy_by_chunk:
            await self._check_chunks(far, adapter, there)
        if there is not None:
            return await self._reused(there)
        made = next((each for each in self.changes if _is_for(each, far)), None)
        if made is not None:
            return made.name
        settings = {
            "type": adapter,
            "url": far.address,
            "insecure": far.insecure,
            "description": f"{MADE_BY}: {far.host}",
            "access_key": far.username,
        }
        name = self._free_name(far.host)
        warns = tuple(_warned(self.harbor.host, far))
        change = change_to(ENDPOINT, name, None, settings, gives=far.gives, warns=warns)
        self.changes.append(change)
        if not half.pulls and adapter == "docker-registry":
            self._note(
                f"Harbor makes nothing at {far.host} by its plain adapter: what has to be there "
                f"before a push, namespaces and the like, must be there."
            )
        return name

    def _as_asked(self, far: Far, adapter: str) -> Far:
        """Return the other registry as its adapter wants it; refuse what that doesn't take."""
        info = self.infos.get(adapter, Adapter())
        if far.username and info.user not in ("", far.username):
            self.refusals.append(
                errors.CantBeDelegated(
                    f"{far.host}: Harbor signs in by its adapter {adapter} as {info.user} only, "
                    f"and not as {far.username}"
                )
            )
        return replace(far, url=far.url or info.address)

    def _same(self, far: Far) -> Endpoint | None:
        """Return an endpoint with the same address that is signed in to as the same user."""
        for each in self.endpoints:
            settings = endpoint_settings(each)
            same_user = not far.username or settings["access_key"] == far.username
            if settings["url"].lower() == far.address.lower() and same_user:
                return each
        return None

    async def _reused(self, endpoint: Endpoint) -> str:
        settings = found_endpoint(endpoint).settings
        if all(each.name != endpoint.name for each in self.changes if each.kind == ENDPOINT):
            self.changes.append(change_to(ENDPOINT, endpoint.name, settings, settings))
            self._note(
                f"Harbor has the endpoint {safe(endpoint.name)} for this address already. It is "
                f"used as it is, with the secret that Harbor has for it."
            )
            try:
                await self.harbor.ping(endpoint)
            except _PING_FAILS as error:
                self.refusals.append(
                    errors.EngineRefused(
                        f"its endpoint {endpoint.name} doesn't work: {error.detail}",
                        remedy="Mend the endpoint in Harbor (its secret may have changed), or "
                        "sign in to the registry as another user here.",
                    )
                )
        return endpoint.name

    async def _check_chunks(self, far: Far, adapter: str, there: Endpoint | None) -> None:
        takes = takes_chunks(adapter)
        if there is not None:
            said = (await self.harbor.info(there)).supported_copy_by_chunk
            takes = takes if said is None else said
        if not takes:
            self.refusals.append(
                errors.CantBeDelegated(
                    f"{far.host}: Harbor can't send blobs in pieces by its adapter {adapter}",
                    remedy="Let it send blobs whole.",
                )
            )

    async def _check_projects(self, half: Half) -> None:
        """Refuse projects that are proxy caches: Harbor leaves out what would go there."""
        firsts = dict.fromkeys((part.namespace or part.name).split("/")[0] for part in half.parts)
        for project in firsts:
            if not is_wild(project) and await self.harbor.is_proxy_cache(project):
                self.refusals.append(
                    errors.CantBeDelegated(
                        f"the project {project} is a proxy cache; Harbor copies nothing there, and "
                        f"says that all went well",
                        remedy="Choose another project, by the path of the target.",
                    )
                )

    def _free_name(self, host: str) -> str:
        taken = {each.name for each in self.endpoints} | {each.name for each in self.changes}
        base = host.replace(":", "-")[: LONGEST_NAME - 4]
        names = (base, *(f"{base}-{number}" for number in range(2, 1000)))
        return next(name for name in names if name not in taken)

    def _policy(self, name: str, half: Half, part: Selecting, endpoint: str) -> None:
        settings = {
            "description": f"{MADE_BY}: {self.purpose}",
            "src_registry": endpoint if half.pulls else "",
            "dest_registry": "" if half.pulls else endpoint,
            "dest_namespace": part.namespace,
            "dest_namespace_replace_count": part.replaces if part.namespace else 0,
            "filters": in_order(part.filters),
            **settings_of(half.terms),
        }
        found = next((each for each in self.policies if each.name == name), None)
        before = None if found is None else policy_settings(found)
        change = change_to(POLICY, name, before, settings)
        if change.does is Does.CHANGE and before is not None and not is_ours(before):
            self.refusals.append(errors.NameTaken(f"{POLICY} {name} of {self.harbor.name}"))
            return
        self.changes.append(change)

    def _show_names(self, half: Half) -> None:
        """Note what real names become, and refuse those that Harbor would fail of."""
        shown = 0
        for name in half.examples:
            called = {
                part.renamed(name) for part in half.parts if matcher(part.name).fullmatch(name)
            }
            if None in called:
                self.refusals.append(
                    errors.CantBeDelegated(
                        f"{name} has too few components to take some off, and Harbor then fails "
                        f"as a whole"
                    )
                )
            for each in sorted(filter(None, called)):
                self._check_parts(half, name, each)
                if shown < _MOST_EXAMPLES:
                    self._note(f"{name} becomes {each}.")
                    shown += 1

    def _check_parts(self, half: Half, name: str, called: str) -> None:
        service = service_named("harbor" if half.pulls else half.far.service)
        low, high = service.capabilities.parts if service is not None else (1, 0)
        count = called.count("/") + 1
        if count < low or (high and count > high):
            where = self.harbor.host if half.pulls else half.far.host
            self.refusals.append(
                errors.CantBeDelegated(
                    f"{name} would become {called}, and names at {where} don't have {count} "
                    f"components; Harbor then fails as a whole"
                )
            )

    def _note(self, *notes: str) -> None:
        self.notes += [note for note in notes if note not in self.notes]


def _warned(host: str, far: Far) -> Iterable[str]:
    """Give what to know of an endpoint before it is agreed to."""
    for account in far.gives:
        yield (
            f"Harbor at {host} is handed the login of {account} ({far.username}) for "
            f"{far.address}, and keeps it."
        )
    if far.address.startswith("http:"):
        yield f"Harbor speaks plain http to {far.address}: who is on the way can read the login."
    elif far.insecure:
        yield f"Harbor doesn't look whether {far.address} is who it says."


def _is_for(change: Change, far: Far) -> bool:
    after = change.after or {}
    return (
        change.kind == ENDPOINT
        and after.get("url") == far.address
        and after.get("access_key") == far.username
    )


def refused(errors_of: Iterable[TransshipError], harbor: Harbor, purpose: str) -> ChangeSet:
    """Return a set of which nothing can be made, and why."""
    return ChangeSet(harbor.name, purpose, refusals=tuple(errors_of))


def deletions(policies: Sequence[Policy], names: Sequence[str]) -> list[Change]:
    """Return the changes that take policies away, those that are there."""
    found = {each.name: policy_settings(each) for each in policies}
    warns = ("What it has done so far, its executions and their logs, is forgotten with it.",)
    return [
        change_to(POLICY, name, found[name], None, warns=warns) for name in names if name in found
    ]
