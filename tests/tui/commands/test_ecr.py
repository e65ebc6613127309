"""The line at ECR, at the name that it gives: see `servers.moto_ecr` for what is behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moving.judge import digest_at
from servers.images import push_image
from servers.moto_ecr import HOST

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry
    from servers.moto_ecr import MotoEcr


def test_from_the_account_without_a_password_to_the_proof(
    transship: Any, ecr: MotoEcr, open_registry: DockerRegistry, repository: str
) -> None:
    image = push_image(open_registry, repository, "v1")
    ecr.client().create_repository(repositoryName=repository)
    source, target = f"{open_registry.host}/{repository}", f"{HOST}/{repository}"

    added = transship("login", HOST, "--anonymous", "--alias", "aws", "--ca", ecr.ca_file)
    assert added.status == 0, added.err
    assert "its service hands out" in added.err
    assert repository in transship("ls", "aws").out.splitlines()
    copied = transship("copy", source, target)
    assert copied.status == 0, copied.err
    assert transship("ls", f"aws/{repository}").out == "v1\n"
    assert transship("verify", source, target, "--deep").status == 0

    assert digest_at(ecr.registry, repository, "v1") == image.digest
    password = str(ecr.registry.password)
    assert password not in added.out + added.err + copied.out + copied.err
