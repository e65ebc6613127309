"""`transship delegate domain`: the custom domains of an instance of TCR, each status in words."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transship.engines.choice import OtherEngineKind
from transship.engines.delegation import open_domain_engine
from transship.engines.tcr.certificates import day_text, read_upload
from transship.engines.tcr.domains import domain_status_text, plan_domain, wait_for_domain
from transship.errors import BadRequest, TransshipError
from transship.registry.attachment import Attached
from transship.text import safe
from transship_tui.commands.delegate_made import Yes, show_ended, standing_of
from transship_tui.commands.delegate_network import DryRun, TcrHost
from transship_tui.commands.delegate_shown import (
    agreed,
    changes_document,
    host_named,
    make_agreed,
    nothing_made,
    reached,
    show_changes,
)
from transship_tui.commands.documents import time_text
from transship_tui.commands.listed import Command, fill
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import say, show, show_json, table, width_of
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transship.engines.reach import EngineReach
    from transship.engines.tcr.certificates import ServerCertificate
    from transship.engines.tcr.domains import CustomDomain, DomainEngine, DomainProgress
    from transship_tui.commands.session import Session

COMMANDS = {
    "list": Command("delegate_domain", "List the domains of an instance, and how each is."),
    "add": Command("delegate_domain", "Add a domain with a certificate, and wait for it."),
    "wait": Command("delegate_domain", "Wait until a domain works."),
    "remove": Command("delegate_domain", "Remove a domain."),
}
"""The commands, in the order of the help."""

_WITHIN = 900.0

DomainName = Annotated[str, typer.Argument(metavar="NAME", help="As in images.example.com.")]
Within = Annotated[
    float, typer.Option("--within", metavar="SECONDS", min=0, help="Wait so long at most.")
]


def group(words: Sequence[str]) -> typer.Typer:
    """Return the app that understands what comes after `transship delegate domain`."""
    app = typer.Typer(
        help=(
            "List, add or remove the custom domains of an instance of TCR.\n\n"
            "DNS isn't changed by it: `transship cutover` does that."
        ),
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    fill(app, COMMANDS, words, prefix="delegate_domain_")
    return app


def delegate_domain_list(host: TcrHost, as_json: AsJson = False) -> int:
    """List the custom domains of an instance, and how each is, in words."""
    session = open_session()
    return asyncio.run(_listed(session, host_named(session, host), as_json=as_json))


def delegate_domain_add(
    host: TcrHost,
    name: DomainName,
    certificate: Annotated[
        str, typer.Option(metavar="ID", help="The id of a certificate in the SSL service.")
    ] = "",
    upload: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="CHAIN KEY", help="Hand over these two files (PEM) instead."),
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Don't wait until it works.")] = False,
    within: Within = _WITHIN,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Add a custom domain with a certificate, and wait until it works.

    Of a domain that is there the certificate is replaced. With neither --certificate nor --upload
    it is refused (exit status 3), and the certificates that would do are named. Ends with 1 when
    the domain doesn't work in the end.
    """
    session = open_session()
    files = read_upload(*upload) if upload is not None else None
    named = host_named(session, host)

    async def act() -> int:
        async with reached(session) as reach:
            domains = await open_domain_engine(reach, named)
            changes = await plan_domain(domains, name, certificate=certificate, upload=files)
            if dry_run:
                return show_changes(changes, as_json=as_json)
            if changes.refusals or (no_wait and not changes.to_make):
                return nothing_made(changes, changes_document(changes), as_json=as_json)
            if not changes.to_make:
                return await _told(domains, name, within, as_json=as_json)
            if not agreed(changes, yes=yes, as_json=as_json):
                return 1
            engine = domains.with_upload(files) if files is not None else domains
            identity = await make_agreed(
                session, reach, engine, (OtherEngineKind.DOMAIN, named), changes
            )
            # Before the wait, which may be broken off.
            say(f"made; `transship delegate undo {identity}` takes it back")
            if no_wait:
                return await show_ended(session, reach, identity, as_json=as_json)
            return await _works(session, reach, domains, (identity, name), within, as_json=as_json)

    return asyncio.run(act())


def delegate_domain_wait(
    host: TcrHost, name: DomainName, within: Within = _WITHIN, as_json: AsJson = False
) -> int:
    """Wait until a custom domain works. Ends with 1 when it doesn't in the end."""
    session = open_session()
    named = host_named(session, host)

    async def act() -> int:
        async with reached(session) as reach:
            domains = await open_domain_engine(reach, named)
            return await _told(domains, name, within, as_json=as_json)

    return asyncio.run(act())


def delegate_domain_remove(
    host: TcrHost,
    name: DomainName,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Remove a custom domain from an instance. The certificate stays."""
    session = open_session()
    named = host_named(session, host)

    async def act() -> int:
        async with reached(session) as reach:
            domains = await open_domain_engine(reach, named)
            changes = await plan_domain(domains, name, remove=True)
            if dry_run:
                return show_changes(changes, as_json=as_json)
            if changes.refusals or not changes.to_make:
                return nothing_made(changes, changes_document(changes), as_json=as_json)
            if not agreed(changes, yes=yes, as_json=as_json):
                return 1
            identity = await make_agreed(
                session, reach, domains, (OtherEngineKind.DOMAIN, named), changes
            )
            return await show_ended(session, reach, identity, as_json=as_json)

    return asyncio.run(act())


async def _listed(session: Session, host: str, *, as_json: bool) -> int:
    async with reached(session) as reach:
        domains = await open_domain_engine(reach, host)
        found = await domains.domains()
        with_them = [(each, await domains.certificate(each.certificate)) for each in found]
    if as_json:
        entries = [_entry(*each) for each in with_them]
        show_json({"engine": domains.name, "domains": entries})
        return 0
    if not found:
        say(safe(f"{domains.name} has no custom domain"))
        return 0
    rows = [(each.name, str(each.state), each.certificate, _ends(held)) for each, held in with_them]
    for line in table(("DOMAIN", "STATE", "CERTIFICATE", "ENDS"), rows, width_of(sys.stdout)):
        show(line)
    for each in found:
        if each.state is not Attached.WORKS:
            show(safe(domain_status_text(each)))
    return 0


async def _works(
    session: Session, reach: EngineReach, domains: DomainEngine, made: tuple[str, str],
    within: float,
    *, as_json: bool,
) -> int:  # fmt: skip
    """Wait for a domain that was added; write the id of the delegation, and how the domain is."""
    identity, name = made
    last = await _waited(domains, name, within)
    if as_json:
        standing = await standing_of(session, reach, identity)
        entry = await _watched_entry(domains, name, last)
        show_json({**standing.document(), "domain": entry})
    else:
        show(identity)
    return _status_of(last)


async def _told(domains: DomainEngine, name: str, within: float, *, as_json: bool) -> int:
    """Wait for a domain that is there, and return the exit status for how it is then."""
    last = await _waited(domains, name, within)
    if as_json:
        show_json({"domain": await _watched_entry(domains, name, last)})
    return _status_of(last)


async def _waited(domains: DomainEngine, name: str, within: float) -> DomainProgress:
    """Say how a domain is each time that this changes, and return how it was at last."""
    last: DomainProgress | None = None
    async for seen in wait_for_domain(domains, name, domains.clock, within=within):
        if last is None or seen.words != last.words:
            say(safe(seen.words))
        last = seen
    if last is None:
        raise BadRequest(f"{name} wasn't looked at")
    if not last.is_over:
        say("it is given up to wait; `transship delegate domain wait` goes on with that")
    return last


def _status_of(seen: DomainProgress) -> int:
    works = seen.domain is not None and seen.domain.state is Attached.WORKS
    return 0 if works else TransshipError.exit_status


def _ends(certificate: ServerCertificate | None) -> str:
    if certificate is None or certificate.expires is None:
        return ""
    return day_text(certificate.expires)


async def _watched_entry(
    domains: DomainEngine, name: str, seen: DomainProgress
) -> dict[str, object]:
    if seen.domain is None:
        return {
            "name": name,
            "state": str(Attached.ABSENT),
            "said": "",
            "words": seen.words,
            "certificate": None,
        }
    return _entry(seen.domain, await domains.certificate(seen.domain.certificate), seen.words)


def _entry(
    domain: CustomDomain, certificate: ServerCertificate | None, words: str = ""
) -> dict[str, object]:
    expires = certificate.expires if certificate is not None else None
    return {
        "name": domain.name,
        "state": str(domain.state),
        "said": domain.said,
        "words": words or domain_status_text(domain),
        "certificate": {
            "id": domain.certificate,
            "names": list(certificate.names) if certificate is not None else None,
            "expires": None if expires is None else time_text(expires),
        },
    }
