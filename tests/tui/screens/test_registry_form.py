"""The form says under its fields what is wrong, and keeps nothing that wasn't tried."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Input

from fakes.registries import FormEngine, found, open_to_all, wants_sign_in
from fakes.registry_form import FINGERPRINT, KEYRINGS, SECRET, form_for, refusing, typed
from fakes.screen import looks_like, screen_text, until
from transship import errors
from transship.accounts.registry_file import Account
from transship.errors import TransshipError
from transship.registry.credential import Tls
from transship_tui.widgets.bars import LineBar
from transship_tui.widgets.form import Field

PROBLEMS = [
    (errors.NameNotFound("reg.example"), "host", "Host name not found", "Check the spelling"),
    (errors.ConnectionRefused("reg.example"), "host", "Connection refused", "Check host and port"),
    (errors.TimedOut("reg.example"), "host", "No answer in time", "firewall"),
    (errors.NotARegistry("GET /v2/: 404"), "host", "Not a registry", "host name and the port"),
    (errors.RateLimited("429"), "host", "Too many requests", "wait"),
    (
        errors.CertificateNotTrusted(f"reg.example (SHA-256 fingerprint {FINGERPRINT})"),
        "tls",
        "Certificate not trusted",
        "choose “own CA file”",
    ),
    (errors.PlainHttp("reg.example"), "tls", "speaks plain http", "choose “plain http”"),
    (
        errors.ClientCertificateRefused("x"),
        "client-cert",
        "refused the TLS handshake",
        "name its file",
    ),
    (errors.NoRight("403; a firewall"), "sign-in", "No right", "Give the account the right"),
]


@pytest.mark.parametrize(
    ("problem", "place", "words", "remedy"), PROBLEMS, ids=lambda value: getattr(value, "cause", "")
)
async def test_what_is_wrong_stands_under_the_field_with_what_to_do(
    problem: TransshipError, place: str, words: str, remedy: str
) -> None:
    async with form_for(refusing(problem)) as form:
        await form.leave_host("reg.example")
        await form.says(place, words)
        assert "".join(problem.detail.split()) in "".join(form.said(place).split())
        await form.says(place, remedy)
        others = [field for field in form.app.screen.query(Field) if field.place != place]
        assert not any("✗" in field.said for field in others)


async def test_the_whole_fingerprint_can_be_read_in_a_small_terminal() -> None:
    problem = errors.CertificateNotTrusted(f"reg.example (SHA-256 fingerprint {FINGERPRINT})")
    async with form_for(refusing(problem), size=(60, 20)) as form:
        await form.leave_host("reg.example")
        await until(
            form.pilot,
            lambda: FINGERPRINT in "".join(screen_text(form.app).split()),
            "all of it is seen",
        )


async def test_who_answers_is_asked_as_nobody_when_the_host_is_left() -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        form.fill(username="alice", secret=SECRET)
        await form.leave_host("Reg.Example:5000")
        await form.says("host", "✓ answers: Registry, verified, and wants a sign-in")
        assert form.engine.tried == [(Account("reg.example:5000"), None)]
        assert form.said("sign-in") == ""


async def test_a_host_that_is_known_to_answer_is_not_asked_again() -> None:
    async with form_for(FormEngine()) as form:
        await form.leave_host("reg.example")
        await form.says("host", "answers")
        await form.leave_host("reg.example")
        await form.pilot.pause()
        assert len(form.engine.tried) == 1


async def test_a_host_that_failed_is_asked_again() -> None:
    engine = refusing(errors.ConnectionRefused("reg.example"))
    async with form_for(engine) as form:
        await form.leave_host("reg.example")
        await form.says("host", "refused")
        engine.answer = open_to_all
        await form.leave_host("reg.example")
        await form.says("host", "answers")


async def test_an_answer_that_comes_late_says_nothing_of_another_host() -> None:
    engine = FormEngine(gates={"examine": asyncio.Event()})
    async with form_for(engine) as form:
        await form.leave_host("slow.example")
        await form.says("host", "asking slow.example")
        del engine.gates["examine"]
        engine.answer = lambda account, _: found(account, problem=errors.NameNotFound(account.host))
        await form.leave_host("other.example")
        await form.says("host", "not found: other.example")
        await form.pilot.pause()
        assert "slow" not in form.said("host")


@pytest.mark.parametrize("host", ["https://reg.example", "reg.example/team/web", "reg ex"])
async def test_what_is_no_host_is_said_without_asking(host: str) -> None:
    async with form_for(FormEngine()) as form:
        await form.leave_host(host)
        await form.says("host", "✗")
        await form.says("host", "Write HOST[:PORT] in full")
        assert form.engine.tried == []
        form.app.screen.query_one("#secret").focus()
        await form.pilot.press("ctrl+t")
        await form.focuses("host")


async def test_a_test_that_fails_leads_to_what_is_wrong_unless_the_operator_has_gone_on() -> None:
    engine = refusing(errors.WrongCredential("reg.example"))
    engine.keyring_status = KEYRINGS[0]
    async with form_for(engine) as form:
        form.fill(host="reg.example", username="alice", secret=SECRET)
        await form.pilot.press("ctrl+t")
        await form.focuses("secret")
        engine.gates["examine"] = asyncio.Event()
        form.app.screen.query_one("#host").focus()
        await form.pilot.press("ctrl+t")
        await form.says("host", "testing reg.example")
        form.app.screen.query_one("#alias").focus()
        engine.gates["examine"].set()
        await form.says("secret", "✗")
        await form.focuses("alias")


async def test_that_plain_http_will_do_on_this_machine_is_said() -> None:
    async with form_for(FormEngine()) as form:
        await form.leave_host("127.0.0.1:5000")
        await form.says("tls", "plain http, which doesn't leave this machine")
        form.choose("tls", "insecure")
        await until(form.pilot, lambda: form.said("tls") == "", "it isn't said any more")
        await form.leave_host("reg.example")
        assert form.said("tls") == ""


async def test_another_protection_asks_again_with_it() -> None:
    async with form_for(FormEngine()) as form:
        await form.leave_host("reg.example")
        await form.says("host", "answers")
        form.choose("tls", "plain")
        await until(form.pilot, lambda: len(form.engine.tried) == 2, "it is asked again")
        assert form.engine.tried[-1][0].tls == Tls(plain_http=True)


async def test_plain_http_at_an_https_server_is_said_at_the_protection() -> None:
    async with form_for(refusing(errors.NotARegistry("reg.example speaks https"))) as form:
        form.choose("tls", "plain")
        await form.leave_host("reg.example")
        await form.says("tls", "choose “certificate verified”")


async def test_a_registry_that_lets_everybody_in_needs_no_sign_in() -> None:
    async with form_for(FormEngine()) as form:
        await form.leave_host("reg.example")
        await until(form.pilot, lambda: form.chosen("sign-in") == "", "anonymous is chosen")
        await form.press("save")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")
        assert form.engine.kept == [(Account("reg.example"), None)]


async def test_what_the_operator_chose_stays_chosen() -> None:
    async with form_for(FormEngine()) as form:
        form.choose("sign-in", "environment")
        await form.leave_host("reg.example")
        await form.says("host", "answers")
        assert form.chosen("sign-in") == "environment"
        await form.says("sign-in", "TRANSSHIP_REG_EXAMPLE_USERNAME")


async def test_the_hints_are_those_of_the_service() -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        user, secret = (form.app.screen.query_one(f"#{n}", Input) for n in ("username", "secret"))
        await form.leave_host("acme.tencentcloudcr.com")
        await until(form.pilot, lambda: "tcr$ci" in user.placeholder, "the hint is TCR's")
        await form.says("service", "by its name it is Tencent TCR")
        form.choose("service", "harbor")
        await until(form.pilot, lambda: "robot$" in user.placeholder, "the hint is Harbor's")
        assert secret.placeholder == "secret of the robot account"
        form.choose("identity", "user")
        await until(form.pilot, lambda: "CLI secret" in secret.placeholder, "it is the user's")


async def test_a_wrong_password_is_said_under_the_secret() -> None:
    engine = refusing(errors.WrongCredential("GET /token was answered with 401"))
    async with form_for(engine) as form:
        form.fill(host="reg.example", username="alice", secret="wrong")
        await form.press("test")
        await form.says("secret", "User name or password not accepted")
        await form.says("secret", "type the secret again")
        assert engine.tried[-1] == (typed(), "wrong")


async def test_a_sign_in_that_is_needed_is_said_to_who_comes_as_nobody() -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        form.choose("sign-in", "")
        await form.leave_host("reg.example")
        await form.says("sign-in", "Sign-in needed")
        await form.says("sign-in", "Choose how to sign in")


async def test_who_may_not_list_names_repositories_or_goes_on_without() -> None:
    engine = FormEngine(
        answer=lambda account, _: found(account, signed_in=bool(account.username), lists=False)
    )
    async with form_for(engine) as form:
        assert not form.field("repositories").display
        form.fill(host="reg.example", username="alice", secret=SECRET)
        await form.press("save")
        await form.says("repositories", "signed in, but may not list the repositories")
        await form.focuses("repositories")
        assert engine.kept == []
        form.fill(repositories="team/web, team/api team/web")
        await form.press("save")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")
        assert engine.kept[0][0].repositories == ("team/web", "team/api")


async def test_a_second_save_accepts_that_nothing_is_listed() -> None:
    engine = FormEngine(answer=lambda account, _: found(account, signed_in=True, lists=False))
    async with form_for(engine) as form:
        form.fill(host="reg.example", username="alice", secret=SECRET)
        await form.press("save")
        await form.says("repositories", "may not list")
        await form.press("save")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")
        assert engine.kept == [(typed(), SECRET)]


async def test_a_service_that_never_lists_asks_for_names_at_once() -> None:
    async with form_for(FormEngine()) as form:
        form.fill(host="docker.io")
        await until(form.pilot, lambda: form.field("repositories").display, "the field is there")


async def test_saving_goes_through_the_engine_and_back_to_the_list() -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        form.fill(host="reg.example", alias="new", username="alice", secret=SECRET)
        await form.press("save")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")
        assert form.engine.kept == [(typed(alias="new"), SECRET)]
        await until(form.pilot, lambda: "✓ ok" in screen_text(form.app), "it counts as tested")
        assert "reg.example is kept, its secret in your keyring" in screen_text(form.app)
        assert "alice, secret" in screen_text(form.app)


async def test_enter_goes_on_and_ctrl_s_saves() -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        await form.pilot.press(*"reg.example", "enter")
        await form.focuses("alias")
        form.app.screen.query_one("#username").focus()
        await form.pilot.press(*"alice", "enter", *"pw", "enter")
        await form.focuses("test")
        await form.pilot.press("ctrl+s")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")
        assert form.engine.kept == [(typed(), "pw")]


async def test_what_is_missing_is_said_before_anything_is_tried() -> None:
    async with form_for(FormEngine()) as form:
        form.fill(host="reg.example", alias="Not An Alias")
        await form.press("save")
        await form.says("alias", "The alias is not a short name")
        await form.says("username", "The user is needed with a secret")
        await form.says("secret", "The secret is needed")
        await form.focuses("alias")
        assert not [account for account, _ in form.engine.tried if account.secret_source]


async def test_an_alias_that_is_taken_is_said() -> None:
    engine = FormEngine(known=[Account("old.example", alias="old")])
    async with form_for(engine) as form:
        form.choose("sign-in", "")
        form.fill(host="reg.example", alias="old")
        await form.press("save")
        await form.says("alias", "taken by old.example")
        assert engine.kept == []


async def test_a_name_that_is_no_repository_is_said() -> None:
    async with form_for(FormEngine()) as form:
        form.choose("sign-in", "")
        form.fill(host="docker.io", repositories="team/web Team/API")
        await form.press("save")
        await form.says("repositories", "Team/API is no repository name")


async def test_an_account_that_would_be_replaced_is_said() -> None:
    async with form_for(FormEngine(known=[Account("old.example")])) as form:
        await form.leave_host("old.example")
        await form.says("host", "there is an account for it; saving replaces that")


async def test_an_error_of_no_field_stands_in_the_message_line() -> None:
    problem = errors.BadFile("registries.toml: Permission denied", remedy="Make it writable.")
    async with form_for(FormEngine(failures={"sign_in": problem})) as form:
        form.choose("sign-in", "")
        form.fill(host="reg.example")
        await form.press("save")
        await until(form.pilot, lambda: "Permission denied" in screen_text(form.app), "it is said")
        assert form.is_open
        assert [told.detail for told in form.app.context.log.told()] == [problem.detail]


async def test_the_line_does_what_the_form_does() -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        line = form.app.screen.query_one(LineBar)
        assert line.line == "transship login HOST"
        form.fill(host="reg.example", alias="new", username="robot$ci", secret=SECRET)
        form.choose("service", "harbor")
        form.choose("tls", "insecure")
        wanted = "transship login reg.example -u 'robot$ci' --alias new --service harbor --insecure"
        await until(form.pilot, lambda: line.line == wanted, f"the line is {wanted}")


@pytest.mark.parametrize(
    "text",
    ["[/foo] closing", "[@click=app.quit]hi[/]", "\x1b]52;c;aGk=\x07", "\u202egpj", "x" * 5000],
)
async def test_what_a_registry_says_is_only_read(text: str) -> None:
    async with form_for(refusing(errors.NotARegistry(text))) as form:
        await form.leave_host("reg.example")
        await form.says("host", "Not a registry")
        assert all(line.isprintable() for line in form.said("host").split("\n"))
        assert form.app.is_running


async def test_a_certificate_that_is_not_trusted_looks_like_this() -> None:
    problem = errors.CertificateNotTrusted(
        "reg.example: self-signed certificate (SHA-256 fingerprint " + FINGERPRINT + ")"
    )
    async with form_for(refusing(problem)) as form:
        await form.leave_host("reg.example")
        await form.says("tls", "fingerprint")
        form.fill(username="alice", secret=SECRET)
        await form.pilot.pause()
        await looks_like(form.pilot, "registry-form-80x24")


@pytest.mark.parametrize("size", [(60, 20), (120, 40)], ids=["60x20", "120x40"])
async def test_a_form_that_is_filled_in_looks_like_this(size: tuple[int, int]) -> None:
    engine = FormEngine(answer=wants_sign_in, keyring_status=KEYRINGS[0])
    async with form_for(engine, size=size) as form:
        form.fill(alias="new", username="alice", secret=SECRET)
        await form.says("sign-in", "locked")
        await form.leave_host("reg.example")
        await form.says("host", "answers")
        form.app.screen.query_one("#fields").scroll_home(animate=False, immediate=True)
        await form.pilot.pause()
        await looks_like(form.pilot, f"registry-form-{size[0]}x{size[1]}")
