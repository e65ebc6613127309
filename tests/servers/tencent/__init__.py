"""Tencent Cloud's API and the registries of TCR. Neither can be had here: this stands in for them.

The API answers after the official SDK's models and the examples of the official command line
(`tccli`): each request is checked against the SDK's request model, each answer against its response
model, and what a model doesn't know fails the test. Behind the domain of an instance is a real
docker-registry.

Who needs further actions writes them in a file of their own, as in `enterprise.py`: functions that
take a `Call` and return the fields of an answer, in a mapping by the name of the action, given to
`tencent_api`. What they keep is a dataclass of theirs, which `TencentApi.of` makes and keeps.
"""

from servers.tencent.api import (
    Action,
    Call,
    Refused,
    TencentApi,
    tencent_api,
)
from servers.tencent.enterprise import Instance, Instances
from servers.tencent.personal import Personal
from servers.tencent.registry import TcrRegistry, tcr_registry

__all__ = [
    "Action",
    "Call",
    "Instance",
    "Instances",
    "Personal",
    "Refused",
    "TcrRegistry",
    "TencentApi",
    "tcr_registry",
    "tencent_api",
]
