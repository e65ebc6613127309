"""`transship login`: an account, tried before it is kept."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from transship.accounts.account import Account, SecretSource, host_of, is_handed_out
from transship.accounts.environment import variables_of
from transship.accounts.sign_in import sign_in
from transship.errors import (
    BadRequest,
    KeyringAbsent,
    KeyringFailed,
    KeyringHung,
    KeyringInsecure,
    KeyringLocked,
)
from transship.registries.credential import Tls
from transship.registries.services import SERVICES, Service, service_named, service_of
from transship_tui.commands.asking import ask
from transship_tui.commands.output import say
from transship_tui.commands.registries import protection
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from transship_tui.commands.session import Session

KEYRING_ERRORS = (KeyringAbsent, KeyringInsecure, KeyringLocked, KeyringHung, KeyringFailed)
"""What a keyring says that can't be used."""
_REFUSED = {"absent": KeyringAbsent, "insecure": KeyringInsecure}
_INSTEAD = (
    "Or leave the keyring out: --session asks for the password at each use, "
    "--from-environment and --from-docker read it from there."
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line says of the secret, and of who it belongs to."""

    username: str
    password_stdin: bool
    source: SecretSource


def _file(*names: str, about: str) -> Any:
    """Return an option that names a file. Typed as typer types its own `Option`."""
    return typer.Option(
        *names, metavar="FILE", exists=True, dir_okay=False, readable=True, help=about
    )


def login(
    host: Annotated[str, typer.Argument(metavar="HOST", help="HOST[:PORT] of the registry.")],
    username: Annotated[
        str, typer.Option("--username", "-u", metavar="USER", help="Left out, it is asked for.")
    ] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the input.")
    ] = False,
    service: Annotated[
        str, typer.Option(metavar="KIND", help="The kind of service, where the name doesn't tell.")
    ] = "",
    alias: Annotated[
        str, typer.Option(metavar="NAME", help="A short name that may stand for HOST.")
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
            help="Keep no password: sign in as nobody, or, at ECR, as whoever boto3 finds.",
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
    name = host_of(host)
    if service and service_named(service) is None:
        kinds = ", ".join(each.kind for each in SERVICES)
        raise BadRequest(f"{service!r} is no kind of service", remedy=f"Known are {kinds}.")
    before = here.accounts.find(name) or Account(name)
    asked = _Asked(
        username,
        password_stdin,
        _source(
            session=session, environment=from_environment, docker=from_docker, nobody=anonymous
        ),
    )
    account = replace(
        before,
        alias=alias or before.alias,
        service=service or before.service,
        repositories=tuple(dict.fromkeys([*before.repositories, *(repository or ())])),
        tls=_tls(
            before.tls,
            Tls(plain_http, insecure, _path(ca), _path(client_cert), _path(client_key)),
        ),
        secret_source=asked.source,
    )
    here.accounts.check(replace(account, username=username or account.username or "user"))
    try:
        account = asyncio.run(_sign_in(here, account, asked))
    except KEYRING_ERRORS as error:
        raise type(error)(error.detail, remedy=f"{error.remedy} {_INSTEAD}") from None
    _tell(account)
    if account.service and not (service or before.service):
        kind = service_named(account.service)
        say(f"it answers as {kind.title if kind else account.service} does, and is kept as that")
    return 0


async def _sign_in(here: Session, account: Account, asked: _Asked) -> Account:
    secret = None
    store = here.sources.store(account.secret_source)
    if store is not None:
        if store is here.sources.keyring:
            # Better known before the password is typed than after.
            status = await store.probe()
            if refused := _REFUSED.get(status.state):
                raise refused(status.detail, remedy=status.remedy)
        kind = service_named(account.service) or service_of(account.host)
        account = replace(account, username=_username(account, asked, kind))
        secret = _secret(account, asked, kind)
    elif asked.username or asked.password_stdin:
        raise BadRequest("The user and the password come from elsewhere; leave them out")
    return await sign_in(account, secret, accounts=here.accounts, sources=here.sources)


def _username(account: Account, asked: _Asked, kind: Service) -> str:
    if asked.username:
        return asked.username
    if asked.password_stdin or not sys.stdin.isatty():
        if account.username:
            return account.username
        raise BadRequest("There is no terminal to ask for the user on", remedy="Pass it with -u.")
    known = f" [{account.username}]" if account.username else ""
    say(f"{account.host} ({kind.title})")
    return ask(f"{_capital(kind.username)}{known}: ") or account.username


def _secret(account: Account, asked: _Asked, kind: Service) -> str:
    if asked.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise BadRequest(
            "There is no terminal to ask for the password on",
            remedy="Pass it to the input with --password-stdin.",
        )
    return ask(f"{_capital(kind.secret)} for {account.username}: ", hidden=True)


def _source(*, session: bool, environment: bool, docker: bool, nobody: bool) -> SecretSource:
    said: list[SecretSource] = []
    said += ["session"] if session else []
    said += ["environment"] if environment else []
    said += ["docker"] if docker else []
    said += [""] if nobody else []
    if len(said) > 1:
        raise BadRequest("A password can come from one place only")
    return said[0] if said else "keyring"


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


def _tell(account: Account) -> None:
    who = f" as {account.username}" if account.username else " as nobody"
    if is_handed_out(account):
        who = " with the login that its service hands out, fetched anew at each use"
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
