"""Amazon ECR: moto for its API, and a docker-registry that takes what that hands out.

moto is a reimplementation of AWS's APIs that others keep. Of ECR it has no registry, so a real one
is behind the name that ECR gives it; it has no creation templates, and lists all repositories in
one page. The login that it hands out has ended in 2015.
"""

from __future__ import annotations

import configparser
import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from servers.authority import Authority
from servers.docker_registry import docker_registry
from servers.forward_proxy import forward_proxy
from servers.process import LOOPBACK, clean_environment, free_port, listening, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

ACCOUNT = "123456789012"
REGION = "eu-central-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"

_KEYS = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
_PROFILE = "moving"
_RECORD = "asked"
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class MotoEcr:
    """ECR as a client has it.

    `environment` is what leads boto3 to its API (by files, as an operator would write them) and
    the client of the registry to its host. `registry` is what is behind that host, by another name
    of it, and `ca_file` who vouches for both.
    """

    url: str
    environment: dict[str, str]
    registry: DockerRegistry
    ca_file: Path
    _record: Path

    def client(self, service: str = "ecr") -> Any:
        """Return a client of boto3 for the tests' own use, as somebody who may do everything."""
        import boto3  # Slow to load, and few tests need it.

        return boto3.session.Session(**_KEYS).client(
            service, region_name=REGION, endpoint_url=self.url
        )

    def asked(self) -> list[str]:
        """Return the operations of ECR that were asked for since it started, the tests' too."""
        entries = map(json.loads, self._record.read_text().splitlines())
        targets = (entry["headers"].get("X-Amz-Target", "") for entry in entries)
        return [target.rpartition(".")[2] for target in targets if target]

    @contextmanager
    def checking_rights(self) -> Iterator[None]:
        """Verify signatures and apply policies, as AWS always does, until the block ends."""
        httpx.post(f"{self.url}/moto-api/reset-auth", content=b"0").raise_for_status()
        try:
            yield
        finally:
            httpx.post(f"{self.url}/moto-api/reset-auth", content=b"inf").raise_for_status()

    def keys_of(self, user: str, *policies: str) -> dict[str, str]:
        """Make a user with some of AWS's policies; return the environment with its keys."""
        iam = self.client("iam")
        iam.create_user(UserName=user)
        for number, action in enumerate(policies):
            document = {"Effect": "Allow", "Action": action, "Resource": "*"}
            iam.put_user_policy(
                UserName=user,
                PolicyName=f"policy-{number}",
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [document]}),
            )
        made = iam.create_access_key(UserName=user)["AccessKey"]
        keys = {
            "aws_access_key_id": made["AccessKeyId"],
            "aws_secret_access_key": made["SecretAccessKey"],
        }
        path = self._record.with_name(f"credentials-of-{user}")
        return {"AWS_SHARED_CREDENTIALS_FILE": str(_credentials(path, keys))}


@contextmanager
def moto_ecr(folder: Path) -> Iterator[MotoEcr]:
    """Run it with an empty account until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath(_RECORD).touch()
    authority = Authority(folder / "authority")
    certificates = authority.issue(HOST, "localhost", LOOPBACK)
    login = "AWS", f"{ACCOUNT}-auth-token"
    with (
        _api(folder) as url,
        docker_registry(folder, auth="htpasswd", tls=certificates, login=login) as registry,
        forward_proxy({f"{HOST}:443": registry.host.replace("localhost", LOOPBACK)}) as proxy,
    ):
        yield MotoEcr(
            url,
            _files(folder, url) | {"HTTPS_PROXY": proxy.url},
            registry,
            authority.ca_file,
            folder / _RECORD,
        )


@contextmanager
def _api(folder: Path) -> Iterator[str]:
    port = free_port()
    recording = {"MOTO_ENABLE_RECORDING": "true", "MOTO_RECORDER_FILEPATH": str(folder / _RECORD)}
    with running(
        [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)],
        folder / "moto.log",
        ready=lambda: listening(port),
        deadline=_START_SECONDS,
        environment=clean_environment(folder) | recording,
    ):
        yield f"http://{LOOPBACK}:{port}"


def _files(folder: Path, url: str) -> dict[str, str]:
    """Write the two files of an operator; return the environment that names them."""
    config = folder / "aws-config"
    config.write_text(
        f"[profile {_PROFILE}]\nservices = here\n\n[services here]\necr =\n  endpoint_url = {url}\n"
    )
    return {
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(_credentials(folder / "aws-credentials", _KEYS)),
        "AWS_PROFILE": _PROFILE,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _credentials(path: Path, keys: dict[str, str]) -> Path:
    file = configparser.ConfigParser()
    file[_PROFILE] = keys
    path.touch(0o600)
    with path.open("w") as written:
        file.write(written)
    return path
