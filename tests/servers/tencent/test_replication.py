"""The rules of the stand-in copy between real registries, and the SDK's own client reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.tcr.v20190924 import models
from tencentcloud.tcr.v20190924.tcr_client import TcrClient

from moving.judge import digest_at
from servers.images import push_image
from servers.registry import Registry
from servers.tencent import Instance, Instances, TencentApi, replicas, replication, tencent_api
from servers.tencent.api import SECRET_ID, SECRET_KEY

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp")


@pytest.fixture
def api() -> Iterator[TencentApi]:
    with tencent_api(replication.ACTIONS, replicas.ACTIONS) as api:
        yield api


@pytest.fixture
def client(api: TencentApi) -> Iterator[TcrClient]:
    profile = ClientProfile(httpProfile=HttpProfile(endpoint=api.host, protocol="http"))
    client = TcrClient(Credential(SECRET_ID, SECRET_KEY), "ap-guangzhou", profile)
    with closing(client.request.conn._session):
        yield client


@pytest.fixture
def pair(
    api: TencentApi, open_registry: Registry, other_registry: Registry
) -> tuple[Instance, Instance]:
    every = api.of(Instances)
    old = every.add("old", "old.example", edition="premium")
    new = every.add("new", "new.example", region="ap-beijing", region_id=8)
    behind = {old.id: open_registry, new.id: other_registry}
    api.of(replication.Replication).registries = behind
    return old, new


def asked(kind: Callable[[], Any], **fields: Any) -> Any:
    request = kind()
    request.from_json_string(json.dumps(fields))
    return request


def rule(old: Instance, new: Instance, pattern: str = "**") -> Any:
    wanted = {
        "Name": "rule-1",
        "DestNamespace": "mirror",
        "Override": False,
        "Filters": [{"Type": "name", "Value": pattern}],
    }
    return asked(
        models.ManageReplicationRequest,
        SourceRegistryId=old.id,
        DestinationRegistryId=new.id,
        DestinationRegionId=new.region_id,
        Rule=wanted,
    )


def test_what_was_pushed_is_copied_when_the_test_says_so(
    api: TencentApi,
    client: TcrClient,
    pair: tuple[Instance, Instance],
    open_registry: Registry,
    other_registry: Registry,
    repository: str,
) -> None:
    old, new = pair
    client.ManageReplication(rule(old, new, f"{repository}/**"))
    image = push_image(open_registry, f"{repository}/web", "v1")
    api.of(replication.Replication).pushed(old, f"{repository}/web", "v1")

    request = asked(models.DescribeReplicationExecutionsRequest, RegistryId=old.id)
    (running,) = client.DescribeReplicationExecutions(request).ReplicationExecutionList
    api.of(replication.Replication).work()
    (ended,) = client.DescribeReplicationExecutions(request).ReplicationExecutionList

    assert (running.Status, ended.Status) == ("InProgress", "succeed")
    moved = f"mirror/{repository.partition('/')[2]}/web"
    assert digest_at(other_registry, moved, "v1") == image.digest
    assert new.namespaces["mirror"].repositories == [moved.partition("/")[2]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"region": "ap-beijing"}, "InternalError"),
        ({"edition": "basic"}, "UnsupportedOperation"),
        ({}, "InvalidParameter.ReplicationExists"),
    ],
)
def test_rules_are_refused_with_the_codes_that_are_known(
    change: dict[str, str], code: str, client: TcrClient, pair: tuple[Instance, Instance]
) -> None:
    client.ManageReplication(rule(*pair))
    for name, value in change.items():
        setattr(pair[0], name, value)

    with pytest.raises(TencentCloudSDKException) as refused:
        client.ManageReplication(rule(*pair))

    assert refused.value.code == code


def test_a_replica_takes_its_time(
    api: TencentApi, client: TcrClient, pair: tuple[Instance, Instance]
) -> None:
    made = client.CreateReplicationInstance(
        asked(
            models.CreateReplicationInstanceRequest,
            RegistryId=pair[0].id,
            ReplicationRegionId=4,
            SyncTag=False,
        )
    )
    request = asked(
        models.DescribeReplicationInstanceCreateTasksRequest,
        ReplicationRegistryId=made.ReplicationRegistryId,
        ReplicationRegionId=4,
    )
    seen = [client.DescribeReplicationInstanceCreateTasks(request).Status]
    for _ in range(4):
        api.of(replicas.Replicas).step()
        seen.append(client.DescribeReplicationInstanceCreateTasks(request).Status)

    assert (seen[0], seen[1], seen[-1]) == ("PENDING", "IN_PROGRESS", "SUCCESS")
