"""`transship check` and `cutover` where the new registry is a TCR whose API can be asked.

`servers.tencent` stands in for the cloud. The new registry is real, with TLS at the port of https,
and the lab's name servers and caches lead to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cutovers.sides import NAME, TwoSides, two_sides
from servers.dns.lab import EXAMPLE
from servers.dns.zones import IMAGES, NEW
from servers.images import make_layer, push_image
from servers.tencent import Instance, Instances, TencentApi, tencent_api
from servers.tencent import domains as custom_domains
from servers.tencent import network as access
from servers.tencent.api import SECRET_ID, SECRET_KEY
from transship.accounts.registry_file import Account, Accounts
from transship.accounts.secrets import variables_of
from transship.paths import default_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.dns.lab import DnsLab
    from tui.commands.conftest import Ended

    Check = Callable[..., Any]

HOST = NEW.rstrip(".")
APP = "team/app"


@pytest.fixture
def api() -> Iterator[TencentApi]:
    with tencent_api(access.ACTIONS, custom_domains.ACTIONS) as api:
        yield api


@pytest.fixture
def instance(api: TencentApi) -> Instance:
    """The new registry, as the cloud knows it: open to an office, without the domain."""
    custom = api.of(custom_domains.Custom)
    custom.hold("cert-a", ["*.example.test"], ends="2999-01-01 07:59:59")
    custom.hold("cert-b", ["*.example.net"], ends="2999-01-01 07:59:59")
    instance = api.of(Instances).add("team", HOST, region="ap-singapore")
    there = api.of(access.Networks).at(instance.id)
    there.status, there.policies = "Opened", [("0.0.0.0/0", "all")]
    return instance


@pytest.fixture
def sides(lab: DnsLab, tmp_path: Path) -> Iterator[TwoSides]:
    if lab.served:
        pytest.skip("the lab's name servers aren't at port 53")
    lab.primary.remember(EXAMPLE, IMAGES)
    with two_sides(lab, tmp_path / "sides") as sides:
        push_image(sides.new, APP, "1", [make_layer(b"an image")])
        yield sides


@pytest.fixture
def keys(api: TencentApi, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    """The operator's accounts: the new registry, and the keys of its cloud's API."""
    for name, value in zip(variables_of(api.host), (SECRET_ID, SECRET_KEY), strict=True):
        monkeypatch.setenv(name, value)
    accounts = Accounts(default_paths().registries)
    accounts.save(
        Account(api.host, username=SECRET_ID, service="tencent-api", secret_source="environment")
    )
    accounts.save(Account(HOST, service="tcr", api=api.host))
    return accounts


@pytest.fixture
def options(lab: DnsLab, sides: TwoSides) -> tuple[object, ...]:
    cache = lab.caches["plain"]
    resolver = ("--resolver", f"{cache.address}:{cache.port}", "--no-public")
    return "--to", HOST, *resolver, "--node-ca", sides.ca_file, "--repository", f"{APP}:1"


@pytest.fixture
def check(transship: Callable[..., Ended], options: tuple[object, ...]) -> Check:
    """Run the check and return its checks by their ids; no key is in what it says."""

    def run() -> Any:
        ended = transship("check", NAME, *options, "--json")
        assert ended.status in (0, 3), ended.err
        assert SECRET_KEY not in ended.out + ended.err
        return {each["check"]: each for each in ended.document["checks"]}

    return run


def found(check: Any) -> dict[str, str]:
    return {each["id"]: each["severity"] for each in check["findings"]}


def attach(api: TencentApi, instance: Instance, certificate: str, status: str = "SUCCESS") -> None:
    instance.domains = {NAME: status}
    api.of(custom_domains.Custom).certificates_of = {(instance.id, NAME): certificate}


def test_a_domain_that_works_there_passes_and_says_with_which_certificate(
    api: TencentApi, instance: Instance, keys: Accounts, check: Check
) -> None:
    attach(api, instance, "cert-a")
    checks = check()

    assert checks["P-10"]["state"] == "pass"
    assert checks["P-10"]["seen"].startswith(
        f"Tencent TCR says: {NAME} works (SUCCESS), with the certificate cert-a until 2998-12-31"
    )
    assert checks["P-12"]["state"] == "pass"
    assert checks["P-12"]["seen"].endswith("; team is open to everyone")
    assert {call.action for call in api.asked if not call.action.startswith("Describe")} == set()


def test_a_domain_that_isnt_attached_is_told_with_the_line_that_attaches_it(
    instance: Instance, keys: Accounts, check: Check, sides: TwoSides
) -> None:
    sides.new.stop()
    seen = check()["P-10"]

    assert seen["state"] == "blocks"
    assert found(seen) == {"domain-absent": "block"}
    assert (
        f"`transship delegate domain add {HOST} {NAME} --certificate ID`"
        in (seen["findings"][0]["remedy"])
    )


@pytest.mark.parametrize(
    ("status", "certificate", "expected"),
    [
        ("CREATING", "cert-a", {"domain-being-attached": "block"}),
        ("DELETING", "cert-a", {"domain-going": "block"}),
        ("FAILURE", "cert-a", {"domain-failed": "warn"}),
        ("SUCCESS", "cert-b", {"attached-certificate-name": "block"}),
    ],
)
def test_how_a_domain_is_there_is_told_in_its_row(
    status: str,
    certificate: str,
    expected: dict[str, str],
    api: TencentApi,
    instance: Instance,
    keys: Accounts,
    check: Check,
) -> None:
    attach(api, instance, certificate, status)
    api.of(custom_domains.Custom).left = {(instance.id, NAME): 100}

    assert found(check()["P-10"]) == expected


def test_who_doesnt_get_through_is_told_although_this_machine_does(
    api: TencentApi, instance: Instance, keys: Accounts, check: Check
) -> None:
    attach(api, instance, "cert-a")
    there = api.of(access.Networks).at(instance.id)
    there.policies = [("203.0.113.0/24", "office")]
    there.links = [access.Link("vpc-a", "subnet-1")]
    bounded = check()["P-12"]
    there.status, there.links = "Closed", []
    closed = check()["P-12"]

    assert found(bounded) == {"allow-list-bounds": "warn", "private-dns-missing": "warn"}
    assert found(closed) == {"public-endpoint-closed": "warn"}
    assert f"`transship delegate network {HOST} --open" in closed["findings"][0]["remedy"]


def test_a_service_that_cannot_be_asked_fails_nothing_and_says_what_to_do(
    api: TencentApi, instance: Instance, keys: Accounts, check: Check
) -> None:
    attach(api, instance, "cert-a")
    api.denied = {"DescribeInstances"}
    refused = check()
    keys.save(Account(HOST, service="tcr"))
    without = check()

    for checks in (refused, without):
        assert checks["P-10"]["state"] in ("pass", "info")
        assert found(checks["P-10"]) == {"service-not-asked": "info"}
        assert found(checks["P-12"]) == {}
    (finding,) = without["P-10"]["findings"]
    assert "api-keys-needed: Tencent TCR does this by its cloud's API" in finding["seen"]
    assert "`transship login tcr.tencentcloudapi.com`" in finding["remedy"]


def test_what_couldnt_be_asked_is_said_below_the_table_too(
    transship: Callable[..., Ended],
    options: tuple[object, ...],
    api: TencentApi,
    instance: Instance,
    keys: Accounts,
) -> None:
    keys.save(Account(HOST, service="tcr"))
    ended = transship("check", NAME, *options)

    assert f"P-10 Tencent TCR couldn't be asked for {NAME}: api-keys-needed" in ended.out
    assert "→ Add its keys with `transship login tcr.tencentcloudapi.com`" in ended.out
    assert api.asked == []


def test_a_cutover_that_is_kept_asks_it_too(
    transship: Callable[..., Ended],
    options: tuple[object, ...],
    instance: Instance,
    keys: Accounts,
    sides: TwoSides,
) -> None:
    sides.new.stop()
    planned = transship("cutover", "plan", NAME, *options, "--json")

    assert planned.status == 3, planned.err
    assert "P-10/domain-absent" in planned.document["blocks"]
    kept = "".join(
        path.read_bytes().decode(errors="replace")
        for path in default_paths().cutovers.rglob("*")
        if path.is_file()
    )
    assert SECRET_KEY not in kept
