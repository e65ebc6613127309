"""A record that is changed from the board: its key, what was broken off, and the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual.widgets import Button, Input, Select, Static

from fakes.cutovers_world import (
    APPLIER,
    NAME,
    broken_off,
    changed,
    changed_with_loss,
    out_of_step,
    ready,
)
from fakes.screen import line_in, screen_text, until
from fakes.world import WAYS, full_world, walking
from transship.app.provider_request import ProviderKind
from transship.cutover.change.settings import (
    ManualSettings,
    PowerDnsSettings,
    Rfc2136Settings,
    Route53Settings,
)
from transship.cutover.rollback import Rollback
from transship.errors import KeyMissing, KeyRefused, KeyringAbsent
from transship_tui.widgets.bars import Heading, MessageBar

if TYPE_CHECKING:
    from fakes.world import Walk

UPDATE = Rfc2136Settings("example.com", "9.1.1.1", "mover")


async def confirmed(walk: Walk) -> None:
    """Type the domain, and enter it."""
    await walk.is_at("ConfirmDialog")
    await walk.press(*"images.example.com", "enter")
    await walk.is_at("CutoverBoardScreen")


# The key


async def test_a_key_that_is_missing_is_asked_for_before_the_change() -> None:
    async with walking(full_world(), WAYS["cutover-key"]) as walk:
        assert "Secret of the TSIG key mover at 9.1.1.1" in screen_text(walk.app)
        await walk.press(*"c2VjcmV0", "enter")
        assert "c2VjcmV0" not in screen_text(walk.app)
        await confirmed(walk)
        assert walk.engine.keys == {UPDATE: "c2VjcmV0"}
        assert ("change_record", NAME) in walk.engine.asked


async def test_without_the_key_nothing_is_changed() -> None:
    async with walking(full_world(), WAYS["cutover-key"]) as walk:
        await walk.press("escape")
        await walk.is_at("CutoverBoardScreen")
        assert "the provider's key is needed" in line_in(walk.app, MessageBar)
        assert ("change_record", NAME) not in walk.engine.asked


async def test_without_a_keyring_the_key_can_be_kept_for_this_run() -> None:
    engine = full_world()
    engine.failures["keep_key"] = KeyringAbsent("no session bus")
    async with walking(engine, WAYS["cutover-key"]) as walk:
        await walk.press(*"c2VjcmV0", "enter")
        await until(walk.pilot, lambda: "no session bus" in screen_text(walk.app), "the reason")
        walk.app.screen.query_one("#this-run", Button).press()
        await walk.is_at("ConfirmDialog")
        assert walk.engine.keys == {UPDATE: "c2VjcmV0"}


async def test_a_key_that_is_refused_is_asked_for_anew() -> None:
    engine = full_world()
    engine.keys[UPDATE] = "old"
    engine.failures["change_record"] = KeyRefused("BADSIG")
    async with walking(engine, WAYS["cutover"]) as walk:
        engine.ways[NAME] = UPDATE
        engine.standings[NAME] = ready(applier=APPLIER)
        await walk.press("enter")
        await walk.is_at("CutoverBoardScreen")
        walk.app.screen.query_one("#change-it", Button).press()
        await walk.is_at("ConfirmDialog")
        await walk.press(*"images.example.com", "enter")
        await walk.is_at("ProviderSecretDialog")
        assert "doesn't accept the key: BADSIG" in screen_text(walk.app)
        del engine.failures["change_record"]
        await walk.press(*"bmV3", "enter")
        await walk.is_at("CutoverBoardScreen")
        assert engine.keys == {UPDATE: "bmV3"}
        assert "The change is made" in line_in(walk.app, MessageBar)


async def test_a_key_that_is_missing_after_all_is_asked_for_too() -> None:
    engine = full_world()
    engine.keys[UPDATE] = "gone meanwhile"
    engine.failures["change_record"] = KeyMissing("mover for 9.1.1.1")
    async with walking(engine, WAYS["cutover"]) as walk:
        engine.ways[NAME] = UPDATE
        engine.standings[NAME] = ready(applier=APPLIER)
        await walk.press("enter")
        await walk.is_at("CutoverBoardScreen")
        walk.app.screen.query_one("#change-it", Button).press()
        await walk.is_at("ConfirmDialog")
        await walk.press(*"images.example.com", "enter")
        await walk.is_at("ProviderSecretDialog")
        await walk.press("escape")
        await walk.is_at("CutoverBoardScreen")
        assert "No key for the DNS provider" in line_in(walk.app, MessageBar)


# How it is changed


async def test_the_way_can_be_said_anew_on_the_board() -> None:
    async with walking(full_world(), WAYS["cutover-board"]) as walk:
        await walk.press("m")
        await walk.is_at("ProviderDialog")
        walk.app.screen.query_one("#way", Select).value = ProviderKind.ROUTE53
        await walk.rests()
        await walk.press("ctrl+s")
        assert "the hosted zone's id is needed" in screen_text(walk.app)
        await walk.press(*"Z123", "ctrl+s")
        await walk.is_at("CutoverBoardScreen")
        assert walk.engine.ways[NAME] == Route53Settings("Z123")
        assert "nothing was changed by that" in line_in(walk.app, MessageBar)


async def test_the_form_keeps_the_way_and_offers_to_take_the_key() -> None:
    async with walking(full_world(), WAYS["cutover-way"], (120, 40)) as walk:
        assert (
            "--rfc2136 10.0.0.53 --zone example.com --key mover"
            in walk.app.screen.query_one("LineBar").line
        )  # type: ignore[attr-defined]
        walk.engine.looks = []
        await walk.press("ctrl+s")
        await walk.is_at("ProviderSecretDialog")
        await walk.press("escape")
        await walk.is_at("CutoverBoardScreen")
        name = "images.example.com-abcdef"
        assert walk.engine.ways[name] == Rfc2136Settings("example.com", "10.0.0.53", "mover")
        assert not walk.engine.keys


async def test_what_is_wrong_with_the_way_is_said_under_its_field() -> None:
    async with walking(full_world(), WAYS["cutover-way"], (120, 40)) as walk:
        walk.app.screen.query_one("#way-update", Input).value = "ns1.example.com"
        await walk.press("ctrl+s")
        await walk.is_at("CutoverFormScreen")
        assert "✗ ns1.example.com is no IP[:PORT]" in screen_text(walk.app)
        assert walk.app.focused is not None
        assert walk.app.focused.id == "way-update"


async def test_public_resolvers_are_left_alone_if_that_is_said() -> None:
    async with walking(full_world(), WAYS["cutover-form"], (120, 40)) as walk:
        walk.app.screen.query_one("#public", Select).value = False
        await walk.rests()
        walk.app.screen.query_one("#new", Input).value = "b.example"
        await walk.rests()
        walk.engine.looks = []
        await walk.press("ctrl+s")
        await walk.is_at("CutoverBoardScreen")
        name = "images.example.com-abcdef"
        assert not walk.engine.standings[name].subject.public
        assert walk.engine.ways[name] == ManualSettings()


# What was broken off


async def test_a_change_that_was_broken_off_is_shown_first_and_nothing_is_done() -> None:
    async with walking(full_world(), WAYS["cutover-broken-off"], (120, 40)) as walk:
        shown = screen_text(walk.app)
        assert "The change was broken off. Go on with it?" in shown
        assert "+ images.example.com. 60 IN CNAME registry.newcloud.org." in shown
        assert "Going on sends nothing again" in shown
        await walk.press("enter")
        await walk.is_at("CutoverBoardScreen")
        assert ("end_change", NAME) not in walk.engine.asked
        assert "what became of the change isn't known: it was broken off" in screen_text(walk.app)


async def test_it_is_gone_on_with_once_the_operator_says_so() -> None:
    async with walking(full_world(), WAYS["cutover-broken-off"], (120, 40)) as walk:
        await walk.press("escape")
        await walk.is_at("CutoverBoardScreen")
        button = walk.app.screen.query_one("#change-it", Button)
        assert str(button.label) == "C End change…"
        button.press()
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await walk.is_at("CutoverBoardScreen")
        assert ("end_change", NAME) in walk.engine.asked
        assert "The change is made" in line_in(walk.app, MessageBar)


async def test_a_change_that_another_process_makes_is_only_told() -> None:
    engine = full_world()
    standing = broken_off()
    assert standing.unended is not None
    running = replace(standing, unended=replace(standing.unended, running=True))
    engine.standings[NAME] = running
    async with walking(engine, WAYS["cutover-board"], (120, 40)) as walk:
        assert "another process makes it" in screen_text(walk.app)


async def test_with_read_only_what_was_broken_off_stays_so() -> None:
    engine = full_world()
    engine.standings[NAME] = replace(
        broken_off(), applier=replace(APPLIER, why_not="nothing is written with --read-only")
    )
    async with walking(engine, WAYS["cutover-board"], (120, 40)) as walk:
        assert "can't be ended from here: nothing is written" in line_in(walk.app, MessageBar)


# The way back


async def test_a_way_back_that_is_blocked_is_told_whole_with_the_key_that_helps() -> None:
    engine = full_world()
    uncompared = changed(applier=APPLIER, way_back=Rollback(None, 60, 0, (), None))
    engine.standings[NAME], engine.compared = uncompared, changed(applier=APPLIER)
    async with walking(engine, WAYS["cutover-board"]) as walk:
        words = " ".join(str(walk.app.screen.query_one("#why", Static).render()).split())
        assert words == (
            "going back is blocked (c compares): nobody has compared the two registries since the "
            "change"
        )
        shown = " ".join(screen_text(walk.app).split())
        assert "registries since the change" in shown
        assert "c Compare" in screen_text(walk.app)
        assert "R Roll back…" in screen_text(walk.app)
        await walk.press("c")
        await until(walk.pilot, lambda: "going back is possible" in screen_text(walk.app), "so")


async def test_a_key_puts_the_record_back_after_its_question() -> None:
    engine = full_world()
    engine.standings[NAME] = changed(applier=APPLIER)
    async with walking(engine, WAYS["cutover-board"]) as walk:
        await walk.press("R")
        await confirmed(walk)
        assert ("roll_back_record", (NAME, False)) in walk.engine.asked


async def test_before_the_change_the_key_of_the_way_back_says_why_it_does_nothing() -> None:
    async with walking(full_world(), WAYS["cutover-ready"]) as walk:
        await walk.press("R")
        assert "Nothing was changed yet" in line_in(walk.app, MessageBar)
        await walk.press("C")
        await walk.is_at("ConfirmDialog")


async def test_before_going_back_copying_back_is_offered_first() -> None:
    engine = full_world()
    engine.copied_back = changed(applier=APPLIER)
    async with walking(engine, WAYS["cutover-back"], (120, 40)) as walk:
        shown = screen_text(walk.app)
        assert "Copy 2 tags back to registry.oldcloud.net" in shown
        assert "Go back, and hide 2 tags" in shown
        await walk.press("enter")
        await confirmed(walk)
        assert ("copy_back_cutover", NAME) in walk.engine.asked
        assert ("roll_back_record", (NAME, False)) in walk.engine.asked


async def test_what_both_have_pushed_is_decided_before_going_back() -> None:
    engine = full_world()
    engine.standings[NAME] = out_of_step(applier=APPLIER)
    async with walking(engine, WAYS["cutover-board"], (120, 40)) as walk:
        walk.app.screen.query_one("#back-it", Button).press()
        await walk.is_at("ChoiceDialog")
        shown = screen_text(walk.app)
        assert "Copy 1 tag back to registry.oldcloud.net" in shown
        assert "Decide about 1 tag that both have pushed" in shown
        await walk.press("j", "enter")
        await walk.is_at("CutoverBoardScreen")
        assert "? asks     team/app:1.4" in screen_text(walk.app)


async def test_where_it_cannot_be_compared_anew_the_domain_is_typed_once_more() -> None:
    engine = full_world()
    engine.standings[NAME] = changed(applier=APPLIER)
    engine.why_not_compared = "nobody answers"
    async with walking(engine, WAYS["cutover-board"], (120, 40)) as walk:
        for accepts in (False, True):
            walk.app.screen.query_one("#back-it", Button).press()
            await walk.is_at("ConfirmDialog")
            await walk.press(*"images.example.com", "enter")
            await until(
                walk.pilot, lambda: "without knowing what it hides" in screen_text(walk.app), "why"
            )
            assert "nobody answers" in screen_text(walk.app)
            if accepts:
                await confirmed(walk)
            else:
                await walk.press("escape")
                await walk.is_at("CutoverBoardScreen")
                assert "isn't known" in line_in(walk.app, MessageBar)
                assert ("roll_back_record", (NAME, True)) not in walk.engine.asked
        assert walk.engine.asked[-1] == ("roll_back_record", (NAME, True))


async def test_where_nobody_has_compared_that_is_offered_first() -> None:
    engine = full_world()
    engine.standings[NAME] = changed(applier=APPLIER, way_back=Rollback(None, 60, 0, (), None))
    engine.compared = changed_with_loss(applier=APPLIER)
    async with walking(engine, WAYS["cutover-board"], (120, 40)) as walk:
        walk.app.screen.query_one("#back-it", Button).press()
        await walk.is_at("ChoiceDialog")
        assert "Go back without knowing what it hides" in screen_text(walk.app)
        await walk.press("enter")
        await until(
            walk.pilot, lambda: "Go back, and hide 2 tags" in screen_text(walk.app), "what it hides"
        )
        await walk.press("escape")
        await walk.is_at("CutoverBoardScreen")
        assert "changed" in line_in(walk.app, Heading)
        assert not [each for each in walk.engine.asked if each[0] == "roll_back_record"]


async def test_the_api_of_powerdns_is_a_way_too() -> None:
    async with walking(full_world(), WAYS["cutover-board"]) as walk:
        await walk.press("m")
        await walk.is_at("ProviderDialog")
        walk.app.screen.query_one("#way", Select).value = ProviderKind.POWERDNS
        await walk.rests()
        walk.app.screen.query_one("#way-powerdns", Input).value = "https://dns.example:8081"
        walk.app.screen.query_one("#way-zone", Input).value = "example.com"
        await walk.press("ctrl+s")
        await walk.is_at("ProviderSecretDialog")
        await walk.press(*"api", "enter")
        await walk.is_at("CutoverBoardScreen")
        assert walk.engine.keys == {
            PowerDnsSettings("example.com", "https://dns.example:8081"): "api"
        }
