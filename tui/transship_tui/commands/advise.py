"""`transship advise`: which way images should go between two registries, and why not the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from transship.errors import BadRequest
from transship.plans.advice import End, Ends, answered
from transship.plans.advice import advise as advise_on
from transship.registry.service import service_of
from transship.text import safe
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import show, show_json
from transship_tui.commands.session import open_session
from transship_tui.ways import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transship.oci.reference import Reference
    from transship.plans.advice import Advice, EndQuestion
    from transship_tui.commands.session import Session

_YES_NO = "yes|no"
_EDITIONS = "basic|standard|premium"


def _asks(words: str, metavar: str = _YES_NO) -> Any:
    return typer.Option(metavar=metavar, help=words, show_default=False)


def advise(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="HOST[/PATH], or an alias.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="HOST[/PATH], or an alias.")],
    pace: Annotated[
        str, _asks("How often the source changes after it.", "once|sometimes|constantly")
    ] = "",
    whole: Annotated[str, _asks("Everything at the source is wanted.")] = "",
    vanish: Annotated[str, _asks("What is deleted at the source is to vanish.")] = "",
    here: Annotated[str, _asks("This machine reaches both registries.")] = "",
    source_reaches: Annotated[str, _asks("The source reaches the target.")] = "",
    target_reaches: Annotated[str, _asks("The target reaches the source.")] = "",
    harbor_admin: Annotated[str, _asks("You are an administrator of Harbor.")] = "",
    source_edition: Annotated[str, _asks("The edition of TCR at the source.", _EDITIONS)] = "",
    target_edition: Annotated[str, _asks("The edition of TCR at the target.", _EDITIONS)] = "",
    source_side: Annotated[str, _asks("The source is in mainland China.")] = "",
    target_side: Annotated[str, _asks("The target is in mainland China.")] = "",
    owner: Annotated[str, _asks("Both TCR instances have the same owner.")] = "",
    target_written: Annotated[str, _asks("Others push to the target too.")] = "",
    as_json: AsJson = False,
) -> int:
    """Recommend a way from one registry to another.

    Says why it is the one, why each of the others isn't, and which answers would make it surer.
    Asks no registry.
    """
    session = open_session()
    answers = {
        "pace": pace,
        "whole": whole,
        "vanish": vanish,
        "here": here,
        "source-reaches": source_reaches,
        "target-reaches": target_reaches,
        "harbor-admin": harbor_admin,
        "source-edition": source_edition,
        "target-edition": target_edition,
        "source-side": source_side,
        "target-side": target_side,
        "owner": owner,
        "target-written": target_written,
    }
    ends = Ends(_end(session, source), _end(session, target))
    advice = advise_on(_with_answers(ends, answers))
    if as_json:
        show_json(_document(advice))
    else:
        for line in _lines(advice):
            show(line)
    return 0


def _end(session: Session, text: str) -> End:
    place: Reference = session.reference(text)
    if place.version:
        raise BadRequest(f"{text} names one image", remedy="Write HOST[/PATH], or an alias.")
    if place.layout is not None:
        return End(place.registry)
    account = session.accounts.find(place.registry)
    service = account.service if account else ""
    called = (account.alias if account else "") or place.registry
    return End(called, service or service_of(place.registry).kind)


def _with_answers(ends: Ends, answers: Mapping[str, str]) -> Ends:
    for name, value in answers.items():
        if value:
            try:
                ends = answered(ends, name, value)
            except BadRequest as error:
                raise BadRequest(
                    f"--{name} {value}: that is no answer",
                    remedy="`transship advise --help` lists the answers.",
                ) from error
    return ends


def _lines(advice: Advice) -> Iterator[str]:
    yield f"{WORDS[advice.way]}: {safe(advice.reason)}."
    yield ""
    yield "Not recommended:"
    for other in advice.others:
        yield f"  {WORDS[other.way]}: {safe(other.why)}."
    if advice.questions:
        yield ""
        yield "To be surer, say:"
        for question in advice.questions:
            yield f"  --{question.id} {_choices(question)}: {safe(question.words)}"


def _choices(question: EndQuestion) -> str:
    return "|".join(choice.value for choice in question.choices)


def _document(advice: Advice) -> dict[str, object]:
    return {
        "way": str(advice.way),
        "reason": advice.reason,
        "others": [{"way": str(other.way), "why": other.why} for other in advice.others],
        "questions": [
            {
                "id": question.id,
                "words": question.words,
                "choices": [
                    {"value": choice.value, "words": choice.words} for choice in question.choices
                ],
            }
            for question in advice.questions
        ],
    }
