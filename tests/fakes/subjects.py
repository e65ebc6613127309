"""The subjects of an application, each answered by one stand-in that has all their methods."""

from __future__ import annotations

from typing import Any

SUBJECTS: dict[str, dict[str, str]] = {
    "registries": {"all": "accounts"},
    "plans": {
        "all": "all_plans",
        "load": "load_plan",
        "text": "plan_text",
        "free_name": "free_plan_name",
        "create": "create_plan",
        "save": "save_plan",
        "is_changed": "is_plan_changed",
        "delete": "delete_plan",
    },
    "jobs": {
        "all": "all_jobs",
        "find": "job",
        "preview_undo": "foresee_undo",
        "conflicting_watchers": "rivals",
    },
    "flows": {"all": "all_flows"},
    "cutovers": {
        "all": "all_cutovers",
        "find": "cutover",
        "add": "add_cutover",
        "forget": "forget_cutover",
        "answer": "answer_cutover",
        "write_report": "write_cutover_report",
    },
    "cutovers.checks": {"check": "check_cutover", "watch": "watch_cutover"},
    "cutovers.rounds": {
        "compare": "compare_cutover",
        "catch_up": "catch_up_cutover",
        "copy_back": "copy_back_cutover",
        "run": "delta_cutover",
    },
    "cutovers.changes": {
        "provider": "way_of_cutover",
        "set_provider": "change_way",
        "change": "change_record",
        "roll_back": "roll_back_record",
        "end": "end_change",
    },
    "engines": {
        "survey": "who_could",
        "plan": "draw_changes",
        "apply": "make_changes",
        "resume": "go_on_making",
        "all": "delegations",
        "find": "delegation",
        "status": "look_at",
        "tasks": "tasks_of",
        "log": "log_of",
        "network": "network_at",
        "access_notes": "who_gets_in",
        "domains": "domains_at",
    },
}
"""By subject: what its methods are called at the stand-in, where that is another name."""


class Subject:
    """One subject: gives the stand-in's methods by the names that they have in the application."""

    def __init__(self, stand_in: object, path: str) -> None:
        self._stand_in = stand_in
        self._path = path

    def __getattr__(self, name: str) -> Any:
        below = f"{self._path}.{name}"
        if below in SUBJECTS:
            return Subject(self._stand_in, below)
        return getattr(self._stand_in, SUBJECTS[self._path].get(name, name))


class Subjects:
    """A stand-in that is asked by subject."""

    registries = property(lambda self: Subject(self, "registries"))
    plans = property(lambda self: Subject(self, "plans"))
    jobs = property(lambda self: Subject(self, "jobs"))
    flows = property(lambda self: Subject(self, "flows"))
    cutovers = property(lambda self: Subject(self, "cutovers"))
    engines = property(lambda self: Subject(self, "engines"))
