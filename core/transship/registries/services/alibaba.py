"""Alibaba Cloud Container Registry."""

from __future__ import annotations

from transship.registries.services.service import Service

ALIBABA = Service(
    kind="alibaba",
    title="Alibaba Cloud ACR",
    hosts=(r"registry(-vpc)?\.[a-z0-9-]+\.aliyuncs\.com", r".+-registry(-vpc)?\..+\.aliyuncs\.com"),
    username="account, or temporary user",
    secret="the registry's own password, or temporary token",
    lists=False,
)
