"""Which applier changes a record, where its secret is, and the switch that turns all of it off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from servers.dns.knot import KEY_NAME, KEY_SECRET
from servers.dns.lab import EXAMPLE
from servers.dns.powerdns import API_KEY
from servers.dns.zones import IMAGES, NEW, OLD, TTL
from transship import errors
from transship.accounts.secrets import SessionStore
from transship.clock import SystemClock
from transship.cutover.change.provider import TsigKey, store_api_key, store_tsig_key
from transship.cutover.change.records import Snapshot, desired_records
from transship.cutover.change.settings import (
    ManualSettings,
    PowerDnsSettings,
    ProviderSettings,
    Rfc2136Settings,
    Route53Settings,
    open_provider,
)
from transship.cutover.observe.zone import ask_name_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.dns.lab import DnsLab
    from transship.cutover.change.provider import DnsProvider
    from transship.cutover.evidence import ZoneEvidence
    from transship.cutover.observe.dns_queries import DnsClient
    from transship.cutover.observer import DnsObserver

NAME = IMAGES.rstrip(".")
BEFORE = desired_records(NAME, [OLD], TTL)
AFTER = desired_records(NAME, [NEW], 60)


async def nothing() -> ZoneEvidence:
    raise AssertionError


async def opened(
    way: ProviderSettings, store: SessionStore | None = None, *, read_only: bool = False
) -> DnsProvider:
    return await open_provider(
        way, store or SessionStore(), nothing, SystemClock(), read_only=read_only
    )


async def test_the_keyring_has_the_key_of_each_way(lab: DnsLab) -> None:
    store = SessionStore()
    address, url = lab.primary.address, lab.power.url
    await store_tsig_key(store, address, TsigKey(KEY_NAME, KEY_SECRET))
    await store_api_key(store, url, API_KEY)

    update = await opened(
        Rfc2136Settings(EXAMPLE.rstrip("."), address, KEY_NAME, lab.block.port), store
    )
    power = await opened(PowerDnsSettings("power.test", url), store)

    assert await update.read(NAME) == BEFORE
    assert await power.read("images.power.test") == desired_records("images.power.test", [OLD], TTL)
    # A registry may have the same name, and another secret.
    assert await store.get(address, KEY_NAME) is None


@pytest.mark.parametrize(
    "way",
    [
        Rfc2136Settings("example.test", "127.0.0.1", "k."),
        PowerDnsSettings("power.test", "https://dns.example"),
    ],
)
async def test_without_a_key_it_says_so(way: ProviderSettings) -> None:
    with pytest.raises(errors.KeyMissing):
        await opened(way)


async def test_read_only_turns_every_write_off(
    lab: DnsLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SessionStore()
    address, url = lab.primary.address, lab.power.url
    await store_tsig_key(store, address, TsigKey(KEY_NAME, KEY_SECRET))
    await store_api_key(store, url, API_KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    ways: list[ProviderSettings] = [
        Rfc2136Settings(EXAMPLE.rstrip("."), address, KEY_NAME, lab.block.port),
        PowerDnsSettings("power.test", url),
        Route53Settings("Z1"),
        ManualSettings(),
    ]

    for way in ways:
        applier = await opened(way, store, read_only=True)
        assert not applier.writes
        with pytest.raises(errors.WritesOff):
            await applier.apply(applier.plan(BEFORE, AFTER), BEFORE)
        with pytest.raises(errors.WritesOff, match=OLD):
            await applier.restore(Snapshot(NAME, 0.0, BEFORE))
    assert await (await opened(ways[0], store, read_only=True)).read(NAME) == BEFORE


async def test_by_hand_the_edit_is_shown_and_nothing_is_done(
    observers: Callable[..., DnsObserver],
) -> None:
    look = observers()
    applier = await open_provider(
        ManualSettings(), SessionStore(), lambda: look.servers(whole=True), SystemClock()
    )

    assert await applier.read(NAME) == BEFORE
    planned = applier.plan(BEFORE, AFTER)
    with pytest.raises(errors.ByHandOnly, match=f"{OLD}; put there .*60 IN CNAME {NEW}"):
        await applier.apply(planned, BEFORE)
    with pytest.raises(errors.ByHandOnly, match=f"put back .*{OLD}"):
        await applier.restore(Snapshot(NAME, 0.0, BEFORE))


async def test_servers_that_do_not_agree_have_more_than_dns_shows(
    lab: DnsLab, observers: Callable[..., DnsObserver], dns_client: DnsClient
) -> None:
    look = observers()
    zone = await look.servers(whole=True)
    with lab.stuck_secondary():
        lab.primary.set(EXAMPLE, IMAGES, "CNAME", NEW, ttl=TTL)

        async def servers() -> ZoneEvidence:
            return await look.servers(whole=True)

        applier = await open_provider(ManualSettings(), SessionStore(), servers, SystemClock())
        with pytest.raises(errors.RecordNotPlain, match="says"):
            await applier.read(NAME)

    async def nobody() -> ZoneEvidence:
        gone = await ask_name_server(
            dns_client, "example.test", NAME, "ns", "127.0.0.254", ("CNAME",)
        )
        return replace(zone, servers=(gone,))

    applier = await open_provider(ManualSettings(), SessionStore(), nobody, SystemClock())
    with pytest.raises(errors.ProviderUnreachable):
        await applier.read(NAME)
