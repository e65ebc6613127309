"""The stand-in speaks as the cloud does: the SDK's own client works with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.tcr.v20190924 import models
from tencentcloud.tcr.v20190924.tcr_client import TcrClient

from servers.tencent import Call, Instances, TencentApi, tencent_api
from servers.tencent.api import SECRET_ID, SECRET_KEY
from servers.tencent.enterprise import Namespace

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp")


@dataclass
class Deletions:
    """What a further action of somebody else's keeps."""

    names: list[str] = field(default_factory=list)


def delete_namespace(call: Call) -> dict[str, Any]:
    call.api.of(Deletions).names.append(call.need("NamespaceName"))
    return {}


@pytest.fixture
def api() -> Iterator[TencentApi]:
    with tencent_api({"DeleteNamespace": delete_namespace}) as api:
        yield api


@contextmanager
def opened(api: TencentApi) -> Iterator[TcrClient]:
    """Open the SDK's own client."""
    profile = ClientProfile(httpProfile=HttpProfile(endpoint=api.host, protocol="http"))
    client = TcrClient(Credential(SECRET_ID, SECRET_KEY), "ap-guangzhou", profile)
    with closing(client.request.conn._session):
        yield client


@pytest.fixture
def client(api: TencentApi) -> Iterator[TcrClient]:
    with opened(api) as client:
        yield client


def asked(kind: Callable[[], Any], **fields: Any) -> Any:
    request = kind()
    request.from_json_string(json.dumps(fields))
    return request


def test_the_sdks_client_reads_what_is_there(api: TencentApi, client: TcrClient) -> None:
    team = api.of(Instances).add("team", "team.tencentcloudcr.com", edition="premium")
    team.namespaces = {f"team-{number}": Namespace() for number in range(25)}

    (found,) = client.DescribeInstances(asked(models.DescribeInstancesRequest)).Registries
    page = client.DescribeNamespaces(
        asked(models.DescribeNamespacesRequest, RegistryId=found.RegistryId, Offset=2, Limit=20)
    )

    assert (found.RegistryName, found.RegistryType) == ("team", "premium")
    assert (page.TotalCount, len(page.NamespaceList)) == (25, 5)


@pytest.mark.parametrize(
    ("secret", "code"),
    [(SECRET_KEY, "ResourceNotFound"), ("another", "AuthFailure.SignatureFailure")],
)
def test_the_sdks_client_reads_why_not(
    secret: str, code: str, client: TcrClient, api: TencentApi
) -> None:
    client.credential = Credential(SECRET_ID, secret)

    with pytest.raises(TencentCloudSDKException) as refused:
        client.DescribeNamespaces(asked(models.DescribeNamespacesRequest, RegistryId="tcr-1"))

    assert refused.value.code == code
    assert refused.value.requestId
    assert api.codes == [code]


def test_others_add_actions_and_keep_what_they_need(api: TencentApi, client: TcrClient) -> None:
    client.DeleteNamespace(asked(models.DeleteNamespaceRequest, NamespaceName="team"))

    assert api.of(Deletions).names == ["team"]


def test_a_field_that_the_sdk_does_not_know_is_refused(api: TencentApi, client: TcrClient) -> None:
    with pytest.raises(TencentCloudSDKException) as refused:
        client.call("DescribeRegions", {"Colour": "blue"})

    assert refused.value.code == "UnknownParameter"


@pytest.mark.parametrize(
    "answer", [{"Colour": "blue"}, {"Regions": [{"Alias": "gz", "Colour": "blue"}]}]
)
def test_an_answer_that_the_sdk_does_not_know_fails_the_test(answer: dict[str, Any]) -> None:
    def ask() -> None:
        with (
            tencent_api({"DescribeRegions": lambda _: answer}) as api,
            opened(api) as client,
            pytest.raises(TencentCloudSDKException),
        ):
            client.DescribeRegions(models.DescribeRegionsRequest())

    with pytest.raises(ExceptionGroup) as failed:
        ask()

    assert "Colour" in str(failed.value.exceptions[0])


def test_what_is_not_signed_is_refused(api: TencentApi) -> None:
    with httpx.Client(trust_env=False) as http:
        answer = http.post(f"http://{api.host}/", headers={"X-TC-Version": "2019-09-24"}).json()

    assert answer["Response"]["Error"]["Code"] == "AuthFailure.InvalidAuthorization"
    assert answer["Response"]["RequestId"]
