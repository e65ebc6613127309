"""What ECR's API says before a write: real boto3, and `servers.ecr` in the place of AWS."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from servers.ecr import ACCOUNT, HOST, EcrApi, ecr_api
from transship import errors
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import MissingTarget, TargetOutlook, TargetStatus
from transship.services.ecr import ECR, answered

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATES = "DescribeRepositoryCreationTemplates"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[EcrApi]:
    with ecr_api() as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", api.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield api


async def look(writes: dict[str, bool], host: str = HOST) -> TargetOutlook:
    """Ask; nothing is sent to the registry itself, which isn't there."""
    foreseer = DistributionRegistry(host).foreseer()
    assert foreseer is not None
    return await foreseer.look(writes)


async def test_a_repository_that_is_there_is_written_to(api: EcrApi) -> None:
    api.repositories["team/web"] = {"imageTagMutability": "MUTABLE"}

    assert await look({"team/web": True}) == TargetOutlook({"team/web": TargetStatus()})
    assert api.asked == [
        ("DescribeRepositories", {"registryId": ACCOUNT, "repositoryNames": ["team/web"]})
    ]


@pytest.mark.parametrize(
    ("setting", "filters", "pinned", "free"),
    [
        ("IMMUTABLE", [], ["v1", "latest"], []),
        ("IMMUTABLE_WITH_EXCLUSION", ["dev-*", "latest"], ["v1"], ["dev-1", "latest"]),
        ("MUTABLE_WITH_EXCLUSION", ["v*"], ["v1"], ["latest"]),
        ("A_LATER_ONE", [], [], ["v1"]),
    ],
)
async def test_tags_are_pinned_as_the_repository_says(
    setting: str, filters: list[str], pinned: list[str], free: list[str], api: EcrApi
) -> None:
    api.repositories["team/web"] = {
        "imageTagMutability": setting,
        "imageTagMutabilityExclusionFilters": [
            {"filterType": "WILDCARD", "filter": text} for text in filters
        ],
    }

    standing = (await look({"team/web": True})).standings["team/web"]

    assert [tag for tag in pinned if setting not in standing.pinned_by(tag)] == []
    assert [tag for tag in free if standing.pinned_by(tag)] == []


async def test_a_repository_that_is_not_there_is_missing(api: EcrApi) -> None:
    api.repositories["team/web"] = {"imageTagMutability": "MUTABLE"}

    outlook = await look({"team/web": False, "team/api": False, "team/shop": False})

    missing = {name: standing.missing for name, standing in outlook.standings.items()}
    assert missing == {
        "team/web": None,
        "team/api": MissingTarget("repository", "team/api"),
        "team/shop": MissingTarget("repository", "team/shop"),
    }
    assert [operation for operation, _ in api.asked].count(TEMPLATES) == 1


@pytest.mark.parametrize(
    ("prefix", "applied", "made"),
    [
        ("team", ["CREATE_ON_PUSH"], True),
        ("ROOT", ["REPLICATION", "CREATE_ON_PUSH"], True),
        ("team/web", ["CREATE_ON_PUSH"], False),
        ("tea", ["CREATE_ON_PUSH"], False),
        ("team", ["PULL_THROUGH_CACHE"], False),
    ],
)
async def test_a_template_may_make_what_is_not_there(
    prefix: str, applied: list[str], made: bool, api: EcrApi
) -> None:
    api.templates = [{"prefix": prefix, "appliedFor": applied}]

    outlook = await look({"team/web": False})

    assert (outlook.standings == {}) == made
    assert outlook.unknown == ()


@pytest.mark.parametrize("caller", [ACCOUNT, "210987654321"])
async def test_what_is_not_there_may_be_made_by_a_push_where_templates_are_hidden(
    caller: str, api: EcrApi
) -> None:
    api.caller = caller
    if caller == ACCOUNT:
        api.denied.add(TEMPLATES)

    outlook = await look({"team/web": False, "team/api": False})

    assert {name: standing.missing for name, standing in outlook.standings.items()} == {
        name: MissingTarget("repository", name, perhaps=True) for name in ("team/web", "team/api")
    }
    assert {unknown.what for unknown in outlook.unknown} == {"whether a push makes a repository"}
    assert all(isinstance(unknown.why, errors.NoRight) for unknown in outlook.unknown)


async def test_who_may_not_ask_is_told_once(api: EcrApi) -> None:
    api.denied.add("DescribeRepositories")
    foreseer = DistributionRegistry(HOST).foreseer()
    assert foreseer is not None

    for name in ("team/web", "team/api"):
        with pytest.raises(errors.NoRight, match="AccessDeniedException"):
            await foreseer.look({name: True})

    assert len(api.asked) == 1


async def test_without_credentials_of_aws_nothing_is_known(
    api: EcrApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(errors.SignInNeeded, match="boto3 finds no credentials"):
        await look({"team/web": True})


async def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_boto3(name: str, *more: Any, **named: Any) -> Any:
        if name.partition(".")[0] in ("boto3", "botocore"):
            raise ImportError(name)
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without_boto3)

    with pytest.raises(errors.ExtraMissing, match=r"transship\[aws\]"):
        await look({"team/web": True})


async def test_a_name_of_ones_own_says_nothing(api: EcrApi) -> None:
    registry = DistributionRegistry("images.example.com", service=ECR)

    assert registry.foreseer() is None
    assert registry.creator() is None
    assert api.asked == []


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
async def test_keys_that_are_not_taken_are_told_with_where_others_come_from(code: str) -> None:
    def refused() -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeRepositories")

    with pytest.raises(errors.KeysRefused, match=f"DescribeRepositories: {code}") as told:
        await answered(refused)

    assert "profile" in told.value.remedy
