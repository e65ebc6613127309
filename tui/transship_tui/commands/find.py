"""`transship find`: which registries hold a package, by what a catalogue says."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from transship.accounts.registry_file import host_of
from transship.errors import BadRequest
from transship.services.package_catalogue import HOST, KINDS, MOST, ArtifactHub
from transship.text import counted
from transship_tui.commands.options import AsJson, CaFile, Insecure, PlainHttp, adhoc_tls
from transship_tui.commands.output import say, show, show_json, table, width_of
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transship.accounts.registry_file import Account
    from transship.registry.credential import Tls
    from transship.services.package_catalogue import Holding, Package, PackageSearch

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
        show_json(_document(host_of(at), text, found, accounts))
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


def _document(
    host: str, words: str, found: PackageSearch, accounts: Mapping[str, Account]
) -> dict[str, object]:
    return {
        "catalogue": host,
        "words": words,
        "total": found.total,
        "packages": [_entry(package, accounts) for package in found.packages],
    }


def _entry(package: Package, accounts: Mapping[str, Account]) -> dict[str, object]:
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
