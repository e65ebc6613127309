"""A world with something for every screen, and the ways that lead to each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual import events

from fakes import cutovers_service, cutovers_world, delegates_world, parts_world, plans_world
from fakes.images import index_of, worklist_of
from fakes.jobs import copy_row, job_view
from fakes.registries import FormEngine, found
from fakes.screen import screen_text, until
from transship import errors
from transship.accounts.registry_file import Account
from transship.errors import TimedOut, TransshipError
from transship.oci.reference import Reference, parse_reference
from transship.plans.mapping import mapped
from transship.plans.plan import Plan
from transship.registry.credential import Tls
from transship.registry.registry import Quota
from transship.settings import Settings
from transship.transfers.copies import CopyState, JobState, Verdict, Worklist
from transship.transfers.job_view import CopyRow, JobBytes, JobCounts, JobEvent, JobView
from transship.transfers.journal import Failure, Lane
from transship.transfers.limits import Limit
from transship.transfers.verify import Problem, Proof, ProofDifference
from transship_tui.app import TransshipApp
from transship_tui.screens.browse.names import ImageNames
from transship_tui.screens.frame import Frame
from transship_tui.type_ahead import at_rest

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from transship.registry.examination import Examination

GIB = 1024**3
MIB = 1024**2
NOW = 1_790_000_000.0
OLD, NEW = "old.example:5000", "new.example"
TAG = f"{OLD}/team/web:v1"
OVERWRITING = (
    Verdict.COPY,
    Verdict.COPY,
    Verdict.SAME,
    Verdict.OVERWRITE,
    Verdict.CONFLICT,
    Verdict.BLOCKED,
    Verdict.SKIP,
)

_PROBLEMS: dict[str, TransshipError] = {
    NEW: errors.CertificateNotTrusted("new.example: self-signed certificate"),
    "cloud.example": errors.TokenExpired("GET /v2/ was answered with 401"),
}


def full_world() -> FormEngine:
    """Return an engine with accounts, repositories, images, jobs and exchanges."""
    engine = FormEngine(
        answer=_answer,
        known=[
            Account(OLD, alias="old", username="alice", secret_source="keyring"),
            Account(NEW, alias="new", tls=Tls(insecure=True)),
            Account("docker.io", repositories=("library/alpine", "library/busybox")),
            Account("cloud.example", "prod", "AWS", secret_source="environment"),
        ],
        catalog={OLD: ["team/api", "team/web", "library/alpine", "tools/job-9", "tools/job-10"]},
        tag_lists={
            f"{OLD}/library/alpine": ["3.20", "3.21"],
            f"{OLD}/team/web": ["latest", *(f"v{number}" for number in range(1, 60))],
        },
        inspections={TAG: index_of(TAG)},
        worklist=worklist_of(*OVERWRITING, source=f"{OLD}/team/web"),
        views=_jobs(),
        copies={"abc234": _copies()},
        job_plans={"efg678": Plan(mapped([parse_reference(TAG)], NEW, "team/web"))},
        proof=Proof(6640, 7120, 9001, 0, deep=False, differences=()),
    )
    parts_world.fill(engine)
    plans_world.fill(engine)
    cutovers_world.fill(engine)
    delegates_world.fill(engine)
    engine.happened["abc234"] = [
        JobEvent(NOW - 60, "info", "started", "8 lanes"),
        JobEvent(NOW - 20, "warning", "too many requests", "old.example wants 12 s of quiet"),
    ]
    _exchange(engine, 401, "GET", "/v2/")
    _exchange(engine, 200, "GET", "/v2/_catalog?n=100")
    _exchange(engine, 404, "HEAD", "/v2/team/web/manifests/v1")
    _exchange(engine, 500, "GET", "/v2/team/web/tags/list")
    _exchange(engine, 0, "GET", "/v2/team/api/tags/list")
    return engine


def hostile_world(words: str) -> FormEngine:
    """Return the same world, with `words` wherever something comes from elsewhere."""
    engine = full_world()
    image = index_of(TAG, a=words, **{"org.opencontainers.image.created": words})
    source, target = Reference(OLD, words, words), Reference(NEW, words, words)
    copies = tuple(
        replace(copy, source=source, target=target, reason=words) for copy in engine.worklist.copies
    )
    parts_world.fill(engine, words)
    problem = errors.NotARegistry(words, remedy=words)
    engine.answer = lambda account, _: found(account, problem=problem)
    engine.known = [Account(OLD, alias="old", username=words), Account(NEW)]
    engine.catalog = {OLD: [words, "team/web"]}
    engine.tag_lists = {f"{OLD}/{name}": [words, "v1"] for name in (words, "team/web")}
    engine.inspections = {TAG: image}
    engine.worklist = Worklist(copies, engine.worklist.blobs, {})
    plans_world.fill(engine, words)
    cutovers_world.fill(engine, words)
    delegates_world.fill(engine, words)
    engine.views = [_hostile_job(words, view) for view in engine.views]
    engine.copies = {
        "abc234": [
            CopyRow(replace(row.copy, source=source, target=target, reason=words), *rest)
            for row in _copies()
            for rest in [(row.state, words, words)]
        ]
    }
    engine.happened = {"abc234": [JobEvent(NOW, "warning", words, words)]}
    difference = ProofDifference(source, target, Problem.MISSING, words)
    engine.proof = Proof(1, 1, 1, 0, deep=False, differences=(difference,))
    _exchange(engine, 200, "GET", f"/v2/{words}", {"server": words, words: words})
    return engine


def _answer(account: Account, _: str | None) -> Examination:
    seen = found(
        account,
        signed_in=bool(account.secret_source),
        lists=account.host != "docker.io",
        problem=_PROBLEMS.get(account.host),
    )
    if account.host == "docker.io":
        return replace(seen, referrers=False, quota=Quota(76, 100, 6 * 3600))
    return seen


def _jobs() -> list[JobView]:
    counts, amount = JobCounts(40, 10, 0, 0, 0, 30), JobBytes(10 * GIB, 2 * GIB, 2 * GIB)
    running = job_view(
        "abc234",
        counts=JobCounts(6640, 3020, 1071, 4, 21, 2524),
        bytes=JobBytes(1304 * GIB, 812 * GIB, 410 * GIB, 402 * GIB),
        rate=318.0 * MIB,
        source="old.example",
        target="new.example",
        started=NOW - 2467,
        lanes=(
            Lane("team/api sha256:0123456789ab", 500 * MIB, 1200 * MIB, NOW - 20),
            Lane("team/web sha256:aa23456789ab", 20 * MIB, 300 * MIB, NOW - 5),
        ),
        limits=(Limit("old.example", 3, until=NOW + 12.0, at_once=8),),
        failures=(
            Failure("manifest-not-found", "Tag or digest not found", "List the tags.", 18, ()),
            Failure("no-right", "No right to do this", "Give the account the right.", 3, ()),
        ),
    )
    return [
        running,
        job_view("bcd345", planned=False, found=1204),
        job_view("cde456", JobState.PAUSED, counts=counts, bytes=amount),
        job_view("def567", JobState.INTERRUPTED, counts=counts, bytes=amount),
        job_view("efg678", JobState.DONE, counts=JobCounts(6, 5, 1), bytes=JobBytes(GIB, GIB, GIB)),
        job_view("fgh789", JobState.FAILED, counts=JobCounts(6, 4, 1, failed=1)),
    ]


def _hostile_job(words: str, view: JobView) -> JobView:
    lanes = (Lane(words, 5 * MIB, 12 * MIB, NOW - 20),)
    failures = (Failure("x", words, words, 3, ()),)
    return replace(
        view,
        source=words,
        target=words,
        lanes=lanes,
        failures=failures,
        problem=(words, words, words) if view.state is JobState.FAILED else None,
    )


def _copies() -> list[CopyRow]:
    problem = "Tag or digest not found: GET https://old.example/v2/: 404 manifest unknown"
    return [
        copy_row(1, CopyState.DONE),
        copy_row(2, CopyState.DONE, Verdict.SAME, reason="the target has it"),
        copy_row(3, CopyState.DONE, Verdict.SKIP, reason="the tag exists with another digest"),
        copy_row(4, CopyState.RUNNING),
        copy_row(5, CopyState.FAILED, problem=problem, remedy="List the tags."),
        copy_row(6, verdict=Verdict.OVERWRITE),
        *(copy_row(number) for number in range(7, 40)),
    ]


def _exchange(
    engine: FormEngine,
    status: int,
    method: str,
    path: str,
    answer: dict[str, str] | None = None,
) -> None:
    """Let the engine ask and be answered; with the status 0 it gets no answer."""
    headers = {"accept": "application/json", "authorization": "Bearer secret"}
    address = f"https://old.example{path}"
    with suppress(TimedOut), engine.recorder.recording(method, address, headers) as answered:
        engine.clock.advance(0.043)
        if not status:
            raise TimedOut("old.example")
        answered(status, (answer or {"content-length": "1024"}).items())


@dataclass(frozen=True, slots=True)
class Walk:
    """The app in front of somebody who walks through it."""

    app: TransshipApp
    pilot: Pilot[None]
    engine: FormEngine

    async def press(self, *keys: str) -> None:
        """Press keys in one burst, and wait until all have been acted upon."""
        for key in keys:
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await self.rests()

    async def rests(self) -> None:
        """Wait until nothing is under way."""
        await until(
            self.pilot,
            lambda: self.app._typed.is_empty and at_rest(self.app) and not self._busy,
            "the app rests",
        )
        await self.pilot.pause()

    @property
    def _busy(self) -> bool:
        # A worker that waits for an answer to a dialog is at rest, and so are rounds.
        groups = {worker.group for worker in self.app.workers if not worker.is_finished}
        return not groups <= {"start", "name", "remove", "begin", "delta", "follow"}

    async def is_at(self, screen: str) -> None:
        """Wait until a screen or dialog, by the name of its class, is in front."""
        await until(
            self.pilot,
            lambda: type(self.app.screen).__name__ == screen,
            f"{screen} in front",
        )
        await self.rests()


Way = Callable[[Walk], Awaitable[None]]


@asynccontextmanager
async def walking(
    engine: FormEngine, way: Way, size: tuple[int, int] = (80, 24), *, guide: bool = False
) -> AsyncIterator[Walk]:
    """Open the app on an engine and go the way."""
    app = TransshipApp(engine, Settings(guide=guide))
    async with app.run_test(size=size) as pilot:
        walk = Walk(app, pilot, engine)
        await walk.is_at("RegistriesScreen")
        await way(walk)
        yield walk


async def _empty(walk: Walk) -> None:
    walk.engine.known, walk.engine.views = [], []
    walk.app.context.monitor.look()
    await walk.press("2", "1")


async def _registries(walk: Walk) -> None:
    await walk.press("t", "j", "t", "j", "j", "k", "k")


async def _registry_form(walk: Walk) -> None:
    await walk.press("j", "E")
    await walk.is_at("RegistryFormScreen")


async def _capabilities(walk: Walk) -> None:
    await walk.press("j", "j", "t", "i")
    await walk.is_at("CapabilitiesDialog")


async def _guide(walk: Walk) -> None:
    await walk.press("f2")


async def _empty_form(walk: Walk) -> None:
    await walk.press("a")
    await walk.is_at("RegistryFormScreen")


async def _repositories(walk: Walk) -> None:
    await walk.press("enter")
    await until(walk.pilot, lambda: "repositories" in screen_text(walk.app), "they are listed")
    await walk.press("space")
    names = walk.app.screen.query_one(ImageNames)
    await until(
        walk.pilot,
        lambda: (
            names.has_class("-narrow")
            or names.repository == names.repositories.table.key_at_cursor()
        ),
        "the tags of the one under the cursor",
    )
    await walk.rests()


async def _tags(walk: Walk) -> None:
    await _repositories(walk)
    await walk.press("j", "enter")
    await walk.press("j", "space", "space", "G", "k")


async def _image(walk: Walk) -> None:
    await _repositories(walk)
    await walk.press("slash", *"team/web", "enter", "enter")
    await walk.press("slash", *"v1", "enter", "g", "i")
    await walk.is_at("ImageScreen")
    await walk.press("j")


async def _copy_form(walk: Walk) -> None:
    await _repositories(walk)
    await walk.press("U", "slash", *"team/web", "enter", "c")
    await walk.is_at("CopyScreen")


async def _preview(walk: Walk) -> None:
    await _copy_form(walk)
    await walk.press(*["tab"] * 6, "enter")
    await walk.press("j", "j", "j")


async def _start(walk: Walk) -> None:
    await _preview(walk)
    await walk.press("tab", "enter")
    await walk.is_at("ConfirmDialog")


async def _jobs_list(walk: Walk) -> None:
    await walk.press("4")


async def _job(walk: Walk) -> None:
    walk.app.show_job("abc234")
    await walk.is_at("JobScreen")


async def _failures(walk: Walk) -> None:
    await _job(walk)
    await walk.press("f", "j", "enter")


async def _job_log(walk: Walk) -> None:
    await _job(walk)
    await walk.press("left")


async def _proof(walk: Walk) -> None:
    walk.app.show_job("efg678")
    await walk.is_at("JobScreen")
    await walk.press("V")
    await walk.is_at("ProofDialog")


async def _log(walk: Walk) -> None:
    assert isinstance(walk.app.screen, Frame)
    await walk.press("t")
    walk.app.screen.fail(errors.NameNotFound("old.example"))
    walk.app.context.log.add_job(walk.engine.views[-1])
    await walk.press("L")
    await walk.is_at("LogScreen")


async def _told(walk: Walk) -> None:
    await _log(walk)
    await walk.press("enter")
    await walk.is_at("FactsDialog")


async def _console(walk: Walk) -> None:
    await walk.press("X")
    await walk.is_at("ConsoleScreen")


async def _exchanged(walk: Walk) -> None:
    await _console(walk)
    await walk.press("enter")
    await walk.is_at("FactsDialog")


async def _help(walk: Walk) -> None:
    await _repositories(walk)
    await walk.press("question_mark")
    await walk.is_at("HelpDialog")


async def _quit(walk: Walk) -> None:
    await walk.press("ctrl+q")
    await walk.is_at("QuitDialog")


async def _remove(walk: Walk) -> None:
    await walk.press("D")
    await walk.is_at("ConfirmDialog")


async def _error(walk: Walk) -> None:
    await walk.press("j", "t", "e")
    await walk.is_at("ErrorDialog")


async def _names(walk: Walk) -> None:
    await _repositories(walk)
    await walk.press("a")
    await walk.is_at("NameRepositories")


async def _cutover(walk: Walk) -> None:
    await walk.press("5")


WAYS: dict[str, Way] = {
    "no-registries": _empty,
    "registries": _registries,
    "capabilities": _capabilities,
    "guide": _guide,
    "add-registry": _empty_form,
    "change-registry": _registry_form,
    "repositories": _repositories,
    "tags": _tags,
    "image": _image,
    "copy-form": _copy_form,
    "preview": _preview,
    "start": _start,
    "job-list": _jobs_list,
    "one-job": _job,
    "failures": _failures,
    "job-log": _job_log,
    "proof": _proof,
    "log": _log,
    "told": _told,
    "console": _console,
    "exchange": _exchanged,
    "help": _help,
    "quit": _quit,
    "remove": _remove,
    "error": _error,
    "name-repositories": _names,
    "cutover": _cutover,
    **parts_world.WAYS,
    **plans_world.WAYS,
    **cutovers_world.WAYS,
    **cutovers_service.WAYS,
    **delegates_world.WAYS,
}
"""How to get to each screen and dialog from the first screen, by a name for it."""
