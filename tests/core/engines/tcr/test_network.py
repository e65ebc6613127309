"""The network access of an instance: explained before a move, and changed on an explicit yes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegating.tencent import HOST, Agreeing
from fakes.clock import FakeClock
from servers.tencent import Instance, TencentApi
from servers.tencent.network import Access, Link, Networks
from transship import errors
from transship.engines.changes import ChangeAction, ChangeStep
from transship.engines.tcr import network_access
from transship.engines.tcr.network_access import (
    AllowedBlock,
    DesiredAccess,
    EndpointStatus,
    LinkStatus,
    NetworkEngine,
    block_of,
    block_warnings,
    endpoint_status,
    explain_access,
    is_same_block,
    link_status,
    plan_access,
)

HERE = "203.0.113.7"


@pytest.fixture
def there(api: TencentApi, instance: Instance) -> Access:
    return api.of(Networks).at(instance.id)


async def said(network: NetworkEngine, here: str = HERE) -> str:
    return "\n".join(explain_access(await network.access(), here))


class TestExplained:
    async def test_a_closed_endpoint_says_what_to_open(self, network: NetworkEngine) -> None:
        assert await said(network) == (
            "The public endpoint of team is closed: a copy from this machine can't reach it, "
            "unless it runs inside a linked VPC. Open it and allow 203.0.113.7/32, or run inside a "
            "VPC that is linked."
        )

    async def test_an_open_one_with_an_empty_list_lets_nobody_in(
        self, there: Access, network: NetworkEngine
    ) -> None:
        there.status = "Opened"

        assert "so nobody gets in. Allow 203.0.113.7/32" in await said(network)

    async def test_this_machine_is_in_the_list_or_not(
        self, there: Access, network: NetworkEngine
    ) -> None:
        there.status, there.policies = "Opened", [("203.0.113.0/24", "office")]

        assert "lets this machine in (203.0.113.7)" in await said(network)
        assert "198.51.100.1 isn't in it" in await said(network, "198.51.100.1")
        assert "Where this machine isn't in it, allow this machine's public address" in (
            await said(network, "")
        )

    async def test_one_that_is_open_to_everyone_is_named(
        self, there: Access, network: NetworkEngine
    ) -> None:
        there.status, there.policies = "Opened", [("10.0.0.0/8", "vpn"), ("0.0.0.0/0", "")]

        assert "is open to everyone (0.0.0.0/0)" in await said(network)

    @pytest.mark.parametrize(("on", "off"), [("ENABLE", "DISABLE"), ("ENABLED", "Disabled")])
    async def test_links_and_their_private_dns_are_explained(
        self, on: str, off: str, api: TencentApi, there: Access, network: NetworkEngine
    ) -> None:
        api.of(Networks).on, api.of(Networks).off = on, off
        there.links = [Link("vpc-a", "subnet-1"), Link("vpc-b", "subnet-2"), Link("vpc-c", "s-3")]
        there.links[2].status = "Pending"
        there.dns = {("vpc-a", True): on}

        words = await said(network)

        assert (
            "vpc-a is linked by subnet-1 at 10.0.0.7. Its private DNS leads "
            "team.tencentcloudcr.com there."
        ) in words
        assert "vpc-b is linked by subnet-2 at 10.0.0.7. Its private DNS doesn't lead" in words
        assert "vpc-c is being linked" in words

    async def test_what_the_keys_may_not_ask_is_named_and_not_taken_for_closed(
        self, api: TencentApi, there: Access, network: NetworkEngine
    ) -> None:
        there.status = "Opened"
        api.denied = {"DescribeSecurityPolicies", "DescribeInternalEndpoints"}

        access = await network.access()

        assert access.lets_in(HERE) is None
        words = await said(network)
        assert "Its allow-list couldn't be asked for" in words
        assert "Its VPC links couldn't be asked for" in words
        assert "nobody gets in" not in words

    async def test_links_that_do_not_all_come_are_named(
        self, api: TencentApi, there: Access, network: NetworkEngine
    ) -> None:
        there.links = [Link("vpc-a", "subnet-1")]
        answer = api._actions["DescribeInternalEndpoints"]
        api._actions["DescribeInternalEndpoints"] = lambda call: {**answer(call), "TotalCount": 2}

        assert "1 of 2 VPC links came" in await said(network)


class TestChanging:
    async def test_nothing_is_changed_by_wishing(
        self, api: TencentApi, there: Access, network: NetworkEngine
    ) -> None:
        changes = await plan_access(network, DesiredAccess(public=True, allow=(HERE,)), here=HERE)

        assert [str(each) for each in changes.changes] == [
            f"change public endpoint {HOST}",
            "create allowed address 203.0.113.7/32",
        ]
        assert changes.engine == "TCR instance team (tcr-00000001, ap-shanghai)"
        assert there.status == "Closed"
        assert all(action.startswith("Describe") for action in api.actions())

    async def test_an_endpoint_is_opened_for_one_address_and_closed_again(
        self, there: Access, network: NetworkEngine, operator: Agreeing, clock: FakeClock
    ) -> None:
        changes = await plan_access(network, DesiredAccess(public=True, allow=(HERE,)), here=HERE)

        identity = await operator.agreed(changes, network)

        assert (there.status, there.policies) == ("Opened", [("203.0.113.7/32", "transship")])
        assert clock.slept, "the list waits until the endpoint is open"
        assert (await network.access()).lets_in(HERE)
        again = await plan_access(network, DesiredAccess(public=True, allow=(HERE,)), here=HERE)
        assert again.to_make == ()

        await operator.undone(identity, network)

        assert (there.status, there.policies) == ("Closed", [])

    async def test_an_address_goes_off_the_list_before_the_endpoint_is_closed(
        self, there: Access, network: NetworkEngine, operator: Agreeing
    ) -> None:
        there.status, there.policies = "Opened", [("203.0.113.7/32", "transship")]
        changes = await plan_access(network, DesiredAccess(public=False, disallow=(HERE,)))

        identity = await operator.agreed(changes, network)
        closed = there.status, list(there.policies)
        await operator.undone(identity, network)

        assert closed == ("Closed", [])
        assert (there.status, there.policies) == ("Opened", [("203.0.113.7/32", "transship")])

    async def test_nobody_is_allowed_on_an_endpoint_that_is_to_be_closed(
        self, there: Access, network: NetworkEngine
    ) -> None:
        there.status = "Opened"

        changes = await plan_access(network, DesiredAccess(public=False, allow=(HERE,)))

        assert [type(each) for each in changes.refusals] == [errors.BadRequest]
        assert not changes.changes

    async def test_one_that_opens_for_too_long_can_be_gone_on_with(
        self, there: Access, network: NetworkEngine, operator: Agreeing
    ) -> None:
        there.looks = 100
        identity = operator.agree(
            await plan_access(network, DesiredAccess(public=True, allow=(HERE,)))
        )

        with pytest.raises(errors.EngineRefused, match="isn't open"):
            await operator.make(identity, network)

        assert operator.journal.read(identity).step(1) is ChangeStep.FAILED
        there.left = 0
        await operator.make(identity, network)
        assert there.policies == [("203.0.113.7/32", "transship")]

    async def test_an_allow_list_without_an_open_endpoint_is_refused(
        self, network: NetworkEngine
    ) -> None:
        changes = await plan_access(network, DesiredAccess(allow=(HERE,)))

        assert [type(each) for each in changes.refusals] == [errors.CantBeDelegated]
        assert "Wish for it to be opened, too" in changes.refusals[0].remedy

    async def test_everyone_and_whole_networks_are_warned_of(
        self, there: Access, network: NetworkEngine
    ) -> None:
        there.status = "Opened"

        changes = await plan_access(
            network, DesiredAccess(allow=("0.0.0.0/0", "10.0.0.0/8", "192.0.2.9"))
        )

        everyone, inside, one = changes.changes
        assert "allows everyone" in everyone.warns[0]
        assert "no addresses of the internet" in inside.warns[0]
        assert one.name == "192.0.2.9/32"

    async def test_others_entries_stay_as_they_are(
        self, there: Access, network: NetworkEngine, operator: Agreeing
    ) -> None:
        there.status = "Opened"
        there.policies = [("203.0.113.7", "the office, do not touch"), ("198.51.100.0/24", "ci")]

        kept = await plan_access(network, DesiredAccess(allow=(f"{HERE}/32",)))
        gone = await plan_access(
            network, DesiredAccess(disallow=("198.51.100.0/24",)), here="198.51.100.3"
        )

        assert [each.does for each in kept.changes] == [ChangeAction.LEAVE]
        assert "This machine's own address" in gone.changes[0].warns[1]
        there.policies.insert(0, ("192.0.2.1", "somebody else's, meanwhile"))
        await operator.agreed(gone, network)
        assert [block for block, _ in there.policies] == ["192.0.2.1", "203.0.113.7"]

    async def test_closing_says_who_is_shut_out(
        self, there: Access, network: NetworkEngine
    ) -> None:
        there.status, there.policies = "Opened", [("192.0.2.0/24", "ci")]

        changes = await plan_access(network, DesiredAccess(public=False))

        assert "The allow-list may be gone with it (192.0.2.0/24)" in changes.changes[0].warns[1]
        assert "can't pull or push any more, at once" in changes.changes[0].warns[0]

    @pytest.mark.parametrize("public", [True, False])
    async def test_a_vpc_is_linked_with_its_private_dns_and_unlinked(
        self, public: bool, there: Access, network: NetworkEngine, operator: Agreeing
    ) -> None:
        wishes = DesiredAccess(link=("vpc-a/subnet-1",), resolve=("vpc-a",), vpc_domain=not public)
        domain = HOST if public else "team-vpc.tencentcloudcr.com"

        identity = await operator.agreed(await plan_access(network, wishes), network)

        assert operator.made == [
            "create VPC link vpc-a/subnet-1",
            f"create private DNS record {domain}@vpc-a",
        ]
        assert there.dns == {("vpc-a", public): "ENABLE"}
        (link,) = (await network.access()).links
        assert (link.stage, link.address) == (LinkStatus.WORKS, "10.0.0.7")
        assert (await plan_access(network, wishes)).to_make == ()

        await operator.undone(identity, network)

        assert there.dns == {}
        assert (await network.access()).links == ()

    async def test_a_record_without_a_link_is_refused(self, network: NetworkEngine) -> None:
        changes = await plan_access(network, DesiredAccess(resolve=("vpc-z",)))

        assert "vpc-z isn't linked" in str(changes.refusals[0])

    async def test_private_dns_that_can_not_be_told_is_no_absence(
        self, there: Access, network: NetworkEngine
    ) -> None:
        there.links = [Link("vpc-a", "subnet-1")]
        there.dns = {("vpc-a", True): "ERROR"}

        with pytest.raises(errors.EngineRefused, match="ERROR"):
            await network.read("private DNS record", f"{HOST}@vpc-a")
        assert "isn't known (ERROR)" in await said(network)

    async def test_more_links_than_the_edition_has_are_noted(
        self, there: Access, network: NetworkEngine
    ) -> None:
        there.links = [Link(f"vpc-{n}", "s") for n in range(5)]

        changes = await plan_access(network, DesiredAccess(link=("vpc-x/s",)))

        assert "6 VPC links; the edition (basic) has 5" in changes.notes[-1]

    async def test_what_is_not_seen_is_not_changed(
        self, api: TencentApi, there: Access, network: NetworkEngine
    ) -> None:
        there.status = "Opened"
        api.denied = {"DescribeSecurityPolicies"}

        changes = await plan_access(network, DesiredAccess(allow=(HERE,)))

        assert changes.changes == ()
        assert "couldn't be asked for" in str(changes.refusals[0])

    @pytest.mark.parametrize(
        "wishes",
        [
            DesiredAccess(public=True, allow=("nonsense",)),
            DesiredAccess(public=True, allow=("203.0.113.7/24",)),
            DesiredAccess(public=True, allow=(HERE, f"{HERE}/32")),
            DesiredAccess(disallow=("192.0.2.1",)),
            DesiredAccess(link=("vpc-a",)),
            DesiredAccess(unlink=("vpc-a/subnet-1",)),
            DesiredAccess(unresolve=("vpc-a",)),
        ],
    )
    async def test_what_makes_no_sense_is_refused_in_words(
        self, wishes: DesiredAccess, network: NetworkEngine
    ) -> None:
        changes = await plan_access(network, wishes)

        assert changes.changes == ()
        assert all(isinstance(each, errors.BadRequest) for each in changes.refusals)
        assert changes.refusals

    async def test_an_address_of_here_that_is_none_is_said(self, network: NetworkEngine) -> None:
        with pytest.raises(errors.BadRequest, match="is no address"):
            await plan_access(network, DesiredAccess(), here="over there")


addresses = st.ip_addresses()


@given(addresses)
def test_an_address_is_the_block_that_has_it_alone(address: object) -> None:
    block = block_of(str(address))

    assert is_same_block(block, str(address))
    assert block_of(block) == block
    seen = network_access.NetworkAccess(
        "team", HOST, EndpointStatus.OPEN, allowed=(AllowedBlock(str(address)),)
    )
    assert seen.lets_in(str(address))


@given(addresses, st.text(max_size=20))
def test_an_entry_that_can_not_be_read_leaves_it_open_who_gets_in(
    address: object, text: str
) -> None:
    seen = network_access.NetworkAccess(
        "team", HOST, EndpointStatus.OPEN, allowed=(AllowedBlock(f"x{text}"),)
    )

    assert seen.lets_in(str(address)) is None
    assert explain_access(seen, str(address))


@given(st.text(max_size=12))
def test_every_word_of_the_api_means_something(word: str) -> None:
    assert endpoint_status(word) in EndpointStatus
    assert link_status(word) in LinkStatus
    assert link_status("ENABLED") is link_status("enable") is LinkStatus.WORKS


def test_what_allows_everyone_is_warned_of_in_both_families() -> None:
    assert "allows everyone" in block_warnings("::/0")[0]
    assert "no addresses of the internet" in block_warnings("fd00::/64")[0]
    assert "65,536 addresses" in block_warnings("198.51.0.0/16")[0]
    assert block_warnings("203.0.113.7/32") == ()
