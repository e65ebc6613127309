"""Certificates and their files, and what else of the form is rarely needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from fakes.registries import FormEngine
from fakes.registry_form import SECRET, form_for
from fakes.screen import looks_like, until
from transship import errors
from transship.accounts.registry_file import Account
from transship.registry.credential import Tls


async def test_what_is_rarely_needed_is_folded_away() -> None:
    async with form_for(FormEngine()) as form:
        form.fill(host="reg.example")
        assert not form.is_unfolded
        await form.pilot.press("ctrl+o")
        await form.focuses("client-cert")
        assert form.is_unfolded
        await form.pilot.press("ctrl+o")
        await form.focuses("more")
        assert not form.is_unfolded


async def test_an_account_that_has_something_rare_shows_it() -> None:
    account = Account("old.example", tls=Tls(client_cert="/c.pem"))
    async with form_for(FormEngine(known=[account]), account) as form:
        assert form.is_unfolded
        assert form.app.screen.query_one("#client-cert", Input).value == "/c.pem"


async def test_a_client_certificate_is_kept_by_its_path() -> None:
    async with form_for(FormEngine()) as form:
        form.fill(host="reg.example")
        await form.pilot.press("ctrl+o")
        await form.focuses("client-cert")
        form.choose("sign-in", "")
        form.fill(client_cert="~/c.pem", client_key="~/k.pem")
        await form.press("save")
        await form.is_closed()
        home = str(Path.home())
        kept = form.engine.kept[0][0].tls
        assert (kept.client_cert, kept.client_key) == (f"{home}/c.pem", f"{home}/k.pem")


@pytest.mark.parametrize(
    ("detail", "place"),
    [
        ("/c.pem: No such file or directory", "client-cert"),
        ("/k.pem: Permission denied", "client-key"),
    ],
)
async def test_a_file_that_cannot_be_read_is_said_at_its_field(detail: str, place: str) -> None:
    async with form_for(FormEngine(failures={"examine": errors.BadFile(detail)})) as form:
        form.fill(host="reg.example", client_cert="/c.pem", client_key="/k.pem")
        form.choose("sign-in", "")
        await form.press("test")
        await form.says(place, detail)
        assert form.is_unfolded


async def test_a_key_without_a_certificate_is_said() -> None:
    async with form_for(FormEngine()) as form:
        form.choose("sign-in", "")
        form.fill(host="reg.example", client_key="/k.pem")
        await form.press("save")
        await form.says("client-key", "The key needs client-cert too")
        assert form.is_unfolded
        assert form.engine.kept == []


@pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=["80x24", "60x20"])
async def test_what_is_unfolded_looks_like_this(size: tuple[int, int]) -> None:
    engine = FormEngine(failures={"examine": errors.BadFile("/k.pem: Permission denied")})
    async with form_for(engine, size=size) as form:
        form.fill(host="reg.example", username="alice", secret=SECRET)
        form.fill(client_cert="/c.pem", client_key="/k.pem")
        await form.pilot.press("ctrl+t")
        await form.says("client-key", "Permission denied")
        await form.pilot.pause()
        await looks_like(form.pilot, f"registry-form-more-{size[0]}x{size[1]}")


async def test_plain_http_has_no_certificates_to_name() -> None:
    async with form_for(FormEngine()) as form:
        form.choose("tls", "plain")
        await until(form.pilot, lambda: not form.field("client-cert").display, "it is gone")
        assert not form.field("client-key").display


async def test_an_own_ca_file_is_waited_for_and_made_absolute(tmp_path: object) -> None:
    async with form_for(FormEngine()) as form:
        assert not form.field("ca-file").display
        form.choose("tls", "ca")
        form.fill(host="reg.example")
        await until(form.pilot, lambda: form.field("ca-file").display, "the field is there")
        await form.leave_host("reg.example")
        await form.pilot.pause()
        assert form.engine.tried == []
        form.app.screen.query_one("#ca-file").focus()
        form.fill(ca_file="~/ca.pem")
        await form.pilot.press("enter")
        await until(form.pilot, lambda: form.engine.tried, "it is asked")
        path = form.engine.tried[0][0].tls.ca_file
        assert path.startswith("/")
        assert path.endswith("/ca.pem")
        assert "~" not in path


async def test_a_bad_ca_file_is_said_at_the_file() -> None:
    engine = FormEngine(failures={"examine": errors.BadFile("/etc/ca.pem: no certificate")})
    async with form_for(engine) as form:
        form.choose("tls", "ca")
        form.fill(host="reg.example", ca_file="/etc/ca.pem")
        await form.press("test")
        await form.says("ca-file", "/etc/ca.pem: no certificate")
