"""Route 53. There is none here: botocore's own stub stands in, which checks what it is sent."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from fakes.clock import FakeClock
from transship import errors
from transship.cutover.change.records import Snapshot, desired_records
from transship.cutover.change.route53 import Route53Provider

if TYPE_CHECKING:
    from collections.abc import Iterator

ZONE = "Z0123456789"
NAME = "images.example.com"
BEFORE = desired_records(NAME, ["registry.old.example"], 300)
AFTER = desired_records(NAME, ["registry.new.example"], 60)
CHANGE = {"Id": "/change/C1", "Status": "PENDING", "SubmittedAt": "2026-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def client() -> Any:
    session = boto3.session.Session(aws_access_key_id="none", aws_secret_access_key="none")
    return session.client("route53", region_name="us-east-1")


@pytest.fixture
def stub(client: Any) -> Iterator[Any]:
    """Answers what it is told to, in order, and only if it is asked just that."""
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def record(value: str, **more: Any) -> dict[str, Any]:
    usual = {"TTL": 300, "ResourceRecords": [{"Value": value}]}
    return {"Name": f"{NAME}.", "Type": "CNAME", **usual, **more}


def lists(stub: Any, *records: dict[str, Any], truncated: bool = False, **asked: str) -> None:
    answer: dict[str, Any] = {
        "ResourceRecordSets": list(records),
        "IsTruncated": truncated,
        "MaxItems": "100",
    }
    if truncated:
        answer |= {"NextRecordName": f"{NAME}.", "NextRecordType": "TXT"}
    expected = {"HostedZoneId": ZONE, "StartRecordName": f"{NAME}.", **asked}
    stub.add_response("list_resource_record_sets", answer, expected)


def changes(stub: Any, *batch: tuple[str, dict[str, Any]]) -> None:
    sent = [{"Action": action, "ResourceRecordSet": each} for action, each in batch]
    stub.add_response(
        "change_resource_record_sets",
        {"ChangeInfo": CHANGE},
        {"HostedZoneId": ZONE, "ChangeBatch": {"Changes": sent}},
    )


async def test_a_change_is_one_batch_and_waited_for(client: Any, stub: Any) -> None:
    clock = FakeClock()
    applier = Route53Provider(ZONE, client=client, clock=clock)
    # As somebody once wrote it, without the dot: what goes has to be named to the letter.
    there = record("Registry.old.example")
    lists(stub, there)
    lists(stub, there)
    changes(stub, ("DELETE", there), ("CREATE", record("registry.new.example.", TTL=60)))
    for status in ("PENDING", "INSYNC"):
        stub.add_response(
            "get_change", {"ChangeInfo": {**CHANGE, "Status": status}}, {"Id": "/change/C1"}
        )

    planned = applier.plan(await applier.read(NAME), AFTER)
    assert planned.before == BEFORE
    await applier.apply(planned, planned.before)

    assert clock.slept == [2.0, 2.0]


async def test_all_of_a_name_is_read_and_nothing_of_the_next(client: Any, stub: Any) -> None:
    text = {"Type": "TXT", "ResourceRecords": [{"Value": '"of ours"'}]}
    lists(stub, record("192.0.2.1", Type="A"), truncated=True)
    lists(
        stub,
        record("", **text),
        record("x", Name="zebra.example.com."),
        StartRecordType="TXT",
    )

    found = await Route53Provider(ZONE, client=client).read(NAME)

    assert [(each.type, each.values) for each in found] == [
        ("A", ("192.0.2.1",)),
        ("TXT", ('"of ours"',)),
    ]


async def test_a_change_back_after_somebody_took_the_record_away(client: Any, stub: Any) -> None:
    lists(stub)
    lists(stub)
    changes(stub, ("CREATE", record("registry.old.example.")))
    stub.add_response("get_change", {"ChangeInfo": {**CHANGE, "Status": "INSYNC"}})

    applier = Route53Provider(ZONE, client=client, clock=FakeClock())
    await applier.restore(Snapshot(NAME, 0.0, BEFORE))


async def test_what_somebody_else_has_changed_is_left_alone(client: Any, stub: Any) -> None:
    lists(stub, record("elsewhere.example."))
    applier = Route53Provider(ZONE, client=client)

    with pytest.raises(errors.RecordChanged, match=r"elsewhere\.example"):
        await applier.apply(applier.plan(BEFORE, AFTER), BEFORE)


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        ("InvalidChangeBatch", "Tried to delete ... but it was not found", errors.RecordChanged),
        ("InvalidChangeBatch", "Invalid Resource Record", errors.ProviderRefused),
        ("AccessDenied", "is not authorized to perform", errors.KeyRefused),
        ("NoSuchHostedZone", "No hosted zone found", errors.ProviderRefused),
    ],
)
async def test_why_it_refuses(
    client: Any, stub: Any, code: str, message: str, error: type[Exception]
) -> None:
    lists(stub, record("registry.old.example."))
    stub.add_client_error("change_resource_record_sets", code, message)
    applier = Route53Provider(ZONE, client=client)

    with pytest.raises(error):
        await applier.apply(applier.plan(BEFORE, AFTER), BEFORE)


@pytest.mark.parametrize("more", [{"SetIdentifier": "a", "Weight": 90}, {"HealthCheckId": "h"}])
async def test_a_record_with_a_routing_policy_is_not_touched(
    client: Any, stub: Any, more: dict[str, Any]
) -> None:
    lists(stub, record("registry.old.example.", **more))

    with pytest.raises(errors.RecordNotPlain):
        await Route53Provider(ZONE, client=client).read(NAME)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import_ = builtins.__import__

    def without(name: str, *given: Any, **named: Any) -> Any:
        if name == "boto3":
            raise ImportError(name)
        return import_(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(errors.ExtraMissing, match=r"transship\[aws\]"):
        Route53Provider(ZONE)
