"""Tencent Container Registry: the Enterprise Edition (TCR) and the personal one (CCR).

Their registries list and make nothing themselves: that is done by the API of the cloud, with the
SecretId and SecretKey of an account of its own (`tencent-api`).
"""

from __future__ import annotations

import msgspec

from transship import errors
from transship.registries.credential import Credential
from transship.registries.place import Capabilities
from transship.registries.services.api import Ask
from transship.registries.services.facts import Facts, of_keys, partly, yes
from transship.registries.services.service import Role, Service
from transship.registries.services.tencent.cloud import TencentCloud
from transship.registries.services.tencent.enterprise import EnterpriseApi
from transship.registries.services.tencent.personal import PersonalApi

_APIS = ("tcr.tencentcloudapi.com", "tcr.intl.tencentcloudapi.com")
_API = r"tcr(\.[a-z0-9-]+){0,2}\.tencentcloudapi\.com"
_BY_KEYS = partly(
    "by the cloud's API, with its keys",
    "Without them, name the repositories yourself, in the account or in the rules.",
)


class _Regions(msgspec.Struct, rename="pascal"):
    total_count: int = 0


class _KeysApi:
    """Tries the keys."""

    def __init__(self, host: str, ask: Ask) -> None:  # noqa: ARG002 - the keys have it
        self._ask = ask

    async def check(self) -> None:
        """Prove that the API takes the keys, also where they have no right to what is asked."""
        cloud = TencentCloud(self._ask.cloud, self._ask.keys().host)
        try:
            await cloud.call("DescribeRegions", _Regions)
        except errors.NoRight:
            return


def _fault(keys: Credential) -> str:
    if not keys.username.startswith(("AKID", "IKID")):
        return "a SecretId begins with AKID or IKID"
    return ""


TCR = Service(
    kind="tcr",
    title="Tencent TCR",
    hosts=(r"[a-z0-9-]+\.tencentcloudcr\.com",),
    username="account UIN, or name of the service account (tcr$name)",
    secret="access token or service account's password",
    lists=False,
    capabilities=Capabilities(parts=(2, 0)),
    api=EnterpriseApi,
    keys_at=_APIS,
    # A login is handed out only where the API says that the host is a domain of an instance.
    hands_out=(r".+",),
    facts=Facts(
        list=_BY_KEYS,
        create=yes("namespace, by the cloud's API with its keys"),
        limits=(
            "50, 100 or 500 namespaces and 1,000, 3,000 or 5,000 repositories in the basic, "
            "standard or premium edition"
        ),
        credential=(
            "a service account lives as set, a temporary token 1 hour; with the keys of the "
            "cloud's API a new one is fetched where the account keeps none"
        ),
    ),
)

CCR = Service(
    kind="ccr",
    title="Tencent CCR (personal)",
    hosts=(r"([a-z]+)?ccr\.ccs\.tencentyun\.com",),
    username="account UIN",
    secret="the registry's own password",
    lists=False,
    capabilities=Capabilities(parts=(2, 2)),
    api=PersonalApi,
    keys_at=_APIS,
    facts=Facts(
        list=_BY_KEYS,
        create=yes("repository and namespace, by the cloud's API with its keys"),
        limits="about 10 namespaces in a region, and 100 tags in a repository",
        credential="the registry's own password lives until it is changed",
    ),
)

TENCENT_API = Service(
    kind="tencent-api",
    title="Tencent Cloud's API",
    hosts=(_API,),
    username="SecretId",
    secret="SecretKey",
    role=Role.API,
    lists=False,
    api=_KeysApi,
    fault=_fault,
    facts=of_keys(
        limits="20 calls of an action per second; 100, 10 or 1 of some",
        credential="a SecretKey lives until it is disabled",
    ),
)
