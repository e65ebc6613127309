"""What Harbor's API answers with (its public description, v2.0), as far as it is read here."""

from __future__ import annotations

from typing import Any

import msgspec


class Credential(msgspec.Struct):
    """What an endpoint is signed in to with. The secret comes back as stars, if at all."""

    type: str = ""
    access_key: str = ""
    access_secret: str = ""


class Endpoint(msgspec.Struct):
    """A registry endpoint. This Harbor itself is the one with the number 0."""

    id: int = 0
    name: str = ""
    url: str = ""
    type: str = ""
    insecure: bool = False
    description: str = ""
    status: str = ""
    credential: Credential | None = None


class Address(msgspec.Struct):
    """One address that an adapter knows."""

    key: str = ""
    value: str = ""


class EndpointPattern(msgspec.Struct):
    """Which addresses an adapter has: one of its own, some to choose from, or any."""

    endpoint_type: str = ""
    endpoints: list[Address] | None = None


class CredentialPattern(msgspec.Struct):
    """What an adapter wants to sign in with."""

    access_key_type: str = ""
    access_key_data: str = ""


class Adapter(msgspec.Struct):
    """What an adapter asks for."""

    endpoint_pattern: EndpointPattern | None = None
    credential_pattern: CredentialPattern | None = None

    @property
    def address(self) -> str:
        """The only address that it speaks to, empty when it takes any."""
        pattern = self.endpoint_pattern
        if pattern is None or pattern.endpoint_type != "EndpointPatternTypeFix":
            return ""
        return next((each.value.rstrip("/") for each in pattern.endpoints or ()), "")

    @property
    def user(self) -> str:
        """The only user name that it signs in as, empty when it takes any."""
        pattern = self.credential_pattern
        fixed = pattern is not None and pattern.access_key_type == "AccessKeyTypeFix"
        return pattern.access_key_data if pattern is not None and fixed else ""


class Project(msgspec.Struct):
    """A project; with a `registry_id` it is a proxy cache of that endpoint."""

    name: str
    registry_id: int | None = None


class Info(msgspec.Struct):
    """What an endpoint can do."""

    type: str = ""
    supported_triggers: list[str] | None = None
    supported_copy_by_chunk: bool | None = None


class TriggerSettings(msgspec.Struct):
    """When a scheduled policy runs."""

    cron: str = ""


class Trigger(msgspec.Struct):
    """What begins an execution."""

    type: str = "manual"
    trigger_settings: TriggerSettings | None = None


class Filter(msgspec.Struct):
    """One filter. Of labels the value is a list."""

    type: str = ""
    value: Any = None
    decoration: str = ""


class Policy(msgspec.Struct):
    """A replication policy. One of its registries is this Harbor."""

    id: int
    name: str
    description: str = ""
    src_registry: Endpoint | None = None
    dest_registry: Endpoint | None = None
    dest_namespace: str = ""
    dest_namespace_replace_count: int | None = None
    trigger: Trigger | None = None
    filters: list[Filter] | None = None
    deletion: bool | None = None
    replicate_deletion: bool | None = None
    override: bool = False
    enabled: bool = False
    speed: int | None = None
    copy_by_chunk: bool | None = None
    single_active_replication: bool | None = None


class Execution(msgspec.Struct):
    """One run of a policy. Times are RFC 3339; the year 1 stands for none."""

    id: int
    policy_id: int = 0
    status: str = ""
    status_text: str = ""
    trigger: str = ""
    total: int = 0
    failed: int = 0
    succeed: int = 0
    in_progress: int = 0
    stopped: int = 0
    start_time: str = ""
    end_time: str = ""


class Task(msgspec.Struct):
    """A part of an execution: one repository."""

    id: int
    status: str = ""
    job_id: str = ""
    operation: str = ""
    src_resource: str = ""
    dst_resource: str = ""
    start_time: str = ""
    end_time: str = ""


class SystemInfo(msgspec.Struct):
    """What Harbor says of itself; the version only to who is signed in."""

    harbor_version: str = ""
