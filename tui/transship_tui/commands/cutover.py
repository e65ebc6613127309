"""`transship cutover`: a domain moved step by step, and back if need be."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from transship.app.cutovers import check_acknowledged, check_question
from transship.app.provider_request import ProviderKind, ProviderRequest, secret_words
from transship.app.provider_request import settings_of as parsed
from transship.cutover.catchup import QUIET_ROUNDS, round_words, tag_name
from transship.cutover.change.settings import ManualSettings, check_zone_contains
from transship.cutover.finding import Severity
from transship.cutover.progress import CutoverState
from transship.cutover.questions import ACCEPTED_PREFIX
from transship.cutover.status import CHANGED_STATES
from transship.errors import (
    BadFile,
    BadRequest,
    ChangeBlocked,
    CheckFailed,
    LossUnknown,
    NothingToPutBack,
    ProviderUnreachable,
    RollbackBlocked,
    TransshipError,
    WritesOff,
)
from transship.reports.cutover import (
    CutoverReportForm,
    cutover_document,
    cutover_report_form,
    cutover_report_text,
    write_cutover_report,
)
from transship.text import counted, safe
from transship.views.cutover import (
    CheckRowState,
    catchup_words,
    check_rows,
    clock_lines,
    grid_cells,
    observed_words,
    rollback_words,
    undecided_tags,
    waits_for,
    why_never_rollback,
    why_no_rollback,
)
from transship_tui.commands.application import Command, fill
from transship_tui.commands.check import (
    BLOCKED,
    FollowedJob,
    FollowedPlan,
    NodeCa,
    Old,
    Public,
    Record,
    Repositories,
    Resolvers,
    last_of,
    show_standing,
    wished_of,
)
from transship_tui.commands.login import KEYRING_ERRORS
from transship_tui.commands.options import AsJson, ask, carried_out, open_application
from transship_tui.commands.output import Ink, painted, say, show, show_json, table, width_of
from transship_tui.commands.status import watched
from transship_tui.cutover_outcomes import outcome_of

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Awaitable,
        Callable,
        Coroutine,
        Iterable,
        Iterator,
        Sequence,
    )

    from transship.app import Application
    from transship.app.cutovers import BegunCutover, CutoverRequest
    from transship.cutover.catchup import KeptSide
    from transship.cutover.change.settings import ProviderSettings
    from transship.cutover.status import CutoverStatus

_FAILED = 1
_WITHOUT_KNOWING = (
    "Try again when both registries answer. --accept-loss goes back without knowing what only the "
    "new one has; --copy-back can't copy that while one of them doesn't answer."
)
_LONGEST_LINE = 400


async def apply_change(
    engine: Application, name: str, confirm: str, *, as_json: bool = False
) -> int:
    """Show the edit, have it confirmed, look once more, and change the record.

    Returns 1 where the record isn't everywhere what it was to become.
    """
    standing = engine.cutovers.find(name)
    known = standing.applier is not None and standing.edit is not None
    if (why := waits_for(standing)) and not known:
        raise ChangeBlocked(f"{standing.subject.domain.host} {why}")
    for line in edit_lines(standing, back=False):
        say(line)
    say(observed_words(standing, engine.clock.now()))
    _confirmed(standing, confirm)
    outcome = await engine.cutovers.changes.change(name, shown=standing.edit, tell=_tell_progress)
    status = _how_it_ended(engine, name, outcome, as_json=as_json)
    say(f"next: transship cutover watch {standing.subject.domain.name}")
    return status


async def roll_back(
    engine: Application, name: str, confirm: str, loss: LossDecision, *, as_json: bool = False
) -> int:
    """Show the edit, have it confirmed, and put the record back.

    A change that was broken off is read back first. Returns 1 where the record isn't everywhere
    what it was.
    """
    standing = engine.cutovers.find(name)
    if standing.unended is not None:
        confirm = _confirmed(standing, confirm)
        say(safe(await engine.cutovers.changes.end(name, tell=_tell_progress)))
        standing = engine.cutovers.find(name)
    compared = await before_going_back(engine, standing, loss, quiet=as_json)
    standing = compared.standing
    if loss.copy_back and standing.state is CutoverState.ROLLED_BACK:
        if as_json:
            show_json(cutover_document(standing, engine.clock.now()))
        return status_of(standing)
    why, never = why_no_rollback(standing), why_never_rollback(standing)
    if standing.state not in CHANGED_STATES:
        raise NothingToPutBack(f"{standing.subject.domain.host}: {why}")
    for line in edit_lines(standing, back=True):
        say(line)
    if never or (why and not (loss.accepted and standing.way_back)):
        if compared.failed and not never:
            raise LossUnknown(compared.failed, remedy=_WITHOUT_KNOWING)
        raise way_back_blocked(why, never=bool(never) or standing.way_back is None)
    if compared.failed:
        say(safe(compared.failed))
    _confirmed(standing, confirm)
    shown = standing.way_back.reverse if standing.way_back else None
    outcome = await engine.cutovers.changes.roll_back(
        name, accept_loss=loss.accepted, shown=shown, tell=_tell_progress
    )
    return _how_it_ended(engine, name, outcome, as_json=as_json)


def edit_lines(standing: CutoverStatus, *, back: bool) -> Iterator[str]:
    """Give the edit, or its reverse, as lines of a zone file, and what to know of it."""
    edit = standing.edit
    if edit is None:
        return
    lines, words = (edit.reverse, edit.reverse_words) if back else (edit.forward, edit.words)
    yield ""
    yield from (painted(f"- {safe(line)}", Ink.BAD, sys.stdout) for line in lines.remove)
    yield from (painted(f"+ {safe(line)}", Ink.GOOD, sys.stdout) for line in lines.add)
    yield from (f"! {safe(note)}" for note in edit.notes)
    if standing.applier is None and words:
        yield f"at {safe(edit.provider.title)}:"
        yield from (f"  {safe(word)}" for word in words)


def next_step(standing: CutoverStatus) -> str:
    """Return what comes after the checks: an applier makes the change, a watch sees one by hand."""
    follows = "watch" if standing.applier is None else "apply"
    return f"transship cutover {follows} {standing.subject.domain.name}"


def _tell_progress(words: str) -> None:
    say(safe(words, limit=_LONGEST_LINE))


def _how_it_ended(engine: Application, name: str, outcome: str, *, as_json: bool) -> int:
    """Write what became of the change, and whatever isn't as it should be in whole sentences.

    As JSON the result is how the cutover stands then, and the words are none.
    """
    told = outcome_of(outcome)
    (say if as_json else show)(safe(outcome))
    if as_json:
        show_json(cutover_document(engine.cutovers.find(name), engine.clock.now()))
    if not told.good:
        say(safe(f"{told.words}."))
    return 0 if told.good else _FAILED


def _confirmed(standing: CutoverStatus, confirm: str) -> str:
    """Have the domain typed once more, unless it was given; return it.

    Raises BadRequest and WritesOff.
    """
    if standing.applier is not None and standing.applier.why_not:
        raise WritesOff(standing.applier.place)
    if standing.applier is None:
        return ""  # Nothing is changed from here; the core says so, with the edit.
    domain = standing.subject.domain.name
    if not confirm and sys.stdin.isatty():
        confirm = ask(f"Type {domain} to change its record: ")
    if confirm.strip().lower().rstrip(".") != domain:
        raise BadRequest("the domain wasn't confirmed", remedy=f"Add --confirm {domain}.")
    return domain


_LEFT = 1
_ASKS = CheckFailed.exit_status


async def one_delta(engine: Application, name: str, *, yes: bool, as_json: bool) -> int:
    """Compare both registries, and copy what was pushed to the old one alone if that is wanted.

    Returns 0 when they are in step, 3 when somebody has to decide about tags, 1 when something
    wasn't copied.
    """
    if not yes:
        standing = await _waited("comparing both registries", engine.cutovers.rounds.compare(name))
        yes = _asked(standing)
    if yes:
        standing = await _waited("comparing and copying", engine.cutovers.rounds.catch_up(name))
    if as_json:
        show_json(cutover_document(standing, engine.clock.now()))
    else:
        for line in delta_lines(standing):
            show(line)
    return status_of(standing)


def _asked(standing: CutoverStatus) -> bool:
    """Ask whether what was pushed to the old registry is to be copied, if anything was."""
    copies = standing.rounds[-1].left.copies
    if not copies:
        return False
    if not sys.stdin.isatty():
        say("nothing is copied; --yes copies without asking")
        return False
    for line in delta_lines(standing):
        say(line)
    question = f"Copy {counted(len(copies), 'tag')} to {safe(standing.subject.new)}? [y/N] "
    return ask(question).lower() in ("y", "yes")


def status_of(standing: CutoverStatus) -> int:
    """Return the exit status that the last round comes to."""
    if undecided_tags(standing):
        return _ASKS
    last = standing.rounds[-1] if standing.rounds else None
    return _LEFT if last is not None and last.left.copies else 0


class KeptSideName(StrEnum):
    """The registry whose image a tag is to have that both have pushed."""

    OLD = "old"
    NEW = "new"


def keep_tags(engine: Application, name: str, keep: KeptSide, tags: Sequence[str]) -> int:
    """Say which registry's image tags are to have that both have pushed. Raises BadRequest."""
    for tag in tags:
        standing = engine.cutovers.rounds.keep_tag(name, tag, keep)
        show(safe(f"{tag}: what {getattr(standing.subject, keep)} has is kept"))
    say(f"the next round does it: transship cutover delta {standing.subject.domain.name}")
    return 0


def delta_lines(standing: CutoverStatus) -> Iterator[str]:
    """Give what the last round has found, and who has to decide what."""
    yield f"Both registries: {catchup_words(standing)}"
    if standing.rounds:
        yield from (
            safe(f"  not copied: {repository}:{tag}: {why}")
            for repository, tag, why in standing.rounds[-1].failed
        )
    for pair in undecided_tags(standing):
        old, new = pair.old or "deleted", pair.new or "deleted"
        yield safe(f"  {tag_name(pair)}  old {old}  new {new}", limit=600)
    if undecided_tags(standing):
        yield "  decide each: transship cutover keep DOMAIN old|new REPOSITORY:TAG"


class RoundsBeside:
    """What the rounds beside a watch have come to. `quiet` writes nothing."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.going = False
        self._quiet = quiet
        self._told = ""

    def over(self, standing: CutoverStatus) -> bool:
        """Tell whether nothing more has to be waited for."""
        return not self.going or standing.state is CutoverState.ROLLED_BACK

    def tell(self, standing: CutoverStatus) -> None:
        """Write what is new in the last round, or what is in its way."""
        words = standing.checking
        if not words and standing.rounds:
            words = round_words(standing.rounds[-1])
            if standing.quiet >= QUIET_ROUNDS:
                words = catchup_words(standing)
        if words and words != self._told and not self._quiet:
            show(safe(f"  Both registries: {words}", limit=400))
        self._told = words


@asynccontextmanager
async def rounds_beside(
    engine: Application, name: str, *, wanted: bool, quiet: bool
) -> AsyncIterator[RoundsBeside]:
    """Go on with rounds while something else is done.

    Why they had to end is said at once, and raised at the end.
    """
    rounds = RoundsBeside(quiet=quiet)

    async def go() -> None:
        try:
            async with aclosing(engine.cutovers.rounds.run(name)) as standings:
                async for standing in standings:
                    rounds.tell(standing)
        except TransshipError as error:
            say(safe(f"  Both registries: no more rounds: {error}", limit=400))
            raise
        finally:
            rounds.going = False

    if not wanted:
        yield rounds
        return
    rounds.going = True
    task = asyncio.create_task(go())
    try:
        yield rounds
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class LossDecision:
    """What is to become of what only the new registry has, when the record goes back."""

    copy_back: bool = False
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class ComparedSides:
    """How a cutover stands before it goes back; `failed` is why nothing could be compared."""

    standing: CutoverStatus
    failed: str = ""


async def before_going_back(
    engine: Application, standing: CutoverStatus, loss: LossDecision, *, quiet: bool = False
) -> ComparedSides:
    """Compare both registries, and copy back what only the new one has if that is wanted.

    What was accepted to be lost isn't compared: going back may be urgent. `quiet` writes nothing
    of what was copied to standard output.
    """
    changed = standing.state in CHANGED_STATES
    if loss.copy_back and (changed or standing.state is CutoverState.ROLLED_BACK):
        try:
            copying = engine.cutovers.rounds.copy_back(standing.name)
            standing = await _waited("copying back", copying)
        except TransshipError as error:
            if not error.retryable:
                raise
            return ComparedSides(standing, f"nothing can be copied back: {error}")
        for line in delta_lines(standing):
            (say if quiet else show)(line)
    elif changed and standing.subject.old and not loss.accepted:
        try:
            comparing = engine.cutovers.rounds.compare(standing.name)
            return ComparedSides(await _waited("comparing both registries", comparing))
        except TransshipError as error:
            return ComparedSides(standing, f"both registries can't be compared: {error}")
    return ComparedSides(standing)


def way_back_blocked(why: str, *, never: bool) -> RollbackBlocked:
    """Return that going back is blocked, and what can be done about it."""
    if never:
        return RollbackBlocked(why)
    return RollbackBlocked(
        why,
        remedy="--copy-back copies to the old registry first what only the new one has; "
        "--accept-loss gives it up.",
    )


async def _waited(words: str, doing: Awaitable[CutoverStatus]) -> CutoverStatus:
    async with watched(lambda: words):
        return await doing


_DONE = (CutoverState.MOVED, CutoverState.ROLLED_BACK)
_PULLS = ("V-01", "V-02")
_SAID = (
    CheckRowState.PASS,
    CheckRowState.INFO,
    CheckRowState.WARN,
    CheckRowState.ACCEPTED,
    CheckRowState.BLOCKS,
)
_LONGEST_WORDS = 400


async def follow_cutover(
    engine: Application, name: str, *, as_json: bool, delta: bool = False
) -> int:
    """Watch until the cutover is over; return 1 if pulls by the domain fail then.

    With `delta`, what is pushed to the old registry meanwhile is copied to the new one, and the
    watch ends when nothing more comes; 3 when somebody has to decide about tags.
    """
    news = _WatchNews(quiet=as_json)
    standing: CutoverStatus | None = None

    def line() -> str:
        if standing is None:
            return "asking name servers and resolvers"
        now = engine.clock.now()
        clocks = "; ".join(f"{c.name} {c.words}" for c in clock_lines(standing, now))
        return f"{standing.state}: {clocks}"

    async with (
        watched(line),
        rounds_beside(engine, name, wanted=delta, quiet=as_json) as rounds,
        aclosing(engine.cutovers.checks.watch(name)) as standings,
    ):
        async for standing in standings:
            news.tell(standing)
            if standing.state in _DONE and rounds.over(standing):
                break
    if standing is not None and standing.state is CutoverState.MOVED:
        standing = await engine.cutovers.checks.look_after_change(name)
        news.forget_pulls()
        news.tell(standing)
    if as_json:
        show_json(cutover_document(engine.cutovers.find(name), engine.clock.now()))
    failing = standing.result("V-01") if standing else None
    if failing is not None and failing.severity is Severity.BLOCK:
        return 1
    return status_of(engine.cutovers.find(name)) if delta else 0


def pull_lines(standing: CutoverStatus) -> Iterator[str]:
    """Give what pulls by the domain have shown; nothing while there were none."""
    for row in check_rows(standing):
        if row.check in _PULLS and row.state in _SAID:
            what = "" if row.state is CheckRowState.PASS else f"{row.state}: "
            yield safe(f"{row.title}: {what}{row.seen}", limit=_LONGEST_WORDS)


class _WatchNews:
    """Writes what is new: the state, and what pulls show."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._state: CutoverState | None = None
        self._pulls: tuple[str, ...] = ()
        self._trouble = ""

    def forget_pulls(self) -> None:
        """Let the next pulls be written although they show what the last ones did."""
        self._pulls = ()

    def tell(self, standing: CutoverStatus) -> None:
        """Write what of this hasn't been written yet."""
        lines = []
        if standing.state is not self._state:
            self._state = standing.state
            lines.append(safe(f"{standing.subject.domain.host}: {standing.state}"))
        if (pulls := tuple(pull_lines(standing))) != self._pulls:
            self._pulls = pulls
            lines += [f"  {text}" for text in pulls]
        if standing.trouble != self._trouble:
            self._trouble = standing.trouble
            lines += [safe(f"  {self._trouble}", limit=_LONGEST_WORDS)] if self._trouble else []
        if not self._quiet:
            for text in lines:
                show(text)


_SECRET_ALONE = "Give the secret alone, on one line."


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """What `plan` was told of how the record is changed."""

    zone: str = ""
    rfc2136: str = ""
    key: str = ""
    powerdns: str = ""
    route53: str = ""


def provider_of(options: ProviderOptions, domain: str) -> ProviderSettings:
    """Return how the record of a domain is changed.

    Raises BadRequest for options that don't go together, and for a zone that isn't the domain's.
    """
    rfc2136, powerdns, route53 = options.rfc2136, options.powerdns, options.route53
    chosen = [option for option in (rfc2136, powerdns, route53) if option]
    if len(chosen) > 1:
        raise BadRequest("--rfc2136, --powerdns and --route53 exclude one another")
    if options.key and not rfc2136:
        raise BadRequest("--key names a TSIG key, which only --rfc2136 takes")
    if options.zone and (not chosen or route53):
        raise BadRequest("--zone goes with --rfc2136 or --powerdns")
    if not chosen:
        return ManualSettings()
    if not route53 and (not options.zone or (rfc2136 and not options.key)):
        raise BadRequest("--rfc2136 needs --zone and --key, --powerdns needs --zone")
    kind = (
        ProviderKind.ROUTE53
        if route53
        else ProviderKind.POWERDNS
        if powerdns
        else ProviderKind.UPDATE
    )
    way = parsed(ProviderRequest(kind, chosen[0], options.zone, options.key))
    check_zone_contains(way, domain)
    return way


async def keep_tried_key(
    engine: Application, way: ProviderSettings, domain: str, key_file: str
) -> None:
    """Take the key that a way needs, try it at the provider, and keep it in the keyring.

    On a terminal it is asked for, unless a file has it. Where there is no keyring it is kept for
    this run only, which is said. Raises BadRequest, BadFile, and KeyRefused and what else the
    provider says of it, but for one that can't be reached.
    """
    words = secret_words(way)
    secret = _read_key(way, key_file)
    if not secret and words and sys.stdin.isatty():
        secret = ask(f"{words} (empty: as kept): ", hidden=True)
    if secret:
        await engine.cutovers.changes.keep_key(way, secret, for_this_run=True)
    elif not words or not await _is_kept(engine, way):
        return
    try:
        await engine.cutovers.changes.try_key(way, domain)
    except ProviderUnreachable as error:
        say(f"the key couldn't be tried: {error}")
    if not secret:
        return
    try:
        await engine.cutovers.changes.keep_key(way, secret)
    except KEYRING_ERRORS as error:
        say(
            f"the key is kept for this run only ({error.title}): apply and rollback need --key-file"
        )


async def take_key(engine: Application, name: str, key_file: str) -> None:
    """Take the key of a cutover from a file, for this run only. Raises BadRequest and BadFile."""
    if key_file:
        way = engine.cutovers.changes.provider(name)
        secret = _read_key(way, key_file)
        await engine.cutovers.changes.keep_key(way, secret, for_this_run=True)


async def _is_kept(engine: Application, way: ProviderSettings) -> bool:
    try:
        kept = await engine.cutovers.changes.is_key_kept(way)
    except KEYRING_ERRORS:
        kept = False
    if not kept:
        say("no key for it is kept: give --key-file here once more, or to apply and rollback")
    return kept


def _read_key(way: ProviderSettings, key_file: str) -> str:
    """Return the secret in a file, or on standard input for `-`; empty where none is named."""
    if not key_file:
        return ""
    if not secret_words(way):
        raise BadRequest("--key-file is for --rfc2136 and --powerdns")
    try:
        text = sys.stdin.read() if key_file == "-" else Path(key_file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadFile(f"{key_file}: not a text", remedy=_SECRET_ALONE) from None
    except OSError as error:
        raise BadFile(f"{key_file}: {error.strerror}", remedy=_SECRET_ALONE) from error
    secret = text.strip()
    if not secret or len(secret.splitlines()) > 1:
        where = "standard input" if key_file == "-" else key_file
        what = "more than one line" if secret else "empty"
        raise BadFile(f"{where}: {what}", remedy=_SECRET_ALONE)
    return secret


def statements_of(answers: Iterable[str], accepted: Iterable[str]) -> list[tuple[str, str]]:
    """Return what is stated, each by its name. `=@FILE` takes a file's text.

    Raises BadRequest for a question that there isn't, and BadFile.
    """
    found = []
    for text in answers:
        name, answer = _pair(text)
        check_question(name)
        found.append((name, _text(answer)))
    for text in accepted:
        name, reason = _pair(text)
        check_question(f"{ACCEPTED_PREFIX}{name}")
        found.append((f"{ACCEPTED_PREFIX}{name}", reason))
    return found


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not value.strip():
        raise BadRequest(f"{text} isn't NAME=TEXT")
    return name.strip(), value.strip()


def _text(answer: str) -> str:
    if not answer.startswith("@"):
        return answer
    try:
        return Path(answer[1:]).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BadFile(f"{answer[1:]}: {error.strerror}") from error


COMMANDS = {
    "plan": Command("cutover", "Keep a cutover, and make all checks of it."),
    "status": Command("cutover", "Show how a cutover stands, or list all of them."),
    "apply": Command("cutover", "Change the record, if nothing stands in the way."),
    "watch": Command("cutover", "Watch until every resolver has followed."),
    "delta": Command("cutover", "Copy what was pushed to the old registry since."),
    "keep": Command("cutover", "Decide about tags that both registries were pushed."),
    "rollback": Command("cutover", "Put the record back."),
    "report": Command("cutover", "Write the report for the change ticket."),
}
"""The actions, in the order of the help."""


def group(words: Sequence[str]) -> typer.Typer:
    """Return the app that understands what comes after `transship cutover`."""
    app = typer.Typer(
        cls=ActionGroup,
        help=(
            "Move a domain to another registry, step by step.\n\n"
            "plan keeps a cutover and makes all checks. apply changes the record; by default that "
            "is done by hand, and watch sees it. rollback puts it back. Without an action, status "
            "is meant; `cutover DOMAIN plan` is `cutover plan DOMAIN`."
        ),
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    fill(app, COMMANDS, action_first(words), prefix="cutover_")
    return app


class ActionGroup(TyperGroup):
    """The actions of a cutover, before or after the domain, each with options of its own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the action first, and refuse what belongs to another action."""
        words = action_first(args)
        if refusal := why_refused(words):
            ctx.fail(refusal)
        return super().parse_args(ctx, words)


def action_first(words: Sequence[str]) -> list[str]:
    """Return the words that follow `cutover` with the action before the domain.

    Without an action status is meant. A word that is no action comes first all the same, where
    it is complained of.
    """
    first, second, *_ = (*words, "", "")
    if first in COMMANDS or first in ("-h", "--help"):
        return list(words)
    at = None
    if first[:1] != "-" and second[:1] not in ("", "-"):
        at = 1 if second in COMMANDS or "." in first else 0
    elif not COMMANDS.keys().isdisjoint(words):
        others = [at for at, option in _options_among(words) if not option]
        at = others[1] if len(others) > 1 and words[others[1]] in COMMANDS else None
    if at is None:
        return ["status", *words]
    return [words[at], *words[:at], *words[at + 1 :]]


def why_refused(words: Sequence[str]) -> str:
    """Return why an option doesn't go with the action, the first of the words; empty: all do."""
    action, *rest = words
    if action not in COMMANDS or not any(word.startswith("-") for word in rest):
        return ""
    for _, option in _options_among(rest):
        actions = _actions_with(option)
        if actions and action not in actions:
            which = f"{', '.join(actions[:-1])} and {actions[-1]}" if actions[1:] else actions[0]
            return f"{option} belongs to cutover {which}, not to {action}."
    return ""


def _actions_with(option: str) -> list[str]:
    return [action for action, options in _options().items() if option in options]


def _options_among(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Give the place of each word that is no option's value, and the option that it is, if any."""
    valued = {option for each in _options().values() for option, takes in each.items() if takes}
    at = 0
    while at < len(words):
        option, equals, _ = words[at].partition("=") if words[at] != "-" else ("", "", "")
        yield at, option if option.startswith("-") else ""
        at += 2 if option in valued and not equals else 1


@cache
def _options() -> dict[str, dict[str, bool]]:
    """Return the options of every action, and whether a value follows each."""
    found: dict[str, dict[str, bool]] = {}
    for action in COMMANDS:
        app = typer.Typer(add_completion=False)
        fill(app, COMMANDS, (action,), prefix="cutover_")
        found[action] = {
            option: not getattr(parameter, "is_flag", False)
            for parameter in typer.main.get_command(app).params
            for option in (*parameter.opts, *parameter.secondary_opts)
            if option.startswith("-")
        }
    return found


DomainName = Annotated[str, typer.Argument(metavar="DOMAIN", help="The domain, or a cutover's id.")]
Answers = Annotated[
    list[str] | None,
    typer.Option(
        "--answer",
        metavar="QUESTION=ANSWER",
        help="Answer what can't be seen from here; =@FILE for a command's output.",
    ),
]
Acceptances = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="CHECK/FINDING=REASON",
        help="Acknowledge a warning; kept with your name.",
    ),
]
KeyFile = Annotated[
    str,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="The secret of the TSIG or API key, alone; - for the input.",
    ),
]
Confirmation = Annotated[
    str, typer.Option("--confirm", metavar="DOMAIN", help="The domain, typed once more.")
]
ReadOnly = Annotated[
    bool,
    typer.Option("--read-only", help="Change no record and copy no tag, whatever is asked."),
]


def cutover_plan(
    domain: Annotated[
        str, typer.Argument(metavar="DOMAIN", help="The name that images are pulled by.")
    ],
    new: Annotated[str, typer.Option("--to", metavar="HOST", help="The new registry.")],
    old: Old = "",
    resolver: Resolvers = None,
    record: Record = "",
    repository: Repositories = None,
    node_ca: NodeCa = "",
    public: Public = True,
    job: FollowedJob = "",
    plan: FollowedPlan = "",
    zone: Annotated[str, typer.Option(help="The zone, for what changes it.")] = "",
    rfc2136: Annotated[
        str, typer.Option(metavar="IP[:PORT]", help="Change it by dynamic update.")
    ] = "",
    key: Annotated[str, typer.Option(metavar="NAME", help="The TSIG key's name.")] = "",
    powerdns: Annotated[str, typer.Option(metavar="URL", help="Change it by PowerDNS's API.")] = "",
    route53: Annotated[str, typer.Option(metavar="ZONE-ID", help="Change it in Route 53.")] = "",
    key_file: KeyFile = "",
    answer: Answers = None,
    accept: Acceptances = None,
    as_json: AsJson = False,
) -> int:
    """Keep a cutover, and make all checks of it.

    Nothing is changed. The same once more looks at the same cutover anew, as long as its change is
    to come. Ends with 3 when a check stands in the way.
    """
    wished = wished_of(
        domain,
        new,
        old,
        record,
        resolver,
        repository,
        node_ca,
        public=public,
        job=job,
        plan=plan,
    )
    said = statements_of(answer or (), accept or ())
    options = ProviderOptions(zone, rfc2136, key, powerdns, route53)
    asked = _CutoverAsked(wished, options, key_file, said)
    return _with_cutovers(lambda engine: _plan(engine, asked, as_json=as_json))


def cutover_status(
    domain: Annotated[
        str, typer.Argument(metavar="[DOMAIN]", help="The domain, or a cutover's id.")
    ] = "",
    answer: Answers = None,
    accept: Acceptances = None,
    as_json: AsJson = False,
) -> int:
    """Show how a cutover stands, or list all of them.

    As JSON it ends with 3 while something stands in the way of the change.
    """
    said = statements_of(answer or (), accept or ())
    if said and not domain:
        raise BadRequest("--answer and --accept need a domain", remedy="Name the cutover.")

    async def act(engine: Application) -> int:
        if not domain:
            return _list(engine, as_json=as_json)
        return _status(engine, engine.cutovers.state(domain, said).name, as_json=as_json)

    return _with_cutovers(act)


def cutover_apply(
    domain: DomainName,
    key_file: KeyFile = "",
    answer: Answers = None,
    accept: Acceptances = None,
    confirm: Confirmation = "",
    read_only: ReadOnly = False,
    as_json: AsJson = False,
) -> int:
    """Change the record, if nothing stands in the way.

    The edit is shown, and made once the domain was typed again; all checks are made once more just
    before. Ends with 3 when something stands in the way, with 1 when the record isn't everywhere
    what it should be.
    """
    said = statements_of(answer or (), accept or ())

    async def act(engine: Application) -> int:
        name = engine.cutovers.state(domain, said).name
        await take_key(engine, name, key_file)
        return await apply_change(engine, name, confirm, as_json=as_json)

    return _with_cutovers(act, read_only=read_only)


def cutover_watch(
    domain: DomainName,
    delta: Annotated[
        bool,
        typer.Option(
            "--delta/--no-delta",
            help="Copy to the new registry what is pushed to the old one meanwhile.",
        ),
    ] = False,
    read_only: ReadOnly = False,
    as_json: AsJson = False,
) -> int:
    """Watch name servers and resolvers until every resolver has followed.

    After the change images are pulled by the domain as well. Ends with 1 when those pulls fail.
    """
    return _with_cutovers(
        lambda engine: follow_cutover(
            engine, engine.cutovers.find(domain).name, as_json=as_json, delta=delta
        ),
        read_only=read_only,
    )


def cutover_delta(
    domain: DomainName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Copy without asking.")] = False,
    read_only: ReadOnly = False,
    as_json: AsJson = False,
) -> int:
    """Compare both registries once, and copy what only the old one was pushed.

    Ends with 3 when somebody has to decide about tags, with 1 when something is left to copy.
    """
    return _with_cutovers(
        lambda engine: one_delta(
            engine, engine.cutovers.find(domain).name, yes=yes, as_json=as_json
        ),
        read_only=read_only,
    )


def cutover_keep(
    domain: DomainName,
    side: Annotated[KeptSideName, typer.Argument(metavar="old|new", help="Whose image is kept.")],
    tags: Annotated[list[str], typer.Argument(metavar="REPOSITORY:TAG...")],
) -> int:
    """Decide about tags that both registries were pushed; the next delta does it."""

    async def act(engine: Application) -> int:
        return keep_tags(engine, engine.cutovers.find(domain).name, side.value, tags)

    return _with_cutovers(act)


def cutover_rollback(
    domain: DomainName,
    key_file: KeyFile = "",
    confirm: Confirmation = "",
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Although tags get hidden by it.")
    ] = False,
    copy_back: Annotated[
        bool,
        typer.Option("--copy-back", help="Copy to the old registry what it lacks, first."),
    ] = False,
    read_only: ReadOnly = False,
    as_json: AsJson = False,
) -> int:
    """Put the record back.

    Both registries are compared first. Ends with 3 when going back would hide tags, with 1 when
    the record isn't everywhere what it was.
    """
    loss = LossDecision(copy_back=copy_back, accepted=accept_loss)

    async def act(engine: Application) -> int:
        name = engine.cutovers.find(domain).name
        await take_key(engine, name, key_file)
        return await roll_back(engine, name, confirm, loss, as_json=as_json)

    return _with_cutovers(act, read_only=read_only)


def cutover_report(
    domain: DomainName,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            dir_okay=False,
            help="The file: .md, .html or .json. Left out, Markdown is written to the output.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Write the report for the change ticket."""
    if output is not None and as_json:
        raise BadRequest(
            "--json writes the report to the output, so it doesn't go with -o",
            remedy="The file's ending says the form: -o FILE.json",
        )

    async def act(engine: Application) -> int:
        return _report(engine, engine.cutovers.find(domain).name, output, as_json=as_json)

    return _with_cutovers(act)


def _with_cutovers(
    act: Callable[[Application], Coroutine[None, None, int]], *, read_only: bool = False
) -> int:
    app = open_application()
    app.cutovers.read_only = read_only
    return carried_out(app, act(app))


def _list(engine: Application, *, as_json: bool) -> int:
    standings = engine.cutovers.all()
    if as_json:
        show_json({"cutovers": [_brief(each) for each in standings]})
        return 0
    if not standings:
        say("no cutovers yet: transship cutover plan DOMAIN --to HOST begins one")
        return 0
    rows = ((str(s.state), s.subject.domain.host, s.subject.points_at, s.name) for s in standings)
    for line in table(("STATE", "DOMAIN", "TO", "ID"), rows, width_of(sys.stdout)):
        show(line)
    return 0


def _brief(standing: CutoverStatus) -> dict[str, object]:
    return {
        "id": standing.name,
        "domain": standing.subject.domain.host,
        "old": standing.subject.old or None,
        "new": standing.subject.new,
        "state": str(standing.state),
    }


@dataclass(frozen=True, slots=True)
class _CutoverAsked:
    """What `plan` was told."""

    wished: CutoverRequest
    way: ProviderOptions
    key_file: str
    said: Sequence[tuple[str, str]]


async def _plan(engine: Application, asked: _CutoverAsked, *, as_json: bool) -> int:
    subject = engine.cutovers.checks.subject_of(asked.wished)
    way = provider_of(asked.way, subject.domain.name)
    await keep_tried_key(engine, way, subject.domain.name, asked.key_file)
    begun = engine.cutovers.begin(subject, way)
    _say_begun(begun)
    name = begun.name
    for question, text in asked.said:
        engine.cutovers.answer(name, question, text)
    standing = await last_of(engine.cutovers.checks.check(name))
    status = show_standing(standing, as_json=as_json)
    try:
        check_acknowledged(standing, (each for each, _ in asked.said))
    except BadRequest as error:
        say(f"an acknowledgement of nothing that was found: {error.detail}. {error.remedy}")
    if not as_json:
        for line in edit_lines(standing, back=False):
            show(line)
        say(f"kept as {name}; next: {next_step(standing)}")
    return status


def _say_begun(begun: BegunCutover) -> None:
    """Say how a cutover goes with one that the domain has already."""
    before = begun.before
    if begun.is_known:
        say(f"{begun.name} is the same, and is looked at anew")
    elif before is not None:
        say(f"{before.name} ({before.state}) is a cutover of this domain too, and stays")
        say(f"by the domain {begun.name} is meant from here on; the other one by that id")


def _status(engine: Application, name: str, *, as_json: bool) -> int:
    standing = engine.cutovers.find(name)
    if as_json:
        show_json(cutover_document(standing, engine.clock.now()))
        return BLOCKED if waits_for(standing) and standing.state not in CHANGED_STATES else 0
    for line in _status_lines(standing, engine.clock.now()):
        show(line)
    return 0


def _status_lines(standing: CutoverStatus, now: float) -> Iterator[str]:
    yield safe(f"{standing.subject.domain.host}: {standing.state} ({standing.name})")
    if standing.state not in CHANGED_STATES:
        yield f"  {waits_for(standing) or 'nothing stands in the way of the change'}"
        yield f"  {observed_words(standing, now)}"
    for clock in clock_lines(standing, now):
        yield f"  {clock.name}: {clock.words}"
    yield from (f"  {line}" for line in pull_lines(standing))
    if standing.rounds:
        yield from (f"  {line}" for line in delta_lines(standing))
    yield f"  Way back: {rollback_words(standing)[0]}"
    cells = grid_cells(standing)
    if cells:
        rows = (
            (c.says, c.name, ", ".join(c.values), str(c.ttl), _row(c.kind, c.moved, c.enough))
            for c in cells
        )
        yield ""
        yield from table(("SAYS", "WHO", "VALUE", "TTL", "NEW"), rows, width_of(sys.stdout))


def _row(kind: str, moved: int, enough: int) -> str:
    return "" if kind == "server" else f"{moved}/{enough}"


def _report(engine: Application, name: str, output: Path | None, *, as_json: bool) -> int:
    standing, now = engine.cutovers.find(name), engine.clock.now()
    if output is None:
        form = CutoverReportForm.JSON if as_json else CutoverReportForm.MD
        sys.stdout.write(cutover_report_text(standing, form, now))
    else:
        write_cutover_report(standing, output, cutover_report_form(output), now, replace=True)
        say(f"the report of {standing.subject.domain.host} is in {output}")
    return 0
