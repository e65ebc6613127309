"""The form says under its fields what is wrong, and keeps nothing that wasn't tried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, Select

from fakes.registries import FormEngine, found, open_to_all, wants_sign_in
from fakes.screen import looks_like, screen_text, until
from transship import errors
from transship.accounts.account import Account
from transship.accounts.secrets import SecretStatus
from transship.errors import TransshipError
from transship.registries.credential import Tls
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.registries import RegistriesScreen
from transship_tui.screens.registry_form import RegistryFormScreen
from transship_tui.widgets.bars import LineBar
from transship_tui.widgets.field import Field, SecretInput
from transship_tui.widgets.registry_form import RegistryForm

FINGERPRINT = ":".join(f"{number:02X}" for number in range(32))
SECRET = "correct horse battery staple"


class Form:
    """The form as a test uses it."""

    def __init__(self, pilot: Pilot[None], engine: FormEngine) -> None:
        self.pilot = pilot
        self.engine = engine
        self.app = pilot.app

    @property
    def widget(self) -> RegistryForm:
        return self.app.screen.query_one(RegistryForm)

    @property
    def is_open(self) -> bool:
        return isinstance(self.app.screen, RegistryFormScreen)

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.app.screen.query_one(f"#{name.replace('_', '-')}", Input).value = value

    def choose(self, name: str, value: str) -> None:
        self.app.screen.query_one(f"#{name}", Select).value = value

    def chosen(self, name: str) -> object:
        return self.app.screen.query_one(f"#{name}", Select).value

    def field(self, place: str) -> Field:
        return self.app.screen.query_one(f"#at-{place}", Field)

    def said(self, place: str) -> str:
        return self.field(place).said

    @property
    def offers_this_run(self) -> bool:
        return self.app.screen.query_one("#this-run").display

    async def leave_host(self, host: str) -> None:
        """Type a host and go on to the next field."""
        self.app.screen.query_one("#host").focus()
        self.fill(host=host)
        await self.pilot.press("tab")

    async def press(self, button: str) -> None:
        await self.pilot.pause()
        self.app.screen.query_one(f"#{button}", Button).press()
        await self.pilot.pause()

    async def says(self, place: str, words: str) -> None:
        await until(
            self.pilot, lambda: words in " ".join(self.said(place).split()), f"{words!r} at {place}"
        )


@asynccontextmanager
async def form_for(
    engine: FormEngine, account: Account | None = None, *, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Form]:
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RegistriesScreen), "the list is there")
        await pilot.press("a" if account is None else "E")
        await until(pilot, lambda: app.screen.query(RegistryForm), "the form is there")
        await pilot.pause()
        yield Form(pilot, engine)


def refusing(problem: TransshipError) -> FormEngine:
    return FormEngine(answer=lambda account, secret: found(account, problem=problem))


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
    (errors.ClientCertificateRefused("x"), "tls", "refused the TLS handshake", "--client-cert"),
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
        await form.says("tls", "fingerprint")
        seen = "".join(screen_text(form.app).split())
        assert FINGERPRINT in seen


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
        assert form.engine.tried == []


async def test_another_protection_asks_again_with_it() -> None:
    async with form_for(FormEngine()) as form:
        await form.leave_host("reg.example")
        await form.says("host", "answers")
        form.choose("tls", "plain")
        await until(form.pilot, lambda: len(form.engine.tried) == 2, "it is asked again")
        assert form.engine.tried[-1][0].tls == Tls(plain_http=True)


async def test_an_own_ca_file_is_waited_for_and_made_absolute(tmp_path: object) -> None:
    async with form_for(FormEngine()) as form:
        assert not form.field("ca-file").display
        form.choose("tls", "ca")
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
        await until(form.pilot, lambda: "tcr$name" in user.placeholder, "the hint is TCR's")
        await form.says("service", "that of Tencent TCR")
        form.choose("service", "harbor")
        await until(form.pilot, lambda: "robot$" in user.placeholder, "the hint is Harbor's")
        assert "CLI secret" in secret.placeholder


async def test_a_wrong_password_is_said_under_the_secret() -> None:
    engine = refusing(errors.WrongCredential("GET /token was answered with 401"))
    async with form_for(engine) as form:
        form.fill(host="reg.example", username="alice", secret="wrong")
        await form.press("test")
        await form.says("secret", "User name or password not accepted")
        await form.says("secret", "type the secret again")
        assert engine.tried[-1] == (_typed(), "wrong")


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
        assert form.field("repositories").display
        assert form.app.focused is form.field("repositories").control
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
        assert engine.kept == [(_typed(), SECRET)]


async def test_a_service_that_never_lists_asks_for_names_at_once() -> None:
    async with form_for(FormEngine()) as form:
        form.fill(host="docker.io")
        await until(form.pilot, lambda: form.field("repositories").display, "the field is there")


async def test_saving_goes_through_the_engine_and_back_to_the_list() -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        form.fill(host="reg.example", alias="new", username="alice", secret=SECRET)
        await form.press("save")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")
        assert form.engine.kept == [(_typed(alias="new"), SECRET)]
        await until(form.pilot, lambda: "✓ ok" in screen_text(form.app), "it counts as tested")
        assert "reg.example is kept, its secret in your keyring" in screen_text(form.app)
        assert "alice, secret" in screen_text(form.app)


async def test_enter_goes_on_and_ctrl_s_saves() -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        await form.pilot.press(*"reg.example", "enter")
        assert form.app.focused is form.field("alias").control
        form.app.screen.query_one("#username").focus()
        await form.pilot.press(*"alice", "enter", *"pw", "enter")
        assert form.app.focused is form.app.screen.query_one("#test")
        await form.pilot.press("ctrl+s")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")
        assert form.engine.kept == [(_typed(), "pw")]


async def test_what_is_missing_is_said_before_anything_is_tried() -> None:
    async with form_for(FormEngine()) as form:
        form.fill(host="reg.example", alias="Not An Alias")
        await form.press("save")
        await form.says("alias", "The alias is not a short name")
        await form.says("username", "The user is needed with a secret")
        await form.says("secret", "The secret is needed")
        assert form.app.focused is form.field("alias").control
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


KEYRINGS = [
    SecretStatus("locked", "The keyring is locked", "", errors.KeyringLocked.remedy),
    SecretStatus("hung", "The keyring doesn't answer", "No answer in 5 s", "Answer there."),
    SecretStatus("absent", "There is no keyring here", "", errors.KeyringAbsent.remedy),
    SecretStatus("insecure", "The keyring isn't safe", "PlaintextKeyring", "Remove it."),
]


@pytest.mark.parametrize("status", KEYRINGS, ids=lambda status: status.state)
async def test_a_keyring_that_cannot_be_used_is_said_with_what_can_be_done(
    status: SecretStatus,
) -> None:
    async with form_for(FormEngine(keyring_status=status)) as form:
        await form.says("sign-in", status.title)
        await form.says("sign-in", status.remedy)
        assert form.offers_this_run
        assert form.chosen("sign-in") == "keyring"
        await form.press("this-run")
        assert form.chosen("sign-in") == "session"
        await form.says("sign-in", "forgotten when you quit")
        assert not form.offers_this_run


async def test_a_secret_is_never_kept_elsewhere_by_itself() -> None:
    engine = FormEngine(answer=wants_sign_in, failures={"sign_in": errors.KeyringLocked()})
    async with form_for(engine) as form:
        form.fill(host="reg.example", username="alice", secret=SECRET)
        await form.press("save")
        await form.says("sign-in", "The keyring is locked")
        await form.says("sign-in", "this run only")
        assert form.is_open
        assert form.offers_this_run
        assert engine.kept == []
        assert form.app.screen.query_one("#secret", Input).value == SECRET
        del engine.failures["sign_in"]
        await form.press("this-run")
        await form.press("save")
        await until(form.pilot, lambda: engine.kept, "the account is kept")
        assert engine.kept[0][0].secret_source == "session"


async def test_a_keyring_that_hangs_can_be_given_up() -> None:
    engine = FormEngine(answer=wants_sign_in, gates={"sign_in": asyncio.Event()})
    async with form_for(engine) as form:
        form.fill(host="reg.example", username="alice", secret=SECRET)
        await form.press("save")
        await form.says("sign-in", "waiting for your keyring")
        assert form.app.focused is form.app.screen.query_one("#cancel")
        await form.press("cancel")
        await until(
            form.pilot,
            lambda: not form.app.screen.query_one("#fields").disabled,
            "it can be edited",
        )
        assert form.is_open
        assert form.said("sign-in") == ""
        assert engine.kept == []
        await form.press("cancel")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")


async def test_leaving_while_the_keyring_hangs_keeps_nothing() -> None:
    engine = FormEngine(answer=wants_sign_in, gates={"sign_in": asyncio.Event()})
    async with form_for(engine) as form:
        form.fill(host="reg.example", username="alice", secret=SECRET)
        await form.press("save")
        await form.says("sign-in", "waiting for your keyring")
        await form.pilot.press("escape")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")
        engine.gates["sign_in"].set()
        await form.pilot.pause()
        assert engine.kept == []


async def test_an_error_of_no_field_stands_in_the_message_line() -> None:
    problem = errors.BadFile("registries.toml: Permission denied", remedy="Make it writable.")
    async with form_for(FormEngine(failures={"sign_in": problem})) as form:
        form.choose("sign-in", "")
        form.fill(host="reg.example")
        await form.press("save")
        await until(form.pilot, lambda: "Permission denied" in screen_text(form.app), "it is said")
        assert form.is_open
        assert [told.detail for told in form.app.record.told()] == [problem.detail]


async def test_editing_asks_nobody_until_it_is_told_to() -> None:
    account = Account("old.example", alias="old", username="alice", secret_source="keyring")
    async with form_for(FormEngine(known=[account]), account) as form:
        await form.pilot.pause()
        assert form.engine.tried == []
        assert form.app.screen.query_one("#host", Input).disabled
        assert form.app.focused is form.field("alias").control
        assert "kept" in form.app.screen.query_one("#secret", Input).placeholder


async def test_editing_keeps_the_secret_that_is_kept() -> None:
    account = Account(
        "old.example",
        alias="old",
        username="alice",
        secret_source="keyring",
        tls=Tls(client_cert="/c.pem", client_key="/k.pem"),
    )
    engine = FormEngine(known=[account], answer=wants_sign_in)
    async with form_for(engine, account) as form:
        form.fill(alias="legacy")
        await form.press("save")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")
        (kept, secret), *_ = engine.kept
        assert (kept.alias, kept.tls, secret) == ("legacy", account.tls, None)


async def test_another_user_needs_another_secret() -> None:
    account = Account("old.example", username="alice", secret_source="keyring")
    async with form_for(FormEngine(known=[account]), account) as form:
        form.fill(username="bob")
        await form.press("save")
        await form.says("secret", "The secret is needed")
        assert form.engine.kept == []


async def test_escape_leaves_everything_as_it_was() -> None:
    async with form_for(FormEngine()) as form:
        form.fill(host="reg.example")
        await form.pilot.press("escape")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")
        assert form.engine.known == []


@pytest.mark.parametrize("key", ["h", "q"])
async def test_a_letter_beside_the_fields_closes_nothing(key: str) -> None:
    async with form_for(FormEngine()) as form:
        for place in ("#sign-in", "#save"):
            form.app.screen.query_one(place).focus()
            await form.pilot.press(key)
            await form.pilot.pause()
            assert form.is_open


async def test_the_line_does_what_the_form_does() -> None:
    async with form_for(FormEngine(answer=wants_sign_in)) as form:
        line = form.app.screen.query_one(LineBar)
        assert line.line == "transship login HOST"
        form.fill(host="reg.example", alias="new", username="robot$ci", secret=SECRET)
        form.choose("service", "harbor")
        form.choose("tls", "insecure")
        wanted = "transship login reg.example -u 'robot$ci' --alias new --service harbor --insecure"
        await until(form.pilot, lambda: line.line == wanted, f"the line is {wanted}")


async def test_the_secret_is_nowhere_but_in_its_field() -> None:
    engine = FormEngine(answer=wants_sign_in, gates={"sign_in": asyncio.Event()})
    heard: list[object] = []
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(message_hook=heard.append) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: app.screen.query(RegistryForm), "the form is there")
        form = Form(pilot, engine)
        form.fill(host="reg.example", username="alice")
        secret = app.screen.query_one("#secret", SecretInput)
        secret.focus()
        secret.value = SECRET
        await pilot.press("enter")
        await form.press("save")
        await form.says("sign-in", "waiting for your keyring")
        secret.selection = type(secret.selection)(0, len(SECRET))
        secret.focus()
        await pilot.press("ctrl+c", "ctrl+x")
        shown = [repr(app.screen), repr(form.widget), repr(secret), repr(engine.kept)]
        shown += [str(worker) + worker.description for worker in app.workers]
        shown += [repr(message) for message in heard]
        shown += [app.export_screenshot(), screen_text(app), app.clipboard]
        shown.append(app.screen.query_one(LineBar).line)
        assert not [text for text in shown if SECRET in text]
        assert "•" in screen_text(app)


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
        looks_like(form.app, "registry-form-80x24")


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
        looks_like(form.app, f"registry-form-{size[0]}x{size[1]}")


def _typed(**changes: str) -> Account:
    return Account("reg.example", username="alice", secret_source="keyring", **changes)
