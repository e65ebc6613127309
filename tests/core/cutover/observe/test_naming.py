"""All that DNS says, at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from servers.dns.zones import NEW, OLD
from servers.process import free_port
from transship.cutover.domain import Domain, Resolver, Subject
from transship.cutover.evidence import Evidence
from transship.cutover.observer import observe_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.dns.lab import DnsLab
    from transship.cutover.observe.dns_queries import DnsClient

SUBJECT = Subject(Domain("images.example.test"), new="registry.newcloud.test")


async def test_everything_is_gathered(
    lab: DnsLab, dns_client: DnsClient, cache: Callable[[str], Resolver]
) -> None:
    plain = cache("plain")
    seen = await observe_names(dns_client, SUBJECT, [plain, cache("bogus")], [plain])

    assert seen.zone is not None
    assert seen.zone.name == "example.test"
    assert [each.valid for each in seen.signatures] == [True, True]
    assert [each.resolver for each in seen.resolvers] == ["plain", "bogus"]
    assert seen.today is not None
    assert seen.today.links[0].values == (OLD,)
    assert seen.target is not None
    assert seen.target.addresses == (lab.block.address("3.2"),)
    assert seen.wildcard is not None
    assert seen.wildcard.rcode == "NXDOMAIN"
    assert len(seen.ownership) == 5
    assert seen.misspelt[0].records[0].values == (NEW,)
    assert {answer.type for answer in seen.authorities} == {"CAA"}
    assert (seen.local, bool(seen.local_error)) == ((), True)


async def test_this_machine_is_not_asked_where_the_names_are_none_of_its(
    dns_client: DnsClient, plain: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asked(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("transship.cutover.observe.resolvers.local_addresses", asked)
    seen = await observe_names(dns_client, replace(SUBJECT, system=False), [plain], [plain])

    assert (seen.local, seen.local_error, seen.hosts) == ((), "", ())
    assert seen.zone is not None
    assert seen.zone.name == "example.test"


async def test_what_was_seen_goes_into_a_file_and_back(
    dns_client: DnsClient, plain: Resolver
) -> None:
    seen = await observe_names(dns_client, SUBJECT, [plain], [plain])

    assert msgspec.json.decode(msgspec.json.encode(seen), type=Evidence) == seen


async def test_a_machine_cut_off_from_dns_gives_evidence_of_that(impatient: DnsClient) -> None:
    closed = Resolver("closed", "127.0.0.1", free_port())
    seen = await observe_names(impatient, SUBJECT, [closed], [closed])

    assert seen.zone is not None
    assert seen.zone.error == "refused"
    assert seen.resolvers[0].samples[0].error == "refused"
    assert seen.today is not None
    assert seen.today.error == "refused"
    assert seen.wildcard is not None
    assert seen.wildcard.error
    assert seen.signatures == ()
