"""`transship registries`, `ls`, `inspect`, `find`, `services`, `logout`: what is where."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from transship.accounts.registry_file import Accounts, api_hosts_of, host_of
from transship.accounts.sign_in import api_account_of, hands_out, service_at, sign_out, used_by
from transship.errors import BadRequest
from transship.oci.reference import Reference
from transship.paths import default_paths
from transship.registry.capability_card import card_of
from transship.registry.credential import Tls
from transship.registry.distribution import DistributionRegistry
from transship.registry.http.address import is_loopback
from transship.registry.inspection import inspect as look
from transship.registry.service import Service, all_services, service_named
from transship.registry.sign_in_form import SignInForm, SignInQuestion
from transship.services.package_catalogue import HOST, KINDS, MOST, ArtifactHub
from transship.text import bytes_text, counted, safe
from transship.views.registry import card_lines, origin_of
from transship_tui.commands.options import AsJson, CaFile, Insecure, PlainHttp, adhoc_tls
from transship_tui.commands.output import Ink, painted, say, show, show_json, table, width_of
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from transship.accounts.registry_file import Account
    from transship.oci.manifest import Descriptor
    from transship.registry.capability_card import CapabilityCard
    from transship.registry.examination import Examination
    from transship.registry.inspection import InspectedManifest, Inspection
    from transship.registry.registry import Registry
    from transship.services.package_catalogue import Holding, Package, PackageSearch
    from transship_tui.commands.session import Session

_SECRETS = {
    "": "nowhere: anonymous",
    "keyring": "keyring",
    "session": "asked for each time",
    "environment": "environment",
    "docker": "docker's config",
}


def registries(
    host: Annotated[
        str | None,
        typer.Argument(metavar="HOST", help="Show what can be done there; an alias will do."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """List the accounts, or show what can be done at one.

    Of one it says whether it can list, create, mount, resume and delete, which limits it has, and
    what each no means for a migration. It is knocked at for that, and only read.
    """
    if host is not None:
        return asyncio.run(_one(host, as_json=as_json))
    accounts = Accounts(default_paths().registries).all()
    if as_json:
        show_json({"registries": [_entry(account, accounts) for account in accounts]})
    elif accounts:
        header = ("ALIAS", "HOST", "SERVICE", "USER", "SECRET", "TLS")
        rows = [_row(account, accounts) for account in accounts]
        for line in table(header, rows, width_of(sys.stdout)):
            show(line)
    else:
        say("no accounts yet; `transship login HOST` adds one")
    return 0


async def _one(name: str, *, as_json: bool) -> int:
    """Show one account and its card. Raises what stands in the way, after all that is known."""
    from transship.registry.examination import examine
    from transship_tui.commands.session import open_session

    session = open_session()
    account = session.accounts.get(name)
    found = await examine(await session.access(Reference(account.host)))
    if as_json and found.problem is None:
        show_json({"registries": [_entry(account, session.accounts.all(), found)]})
    elif not as_json:
        title = f"{account.host}: {found.service.title}, {found.protection}"
        show(painted(safe(title), Ink.QUIET, sys.stdout))
        _show_api(account, session.accounts.all())
        if found.service.holds_images:
            show_card(card_of(found.service, found))
    if found.problem is not None:
        raise found.problem
    return 0


def protection(account: Account) -> str:
    """Return how the way to a registry is protected, in words that stand out when it isn't."""
    tls = account.tls
    if tls.plain_http:
        return "PLAIN HTTP"
    if tls.insecure:
        return "NOT VERIFIED"
    if tls == Tls() and is_loopback(account.host):
        return "this machine"
    own = "own CA" if tls.ca_file else "verified"
    return f"{own}, client certificate" if tls.client_cert else own


def _show_api(account: Account, accounts: Sequence[Account]) -> None:
    """Say which account opens the API of a registry's cloud, or for whom this one does."""
    if not service_at(account).holds_images:
        users = ", ".join(map(_called, used_by(account, accounts))) or "none yet"
        show(safe(f"used by: {users}"))
    elif (api := api_account_of(account, accounts)) is not None:
        show(safe(f"its cloud's API: keys of {_called(api)}"))
    elif hosts := api_hosts_of(account.host, account):
        say(f"its cloud's API needs keys: `transship login {hosts[0]}` adds them")


def _called(account: Account) -> str:
    return account.alias or account.host


def _row(account: Account, accounts: Sequence[Account]) -> tuple[str, ...]:
    handed_out = "" if account.secret_source else hands_out(account, accounts)
    return (
        account.alias,
        account.host,
        service_at(account).title,
        account.username,
        handed_out or _SECRETS[account.secret_source],
        protection(account),
    )


def _entry(
    account: Account, accounts: Sequence[Account], found: Examination | None = None
) -> dict[str, object]:
    service = found.service if found is not None else service_at(account)
    api = api_account_of(account, accounts)
    holds_images = service.holds_images
    tls = account.tls
    return {
        "host": account.host,
        "alias": account.alias,
        "service": service.kind,
        "username": account.username,
        "secret": account.secret_source or "none",
        "holds_images": holds_images,
        "api": api.host if api is not None else None,
        "used_by": [] if holds_images else [each.host for each in used_by(account, accounts)],
        "repositories": list(account.repositories),
        "tls": {
            "plain_http": tls.plain_http,
            "insecure": tls.insecure,
            "ca_file": tls.ca_file,
            "client_cert": tls.client_cert,
            "client_key": tls.client_key,
        },
        "card": card_entry(card_of(service, found)) if holds_images else None,
    }


_INKS = {"yes": Ink.GOOD, "no": Ink.BAD, "partly": Ink.WARNING}


def show_card(card: CapabilityCard) -> None:
    """Write a card, and where what it says comes from."""
    for line in card_lines(card, width=width_of(sys.stdout), paint=_painted):
        show(line)
    say(origin_of(card))


def card_entry(card: CapabilityCard) -> dict[str, object]:
    """Return a card as a document: of each row the answer, how, what it means, whether it was seen.

    `quota` is null while nothing was seen of it.
    """
    rows: dict[str, object] = {
        row.title.replace(" ", "_"): {
            "can": row.fact.can.value,
            "how": row.fact.how,
            "means": row.fact.means,
            "seen": row.seen,
        }
        for row in card.rows
    }
    return {**rows, "quota": rows.get("quota")}


def _painted(answer: str, text: str) -> str:
    return painted(text, _INKS.get(answer, Ink.QUIET), sys.stdout)


def ls(
    where: Annotated[
        str | None,
        typer.Argument(
            metavar="[HOST[/REPOSITORY]]", help="A registry, a repository, or layout:PATH."
        ),
    ] = None,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """List accounts, repositories or tags."""
    session = open_session(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    if where is None:
        hosts = [account.host for account in session.accounts.all()]
        if as_json:
            show_json({"registries": hosts})
        for host in () if as_json else hosts:
            show(host)
        if not hosts:
            say("no accounts yet; `transship login HOST` adds one")
        return 0
    reference = session.reference(where)
    if reference.version:
        raise BadRequest(
            f"{reference} is one image", remedy=f"`transship inspect {where}` shows it."
        )
    asyncio.run(_list(session, reference, as_json=as_json))
    return 0


async def _list(session: Session, reference: Reference, *, as_json: bool) -> None:
    async with session.place(reference) as place:
        names = place.tags(reference.repository) if reference.repository else _repositories(place)
        if not as_json:
            async for name in names:
                show(safe(name))
            _say_left_out(place, reference.repository)
            return
        document: dict[str, object] = {"registry": reference.registry}
        if reference.repository:
            document["repository"] = reference.repository
        found = sorted([name async for name in names])
        show_json(document | {"tags" if reference.repository else "repositories": found})


def _say_left_out(place: Registry, repository: str) -> None:
    names = place.left_out.get(repository, ()) if isinstance(place, DistributionRegistry) else ()
    if names:
        kind = "tag" if repository else "repository"
        named = ", ".join(safe(name, limit=80) for name in names)
        say(f"left out {counted(len(names), 'name')}, by the rules no {kind}: {named}")


async def _repositories(place: Registry) -> AsyncIterator[str]:
    """Give the repositories of a place, and the tags of a layout that have none."""
    async for name in place.repositories():
        if name:
            yield name
            continue
        # The tags of a layout that have no repository stand after // by themselves.
        async for tag in place.tags(name):
            yield f":{tag}"


_ATTESTATION = "vnd.docker.reference.type"


def inspect(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REFERENCE", help="HOST/REPOSITORY:TAG or @DIGEST, or one in a layout:PATH."
        ),
    ],
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Show what a tag or a digest points at.

    Platforms, layers, sizes, annotations, and what refers to it.
    """
    session = open_session(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    found = asyncio.run(_inspect(session, session.reference(reference)))
    if as_json:
        show_json(_document(found))
    else:
        for line in _lines(found):
            show(line)
    return 0


async def _inspect(session: Session, reference: Reference) -> Inspection:
    async with session.place(reference) as place:
        return await look(place, reference)


def _lines(found: Inspection) -> Iterator[str]:
    manifest, config = found.manifest, found.config
    facts = (
        ("reference", str(found.reference)),
        ("digest", manifest.digest),
        ("media type", manifest.media_type),
        ("artifact type", manifest.artifact_type),
        ("size", f"{bytes_text(found.size)} in all"),
        ("platform", str(config.platform or "") if config else ""),
        ("created", config.created if config else ""),
        ("subject", manifest.subject.digest if manifest.subject else ""),
    )
    for name, value in facts:
        if value:
            yield f"{painted(f'{name:<13}', Ink.QUIET, sys.stdout)}  {safe(value)}"
    entries = [
        (_kind(entry), bytes_text(entry.size), entry.descriptor.digest, _problem(entry))
        for entry in found.entries
    ]
    yield from _section("platforms", ("PLATFORM", "SIZE", "DIGEST", ""), entries)
    layers = [(bytes_text(d.size), d.digest, d.media_type) for d in manifest.layers]
    yield from _section("layers", ("SIZE", "DIGEST", "MEDIA TYPE"), layers)
    referrers = [
        (d.artifact_type or d.media_type, bytes_text(d.size), d.digest) for d in found.referrers
    ]
    yield from _section("referrers", ("TYPE", "SIZE", "DIGEST"), referrers)
    yield from _section("annotations", ("NAME", "VALUE"), sorted(manifest.annotations.items()))


def _section(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    rows = list(rows)
    if rows:
        yield ""
        yield painted(title, Ink.QUIET, sys.stdout)
        # Never cut: a digest is there to be copied.
        yield from table(header, rows, None)


def _kind(entry: InspectedManifest) -> str:
    descriptor = entry.descriptor
    if entry.platform:
        return str(entry.platform)
    return descriptor.annotations.get(_ATTESTATION) or descriptor.artifact_type or "no platform"


def _problem(entry: InspectedManifest) -> str:
    return str(entry.problem) if entry.problem else ""


def _document(found: Inspection) -> dict[str, object]:
    manifest, config = found.manifest, found.config
    return {
        "reference": str(found.reference),
        "digest": manifest.digest,
        "media_type": manifest.media_type,
        "artifact_type": manifest.artifact_type or None,
        "size": found.size,
        "platform": str(config.platform) if config and config.platform else None,
        "created": (config.created if config else "") or None,
        "subject": manifest.subject.digest if manifest.subject else None,
        "annotations": manifest.annotations,
        "platforms": [
            {
                "platform": str(entry.platform) if entry.platform else None,
                **_descriptor(entry.descriptor),
                "size": entry.size,
                "problem": str(entry.problem) if entry.problem else None,
            }
            for entry in found.entries
        ],
        "layers": [_descriptor(layer) for layer in manifest.layers],
        "referrers": [
            {**_descriptor(each), "artifact_type": each.artifact_type or None}
            for each in found.referrers
        ],
    }


def _descriptor(descriptor: Descriptor) -> dict[str, object]:
    return {
        "digest": descriptor.digest,
        "media_type": descriptor.media_type,
        "size": descriptor.size,
    }


_HEADER = ("REFERENCE", "ACCOUNT", "IS", "PACKAGE", "VERSION", "KIND", "PUBLISHER")
"""What is cut where a terminal is narrow comes last."""


def find(
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS", help="What to look for, as at a search engine.")
    ],
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Only this kind, as helm or container; can be repeated."),
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", help=f"How many packages, at most {MOST}.")
    ] = 10,
    at: Annotated[str, typer.Option(metavar="HOST", help="An Artifact Hub of your own.")] = HOST,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Look for a package in Artifact Hub, and say which registries hold it.

    A catalogue holds no images: what is found are references that `copy` takes. Nothing is signed
    in to.
    """
    for each in kind or ():
        if each not in KINDS:
            raise BadRequest(f"{each!r} is no kind", remedy=f"Known are {', '.join(KINDS)}.")
    if not 1 <= limit <= MOST:
        raise BadRequest(f"{limit} isn't a number from 1 to {MOST}")
    tls = adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca)
    accounts = {account.host: account for account in open_session().accounts.all()}
    text = " ".join(words)
    found = asyncio.run(_find(host_of(at), tls, text, tuple(kind or ()), limit))
    if as_json:
        show_json(_find_document(host_of(at), text, found, accounts))
        return 0
    for line in table(_HEADER, list(_rows(found, accounts)), width_of(sys.stdout)):
        show(line)
    _say_rest(found)
    return 0


async def _find(
    host: str, tls: Tls | None, words: str, kinds: tuple[str, ...], limit: int
) -> PackageSearch:
    async with aclosing(ArtifactHub(host, tls=tls)) as catalogue:
        return await catalogue.find(words, kinds=kinds, most=limit)


def _rows(found: PackageSearch, accounts: Mapping[str, Account]) -> Iterator[tuple[str, ...]]:
    for package in found.packages:
        about = (package.name, package.version, package.kind, package.publisher)
        for holding in package.holdings:
            reference = holding.reference
            account = _account_of(holding, accounts)
            yield (str(reference), account, holding.holds.value, *about)
        if package.problem:
            yield ("what it contains can't be read", "", "", *about)
        elif not package.holdings:
            yield ("in no registry", "", "", *about)


def _account_of(holding: Holding, accounts: Mapping[str, Account]) -> str:
    """Return what the account at a reference's registry is called, nothing without one."""
    account = accounts.get(holding.reference.registry)
    return (account.alias or account.host) if account else ""


def _say_rest(found: PackageSearch) -> None:
    if not found.packages:
        say("nothing was found")
        return
    if found.total > len(found.packages):
        say(f"these are the first {len(found.packages)} of {found.total:,}; --limit shows more")
    unread = sum(len(package.unread) for package in found.packages)
    if unread:
        say(f"left out {counted(unread, 'image')} whose names can't be read; --json has them")
    say("what a catalogue says is its publishers' word: look at what you copy")


def _find_document(
    host: str, words: str, found: PackageSearch, accounts: Mapping[str, Account]
) -> dict[str, object]:
    return {
        "catalogue": host,
        "words": words,
        "total": found.total,
        "packages": [_find_entry(package, accounts) for package in found.packages],
    }


def _find_entry(package: Package, accounts: Mapping[str, Account]) -> dict[str, object]:
    return {
        "name": package.name,
        "version": package.version,
        "kind": package.kind,
        "publisher": package.publisher,
        "description": package.description,
        "official": package.official,
        "verified": package.verified,
        "deprecated": package.deprecated,
        "address": package.address,
        "content": package.content or None,
        "references": [
            {
                "reference": str(holding.reference),
                "is": holding.holds.value,
                "registry": holding.reference.registry,
                "account": holding.reference.registry in accounts,
                "alias": getattr(accounts.get(holding.reference.registry), "alias", "") or None,
            }
            for holding in package.holdings
        ],
        "unread": list(package.unread),
        "problem": str(package.problem) if package.problem else None,
    }


def services(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="Show one: what it asks for and can do.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """List the services that are known, or show one: what it asks for, and what it can do.

    `transship login --service KIND` asks for that, one by one.
    """
    if kind is not None and service_named(kind) is None:
        kinds = ", ".join(each.kind for each in all_services())
        raise BadRequest(f"{kind!r} is no kind of service", remedy=f"Known are {kinds}.")
    wanted = [each for each in all_services() if kind in (None, each.kind)]
    if as_json:
        show_json({"services": [_services_entry(each) for each in wanted]})
    elif kind is not None:
        _show(wanted[0])
    else:
        header = ("KIND", "SERVICE", "SIGNS IN AS")
        rows = [_services_row(each) for each in wanted if not each.catalogue]
        for line in table(header, rows, width_of(sys.stdout)):
            show(line)
        for each in wanted:
            if each.catalogue:
                say(f"{each.title} is a catalogue: `transship find` looks for packages in it")
    return 0


def _services_row(service: Service) -> tuple[str, ...]:
    asks = service.sign_in_form
    ways = [*filter(None, [asks.handed_out]), *(each.title for each in asks.identities)]
    return service.kind, service.title, "; ".join(ways)


def _show(service: Service) -> None:
    show(painted(service.title, Ink.QUIET, sys.stdout))
    if service.catalogue:
        show("A catalogue: it holds no images, and nobody signs in to it.")
        show(
            "`transship find WORDS` looks there for packages, and says which registries hold them."
        )
        show(f"Limits: {service.facts.limits}.")
        return
    for line in _questions(service.sign_in_form):
        show(line)
    if service.holds_images:
        show()
        show_card(card_of(service))


def _questions(asks: SignInForm) -> Iterator[str]:
    for question in asks.host_questions:
        yield from _question(question)
    if asks.handed_out:
        yield f"anonymous: {asks.handed_out}"
    for identity in asks.identities:
        yield f"{identity.id}: {identity.title}"
        for question in identity.questions:
            yield from (f"  {line}" for line in _question(question))


def _question(question: SignInQuestion) -> Iterator[str]:
    answer = "" if question.secret and not question.from_file else f" (--set {question.id}=)"
    yield f"{question.label}: {question.hint}{answer}"
    if question.where:
        yield f"  {question.where}"


def _services_entry(service: Service) -> dict[str, object]:
    asks = service.sign_in_form
    return {
        "kind": service.kind,
        "title": service.title,
        "holds_images": service.holds_images,
        "catalogue": service.catalogue,
        "host": asks.at or None,
        "handed_out": asks.handed_out or None,
        "identities": [
            {"id": each.id, "title": each.title}
            for each in (() if service.catalogue else asks.identities)
        ],
        "questions": [
            {
                "id": question.id,
                "label": question.label,
                "hint": question.hint,
                "where": question.where,
                "example": question.example or None,
                "default": question.default or None,
                "needed": not (question.optional or question.default),
                "secret": question.secret,
                "file": question.from_file,
                "identities": list(identities),
            }
            for question, identities in (() if service.catalogue else asks.questions)
        ],
        "card": card_entry(card_of(service)) if service.holds_images else None,
    }


def logout(
    host: Annotated[str, typer.Argument(metavar="HOST|ALIAS", help="The account to remove.")],
    leave_secret: Annotated[
        bool,
        typer.Option(
            "--leave-secret", help="Don't ask the keyring; what it keeps for the account stays."
        ),
    ] = False,
) -> int:
    """Remove an account, and its secret from the keyring."""
    session = open_session()
    out = asyncio.run(
        sign_out(
            host, accounts=session.accounts, sources=session.sources, leave_secret=leave_secret
        )
    )
    secret = "and its secret are" if out.secret_removed else "is"
    say(f"the account {out.account.host} {secret} removed")
    return 0
