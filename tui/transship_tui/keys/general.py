"""The keys that are the same on every screen, and those of the two logs."""

from __future__ import annotations

from transship_tui.keys.key import Contexts, Key

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
