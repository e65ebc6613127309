"""`transship login`: an account, tried before it is kept, asked for in the words of its service."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from transship.accounts.registry_file import Account, SecretSource, host_of
from transship.accounts.secrets import read_key_file, variables_of
from transship.accounts.sign_in import hands_out, service_at, sign_in_to
from transship.errors import (
    BadRequest,
    KeyringAbsent,
    KeyringFailed,
    KeyringHung,
    KeyringInsecure,
    KeyringLocked,
    TransshipError,
    WrongCredential,
)
from transship.registry.credential import Tls
from transship.registry.service import GENERIC, Service, all_services, service_named, service_of
from transship.registry.sign_in_form import (
    SignIn,
    SignInForm,
    SignInIdentity,
    SignInQuestion,
    sign_in_from,
)
from transship.text import safe
from transship_tui.commands.options import ask
from transship_tui.commands.output import say, say_wrapped
from transship_tui.commands.registry import protection
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from transship_tui.commands.session import Session

KEYRING_ERRORS = (KeyringAbsent, KeyringInsecure, KeyringLocked, KeyringHung, KeyringFailed)
"""What a keyring says that can't be used."""
_TRIES = 3
_REFUSED = {"absent": KeyringAbsent, "insecure": KeyringInsecure}
_INSTEAD = (
    "Or leave the keyring out: --session asks for the password at each use, "
    "--from-environment and --from-docker read it from there."
)


@dataclass(frozen=True, slots=True)
class _LoginAsked:
    """What is known of the secret, and of who it belongs to, before anything else is asked.

    `host` and `secret` are there where the service's own questions were answered; `again` asks for
    the secret once more.
    """

    username: str
    password_stdin: bool
    source: SecretSource
    host: str = ""
    secret: str | None = field(default=None, repr=False)
    again: Callable[[], str] | None = None


def _file(*names: str, about: str) -> Any:
    """Return an option that names a file. Typed as typer types its own `Option`."""
    return typer.Option(
        *names, metavar="FILE", exists=True, dir_okay=False, readable=True, help=about
    )


def login(
    host: Annotated[
        str,
        typer.Argument(metavar="HOST", help="HOST[:PORT] of the registry; --service can ask it."),
    ] = "",
    username: Annotated[
        str, typer.Option("--username", "-u", metavar="USER", help="Left out, it is asked for.")
    ] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the input.")
    ] = False,
    service: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="The kind of service, where the name doesn't tell. Without HOST all is asked for "
            "in the service's own words. `transship services` lists the kinds.",
        ),
    ] = "",
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="ID=ANSWER",
            help="Answer a question of the service, as region=eu-west-1; can be repeated.",
        ),
    ] = None,
    alias: Annotated[
        str, typer.Option(metavar="NAME", help="A short name that may stand for HOST.")
    ] = "",
    api: Annotated[
        str,
        typer.Option(
            metavar="HOST", help="The account that opens the API of its cloud, where it has one."
        ),
    ] = "",
    repository: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="A repository, for a registry that doesn't list its own; can be repeated.",
        ),
    ] = None,
    session: Annotated[
        bool, typer.Option("--session", help="Keep the password nowhere: ask at each use.")
    ] = False,
    from_environment: Annotated[
        bool, typer.Option("--from-environment", help="Take user and password from variables.")
    ] = False,
    from_docker: Annotated[
        bool, typer.Option("--from-docker", help="Take them from what docker or podman keeps.")
    ] = False,
    anonymous: Annotated[
        bool,
        typer.Option(
            "--anonymous",
            help="Keep no password: sign in as nobody; at ECR, ACR and GAR, as whoever is found.",
        ),
    ] = False,
    plain_http: Annotated[bool, typer.Option("--plain-http", help="Use http.")] = False,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Don't verify the certificate.")
    ] = False,
    ca: Annotated[Path | None, _file("--ca", about="Trust this authority too.")] = None,
    client_cert: Annotated[Path | None, _file("--client-cert", about="Show it this.")] = None,
    client_key: Annotated[Path | None, _file("--client-key", about="The key for that.")] = None,
) -> int:
    """Add a registry, or sign in to one again.

    The password is asked for and goes into the keyring. It is tried at the registry before
    anything is kept. What isn't said stays as it was.
    """
    here = open_session()
    kind = _kind(host, service)
    source = _source(
        session=session, environment=from_environment, docker=from_docker, nobody=anonymous
    )
    asked = _LoginAsked(username, password_stdin, "keyring" if source is None else source)
    if answers or not host or _asks_a_person(here, host, kind, asked):
        given = Given(_answers(host, username, answers or ()), source=source)
        try:
            asked = _asked_for(here, kind, asked, given)
        except KEYRING_ERRORS as error:
            raise _with_ways_out(error) from None
    name = asked.host or host_of(host)
    before = here.accounts.find(name) or Account(name)
    account = replace(
        before,
        alias=alias or before.alias,
        service=service or before.service,
        api=host_of(api) if api else before.api,
        repositories=tuple(dict.fromkeys([*before.repositories, *(repository or ())])),
        tls=_tls(
            before.tls,
            Tls(plain_http, insecure, _path(ca), _path(client_cert), _path(client_key)),
        ),
        secret_source=asked.source,
    )
    here.accounts.check(replace(account, username=asked.username or account.username or "user"))
    try:
        account = asyncio.run(_sign_in(here, account, asked))
    except KEYRING_ERRORS as error:
        raise _with_ways_out(error) from None
    _tell_login(account, here.accounts.all())
    if account.service and not (service or before.service):
        say(f"it answers as {service_at(account).title} does, and is kept as that")
    return 0


def _with_ways_out(error: TransshipError) -> TransshipError:
    return type(error)(error.detail, remedy=f"{error.remedy} {_INSTEAD}")


async def _sign_in(here: Session, account: Account, asked: _LoginAsked) -> Account:
    store = here.sources.store(account.secret_source)
    if store is not None:
        if store is here.sources.keyring:
            await _look_at_keyring(here)
        kind = service_at(account)
        account = replace(account, username=_username(account, asked, kind))
        asked = asked if asked.secret else _with_secret(account, asked, kind)
    elif asked.username or asked.password_stdin:
        raise BadRequest("The user and the password come from elsewhere; leave them out")
    return await _tried(here, account, asked)


async def _tried(here: Session, account: Account, asked: _LoginAsked) -> Account:
    """Sign in; a person may type a secret that isn't taken once more."""
    secret = asked.secret
    for _ in range(_TRIES - 1):
        try:
            return await sign_in_to(account, secret, accounts=here.accounts, sources=here.sources)
        except WrongCredential as error:
            if asked.again is None:
                raise
            say(f"{error.title}: {safe(error.detail)}")
            say(f"Type it once more, or press Ctrl-C where {safe(account.username)} is wrong.")
            secret = asked.again()
    return await sign_in_to(account, secret, accounts=here.accounts, sources=here.sources)


async def _look_at_keyring(here: Session) -> None:
    """Raise why the keyring can't be used: better known before the password is typed than after."""
    status = await here.sources.keyring.probe()
    if refused := _REFUSED.get(status.state):
        raise refused(status.detail, remedy=status.remedy)


def _kind(host: str, service: str) -> Service:
    """Return the service that was named, or else that the host tells of."""
    named = service_named(service)
    if named is not None and named.catalogue:
        raise BadRequest(
            f"There is no account at {named.title}: it holds no images",
            remedy="`transship find` asks it which registry holds a package; sign in to that.",
        )
    if service and named is None:
        kinds = ", ".join(each.kind for each in all_services() if not each.catalogue)
        raise BadRequest(f"{service!r} is no kind of service", remedy=f"Known are {kinds}.")
    if not host and not service:
        raise BadRequest(
            "It isn't said which registry is meant",
            remedy="Name its HOST; or its service, with --service KIND, which asks for the rest.",
        )
    return named or service_of(host_of(host))


def _answers(host: str, username: str, answers: Sequence[str]) -> dict[str, str]:
    said = read_answers(answers)
    said |= {"host": host_of(host)} if host else {}
    return said | ({"user": username} if username else {})


def _asked_for(here: Session, kind: Service, asked: _LoginAsked, given: Given) -> _LoginAsked:
    """Ask what the service asks for; return what came of it."""

    def look_at_keyring() -> None:
        if asked.source == "keyring":
            asyncio.run(_look_at_keyring(here))

    if asked.password_stdin and given.source in (None, "keyring", "session"):
        given = replace(given, secret=_read_password())
    answered = answer_all(kind, given, look_at_keyring)
    host = host_of(answered.host)
    if answered.secret is None:
        return replace(asked, source=given.source or "", host=host)
    return replace(
        asked,
        username=answered.username,
        host=host,
        secret=answered.secret,
        again=answered.again,
    )


def _asks_a_person(here: Session, host: str, kind: Service, asked: _LoginAsked) -> bool:
    """Tell whether somebody at a terminal adds a registry whose service has words of its own."""
    known = here.accounts.find(host_of(host))
    new = known is None or not known.username
    said = bool(asked.username) or asked.password_stdin or not asked.source
    return new and not said and kind is not GENERIC and sys.stdin.isatty()


def _read_password() -> str:
    """Return what the input says: a line of a terminal, else all of it, as a key has several."""
    text = sys.stdin.readline() if sys.stdin.isatty() else sys.stdin.read()
    return text.rstrip("\r\n")


def _username(account: Account, asked: _LoginAsked, kind: Service) -> str:
    if asked.username:
        return asked.username
    if asked.password_stdin or not sys.stdin.isatty():
        if account.username:
            return account.username
        raise BadRequest("There is no terminal to ask for the user on", remedy="Pass it with -u.")
    known = f" [{account.username}]" if account.username else ""
    say(f"{account.host} ({kind.title})")
    return ask(f"{_capital(kind.username)}{known}: ") or account.username


def _with_secret(account: Account, asked: _LoginAsked, kind: Service) -> _LoginAsked:
    if asked.password_stdin:
        return replace(asked, secret=_read_password())
    if not sys.stdin.isatty():
        raise BadRequest(
            "There is no terminal to ask for the password on",
            remedy="Pass it to the input with --password-stdin.",
        )

    def again() -> str:
        return ask(f"{_capital(kind.secret)} for {account.username}: ", hidden=True)

    return replace(asked, secret=again(), again=again)


def _source(*, session: bool, environment: bool, docker: bool, nobody: bool) -> SecretSource | None:
    """Return where the secret is said to come from, None when nothing is said."""
    said: list[SecretSource] = []
    said += ["session"] if session else []
    said += ["environment"] if environment else []
    said += ["docker"] if docker else []
    said += [""] if nobody else []
    if len(said) > 1:
        raise BadRequest("A password can come from one place only")
    return said[0] if said else None


def _tls(before: Tls, said: Tls) -> Tls:
    if said.plain_http and said != Tls(plain_http=True):
        raise BadRequest("--plain-http has no certificates, so the other options say nothing")
    if said.insecure and said.ca_file:
        raise BadRequest("--insecure trusts everybody, so --ca says nothing")
    return before if said == Tls() else said


def _path(path: Path | None) -> str:
    return str(path.absolute()) if path else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tell_login(account: Account, accounts: Sequence[Account]) -> None:
    who = f" as {account.username}" if account.username else " as nobody"
    if not account.secret_source and (how := hands_out(account, accounts)):
        who = f" {how}: its service hands out a login at each use"
    say(f"signed in to {account.host}{who} ({protection(account)})")
    match account.secret_source:
        case "keyring":
            say("the password is in your keyring")
        case "session":
            user, password = variables_of(account.host)
            say(f"the password is kept nowhere: it is asked for at each use, or read from {user}")
            say(f"and {password}")
        case "environment":
            user, password = variables_of(account.host)
            say(f"{user} and {password} are read at each use")
        case "docker":
            say("docker's configuration is read at each use")


_ANONYMOUS = "anonymous"
"""What the identity is called of who keeps no secret."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is said on the command line: answers by the ids of their questions.

    `secret` was read from the input. `source` says where user and secret come from: None when
    nothing was said, empty for nowhere.
    """

    answers: Mapping[str, str]
    secret: str | None = field(default=None, repr=False)
    source: SecretSource | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of the questions. Without a secret, user and secret are none of ours.

    `again` asks for the secret once more, where it was typed.
    """

    host: str
    username: str = ""
    secret: str | None = field(default=None, repr=False)
    again: Callable[[], str] | None = None


def read_answers(said: Sequence[str]) -> dict[str, str]:
    """Return the answers that `--set ID=ANSWER` gives. Raises BadRequest."""
    answers: dict[str, str] = {}
    for each in said:
        name, equals, answer = each.partition("=")
        if not equals or not name or not answer:
            raise BadRequest(f"--set {each!r} says no answer", remedy="Write --set ID=ANSWER.")
        answers[name] = answer
    return answers


def answer_all(service: Service, given: Given, before_secret: Callable[[], None]) -> Answered:
    """Ask for everything that isn't said yet, one by one; the secret comes after `before_secret`.

    Without a terminal nothing is asked. Raises BadRequest, which names the options that are missing
    or wrong, and BadFile.
    """
    asks = service.sign_in_form
    _refuse_unknown(asks, given.answers)
    answers = dict(given.answers)
    host = () if answers.get("host") else asks.host_questions
    keeps = given.source in (None, "keyring", "session")
    if not sys.stdin.isatty() or given.secret is not None:
        _refuse_missing(asks, host, given, keeps=keeps)
    if sys.stdin.isatty():
        say(f"{answers['host']} ({service.title})" if answers.get("host") else service.title)
    if answers.get("host"):
        answers = {**asks.parts_in(answers["host"]), **answers}
    for question in host:
        answers[question.id] = _answer(question, answers)
    where = answers.get("host") or asks.host_from(answers)
    identity = _identity(asks, answers, given) if keeps else None
    if identity is None:
        return Answered(where)
    if identity.user is not None:
        answers["user"] = _answer(identity.user, answers)
    before_secret()

    def made(secret: str) -> SignIn:
        return sign_in_from(asks, identity, {**answers, identity.secret.id: secret, "host": where})

    def again() -> str:
        return made(_typed(identity.secret)).secret

    is_typed = given.secret is None and not identity.secret.from_file
    found = made(_secret(identity.secret, answers, given.secret))
    return Answered(found.host, found.username, found.secret, again if is_typed else None)


def _refuse_unknown(asks: SignInForm, answers: Mapping[str, str]) -> None:
    """Raise BadRequest for an answer that nothing asks for, and for a secret on the line."""
    askable = _settable(asks)
    for name in answers:
        if name in askable or name in ("host", "user"):
            continue
        if any(question.id == name for question, _ in asks.questions):
            raise BadRequest(
                f"The {name} is asked for, or read with --password-stdin",
                remedy="Leave it out of the command line, which others can see.",
            )
        known = ", ".join(askable) or "nothing"
        raise BadRequest(f"--set {name}: nothing asks for that", remedy=f"Known are {known}.")
    if asks.identity(answers.get("identity", "")) is None and not _is_anonymous(asks, answers):
        raise BadRequest(
            f"--set identity={answers['identity']}: there is no such identity",
            remedy=f"Known are {', '.join(name for name, _ in _choices(asks))}.",
        )


def _settable(asks: SignInForm) -> tuple[str, ...]:
    """Return the ids of what may stand on the line, each once."""
    names = [q.id for q, _ in asks.questions if not q.secret or q.from_file]
    several = ["identity"] if len(_choices(asks)) > 1 else []
    return tuple(dict.fromkeys([*names, *several]))


def _refuse_missing(
    asks: SignInForm, host: Iterable[SignInQuestion], given: Given, *, keeps: bool
) -> None:
    """Raise BadRequest that names all options that it takes where nothing can be asked."""
    if sys.stdin.isatty():
        return
    chosen, no_secret = given.answers.get("identity", ""), given.secret is None
    unsaid = keeps and not chosen and no_secret and bool(asks.handed_out)
    keeps = keeps and not unsaid and not _is_anonymous(asks, given.answers)
    identity = asks.identity(chosen) if keeps else None
    asked = identity.questions if identity is not None else ()
    wanted = [*host, *(each for each in asked if not each.secret or each.from_file)]
    missing = [each for each in wanted if not _is_said(each, given)]
    names = [each.label for each in missing]
    options = [f"--set {each.id}={each.example or each.id.upper()}" for each in missing]
    if unsaid:
        names.append("how to sign in")
        options.append(f"--anonymous ({asks.handed_out}) or --password-stdin")
    elif identity is not None and no_secret and not identity.secret.from_file:
        names.append(identity.secret.label)
        options.append("--password-stdin")
    if not names:
        return
    others = [name for name, _ in _choices(asks)]
    other = f" Another --set identity= asks otherwise: {', '.join(others)}."
    raise BadRequest(
        f"There is no terminal to ask on: {', '.join(names)}",
        remedy=f"Pass, for example, {' '.join(options)}."
        f"{other if identity is not None and len(others) > 1 and not chosen else ''}",
    )


def _is_said(question: SignInQuestion, given: Given) -> bool:
    by_input = question.secret and given.secret is not None
    return by_input or question.id in given.answers or bool(question.default or question.optional)


def _choices(asks: SignInForm) -> list[tuple[str, str]]:
    """Return as whom one can sign in: ids and titles."""
    identities = [(each.id, each.title) for each in asks.identities]
    handed_out = [(_ANONYMOUS, asks.handed_out)] if asks.handed_out else []
    return [*identities, *handed_out] if asks.lasting else [*handed_out, *identities]


def _is_anonymous(asks: SignInForm, answers: Mapping[str, str]) -> bool:
    return bool(asks.handed_out) and answers.get("identity") == _ANONYMOUS


def _identity(asks: SignInForm, answers: Mapping[str, str], given: Given) -> SignInIdentity | None:
    """Return as whom to sign in, None for who keeps no secret."""
    choices = _choices(asks)
    chosen = answers.get("identity", "")
    if not chosen and given.secret is not None:
        chosen = asks.identity_of(answers["user"]).id if "user" in answers else ""
    elif not chosen and len(choices) > 1 and sys.stdin.isatty():
        chosen = _choose(choices)
    return None if chosen == _ANONYMOUS else asks.identity(chosen)


def _choose(choices: Sequence[tuple[str, str]]) -> str:
    say("As whom:")
    for number, (_, title) in enumerate(choices, 1):
        say(f"  {number}  {title}")
    for _ in range(_TRIES):
        answer = ask("A number [1]: ") or "1"
        if answer.isdecimal() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1][0]
        say(f"It is a number from 1 to {len(choices)}.")
    raise BadRequest(f"{answer!r} is none of the numbers")


def _answer(question: SignInQuestion, answers: Mapping[str, str]) -> str:
    """Return the answer to a question; it is asked for until it can be one."""
    if question.id in answers or not sys.stdin.isatty():
        given = answers.get(question.id, "")
        if why := question.fault(given):
            raise BadRequest(f"{question.label} {given!r} {why}", remedy=question.where)
        return given or question.default
    _explain(question)
    for _ in range(_TRIES):
        given = ask(_words(question))
        why = question.fault(given)
        if not why:
            return given or question.default
        say(f"{question.label} {why}.")
    raise BadRequest(f"{question.label} {why}", remedy=question.where)


def _secret(question: SignInQuestion, answers: Mapping[str, str], given: str | None) -> str:
    """Return the secret; it is never quoted."""
    if question.from_file and given is None:
        secret = read_key_file(_answer(question, answers))
    elif given is not None:
        secret = given
    else:
        _explain(question)
        return _typed(question)
    return _checked(question, secret)


def _typed(question: SignInQuestion) -> str:
    return _checked(question, ask(_words(question), hidden=True))


def _checked(question: SignInQuestion, secret: str) -> str:
    """Return a secret that can be one."""
    why = "is needed" if not secret else question.fault_in(secret)
    if why:
        raise BadRequest(f"{question.label} {why}", remedy=question.where)
    return secret


def _explain(question: SignInQuestion) -> None:
    """Say where the answer is found, with no word torn apart at the edge of the terminal."""
    say_wrapped(question.where, "  ")


def _words(question: SignInQuestion) -> str:
    example = f", as {question.example}" if question.example else ""
    known = f" [{question.default}]" if question.default else ""
    known = known or (" (may be empty)" if question.optional else "")
    return f"{question.label} ({question.hint}{example}){known}: "
