"""The keys of Jobs, and of what comes before and after one."""

from __future__ import annotations

from transship_tui.keys.key import Contexts, Key

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
