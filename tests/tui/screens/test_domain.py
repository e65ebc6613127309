"""Custom domains of an instance of TCR: each in words, added, waited for, and removed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.widgets import Input, Select

from fakes.screen import line_in, screen_text, until
from fakes.tcr_world import TCR, WAYS
from fakes.world import Walk, full_world, walking
from transship import errors
from transship.app.engines import DomainRequest, InstanceDomains
from transship.engines.tcr.domains import CustomDomain, DomainProgress, domain_status_text
from transship_tui.widgets.bars import LineBar, MessageBar

COMING = CustomDomain("next.shop.example", "cert-next", "CREATING")


def said(walk: Walk) -> str:
    return " ".join(screen_text(walk.app).replace("▌", " ").replace("▐", " ").split())


def wished(walk: Walk) -> object:
    return next(what for name, what in reversed(walk.engine.asked) if name == "draw_changes")


def seen(said: str, waited: float) -> DomainProgress:
    domain = replace(COMING, said=said)
    return DomainProgress(domain, waited, domain_status_text(domain, waited))


async def test_each_is_shown_with_its_certificate_and_in_words() -> None:
    async with walking(full_world(), WAYS["domains"], (120, 40)) as walk:
        shown = said(walk)
        assert "✓ works images.shop.example cert-wild 2026-10-11" in shown
        assert "✗ failed broken.shop.example cert-gone" in shown
        assert "▸ being attached next.shop.example" in shown
        assert "It ends 2026-10-11, and TCR doesn't renew it" in shown
        assert f"transship delegate domain list {TCR}" in line_in(walk.app, LineBar)
        await walk.press("j")
        assert "couldn't be attached (FAILURE). Remove it" in said(walk)


async def test_one_that_is_on_its_way_is_waited_for_until_it_works() -> None:
    engine = full_world()
    async with walking(engine, WAYS["domains"], (120, 40)) as walk:
        engine.waits = (seen("CREATING", 0.0), seen("SUCCESS", 65.0))
        await walk.press("r")
        assert "✓ works next.shop.example" in said(walk)
        assert "next.shop.example works at the instance" in line_in(walk.app, MessageBar)


async def test_one_that_takes_long_says_what_is_mostly_wrong() -> None:
    engine = full_world()
    async with walking(engine, WAYS["domains"], (120, 40)) as walk:
        engine.waits = (seen("CREATING", 400.0),)
        await walk.press("r", "G")
        assert "That is mostly a problem of the certificate (cert-next)" in said(walk)


async def test_one_that_fails_says_what_to_do() -> None:
    engine = full_world()
    async with walking(engine, WAYS["domains"], (120, 40)) as walk:
        engine.waits = (seen("FAILURE", 65.0),)
        await walk.press("r")
        assert "couldn't be attached" in line_in(walk.app, MessageBar)


async def test_a_domain_is_added_with_a_certificate_of_the_account() -> None:
    async with walking(full_world(), WAYS["domain-changes"], (120, 40)) as walk:
        assert wished(walk) == DomainRequest(TCR, "new.shop.example", "cert-next")
        line = f"transship delegate domain add {TCR} new.shop.example --certificate cert-next"
        assert walk.app.screen.query_one(LineBar).line == line
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        walk.engine.waits = ()
        await walk.press("right", "enter")
        await walk.is_at("DomainsScreen")
        assert "make_changes" in dict(walk.engine.asked)


async def test_certificates_that_do_not_hold_are_not_offered() -> None:
    async with walking(full_world(), WAYS["domain-form"], (120, 40)) as walk:
        select = walk.app.screen.query_one("#certificate", Select)
        values = [value for _, value in select._options]
        assert values == ["cert-next", "cert-wild", "by id", "by files"]


async def test_a_certificate_from_files_is_handed_over_only_as_it_says() -> None:
    async with walking(full_world(), WAYS["domain-form"], (120, 40)) as walk:
        walk.app.screen.query_one("#certificate", Select).value = "by files"
        await until(walk.pilot, lambda: "Private key" in said(walk), "the fields of the files")
        assert "The service is handed the certificate and its private key" in said(walk)
        await walk.press("ctrl+s")
        await walk.is_at("DomainFormScreen")
        assert "This is needed." in said(walk)
        walk.app.screen.query_one("#chain", Input).value = "/tls/chain.pem"
        walk.app.screen.query_one("#key", Input).value = "/tls/key.pem"
        await walk.press("ctrl+s")
        await walk.is_at("DomainChangesScreen")
        files = (Path("/tls/chain.pem"), Path("/tls/key.pem"))
        assert wished(walk) == DomainRequest(TCR, "new.shop.example", files=files)
        assert "--upload /tls/chain.pem /tls/key.pem" in walk.app.screen.query_one(LineBar).line


async def test_where_certificates_cannot_be_seen_one_is_named_by_its_id() -> None:
    engine = full_world()
    engine.domains_there = InstanceDomains((), (), 0.0, "no right to ssl:DescribeCertificates")

    async def there(walk: Walk) -> None:
        there = walk.engine.domains_there
        walk.engine.domains_there = replace(there, domains=(), certificates=())
        await WAYS["domain-form"](walk)

    async with walking(engine, there, (120, 40)) as walk:
        assert "Those of the account can't be seen" in said(walk)
        walk.app.screen.query_one("#id", Input).value = "cert-mine"
        await walk.press("ctrl+s")
        await walk.is_at("DomainChangesScreen")
        assert wished(walk) == DomainRequest(TCR, "new.shop.example", "cert-mine")


async def test_removing_shows_what_it_changes_first() -> None:
    async with walking(full_world(), WAYS["domains"]) as walk:
        await walk.press("g", "D")
        await walk.is_at("DomainChangesScreen")
        assert wished(walk) == DomainRequest(TCR, "images.shop.example", remove=True)
        line = f"transship delegate domain remove {TCR} images.shop.example"
        assert walk.app.screen.query_one(LineBar).line == line
        assert "make_changes" not in dict(walk.engine.asked)


async def test_where_there_is_none_it_says_how_to_add_one() -> None:
    engine = full_world()

    async def there(walk: Walk) -> None:
        walk.engine.domains_there = InstanceDomains((), (), 0.0)
        await WAYS["domains"](walk)

    async with walking(engine, there) as walk:
        assert "No custom domains. a adds one; DNS isn't changed by that." in said(walk)
        await walk.press("D")
        assert "There is no custom domain here." in line_in(walk.app, MessageBar)


async def test_what_cannot_be_asked_is_said() -> None:
    engine = full_world()
    engine.failures["domains_at"] = errors.TimedOut("tcr.tencentcloudapi.com")
    async with walking(engine, WAYS["domains"]) as walk:
        assert "It isn't known." in said(walk)
        await walk.press("a")
        assert "It isn't known yet." in line_in(walk.app, MessageBar)
