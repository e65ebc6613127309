"""The use cases: what an operator can have done, as a Python API that every face stands on.

`Application` is the one place where they start; its parts are by subject: `registries`, `plans`,
`flows`, `jobs`, `cutovers`, `engines`. In go references, plans and names; out come jobs, views'
states and proofs. What reaches out is asynchronous and raises `TransshipError`; the rest reads
Transship's own files and is quick. No part knows who shows what it gives.

Read `application` first, then `jobs`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transship.accounts.registry_file import Account as Account
    from transship.accounts.secrets import variables_of as variables_of
    from transship.app.application import Application as Application
    from transship.app.copies import CopyRequest as CopyRequest
    from transship.app.imports import ImportedSignIn as ImportedSignIn
    from transship.app.jobs import FollowedJob as FollowedJob
    from transship.app.watches import PlanWatch as PlanWatch
    from transship.app.watches import WatchOptions as WatchOptions
    from transship.plans.drift import Drift as Drift
    from transship.plans.drift import DriftRow as DriftRow
    from transship.plans.drift import DriftState as DriftState
    from transship.plans.flow import Flow as Flow
    from transship.plans.flow import parse_image as parse_image
    from transship.plans.importers.draft import Imported as Imported
    from transship.plans.importers.draft import NoteKind as NoteKind
    from transship.plans.importers.importer import tools as tools
    from transship.plans.plan import OnConflict as OnConflict
    from transship.plans.plan import Plan as Plan
    from transship.registry.credential import Tls as Tls
    from transship.registry.registry import Visibility as Visibility
    from transship.transfers.copies import Copy as Copy
    from transship.transfers.copies import JobState as JobState
    from transship.transfers.copies import Verdict as Verdict
    from transship.transfers.copies import Worklist as Worklist
    from transship.transfers.drift import DriftProgress as DriftProgress
    from transship.transfers.inventory import nothing_found as nothing_found
    from transship.transfers.job_view import JobView as JobView
    from transship.transfers.journal import Failure as Failure
    from transship.transfers.journal import StoredUndo as StoredUndo
    from transship.transfers.limits import Limit as Limit
    from transship.transfers.limits import held_words as held_words
    from transship.transfers.limits import limit_words as limit_words
    from transship.transfers.preview import Preview as Preview
    from transship.transfers.promotion import BoardCell as BoardCell
    from transship.transfers.promotion import BoardProgress as BoardProgress
    from transship.transfers.promotion import BoardRow as BoardRow
    from transship.transfers.promotion import Promotion as Promotion
    from transship.transfers.promotion import PromotionRecord as PromotionRecord
    from transship.transfers.promotion import StageBoard as StageBoard
    from transship.transfers.pruning import PrunedTags as PrunedTags
    from transship.transfers.scanner import ScanProgress as ScanProgress
    from transship.transfers.undo import Restore as Restore
    from transship.transfers.undo import RestoreAction as RestoreAction
    from transship.transfers.undo import UndoOutcome as UndoOutcome
    from transship.transfers.undo import UndoPlan as UndoPlan
    from transship.transfers.undo import UndoProgress as UndoProgress
    from transship.transfers.undo import UndoResult as UndoResult
    from transship.transfers.undo import left_words as left_words
    from transship.transfers.verify import Proof as Proof
    from transship.transfers.verify import VerifyProgress as VerifyProgress
    from transship.transfers.worklist import NOT_ASKED_TO_DELETE as NOT_ASKED_TO_DELETE
    from transship.watch.offline import OfflineRegistry as OfflineRegistry
    from transship.watch.offline import Words as Words
    from transship.watch.record import WatchRecord as WatchRecord
    from transship.watch.record import WatchRound as WatchRound

_HOMES = {
    "Account": "transship.accounts.registry_file",
    "variables_of": "transship.accounts.secrets",
    "Application": "transship.app.application",
    "CopyRequest": "transship.app.copies",
    "ImportedSignIn": "transship.app.imports",
    "FollowedJob": "transship.app.jobs",
    "PlanWatch": "transship.app.watches",
    "WatchOptions": "transship.app.watches",
    "Drift": "transship.plans.drift",
    "DriftRow": "transship.plans.drift",
    "DriftState": "transship.plans.drift",
    "Flow": "transship.plans.flow",
    "parse_image": "transship.plans.flow",
    "Imported": "transship.plans.importers.draft",
    "NoteKind": "transship.plans.importers.draft",
    "tools": "transship.plans.importers.importer",
    "OnConflict": "transship.plans.plan",
    "Plan": "transship.plans.plan",
    "Tls": "transship.registry.credential",
    "Visibility": "transship.registry.registry",
    "Copy": "transship.transfers.copies",
    "JobState": "transship.transfers.copies",
    "Verdict": "transship.transfers.copies",
    "Worklist": "transship.transfers.copies",
    "DriftProgress": "transship.transfers.drift",
    "nothing_found": "transship.transfers.inventory",
    "JobView": "transship.transfers.job_view",
    "Failure": "transship.transfers.journal",
    "StoredUndo": "transship.transfers.journal",
    "Limit": "transship.transfers.limits",
    "held_words": "transship.transfers.limits",
    "limit_words": "transship.transfers.limits",
    "Preview": "transship.transfers.preview",
    "BoardCell": "transship.transfers.promotion",
    "BoardProgress": "transship.transfers.promotion",
    "BoardRow": "transship.transfers.promotion",
    "Promotion": "transship.transfers.promotion",
    "PromotionRecord": "transship.transfers.promotion",
    "StageBoard": "transship.transfers.promotion",
    "PrunedTags": "transship.transfers.pruning",
    "ScanProgress": "transship.transfers.scanner",
    "Restore": "transship.transfers.undo",
    "RestoreAction": "transship.transfers.undo",
    "UndoOutcome": "transship.transfers.undo",
    "UndoPlan": "transship.transfers.undo",
    "UndoProgress": "transship.transfers.undo",
    "UndoResult": "transship.transfers.undo",
    "left_words": "transship.transfers.undo",
    "Proof": "transship.transfers.verify",
    "VerifyProgress": "transship.transfers.verify",
    "NOT_ASKED_TO_DELETE": "transship.transfers.worklist",
    "OfflineRegistry": "transship.watch.offline",
    "Words": "transship.watch.offline",
    "WatchRecord": "transship.watch.record",
    "WatchRound": "transship.watch.record",
}
"""Where each public name is: the use cases, and what they take and return."""

__all__ = list(_HOMES)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name when it is asked for: nobody waits for what is not used."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)
