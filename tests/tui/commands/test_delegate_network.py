"""Who gets through to a TCR, by line: explained, and changed on an explicit yes only."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest

from delegating.line import Operator, line
from delegating.tencent import HOST
from servers.tencent import Instances, TencentApi, tencent_api
from servers.tencent import network as network_actions
from servers.tencent.network import Access, Link, Networks
from transship.app.engines import NetworkRequest
from transship.engines.tcr.network_access import DesiredAccess
from transship_tui.lines import network_line

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = "203.0.113.7"


@pytest.fixture
def api() -> Iterator[TencentApi]:
    with tencent_api(network_actions.ACTIONS) as api:
        yield api


@pytest.fixture
def there(api: TencentApi) -> Access:
    """How the instance is: what is begun is done when it is next asked for."""
    instance = api.of(Instances).add("team", HOST, region="ap-shanghai")
    access = api.of(Networks).at(instance.id)
    access.looks = 0
    return access


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch, api: TencentApi, there: Access) -> Operator:
    assert there.status == "Closed"
    operator = Operator(monkeypatch)
    operator.add_keys(api.host)
    operator.add(HOST, service="tcr", api=api.host)
    return operator


def network(*words: object) -> Any:
    return line("delegate", "network", HOST, *words)


def changing(api: TencentApi) -> list[str]:
    return [action for action in api.actions() if not action.startswith("Describe")]


@pytest.mark.usefixtures("operator")
class TestExplained:
    def test_a_closed_endpoint_says_what_to_open(self, api: TencentApi) -> None:
        ended = network("--here", HERE)
        assert ended.status == 0, ended.err
        assert ended.out.startswith("The public endpoint of team is closed")
        assert "Open it and allow 203.0.113.7/32" in ended.out
        assert changing(api) == []

    def test_the_keys_of_the_document_stay(self, there: Access) -> None:
        there.status, there.policies = "Opened", [("203.0.113.0/24", "office")]
        there.links = [Link("vpc-a", "subnet-1")]
        found = network("--json", "--here", HERE).document["network"]
        assert {*found} == {
            "instance", "domain", "public", "said", "reason", "allowed", "lets_in_here", "links",
            "unseen", "notes",
        }  # fmt: skip
        assert (found["public"], found["lets_in_here"]) == ("open", True)
        assert found["allowed"] == [{"block": "203.0.113.0/24", "note": "office"}]
        [link] = found["links"]
        assert {*link} == {"vpc", "subnet", "state", "said", "address", "records"}
        assert {*link["records"][0]} == {"domain", "state", "said"}

    def test_what_can_not_be_asked_is_named_and_ends_with_a_one(self, api: TencentApi) -> None:
        api.denied.add("DescribeExternalEndpointStatus")
        ended = network()
        assert ended.status == 1
        assert "couldn't be asked for" in ended.out
        changed = network("--open", "--yes")
        assert changed.status == 3
        assert changing(api) == []

    def test_hostile_words_of_the_cloud_reach_no_terminal(self, there: Access) -> None:
        there.status, there.reason = "Clo\x1b[2Jsed", "be\u202ecause"
        for words in ((), ("--json",)):
            ended = network(*words)
            assert "\x1b" not in ended.out + ended.err
            assert "\u202e" not in ended.out + ended.err


class TestChanged:
    def test_it_is_opened_for_one_address_and_put_back(
        self, api: TencentApi, there: Access, operator: Operator
    ) -> None:
        shown = network("--open", "--allow", HERE, "--dry-run")
        assert shown.status == 0, shown.err
        assert f"~ change public endpoint {HOST}" in shown.out
        assert f"+ create allowed address {HERE}/32" in shown.out
        assert changing(api) == []

        made = network("--open", "--allow", HERE, "--here", HERE, "--yes")
        assert made.status == 0, made.err
        assert (there.status, there.policies) == ("Opened", [(f"{HERE}/32", "transship")])
        assert "lets this machine in" in " ".join(made.err.split())
        again = network("--open", "--allow", HERE, "--yes")
        assert "nothing to be made" in again.err

        back = line("delegate", "undo", made.out.strip(), "--yes")
        assert back.status == 0, back.err
        assert (there.status, there.policies) == ("Closed", [])
        assert "Whoever isn't in a linked VPC can't pull or push any more" in back.err
        operator.gave_away_nothing(shown, made, again, back)

    @pytest.mark.usefixtures("operator")
    def test_without_a_yes_nothing_is_changed(self, api: TencentApi, there: Access) -> None:
        there.status, there.policies = "Opened", [("192.0.2.0/24", "ci")]
        ended = network("--close")
        assert ended.status == 2
        assert "can't pull or push any more, at once" in ended.err
        assert "192.0.2.0/24" in ended.err
        assert changing(api) == []

    @pytest.mark.usefixtures("operator")
    def test_an_entry_goes_and_comes_back_with_what_it_said(self, there: Access) -> None:
        there.status, there.policies = "Opened", [("192.0.2.0/24", "ci, keep"), ("192.0.2.9", "")]
        made = network("--disallow", "192.0.2.0/24", "--yes")
        assert made.status == 0, made.err
        assert [block for block, _ in there.policies] == ["192.0.2.9"]
        assert line("delegate", "undo", made.out.strip(), "--yes").status == 0
        assert ("192.0.2.0/24", "ci, keep") in there.policies

    @pytest.mark.usefixtures("operator")
    def test_a_vpc_is_linked_with_its_private_dns_and_unlinked(self, there: Access) -> None:
        made = network("--link", "vpc-a/subnet-1", "--record", "vpc-a", "--yes", "--json")
        assert made.status == 0, made.err
        assert made.document["delegation"]["state"] == "made"
        assert made.document["network"]["links"][0]["state"] == "works"
        assert there.dns == {("vpc-a", True): "ENABLE"}

        gone = network("--unrecord", "vpc-a", "--unlink", "vpc-a/subnet-1", "--yes")
        assert gone.status == 0, gone.err
        assert "can't pull or push by this link" in gone.err
        assert there.dns == {}

    @pytest.mark.usefixtures("operator")
    @pytest.mark.parametrize(
        ("words", "status", "says"),
        [
            (("--allow", HERE), 3, "only an open one has an allow-list"),
            (("--open", "--allow", "203.0.113.7/24"), 3, "has bits beyond its prefix"),
            (("--record", "vpc-z"), 3, "isn't linked"),
            (("--link", "vpc-a"), 3, "is no link of a VPC"),
            (("--dry-run",), 2, "go with a change"),
            (("--here", "home"), 2, "is no address"),
        ],
    )
    def test_what_can_not_be_is_refused_by_name(
        self, words: tuple[str, ...], status: int, says: str, api: TencentApi
    ) -> None:
        ended = network(*words, *(("--yes",) if status == 3 else ()))
        assert ended.status == status
        assert says in ended.err
        assert changing(api) == []

    @pytest.mark.usefixtures("operator")
    @pytest.mark.parametrize(
        "wishes",
        [
            DesiredAccess(public=True, allow=("192.0.2.7", "192.0.2.9")),
            DesiredAccess(public=False),
            DesiredAccess(link=("vpc-a/subnet-1",), resolve=("vpc-a",), vpc_domain=True),
            DesiredAccess(
                disallow=("192.0.2.7",), unlink=("vpc-a/subnet-1",), unresolve=("vpc-a",)
            ),
        ],
    )
    def test_the_line_that_the_app_shows_is_one(self, wishes: DesiredAccess) -> None:
        words = shlex.split(network_line(NetworkRequest(HOST, wishes, HERE)))
        assert line(*words[1:], "--dry-run").status in (0, 3)

    @pytest.mark.usefixtures("operator")
    def test_a_host_is_asked_for_and_nothing_more(self) -> None:
        assert line("delegate", "network", f"{HOST}/team").status == 2
        ended = line("delegate", "network", "none.tencentcloudcr.com")
        assert ended.status == 1
        assert "transship login HOST-OF-THE-API" in ended.err

    def test_a_registry_of_another_service_is_said_to_be_none_of_tcr(self) -> None:
        ended = line("delegate", "network", "registry.example.com")
        assert ended.status == 3
        assert "isn't known to be a registry of Tencent TCR" in ended.err
        assert "transship login registry.example.com --service tcr" in ended.err
