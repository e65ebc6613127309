"""Everything that the app asks of the core, in one place that tests can stand in for.

Nothing here knows of screens. Methods that reach out are asynchronous and raise
`TransshipError`; the others read files of Transship's own and are quick.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from transship_tui.engine_cutover import MovingDomains
from transship_tui.engine_delegating import Delegating
from transship_tui.engine_delta import KeepingStep
from transship_tui.engine_parts import Comparing, LookingBack, Staging

if TYPE_CHECKING:
    from pathlib import Path

    from transship.accounts.registry_file import Account
    from transship.accounts.secrets import SecretStatus
    from transship.clock import Clock
    from transship.oci.reference import Reference
    from transship.plans.catalogue import Catalogue
    from transship.plans.encode import Spelling
    from transship.plans.file import PlanEntry, PlanFile
    from transship.plans.plan import Limits, Plan, Rule
    from transship.registry.examination import Examination
    from transship.registry.http.exchange_log import Recorder
    from transship.registry.inspection import Inspection
    from transship.transfers.job_view import CopyRow, JobEvent, JobView, Which
    from transship.transfers.limits import LimitRequest
    from transship.transfers.preview import Preview
    from transship.transfers.scanner import ScanProgress
    from transship.transfers.verify import Proof, VerifyProgress
    from transship_tui.listings import Rules


class Engine(Comparing, Staging, LookingBack, MovingDomains, KeepingStep, Delegating, Protocol):
    """What the screens can ask for."""

    clock: Clock
    recorder: Recorder
    """What was asked of registries in this session."""

    def accounts(self) -> tuple[Account, ...]:
        """Return the registries that the operator has added."""

    def resolve(self, text: str) -> Reference:
        """Return the reference that `text` writes down; an alias may stand for a host."""

    def is_secret_gone(self, account: Account) -> bool:
        """Tell whether an account's secret was for one run only, and this is another one."""

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

    def left_out(self, host: str, repository: str = "") -> Sequence[str]:
        """Return what was listed last and breaks the rules for names.

        Of the tags of a repository, or of the repositories.
        """

    async def inspect(self, reference: Reference) -> Inspection:
        """Return what there is to know of one image."""

    async def preview(self, plan: Plan, progress: ScanProgress) -> Preview:
        """Return what a job with this plan would do. Only reads."""

    async def start(self, plan: Plan, *, deletes: bool = False) -> str:
        """Start a job in a process of its own; return its id.

        It deletes what the plan says only if it `deletes`.
        """

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

    def events(self, job: str) -> list[JobEvent]:
        """Return what came to pass last in a job, the oldest first."""

    def pause(self, job: str) -> None:
        """Let a job come to a stop. Raises JobEnded."""

    def cancel(self, job: str) -> None:
        """End a job for good. Raises JobEnded."""

    def limits(self, job: str) -> Mapping[str, Limits]:
        """Return what each registry of a job is held to now."""

    def limit(self, job: str, wish: LimitRequest) -> None:
        """Hold a job to other limits at one of its registries. Raises JobEnded."""

    async def resume(self, job: str) -> None:
        """Go on with a paused or interrupted job."""

    async def retry(self, job: str) -> None:
        """Try again what failed in a job."""

    async def verify(self, plan: Plan, progress: VerifyProgress, *, deep: bool = False) -> Proof:
        """Prove that everything of a plan is at the target."""

    def place(self, text: str) -> Reference:
        """Return the place that a plan writes down as `text`. Raises BadReference."""

    def spelling(self) -> Spelling:
        """Return how the operator calls places."""

    def all_plans(self) -> Sequence[PlanEntry]:
        """Return the plans by name, those that can't be read too."""

    def load_plan(self, path: Path) -> PlanFile:
        """Return the plan in a file, to be changed. Raises BadFile."""

    def plan_text(self, path: Path) -> str:
        """Return the text of a plan's file, whether it can be read as a plan or not."""

    def free_plan_name(self, wish: str) -> str:
        """Return a name like `wish` that no plan has."""

    def create_plan(self, name: str, plan: Plan, like: PlanFile | None = None) -> PlanFile:
        """Write a new plan; `like` is the file whose words and comments it takes over.

        Raises BadRequest when the name is taken or is none, and BadFile.
        """

    def save_plan(self, file: PlanFile) -> PlanFile:
        """Write a plan. Raises FileChanged when somebody else has changed it meanwhile."""

    def is_plan_changed(self, file: PlanFile) -> bool:
        """Tell whether the file says something else than when it was read or written."""

    def delete_plan(self, path: Path) -> None:
        """Delete the file of a plan."""

    def jobs_of(self, plans: Iterable[Plan]) -> Sequence[str | None]:
        """Return for each plan the newest job that was to do just that, None where none was."""

    async def rate_of(self, plan: Plan) -> float:
        """Return the bytes per second of the last job on the same way, or 0."""

    def listed(self) -> Mapping[str, Catalogue]:
        """Return what of the sources was listed so far, by registry."""

    def unlisted(self, rules: Sequence[Rule]) -> int | None:
        """Return how many repositories the rules take that aren't listed; None: not known yet."""

    async def list_sources(self, rules: Rules) -> None:
        """List what the rules take and isn't listed yet; what has come can be used at once.

        Raises what is wrong with a whole place, and CatalogClosed.
        """

    async def look_up(self, tags: Iterable[Reference]) -> None:
        """Learn when these tags were created."""

    def forget_listing(self, host: str) -> None:
        """List a source anew when it is asked for next."""

    async def aclose(self) -> None:
        """Close all connections."""
