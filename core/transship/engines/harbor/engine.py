"""One Harbor as an engine: reads and makes endpoints and policies, and follows their executions."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from transship import errors
from transship.engines.changes import Change, ChangeAction, EngineItem, GetLogin, Settings
from transship.engines.executions import Execution, ExecutionState, ExecutionTask
from transship.engines.harbor import api
from transship.engines.harbor.api import (
    AdapterInfo,
    EndpointInfo,
    HarborApi,
    HarborEndpoint,
    HarborPolicy,
    HarborProject,
    HarborSession,
    SystemInfo,
)
from transship.engines.harbor.policy import (
    ENDPOINT,
    endpoint_settings,
    policy_body,
    policy_settings,
)
from transship.errors import TransshipError
from transship.text import safe

if TYPE_CHECKING:
    from transship.registry.credential import Credential

_POLICIES = "/replication/policies"
_EXECUTIONS = "/replication/executions"
_MISSING = errors.ExecutionNotFound

_STATES: Mapping[str, ExecutionState] = {
    "Pending": ExecutionState.WAITING,
    "InProgress": ExecutionState.RUNNING,
    "Succeed": ExecutionState.SUCCEEDED,
    "Failed": ExecutionState.FAILED,
    "Stopped": ExecutionState.STOPPED,
}
_LEFT_ALONE = re.compile(
    r'the same name artifact (\S+) exists on the destination registry, but the "override" is set '
    r"to false, skip"
)
_MANUAL = "manual"
_NUMBER = re.compile(r"[0-9]{1,18}")


def tags_left_alone(log: str) -> tuple[str, ...]:
    """Return what the log of a task says was left as it is, each once: `repository:tag`.

    A policy that doesn't override leaves a tag that differs alone, warns of it in the log, and says
    that all went well.
    """
    return tuple(dict.fromkeys(safe(found) for found in _LEFT_ALONE.findall(log)))


class HarborExecutions:
    """The executions of one Harbor, by the names of their policies: `Follows` and `Starts`."""

    def __init__(self, api: HarborApi) -> None:
        self._api = api

    async def policy(self, name: str) -> api.HarborPolicy | None:
        """Return the policy of this name."""
        # Harbor finds names that hold this one.
        async for each in self._api.all(_POLICIES, api.HarborPolicy, name=name):
            if each.name == name:
                return each
        return None

    async def executions(self, of: str) -> AsyncIterator[Execution]:
        """Give the executions of a policy, the newest first."""
        number = (await self._policy(of)).id
        found = self._api.all(
            _EXECUTIONS, api.HarborExecution, policy_id=str(number), sort="-start_time"
        )
        async for each in found:
            yield _execution(each)

    async def execution(self, of: str, execution: str) -> Execution:  # noqa: ARG002 - by number
        """Return one by its id. Raises ExecutionNotFound."""
        return _execution(
            await self._api.get(_execution_path(execution), api.HarborExecution, missing=_MISSING)
        )

    async def tasks(self, of: str, execution: str) -> AsyncIterator[ExecutionTask]:  # noqa: ARG002
        """Give the tasks of one: a repository each."""
        path = f"{_execution_path(execution)}/tasks"
        async for each in self._api.all(path, api.HarborTask, missing=_MISSING):
            yield _task(each)

    async def log(self, of: str, execution: str, task: str) -> str:  # noqa: ARG002
        """Return the log of a task; empty when there is none."""
        path = f"{_execution_path(execution)}/tasks/{_checked_number(task)}/log"
        try:
            text = await self._api.text(path, missing=_MISSING)
        except errors.ExecutionNotFound:
            return ""
        return "\n".join(safe(line) for line in text.splitlines())

    async def left_alone(self, of: str, execution: str) -> tuple[str, ...]:
        """Return what the logs of one execution say was left as it is, though all went well."""
        found: dict[str, None] = {}
        async for task in self.tasks(of, execution):
            if task.has_log:
                log = await self.log(of, execution, task.id)
                found |= dict.fromkeys(tags_left_alone(log))
        return tuple(found)

    async def start(self, of: str) -> Execution:
        """Start an execution of a policy, and return it. Raises EngineRefused when it is disabled.

        It is asked for once: where the answer is lost, `executions` tells whether it began.
        """
        number = (await self._policy(of)).id
        begun = await self._api.post(_EXECUTIONS, {"policy_id": number})
        if begun:
            return await self.execution(of, begun)
        # Something on the way has taken away where it is: it is the newest that was begun by hand.
        async for each in self.executions(of):
            if each.trigger == _MANUAL:
                return each
        raise errors.UnexpectedAnswer(
            f"{of}: Harbor has begun an execution, and doesn't list it",
            remedy="Follow it: it isn't begun again by that.",
        )

    async def stop(self, of: str, execution: str) -> None:  # noqa: ARG002
        """Ask for an execution to be stopped. What is being copied is broken off soon after."""
        await self._api.put(_execution_path(execution), missing=_MISSING)

    async def _policy(self, name: str) -> api.HarborPolicy:
        policy = await self.policy(name)
        if policy is None:
            raise errors.EngineRefused(
                f"there is no replication policy {name}", remedy="Make it first."
            )
        return policy


def _execution_path(execution: str) -> str:
    return f"{_EXECUTIONS}/{_checked_number(execution)}"


def _checked_number(text: str) -> str:
    """Return an id as it may stand in an address."""
    if not _NUMBER.fullmatch(text):
        raise errors.ExecutionNotFound(repr(text))
    return text


def _execution(found: api.HarborExecution) -> Execution:
    return Execution(
        id=str(found.id),
        state=_STATES.get(found.status, ExecutionState.UNKNOWN),
        said=safe(found.status),
        trigger=safe(found.trigger),
        total=found.total,
        succeeded=found.succeed,
        failed=found.failed,
        running=found.in_progress,
        stopped=found.stopped,
        started=_time_of(found.start_time),
        ended=_time_of(found.end_time),
        message=safe(found.status_text),
    )


def _task(found: api.HarborTask) -> ExecutionTask:
    state = _STATES.get(found.status, ExecutionState.UNKNOWN)
    return ExecutionTask(
        id=str(found.id),
        state=state,
        said=safe(found.status),
        operation=safe(found.operation),
        source=safe(found.src_resource),
        target=safe(found.dst_resource),
        started=_time_of(found.start_time),
        ended=_time_of(found.end_time),
        has_log=state is not ExecutionState.WAITING,
    )


def _time_of(text: str) -> datetime | None:
    """Return a time; Go's zero time, and what is no time, is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year > 1 and found.tzinfo is not None else None


_REGISTRIES = "/registries"


class HarborEngine(HarborExecutions):
    """The engine at `host`, asked through `asks` as an account of it: `Registry.asks` returns it.

    Endpoints and policies go by their names, executions by the name of their policy.
    """

    def __init__(self, host: str, asks: HarborSession) -> None:
        self.host = host
        self.api = HarborApi(asks)
        super().__init__(self.api)

    @property
    def name(self) -> str:
        """Which engine and where."""
        return f"Harbor at {self.host}"

    async def read(self, kind: str, name: str) -> EngineItem | None:
        """Return the endpoint or the policy of this name; None when there is none."""
        if kind == ENDPOINT:
            endpoint = await self.endpoint(name)
            return None if endpoint is None else endpoint_item(endpoint)
        policy = await self.policy(name)
        return None if policy is None else EngineItem(policy_settings(policy), str(policy.id))

    async def make(self, change: Change, gives: GetLogin) -> None:
        """Make one change. A login goes to Harbor with an endpoint, and nowhere else."""
        if change.kind == ENDPOINT:
            await self._make_endpoint(change, gives)
        else:
            await self._make_policy(change)

    async def version(self) -> str:
        """Return what Harbor says its version is; empty when it doesn't."""
        info = await self.api.get("/systeminfo", SystemInfo)
        return safe(info.harbor_version)

    async def adapters(self) -> tuple[str, ...]:
        """Return the types of registries that it has adapters for."""
        return tuple(await self.api.get("/replication/adapters", tuple[str, ...]))

    async def adapter_infos(self) -> Mapping[str, AdapterInfo]:
        """Return what its adapters ask for, by their types; nothing where it doesn't tell."""
        try:
            found = await self.api.get(
                "/replication/adapterinfos",
                dict[str, AdapterInfo],
                missing=errors.ExecutionNotFound,
            )
        except errors.ExecutionNotFound:
            return {}
        return found

    async def is_proxy_cache(self, project: str) -> bool:
        """Tell whether a project is a proxy cache; one that isn't there isn't."""
        async for each in self.api.all("/projects", HarborProject, name=project):
            if each.name == project:
                return bool(each.registry_id)
        return False

    async def endpoints(self) -> tuple[HarborEndpoint, ...]:
        """Return all registry endpoints."""
        return tuple([each async for each in self.api.all(_REGISTRIES, HarborEndpoint)])

    async def policies(self) -> tuple[HarborPolicy, ...]:
        """Return all replication policies."""
        return tuple([each async for each in self.api.all(_POLICIES, HarborPolicy)])

    async def info(self, endpoint: HarborEndpoint) -> EndpointInfo:
        """Return what an endpoint can do."""
        return await self.api.get(f"{_REGISTRIES}/{endpoint.id}/info", EndpointInfo)

    async def ping(self, endpoint: HarborEndpoint) -> None:
        """Have Harbor try an endpoint with what it has. Raises EngineRefused in its words."""
        await self.api.post(f"{_REGISTRIES}/ping", {"id": endpoint.id})

    async def _make_endpoint(self, change: Change, gives: GetLogin) -> None:
        if change.does is ChangeAction.DELETE:
            endpoint = await self._there(change.name)
            await self.api.delete(f"{_REGISTRIES}/{endpoint.id}")
            return
        settings = change.after or {}
        login = await self._login(change, settings, gives)
        try:
            await self._send_endpoint(change, settings, login)
            return
        except TransshipError as error:
            if login is None or login.secret not in error.detail:
                raise
            words = error.detail.replace(login.secret, "…")
            failure = errors.EngineRefused(words, remedy=error.remedy)
        # Outside, so that the error that repeats the secret isn't chained to this one.
        raise failure

    async def _send_endpoint(
        self, change: Change, settings: Settings, login: Credential | None
    ) -> None:
        if change.does is ChangeAction.CREATE:
            body = _endpoint_body(settings, login)
            # Harbor tries it at once when it is made, too, but says less of why it can't.
            await self.api.post(f"{_REGISTRIES}/ping", _ping_body(settings, login))
            await self.api.post(_REGISTRIES, {"name": change.name, **body})
            return
        endpoint = await self._there(change.name)
        # Of what type an endpoint is can't be changed.
        body = {key: each for key, each in settings.items() if key not in ("type", "access_key")}
        if login is not None:
            body |= _flat_credential(login)
        await self.api.put(f"{_REGISTRIES}/{endpoint.id}", {"name": change.name, **body})

    async def _login(
        self, change: Change, settings: Settings, gives: GetLogin
    ) -> Credential | None:
        """Return the login that was agreed to be handed over."""
        wanted = settings.get("access_key", "")
        if not change.gives:
            if change.does is ChangeAction.CREATE and wanted:
                raise errors.CantBeDelegated(
                    f"{change.name}: its login as {wanted} isn't kept with what was done",
                    remedy="Make the endpoint anew, with the account whose login it is to have.",
                )
            return None
        login = await gives(change.gives[0])
        if login.identity:
            raise errors.CantBeDelegated(
                f"{change.gives[0]}: its login is a token for its own token server only",
                remedy="Sign in with a user name and a password or token, then try again.",
            )
        if login.username != wanted:
            raise errors.ChangedMeanwhile(
                f"the account {change.gives[0]} signs in as {login.username}, not as {wanted}"
            )
        return login

    async def _make_policy(self, change: Change) -> None:
        policy = await self.policy(change.name)
        if change.does is ChangeAction.DELETE:
            if policy is not None:
                await self.api.delete(f"{_POLICIES}/{policy.id}")
            return
        before = policy_settings(policy) if policy is not None else {}
        settings = {**before, **(change.after or {})}
        numbers = {each.name: each.id for each in await self.endpoints()}
        sides = (settings["src_registry"], settings["dest_registry"])
        for side in filter(None, sides):
            if side not in numbers:
                raise errors.EngineRefused(f"{self.name} has no registry endpoint {side}")
        body = policy_body(change.name, settings, numbers)
        if policy is None:
            await self.api.post(_POLICIES, body)
        else:
            await self.api.put(f"{_POLICIES}/{policy.id}", body)

    async def endpoint(self, name: str) -> HarborEndpoint | None:
        """Return the endpoint of this name."""
        # Harbor finds names that hold this one.
        async for each in self.api.all(_REGISTRIES, HarborEndpoint, name=name):
            if each.name == name:
                return each
        return None

    async def _there(self, name: str) -> HarborEndpoint:
        endpoint = await self.endpoint(name)
        if endpoint is None:
            raise errors.ChangedMeanwhile(f"{ENDPOINT} {name} is gone")
        return endpoint


def endpoint_item(endpoint: HarborEndpoint) -> EngineItem:
    """Return an endpoint as it is read."""
    return EngineItem(endpoint_settings(endpoint), str(endpoint.id), safe(endpoint.status))


def _endpoint_body(settings: Settings, login: Credential | None) -> dict[str, Any]:
    body = {key: value for key, value in settings.items() if key != "access_key"}
    if login is not None:
        body["credential"] = {
            "type": "basic",
            "access_key": login.username,
            "access_secret": login.secret,
        }
    return body


def _ping_body(settings: Settings, login: Credential | None) -> dict[str, Any]:
    body = {key: settings[key] for key in ("type", "url", "insecure")}
    return body | (_flat_credential(login) if login is not None else {})


def _flat_credential(login: Credential) -> dict[str, str]:
    return {
        "credential_type": "basic",
        "access_key": login.username,
        "access_secret": login.secret,
    }
