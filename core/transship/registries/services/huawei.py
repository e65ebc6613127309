"""Huawei Cloud Software Repository for Container."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.service import Service

SWR = Service(
    kind="swr",
    title="Huawei SWR",
    hosts=(r"swr\.[a-z0-9-]+\.myhuaweicloud\.(com|eu)",),
    username="REGION@ACCESS-KEY",
    secret="login key",
    lists=False,
    capabilities=Capabilities(parts=(2, 0)),
)
