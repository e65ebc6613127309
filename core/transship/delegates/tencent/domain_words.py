"""Custom domains of TCR and the certificates behind them: what each status means. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from transship import errors
from transship.errors import TransshipError
from transship.registry.attachment import Attached
from transship.text import duration_text

ISSUED = 1
USUAL_SECONDS = 120.0
"""How long it takes at most, usually, until a domain works."""
LONG_SECONDS = 300.0
"""From when on it is more than likely that something is wrong."""
OUTAGE = (
    "TCR's API can't replace a certificate: the domain is taken away and added again. For that "
    "while, 1 to 2 minutes mostly, every pull and push by it fails."
)

_STATES: Mapping[str, Attached] = {
    word: state
    for state, words in (
        (Attached.WORKS, "success succeed succeeded running normal"),
        (Attached.BEGUN, "creating processing pending deploying waiting"),
        (Attached.FAILED, "failure failed fail error createfailed"),
        (Attached.GOING, "deleting"),
    )
    for word in words.split()
}
_CERTIFICATE_STATUS: Mapping[int, str] = {
    0: "is being reviewed",
    1: "is issued",
    2: "failed the review",
    3: "has expired",
    4: "waits for its DNS record to be seen",
    5: "waits for papers to be handed in",
    6: "is being cancelled",
    7: "is cancelled",
    8: "waits for a letter of confirmation",
    9: "is being revoked",
    10: "is revoked",
    11: "is being issued anew",
    12: "waits for a letter that confirms its revocation",
    13: "waits for what was to be handed in for it",
    14: "was paid back",
    15: "is being moved to another account",
}
_CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class CustomDomain:
    """A domain of an instance's, with the id of its certificate. `said` is the API's own word."""

    name: str
    certificate: str
    said: str

    @property
    def state(self) -> Attached:
        """How it is."""
        return _STATES.get(self.said.strip().lower().replace("_", ""), Attached.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in Tencent Cloud's SSL Certificate Service.

    `alias` is what the account calls it, `names` are those that it is for. `expires` is in seconds
    since the epoch, None where that isn't told. `status` is the service's number. `national` says
    that it is of the Chinese algorithms (SM2), which container runtimes don't know.
    """

    id: str
    alias: str
    names: tuple[str, ...]
    expires: float | None
    status: int
    national: bool = False

    def covers(self, name: str) -> bool:
        """Tell whether it is for a name; a wildcard stands for one label (RFC 9525, 6.3)."""
        return any(_covers(pattern.lower(), name.lower()) for pattern in self.names)

    def fault(self, name: str, now: float) -> str:
        """Return why a domain of this name can't be attached with it, or an empty string."""
        if not self.covers(name):
            return f"the certificate {self.id} is for {', '.join(self.names)}, not for {name}"
        if self.status != ISSUED:
            return f"the certificate {self.id} {status_words(self.status)}"
        if self.expires is not None and self.expires <= now:
            return f"the certificate {self.id} ended {day_of(self.expires)}"
        if self.national:
            return f"the certificate {self.id} is of SM2, which container runtimes don't know"
        return ""

    def __str__(self) -> str:
        ends = "" if self.expires is None else f", ends {day_of(self.expires)}"
        return f"{self.id} ({', '.join(self.names)}{ends})"


def status_words(status: int) -> str:
    """Return what a status of a certificate means, as the end of a sentence about it."""
    return _CERTIFICATE_STATUS.get(status, f"is in a state that isn't known ({status})")


def domain_words(domain: CustomDomain, waited: float = 0.0) -> str:
    """Return in sentences how a domain is. `waited` is for how long it was watched, in seconds."""
    name = domain.name
    match domain.state:
        case Attached.WORKS:
            return f"{name} works at the instance, with the certificate {domain.certificate}."
        case Attached.BEGUN if waited >= LONG_SECONDS:
            return (
                f"{name} has been {domain.said} for {duration_text(waited)}, where 1 to 2 minutes "
                f"are usual. That is mostly a problem of the certificate ({domain.certificate}): "
                "whether it is issued, is for this name, and can be read by the instance's owner."
            )
        case Attached.BEGUN:
            return f"{name} is being attached ({domain.said}); that takes 1 to 2 minutes."
        case Attached.FAILED:
            return (
                f"{name} couldn't be attached ({domain.said}). Remove it, and add it again with a "
                "certificate that is issued and is for this name; for an instance in mainland "
                "China the domain needs an ICP filing."
            )
        case Attached.GOING:
            return f"{name} is being taken away ({domain.said})."
        case _:
            said = domain.said or "nothing"
            return f"The API says {said} of {name}, which isn't a word that is known."


def loss_of(name: str) -> str:
    """Return, in sentences, what to know before a domain is taken away."""
    return (
        f"Whoever pulls or pushes by {name} and is led to this instance fails from then on. Move "
        "the name in DNS first."
    )


def meant(error: TransshipError) -> TransshipError:
    """Return the error that says what a refusal of a domain means; else the same one."""
    if isinstance(error, errors.NoRight):
        return errors.NoRight(
            error.detail, remedy="The keys need rights of the SSL service (ssl:*) for it, too."
        )
    if not isinstance(error, errors.CloudRefused):
        return error
    if "Certificate" in error.code:
        remedy = "The account that owns the instance has no such certificate: look at its id."
    elif error.code.startswith("FailedOperation.DependenceError"):
        remedy = (
            "TCR couldn't use the certificate: look whether it is issued, is a server's, and may "
            "be read by the account that owns the instance."
        )
    elif error.code.startswith("InvalidParameter"):
        remedy = (
            "Look whether the domain is written right. For an instance in mainland China it needs "
            "an ICP filing."
        )
    else:
        return error
    return errors.EngineRefused(error.detail, remedy=remedy)


def time_of(text: str) -> float | None:
    """Return a time of the SSL service, which is of the time zone GMT+8; None for what is none."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=_CHINA)).timestamp()


def day_of(moment: float) -> str:
    """Return the day of a moment, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def _covers(pattern: str, name: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == name
    label, dot, rest = name.partition(".")
    return bool(label and dot) and rest == pattern[2:]
