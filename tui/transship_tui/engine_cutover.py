"""What the app asks of the core to move a domain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from transship.cutover.change.settings import ManualSettings

if TYPE_CHECKING:
    from pathlib import Path

    from transship.cutover.change.records import Edit, PlannedChange
    from transship.cutover.change.settings import ProviderSettings
    from transship.cutover.domain import Subject
    from transship.cutover.status import CutoverStatus

BY_HAND = ManualSettings()

Tell = Callable[[str], None]
"""Is given what is being done, or what name servers say, in one line."""


def unheard(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Wished:
    """A cutover as an operator writes it down. `resolvers` and the rest may be empty.

    `job` is a job's id, `plan` a file or a plan's name: tags are compared by what that copied.
    """

    domain: str
    new: str
    old: str = ""
    record: str = ""
    resolvers: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    node_ca: str = ""
    public: bool = True
    job: str = ""
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What trying one field has shown: a word for the state, and what was seen.

    `good` is None where it forbids nothing and should be known. `proposal` is what another field
    could hold because of it.
    """

    good: bool | None
    words: str
    proposal: str = ""


class MovingDomains(Protocol):
    """Cutovers, each by its name. Looking asks DNS and registries, and changes nothing."""

    def cutovers(self) -> Sequence[CutoverStatus]:
        """Return all cutovers with what was seen of them last. Raises BadFile."""

    def cutover(self, name: str) -> CutoverStatus:
        """Return one cutover with what was seen of it last. Raises CutoverNotFound."""

    def subject_of(self, wished: Wished) -> Subject:
        """Return what a cutover is about, checked and with all that was left out.

        Raises BadDomain, BadResolver and BadRequest.
        """

    async def try_domain(self, text: str) -> Tried:
        """Tell where a domain leads today; the proposal is the old registry."""

    async def try_new(self, wished: Wished) -> Tried:
        """Tell whether the new registry answers under the domain's name, with a certificate."""

    async def try_resolver(self, text: str, domain: str) -> Tried:
        """Tell what a resolver says of the domain."""

    def add_cutover(self, subject: Subject, way: ProviderSettings = BY_HAND) -> str:
        """Keep a cutover, and return its name. `way` is how its record is changed."""

    def way_of_cutover(self, name: str) -> ProviderSettings:
        """Return how a cutover's record is changed. Raises CutoverNotFound."""

    def change_way(self, name: str, way: ProviderSettings) -> CutoverStatus:
        """Say anew how a cutover's record is changed. Raises CutoverBusy while it is."""

    async def is_key_kept(self, way: ProviderSettings) -> bool:
        """Tell whether the keyring has the secret that a way needs, or it needs none.

        Raises the `Keyring...` errors.
        """

    async def keep_key(
        self, way: ProviderSettings, secret: str, *, for_this_run: bool = False
    ) -> None:
        """Keep the secret that a way needs in the keyring, or in memory for this run only.

        Raises the `Keyring...` errors.
        """

    def forget_cutover(self, name: str) -> None:
        """Put a cutover away. Nothing in DNS is changed. Raises CutoverBusy."""

    def check_cutover(self, name: str) -> AsyncIterator[CutoverStatus]:
        """Make all checks; give what is known whenever that is more, the whole at the end."""

    def watch_cutover(self, name: str) -> AsyncIterator[CutoverStatus]:
        """Ask the name servers and resolvers again and again; give what they say each time.

        DNS is asked as often as the change needs. Once it is made, images are pulled by the domain
        as well. Raises CutoverBusy where another process does that; what it sees is in `cutover`.
        """

    def answer_cutover(self, name: str, question: str, answer: str) -> CutoverStatus:
        """Keep what the operator says of a question or a warning, and judge anew."""

    async def change_record(
        self, name: str, *, shown: Edit | None = None, tell: Tell = unheard
    ) -> str:
        """Change the record by the applier, and see that it was; return what became of it.

        `shown` is the edit that the operator has seen, by default that of the last look. All checks
        are made anew just before; a record that holds the new value already is only read back.
        Raises ChangeBlocked where a check stands in the way, RecordChanged where the record isn't
        what was shown, WritesOff, ByHandOnly, NotPutBack, KeyMissing, KeyRefused and what the
        applier raises.
        """

    async def end_change(self, name: str, *, tell: Tell = unheard) -> str:
        """Read back what became of a change that was sent, and undo it if it went wrong.

        Nothing is sent again. Returns what became of it. Raises what `change_record` raises, and
        ChangeUncertain while no name server answers.
        """

    async def roll_back_record(
        self,
        name: str,
        *,
        accept_loss: bool,
        shown: PlannedChange | None = None,
        tell: Tell = unheard,
    ) -> str:
        """Put the record back by the applier, and see that it was; return what became of it.

        `shown` is the edit that the operator has seen, by default what is known of the way back.
        Both registries are compared just before, unless the loss is accepted. Raises LossUnknown
        where they can't be, RollbackBlocked where something would be lost, NothingToPutBack, and
        what `change_record` raises.
        """

    async def write_cutover_report(self, name: str, path: str, form: str, *, replace: bool) -> Path:
        """Write the report for the change ticket as `md`, `html` or `json`; return its whole path.

        Raises BadRequest for a file that is there and may not be replaced, and SystemRefused.
        """
