from __future__ import annotations

import subprocess
import sys

import pytest

from transship.registry.service import GENERIC, all_services, service_named, service_of


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("docker.io", "docker-hub"),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", "ecr"),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "ecr"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "ecr"),
        ("public.ecr.aws", "ecr-public"),
        ("example.azurecr.io", "acr"),
        ("europe-west3-docker.pkg.dev", "gar"),
        ("eu.gcr.io", "gcr"),
        ("gcr.io", "gcr"),
        ("swr.cn-north-4.myhuaweicloud.com", "swr"),
        ("quay.io", "quay"),
        ("registry.gitlab.com", "gitlab"),
        ("ghcr.io", "ghcr"),
        ("example.jfrog.io", "artifactory"),
        ("example.tencentcloudcr.com", "tcr"),
        ("ccr.ccs.tencentyun.com", "ccr"),
        ("hkccr.ccs.tencentyun.com", "ccr"),
        ("registry.cn-hangzhou.aliyuncs.com", "alibaba"),
        ("registry-vpc.cn-hangzhou.aliyuncs.com", "alibaba"),
        ("example-registry.cn-beijing.cr.aliyuncs.com", "alibaba"),
        ("registry.example.com:5000", "registry"),
        ("localhost:5000", "registry"),
        ("[::1]:5000", "registry"),
        ("ghcr.io.evil.example", "registry"),
        ("notghcr.io", "registry"),
    ],
)
def test_a_service_is_known_by_its_host_names(host: str, kind: str) -> None:
    assert service_of(host).kind == kind


def test_a_service_can_be_named() -> None:
    assert service_named("harbor") in all_services()
    assert service_named("none such") is None
    assert service_named("") is None


def test_every_other_registry_is_the_last_one() -> None:
    assert all_services()[-1] is GENERIC


def test_kinds_and_titles_are_told_apart() -> None:
    assert len({service.kind for service in all_services()}) == len(all_services())
    assert len({service.title for service in all_services()}) == len(all_services())


def test_pieces_are_no_smaller_than_what_goes_up_whole() -> None:
    for service in all_services():
        capabilities = service.capabilities
        assert capabilities.piece == 0 or capabilities.piece >= 5 * 1024 * 1024


def test_what_only_some_services_need_is_loaded_when_it_is_used_and_not_before() -> None:
    program = "import sys, transship.registry.distribution; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    extras = {"azure", "google", "boto3", "botocore", "tencentcloud", "msal", "requests"}
    assert done.returncode == 0, done.stderr
    assert extras & set(done.stdout.split()) == set()


def test_the_names_in_references_may_not_be_where_the_api_is() -> None:
    assert service_of("docker.io").api_host == "registry-1.docker.io"
