"""The two registries of a cutover as rows: what differs, whose it is, and the rounds before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content

from transship.cutover.catchup import QUIET_ROUNDS, CatchupRound, round_words, tag_name
from transship.cutover.evidence import TagPair
from transship.cutover.finding import utc_text
from transship.cutover.status import CHANGED_STATES, CutoverStatus
from transship.text import counted, safe
from transship.views.cutover import age_words, catchup_words
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, Mark
from transship_tui.widgets.rows import Column

COLUMNS = (
    Column("State", 10),
    Column("Tag", 24),
    Column("What"),
    Column("Age", 6, right=True, least=70),
)
_ASKS = Mark("?", "asks", NEWS)
_FAILED = Mark("✗", "failed", BAD)
_TO_COPY = Mark("+", "to copy", CARE)
_COPIED = Mark("✓", "copied", OK)
_NEW_ONLY = Mark("!", "new only", CARE)
_GONE = Mark("–", "gone", QUIET)
_DOING = {
    "look": Mark("·", "compared", QUIET),
    "copy": Mark("·", "round", QUIET),
    "back": Mark("↶", "back", QUIET),
}
_MOST = 6


@dataclass(frozen=True, slots=True)
class _Line:
    """One tag of the last round, or one round. `pair` is what enter decides about."""

    key: str
    mark: Mark
    name: str
    what: str
    at: float
    pair: TagPair | None = None
    more: str = ""


class StepRows:
    """The tags that differ after the last round, those to be decided first; then the rounds."""

    def __init__(self, standing: CutoverStatus, now: float) -> None:
        self._now = now
        self._lines = list(_laid_out(standing))

    def __len__(self) -> int:
        return len(self._lines)

    def key(self, index: int) -> str:
        """Return the tag, or the moment of a round."""
        return self._lines[index].key

    def pair(self, index: int) -> TagPair | None:
        """Return the tag on a line that somebody has to decide, None on any other."""
        return self._lines[index].pair if index < len(self._lines) else None

    def cells(self, index: int) -> Sequence[Content]:
        """Return state, tag, what became of it, and how old that is."""
        line = self._lines[index]
        return (
            line.mark.content(),
            Content(line.name),
            Content.styled(line.what, QUIET if line.mark.color == QUIET else ""),
            Content.styled(age_words(line.at, self._now), QUIET),
        )

    def words(self, index: int, *, short: bool = False) -> tuple[Content, ...]:
        """Return one line in full, or `short` where there is little room."""
        if index >= len(self._lines):
            return ()
        line = self._lines[index]
        head = Content.assemble(line.mark.content(), f"  {line.name}  ", (line.what, QUIET))
        if short:
            return (head,)
        return head, *(Content.styled(each, QUIET) for each in line.more.split("\n") if each)


def _laid_out(standing: CutoverStatus) -> Iterator[_Line]:
    if not standing.rounds:
        return
    last = standing.rounds[-1]
    yield from _tags(last)
    for number, each in reversed(list(enumerate(standing.rounds))):
        words = round_words(each) or "the same on both sides"
        job = f"by job {each.job}" if each.job else ""
        compared = f"{counted(each.compared, 'tag')} compared"
        more = safe(", ".join(filter(None, (compared, job))))
        yield _Line(
            f"round {number}", _DOING[each.doing], utc_text(each.at), words, each.at, more=more
        )


def _tags(last: CatchupRound) -> Iterator[_Line]:
    left, why = last.left, {(r, t): text for r, t, text in last.failed}
    failed = [each for each in last.found.copies if (each.repository, each.tag) in why]
    parts: tuple[tuple[Mark, Iterable[TagPair], str], ...] = (
        (_ASKS, left.asks, "both have pushed it: you decide"),
        (_FAILED, failed, ""),
        (_TO_COPY, (each for each in left.copies if each not in failed), "only the old has this"),
        (_NEW_ONLY, left.only_new, "only the new has this: going back hides it"),
        (_GONE, left.gone, ""),
        (_COPIED, last.copied, "to the old" if last.doing == "back" else "to the new"),
    )
    for mark, pairs, words in parts:
        for pair in pairs:
            said = words or why.get((pair.repository, pair.tag), "") or _gone(pair)
            more = f"old {pair.old or 'has none'}\nnew {pair.new or 'has none'}"
            asked = pair if mark is _ASKS else None
            name = tag_name(pair)
            yield _Line(f"tag {name}", mark, name, safe(said), last.at, asked, safe_lines(more))


def safe_lines(text: str) -> str:
    """Return lines that a terminal may show, each made safe by itself."""
    return "\n".join(map(safe, text.split("\n")))


def _gone(pair: TagPair) -> str:
    return f"deleted at the {'new' if pair.old else 'old'} registry; left at the other"


def step_words(
    standing: CutoverStatus, *, going: bool, begin: str, compare: str
) -> Iterator[Content]:
    """Give how far both registries are in step, and what is done about it."""
    if not standing.subject.old:
        yield Content.styled("The old registry isn't named, so nothing can be compared.", CARE)
        return
    last = standing.rounds[-1] if standing.rounds else None
    done = standing.quiet >= QUIET_ROUNDS
    sign, color = ("✓", OK) if done else ("·", QUIET)
    if last is not None and (last.left.asks or last.left.copies or last.failed):
        sign, color = "!", CARE
    yield Content.styled(f"{sign} {catchup_words(standing)}", color)
    if going:
        words = f"▸ Rounds go on: what only the old one gets is copied. {begin} stops them."
        yield Content.styled(words, NEWS)
    elif done:
        yield Content.styled("Nothing more has to be copied.", QUIET)
    else:
        yield Content.styled(f"No rounds are made. {begin} begins; {compare} only compares.", QUIET)


def step_label(standing: CutoverStatus, *, going: bool) -> str:
    """Return the name of the tab, with how much is to be decided or copied."""
    left = standing.rounds[-1].left if standing.rounds else None
    count = len(left.asks) + len(left.copies) if left else 0
    return "Tags" + (f" to do {count}" if count else "") + (" ▸" if going else "")


def rounds_question(standing: CutoverStatus) -> Content:
    """Return what is asked before rounds begin."""
    subject = standing.subject
    old, new = safe(subject.old), safe(subject.new)
    parts: list[str | tuple[str, str]] = [
        f"Both registries are compared again and again. What was pushed to {old} alone is copied "
        f"to {new}, by a job each time. A tag that both have pushed is left as it is, and you are "
        "asked. Nothing is deleted, and nothing is written to the old registry.\n\n"
    ]
    copies = standing.rounds[-1].left.copies if standing.rounds else ()
    if copies:
        parts.append((f"To copy now, {counted(len(copies), 'tag')}:\n", CARE))
        parts += [f"  {safe(tag_name(each))}\n" for each in copies[:_MOST]]
        parts += [f"  and {len(copies) - _MOST} more\n"] if len(copies) > _MOST else []
        parts.append("\n")
    elif not standing.rounds:
        parts.append(("They weren't compared yet: what is to be copied isn't known.\n\n", CARE))
    end = "It ends when two rounds have found nothing since every resolver has followed"
    if standing.state not in CHANGED_STATES:
        end = "Before the change it goes on until you stop it; after it, until nothing more comes"
    parts.append((f"{end}, or when you stop it or close the board.", QUIET))
    return Content.assemble(*parts)
