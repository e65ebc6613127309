"""Every key, as data: an id to remap it by, what it does, and what to say of it.

`config.toml` can put other keys in the place of these (`[keys]`, by id), and `KEYS.md` is made from
them. Letters move or look; nothing that writes to a registry is on a bare letter.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.binding import Binding, BindingType
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key

if TYPE_CHECKING:
    from textual.dom import DOMNode


@dataclass(frozen=True, slots=True)
class Key:
    """One key or several for the same thing. `show` puts it into the footer."""

    id: str
    keys: str
    action: str
    description: str
    tooltip: str
    show: bool = False

    def binding(self) -> Binding:
        """Return the binding that Textual knows."""
        return Binding(
            self.keys,
            self.action,
            self.description,
            show=self.show,
            tooltip=self.tooltip,
            id=self.id,
        )


Contexts = dict[str, tuple[str, tuple[Key, ...]]]
"""Keys by where they can be pressed: a name, its title, and the keys there."""

GENERAL: Contexts = {
    "everywhere": (
        "Everywhere",
        (
            Key("registries", "1", "app.mode('registries')", "Registries", "Your registries"),
            Key("browse", "2", "app.mode('browse')", "Browse", "Repositories and tags"),
            Key("plan", "3", "app.mode('plan')", "Plan", "Plans: what should move where"),
            Key("jobs", "4", "app.mode('jobs')", "Jobs", "What is moving, and what has moved"),
            Key("cutover", "5", "app.mode('cutover')", "Cutover", "Move the domain"),
            Key(
                "guide", "f2", "app.guide", "Guide", "The steps of a migration, one after the other"
            ),
            Key("next", "n", "app.next_step", "Next step", "Go to the next step of the guide"),
            Key(
                "help",
                "question_mark,f1",
                "app.help",
                "Help",
                "What this is, and all keys",
                show=True,
            ),
            Key(
                "commands",
                "colon,ctrl+p",
                "app.command_palette",
                "Commands",
                "Find anything that can be done",
                show=True,
            ),
            Key("back", "escape,h", "back", "Back", "Close, clear the filter, or go back"),
            Key("copy-line", "y", "copy_line", "Copy line", "Copy the line that does the same"),
            Key("explain", "e", "explain", "Explain", "Explain the message"),
            Key("log", "L", "app.log", "Log", "What has happened"),
            Key("console", "X", "app.console", "API console", "What was asked of registries"),
            Key("leave", "q", "leave", "Quit", "Back; from the first screen: quit"),
            Key("quit", "ctrl+q", "app.quit", "Quit", "Quit; jobs can go on without the app"),
        ),
    ),
    "list": (
        "On lists",
        (
            Key("list.down", "down,j", "move(1)", "Down", "Next row"),
            Key("list.up", "up,k", "move(-1)", "Up", "Row before"),
            Key("list.half-down", "ctrl+d,pagedown", "page(1)", "Half down", "Half a window down"),
            Key("list.half-up", "ctrl+u,pageup", "page(-1)", "Half up", "Half a window up"),
            Key("list.first", "g,home", "first", "First", "First row"),
            Key("list.last", "G,end", "last", "Last", "Last row"),
            Key("list.open", "enter,l", "open", "Open", "Open the row", show=True),
            Key(
                "list.mark",
                "space",
                "mark",
                "Mark",
                "Mark the row, or take its mark away",
                show=True,
            ),
            Key(
                "list.mark-range",
                "v",
                "mark_range",
                "Mark to here",
                "Mark from the last marked row to this one",
            ),
            Key("list.unmark", "U", "unmark", "Unmark", "Take all marks away"),
        ),
    ),
}

LOGS: Contexts = {
    "log": (
        "Log and API console",
        (Key("log.filter", "slash", "filter", "Filter", "Show what matches", show=True),),
    ),
}

REGISTRIES: Contexts = {
    "registries": (
        "Registries",
        (
            Key("registries.add", "a", "add", "Add", "Add a registry", show=True),
            Key("registries.edit", "E", "edit", "Edit", "Change this account", show=True),
            Key("registries.test", "t", "test", "Test", "Knock at this registry", show=True),
            Key(
                "registries.remove",
                "D,delete",
                "remove",
                "Remove",
                "Remove this account and its secret",
                show=True,
            ),
            Key(
                "registries.keys",
                "K",
                "keys",
                "Keys",
                "Add or change the keys of its cloud's API",
            ),
            Key(
                "registries.card",
                "i",
                "card",
                "Card",
                "What can be done at this registry",
                show=True,
            ),
            Key("registries.network", "w", "network", "Network", "Who gets through to this TCR"),
            Key("registries.domains", "d", "domains", "Domains", "Custom domains of this TCR"),
            Key(
                "registries.replica",
                "R",
                "replica",
                "Replica",
                "Have all of this TCR replicated to another region",
            ),
        ),
    ),
    "registry-form": (
        "Adding or changing a registry",
        (
            Key("form.test", "ctrl+t", "test", "Test", "Try it as it is filled in", show=True),
            Key("form.save", "ctrl+s", "save", "Save", "Try it, then keep it", show=True),
            Key("form.card", "f3", "card", "Card", "What can be done at this registry", show=True),
            Key(
                "form.more",
                "ctrl+o",
                "more",
                "More",
                "Show or hide service and client certificate",
                show=True,
            ),
        ),
    ),
    "browse": (
        "Browse",
        (
            Key(
                "browse.filter",
                "slash",
                "filter",
                "Filter",
                "Show what matches; ! inverts, esc shows all",
                show=True,
            ),
            Key(
                "browse.mark-matching",
                "asterisk",
                "mark_matching",
                "Mark by pattern",
                "Mark every row that a pattern matches",
            ),
            Key("browse.copy", "c", "copy", "Copy", "Copy what is marked, or this row", show=True),
            Key("browse.plan", "p", "plan", "To a plan", "Write a plan that copies what is marked"),
            Key(
                "browse.details", "i", "details", "Details", "Everything about this tag", show=True
            ),
            Key("browse.account", "o", "account", "Registry", "Look at another registry"),
            Key("browse.refresh", "r", "refresh_list", "Refresh", "List anew"),
            Key("browse.order", "s", "order", "Order", "Order by name, or as the registry has it"),
            Key(
                "browse.copy-digest",
                "Y",
                "copy_digest",
                "Copy digest",
                "Copy what is under the cursor, by its digest",
            ),
            Key(
                "browse.name",
                "a",
                "name",
                "Name repositories",
                "Name repositories of a registry that doesn't list them",
            ),
        ),
    ),
}

PLANS: Contexts = {
    "plans": (
        "Plans",
        (
            Key("plans.add", "a", "add", "New", "Write a new plan", show=True),
            Key("plans.edit", "E", "edit", "Edit", "Change this plan"),
            Key("plans.preview", "p", "preview", "Preview", "See what it would do", show=True),
            Key("plans.run", "R", "run", "Run", "See what it would do, then ask", show=True),
            Key(
                "plans.who",
                "w",
                "who",
                "Who moves it",
                "Choose who moves it: Transship, or an engine elsewhere",
            ),
            Key("plans.duplicate", "c", "duplicate", "Duplicate", "A new plan like this one"),
            Key("plans.text", "t", "text", "Text", "The file's own words", show=True),
            Key("plans.remove", "D,delete", "remove", "Delete", "Delete this plan", show=True),
            Key("plans.refresh", "r", "refresh_list", "Refresh", "Read the plans anew"),
        ),
    ),
    "plan-editor": (
        "Changing a plan",
        (
            Key("editor.save", "ctrl+s", "save", "Save", "Write the plan's file", show=True),
            Key("editor.preview", "ctrl+o", "preview", "Preview", "What it would do", show=True),
            Key("editor.text", "ctrl+t", "text", "Text", "The file's own words", show=True),
            Key("editor.add-rule", "ctrl+n", "add_rule", "Add rule", "Another rule", show=True),
            Key("editor.advice", "f7", "advice", "Advice", "Which way is best for this plan"),
            Key("editor.remove-rule", "f8", "remove_rule", "Remove rule", "Take this rule out"),
            Key(
                "editor.next-tab",
                "f6,right_square_bracket",
                "tab(1)",
                "Next part",
                "Show the next rule, or the plan as a whole",
                show=True,
            ),
            Key(
                "editor.previous-tab",
                "f5,left_square_bracket",
                "tab(-1)",
                "Part before",
                "Show the rule before, or the plan as a whole",
            ),
            Key(
                "editor.look-up",
                "ctrl+l",
                "look_up",
                "Look up",
                "Learn when tags were created, where a rule asks for it",
            ),
            Key("editor.list", "ctrl+r,r", "list_anew", "List anew", "List the sources anew"),
        ),
    ),
    "matches": (
        "What a rule matches",
        (Key("matches.shown", "f", "shown", "Filter", "Matched, then what isn't", show=True),),
    ),
    "plan-preview": (
        "What a plan would do",
        (
            Key("foreseen.start", "S", "start", "Start…", "Ask whether to start it", show=True),
            Key(
                "foreseen.create",
                "C",
                "create",
                "Create…",
                "Let the run create what the target lacks, or don't",
                show=True,
            ),
            Key(
                "foreseen.who",
                "w",
                "who",
                "Who moves it",
                "Choose who moves it: Transship, or an engine elsewhere",
                show=True,
            ),
            Key("foreseen.verdict", "f", "verdict", "Filter", "One verdict, then all", show=True),
            Key(
                "foreseen.next-tab",
                "right_square_bracket,right",
                "tab(1)",
                "Next list",
                "Show the next list",
                show=True,
            ),
            Key(
                "foreseen.previous-tab",
                "left_square_bracket,left",
                "tab(-1)",
                "List before",
                "Show the list before",
            ),
            Key("foreseen.refresh", "r", "refresh_list", "Look anew", "Look at both sides anew"),
        ),
    ),
    "plan-views": (
        "Beside the plans",
        (
            Key("plans.drift", "d", "drift", "Drift", "How its targets have drifted", show=True),
            Key("plans.board", "b", "board", "Board", "Which image is in which stage", show=True),
            Key(
                "plans.quick",
                "Q",
                "quick",
                "Quick mode",
                "Move all of a personal account of TCR to an instance",
            ),
            Key("plans.advice", "A", "advice", "Advice", "Which way is best for this plan"),
        ),
    ),
    "drift": (
        "Drift of a plan",
        (
            Key("drift.state", "f", "state", "Filter", "One state, then all", show=True),
            Key("drift.filter", "slash", "filter", "Find", "Show what matches", show=True),
            Key(
                "drift.mark-matching",
                "asterisk",
                "mark_matching",
                "Mark by pattern",
                "Mark every row that a pattern matches",
            ),
            Key("drift.preview", "p", "preview", "Preview", "What the marked would do", show=True),
            Key("drift.save", "ctrl+s", "save", "Save", "Save the marked as a plan", show=True),
            Key("drift.refresh", "r", "refresh_list", "Look anew", "Look at both sides anew"),
        ),
    ),
    "board": (
        "Board of a flow",
        (
            Key("board.promote", "p", "promote", "Promote", "Ask to promote this", show=True),
            Key("board.open-steps", "f", "steps", "Filter", "What can be promoted", show=True),
            Key("board.filter", "slash", "filter", "Find", "Show what matches", show=True),
            Key("board.history", "H", "history", "History", "Who promoted what", show=True),
            Key("board.refresh", "r", "refresh_list", "Look anew", "Look at all stages anew"),
        ),
    ),
}

JOBS: Contexts = {
    "undo": (
        "Undoing a job",
        (
            Key("undo.start", "S", "start", "Undo…", "Ask whether to undo it", show=True),
            Key("undo.act", "f", "act", "Filter", "One sort of tags, then all", show=True),
            Key("undo.refresh", "r", "refresh_list", "Look anew", "Look at the tags anew"),
        ),
    ),
    "worklist": (
        "Before a copy",
        (
            Key("worklist.start", "enter", "start", "Start…", "Ask, then start", show=True),
            Key(
                "worklist.create",
                "C",
                "create",
                "Create…",
                "Let the run create what the target lacks, or don't",
                show=True,
            ),
            Key("worklist.details", "i", "details", "Details", "All of this copy", show=True),
            Key("worklist.verdict", "f", "verdict", "Filter", "One verdict, then all", show=True),
        ),
    ),
    "jobs": (
        "Jobs",
        (
            Key(
                "jobs.pause",
                "p",
                "pause",
                "Pause",
                "Pause this job; twice: give up what is under way",
                show=True,
            ),
            Key("jobs.resume", "p", "resume", "Resume", "Go on with this job", show=True),
            Key("jobs.retry", "R", "retry", "Retry", "Try again what failed", show=True),
            Key("jobs.cancel", "x", "cancel", "End", "End this job for good", show=True),
            Key("jobs.verify", "V", "verify", "Verify", "Prove that all is there", show=True),
            Key(
                "jobs.report",
                "w",
                "report",
                "Report",
                "Write what it did, with the proof",
                show=True,
            ),
            Key("jobs.undo", "u", "undo", "Undo", "See what undoing it would do", show=True),
            Key(
                "jobs.limits",
                "m",
                "limits",
                "Limits",
                "How hard it may ask each registry",
                show=True,
            ),
            Key("jobs.detach", "D", "app.quit", "Detach", "Leave the app; jobs go on"),
        ),
    ),
    "job": (
        "One job",
        (
            Key("job.failures", "f", "failures", "Failed", "Show only what failed", show=True),
            Key(
                "job.next-tab",
                "right_square_bracket,right",
                "tab(1)",
                "Next tab",
                "Show the next list",
            ),
            Key(
                "job.previous-tab",
                "left_square_bracket,left",
                "tab(-1)",
                "Tab before",
                "Show the list before",
            ),
            Key("job.filter", "slash", "filter", "Filter", "Show what matches", show=True),
            Key("job.freeze", "z", "freeze", "Freeze", "Hold the picture still"),
        ),
    ),
}

DELEGATES: Contexts = {
    "who": (
        "Who moves it",
        (
            Key(
                "who.answer",
                "a",
                "answer",
                "Answer",
                "Answer what isn't known of both sides",
                show=True,
            ),
            Key("who.refresh", "r", "refresh_list", "Look anew", "Look at both sides anew"),
        ),
    ),
    "delegate-form": (
        "How an engine is to move it",
        (
            Key(
                "delegate-form.show",
                "ctrl+s",
                "save",
                "Show changes",
                "See what would be changed",
                show=True,
            ),
        ),
    ),
    "changes": (
        "Changes at an engine",
        (
            Key("changes.make", "S", "make", "Make…", "Ask whether to make them", show=True),
            Key("changes.refresh", "r", "refresh_list", "Look anew", "Look at the engine anew"),
        ),
    ),
    "job-list": (
        "List of jobs",
        (
            Key(
                "jobs.delegations",
                "d",
                "delegations",
                "Delegations",
                "What engines elsewhere move, as they were asked to",
                show=True,
            ),
        ),
    ),
    "delegations": (
        "Delegations",
        (
            Key("delegations.undo", "u", "undo", "Undo", "See what undoing it changes", show=True),
            Key("delegations.refresh", "r", "refresh_list", "Refresh", "Read them anew"),
        ),
    ),
    "delegation": (
        "One delegation",
        (
            Key(
                "delegation.start",
                "S",
                "start",
                "Start…",
                "Ask whether the engine is to begin",
                show=True,
            ),
            Key("delegation.stop", "x", "stop", "Stop", "Ask whether to stop this", show=True),
            Key("delegation.undo", "u", "undo", "Undo", "See what undoing it changes", show=True),
            Key("delegation.go-on", "C", "go_on", "Go on…", "Make what wasn't made yet"),
            Key("delegation.refresh", "r", "refresh_list", "Look anew", "Ask the engine anew"),
        ),
    ),
    "execution": (
        "One execution",
        (
            Key("execution.stop", "x", "stop", "Stop", "Ask whether to stop it", show=True),
            Key(
                "execution.failures",
                "f",
                "failures",
                "Failed",
                "Only tasks that failed, then all",
                show=True,
            ),
            Key("execution.refresh", "r", "refresh_list", "Look anew", "Ask the engine anew"),
        ),
    ),
    "network": (
        "Network access of a TCR",
        (
            Key("network.endpoint", "o", "endpoint", "Endpoint", "Open or close it", show=True),
            Key("network.allow", "a", "allow", "Allow", "Allow an address", show=True),
            Key("network.link", "c", "link", "Link", "Link a VPC", show=True),
            Key("network.resolve", "p", "resolve", "DNS", "Lead its private DNS here", show=True),
            Key(
                "network.remove",
                "D,delete",
                "remove",
                "Remove",
                "See what taking this away changes",
                show=True,
            ),
            Key("network.here", "m", "here", "My address", "Say where this machine comes from"),
            Key("network.refresh", "r", "refresh_list", "Look anew", "Ask the cloud anew"),
        ),
    ),
    "domains": (
        "Custom domains of a TCR",
        (
            Key("domains.add", "a", "add", "Add", "Add a domain", show=True),
            Key(
                "domains.remove",
                "D,delete",
                "remove",
                "Remove",
                "See what removing this changes",
                show=True,
            ),
            Key("domains.refresh", "r", "refresh_list", "Look anew", "Ask the cloud anew"),
        ),
    ),
}

CUTOVER: Contexts = {
    "cutovers": (
        "Cutovers",
        (
            Key("cutovers.add", "a", "add", "Add", "Prepare to move a domain", show=True),
            Key("cutovers.report", "w", "report", "Report", "Write the report for a change ticket"),
            Key(
                "cutovers.forget",
                "D,delete",
                "forget",
                "Forget",
                "Put this cutover away; nothing in DNS is changed",
                show=True,
            ),
            Key("cutovers.refresh", "r", "refresh_list", "Refresh", "Read the cutovers anew"),
        ),
    ),
    "cutover-form": (
        "Preparing to move a domain",
        (Key("cutover-form.save", "ctrl+s", "save", "Save", "Keep it, and check", show=True),),
    ),
    "cutover": (
        "One cutover",
        (
            Key(
                "cutover.change",
                "C",
                "change",
                "Change",
                "Change the record, once the domain is typed; by hand: show the edit",
            ),
            Key(
                "cutover.back",
                "R",
                "roll_back",
                "Roll back",
                "Put the record back, once the domain is typed",
            ),
            Key("cutover.check", "t", "test", "Check all", "Make all checks anew", show=True),
            Key("cutover.answer", "a", "answer", "Answer", "Answer what is asked", show=True),
            Key(
                "cutover.accept",
                "A",
                "accept",
                "Acknowledge",
                "Acknowledge this warning, or go on without this check",
                show=True,
            ),
            Key("cutover.compare", "c", "compare", "Compare", "Compare both registries", show=True),
            Key(
                "cutover.rounds",
                "d",
                "rounds",
                "Keep in step",
                "Copy what only the old registry gets, after a question; or stop that",
                show=True,
            ),
            Key("cutover.open", "f", "shown", "Filter", "What isn't settled, then all", show=True),
            Key("cutover.watch", "z", "watch", "Watch", "Stop asking DNS, or go on", show=True),
            Key("cutover.way", "m", "way", "Changed by", "Say what changes the record"),
            Key("cutover.copy-record", "Y", "copy_record", "Copy record", "Copy the record"),
            Key("cutover.report", "w", "report", "Report", "Write the report for a change ticket"),
            Key(
                "cutover.next-tab",
                "right_square_bracket,right",
                "tab(1)",
                "Next tab",
                "Show the next part",
            ),
            Key(
                "cutover.previous-tab",
                "left_square_bracket,left",
                "tab(-1)",
                "Tab before",
                "Show the part before",
            ),
        ),
    ),
}

CONTEXTS: Contexts = {
    **GENERAL,
    **REGISTRIES,
    **PLANS,
    **JOBS,
    **DELEGATES,
    **CUTOVER,
    **LOGS,
}

_NAMES = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "asterisk": "*",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "pagedown": "page down",
    "pageup": "page up",
}


def bindings(*contexts: str) -> list[BindingType]:
    """Return the bindings of these contexts."""
    return [key.binding() for context in contexts for key in CONTEXTS[context][1]]


def chosen(*ids: str) -> list[BindingType]:
    """Return the bindings of single keys, where a whole context would be too much."""
    return [key.binding() for key in all_keys() if key.id in ids]


def all_keys() -> Iterable[Key]:
    """Give every key that there is."""
    for _, keys in CONTEXTS.values():
        yield from keys


def shown(key: str) -> str:
    """Return a key as it is written on a keyboard."""
    return _NAMES.get(key, key)


Chosen = Mapping[str, str]
"""The operator's own keys, by id; of the others ours hold."""


@runtime_checkable
class HasChosenKeys(Protocol):
    """An app whose operator may have chosen keys of their own."""

    chosen_keys: Chosen


_NAMED = re.compile(r"\{([a-z][a-z.-]*)\}")


@cache
def _ours() -> Mapping[str, str]:
    return {key.id: key.keys for key in all_keys()}


def chosen_keys(node: DOMNode) -> Chosen:
    """Return the keys that the operator of the app around a widget has chosen."""
    return node.app.chosen_keys if isinstance(node.app, HasChosenKeys) else {}


def key_of(name: str, chosen: Chosen) -> str:
    """Return the first key with this id as it is written, where `chosen` ones go before ours."""
    return shown((chosen.get(name) or _ours()[name]).split(",")[0].strip())


def with_keys(text: str, chosen: Chosen) -> str:
    """Return a text of ours with the key in the place of each `{id}`.

    What comes from elsewhere is put in only after that.
    """
    return _NAMED.sub(lambda match: key_of(match[1], chosen), text)


def key_for(node: DOMNode, name: str) -> str:
    """Return the key with this id, as the operator of the app around a widget has it."""
    return key_of(name, chosen_keys(node))


def words_for(node: DOMNode, text: str) -> str:
    """Return a text of ours with the keys that the operator of the app around a widget has."""
    return with_keys(text, chosen_keys(node))


def keys_document() -> str:
    """Return `KEYS.md`: every key with its id and what it does."""
    lines = [
        "# Keys",
        "",
        "Made from `tui/transship_tui/keys.py` by `make keys`. An id can be given other keys in",
        "`config.toml`, under `[keys]`.",
    ]
    for title, keys in CONTEXTS.values():
        lines += ["", f"## {title}", "", "| Key | What it does | Id |", "|---|---|---|"]
        lines += [f"| {_shown(key.keys)} | {key.tooltip} | `{key.id}` |" for key in keys]
    return "\n".join(lines) + "\n"


def _shown(keys: str) -> str:
    return ", ".join(f"`{shown(key)}`" for key in keys.split(","))


_WITH = frozenset(("ctrl", "shift", "alt", "super", "meta", "hyper"))
_CHARACTERS = frozenset(key.value for key in Keys) | frozenset(KEY_NAME_REPLACEMENTS.values())


def normal(keys: Mapping[str, str]) -> dict[str, str]:
    """Return chosen keys by id, each as Textual calls it: `question_mark` for `?`."""
    return {name: ",".join(_parts(chosen)) for name, chosen in keys.items()}


def faults_in(keys: Mapping[str, str]) -> Iterator[str]:
    """Give what is wrong with chosen keys by id, as `normal` returns them."""
    known = {key.id for key in all_keys()}
    for name, chosen in keys.items():
        if name not in known:
            yield f'"{name}" is the id of no key; KEYS.md has them'
        for key in _parts(chosen):
            if not _is_key(key):
                yield f'"{name}": {shown(key) or "nothing"} is no key'
    by_default = {pair for pair, _ in _clashes({})}
    said: set[frozenset[str]] = set()
    for pair, key in _clashes(keys):
        if pair not in by_default | said:
            said.add(pair)
            both = " and ".join(f'"{name}"' for name in sorted(pair))
            yield f"{both} are both {shown(key)}"


def _parts(chosen: str) -> Sequence[str]:
    parts = (part.strip() for part in chosen.split(","))
    return [_character_to_key(part) if len(part) == 1 else part for part in parts]


def _is_key(name: str) -> bool:
    *held, key = name.split("+")
    if not set(held) <= _WITH:
        return False
    return len(key) == 1 or key in _CHARACTERS or _is_character(key)


def _is_character(name: str) -> bool:
    try:
        unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return False
    return bool(name)


def _clashes(keys: Mapping[str, str]) -> Iterator[tuple[frozenset[str], str]]:
    """Give the ids that share a key where both may be pressed, and the key."""
    for context in CONTEXTS:
        taken: dict[str, Key] = {}
        for name in dict.fromkeys(("everywhere", "list", context)):
            for entry in CONTEXTS[name][1]:
                for key in _parts(keys.get(entry.id, entry.keys)):
                    other = taken.setdefault(key, entry)
                    if other is not entry:
                        yield frozenset((other.id, entry.id)), key


if __name__ == "__main__":
    sys.stdout.write(keys_document())
