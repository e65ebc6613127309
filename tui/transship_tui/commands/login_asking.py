"""What `transship login --service KIND` asks for, in the words of the service."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from transship.accounts.registry_file import SecretSource
from transship.accounts.secrets import read_key_file
from transship.errors import BadRequest
from transship.registry.service import Service
from transship.services.sign_in import (
    SignIn,
    SignInForm,
    SignInIdentity,
    SignInQuestion,
    sign_in_from,
)
from transship.services.table import sign_in_form
from transship_tui.commands.asking import ask
from transship_tui.commands.output import say, say_wrapped

_TRIES = 3
_ANONYMOUS = "anonymous"
"""What the identity is called of who keeps no secret."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is said on the command line: answers by the ids of their questions.

    `secret` was read from the input. `source` says where user and secret come from: None when
    nothing was said, empty for nowhere.
    """

    answers: Mapping[str, str]
    secret: str | None = field(default=None, repr=False)
    source: SecretSource | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of the questions. Without a secret, user and secret are none of ours.

    `again` asks for the secret once more, where it was typed.
    """

    host: str
    username: str = ""
    secret: str | None = field(default=None, repr=False)
    again: Callable[[], str] | None = None


def read_answers(said: Sequence[str]) -> dict[str, str]:
    """Return the answers that `--set ID=ANSWER` gives. Raises BadRequest."""
    answers: dict[str, str] = {}
    for each in said:
        name, equals, answer = each.partition("=")
        if not equals or not name or not answer:
            raise BadRequest(f"--set {each!r} says no answer", remedy="Write --set ID=ANSWER.")
        answers[name] = answer
    return answers


def answer_all(service: Service, given: Given, before_secret: Callable[[], None]) -> Answered:
    """Ask for everything that isn't said yet, one by one; the secret comes after `before_secret`.

    Without a terminal nothing is asked. Raises BadRequest, which names the options that are missing
    or wrong, and BadFile.
    """
    asks = sign_in_form(service)
    _refuse_unknown(asks, given.answers)
    answers = dict(given.answers)
    host = () if answers.get("host") else asks.host_questions
    keeps = given.source in (None, "keyring", "session")
    if not sys.stdin.isatty() or given.secret is not None:
        _refuse_missing(asks, host, given, keeps=keeps)
    if sys.stdin.isatty():
        say(f"{answers['host']} ({service.title})" if answers.get("host") else service.title)
    if answers.get("host"):
        answers = {**asks.parts_in(answers["host"]), **answers}
    for question in host:
        answers[question.id] = _answer(question, answers)
    where = answers.get("host") or asks.host_from(answers)
    identity = _identity(asks, answers, given) if keeps else None
    if identity is None:
        return Answered(where)
    if identity.user is not None:
        answers["user"] = _answer(identity.user, answers)
    before_secret()

    def made(secret: str) -> SignIn:
        return sign_in_from(asks, identity, {**answers, identity.secret.id: secret, "host": where})

    def again() -> str:
        return made(_typed(identity.secret)).secret

    is_typed = given.secret is None and not identity.secret.from_file
    found = made(_secret(identity.secret, answers, given.secret))
    return Answered(found.host, found.username, found.secret, again if is_typed else None)


def _refuse_unknown(asks: SignInForm, answers: Mapping[str, str]) -> None:
    """Raise BadRequest for an answer that nothing asks for, and for a secret on the line."""
    askable = _settable(asks)
    for name in answers:
        if name in askable or name in ("host", "user"):
            continue
        if any(question.id == name for question, _ in asks.questions):
            raise BadRequest(
                f"The {name} is asked for, or read with --password-stdin",
                remedy="Leave it out of the command line, which others can see.",
            )
        known = ", ".join(askable) or "nothing"
        raise BadRequest(f"--set {name}: nothing asks for that", remedy=f"Known are {known}.")
    if asks.identity(answers.get("identity", "")) is None and not _is_anonymous(asks, answers):
        raise BadRequest(
            f"--set identity={answers['identity']}: there is no such identity",
            remedy=f"Known are {', '.join(name for name, _ in _choices(asks))}.",
        )


def _settable(asks: SignInForm) -> tuple[str, ...]:
    """Return the ids of what may stand on the line, each once."""
    names = [q.id for q, _ in asks.questions if not q.secret or q.from_file]
    several = ["identity"] if len(_choices(asks)) > 1 else []
    return tuple(dict.fromkeys([*names, *several]))


def _refuse_missing(
    asks: SignInForm, host: Iterable[SignInQuestion], given: Given, *, keeps: bool
) -> None:
    """Raise BadRequest that names all options that it takes where nothing can be asked."""
    if sys.stdin.isatty():
        return
    chosen, no_secret = given.answers.get("identity", ""), given.secret is None
    unsaid = keeps and not chosen and no_secret and bool(asks.handed_out)
    keeps = keeps and not unsaid and not _is_anonymous(asks, given.answers)
    identity = asks.identity(chosen) if keeps else None
    asked = identity.questions if identity is not None else ()
    wanted = [*host, *(each for each in asked if not each.secret or each.from_file)]
    missing = [each for each in wanted if not _is_said(each, given)]
    names = [each.label for each in missing]
    options = [f"--set {each.id}={each.example or each.id.upper()}" for each in missing]
    if unsaid:
        names.append("how to sign in")
        options.append(f"--anonymous ({asks.handed_out}) or --password-stdin")
    elif identity is not None and no_secret and not identity.secret.from_file:
        names.append(identity.secret.label)
        options.append("--password-stdin")
    if not names:
        return
    others = [name for name, _ in _choices(asks)]
    other = f" Another --set identity= asks otherwise: {', '.join(others)}."
    raise BadRequest(
        f"There is no terminal to ask on: {', '.join(names)}",
        remedy=f"Pass, for example, {' '.join(options)}."
        f"{other if identity is not None and len(others) > 1 and not chosen else ''}",
    )


def _is_said(question: SignInQuestion, given: Given) -> bool:
    by_input = question.secret and given.secret is not None
    return by_input or question.id in given.answers or bool(question.default or question.optional)


def _choices(asks: SignInForm) -> list[tuple[str, str]]:
    """Return as whom one can sign in: ids and titles."""
    identities = [(each.id, each.title) for each in asks.identities]
    handed_out = [(_ANONYMOUS, asks.handed_out)] if asks.handed_out else []
    return [*identities, *handed_out] if asks.lasting else [*handed_out, *identities]


def _is_anonymous(asks: SignInForm, answers: Mapping[str, str]) -> bool:
    return bool(asks.handed_out) and answers.get("identity") == _ANONYMOUS


def _identity(asks: SignInForm, answers: Mapping[str, str], given: Given) -> SignInIdentity | None:
    """Return as whom to sign in, None for who keeps no secret."""
    choices = _choices(asks)
    chosen = answers.get("identity", "")
    if not chosen and given.secret is not None:
        chosen = asks.identity_of(answers["user"]).id if "user" in answers else ""
    elif not chosen and len(choices) > 1 and sys.stdin.isatty():
        chosen = _choose(choices)
    return None if chosen == _ANONYMOUS else asks.identity(chosen)


def _choose(choices: Sequence[tuple[str, str]]) -> str:
    say("As whom:")
    for number, (_, title) in enumerate(choices, 1):
        say(f"  {number}  {title}")
    for _ in range(_TRIES):
        answer = ask("A number [1]: ") or "1"
        if answer.isdecimal() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1][0]
        say(f"It is a number from 1 to {len(choices)}.")
    raise BadRequest(f"{answer!r} is none of the numbers")


def _answer(question: SignInQuestion, answers: Mapping[str, str]) -> str:
    """Return the answer to a question; it is asked for until it can be one."""
    if question.id in answers or not sys.stdin.isatty():
        given = answers.get(question.id, "")
        if why := question.fault(given):
            raise BadRequest(f"{question.label} {given!r} {why}", remedy=question.where)
        return given or question.default
    _explain(question)
    for _ in range(_TRIES):
        given = ask(_words(question))
        why = question.fault(given)
        if not why:
            return given or question.default
        say(f"{question.label} {why}.")
    raise BadRequest(f"{question.label} {why}", remedy=question.where)


def _secret(question: SignInQuestion, answers: Mapping[str, str], given: str | None) -> str:
    """Return the secret; it is never quoted."""
    if question.from_file and given is None:
        secret = read_key_file(_answer(question, answers))
    elif given is not None:
        secret = given
    else:
        _explain(question)
        return _typed(question)
    return _checked(question, secret)


def _typed(question: SignInQuestion) -> str:
    return _checked(question, ask(_words(question), hidden=True))


def _checked(question: SignInQuestion, secret: str) -> str:
    """Return a secret that can be one."""
    why = "is needed" if not secret else question.fault_in(secret)
    if why:
        raise BadRequest(f"{question.label} {why}", remedy=question.where)
    return secret


def _explain(question: SignInQuestion) -> None:
    """Say where the answer is found, with no word torn apart at the edge of the terminal."""
    say_wrapped(question.where, "  ")


def _words(question: SignInQuestion) -> str:
    example = f", as {question.example}" if question.example else ""
    known = f" [{question.default}]" if question.default else ""
    known = known or (" (may be empty)" if question.optional else "")
    return f"{question.label} ({question.hint}{example}){known}: "
