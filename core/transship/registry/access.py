"""All that is needed to open a place, in one value that can go through a pipe.

What speaks to registries is imported when one is opened: who hands an access on needs none of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from transship.registry.credential import Credential, Tls
from transship.registry.service import service_named, service_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transship.clock import Clock
    from transship.oci.reference import Reference
    from transship.registry.credential import HandingOut
    from transship.registry.distribution import DistributionRegistry
    from transship.registry.http.exchange_log import Recorder
    from transship.registry.http.rate_limiter import RetryPolicy
    from transship.registry.registry import Registry
    from transship.registry.service import ApiKeys

_SECRET_VARIABLE = re.compile(r"TRANSSHIP_[A-Z0-9_]+_PASSWORD")


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a place, and as whom.

    `host` is `host[:port]`, or `layout:PATH`, which needs nothing else. `service` is the kind of
    service when the operator said it. `repositories` are those that the operator named. With
    `handed_out` a login is fetched from the service, where it hands them out and no credential is
    kept. `api` is how to reach the API of the cloud that the registry is a part of, and as whom.
    `kept` says that the credential can be read again where it is kept.
    """

    host: str
    tls: Tls = field(default_factory=Tls)
    credential: Credential | None = None
    service: str = ""
    repositories: tuple[str, ...] = ()
    handed_out: bool = False
    api: Access | None = None
    kept: bool = False

    def encode(self) -> bytes:
        """Return one line of JSON, secret included, without its newline: for a pipe only."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Access:
        """Return what `encode` was called on. Raises ValueError, which never quotes `data`."""
        return msgspec.json.decode(data, type=cls)


def open_distribution(
    access: Access,
    *,
    patience: RetryPolicy | None = None,
    clock: Clock | None = None,
    recorder: Recorder | None = None,
    again: HandingOut | None = None,
) -> DistributionRegistry:
    """Open a registry. The caller closes it. What is sent and answered is told to `recorder`.

    `again` reads the credential anew when it isn't taken any more. Without `patience` a person
    waits.
    """
    from transship.registry.distribution import DistributionRegistry
    from transship.registry.http.rate_limiter import INTERACTIVE

    return DistributionRegistry(
        access.host,
        credential=access.credential,
        tls=access.tls,
        service=service_named(access.service),
        patience=patience or INTERACTIVE,
        clock=clock,
        recorder=recorder,
        named=access.repositories,
        handed_out=access.handed_out and access.credential is None,
        keys=_keys(access),
        again=again,
    )


def _keys(access: Access) -> ApiKeys | None:
    """Return the account of the cloud's API, which an account of that itself is too."""
    service = service_named(access.service) or service_of(access.host)
    api = access.api if service.holds_images else access
    if api is None or api.credential is None:
        return None
    from transship.registry.service import ApiKeys

    return ApiKeys(api.host, api.credential, api.tls)


def open_registry(
    reference: Reference,
    access: Access | None = None,
    *,
    create: bool = False,
    patience: RetryPolicy | None = None,
    clock: Clock | None = None,
    recorder: Recorder | None = None,
    again: HandingOut | None = None,
) -> Registry:
    """Open the place that `reference` is in. The caller closes it.

    Without `access` a registry is used anonymously. `create` makes the folder of an OCI layout
    that doesn't exist; `again` is as `open_registry` takes it. Raises NotALayout, and ValueError
    when `access` is for another place: a credential goes to its own registry only.
    """
    if reference.layout is not None:
        from transship.registry.layout import LayoutRegistry

        return LayoutRegistry(Path(reference.layout), create=create)
    access = access or Access(reference.registry)
    if access.host != reference.registry:
        raise ValueError(f"access to {access.host} is not for {reference.registry}")
    return open_distribution(access, patience=patience, clock=clock, recorder=recorder, again=again)


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that a child process may have: a pipe is where secrets go."""
    return {name: value for name, value in environ.items() if not _SECRET_VARIABLE.fullmatch(name)}
