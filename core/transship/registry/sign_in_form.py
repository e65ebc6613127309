"""What signing in to a service asks, which answers can't be right, and what they come to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

Answers = Mapping[str, str]
"""What was answered, by the ids of the questions."""


@dataclass(frozen=True, slots=True)
class SignInQuestion:
    """One thing that is asked for.

    `label` names it in at most 13 characters, `hint` says in a few words what it is, `where` in a
    sentence or two where it is found. `example` is one answer. An answer that doesn't match the
    regular expression `shape` is refused: it isn't what `is_what` says. With `from_file` the answer
    is the path of a file, and what stands in that is the secret. `default` is what no answer means;
    without one an answer is needed unless it is `optional`.
    """

    id: str
    label: str
    hint: str
    where: str = ""
    example: str = ""
    shape: str = ""
    is_what: str = ""
    default: str = ""
    optional: bool = False
    secret: bool = False
    from_file: bool = False

    def fault(self, answer: str) -> str:
        """Return why this can't be the answer, or an empty string. It never quotes a secret."""
        given = answer or self.default
        if not given:
            return "" if self.optional else "is needed"
        return "" if self.from_file else self.fault_in(given)

    def fault_in(self, text: str) -> str:
        """Return why this can't be what is asked for: the answer, or what stands in its file."""
        return f"isn't {self.is_what}" if self.shape and not re.fullmatch(self.shape, text) else ""


def _user(answers: Answers) -> str:
    return answers.get("user", "")


def _secret(answers: Answers) -> str:
    return answers.get("secret", "")


def _nothing(_: Answers) -> str:
    return ""


def always(text: str) -> Callable[[Answers], str]:
    """Return what is the same whatever was answered."""
    return lambda _: text


@dataclass(frozen=True, slots=True)
class SignInIdentity:
    """One way to sign in: as whom, and with what.

    `user` is None where the user name is the same for everybody. `username` and `password` make
    what the registry is told of the answers; what is in the host's name is among them. `known_by`
    is a regular expression for the user names of this identity.
    """

    id: str
    title: str
    secret: SignInQuestion
    user: SignInQuestion | None = None
    username: Callable[[Answers], str] = _user
    password: Callable[[Answers], str] = _secret
    known_by: str = r".+"

    @property
    def questions(self) -> tuple[SignInQuestion, ...]:
        """What is asked for, in order."""
        return (self.secret,) if self.user is None else (self.user, self.secret)


HOST = SignInQuestion("host", "Host", "host of the registry", example="registry.example.com:5000")


@dataclass(frozen=True, slots=True)
class SignIn:
    """What came of the answers: where, and as whom."""

    host: str
    username: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignInForm:
    """All that one service asks for.

    `parts` are what its host's name is made of by `joined`, and `name` is a regular expression that
    finds them in one. Without parts the host itself is asked for (`host`), or is always `at`.
    The first of the `identities` is proposed. `handed_out` says in a few words by what one signs in
    who keeps no secret, where the service's API hands out logins by itself; it is proposed where
    nothing that could be kept lasts (`lasting`). `also` are other words that it is called by.
    """

    identities: tuple[SignInIdentity, ...]
    host: SignInQuestion = HOST
    at: str = ""
    parts: tuple[SignInQuestion, ...] = ()
    joined: Callable[[Answers], str] = _nothing
    name: str = ""
    handed_out: str = ""
    lasting: bool = True
    also: str = ""

    @property
    def host_questions(self) -> tuple[SignInQuestion, ...]:
        """What has to be asked to know the host."""
        return () if self.at else self.parts or (self.host,)

    @property
    def questions(self) -> Iterator[tuple[SignInQuestion, tuple[str, ...]]]:
        """Every question, each with the identities that it is for; none means for all."""
        yield from ((each, ()) for each in self.host_questions)
        several = len(self.identities) > 1
        for identity in self.identities:
            yield from ((each, (identity.id,) * several) for each in identity.questions)

    def identity(self, name: str) -> SignInIdentity | None:
        """Return the identity with this id; the first for an empty one, None for a wrong one."""
        if not name:
            return self.identities[0]
        return next((each for each in self.identities if each.id == name), None)

    def identity_of(self, username: str) -> SignInIdentity:
        """Return the identity that has such user names, as far as they tell."""
        fits = (each for each in self.identities if re.fullmatch(each.known_by, username))
        return next(fits, self.identities[0])

    def parts_in(self, host: str) -> dict[str, str]:
        """Return the answers that stand in a host's name, where it is one of the service's own."""
        found = re.fullmatch(self.name, host.partition(":")[0]) if self.name else None
        return {k: v for k, v in found.groupdict().items() if v} if found else {}

    def host_from(self, answers: Answers) -> str:
        """Return the host, or an empty string while something of it is missing."""
        if self.at:
            return self.at
        if not self.parts:
            return answers.get("host", "") or self.host.default
        if any(each.fault(answers.get(each.id, "")) for each in self.parts):
            return ""
        return self.joined({each.id: each.default for each in self.parts} | dict(answers))


REGISTRY_FORM = SignInForm(
    also="docker registry distribution zot other",
    identities=(
        SignInIdentity(
            "user",
            "user and password",
            SignInQuestion(
                "secret",
                "Secret",
                "password or token",
                "The password, or a token that is used in its place. Whoever runs the registry "
                "gives it out.",
                secret=True,
            ),
            SignInQuestion(
                "user", "User", "user name", "The name that `docker login` takes there."
            ),
        ),
    ),
)
"""What is asked at a registry that is none of the known services."""


def form_of_words(username: str, secret: str) -> SignInForm:
    """Return the form of a service of which no more is known than these two."""
    return SignInForm(
        (
            SignInIdentity(
                "user",
                "user and secret",
                SignInQuestion("secret", "Secret", secret, secret=True),
                SignInQuestion("user", "User", username),
            ),
        )
    )


def sign_in_faults(
    asks: SignInForm, identity: SignInIdentity, answers: Answers
) -> Iterator[tuple[SignInQuestion, str]]:
    """Give what is wrong with the answers: each question, and why its answer can't be.

    A `host` among the answers stands for what its name is made of.
    """
    host = () if answers.get("host") else asks.host_questions
    for question in (*host, *identity.questions):
        if why := question.fault(answers.get(question.id, "")):
            yield question, why


def sign_in_from(asks: SignInForm, identity: SignInIdentity, answers: Answers) -> SignIn:
    """Return what the answers come to; they have no faults, and files are read already."""
    host = answers.get("host") or asks.host_from(answers)
    known = {**asks.parts_in(host), **answers}
    return SignIn(host, identity.username(known), identity.password(known))
