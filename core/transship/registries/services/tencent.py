"""Tencent Container Registry: the enterprise edition (TCR) and the personal one (CCR)."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.facts import NO_LIST, Facts, no
from transship.registries.services.service import Service

TCR = Service(
    kind="tcr",
    title="Tencent TCR",
    hosts=(r"[a-z0-9-]+\.tencentcloudcr\.com",),
    username="account UIN, or name of the service account (tcr$name)",
    secret="access token or service account's password",
    lists=False,
    capabilities=Capabilities(parts=(2, 0)),
    facts=Facts(
        list=no(NO_LIST, "only by the cloud API"),
        create=no(
            "A push makes the repository, but not its namespace: create that at the service first."
        ),
        limits="50 to 500 namespaces and 1,000 to 5,000 repositories, by edition",
        credential="a temporary token lives 1 hour, a service account as set",
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
    facts=Facts(
        list=no(NO_LIST, "only by the cloud API"),
        create=no(
            "A push makes the repository, but not its namespace: create that at the service first."
        ),
        limits="about 10 namespaces in a region, and 100 tags in a repository",
        credential="the registry's own password lives until it is changed",
    ),
)
