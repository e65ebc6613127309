"""Every key, as data: an id to remap it by, what it does, and what to say of it.

`config.toml` can put other keys in the place of these (`[keys]`, by id), and `KEYS.md` is made
from them. Letters move or look; nothing that writes to a registry is on a bare letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.binding import BindingType

from transship_tui.key import Key
from transship_tui.keys_cutover import CUTOVER

CONTEXTS: dict[str, tuple[str, tuple[Key, ...]]] = {
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
        ),
    ),
    "registry-form": (
        "Adding or changing a registry",
        (
            Key("form.test", "ctrl+t", "test", "Test", "Try it as it is filled in", show=True),
            Key("form.save", "ctrl+s", "save", "Save", "Try it, then keep it", show=True),
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
    "plans": (
        "Plans",
        (
            Key("plans.add", "a", "add", "New", "Write a new plan", show=True),
            Key("plans.edit", "E", "edit", "Edit", "Change this plan"),
            Key("plans.preview", "p", "preview", "Preview", "See what it would do", show=True),
            Key("plans.run", "R", "run", "Run", "See what it would do, then ask", show=True),
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
    "undo": (
        "Undoing a job",
        (
            Key("undo.act", "f", "act", "Filter", "One sort of tags, then all", show=True),
            Key("undo.refresh", "r", "refresh_list", "Look anew", "Look at the tags anew"),
        ),
    ),
    "worklist": (
        "Before a copy",
        (
            Key("worklist.start", "enter", "start", "Start…", "Ask, then start", show=True),
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
    **CUTOVER,
    "log": (
        "Log and API console",
        (Key("log.filter", "slash", "filter", "Filter", "Show what matches", show=True),),
    ),
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


def shown(key: str) -> str:
    """Return a key as it is written on a keyboard."""
    return _NAMES.get(key, key)


def key_of(name: str, chosen: Mapping[str, str]) -> str:
    """Return the first key with this id as it is written, where `chosen` ones go before ours."""
    keys = chosen.get(name) or next(key.keys for key in all_keys() if key.id == name)
    return shown(keys.split(",")[0].strip())


def _shown(keys: str) -> str:
    return ", ".join(f"`{shown(key)}`" for key in keys.split(","))


if __name__ == "__main__":
    import sys

    sys.stdout.write(keys_document())
