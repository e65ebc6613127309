"""Alibaba Cloud Container Registry."""

from __future__ import annotations

from transship.registries.services.facts import NO_LIST, Facts, no
from transship.registries.services.service import Greeting, Service

ALIBABA = Service(
    kind="alibaba",
    title="Alibaba Cloud ACR",
    hosts=(r"registry(-vpc)?\.[a-z0-9-]+\.aliyuncs\.com", r".+-registry(-vpc)?\..+\.aliyuncs\.com"),
    greeting=Greeting(realm=r".*", service=r"registry\.aliyuncs\.com:.+"),
    username="account, or temporary user",
    secret="the registry's own password, or temporary token",
    lists=False,
    facts=Facts(
        list=no(NO_LIST, "only by the cloud API"),
        create=no(
            "The namespace must be there, and the repository too unless the namespace makes "
            "repositories by itself: create them at the service first.",
            "only by the cloud API",
        ),
        limits="about 15 requests per second",
        credential="a fixed password lives until it is changed, a temporary one for 1 hour",
    ),
)
