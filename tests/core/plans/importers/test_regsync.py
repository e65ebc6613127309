"""regsync: registries, repositories and images, chosen by sets of tags."""

from __future__ import annotations

import pytest

from samples.configs import DIGEST, copies, from_text, imported, notes, rules
from transship.plans.importers.draft import NoteKind
from transship.plans.plan import Limits, Schedule
from transship.registry.credential import Tls

OLD = {"from": "old.example", "to": "new.example:5000"}
WEB = OLD | {"repositories": ["t/web"], "platforms": ["linux/amd64", "linux/arm64"]}
STEP = "sync: [{{source: old.example/t/web, target: new.example/t/web, type: repository{}}}]"


def step(more: str = "") -> str:
    return STEP.format(f", {more}" if more else "")


def test_every_step_is_in_the_plan_or_in_a_note() -> None:
    found = imported("regsync.yaml")

    assert found.tool == "regsync"
    assert rules(found) == [
        OLD | {"repositories": ["regex:team1/.*", "regex:base", "!regex:.*-tmp"]},
        WEB
        | {
            "tags": {
                "include": [r"regex:v?\d+.*"],
                "exclude": ["regex:.*-rc.*"],
                "semver": ">=1.2.0 <2.0.0",
            }
        },
        WEB | {"tags": {"include": ["regex:latest", "regex:edge|nightly"]}},
        WEB | {"tags": {"semver": "^3.0"}},
        WEB | {"tags": {"semver": ">=4.0.0-0", "prereleases": True}},
        {
            "from": "docker.io",
            "to": "new.example:5000",
            "repositories": ["library/busybox"],
            "tags": {"exact": ["1.36"]},
            "platforms": ["linux/amd64"],
            "map": "lib/busybox",
        },
        OLD | {"repositories": ["t/tool"], "tags": {"exact": ["v1"]}, "map": "{repository}:stable"},
        {
            "from": "docker.io",
            "to": "new.example:5000",
            "repositories": ["library/busybox"],
            "tags": {"exact": ["latest"]},
            "map": "lib/busybox",
        },
    ]
    left = notes(found, NoteKind.LEFT_OUT)
    assert {line: why.partition(":")[0] for line, why in left.items()} == {
        10: "creds[0].reqPerSec",
        16: "creds[1]",
        21: "creds[2].reqConcurrent",
        23: "defaults.parallel",
        25: "defaults.ratelimit",
        26: "defaults.backup",
        27: "defaults.mediaTypes",
        28: "defaults.hooks",
        48: "sync[1].referrerFilters",
        62: "sync[4].fastCheck",
        63: "sync[5]",
        66: "sync[6]",
        69: "sync[7]",
        73: "sync[8]",
        76: "sync[9]",
    }
    assert f"transship copy old.example/t/pinned@{DIGEST}" in left[73]
    assert "anchors only the first and the last" in notes(found, NoteKind.CHANGED)[44]


def test_the_plan_keeps_referrers_limits_and_the_shortest_interval() -> None:
    found = imported("regsync.yaml")
    changed = notes(found, NoteKind.CHANGED)

    assert found.plan
    assert found.plan.referrers
    assert found.plan.limits == {"old.example": Limits(concurrency=6)}
    assert found.plan.schedule == Schedule(every=1800)
    assert "this entry ran every 3600 s" in changed[31]
    assert "by cron '15 1 * * *'" in changed[37]


def test_how_a_registry_is_reached_is_for_an_account() -> None:
    found = imported("regsync.yaml")
    [login] = found.secrets
    todo = notes(found, NoteKind.TO_DO)

    assert (login.host, login.username, login.tls) == ("old.example", "alice", Tls(insecure=True))
    assert "login old.example --insecure" in todo[9]
    assert "--ca FILE" in todo[12]
    assert "login new.example:5000 --plain-http" in todo[19]


@pytest.mark.parametrize(
    ("more", "referrers", "noted"),
    [("", True, True), ("referrers: true", True, False), ("referrers: false", False, False)],
)
def test_referrers_come_along_unless_the_file_says_no(
    more: str, referrers: bool, noted: bool
) -> None:
    found = from_text(step(more))
    assert found.plan
    assert found.plan.referrers is referrers
    assert any("signatures" in note.text for note in found.notes) is noted


def test_a_step_takes_its_schedule_from_the_defaults() -> None:
    found = from_text(f"defaults: {{schedule: '@daily', interval: 1h}}\n{step()}")
    assert found.plan
    assert found.plan.schedule == Schedule(cron="0 0 * * *")

    found = from_text(f"defaults: {{schedule: '@daily'}}\n{step('interval: 10m')}")
    assert found.plan
    assert found.plan.schedule == Schedule(every=600)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("schedule: sometimes", "not a cron line"),
        ("interval: 1d", "not an interval"),
        ("platform: linux", "not a platform"),
        ("tags: {allow: ['(']}", "the set is out"),
        ("tags: {deny: ['(']}", "the set is out"),
        ("tags: {semverRange: ['!=1']}", "range of versions"),
        ("tags: {only: [x]}", "doesn't know the key"),
        ("speed: high", "doesn't know the key"),
        ("includeExternal: true", "kept elsewhere"),
    ],
)
def test_what_a_step_can_t_keep_is_named(more: str, why: str) -> None:
    assert why in notes(from_text(step(more)), NoteKind.LEFT_OUT)[1]


def test_a_broken_expression_selects_nothing_rather_than_too_much() -> None:
    found = from_text(step("tags: {allow: [v.*], deny: ['[[:alpha:]]+']}, tagSets: [{allow: [x]}]"))
    assert [rule["tags"] for rule in rules(found)] == [{"include": ["regex:x"]}]


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ("{deny: ['.*']}", "leaves everything out"),
        ("{allow: ['v.*'], deny: ['v.*']}", "is left out again"),
        ("{semverRange: ['>2 <1']}", "no version is in '>2 <1'"),
    ],
)
def test_a_step_that_selects_nothing_is_named(tags: str, why: str) -> None:
    found = from_text(step(f"tags: {tags}"))
    assert found.plan is None
    [note] = notes(found, NoteKind.LEFT_OUT).values()
    assert "it selects nothing: " in note
    assert why in note


def test_fast_copy_is_known() -> None:
    found = from_text(step("fastCopy: true"))
    [note] = notes(found, NoteKind.LEFT_OUT).values()
    assert note.startswith("sync[0].fastCopy: Transship always compares by digest first")


def test_settings_that_say_nothing_need_no_note() -> None:
    found = from_text(
        step("fastCheck: false, forceRecursive: false, digestTags: true, referrers: true")
    )
    assert not found.notes


def test_images_by_digest_alone_make_a_plan_of_copies() -> None:
    found = from_text(
        f"""
        x-anything: {{ignored: yes}}
        sync:
          - {{source: 'old.example/t/a@{DIGEST}', target: 'new.example/t/a:1', type: image}}
          - {{source: 'old.example/t/b:1', target: 'new.example/t/b:1', type: image}}
        """
    )
    assert copies(found) == [
        ("old.example/t/b:1", "new.example/t/b:1"),
        (f"old.example/t/a@{DIGEST}", "new.example/t/a:1"),
    ]


def test_a_registry_onto_itself_is_no_rule() -> None:
    found = from_text("sync: [{source: old.example, target: old.example, type: registry}]")
    assert found.plan is None
    assert "the same" in notes(found, NoteKind.LEFT_OUT)[1]
