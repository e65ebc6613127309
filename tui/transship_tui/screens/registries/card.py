"""All that is known of one account: its sign-in, what can be done there, and when it was tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from transship.accounts.registry_file import Account, api_hosts_of
from transship.accounts.sign_in import api_account_of, hands_out, service_at, used_by
from transship.errors import ApiKeysNeeded, TransshipError
from transship.registry.access import Access
from transship.registry.capability_card import CapabilityCard, CardRow, card_of
from transship.registry.examination import Examination, protection
from transship.registry.service import Service
from transship.text import counted, duration_text, safe
from transship.views.registry import (
    SEEN,
    SIGNS,
    answer_of,
    card_lines,
    grouped,
    how_of,
    name_of,
    origin_of,
)
from transship_tui.keys import Chosen, chosen_keys, key_of
from transship_tui.marks import BAD, CARE, OK, QUIET, mark
from transship_tui.screens.registries.entry import note_of, state_of
from transship_tui.widgets.dialogs import WordsDialog

_COLORS = {"yes": OK, "no": BAD, "partly": CARE}


class CapabilityRow(Vertical):
    """One answer, how, and what it means for a migration."""

    DEFAULT_CSS = """
    CapabilityRow {
        &, & Horizontal { height: auto; }
        & .answer { width: 13; }
        & .name { width: 12; color: $text-muted; }
        & .value { width: 1fr; }
        & .means { margin-left: 2; color: $foreground-muted; }
    }
    """

    def __init__(self, row: CardRow) -> None:
        super().__init__()
        self._row = row

    def compose(self) -> ComposeResult:
        """Give the answer, what it is about, and the words."""
        with Horizontal():
            yield Static(_answer(answer_of(self._row)), classes="answer")
            yield Static(Content(name_of(self._row)), classes="name")
            how, seen = safe(how_of(self._row)), _seen(self._row)
            yield Static(Content.assemble(how, " " if how else "", seen), classes="value")
        if means := self._row.fact.means:
            yield Static(Content(safe(means)), classes="means")


def in_short(card: CapabilityCard) -> Content:
    """Return a line for each answer, with the names of what it holds for."""
    lines = (
        Content.assemble(_answer(answer), f": {', '.join(names)}")
        for answer, names in grouped(card)
    )
    return Content("\n").join(lines)


def in_lines(card: CapabilityCard) -> Content:
    """Return all answers, each with how, or with what it means where it is a no."""
    return Content("\n").join(map(_line, card.rows))


def _line(row: CardRow) -> Content:
    answer = answer_of(row)
    words = safe(row.fact.means if answer == "no" else how_of(row))
    name = (f"{name_of(row)} ", "bold")
    gap = " " if row.seen else ""
    return Content.assemble(name, _answer(answer), f": {words}" if words else "", gap, _seen(row))


def _answer(answer: str) -> Content:
    return Content.styled(f"{SIGNS[answer]} {answer}", _COLORS.get(answer, QUIET))


def _seen(row: CardRow) -> Content:
    return Content.styled(f"({SEEN})", QUIET) if row.seen else Content("")


class CapabilitiesDialog(WordsDialog):
    """Shows the card of the registry at `host`. `line` shows it too, and `more` is said last."""

    def __init__(self, host: str, card: CapabilityCard, *, line: str = "", more: str = "") -> None:
        self._title = safe(f"{host}: {card.service.title}")
        self._card = card
        self._last = f"{origin_of(card)} {safe(more)}".strip()
        self._line = safe(line)
        super().__init__(Content("\n".join([self._title, *card_lines(card), self._last])))

    def compose_words(self) -> Iterator[Widget]:
        """Give the title, the rows, and where all of it comes from."""
        yield Static(Content(self._title), classes="title")
        yield from map(CapabilityRow, self._card.rows)
        yield Static(Content.styled(f"\n{self._last}", QUIET))
        if self._line:
            yield Static(Content.styled(f"$ {self._line}", QUIET))


SECRET_PLACES = {
    "": "none",
    "keyring": "in your keyring",
    "session": "for this run only",
    "environment": "from the environment",
    "docker": "from docker's or podman's files",
}
"""Where a secret lives, in words, by an account's `secret_source`."""

_NO_IMAGES = "Holds no images: it opens the API of a cloud for the registries that are in it."
_GONE = "secret to be typed: that of an earlier run is gone"
_FACTS = ("Address", "Service", "Sign-in", "TLS", "Lists", "Network", "Tested")


@dataclass(frozen=True, slots=True)
class Trial:
    """How a registry was found at one moment: an examination, or why there is none."""

    at: float
    found: Examination | None = None
    error: TransshipError | None = None

    @property
    def state(self) -> str:
        """The state in a word, as it is marked in lists."""
        return state_of(self.found, self.error)

    @property
    def problem(self) -> TransshipError | None:
        """What stands in the way."""
        return self.found.problem if self.found is not None else self.error


def kind_of(account: Account, trial: Trial | None = None) -> Service:
    """Return the service behind an account, as it was found where that was tried."""
    if trial is not None and trial.found is not None:
        return trial.found.service
    return service_at(account)


def called(account: Account) -> str:
    """Return what the operator calls an account."""
    return account.alias or account.host


def card_for(account: Account, trial: Trial | None) -> CapabilityCard:
    """Return what can be done at an account's registry; what was seen there goes before."""
    return card_of(kind_of(account, trial), trial.found if trial else None)


class AccountCard(VerticalScroll, can_focus=False):
    """Shows one account."""

    DEFAULT_CSS = """
    AccountCard {
        scrollbar-size-vertical: 1;
        & Horizontal { height: auto; }
        & .name { width: 9; color: $text-muted; }
        & .value { width: 1fr; }
        & #card-problem, & .can { margin-top: 1; }
        & #can-lines, & #network-line { display: none; }
    }
    """

    def compose(self) -> ComposeResult:
        """Give a line for each fact, and room for what is wrong."""
        for name in _FACTS:
            with Horizontal(id=f"{name.lower()}-line"):
                yield Static(name, classes="name")
                yield Static(id=name.lower(), classes="value")
        yield Static(id="card-problem")
        yield Static(id="can-short", classes="can")
        yield Static(id="can-lines", classes="can")

    def show(
        self,
        account: Account | None,
        trial: Trial | None,
        now: float,
        *,
        is_secret_gone: bool,
        accounts: Sequence[Account] = (),
    ) -> None:
        """Show an account, or nothing. `now` is the time in seconds since the epoch.

        `is_secret_gone` says that its secret was for one run only, and this is another one.
        `accounts` are all that there are.
        """
        self.set_class(account is None, "-empty")
        facts: dict[str, Content] = {}
        if account is not None:
            facts = _facts(account, trial, now, accounts, chosen_keys(self))
            self.query_one("#network-line").display = bool(facts["network"])
            title = "Lists" if service_at(account).holds_images else "Used by"
            _put(self.query_one("#lists-line .name", Static), Content(title))
        if account is not None and is_secret_gone:
            facts["sign-in"] = Content(safe(f"{account.username}, {_GONE}"))
        for name, value in facts.items():
            _put(self.query_one(f"#{name}", Static), value)
        problem = self.query_one("#card-problem", Static)
        problem.display = trial is not None and trial.problem is not None
        if account is not None and trial is not None and trial.problem is not None:
            _put(problem, _problem(trial.problem, account, chosen_keys(self)))
        if account is not None:
            self._show_what_it_can(account, trial)

    def _show_what_it_can(self, account: Account, trial: Trial | None) -> None:
        short = lines = Content(_NO_IMAGES)
        if service_at(account).holds_images:
            card = card_for(account, trial)
            short, lines = in_short(card), in_lines(card)
        _put(self.query_one("#can-short", Static), short)
        _put(self.query_one("#can-lines", Static), lines)


def _put(into: Static, value: Content) -> None:
    # Every byte counts over SSH, and most of a card stays the same.
    if into.content != value:
        into.update(value)


def _facts(
    account: Account,
    trial: Trial | None,
    now: float,
    accounts: Sequence[Account],
    keys: Chosen,
) -> dict[str, Content]:
    if service_at(account).holds_images:
        lists = _lists(account, trial, api_account_of(account, accounts), keys)
    else:
        lists = ", ".join(map(called, used_by(account, accounts))) or "none yet"
    return {
        "address": Content(safe(account.host)),
        "service": Content(kind_of(account, trial).title),
        "sign-in": Content(safe(_sign_in(account, accounts))),
        "tls": _protection(account),
        "lists": Content(safe(lists)),
        "network": Content(_network(account, accounts, keys)),
        "tested": _tested(trial, now, keys),
    }


def _sign_in(account: Account, accounts: Sequence[Account]) -> str:
    if not account.secret_source:
        return hands_out(account, accounts) or "anonymous"
    user = f"{account.username}, " if account.username else ""
    return f"{user}secret {SECRET_PLACES[account.secret_source]}"


def _protection(account: Account) -> Content:
    words = protection(Access(account.host, tls=account.tls)).removesuffix(", as asked")
    unsafe = account.tls.insecure or account.tls.plain_http
    return Content.styled(f"! {words}", CARE) if unsafe else Content(words)


def _lists(account: Account, trial: Trial | None, api: Account | None, keys: Chosen) -> str:
    wants_keys = api is None and bool(api_hosts_of(account.host, account))
    adds = f"{key_of('registries.keys', keys)} adds the keys of its cloud's API"
    if account.repositories:
        count = counted(len(account.repositories), "repository", "repositories")
        return f"{count} that you named{f'; {adds}' if wants_keys else ''}"
    found = trial.found if trial else None
    by_api = f"by the API, keys: {called(api)}" if api is not None else ""
    if wants_keys and not (found and found.lists):
        return f"nothing yet: {adds}"
    if found is None or found.lists is None:
        return by_api or "not known yet"
    if found.lists:
        return by_api or "its repositories"
    return f"nothing: name repositories with {key_of('registries.edit', keys)}"


def _network(account: Account, accounts: Sequence[Account], keys: Chosen) -> str:
    """Return how to see who gets through, where a registry's cloud tells that; else nothing."""
    if service_at(account).kind != "tcr" or api_account_of(account, accounts) is None:
        return ""
    gets_in, domains = key_of("registries.network", keys), key_of("registries.domains", keys)
    return f"{gets_in} shows who gets in, {domains} its custom domains"


def _tested(trial: Trial | None, now: float, keys: Chosen) -> Content:
    if trial is None:
        return Content(f"never: press {key_of('registries.test', keys)}")
    return Content.assemble(mark(trial.state), f", {duration_text(now - trial.at)} ago")


def _problem(problem: TransshipError, account: Account, keys: Chosen) -> Content:
    note = note_of(problem, account)
    remedy = note.remedy if note else problem.remedy
    if isinstance(problem, ApiKeysNeeded):
        note, remedy = None, f"{key_of('registries.keys', keys)} adds them."
    # What a field of the form mends is said in the form's words.
    edits = ""
    if note is not None and note.place != "host":
        edits = f"{key_of('registries.edit', keys)} changes the account. "
    return Content.assemble(
        (f"✗ {problem.title}", BAD),
        f"\n{problem.detail}" if problem.detail else "",
        (f"\n{edits}{remedy}", "$foreground-muted"),
    )
