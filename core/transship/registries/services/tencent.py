"""Tencent Container Registry: the enterprise edition (TCR) and the personal one (CCR)."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.service import Service

TCR = Service(
    kind="tcr",
    title="Tencent TCR",
    hosts=(r"[a-z0-9-]+\.tencentcloudcr\.com",),
    username="account UIN, or name of the service account (tcr$name)",
    secret="access token or service account's password",
    lists=False,
    capabilities=Capabilities(parts=(2, 0)),
)

CCR = Service(
    kind="ccr",
    title="Tencent CCR (personal)",
    hosts=(r"([a-z]+)?ccr\.ccs\.tencentyun\.com",),
    username="account UIN",
    secret="the registry's own password",
    lists=False,
    capabilities=Capabilities(parts=(2, 2)),
)
