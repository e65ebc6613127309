"""The rounds of a cutover in words: what was pushed meanwhile, and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from transship.cutover.delta import QUIET_ROUNDS, Round
from transship.cutover.evidence import TagPair
from transship.cutover.reports.standing import Standing
from transship.text import counted, safe

_SHOWN = 3


def round_words(found: Round) -> str:
    """Return what a round has done or left, empty for one that found nothing."""
    left = found.left
    parts = [
        _part(found.copied, "copied back" if found.doing == "back" else "copied"),
        _part(left.copies, "to copy" if found.doing == "look" else "not copied"),
        _part(left.asks, "pushed on both sides"),
        _part(left.only_new, "at the new registry only"),
        _part(left.gone, "deleted on one side"),
        found.unlisted,
    ]
    return safe("; ".join(filter(None, parts)), limit=400)


def delta_words(standing: Standing) -> str:
    """Return how far both registries are in step, in one line."""
    if not standing.rounds:
        return "not compared yet"
    last = standing.rounds[-1]
    words = round_words(last) or "the same on both sides"
    if standing.quiet >= QUIET_ROUNDS:
        return f"{words}; nothing more was pushed to the old registry"
    return words


def to_keep(standing: Standing) -> tuple[TagPair, ...]:
    """Return the tags that somebody has to decide: both sides have pushed them."""
    return standing.rounds[-1].left.asks if standing.rounds else ()


def tag_name(pair: TagPair) -> str:
    """Return a tag as it is written."""
    return f"{pair.repository}:{pair.tag}"


def _part(pairs: Iterable[TagPair], words: str) -> str:
    names = [tag_name(each) for each in pairs]
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{counted(len(names), 'tag')} {words}: {', '.join(names[:_SHOWN])}{more}"
