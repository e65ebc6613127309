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
from transship.cutover.change.records import Snapshot, desired
from transship.cutover.change.secret import TsigKey, keep_api_key, keep_tsig_key
from transship.cutover.change.ways import (
    ByHand,
    ByPowerDns,
    ByRoute53,
    ByUpdate,
    Way,
    open_applier,
)
from transship.cutover.observe.walking import look_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.dns.lab import DnsLab
    from transship.cutover.change.applier import Applier
    from transship.cutover.evidence import Zone
    from transship.cutover.looking import DnsObservers
    from transship.cutover.observe.asking import Asker

NAME = IMAGES.rstrip(".")
BEFORE = desired(NAME, [OLD], TTL)
AFTER = desired(NAME, [NEW], 60)


async def nothing() -> Zone:
    raise AssertionError


async def opened(
    way: Way, store: SessionStore | None = None, *, read_only: bool = False
) -> Applier:
    return await open_applier(
        way, store or SessionStore(), nothing, SystemClock(), read_only=read_only
    )


async def test_the_keyring_has_the_key_of_each_way(lab: DnsLab) -> None:
    store = SessionStore()
    address, url = lab.primary.address, lab.power.url
    await keep_tsig_key(store, address, TsigKey(KEY_NAME, KEY_SECRET))
    await keep_api_key(store, url, API_KEY)

    update = await opened(ByUpdate(EXAMPLE.rstrip("."), address, KEY_NAME, lab.block.port), store)
    power = await opened(ByPowerDns("power.test", url), store)

    assert await update.read(NAME) == BEFORE
    assert await power.read("images.power.test") == desired("images.power.test", [OLD], TTL)
    # A registry may have the same name, and another secret.
    assert await store.get(address, KEY_NAME) is None


@pytest.mark.parametrize(
    "way",
    [ByUpdate("example.test", "127.0.0.1", "k."), ByPowerDns("power.test", "https://dns.example")],
)
async def test_without_a_key_it_says_so(way: Way) -> None:
    with pytest.raises(errors.KeyMissing):
        await opened(way)


async def test_read_only_turns_every_write_off(
    lab: DnsLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SessionStore()
    address, url = lab.primary.address, lab.power.url
    await keep_tsig_key(store, address, TsigKey(KEY_NAME, KEY_SECRET))
    await keep_api_key(store, url, API_KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    ways: list[Way] = [
        ByUpdate(EXAMPLE.rstrip("."), address, KEY_NAME, lab.block.port),
        ByPowerDns("power.test", url),
        ByRoute53("Z1"),
        ByHand(),
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
    observers: Callable[..., DnsObservers],
) -> None:
    look = observers()
    applier = await open_applier(
        ByHand(), SessionStore(), lambda: look.servers(whole=True), SystemClock()
    )

    assert await applier.read(NAME) == BEFORE
    planned = applier.plan(BEFORE, AFTER)
    with pytest.raises(errors.ByHandOnly, match=f"{OLD}; put there .*60 IN CNAME {NEW}"):
        await applier.apply(planned, BEFORE)
    with pytest.raises(errors.ByHandOnly, match=f"put back .*{OLD}"):
        await applier.restore(Snapshot(NAME, 0.0, BEFORE))


async def test_servers_that_do_not_agree_have_more_than_dns_shows(
    lab: DnsLab, observers: Callable[..., DnsObservers], asker: Asker
) -> None:
    look = observers()
    zone = await look.servers(whole=True)
    with lab.stuck_secondary():
        lab.primary.set(EXAMPLE, IMAGES, "CNAME", NEW, ttl=TTL)

        async def servers() -> Zone:
            return await look.servers(whole=True)

        applier = await open_applier(ByHand(), SessionStore(), servers, SystemClock())
        with pytest.raises(errors.RecordNotPlain, match="says"):
            await applier.read(NAME)

    async def nobody() -> Zone:
        gone = await look_at(asker, "example.test", NAME, "ns", "127.0.0.254", ("CNAME",))
        return replace(zone, servers=(gone,))

    applier = await open_applier(ByHand(), SessionStore(), nobody, SystemClock())
    with pytest.raises(errors.ProviderUnreachable):
        await applier.read(NAME)
