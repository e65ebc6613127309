"""Harbor, which runs under any name, so only the operator can say that it is one."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.service import Service

HARBOR = Service(
    kind="harbor",
    title="Harbor",
    username="user, or robot account (robot$project+name)",
    secret="password, CLI secret or robot token",
    capabilities=Capabilities(parts=(2, 0)),
)
