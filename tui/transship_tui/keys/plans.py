"""The keys of Plan."""

from __future__ import annotations

from transship_tui.keys.key import Contexts, Key

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
