"""What TCR tells of a domain that is to move, asked with one pair of keys; part by part."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from delegating.reaching import Known
from delegating.tencent import HOST, NAME
from fakes.clock import FakeClock
from servers.tencent import Instance, TencentApi
from servers.tencent.api import SECRET_KEY
from servers.tencent.domains import Custom
from servers.tencent.network import Access, Link, Networks
from transship import errors
from transship.engines.tcr.attachment import InstanceAttachments, open_instance
from transship.registry.attachment import Attached, Attachment


@pytest.fixture
async def telling(
    api: TencentApi, instance: Instance, clock: FakeClock
) -> AsyncIterator[InstanceAttachments]:
    known = Known()
    known.add(HOST, service="tcr", api=api.host)
    async with known.reached(clock) as reach:
        yield InstanceAttachments(await open_instance(reach, HOST), clock)


@pytest.fixture
def there(api: TencentApi, instance: Instance, custom: Custom) -> Access:
    """A domain that works, and an endpoint that is open to an office."""
    instance.domains = {NAME: "SUCCESS"}
    custom.certificates_of = {(instance.id, NAME): "cert-exact"}
    access = api.of(Networks).at(instance.id)
    access.status, access.policies = "Opened", [("203.0.113.0/24", "office")]
    access.links = [Link("vpc-a", "subnet-1")]
    return access


async def test_the_domain_and_who_gets_through_are_told_together(
    telling: InstanceAttachments, there: Access
) -> None:
    told = await telling.attachment(NAME.upper())

    assert (told.state, told.certificate, told.says) == (Attached.WORKS, "cert-exact", ())
    assert [each.id for each in told.reach] == ["allow-list-bounds", "private-dns-missing"]
    assert told.lets_in == "team lets in 203.0.113.0/24"
    assert msgspec.json.decode(msgspec.json.encode(told), type=Attachment) == told


async def test_without_the_right_to_see_the_domains_the_network_is_told_all_the_same(
    telling: InstanceAttachments, there: Access, api: TencentApi
) -> None:
    api.denied = {"DescribeInstanceCustomizedDomain"}
    told = await telling.attachment(NAME)

    assert told.state is Attached.UNKNOWN
    assert [(each.id, each.severity) for each in told.says] == [("domain-unseen", "info")]
    assert [each.id for each in told.reach] == ["allow-list-bounds", "private-dns-missing"]


async def test_without_the_right_to_see_the_network_nothing_is_called_closed(
    telling: InstanceAttachments, there: Access, api: TencentApi
) -> None:
    api.denied = {
        "DescribeExternalEndpointStatus",
        "DescribeInternalEndpoints",
        "DescribeSecurityPolicies",
    }
    told = await telling.attachment(NAME)

    assert told.state is Attached.WORKS
    assert [(each.id, each.severity) for each in told.reach] == [("access-unseen", "info")]


async def test_a_host_of_no_instance_is_an_error(api: TencentApi, clock: FakeClock) -> None:
    known = Known()
    known.add("nobody.tencentcloudcr.com", service="tcr", api=api.host)

    async with known.reached(clock) as reach:
        with pytest.raises(errors.NoInstance):
            await open_instance(reach, "nobody.tencentcloudcr.com")


async def test_no_key_is_in_what_is_told_or_shown_of_it(
    telling: InstanceAttachments, there: Access, api: TencentApi
) -> None:
    told = await telling.attachment(NAME)

    assert SECRET_KEY not in repr(told) + repr(telling)
    assert all(not name.startswith(("Create", "Delete", "Manage")) for name in api.actions())
