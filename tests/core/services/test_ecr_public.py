"""ECR Public through its own API: real boto3, and `servers.ecr_public` in the place of AWS."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from servers.ecr_public import ALIAS, OTHER_NAME, EcrPublicApi, ecr_public_api
from transship.accounts.registry_file import Account, is_handed_out
from transship.registry.access import Access, open_distribution
from transship.registry.capability_card import card_of
from transship.registry.registry import CreationOptions, MissingTarget, TargetStatus, Visibility
from transship.registry.service import Can, TakesOptions, creation_refusal, service_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from transship.registry.distribution import DistributionRegistry

HOST = "public.ecr.aws"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[EcrPublicApi]:
    with ecr_public_api() as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECR_PUBLIC", api.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield api


@pytest.fixture
async def registry(api: EcrPublicApi) -> AsyncIterator[DistributionRegistry]:
    async with aclosing(open_distribution(Access(HOST))) as registry:
        yield registry


async def test_the_callers_own_repositories_are_listed_page_by_page(
    api: EcrPublicApi, registry: DistributionRegistry
) -> None:
    api.repositories += ["web", "team/api", "cli"]

    names = [name async for name in registry.repositories()]

    assert sorted(names) == [f"{ALIAS}/cli", f"{ALIAS}/team/api", f"{ALIAS}/web"]
    assert [operation for operation, _ in api.asked] == ["DescribeRepositories"] * 2


async def test_what_is_not_in_a_registry_of_ones_own_is_said_before_the_push(
    api: EcrPublicApi, registry: DistributionRegistry
) -> None:
    api.repositories += ["web"]
    foreseer = registry.foreseer()
    assert foreseer is not None

    others = "somebody/web"
    absent = f"{OTHER_NAME}/cli", f"{ALIAS}/cli"
    seen = await foreseer.look(dict.fromkeys([f"{ALIAS}/web", others, *absent], True))

    assert seen.standings == {
        name: TargetStatus(missing=MissingTarget("repository", name)) for name in absent
    }


async def test_a_repository_is_made_where_everybody_may_pull(
    api: EcrPublicApi, registry: DistributionRegistry
) -> None:
    creator = registry.creator()
    assert creator is not None
    missing = MissingTarget("repository", f"{ALIAS}/team/api")

    assert "public at this service" in creator.refusal(missing, Visibility.PRIVATE)
    assert creator.refusal(missing, Visibility.PUBLIC) == ""
    assert not await creator.has(missing)

    await creator.create(missing, Visibility.PUBLIC)

    assert api.repositories == ["team/api"]
    assert await creator.has(missing)


async def test_a_repository_is_made_with_resource_tags_and_never_with_immutable_ones(
    api: EcrPublicApi, registry: DistributionRegistry
) -> None:
    creator, missing = registry.creator(), MissingTarget("repository", f"{ALIAS}/team/api")
    assert isinstance(creator, TakesOptions)
    tagged = CreationOptions(resource_tags=(("team", "web"),))
    pinned = CreationOptions(immutable_tags=True)

    assert creator.options_refusal(missing, tagged) == ""
    assert "immutable tags" in creation_refusal(creator, missing, Visibility.PUBLIC, pinned)
    await creator.create_with(missing, Visibility.PUBLIC, tagged)

    assert await creator.has(missing)
    assert api.resource_tags == {"team/api": {"team": "web"}}


def test_it_is_pulled_from_without_an_account_and_its_card_says_what_is_left_to_do() -> None:
    card = card_of(service_of(HOST))

    assert not is_handed_out(Account(HOST)), "nobody needs boto3 for a pull"
    assert card.row("create before push").fact.can is Can.YES
    assert "public" in card.row("create before push").fact.how
    assert card.row("path").fact.how == "2 or more components"
