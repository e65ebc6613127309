"""Each list comes whole by the contract of its own action, or says that it doesn't."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tencentcloud.ssl.v20191205 import models as ssl_models
from tencentcloud.tcr.v20190924 import models as tcr_models

from servers.tencent import Instances
from servers.tencent.enterprise import Namespace
from transship import errors
from transship.services.tencent_cloud import LISTINGS, Contract, ListContract, ListReading, listed

if TYPE_CHECKING:
    from servers.tencent import Instance, TencentApi
    from transship.services.tencent_cloud import TencentCloud

Entries = list[dict[str, Any]]
Serve = Callable[[Entries, dict[str, int]], Entries]


def by_entries(every: Entries, asked: dict[str, int]) -> Entries:
    return every[asked["Offset"] : asked["Offset"] + asked["Limit"]]


def by_page_in_offset(every: Entries, asked: dict[str, int]) -> Entries:
    first = (max(1, asked["Offset"]) - 1) * asked["Limit"]
    return every[first : first + asked["Limit"]]


def by_page(every: Entries, asked: dict[str, int]) -> Entries:
    first = (max(1, asked["Page"]) - 1) * asked["PageSize"]
    return every[first : first + asked["PageSize"]]


SERVED: dict[Contract, Serve] = {
    Contract.ENTRIES: by_entries,
    Contract.PAGES_IN_OFFSET: by_page_in_offset,
    Contract.PAGES: by_page,
}


def listing(contract: Contract, size: int = 3, total: str = "TotalCount") -> ListContract:
    return ListContract("DescribeThings", contract, "Things", ("Name",), total=total, size=size)


def things(count: int) -> Entries:
    return [{"Name": f"thing-{number}"} for number in range(count)]


def read(of: ListContract, serve: Serve, every: Entries) -> ListReading:
    reading = ListReading(of)
    while not reading.ended:
        reading.take({"Things": serve(every, reading.fields), "TotalCount": len(every)})
    return reading


@pytest.mark.parametrize("contract", Contract)
@pytest.mark.parametrize("total", ["TotalCount", ""])
@given(count=st.integers(0, 30), size=st.integers(1, 10))
def test_a_list_comes_whole_in_pages_of_any_size(
    contract: Contract, total: str, count: int, size: int
) -> None:
    reading = read(listing(contract, size, total), SERVED[contract], things(count))

    assert list(reading.entries) == things(count)
    assert reading.fault == ""


@pytest.mark.parametrize(
    ("contract", "asked"),
    [
        (Contract.ENTRIES, [{"Offset": 0, "Limit": 3}, {"Offset": 3, "Limit": 3}]),
        (Contract.PAGES_IN_OFFSET, [{"Offset": 1, "Limit": 3}, {"Offset": 2, "Limit": 3}]),
        (Contract.PAGES, [{"Page": 1, "PageSize": 3}, {"Page": 2, "PageSize": 3}]),
    ],
)
def test_pages_are_asked_for_in_the_words_of_the_contract(
    contract: Contract, asked: list[dict[str, int]]
) -> None:
    reading = ListReading(listing(contract))
    seen = [reading.fields]
    reading.take({"Things": things(3), "TotalCount": 5})
    seen.append(reading.fields)

    assert seen == asked


@given(count=st.integers(0, 30), size=st.integers(2, 10))
def test_a_wrong_contract_never_passes_for_a_short_list(count: int, size: int) -> None:
    wrong = {
        Contract.ENTRIES: by_page_in_offset,
        Contract.PAGES_IN_OFFSET: by_entries,
    }
    for contract, serve in wrong.items():
        reading = read(listing(contract, size), serve, things(count))

        assert len(reading.entries) == count or reading.fault


@given(count=st.integers(1, 30), most=st.integers(1, 4))
def test_a_server_that_gives_less_than_asked_for_gives_all_in_the_end(
    count: int, most: int
) -> None:
    def fewer(every: Entries, asked: dict[str, int]) -> Entries:
        return by_entries(every, {**asked, "Limit": min(most, asked["Limit"])})

    reading = read(listing(Contract.ENTRIES, 10), fewer, things(count))

    assert list(reading.entries) == things(count)
    assert reading.fault == ""


@pytest.mark.parametrize(
    ("pages", "fault"),
    [
        ([(things(3), 4), (things(4)[2:], 4)], "1 entries came twice"),
        ([(things(3), 5), (things(6)[3:], 6)], "5 entries became 6"),
        ([(things(3), 5), ([], 5)], "3 of 5 entries came"),
        ([(things(3), 2)], "3 of 2 entries came"),
    ],
)
def test_a_list_that_changes_is_not_taken_for_whole(
    pages: list[tuple[Entries, int]], fault: str
) -> None:
    reading = ListReading(listing(Contract.ENTRIES))

    for page, total in pages:
        assert not reading.ended
        reading.take({"Things": page, "TotalCount": total})

    assert reading.ended
    assert reading.fault == fault


def test_what_stands_beside_the_entries_makes_no_page_empty() -> None:
    rules = ListContract("D", Contract.PAGES, "Rules", ("RuleId",), total="", also="EmptyNs")
    reading = ListReading(rules)

    reading.take({"Rules": [], "EmptyNs": ["a", "b"], "Total": 9})
    assert not reading.ended
    reading.take({"Rules": [{"RuleId": 1}], "EmptyNs": ["c"]})
    assert not reading.ended
    reading.take({"Rules": [{"RuleId": 1}], "EmptyNs": ["c"]})

    assert reading.ended
    assert reading.entries == ({"RuleId": 1},)
    assert reading.fault == ""


@pytest.mark.parametrize(
    "answer",
    [
        {"Things": {}, "TotalCount": 1},
        {"Things": ["a"], "TotalCount": 1},
        {"Things": things(1), "TotalCount": "1"},
        {"Things": things(1), "TotalCount": -1},
        {"Things": things(1)},
    ],
)
def test_what_is_no_page_is_an_error(answer: dict[str, Any]) -> None:
    with pytest.raises(errors.UnexpectedAnswer):
        ListReading(listing(Contract.ENTRIES)).take(answer)


def test_an_empty_list_may_have_no_count() -> None:
    reading = ListReading(listing(Contract.ENTRIES))

    reading.take({})

    assert (reading.ended, reading.entries, reading.fault) == (True, (), "")


@pytest.mark.parametrize("known", LISTINGS.values(), ids=LISTINGS)
def test_the_sdk_knows_the_fields_of_every_list(known: ListContract) -> None:
    in_ssl = not hasattr(tcr_models, f"{known.action}Request")
    models: Any = ssl_models if in_ssl else tcr_models
    request = vars(getattr(models, f"{known.action}Request")())
    assert {f"_{name}" for name in known.contract.fields(0, 0, 1)} <= request.keys()

    def kind_of(kind: str, name: str) -> str:
        """Return what the SDK says that a field is, or is a list of."""
        told: str = getattr(getattr(models, kind), name).fget.__doc__
        return re.findall(r"\w+", told.partition(":rtype:")[2])[-1]

    kind = f"{known.action}Response"
    for name in known.entries.split("."):
        kind = kind_of(kind, name)
    assert {f"_{name}" for name in known.key} <= vars(getattr(models, kind)()).keys()
    if known.total:
        kind = f"{known.action}Response"
        for name in known.total.split("."):
            kind = kind_of(kind, name)
        assert kind == "int"


class Named(msgspec.Struct, rename="pascal"):
    name: str


class TestAtTheCloud:
    @pytest.fixture
    def instance(self, api: TencentApi) -> Instance:
        instance = api.of(Instances).add("team", "team.tencentcloudcr.com")
        names = [f"team-{number:03}" for number in range(230)]
        instance.namespaces = {name: Namespace() for name in names}
        return instance

    async def namespaces(self, cloud: TencentCloud, instance: Instance) -> list[str]:
        found = await listed(cloud, "DescribeNamespaces", Named, {"RegistryId": instance.id})
        return [each.name for each in found]

    async def test_all_pages_are_read(
        self, api: TencentApi, cloud: TencentCloud, instance: Instance
    ) -> None:
        assert await self.namespaces(cloud, instance) == sorted(instance.namespaces)
        assert [call["Offset"] for call in api.calls("DescribeNamespaces")] == [1, 2, 3]

    async def test_a_page_that_fails_is_not_the_end(
        self, api: TencentApi, cloud: TencentCloud, instance: Instance
    ) -> None:
        await self.namespaces(cloud, instance)
        api.asked.clear()

        def fail_at_two(call: Any, answer: Any = api._actions["DescribeNamespaces"]) -> Any:
            if call.fields["Offset"] == 2:
                api.refuses["DescribeNamespaces"] = ["ResourceNotFound"]
            return answer(call)

        api._actions["DescribeNamespaces"] = fail_at_two
        with pytest.raises(errors.CloudLacks):
            await self.namespaces(cloud, instance)

    async def test_one_that_changed_meanwhile_is_read_again(
        self, api: TencentApi, cloud: TencentCloud, instance: Instance
    ) -> None:
        answer = api._actions["DescribeNamespaces"]

        def and_makes_another(call: Any) -> Any:
            page = answer(call)
            instance.namespaces.setdefault("a-new-one", Namespace())
            return page

        api._actions["DescribeNamespaces"] = and_makes_another

        assert await self.namespaces(cloud, instance) == sorted(instance.namespaces)
        assert "a-new-one" in instance.namespaces

    async def test_one_that_never_comes_whole_is_named(
        self, api: TencentApi, cloud: TencentCloud, instance: Instance
    ) -> None:
        api.of(Instances).said = {"DescribeNamespaces": 2}

        with pytest.raises(
            errors.ListIncomplete, match="DescribeNamespaces: 230 of 232 entries came"
        ):
            await self.namespaces(cloud, instance)

    async def test_an_entry_that_is_none_is_named(
        self, api: TencentApi, cloud: TencentCloud
    ) -> None:
        body = b'{"Response": {"TotalCount": 1, "NamespaceList": [{"Name": []}]}}'
        api.raw = [(200, {}, body)]

        with pytest.raises(errors.UnexpectedAnswer, match="DescribeNamespaces"):
            await listed(cloud, "DescribeNamespaces", Named, {"RegistryId": "tcr-1"})
