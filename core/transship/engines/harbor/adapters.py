"""Which of Harbor's adapters speaks to which registry, and as whom. Pure.

Which adapters a Harbor has is asked of it, never assumed: its administrator chooses. The plain one,
for any registry of the distribution spec, stands in where there is no better.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from transship.errors import CantBeDelegated
from transship.registry.access import Access
from transship.registry.service import service_named, service_of

PLAIN = "docker-registry"

_BY_LOGIN = {
    "docker-hub": "docker-hub",
    "harbor": "harbor",
    "acr": "azure-acr",
    "gcr": "google-gcr",
    "swr": "huawei-SWR",
    "gitlab": "gitlab",
    "ghcr": "github-ghcr",
    "artifactory": "jfrog-artifactory",
}
"""The adapters that sign in with the login of the registry, by the kind of its service."""

_BY_KEYS = {"tcr": "tencent-tcr", "alibaba": "ali-acr", "ecr": "aws-ecr"}
"""The adapters that sign in with the keys of the cloud's API."""

_CHUNKED = ("harbor", "azure-acr")
_URLS = {"docker-hub": "https://hub.docker.com"}
_WHITELIST = (
    "Harbor's administrator lists its adapters in REPLICATION_ADAPTER_WHITELIST; have it added, or "
    "let Transship move it."
)


@dataclass(frozen=True, slots=True)
class RemoteRegistry:
    """The registry at the other end, and whose login Harbor is to have for it.

    `host` is `host[:port]` as in references, `service` its kind, `account` the account whose login
    is handed over (empty: that of `host`), `username` the user name that this account has (empty:
    nothing is handed over). `keys` says that it is an account of the cloud's API. `adapter` is the
    type of the endpoint and `url` its address, where the operator says so.
    """

    host: str
    service: str = "registry"
    username: str = ""
    account: str = ""
    keys: bool = False
    insecure: bool = False
    plain_http: bool = False
    adapter: str = ""
    url: str = ""

    @property
    def address(self) -> str:
        """The address of the endpoint."""
        scheme = "http" if self.plain_http else "https"
        known = _URLS.get(self.service, f"{scheme}://{self.host}")
        return (self.url or known).rstrip("/")

    @property
    def gives(self) -> tuple[str, ...]:
        """The host of the account whose login is handed over, if any is."""
        return (self.account or self.host,) if self.username else ()


def remote_registry_of(access: Access) -> RemoteRegistry:
    """Return the registry that `access` leads to, and whose login Harbor would have for it.

    That is its own, or that of the cloud's API where Harbor has an adapter for that and there is
    an account of it. No secret is in what is returned.
    """
    service = (service_named(access.service) or service_of(access.host)).kind
    tls, api = access.tls, access.api
    far = RemoteRegistry(access.host, service, insecure=tls.insecure, plain_http=tls.plain_http)
    if service in _BY_KEYS and api is not None and api.credential is not None:
        return replace(far, username=api.credential.username, account=api.host, keys=True)
    if access.credential is not None:
        return replace(far, username=access.credential.username)
    return far


def choose_adapter(far: RemoteRegistry, offered: Collection[str], *, lists: bool) -> str:
    """Return the type of the endpoint; `offered` are those that this Harbor has.

    `lists` says that Harbor has to find repositories there, which the plain adapter does by the
    registry's catalog. Raises CantBeDelegated.
    """
    if far.adapter:
        return _check_offered(far.adapter, offered, far)
    service = service_named(far.service)
    wanted = _BY_LOGIN.get(far.service)
    # The adapters of clouds know registries by the names that the cloud gives them.
    if far.keys and service is not None and service.runs_at(far.host.partition(":")[0]):
        wanted = _BY_KEYS.get(far.service)
    if wanted in offered:
        return str(wanted)
    if far.keys:
        raise CantBeDelegated(
            f"{far.host}: the keys of the cloud's API are for an adapter that Harbor hasn't, or "
            f"not for this name",
            remedy="Use the login of the registry, and the name that the cloud gave it.",
        )
    if far.service == "ecr":
        raise CantBeDelegated(
            f"{far.host}: Harbor signs in to ECR with access keys of AWS, and a login of the "
            f"registry lives 12 hours"
        )
    if far.service == "ecr-public" and far.username:
        raise CantBeDelegated(
            f"{far.host}: a login here lives 12 hours, and Harbor's adapter for AWS is for "
            f"private registries",
            remedy="Remove the login, which a pull doesn't need, or let Transship move it.",
        )
    if lists and service is not None and not service.lists:
        raise CantBeDelegated(
            f"{far.host} lists its repositories by its cloud's API only, and Harbor isn't given "
            f"the keys of that",
            remedy="Add the keys of the cloud's API, name the repositories without patterns, or "
            "let Transship move it.",
        )
    return _check_offered(PLAIN, offered, far)


def supports_chunks(adapter: str) -> bool:
    """Tell whether blobs can be sent in pieces by an adapter, as far as Harbor's source says."""
    return adapter in _CHUNKED


def _check_offered(adapter: str, offered: Collection[str], far: RemoteRegistry) -> str:
    if adapter not in offered:
        has = ", ".join(sorted(offered)) or "none"
        raise CantBeDelegated(
            f"{far.host}: Harbor has no adapter {adapter} (it has {has})", remedy=_WHITELIST
        )
    return adapter
