"""One Harbor as an engine: reads and makes its endpoints and policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from transship import errors
from transship.delegates.changes import Change, Does, Settings
from transship.delegates.engine import Found, Gives
from transship.delegates.harbor.api import Asks, HarborApi
from transship.delegates.harbor.following import Followed
from transship.delegates.harbor.settings import (
    ENDPOINT,
    endpoint_settings,
    policy_body,
    policy_settings,
)
from transship.delegates.harbor.shapes import (
    Adapter,
    Endpoint,
    Info,
    Policy,
    Project,
    SystemInfo,
)
from transship.errors import TransshipError
from transship.text import safe

if TYPE_CHECKING:
    from transship.registry.credential import Credential

_REGISTRIES = "/registries"
_POLICIES = "/replication/policies"


class Harbor(Followed):
    """The engine at `host`, asked through `asks` as an account of it: `Registry.asks` returns it.

    Endpoints and policies go by their names, executions by the name of their policy.
    """

    def __init__(self, host: str, asks: Asks) -> None:
        self.host = host
        self.api = HarborApi(asks)
        super().__init__(self.api)

    @property
    def name(self) -> str:
        """Which engine and where."""
        return f"Harbor at {self.host}"

    async def read(self, kind: str, name: str) -> Found | None:
        """Return the endpoint or the policy of this name; None when there is none."""
        if kind == ENDPOINT:
            endpoint = await self.endpoint(name)
            return None if endpoint is None else found_endpoint(endpoint)
        policy = await self.policy(name)
        return None if policy is None else Found(policy_settings(policy), str(policy.id))

    async def make(self, change: Change, gives: Gives) -> None:
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

    async def adapter_infos(self) -> Mapping[str, Adapter]:
        """Return what its adapters ask for, by their types; nothing where it doesn't tell."""
        try:
            found = await self.api.get(
                "/replication/adapterinfos", dict[str, Adapter], missing=errors.ExecutionNotFound
            )
        except errors.ExecutionNotFound:
            return {}
        return found

    async def is_proxy_cache(self, project: str) -> bool:
        """Tell whether a project is a proxy cache; one that isn't there isn't."""
        async for each in self.api.all("/projects", Project, name=project):
            if each.name == project:
                return bool(each.registry_id)
        return False

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """Return all registry endpoints."""
        return tuple([each async for each in self.api.all(_REGISTRIES, Endpoint)])

    async def policies(self) -> tuple[Policy, ...]:
        """Return all replication policies."""
        return tuple([each async for each in self.api.all(_POLICIES, Policy)])

    async def info(self, endpoint: Endpoint) -> Info:
        """Return what an endpoint can do."""
        return await self.api.get(f"{_REGISTRIES}/{endpoint.id}/info", Info)

    async def ping(self, endpoint: Endpoint) -> None:
        """Have Harbor try an endpoint with what it has. Raises EngineRefused in its words."""
        await self.api.post(f"{_REGISTRIES}/ping", {"id": endpoint.id})

    async def _make_endpoint(self, change: Change, gives: Gives) -> None:
        if change.does is Does.DELETE:
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
        if change.does is Does.CREATE:
            body = _endpoint_body(settings, login)
            # Harbor tries it at once when it is made, too, but says less of why it can't.
            await self.api.post(f"{_REGISTRIES}/ping", _ping_body(settings, login))
            await self.api.post(_REGISTRIES, {"name": change.name, **body})
            return
        endpoint = await self._there(change.name)
        # Of what type an endpoint is can't be changed.
        body = {key: each for key, each in settings.items() if key not in ("type", "access_key")}
        if login is not None:
            body |= _flat(login)
        await self.api.put(f"{_REGISTRIES}/{endpoint.id}", {"name": change.name, **body})

    async def _login(self, change: Change, settings: Settings, gives: Gives) -> Credential | None:
        """Return the login that was agreed to be handed over."""
        wanted = settings.get("access_key", "")
        if not change.gives:
            if change.does is Does.CREATE and wanted:
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
        if change.does is Does.DELETE:
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

    async def endpoint(self, name: str) -> Endpoint | None:
        """Return the endpoint of this name."""
        # Harbor finds names that hold this one.
        async for each in self.api.all(_REGISTRIES, Endpoint, name=name):
            if each.name == name:
                return each
        return None

    async def _there(self, name: str) -> Endpoint:
        endpoint = await self.endpoint(name)
        if endpoint is None:
            raise errors.ChangedMeanwhile(f"{ENDPOINT} {name} is gone")
        return endpoint


def found_endpoint(endpoint: Endpoint) -> Found:
    """Return an endpoint as it is read."""
    return Found(endpoint_settings(endpoint), str(endpoint.id), safe(endpoint.status))


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
    return body | (_flat(login) if login is not None else {})


def _flat(login: Credential) -> dict[str, str]:
    return {
        "credential_type": "basic",
        "access_key": login.username,
        "access_secret": login.secret,
    }
