"""Domains at every stage of a cutover, and the ways that lead to their screens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.widgets import Select

from cutovers import clean
from fakes.cutovers import judged
from transship.app.cutovers import TrialResult
from transship.app.provider_request import ProviderKind
from transship.cutover.catchup import CatchupRound, TagDifferences
from transship.cutover.change.execution import ChangeRequest
from transship.cutover.change.records import PlannedChange, plan_edit
from transship.cutover.change.settings import Rfc2136Settings
from transship.cutover.domain import Domain, Subject
from transship.cutover.evidence import Parity, TagPair
from transship.cutover.finding import CheckResult
from transship.cutover.rollback import Rollback
from transship.cutover.rules.case import Case, sampled
from transship.cutover.status import CutoverEvent, CutoverStatus, ProviderStatus, UnfinishedChange
from transship.cutover.timeline import Sample, Served

if TYPE_CHECKING:
    from fakes.engine import FakeEngine
    from fakes.world import Walk

NAME = "images.example.com-abcdef"
NOW = 1_790_000_000.0
"""What the stand-in engine's clock shows."""
APPLIER = ProviderStatus("9.1.1.1, by dynamic update of example.com")


def shifted(value: Any, by: float) -> Any:
    """Return evidence as it would have been taken so much later, in seconds."""
    if isinstance(value, float) and value > 1e9:
        return value + by
    if isinstance(value, tuple):
        return tuple(shifted(each, by) for each in value)
    names = getattr(value, "__dataclass_fields__", ())
    return replace(value, **{n: shifted(getattr(value, n), by) for n in names}) if names else value


def standing(of: Case, name: str = NAME, **more: Any) -> CutoverStatus:
    """Return how a cutover stands by a case whose moment is that of the engine's clock."""
    case: Case = shifted(of, NOW - of.now)
    plain = CutoverStatus(
        name,
        case.subject,
        evidence=case.evidence,
        history=case.history,
        samples=case.samples or sampled(case.evidence.resolvers),
        edit=plan_edit(case.subject, clean.CLEAN.evidence),
        **more,
    )
    return judged(plain, case.now)


def with_trouble() -> CutoverStatus:
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
    return standing(found, notes=(CutoverEvent(NOW - 3600, "begun", "maria on laptop"),))


def ready(**more: Any) -> CutoverStatus:
    """Return a domain of which nothing stands in the way any more."""
    return standing(clean.CLEAN, **more)


def changed(**more: Any) -> CutoverStatus:
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
    back = Rollback(None, 60, 0, (), NOW - 10)
    return standing(found, **{"way_back": back, **more})


def changed_with_loss(**more: Any) -> CutoverStatus:
    """Return the same with tags that only the new registry has."""
    lost = (
        TagPair("team/app", "1.5", "", "sha256:bb"),
        TagPair("team/web", "2.0", "", "sha256:cc"),
    )
    return changed(way_back=Rollback(None, 60, 0, lost, NOW), **more)


def changing(**more: Any) -> CutoverStatus:
    """Return a domain of which one name server has the change, and the other doesn't yet."""
    old, new = clean.record("CNAME", clean.OLD), clean.record("CNAME", clean.NEW)
    flipped: dict[str, Any] = {
        **clean.FLIPPED,
        "zone": clean.zone(clean.server(clean.NS1, new), clean.server(clean.NS2, old, serial=16)),
        "history": (
            *clean.HISTORY,
            Served(clean.NS1[1], (clean.NEW,), clean.TTL, clean.NOW, clean.NOW + 5),
        ),
        "now": clean.NOW + 5,
    }
    return standing(clean.case(**flipped), **{"way_back": Rollback(None, 60, 0, (), NOW), **more})


def late(**more: Any) -> CutoverStatus:
    """Return a domain that was changed long ago, and that one resolver still leads elsewhere."""
    samples = (
        *clean.moved("office", "cluster"),
        *(Sample("Quad9", (clean.OLD,), 10, clean.NOW + 580 + i) for i in range(3)),
    )
    found = clean.case(**{**clean.FLIPPED, "samples": samples})
    return standing(found, **{"way_back": Rollback(None, 60, 0, (), NOW), **more})


def moved(**more: Any) -> CutoverStatus:
    """Return a domain that has moved: every resolver has followed."""
    found = clean.case(**{**clean.FLIPPED, "samples": clean.moved("office", "cluster", "Quad9")})
    return standing(found, **{"way_back": Rollback(None, 60, 0, (), NOW), **more})


def rolled_back(**more: Any) -> CutoverStatus:
    """Return a domain that was put back a moment ago."""
    back: dict[str, Any] = {
        "history": (
            *clean.FLIPPED["history"],
            *(
                Served(address, (clean.OLD,), clean.TTL, clean.NOW + 610, clean.NOW + 620)
                for _, address in (clean.NS1, clean.NS2)
            ),
        ),
        "samples": clean.moved("office", "cluster"),
        "now": clean.NOW + 620,
    }
    return standing(clean.case(**back), **more)


def pushed(tag: str, old: str, new: str) -> TagPair:
    """Return a tag of `team/app` by letters of its digests, empty for none."""
    sides = (f"sha256:{each * 32}" if each else "" for each in (old, new))
    return TagPair("team/app", tag, *sides)


ASKED = pushed("1.4", "1a", "1b")
FOUND = TagDifferences(
    copies=(pushed("1.6", "2a", ""), pushed("1.7", "3a", "3b")),
    only_new=(pushed("2.0", "", "4b"),),
    asks=(ASKED,),
    gone=(pushed("0.9", "5a", ""),),
)


def out_of_step(**more: Any) -> CutoverStatus:
    """Return a changed domain whose registries have both been pushed to."""
    rounds = (
        CatchupRound(NOW - 95, TagDifferences(), compared=120, doing="look"),
        CatchupRound(
            NOW - 35, TagDifferences((pushed("1.5", "6a", ""),)), compared=121, job="abc234"
        ),
        CatchupRound(NOW - 5, FOUND, compared=124, doing="look"),
    )
    return changed(
        way_back=Rollback(None, 60, 0, (*FOUND.hidden, *FOUND.asks), NOW - 5),
        rounds=rounds,
        **more,
    )


def broken_off(**more: Any) -> CutoverStatus:
    """Return a domain whose change was sent, and of which nobody knows what became."""
    name = clean.SUBJECT.domain.name
    edit = PlannedChange(
        name,
        (clean.record("CNAME", clean.OLD),),
        (clean.record("CNAME", clean.NEW),),
    )
    sent = UnfinishedChange(NOW - 150, ChangeRequest(edit, APPLIER.place), "maria on laptop")
    return changing(applier=APPLIER, unended=sent, **more)


def fill(engine: FakeEngine, words: str = "") -> None:
    """Put domains at several stages into the engine; `words` is what strangers say."""
    first = with_trouble()
    other = Subject(Domain("hub.example.org", 5000, "hub.example.org"), "new.example:5000")
    engine.standings = {
        NAME: first if not words else _saying(first, words),
        "hub.example.org-bcdefg": CutoverStatus("hub.example.org-bcdefg", other),
    }
    engine.looks = [engine.standings[NAME]]


def _saying(of: CutoverStatus, words: str) -> CutoverStatus:
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
        notes=(CutoverEvent(NOW, words, words),),
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
    await walk.is_at("ChoiceDialog")


async def _back_anyway(walk: Walk) -> None:
    await _back(walk)
    await walk.press("j", "enter")
    await walk.is_at("ConfirmDialog")


async def _form(walk: Walk) -> None:
    await walk.press("5", "a")
    await walk.is_at("CutoverFormScreen")
    words = "leads to registry.oldcloud.net (CNAME, TTL left 44 s), 1.2.3.4"
    walk.engine.tries_say["try_domain"] = TrialResult(good=True, words=words)
    walk.engine.tries_say["try_new"] = TrialResult(
        None, "5.6.7.8 has no trusted certificate for it"
    )
    await walk.press(*"images.example.com", "tab", "end", "tab")


async def _way(walk: Walk) -> None:
    await _form(walk)
    walk.app.screen.query_one("#way", Select).value = ProviderKind.UPDATE
    await walk.rests()
    walk.app.screen.query_one("#way-update").focus()
    await walk.press(*"10.0.0.53", "tab", *"example.com", "tab", *"mover", "shift+tab")


async def _key(walk: Walk) -> None:
    way = Rfc2136Settings("example.com", "9.1.1.1", "mover")
    walk.engine.ways[NAME] = way
    walk.engine.standings[NAME] = ready(applier=APPLIER)
    await _board(walk)
    walk.app.screen.query_one("#change-it").focus()
    await walk.press("enter")
    await walk.is_at("ProviderSecretDialog")


async def _step(walk: Walk) -> None:
    walk.engine.standings[NAME] = out_of_step()
    await _board(walk)
    await walk.press("right_square_bracket", "right_square_bracket", "right_square_bracket")


async def _rounds(walk: Walk) -> None:
    await _step(walk)
    await walk.press("d")
    await walk.is_at("ConfirmDialog")


async def _decision(walk: Walk) -> None:
    await _step(walk)
    await walk.press("enter")
    await walk.is_at("ChoiceDialog")


async def _broken_off(walk: Walk) -> None:
    walk.engine.standings[NAME] = broken_off()
    await walk.press("5", "enter")
    await walk.is_at("ConfirmDialog")


def _as(standing_of: Callable[[], CutoverStatus]) -> Callable[[Walk], Awaitable[None]]:
    """Return the way to the board of a domain that stands like this."""

    async def way(walk: Walk) -> None:
        walk.engine.standings[NAME] = standing_of()
        await _board(walk)

    return way


WAYS: dict[str, Callable[[Walk], Awaitable[None]]] = {
    "cutover-board": _board,
    "cutover-explained": _explained,
    "cutover-servers": _servers,
    "cutover-change": _change,
    "cutover-watched": _watched,
    "cutover-question": _question,
    "cutover-change-question": _change_question,
    "cutover-back": _back,
    "cutover-back-anyway": _back_anyway,
    "cutover-ready": _as(lambda: ready(applier=APPLIER)),
    "cutover-changing": _as(changing),
    "cutover-late": _as(late),
    "cutover-moved": _as(moved),
    "cutover-rolled-back": _as(rolled_back),
    "cutover-back-blocked": _as(lambda: changed_with_loss(applier=APPLIER)),
    "cutover-step": _step,
    "cutover-rounds": _rounds,
    "cutover-decision": _decision,
    "cutover-broken-off": _broken_off,
    "cutover-way": _way,
    "cutover-key": _key,
    "cutover-form": _form,
}

DIALOGS = (
    "cutover-explained",
    "cutover-question",
    "cutover-change-question",
    "cutover-back",
    "cutover-back-anyway",
    "cutover-rounds",
    "cutover-decision",
    "cutover-broken-off",
    "cutover-key",
)
