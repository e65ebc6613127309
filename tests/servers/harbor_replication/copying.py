"""Executions: what a policy takes is copied by skopeo, tag by tag, as Harbor says it does.

What is at the target with the same digest is left, and so is what differs unless the policy
overrides: with a warning in the log, and no failure. A repository that can't be renamed fails the
whole execution before anything is copied.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import httpx

from servers import skopeo
from servers.harbor_replication.doublestar import matches
from servers.harbor_replication.refusing import BadRequest, Refused
from servers.harbor_replication.state import Execution, Task
from servers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Resource = tuple[str, list[str]]
"""A repository and its tags."""

_LONGEST_WAIT = 60.0
_KINDS = ", ".join(
    f"application/vnd.{kind}"
    for kind in (
        "oci.image.manifest.v1+json",
        "oci.image.index.v1+json",
        "docker.distribution.manifest.v2+json",
        "docker.distribution.manifest.list.v2+json",
    )
)


class Gate:
    """Holds copies up: after `free` tags the next one waits until it is opened."""

    def __init__(self) -> None:
        self.free: int | None = None
        self.reached = threading.Event()
        self._open = threading.Event()

    def hold_after(self, tags: int) -> None:
        """Let so many tags through."""
        self.free = tags

    def open(self) -> None:
        """Let everything through."""
        self._open.set()

    def pass_through(self, stopping: threading.Event) -> None:
        """Wait while it is closed; who is told to stop waits no longer."""
        if self.free is None or self._open.is_set():
            return
        if self.free > 0:
            self.free -= 1
            return
        self.reached.set()
        end = threading.Event()
        for _ in range(int(_LONGEST_WAIT * 100)):
            if stopping.is_set() or self._open.is_set():
                return
            end.wait(0.01)


class Copier:
    """Runs one execution to its end, in a thread of its own."""

    def __init__(
        self,
        execution: Execution,
        local: Registry,
        gate: Gate,
        now: Callable[[], float],
        number: Callable[[], int],
        pushed: Callable[[str, str], None],
    ) -> None:
        self._execution = execution
        self._policy = execution.policy
        self._settings = execution.policy.settings
        self._gate = gate
        self._now = now
        self._number = number
        self._pushed = pushed
        sides = self._policy.source, self._policy.target
        own = Registry(local.url, local.username, local.password)
        self._source, self._target = (each.registry() if each else own for each in sides)

    def delete(self, gone: Resource) -> None:
        """Delete at the target what is gone at the source."""
        name, tags = gone
        task = Task(self._number(), name, renamed(name, self._settings), tags)
        task.operation, task.began = "deletion", self._now()
        self._execution.tasks = [task]
        for tag in tags:
            digest = _digest(self._target, task.target, tag)
            path = f"/v2/{task.target}/manifests/{digest}"
            deleted = digest is None or self._target.http.delete(path).is_success
            task.say("INFO" if deleted else "ERROR", f"delete {task.target}:{tag}")
            task.status = "Succeed" if deleted else "Failed"
        task.ended = self._execution.ended = self._now()
        self._execution.status = self._outcome()
        self._target.close()

    def run(self, only: Resource | None = None) -> None:
        """Copy what the policy takes, or of that only one resource."""
        execution = self._execution
        try:
            resources = [only] if only else list(self._listed())
            taken = [each for each in map(self._sifted, resources) if each[1]]
            execution.tasks = [
                Task(self._number(), name, renamed(name, self._settings), tags)
                for name, tags in taken
            ]
            if not taken:
                execution.text = "no resources need to be replicated"
            for task in execution.tasks:
                self._do(task)
        except Refused as refused:
            execution.text, execution.status = refused.message, "Failed"
        except httpx.HTTPError as error:
            execution.text, execution.status = f"failed to fetch artifacts: {error}", "Failed"
        else:
            execution.status = self._outcome()
        execution.ended = self._now()
        for registry in (self._source, self._target):
            registry.close()

    def _outcome(self) -> str:
        statuses = {task.status for task in self._execution.tasks}
        if "Stopped" in statuses:
            return "Stopped"
        return "Failed" if "Failed" in statuses else "Succeed"

    def _listed(self) -> Iterator[Resource]:
        catalog = self._source.http.get("/v2/_catalog", params={"n": 1000}).raise_for_status()
        for name in catalog.json()["repositories"]:
            if self._takes(name):
                found = self._source.http.get(f"/v2/{name}/tags/list")
                yield name, sorted(found.json().get("tags") or ()) if found.is_success else []

    def _takes(self, name: str) -> bool:
        return all(matches(each["value"], name) for each in self._filters("name"))

    def _sifted(self, resource: Resource) -> Resource:
        name, tags = resource
        if not self._takes(name):
            return name, []
        for each in self._filters("tag"):
            excludes = each.get("decoration") == "excludes"
            tags = [tag for tag in tags if matches(each["value"], tag) != excludes]
        return name, tags

    def _filters(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self._settings.get("filters") or () if each["type"] == kind]

    def _do(self, task: Task) -> None:
        task.began = self._now()
        task.status = "InProgress"
        failed = False
        for tag in task.tags:
            self._gate.pass_through(self._execution.stopping)
            if self._execution.stopping.is_set():
                task.say("INFO", "the job is stopped")
                task.status = "Stopped"
                break
            failed = not self._copied(task, tag) or failed
        else:
            task.status = "Failed" if failed else "Succeed"
        task.ended = self._now()

    def _copied(self, task: Task, tag: str) -> bool:
        here, there = f"{task.source}:{tag}", f"{task.target}:{tag}"
        task.say("INFO", f"copying {here}(source registry) to {there}(destination registry)...")
        wanted, had = (
            _digest(self._source, task.source, tag),
            _digest(self._target, task.target, tag),
        )
        if had is not None and had == wanted:
            task.say(
                "INFO", f"the artifact {there} already exists on the destination registry, skip"
            )
            return True
        if had is not None:
            exists = f"the same name artifact {there} exists on the destination registry"
            if not self._settings.get("override"):
                task.say("WARNING", f'{exists}, but the "override" is set to false, skip')
                return True
            task.say("WARNING", f'{exists} and the "override" is set to true, continue...')
        try:
            skopeo.copy(
                f"docker://{self._source.host}/{here}",
                f"docker://{self._target.host}/{there}",
                self._source,
                self._target,
            )
        except skopeo.SkopeoError as error:
            task.say("ERROR", str(error))
            return False
        task.say("INFO", f"copy {here} to {there}(destination registry) completed")
        if self._policy.target is None:
            self._pushed(task.target, tag)
        return True


def renamed(name: str, settings: dict[str, Any]) -> str:
    """Return what a repository is called at the destination; refuse where Harbor does."""
    namespace = settings.get("dest_namespace") or ""
    count = settings.get("dest_namespace_replace_count")
    parts = name.split("/")
    if not namespace:
        return name
    if count is None or count < 0:
        return f"{namespace}/{parts[-1]}"
    if count > len(parts) - 1:
        raise BadRequest(
            f'the source repository "{name}" contains only {len(parts) - 1} path components '
            f"{parts[:-1]} excepting the last one, but the destination namespace flattening level "
            f"is {count}"
        )
    return "/".join([namespace, *parts[count:]])


def _digest(registry: Registry, repository: str, tag: str) -> str | None:
    answer = registry.http.head(f"/v2/{repository}/manifests/{tag}", headers={"Accept": _KINDS})
    return answer.headers.get("Docker-Content-Digest") if answer.is_success else None
