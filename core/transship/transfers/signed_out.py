"""Accounts that their registries don't take any more: said once, and only what needs them waits."""

from __future__ import annotations

from collections.abc import Iterable

from transship.errors import TransshipError, WrongCredential
from transship.text import counted
from transship.transfers.journal import Journal
from transship.transfers.lanes import Gate
from transship.transfers.logbook import Logbook
from transship.transfers.work import Copy


class SignedOut:
    """The accounts of one job that are no longer taken, by registry, each with its first error.

    All that reads from such a registry or writes to it waits for a new login; the rest goes on.
    """

    def __init__(self, journal: Journal, gate: Gate, log: Logbook) -> None:
        self._journal = journal
        self._gate = gate
        self._log = log
        self._errors: dict[str, WrongCredential] = {}

    @property
    def registries(self) -> tuple[str, ...]:
        """The registries that don't take their account."""
        return tuple(self._errors)

    def takes_in(self, error: TransshipError, copy: Copy) -> bool:
        """Take in what a copy came to, if that is about the account at one of its registries.

        The first of each is told and kept as the job's problem; the others say nothing new.
        """
        registry = error.met_at
        if not isinstance(error, WrongCredential) or registry is None:
            return False
        if registry not in (copy.source.registry, copy.target.registry):
            return False
        if registry not in self._errors:
            self._errors[registry] = error
            self._gate.shut(registry)
            self._log.problem(error.title, self._words([registry]))
            self.note()
        return True

    def ends_look(self, error: TransshipError) -> bool:
        """Take in what looking at both sides came to, if that is about the account at a registry.

        Without it nobody knows what there is to be copied, so the whole job waits.
        """
        wrong = _wrong_credential(error)
        if wrong is None or wrong.met_at is None:
            return False
        self._errors[wrong.met_at] = wrong
        self._log.problem(wrong.title, self._words([wrong.met_at]))
        self.note()
        return True

    def note(self) -> None:
        """Keep as the job's problem what waits for a new login, as many as they are by now."""
        names = self.registries
        if not names:
            return
        hosts = tuple(dict.fromkeys(self._errors[name].sign_in_at or name for name in names))
        self._journal.note(
            problem=next(iter(self._errors.values())).title,
            problem_detail=self._words(names),
            problem_remedy=f"{self._sign_in_again} `transship resume {self._journal.job}` goes on "
            "with them.",
            signed_out=" ".join(hosts),
        )

    @property
    def _sign_in_again(self) -> str:
        """How to sign in again, where a login or keys come from somewhere else as well as here."""
        elsewhere, here = [], []
        for name, error in self._errors.items():
            if type(error) is WrongCredential:
                here.append(f"`transship login {error.sign_in_at or name}`")
            else:
                elsewhere.append(error.remedy)
        logins = " and ".join(dict.fromkeys(here))
        said = [*dict.fromkeys(elsewhere), f"Sign in again: {logins}, then" if here else "Then"]
        return " ".join(said)

    def _words(self, names: Iterable[str]) -> str:
        is_known = self._journal.fact("phase") == "planned"
        return "; ".join(
            f"{self._waiting(name) if is_known else 'Looking at both sides waits'} for the account "
            f"at {name}: {self._errors[name].detail}"
            for name in names
        )

    def _waiting(self, registry: str) -> str:
        return counted(self._journal.left_at(registry), "image waits", "images wait")


def _wrong_credential(error: BaseException | None) -> WrongCredential | None:
    """Return what is said of an account in an error, or in what it comes from."""
    while error is not None and not isinstance(error, WrongCredential):
        error = error.__cause__  # A list that is closed may be so for want of the API's keys.
    return error
