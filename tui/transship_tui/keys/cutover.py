"""The keys of the cutover."""

from __future__ import annotations

from transship_tui.keys.key import Contexts, Key

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
