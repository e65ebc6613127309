"""What the options of `transship cutover` say: how the record is changed, and what is stated."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from transship.app.provider_request import ProviderKind, ProviderRequest, secret_words
from transship.app.provider_request import settings_of as parsed
from transship.cutover.change.settings import ManualSettings, check_zone_contains
from transship.cutover.finding import Severity
from transship.cutover.questions import ACCEPTED_PREFIX, QUESTIONS
from transship.cutover.rules.checks import CHECKS_BY_ID
from transship.errors import BadFile, BadRequest, ProviderUnreachable
from transship_tui.commands.asking import ask
from transship_tui.commands.login import KEYRING_ERRORS
from transship_tui.commands.output import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transship.app.application import Application
    from transship.cutover.change.settings import ProviderSettings
    from transship.cutover.status import CutoverStatus

_SECRET_ALONE = "Give the secret alone, on one line."


@dataclass(frozen=True, slots=True)
class WayOptions:
    """What `plan` was told of how the record is changed."""

    zone: str = ""
    rfc2136: str = ""
    key: str = ""
    powerdns: str = ""
    route53: str = ""


def way_of(options: WayOptions, domain: str) -> ProviderSettings:
    """Return how the record of a domain is changed.

    Raises BadRequest for options that don't go together, and for a zone that isn't the domain's.
    """
    rfc2136, powerdns, route53 = options.rfc2136, options.powerdns, options.route53
    chosen = [option for option in (rfc2136, powerdns, route53) if option]
    if len(chosen) > 1:
        raise BadRequest("--rfc2136, --powerdns and --route53 exclude one another")
    if options.key and not rfc2136:
        raise BadRequest("--key names a TSIG key, which only --rfc2136 takes")
    if options.zone and (not chosen or route53):
        raise BadRequest("--zone goes with --rfc2136 or --powerdns")
    if not chosen:
        return ManualSettings()
    if not route53 and (not options.zone or (rfc2136 and not options.key)):
        raise BadRequest("--rfc2136 needs --zone and --key, --powerdns needs --zone")
    kind = (
        ProviderKind.ROUTE53
        if route53
        else ProviderKind.POWERDNS
        if powerdns
        else ProviderKind.UPDATE
    )
    way = parsed(ProviderRequest(kind, chosen[0], options.zone, options.key))
    check_zone_contains(way, domain)
    return way


async def keep_tried_key(
    engine: Application, way: ProviderSettings, domain: str, key_file: str
) -> None:
    """Take the key that a way needs, try it at the provider, and keep it in the keyring.

    On a terminal it is asked for, unless a file has it. Where there is no keyring it is kept for
    this run only, which is said. Raises BadRequest, BadFile, and KeyRefused and what else the
    provider says of it, but for one that can't be reached.
    """
    words = secret_words(way)
    secret = _read_key(way, key_file)
    if not secret and words and sys.stdin.isatty():
        secret = ask(f"{words} (empty: as kept): ", hidden=True)
    if secret:
        await engine.cutovers.changes.keep_key(way, secret, for_this_run=True)
    elif not words or not await _is_kept(engine, way):
        return
    try:
        await engine.cutovers.changes.try_key(way, domain)
    except ProviderUnreachable as error:
        say(f"the key couldn't be tried: {error}")
    if not secret:
        return
    try:
        await engine.cutovers.changes.keep_key(way, secret)
    except KEYRING_ERRORS as error:
        say(
            f"the key is kept for this run only ({error.title}): apply and rollback need --key-file"
        )


async def take_key(engine: Application, name: str, key_file: str) -> None:
    """Take the key of a cutover from a file, for this run only. Raises BadRequest and BadFile."""
    if key_file:
        way = engine.cutovers.changes.provider(name)
        secret = _read_key(way, key_file)
        await engine.cutovers.changes.keep_key(way, secret, for_this_run=True)


async def _is_kept(engine: Application, way: ProviderSettings) -> bool:
    try:
        kept = await engine.cutovers.changes.is_key_kept(way)
    except KEYRING_ERRORS:
        kept = False
    if not kept:
        say("no key for it is kept: give --key-file here once more, or to apply and rollback")
    return kept


def _read_key(way: ProviderSettings, key_file: str) -> str:
    """Return the secret in a file, or on standard input for `-`; empty where none is named."""
    if not key_file:
        return ""
    if not secret_words(way):
        raise BadRequest("--key-file is for --rfc2136 and --powerdns")
    try:
        text = sys.stdin.read() if key_file == "-" else Path(key_file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadFile(f"{key_file}: not a text", remedy=_SECRET_ALONE) from None
    except OSError as error:
        raise BadFile(f"{key_file}: {error.strerror}", remedy=_SECRET_ALONE) from error
    secret = text.strip()
    if not secret or len(secret.splitlines()) > 1:
        where = "standard input" if key_file == "-" else key_file
        what = "more than one line" if secret else "empty"
        raise BadFile(f"{where}: {what}", remedy=_SECRET_ALONE)
    return secret


def statements_of(answers: Iterable[str], accepted: Iterable[str]) -> list[tuple[str, str]]:
    """Return what is stated, each by its name. `=@FILE` takes a file's text.

    Raises BadRequest for a question that there isn't, and BadFile.
    """
    known = {each.id for each in QUESTIONS}
    found = []
    for text in answers:
        name, answer = _pair(text)
        if name not in known:
            raise BadRequest(f"{name} is no question", remedy=f"There are {', '.join(known)}.")
        found.append((name, _text(answer)))
    for text in accepted:
        name, reason = _pair(text)
        if name.partition("/")[0] not in CHECKS_BY_ID:
            raise BadRequest(f"{name} is no check", remedy="`transship check` shows them by id.")
        found.append((f"{ACCEPTED_PREFIX}{name}", reason))
    return found


def check_accepted(standing: CutoverStatus, said: Iterable[tuple[str, str]]) -> None:
    """Raise BadRequest where something is acknowledged that nobody has found."""
    for name, _ in said:
        check, slash, finding = name.removeprefix(ACCEPTED_PREFIX).partition("/")
        result = standing.result(check) if name.startswith(ACCEPTED_PREFIX) else None
        if result is None or not slash:
            continue
        known = [each.id for each in result.findings if each.severity is Severity.WARN]
        if finding not in known:
            which = ", ".join(f"{check}/{each}" for each in known) or "nothing"
            raise BadRequest(
                f"{check} has no warning {finding}",
                remedy=f"There is {which} to be acknowledged of {check}.",
            )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not value.strip():
        raise BadRequest(f"{text} isn't NAME=TEXT")
    return name.strip(), value.strip()


def _text(answer: str) -> str:
    if not answer.startswith("@"):
        return answer
    try:
        return Path(answer[1:]).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BadFile(f"{answer[1:]}: {error.strerror}") from error
