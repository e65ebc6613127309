"""Which instance a registry's host belongs to: by its domains, in every region, in words if none.

`servers.tencent` stands in for the cloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servers.tencent import Instances
from transship import errors
from transship.services.tencent_cloud import instance_at, instances

if TYPE_CHECKING:
    from servers.tencent import TencentApi
    from transship.services.tencent_cloud import TencentCloud

HOST = "team.tencentcloudcr.com"


async def test_all_that_the_keys_see_are_read(api: TencentApi, cloud: TencentCloud) -> None:
    for number in range(103):
        region = "ap-guangzhou" if number % 2 else "eu-frankfurt"
        api.of(Instances).add(f"team-{number}", f"team-{number}.example", region=region)

    found = await instances(cloud)

    assert [each.name for each in found] == [f"team-{number}" for number in range(103)]
    assert [call["Offset"] for call in api.calls("DescribeInstances")] == [0, 100]
    assert all(call["AllRegion"] for call in api.calls("DescribeInstances"))


async def test_what_the_api_says_of_one_is_kept(api: TencentApi, cloud: TencentCloud) -> None:
    made = api.of(Instances).add(
        "team", HOST, edition="premium", status="Isolate", region="eu-frankfurt", region_id=17
    )

    (found,) = await instances(cloud)

    assert (found.id, found.name, found.edition) == (made.id, "team", "premium")
    assert (found.status, found.runs) == ("Isolate", False)
    assert (found.region, found.region_id) == ("eu-frankfurt", 17)
    assert found.limits is not None
    assert (found.limits.namespaces, found.limits.replicates) == (500, True)
    assert str(found) == f"team ({made.id}, eu-frankfurt)"


async def test_an_edition_that_is_not_known_has_no_limits(
    api: TencentApi, cloud: TencentCloud
) -> None:
    api.of(Instances).add("team", HOST, edition="ultimate")

    (found,) = await instances(cloud)

    assert found.limits is None


@pytest.mark.parametrize("host", [HOST, "team-vpc.tencentcloudcr.com", "10.0.0.7"])
async def test_a_host_is_found_by_the_domains_that_an_instance_has(
    host: str, api: TencentApi, cloud: TencentCloud
) -> None:
    api.of(Instances).add("other", "other.tencentcloudcr.com", domains={host: "SUCCESS"})
    team = api.of(Instances).add("team", HOST, internal_endpoint="10.0.0.7")

    assert (await instance_at(cloud, host)).id == team.id
    assert "DescribeInstanceCustomizedDomain" not in api.actions()


async def test_a_custom_domain_is_looked_for_in_the_region_of_each_instance(
    api: TencentApi, cloud: TencentCloud
) -> None:
    api.of(Instances).add("other", "other.tencentcloudcr.com")
    many = {f"images-{number}.example.com": "SUCCESS" for number in range(120)}
    domains = {**many, "Images.example.com": "SUCCESS"}
    team = api.of(Instances).add("team", HOST, region="eu-frankfurt", domains=domains)

    assert (await instance_at(cloud, "images.example.com")).id == team.id
    regions = [call.region for call in api.asked if call.action.endswith("CustomizedDomain")]
    assert regions == ["ap-guangzhou", "eu-frankfurt", "eu-frankfurt"]


async def test_a_host_that_is_nobodys_is_said_with_who_there_is(
    api: TencentApi, cloud: TencentCloud
) -> None:
    with pytest.raises(errors.NoInstance, match="the keys see no instance"):
        await instance_at(cloud, HOST)
    for number in range(7):
        api.of(Instances).add(f"other-{number}", f"other-{number}.tencentcloudcr.com")

    with pytest.raises(errors.NoInstance) as refused:
        await instance_at(cloud, HOST)

    assert "the keys see 7 instances: other-0 (tcr-00000000, ap-guangzhou)" in str(refused.value)
    assert str(refused.value).endswith("and 2 more")


async def test_domains_that_can_not_be_seen_are_named(api: TencentApi, cloud: TencentCloud) -> None:
    api.of(Instances).add("team", HOST)
    api.denied = {"DescribeInstanceCustomizedDomain"}

    with pytest.raises(errors.NoInstance, match=r"; not the custom domains of team"):
        await instance_at(cloud, "images.example.com")


async def test_a_domain_of_several_is_not_guessed_at(api: TencentApi, cloud: TencentCloud) -> None:
    domain = {"images.example.com": "SUCCESS"}
    api.of(Instances).add("team", HOST, domains=domain)
    api.of(Instances).add("far", "far.tencentcloudcr.com", region="eu-frankfurt", domains=domain)

    with pytest.raises(errors.SeveralInstances, match=r"team \(.*, far \(.*eu-frankfurt\)"):
        await instance_at(cloud, "images.example.com")


async def test_names_from_the_cloud_can_not_steer_the_terminal(
    api: TencentApi, cloud: TencentCloud
) -> None:
    api.of(Instances).add("te\x1b[2Jam", HOST)

    (found,) = await instances(cloud)

    assert found.name == "te [2Jam"
