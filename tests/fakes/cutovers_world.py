"""Domains at every stage of a cutover, and the ways that lead to their screens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cutovers import clean
from fakes.cutovers import judged
from transship.cutover.edits import edit
from transship.cutover.evidence import Parity, TagPair
from transship.cutover.finding import CheckResult
from transship.cutover.reports.standing import Applier, Note, Standing
from transship.cutover.rollback import WayBack
from transship.cutover.rules.case import Case, sampled
from transship.cutover.subject import Domain, Subject
from transship.cutover.timeline import Sample, Served
from transship_tui.engine_cutover import Tried

if TYPE_CHECKING:
    from fakes.engine import FakeEngine
    from fakes.world import Walk

NAME = "images.example.com-abcdef"
NOW = 1_790_000_000.0
"""What the stand-in engine's clock shows."""
APPLIER = Applier("9.1.1.1, by dynamic update of example.com")


def shifted(value: Any, by: float) -> Any:
    """Return evidence as it would have been taken so much later, in seconds."""
    if isinstance(value, float) and value > 1e9:
        return value + by
    if isinstance(value, tuple):
        return tuple(shifted(each, by) for each in value)
    names = getattr(value, "__dataclass_fields__", ())
    return replace(value, **{n: shifted(getattr(value, n), by) for n in names}) if names else value


def standing(of: Case, name: str = NAME, **more: Any) -> Standing:
    """Return how a cutover stands by a case whose moment is that of the engine's clock."""
    case: Case = shifted(of, NOW - of.now)
    plain = Standing(
        name,
        case.subject,
        evidence=case.evidence,
        history=case.history,
        samples=case.samples or sampled(case.evidence.resolvers),
        edit=edit(case.subject, clean.CLEAN.evidence),
        **more,
    )
    return judged(plain, case.now)


def with_trouble() -> Standing:
    """Return a domain before its change with something of every kind to be settled."""
    found = clean.case(
        handshakes=clean.shakes(verify_code=62, verify_message="Hostname mismatch"),
        parity=Parity(120, (TagPair("team/app", "1.4", "sha256:aa", ""),)),
        statements=tuple(s for s in clean.SAID if s.question not in ("automation", "node-trust")),
        zone=clean.zone(
            clean.server(clean.NS1, clean.record("CNAME", clean.OLD)),
            clean.server(clean.NS2, clean.record("CNAME", clean.OLD), serial=16),
            clean.broken(("ns3.example.com", "9.1.1.3"), rcode="REFUSED"),
        ),
        history=(
            Served("9.1.1.1", (clean.OLD,), 3600, clean.NOW - clean.DAY, clean.NOW - 3010),
            Served("9.1.1.1", (clean.OLD,), 60, clean.NOW - 3000, clean.NOW),
            Served("9.1.1.2", (clean.OLD,), 3600, clean.NOW - clean.DAY, clean.NOW - 2880),
            Served("9.1.1.2", (clean.OLD,), 60, clean.NOW - 2870, clean.NOW),
        ),
    )
    return standing(found, notes=(Note(NOW - 3600, "begun", "maria on laptop"),))


def ready(**more: Any) -> Standing:
    """Return a domain of which nothing stands in the way any more."""
    return standing(clean.CLEAN, **more)


def changed(**more: Any) -> Standing:
    """Return a domain whose name servers have the change, and whose resolvers follow."""
    flipped: dict[str, Any] = {**clean.FLIPPED, "now": clean.NOW + 20}
    found = clean.case(
        **flipped,
        samples=(
            *(Sample("office", (clean.NEW,), 30, clean.NOW + 12 + i) for i in range(3)),
            Sample("cluster", (clean.NEW,), 55, clean.NOW + 15),
            Sample("Quad9", (clean.OLD,), 48, clean.NOW + 16),
            Sample("slow", ("elsewhere.example.",), 300, clean.NOW + 14),
        ),
    )
    back = WayBack(None, 60, 0, (), NOW - 10)
    return standing(found, **{"way_back": back, **more})


def changed_with_loss(**more: Any) -> Standing:
    """Return the same with tags that only the new registry has."""
    lost = (
        TagPair("team/app", "1.5", "", "sha256:bb"),
        TagPair("team/web", "2.0", "", "sha256:cc"),
    )
    return changed(way_back=WayBack(None, 60, 0, lost, NOW), **more)


def fill(engine: FakeEngine, words: str = "") -> None:
    """Put domains at several stages into the engine; `words` is what strangers say."""
    first = with_trouble()
    other = Subject(Domain("hub.example.org", 5000, "hub.example.org"), "new.example:5000")
    engine.standings = {
        NAME: first if not words else _saying(first, words),
        "hub.example.org-bcdefg": Standing("hub.example.org-bcdefg", other),
    }
    engine.looks = [engine.standings[NAME]]


def _saying(of: Standing, words: str) -> Standing:
    """Return a standing in which whatever may come from elsewhere is these words."""

    def said(result: CheckResult) -> CheckResult:
        findings = tuple(
            replace(f, seen=words, means=words, remedy=words, record=words) for f in result.findings
        )
        return replace(result, findings=findings, seen=words, needs=result.needs and words)

    history = tuple(replace(each, values=(words,)) for each in of.history)
    samples = (Sample(words, (words,), 60, NOW),)
    found = judged(replace(of, history=history, samples=samples), NOW)
    changed_edit = found.edit and replace(
        found.edit, words=(words,), reverse_words=(words,), notes=(words,)
    )
    return replace(
        found,
        checks=tuple(map(said, found.checks)),
        edit=changed_edit,
        notes=(Note(NOW, words, words),),
    )


async def _board(walk: Walk) -> None:
    await walk.press("5", "enter")
    await walk.is_at("CutoverBoardScreen")


async def _explained(walk: Walk) -> None:
    await _board(walk)
    screen = walk.app.screen
    table = screen.query_one("#board")
    table.go_to("P-13")  # type: ignore[attr-defined]
    await walk.rests()
    await walk.press("enter")
    await walk.is_at("CheckDialog")


async def _servers(walk: Walk) -> None:
    await _board(walk)
    await walk.press("right_square_bracket")


async def _change(walk: Walk) -> None:
    await _servers(walk)
    await walk.press("right_square_bracket")


async def _watched(walk: Walk) -> None:
    walk.engine.standings[NAME] = changed()
    await _servers(walk)


async def _question(walk: Walk) -> None:
    await _board(walk)
    walk.app.screen.query_one("#board").go_to("P-17")  # type: ignore[attr-defined]
    await walk.rests()
    await walk.press("a")
    await walk.is_at("QuestionDialog")


async def _change_question(walk: Walk) -> None:
    walk.engine.standings[NAME] = ready(applier=APPLIER)
    await _board(walk)
    walk.app.screen.query_one("#change-it").focus()
    await walk.press("enter")
    await walk.is_at("ConfirmDialog")


async def _back(walk: Walk) -> None:
    walk.engine.standings[NAME] = changed_with_loss(applier=APPLIER)
    await _board(walk)
    walk.app.screen.query_one("#back-it").focus()
    await walk.press("enter")
    await walk.is_at("ConfirmDialog")


async def _form(walk: Walk) -> None:
    await walk.press("5", "a")
    await walk.is_at("CutoverFormScreen")
    words = "leads to registry.oldcloud.net (CNAME, TTL left 44 s), 1.2.3.4"
    walk.engine.tries_say["try_domain"] = Tried(good=True, words=words)
    walk.engine.tries_say["try_new"] = Tried(None, "5.6.7.8 has no trusted certificate for it")
    await walk.press(*"images.example.com", "tab", "end", "tab")


WAYS: dict[str, Callable[[Walk], Awaitable[None]]] = {
    "cutover-board": _board,
    "cutover-explained": _explained,
    "cutover-servers": _servers,
    "cutover-change": _change,
    "cutover-watched": _watched,
    "cutover-question": _question,
    "cutover-change-question": _change_question,
    "cutover-back": _back,
    "cutover-form": _form,
}

DIALOGS = (
    "cutover-explained",
    "cutover-question",
    "cutover-change-question",
    "cutover-back",
)
