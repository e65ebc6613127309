"""Accounts of a cloud's API are told from those that hold images, and go with what they open."""

from __future__ import annotations

import pytest

from transship.accounts.registry_file import Account, api_hosts_of
from transship.accounts.sign_in import (
    api_account_of,
    hands_out,
    holding_images,
    service_at,
    used_by,
)
from transship.registry.service import all_services

TCR = Account("one.tencentcloudcr.com")
OTHER = Account("two.tencentcloudcr.com", secret_source="keyring", username="1")
PLAIN = Account("reg.example")
HOSTS = api_hosts_of(TCR.host, TCR)
API = Account(HOSTS[0], username="AKID", secret_source="keyring")
NAMED = Account("own.example", service="tcr", api=API.host)


def test_only_accounts_that_hold_images_are_places() -> None:
    assert holding_images([API, TCR, PLAIN]) == (TCR, PLAIN)
    assert not service_at(API).holds_images


def test_an_api_is_found_for_the_registries_of_its_cloud() -> None:
    accounts = (TCR, API, PLAIN, NAMED)
    assert api_account_of(TCR, accounts) == API
    assert api_account_of(NAMED, accounts) == API
    assert api_account_of(PLAIN, accounts) is None
    assert api_account_of(TCR, (TCR, PLAIN)) is None
    assert used_by(API, accounts) == (TCR, NAMED)


def test_a_registry_that_names_another_api_uses_that() -> None:
    elsewhere = Account("one.tencentcloudcr.com", api="api.example")
    assert api_account_of(elsewhere, (elsewhere, API)) is None
    assert used_by(API, (elsewhere, API)) == ()


def test_logins_are_handed_out_by_the_keys_only_where_there_are_keys() -> None:
    assert hands_out(TCR, (TCR,)) == ""
    assert hands_out(TCR, (TCR, API)) == "by the keys of its cloud's API"
    assert hands_out(PLAIN, (PLAIN, API)) == ""


def test_logins_are_handed_out_by_the_profile_of_this_machine() -> None:
    account = Account("123456789012.dkr.ecr.eu-west-1.amazonaws.com")
    assert hands_out(account, ()) == "by the AWS profile of this machine"


@pytest.mark.parametrize("kind", [each.kind for each in all_services() if not each.holds_images])
def test_an_api_uses_no_api(kind: str) -> None:
    assert api_account_of(Account("api.example", service=kind), (API,)) is None
