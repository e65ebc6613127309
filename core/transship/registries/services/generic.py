"""Every registry that is none of the known services, docker-registry itself among them."""

from __future__ import annotations

from transship.registries.services.service import Service

GENERIC = Service(kind="registry", title="Registry")
