"""The form asks which service it is, then in that service's own words."""

from __future__ import annotations

import hashlib
import hmac
import json
from functools import partial
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from fakes.registries import FormEngine, found, wants_sign_in
from fakes.registry_form import SECRET, Form, form_for
from fakes.screen import looks_like, screen_text, until
from transship.accounts.registry_file import Account
from transship.registry.service import GENERIC, Service, all_services, service_named, service_of
from transship.registry.sign_in_form import SignInIdentity, SignInQuestion
from transship_tui.screens.registries.form import ServiceChoices, services_for, title_of

ACCOUNTS = [service for service in all_services() if not service.catalogue]


async def choose_service(form: Form, service: Service) -> None:
    """Type for a service until it is the one that enter takes."""
    await form.pilot.press(*title_of(service).lower().partition(" ")[0])
    choices = form.app.screen.query_one(ServiceChoices)

    def at_cursor() -> str | None:
        at = choices.highlighted
        return None if at is None else choices.get_option_at_index(at).id

    for _ in range(len(all_services())):
        if at_cursor() == service.kind:
            break
        await form.pilot.press("down")
    assert at_cursor() == service.kind
    await form.pilot.press("enter")
    await until(form.pilot, lambda: form.chosen("service") == service.kind, "it is chosen")


def answer_to(question: SignInQuestion, folder: Path) -> str:
    """Return an answer that a question takes."""
    if question.from_file:
        (folder / "key.json").write_text(json.dumps({"private_key": SECRET}))
        return str(folder / "key.json")
    if question.secret:
        return SECRET
    if question.example and "…" not in question.example:
        return question.example
    known = {"Client ID": "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "Account ID": "100000000001"}
    return known.get(question.label, "alice12345")


def control_of(question: SignInQuestion) -> str:
    return {"user": "username"}.get(question.id, question.id)


async def asks_for(form: Form, identity: SignInIdentity) -> None:
    """See every question of an identity with its hint, and where to find its answer."""
    shown = form.app.screen.query_one("#help", Static)
    for question in identity.questions:
        field = form.app.screen.query_one(f"#{control_of(question)}", Input)
        await until(form.pilot, partial(is_hinted, question.hint, field), question.hint)
        assert question.label in screen_text(form.app)
        field.focus()
        where = question.where or question.hint
        await until(form.pilot, partial(is_in, where, shown), where)
    assert form.field("username").display is (identity.user is not None)


def is_hinted(hint: str, field: Input) -> bool:
    return hint in field.placeholder


def is_in(words: str, shown: Static) -> bool:
    return words in str(shown.visual)


@pytest.mark.parametrize("service", ACCOUNTS, ids=lambda service: service.kind)
async def test_every_service_is_asked_for_in_its_own_words_and_kept(
    service: Service, tmp_path: Path
) -> None:
    engine = FormEngine(answer=wants_sign_in)
    words = service.sign_in_form
    async with form_for(engine, size=(80, 40)) as form:
        await choose_service(form, service)
        for place, question in zip(("part-1", "part-2"), words.parts, strict=False):
            assert question.label in screen_text(form.app)
            form.app.screen.query_one(f"#{place}", Input).value = question.example
        if not words.parts and not words.at:
            form.fill(host=words.host.default or "reg.example")
        form.choose("sign-in", "keyring")
        await form.pilot.pause()
        for identity in reversed(words.identities):
            if len(words.identities) > 1:
                form.choose("identity", identity.id)
            await form.pilot.pause()
            await asks_for(form, identity)
        for question in identity.questions:
            field = form.app.screen.query_one(f"#{control_of(question)}", Input)
            field.value = answer_to(question, tmp_path)
        await form.pilot.pause()
        seen = [screen_text(form.app)]
        await form.press("save")
        await form.is_closed()
        seen.append(screen_text(form.app))

    [(account, secret)] = engine.kept
    expected = words.host_from({each.id: each.example for each in words.parts})
    assert account.host == (expected or words.host.default or "reg.example")
    assert (service_named(account.service) or service_of(account.host)) is service
    assert account.secret_source == "keyring"
    assert account.username
    assert secret
    assert not [text for text in seen if SECRET in text or secret in text]


async def test_the_secret_key_makes_a_login_key_and_is_given_to_nobody() -> None:
    engine = FormEngine(answer=wants_sign_in)
    async with form_for(engine) as form:
        await form.pilot.press(*"huawei", "enter")
        form.app.screen.query_one("#part-1", Input).value = "cn-north-4"
        form.fill(username="ACCESSKEY0001", secret=SECRET)
        await form.press("save")
        await form.is_closed()
    wanted = hmac.new(SECRET.encode(), b"ACCESSKEY0001", hashlib.sha256).hexdigest()
    assert engine.kept[0][0].username == "cn-north-4@ACCESSKEY0001"
    assert engine.kept[0][1] == wanted
    assert SECRET not in {secret for _, secret in engine.tried}


async def test_a_profile_of_this_machine_needs_no_secret() -> None:
    engine = FormEngine(answer=lambda account, _: found(account, signed_in=True))
    async with form_for(engine) as form:
        await form.pilot.press(*"aws", "enter")
        await form.focuses("part-1")
        assert "by the AWS profile of this machine" in screen_text(form.app)
        assert not form.field("secret").display
        await form.pilot.press(*"123456789012", "tab", *"eu-west-1", "tab")
        await form.press("save")
        await form.is_closed()
        await until(
            form.pilot, lambda: "by the AWS profile" in screen_text(form.app), "it is in the list"
        )
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    assert engine.kept == [(Account(host), None)]


async def test_nobody_is_handed_a_login_before_it_was_asked_for() -> None:
    engine = FormEngine(answer=wants_sign_in)
    async with form_for(engine) as form:
        form.choose("sign-in", "keyring")
        await form.leave_host("123456789012.dkr.ecr.eu-west-1.amazonaws.com")
        form.choose("sign-in", "keyring")
        await form.pilot.pause()
        assert engine.tried == []


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("az", "acr"),
        ("aws", "ecr"),
        ("hub", "docker-hub"),
        ("github", "ghcr"),
        ("gitl", "gitlab"),
        ("aliyun", "alibaba"),
        ("ten", "tcr"),
        ("zot", "registry"),
        ("google art", "gar"),
    ],
)
def test_a_few_letters_find_a_service(typed: str, first: str) -> None:
    assert services_for(typed)[0].kind == first


def test_everything_is_offered_before_anything_is_typed() -> None:
    assert set(services_for("")) == {each for each in all_services() if not each.catalogue}
    assert services_for("")[-1] is GENERIC


async def test_a_host_needs_no_choice_of_a_service() -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        assert form.app.screen.query_one(ServiceChoices).display
        assert not form.field("alias").display
        await form.pilot.press(*"ghcr.io", "tab")
        await form.focuses("alias")
        await form.says("service", "by its name it is GitHub Container Registry")
        assert "personal access token (classic)" in screen_text(form.app)


async def test_a_click_chooses_a_service_too() -> None:
    async with form_for(FormEngine()) as form:
        await form.pilot.click(OptionList, offset=(2, 1))
        await until(form.pilot, lambda: form.chosen("service") == "harbor", "Harbor is chosen")
        await form.focuses("host")


async def test_a_host_of_ones_own_stays_as_it_was_typed() -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        await form.pilot.press(*"azure", "enter", *"example", "tab")
        host = form.app.screen.query_one("#host", Input)
        await until(form.pilot, lambda: host.value == "example.azurecr.io", "it is made")
        host.focus()
        form.fill(host="images.example.com")
        await until(form.pilot, lambda: form.widget.fields.entry.kind.kind == "acr", "still Azure")
        assert form.widget.fields.entry.account().service == "acr"


async def test_a_host_that_is_typed_is_taken_apart() -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        await form.pilot.press(*"aws", "enter")
        form.app.screen.query_one("#host", Input).focus()
        form.fill(host="123456789012.dkr.ecr.eu-west-1.amazonaws.com")
        region = form.app.screen.query_one("#part-2", Input)
        await until(form.pilot, lambda: region.value == "eu-west-1", "the region is known")


@pytest.mark.parametrize("service", ["docker", "aws", "quay"])
async def test_a_service_that_was_chosen_is_nothing_to_lose(service: str) -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        await form.pilot.press(*service, "enter")
        await until(form.pilot, lambda: form.chosen("service"), "it is chosen")
        await form.pilot.press("escape")
        await form.is_closed()


@pytest.mark.parametrize("place", ["part-1", "username", "key-file", "secret"])
async def test_an_answer_is_something_to_lose(place: str) -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        await form.pilot.press(*"google art", "enter")
        await until(form.pilot, lambda: form.chosen("service"), "it is chosen")
        form.app.screen.query_one(f"#{place}", Input).value = "x"
        await form.pilot.pause()
        await form.pilot.press("escape")
        await form.answer("cancel")
        await until(form.pilot, lambda: form.is_open, "back in the form")


async def test_what_cannot_be_an_answer_is_said_with_where_to_find_it() -> None:
    engine = FormEngine(answer=wants_sign_in)
    async with form_for(engine) as form:
        await form.pilot.press(*"aws", "enter", *"12", "tab", *"Europe")
        await form.press("save")
        await form.says("part-1", "Account ID isn't 12 digits")
        await form.says("part-2", "Region isn't a region's code")
        await form.focuses("part-1")
        assert engine.tried == []


async def test_a_key_file_that_is_none_is_said_at_its_field(tmp_path: Path) -> None:
    engine = FormEngine(answer=wants_sign_in)
    (tmp_path / "other.json").write_text("{}")
    async with form_for(engine) as form:
        await form.pilot.press(*"google art", "enter", *"europe")
        await form.press("save")
        await form.says("key-file", "The file is needed")
        form.fill(key_file=str(tmp_path / "none.json"))
        await form.press("save")
        await form.says("key-file", "No such file")
        form.fill(key_file=str(tmp_path / "other.json"))
        await form.press("save")
        await form.says("key-file", "isn't the key of a service account")
        assert engine.kept == []


@pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=["80x24", "60x20"])
@pytest.mark.parametrize(("name", "typed"), [("azure", "azure"), ("aws", "aws")])
async def test_a_form_in_a_services_words_looks_like_this(
    name: str, typed: str, size: tuple[int, int]
) -> None:
    async with form_for(FormEngine(answer=wants_sign_in), size=size) as form:
        await form.pilot.press(*typed, "enter")
        await form.focuses("part-1")
        await form.pilot.press(*("example" if name == "azure" else "123456789012"))
        if name == "azure":
            form.app.screen.query_one("#username").focus()
        await until(form.pilot, lambda: str(form.app.screen.query_one("#help", Static).visual), "?")
        await form.pilot.pause()
        await looks_like(form.pilot, f"registry-form-{name}-{size[0]}x{size[1]}")
