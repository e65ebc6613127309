"""`transship services`: the services that are known, what they ask for, and what they can do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from transship.errors import BadRequest
from transship.registry.capability_card import card_of
from transship.registry.service import Service, service_named
from transship.services.sign_in import SignInForm, SignInQuestion
from transship.services.table import SERVICES, sign_in_form
from transship_tui.commands.capabilities import card_entry, show_card
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import Ink, painted, say, show, show_json, table, width_of


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
        kinds = ", ".join(each.kind for each in SERVICES)
        raise BadRequest(f"{kind!r} is no kind of service", remedy=f"Known are {kinds}.")
    wanted = [each for each in SERVICES if kind in (None, each.kind)]
    if as_json:
        show_json({"services": [_entry(each) for each in wanted]})
    elif kind is not None:
        _show(wanted[0])
    else:
        header = ("KIND", "SERVICE", "SIGNS IN AS")
        rows = [_row(each) for each in wanted if not each.catalogue]
        for line in table(header, rows, width_of(sys.stdout)):
            show(line)
        for each in wanted:
            if each.catalogue:
                say(f"{each.title} is a catalogue: `transship find` looks for packages in it")
    return 0


def _row(service: Service) -> tuple[str, ...]:
    asks = sign_in_form(service)
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
    for line in _questions(sign_in_form(service)):
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


def _entry(service: Service) -> dict[str, object]:
    asks = sign_in_form(service)
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
