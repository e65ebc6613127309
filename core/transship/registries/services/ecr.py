"""Amazon Elastic Container Registry."""

from __future__ import annotations

from transship.registries.place import MEBIBYTE, Capabilities
from transship.registries.services.service import Service

# A part that isn't the last must have 5 to 10 MiB, and an upload at most 4,200 of them.
ECR = Service(
    kind="ecr",
    title="Amazon ECR",
    hosts=(r"\d{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?", r"public\.ecr\.aws"),
    username="AWS",
    secret="password of `aws ecr get-login-password` (ends after 12 hours)",
    capabilities=Capabilities(whole_limit=10 * MEBIBYTE, piece=10 * MEBIBYTE),
)
