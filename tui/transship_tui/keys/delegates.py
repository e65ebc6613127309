"""The keys of what lets an engine elsewhere do the moving."""

from __future__ import annotations

from transship_tui.keys.key import Contexts, Key

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
