"""Asking the service behind the new registry: whatever comes of it is evidence."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from fakes.clock import FakeClock
from transship.cutover.evidence import Evidence, ServiceReport
from transship.cutover.observe.target import DomainService, observe_service
from transship.errors import ApiKeysNeeded, ConnectionRefused, NoRight, TransshipError
from transship.registry.attachment import Attached, Attachment, AttachmentMessage

NAME = "images.example.com"


class Tells:
    """Tells what it was given, or raises it."""

    def __init__(self, what: Attachment | TransshipError | None) -> None:
        self._what = what

    async def attachment(self, domain: str) -> Attachment:
        assert domain == NAME
        if self._what is None:
            await asyncio.Event().wait()
        if isinstance(self._what, TransshipError):
            raise self._what
        assert self._what is not None
        return self._what


async def seen(what: Attachment | TransshipError | None, seconds: float = 5.0) -> ServiceReport:
    return await observe_service(
        DomainService("TCR", Tells(what)), NAME, FakeClock(), seconds=seconds
    )


async def test_what_is_told_is_kept_whole_through_json() -> None:
    said = AttachmentMessage("domain-absent", "block", "seen", "means", "remedy")
    told = Attachment("r", NAME, Attached.ABSENT, 1.0, says=(said,), reach=(said,), lets_in="all")
    evidence = Evidence(1.0, service=await seen(told))

    assert evidence.service is not None
    assert evidence.service.attachment == told
    assert msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence) == evidence


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ApiKeysNeeded("its API", remedy="Add keys."), "api-keys-needed: its API"),
        (NoRight("tcr:DescribeInstances", remedy="Add keys."), "no-right: tcr:DescribeInstances"),
        (ConnectionRefused("the API", remedy="Add keys."), "connection-refused: the API"),
    ],
)
async def test_what_stands_in_the_way_is_told_and_not_raised(
    error: TransshipError, cause: str
) -> None:
    says = await seen(error)

    assert (says.attachment, says.error, says.remedy) == (None, cause, "Add keys.")


async def test_a_service_that_never_answers_holds_nothing_up() -> None:
    says = await seen(None, seconds=0.01)

    assert says.attachment is None
    assert says.error.startswith("timeout: ")
