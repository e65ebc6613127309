"""What the options of `transship cutover` say: how the record is changed, and what is stated."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from transship.cutover.change.ways import ByHand
from transship.cutover.questions import ACCEPTED, QUESTIONS
from transship.errors import BadFile, BadRequest
from transship_tui.commands.asking import ask
from transship_tui.cutover_way import WayKind, WishedWay, secret_words
from transship_tui.cutover_way import way_of as parsed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transship.cutover.change.ways import Way
    from transship_tui.live import LiveEngine


async def way_of(
    engine: LiveEngine, zone: str, rfc2136: str, key: str, powerdns: str, route53: str
) -> Way:
    """Return how the record is changed. On a terminal, the key is asked for and kept.

    Raises BadRequest for options that don't go together, and the `Keyring...` errors.
    """
    chosen = [option for option in (rfc2136, powerdns, route53) if option]
    if len(chosen) > 1:
        raise BadRequest("--rfc2136, --powerdns and --route53 exclude one another")
    if not chosen:
        return ByHand()
    if not route53 and (not zone or (rfc2136 and not key)):
        raise BadRequest("--rfc2136 needs --zone and --key, --powerdns needs --zone")
    kind = WayKind.ROUTE53 if route53 else WayKind.POWERDNS if powerdns else WayKind.UPDATE
    way = parsed(WishedWay(kind, chosen[0], zone, key))
    words = secret_words(way)
    if words and sys.stdin.isatty() and (secret := ask(f"{words} (empty: as kept): ", hidden=True)):
        await engine.keep_key(way, secret)
    return way


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
        found.append((f"{ACCEPTED}{name}", reason))
    return found


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
