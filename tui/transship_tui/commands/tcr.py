"""`transship delegate domain`, `network`, `quick` and `replica`: what is TCR's own."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transship.engines.choice import EngineKind, EngineOptions, OtherEngineKind
from transship.engines.delegation import (
    open_domain_engine,
    open_network_engine,
    plan_quick_transfer_between,
    plan_replica,
)
from transship.engines.reach import tcr_instance_at
from transship.engines.tcr.certificates import day_text, read_upload
from transship.engines.tcr.domains import domain_status_text, plan_domain, wait_for_domain
from transship.engines.tcr.network_access import DesiredAccess, explain_access, plan_access
from transship.engines.tcr.quick_transfer import QuickTransferTerms
from transship.engines.tcr.replicas import ReplicaEngine, plan_replica_removal
from transship.errors import BadRequest, TransshipError
from transship.plans.plan import OnConflict
from transship.registry.attachment import Attached
from transship.registry.registry import Visibility
from transship.text import counted, safe
from transship_tui.commands.application import Command, fill
from transship_tui.commands.documents import job_document, time_text
from transship_tui.commands.engine import (
    REFUSED,
    Yes,
    agreed,
    changes_document,
    host_named,
    lines_of,
    make_agreed,
    nothing_made,
    reached,
    say_refusals,
    show_changes,
    show_ended,
    standing_of,
)
from transship_tui.commands.options import (
    AsJson,
    carried_out,
    check_dry_run,
    open_application,
)
from transship_tui.commands.output import (
    say,
    say_problem,
    show,
    show_json,
    table,
    width_of,
    wrapped,
)
from transship_tui.commands.progress import OnInterrupt, finish, follow, status_of
from transship_tui.commands.session import open_session
from transship_tui.commands.status import watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TextIO

    from transship.app import Application
    from transship.engines.changes import ChangeSet
    from transship.engines.reach import EngineReach
    from transship.engines.tcr.certificates import ServerCertificate
    from transship.engines.tcr.domains import CustomDomain, DomainEngine, DomainProgress
    from transship.engines.tcr.inventory import ListGap
    from transship.engines.tcr.network_access import NetworkAccess, NetworkEngine, VpcLink
    from transship.engines.tcr.quick_transfer import QuickTransfer, TargetCollision
    from transship.registry.access import Access
    from transship.transfers.job_view import JobView
    from transship_tui.commands.session import Session

COMMANDS = {
    "list": Command("tcr", "List the domains of an instance, and how each is."),
    "add": Command("tcr", "Add a domain with a certificate, and wait for it."),
    "wait": Command("tcr", "Wait until a domain works."),
    "remove": Command("tcr", "Remove a domain."),
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
    check_dry_run(dry_run=dry_run, yes=yes)
    if (no_wait or dry_run) and within != _WITHIN:
        raise BadRequest("--within bounds a wait, and nothing is waited for")
    if no_wait and dry_run:
        raise BadRequest("--dry-run adds nothing, so --no-wait says nothing")
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
    check_dry_run(dry_run=dry_run, yes=yes)
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


Several = list[str] | None
TcrHost = Annotated[str, typer.Argument(metavar="HOST", help="A domain of the instance.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be changed, and change nothing.")
]


def delegate_network(
    host: TcrHost,
    public: Annotated[
        bool | None, typer.Option("--open/--close", help="Open or close the public endpoint.")
    ] = None,
    allow: Annotated[
        Several, typer.Option(metavar="BLOCK", help="Let in this address, or block of them.")
    ] = None,
    disallow: Annotated[
        Several, typer.Option(metavar="BLOCK", help="Take it off the allow-list.")
    ] = None,
    note: Annotated[
        str, typer.Option(metavar="TEXT", help="What the allow-list says beside it.")
    ] = DesiredAccess().note,
    link: Annotated[
        Several, typer.Option(metavar="VPC/SUBNET", help="Link a VPC by one of its subnets.")
    ] = None,
    unlink: Annotated[
        Several, typer.Option(metavar="VPC/SUBNET", help="Take that link away.")
    ] = None,
    record: Annotated[
        Several, typer.Option(metavar="VPC", help="Let the private DNS of a VPC lead to its link.")
    ] = None,
    unrecord: Annotated[Several, typer.Option(metavar="VPC", help="Take that record away.")] = None,
    vpc_domain: Annotated[
        bool,
        typer.Option("--vpc-domain", help="Records of the domain for VPCs, not of the public one."),
    ] = False,
    here: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="This machine's address, as the internet sees it."),
    ] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Explain who gets through to an instance of TCR; with options, change it.

    A change is shown, asked about, made and read back, and can be undone. Options that add or take
    away can be repeated. Ends with 1 when something couldn't be asked, with 3 when something
    stands in the way of a change.
    """
    check_dry_run(dry_run=dry_run, yes=yes)
    session = open_session()
    named = host_named(session, host)
    wishes = DesiredAccess(
        public,
        tuple(allow or ()),
        tuple(disallow or ()),
        note,
        tuple(link or ()),
        tuple(unlink or ()),
        tuple(record or ()),
        tuple(unrecord or ()),
        vpc_domain,
    )
    changing = any((public is not None, allow, disallow, link, unlink, record, unrecord))
    if not changing:
        if dry_run or yes or vpc_domain or note != DesiredAccess().note:
            raise BadRequest(
                "--dry-run, --yes, --note and --vpc-domain go with a change, and none is said"
            )
        return asyncio.run(_explained(session, named, here, as_json=as_json))
    if note != DesiredAccess().note and not allow:
        raise BadRequest("--note is written beside what is let in: it goes with --allow")
    if vpc_domain and not (record or unrecord):
        raise BadRequest("--vpc-domain says which records: it goes with --record or --unrecord")
    if dry_run:
        return asyncio.run(_drawn(session, named, wishes, here, as_json=as_json))
    return asyncio.run(_changed(session, named, wishes, here, yes=yes, as_json=as_json))


async def _explained(session: Session, host: str, here: str, *, as_json: bool) -> int:
    async with reached(session) as reach:
        network = await open_network_engine(reach, host)
        # With no wish nothing is changed, and an address that is none is refused.
        notes = (await plan_access(network, DesiredAccess(), here=here)).notes
        access = await network.access()
    if as_json:
        show_json({"network": _delegate_network_entry(access, here)})
    else:
        for note in notes:
            for line in wrapped(note, "", width_of(sys.stdout)):
                show(line)
    return TransshipError.exit_status if access.unseen else 0


async def _drawn(
    session: Session, host: str, wishes: DesiredAccess, here: str, *, as_json: bool
) -> int:
    async with reached(session) as reach:
        changes = await plan_access(await open_network_engine(reach, host), wishes, here=here)
    return show_changes(changes, as_json=as_json)


async def _changed(
    session: Session, host: str, wishes: DesiredAccess, here: str,
    *, yes: bool, as_json: bool,
) -> int:  # fmt: skip
    async with reached(session) as reach:
        network = await open_network_engine(reach, host)
        changes = await plan_access(network, wishes, here=here)
        if changes.refusals or not changes.to_make:
            return nothing_made(changes, changes_document(changes), as_json=as_json)
        if not agreed(changes, yes=yes, as_json=as_json):
            return 1
        identity = await make_agreed(
            session, reach, network, (OtherEngineKind.NETWORK, host), changes
        )
        return await _ended(session, reach, network, identity, here, as_json=as_json)


async def _ended(
    session: Session,
    reach: EngineReach,
    network: NetworkEngine,
    identity: str,
    here: str,
    *,
    as_json: bool,
) -> int:
    """Write how it is now, and the id by which it can be undone."""
    access = await network.access()
    if as_json:
        made = await standing_of(session, reach, identity)
        show_json({**made.document(), "network": _delegate_network_entry(access, here)})
        return 0
    for note in explain_access(access, here):
        for line in wrapped(note, "", width_of(sys.stderr)):
            say(line)
    show(identity)
    return 0


def _delegate_network_entry(access: NetworkAccess, here: str) -> dict[str, object]:
    return {
        "instance": access.instance,
        "domain": access.domain,
        "public": str(access.public),
        "said": access.said,
        "reason": access.reason,
        "allowed": [{"block": each.block, "note": each.note} for each in access.allowed],
        "lets_in_here": access.lets_in(here) if here else None,
        "links": list(map(_link_entry, access.links)),
        "unseen": list(access.unseen),
        "notes": list(explain_access(access, here)),
    }


def _link_entry(link: VpcLink) -> dict[str, object]:
    return {
        "vpc": link.vpc,
        "subnet": link.subnet,
        "state": str(link.stage),
        "said": link.said,
        "address": link.address,
        "records": [
            {"domain": each.domain, "state": str(each.stage), "said": each.said}
            for each in link.records
        ],
    }


_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class _Agreed:
    """What was said yes to and is made, and what it takes to copy the images; or why not.

    `delegation` is empty where nothing had to be made. Without `accesses` nothing is copied: the
    command ends with `status`.
    """

    found: QuickTransfer
    delegation: str = ""
    accesses: tuple[Access, ...] | None = None
    status: int = 0


def delegate_quick(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="The host of the personal account (CCR).")
    ],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A domain of the instance.")],
    newest: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Of each repository the N tags pushed last."),
    ] = None,
    on_conflict: Annotated[
        OnConflict, typer.Option(help="What to do with a tag that is there with another digest.")
    ] = OnConflict.FAIL,
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="Call this namespace so; can be repeated."),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMESPACE", help="Leave it behind; can be repeated."),
    ] = None,
    visibility: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMESPACE=WHO", help="Make it public or private; can be repeated."),
    ] = None,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Move what could be listed, without the rest.")
    ] = False,
    expose: Annotated[
        bool, typer.Option("--expose", help="Private images may become public, where it says so.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be made and copied; do nothing.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Start the copy and leave it; prints its id.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Move all of a TCR Personal account to an instance of TCR.

    Namespaces with their visibility, repositories with their descriptions, and every tag: what
    would be made and copied is shown and asked about, the namespaces are made, then a job of
    Transship's own copies the images. What couldn't be listed is named, and stops it (exit status
    3). Run it again to go on: what is there already is left.
    """
    if dry_run and detach:
        raise BadRequest("--dry-run starts no job that could be left")
    check_dry_run(dry_run=dry_run, yes=yes)
    session = open_session()
    terms = QuickTransferTerms(
        newest=newest,
        on_conflict=on_conflict,
        names=_pairs(rename, "OLD=NEW"),
        leave_out=frozenset(leave_out or ()),
        visibility={
            name: _visibility(who)
            for name, who in _pairs(visibility, "NAMESPACE=public|private").items()
        },
        incomplete=incomplete,
        expose=expose,
    )
    hosts = host_named(session, source), host_named(session, target)
    if dry_run:
        return _shown(asyncio.run(_found(session, hosts, terms)), as_json=as_json)
    made = asyncio.run(_made(session, hosts, terms, yes=yes))
    if made.accesses is None or made.found.plan is None:
        if as_json:
            show_json(_document(made.found, made.delegation))
        return made.status
    app = open_application()
    job = carried_out(app, app.jobs.start(made.found.plan))
    say(f"job {job}: {safe(hosts[0])} → {safe(hosts[1])}")
    return _followed(app, job, made, detach=detach, as_json=as_json)


async def _found(
    session: Session, hosts: tuple[str, str], terms: QuickTransferTerms
) -> QuickTransfer:
    async with reached(session) as reach:
        looked = _Looked()
        async with watched(looked.line):
            _, found = await plan_quick_transfer_between(*hosts, reach, terms, looked.note)
        return found


async def _made(
    session: Session, hosts: tuple[str, str], terms: QuickTransferTerms, *, yes: bool
) -> _Agreed:
    """Show, ask, and make what the copy needs first. Logins are asked for before that."""
    async with reached(session) as reach:
        looked = _Looked()
        async with watched(looked.line):
            spaces, found = await plan_quick_transfer_between(*hosts, reach, terms, looked.note)
        changes, plan = found.changes, found.plan
        if changes.refusals:
            _say_shown(found)
            say_refusals(changes)
            return _Agreed(found, status=REFUSED)
        if not changes.to_make and plan is None:
            _say_shown(found)
            say("there is nothing to move")
            return _Agreed(found)
        accesses = tuple(await session.accesses(plan)) if plan is not None else None
        for line in _delegate_quick_told(found, sys.stderr):
            say(line)
        then = f"copy {counted(found.tags, 'tag')}" if plan is not None else ""
        if not agreed(changes, yes=yes, then=then):
            return _Agreed(found, status=1)
        identity = ""
        if changes.to_make:
            identity = await make_agreed(
                session, reach, spaces, (OtherEngineKind.QUICK, hosts[1]), changes
            )
            say(f"made; `transship delegate undo {identity}` takes back what is empty")
        return _Agreed(found, identity, accesses)


def _followed(app: Application, job: str, made: _Agreed, *, detach: bool, as_json: bool) -> int:
    """Follow the job that copies, or leave it, and return the exit status."""
    if detach:
        if as_json:
            show_json(_document(made.found, made.delegation, app.jobs.find(job)))
        else:
            show(job)
        say(f"it runs by itself; `transship attach {job}` follows it")
        return 0
    ended = follow(app, job, on_interrupt=OnInterrupt.PAUSE)
    if not as_json or ended is None:
        return finish(app, job, ended, as_json=False)
    show_json(_document(made.found, made.delegation, ended))
    if ended.problem is not None:
        say_problem(*ended.problem)
    return REFUSED if ended.stopped else status_of(ended)


class _Looked:
    """How far the listing is."""

    def __init__(self) -> None:
        self._done, self._all = 0, 0

    def note(self, done: int, every: int) -> None:
        """Take note of it."""
        self._done, self._all = done, every

    def line(self) -> str:
        """Return it in words."""
        if not self._all:
            return "listing: namespaces and repositories"
        return f"listing: tags of {self._done:,} of {self._all:,} repositories"


def _shown(found: QuickTransfer, *, as_json: bool) -> int:
    if as_json:
        show_json(_document(found))
    else:
        for line in (
            *_delegate_quick_told(found, sys.stdout),
            *lines_of(found.changes, sys.stdout),
        ):
            show(line)
    say_refusals(found.changes)
    return REFUSED if found.changes.refusals else 0


def _say_shown(found: QuickTransfer) -> None:
    for line in (*_delegate_quick_told(found, sys.stderr), *lines_of(found.changes, sys.stderr)):
        say(line)


def _delegate_quick_told(found: QuickTransfer, stream: TextIO) -> Iterator[str]:
    """Give what would be copied."""
    width = width_of(stream)
    repositories = counted(found.repositories, "repository", "repositories")
    would = "would be copied" if found.plan is not None else "were found"
    yield f"{counted(found.tags, 'tag')} of {repositories} {would}"
    if found.empty:
        yield from wrapped(f"without a tag: {_named(found.empty)}", "", width)
    yield ""


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and {more:,} more" if more > 0 else shown


def _pairs(texts: Iterable[str] | None, form: str) -> Mapping[str, str]:
    pairs = [text.partition("=") for text in texts or ()]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise BadRequest(f"{name}{equals}{value!s} is no {form}")
    return {name: value for name, _, value in pairs}


def _visibility(word: str) -> Visibility:
    try:
        return Visibility(word)
    except ValueError:
        raise BadRequest(
            f"{word!r} is no visibility", remedy=f"Say {' or '.join(Visibility)}."
        ) from None


def _document(
    found: QuickTransfer, delegation: str = "", job: JobView | None = None
) -> dict[str, object]:
    copying = {"job": None} if job is None else job_document(job)
    return {
        **changes_document(found.changes),
        "repositories": found.repositories,
        "tags": found.tags,
        "empty": list(found.empty),
        "gaps": list(map(_gap_entry, found.gaps)),
        "collisions": list(map(_collision_entry, found.collisions)),
        "delegation": delegation or None,
        **copying,
    }


def _gap_entry(gap: ListGap) -> dict[str, object]:
    return {"what": gap.what, "of": gap.of, "cause": gap.why.cause, "detail": gap.why.detail}


def _collision_entry(collision: TargetCollision) -> dict[str, object]:
    return {
        "repository": collision.repository,
        "both": None if collision.both is None else sorted(collision.both),
        "only_there": None if collision.there is None else sorted(collision.there),
    }


def delegate_replica(
    host: TcrHost,
    region: Annotated[
        str, typer.Option(metavar="REGION", help="Make one there, as in ap-shanghai.")
    ] = "",
    remove: Annotated[str, typer.Option(metavar="REGION", help="Take the one there away.")] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """List the replicas of an instance of TCR; with --region make one, with --remove delete one.

    A replica has all of its instance, under the same domain and logins, and can't be pushed to.
    It takes the premium edition, and stands on the same side of the border of mainland China;
    else it is refused (exit status 3), and what to do instead is said.
    """
    if region and remove:
        raise BadRequest("--region makes a replica and --remove takes one away: say one of them")
    check_dry_run(dry_run=dry_run, yes=yes)
    session = open_session()
    named = host_named(session, host)
    if not region and not remove:
        if dry_run or yes:
            raise BadRequest("--dry-run and --yes go with a change, and none is said")
        return asyncio.run(_delegate_replica_listed(session, named, as_json=as_json))

    async def act() -> int:
        async with reached(session) as reach:
            engine, changes = await _wish(reach, named, region, remove)
            if dry_run:
                return show_changes(changes, as_json=as_json)
            if changes.refusals or not changes.to_make:
                return nothing_made(changes, changes_document(changes), as_json=as_json)
            if not agreed(changes, yes=yes, as_json=as_json):
                return 1
            where = (EngineKind.TCR_REPLICA, named)
            identity = await make_agreed(session, reach, engine, where, changes)
            if region:
                say(f"`transship delegate follow {identity}` follows how it is made and filled")
            return await show_ended(session, reach, identity, as_json=as_json)

    return asyncio.run(act())


async def _wish(
    reach: EngineReach, host: str, region: str, remove: str
) -> tuple[ReplicaEngine, ChangeSet]:
    if region:
        return await plan_replica(host, host, reach, EngineOptions(region=region))
    at = await tcr_instance_at(reach, host)
    engine = ReplicaEngine(at.cloud, at.instance)
    return engine, plan_replica_removal(at.instance, [remove], await engine.replicas())


async def _delegate_replica_listed(session: Session, host: str, *, as_json: bool) -> int:
    async with reached(session) as reach:
        at = await tcr_instance_at(reach, host)
        engine = ReplicaEngine(at.cloud, at.instance)
        found = await engine.replicas()
    if as_json:
        entries = [{"region": e.region.name, "said": e.status, "id": e.id} for e in found]
        show_json({"engine": engine.name, "replicas": entries})
        return 0
    if not found:
        say(safe(f"{engine.name} has no replica"))
        return 0
    rows = [(each.region.name, each.status, each.id) for each in found]
    for line in table(("REGION", "SAID", "ID"), rows, width_of(sys.stdout)):
        show(line)
    return 0
