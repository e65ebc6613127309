"""Everything that the app asks of the core, in one place that tests can stand in for.

Nothing here knows of screens. Methods that reach out are asynchronous and raise
`TransshipError`; the others read files of Transship's own and are quick.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from transship.accounts.account import Account
    from transship.accounts.secrets import SecretStatus
    from transship.clock import Clock
    from transship.oci.reference import Reference
    from transship.plans.plan import Plan
    from transship.registries.examine import Examination
    from transship.registries.exchanges import Recorder
    from transship.registries.inspection import Inspection
    from transship.transfers.inventory import Progress
    from transship.transfers.listing import CopyRow, Event, Which
    from transship.transfers.verify import Proof, VerifyProgress
    from transship.transfers.view import JobView
    from transship.transfers.work import Worklist


class Engine(Protocol):
    """What the screens can ask for."""

    clock: Clock
    recorder: Recorder
    """What was asked of registries in this session."""

    def accounts(self) -> tuple[Account, ...]:
        """Return the registries that the operator has added."""

    def resolve(self, text: str) -> Reference:
        """Return the reference that `text` writes down; an alias may stand for a host."""

    async def keyring(self) -> SecretStatus:
        """Return whether the keyring can be used now. Never raises."""

    async def examine(self, account: Account, secret: str | None = None) -> Examination:
        """Try a registry with a secret that isn't kept yet, or with what its source has."""

    async def sign_in(self, account: Account, secret: str | None) -> Account:
        """Try an account, keep its secret where it says, then keep the account.

        Without a `secret` it is the one that is kept there already.
        """

    async def sign_out(self, host: str) -> None:
        """Remove an account and its secret."""

    async def keep_repositories(self, host: str, names: Sequence[str]) -> None:
        """Keep the repositories that the operator named for a registry that doesn't list them.

        These stand in the place of those kept before. Raises AccountNotFound.
        """

    def repositories(self, host: str) -> AsyncIterator[str]:
        """Give the names of repositories as they come. Raises CatalogClosed."""

    def tags(self, host: str, repository: str) -> AsyncIterator[str]:
        """Give the tags of a repository as they come."""

    async def inspect(self, reference: Reference) -> Inspection:
        """Return what there is to know of one image."""

    async def preview(self, plan: Plan, progress: Progress) -> Worklist:
        """Return what a job with this plan would do. Only reads."""

    async def start(self, plan: Plan) -> str:
        """Start a job in a process of its own; return its id."""

    def jobs(self) -> list[JobView]:
        """Return all jobs, the newest first."""

    def job(self, job: str) -> JobView:
        """Look at one job."""

    def plan(self, job: str) -> Plan:
        """Return what a job is to do."""

    def copy_ids(self, job: str, which: Which, pattern: str = "") -> Sequence[int]:
        """Return the numbers of the copies that are asked for, in the order of the worklist."""

    def copy_rows(self, job: str, ids: Sequence[int]) -> list[CopyRow]:
        """Return the copies with these numbers, in order. What is gone since is left out."""

    def events(self, job: str) -> list[Event]:
        """Return what came to pass last in a job, the oldest first."""

    def pause(self, job: str) -> None:
        """Let a job come to a stop. Raises JobEnded."""

    def cancel(self, job: str) -> None:
        """End a job for good. Raises JobEnded."""

    async def resume(self, job: str) -> None:
        """Go on with a paused or interrupted job."""

    async def retry(self, job: str) -> None:
        """Try again what failed in a job."""

    async def verify(self, plan: Plan, progress: VerifyProgress, *, deep: bool = False) -> Proof:
        """Prove that everything of a plan is at the target."""

    async def aclose(self) -> None:
        """Close all connections."""
