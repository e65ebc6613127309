"""dregsy: tasks with mappings, whose tags and names may be expressions."""

from __future__ import annotations

import base64
import json

import pytest

from samples.configs import DIGEST, copies, from_text, imported, notes, rules
from transship.plans.importers.draft import NoteKind
from transship.plans.plan import Schedule

OLD = {"from": "old.example", "to": "127.0.0.1:5000"}
TAGGED = OLD | {"repositories": ["test/tagged"], "platforms": ["linux/arm/v7"]}


def task(mapping: str, source: str = "") -> str:
    return (
        f"tasks: [{{name: x, source: {{registry: old.example{source}}}, "
        f"target: {{registry: new.example}}, mappings: [{{{mapping}}}]}}]"
    )


def test_every_mapping_is_in_the_plan_or_in_a_note() -> None:
    found = imported("dregsy.yaml")

    assert found.tool == "dregsy"
    assert rules(found) == [
        OLD
        | {
            "to": "127.0.0.1:5000/archive",
            "repositories": ["test/image"],
            "tags": {"exact": ["0.1.0", "0.10"]},
        },
        TAGGED
        | {
            "tags": {
                "include": [r"regex:1\.26\.[0-9]-(glibc|uclibc|musl)"],
                "exact": ["1.29.4", "latest"],
            }
        },
        TAGGED | {"tags": {"semver": ">=1.31.0 <1.31.9", "prereleases": True}},
        TAGGED | {"tags": {"exclude": ["regex:.*-dev"]}},
        OLD | {"repositories": ["test/kept"], "tags": {"include": ["regex:v.*"]}},
        OLD | {"repositories": ["myproject/webui"], "map": "from-dh/yourproject/webui"},
        OLD | {"repositories": ["test/everything"]},
        OLD | {"repositories": ["test/digests"], "tags": {"digests": [DIGEST]}},
        {
            "from": "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
            "to": "127.0.0.1:5000/ecr",
            "repositories": ["regex:myproject/.*"],
        },
        {
            "from": "docker.io",
            "to": "127.0.0.1:5000",
            "repositories": ["library/alpine"],
            "tags": {"exact": ["3.20"]},
            "map": "base/alpine",
        },
    ]
    left = notes(found, NoteKind.LEFT_OUT)
    assert {line: why.partition(":")[0] for line, why in left.items()} == {
        1: "relay",
        2: "skopeo",
        5: "lister",
        8: "watch",
        34: "tasks[0].mappings[2].tags[1]",
        40: "tasks[0].mappings[5]",
        51: "tasks[1].source.lister",
        59: "tasks[1].mappings[1]",
        62: "tasks[1].mappings[2]",
    }
    assert f"transship copy old.example/test/pinned:1.0@{DIGEST}" in left[40]
    assert "write `newest`" in left[34]


def test_what_it_does_otherwise_is_said() -> None:
    found = imported("dregsy.yaml")
    changed, todo = notes(found, NoteKind.CHANGED), notes(found, NoteKind.TO_DO)

    assert found.plan
    assert found.plan.schedule == Schedule(every=60)
    assert "platform of its own machine" in changed[39]
    assert changed[46] == (
        "tasks[1] (ecr): a plan has one schedule, every 60 s; this entry ran every 3600 s"
    )
    assert "ran once" in changed[64]
    assert "--insecure" in todo[19]
    assert "fetched again" in todo[50]


def test_the_sign_in_is_in_base64() -> None:
    [login] = imported("dregsy.yaml").secrets
    assert (login.host, login.username, login.secret) == ("old.example", "alice", "correct-horse-1")


@pytest.mark.parametrize(
    "written",
    [
        "not-base64!",
        base64.b64encode(b"alice:password").decode(),
        base64.b64encode(b"[1]").decode(),
        base64.b64encode(json.dumps({"username": "alice"}).encode()).decode(),
        base64.b64encode(json.dumps({"username": "alice", "password": 1}).encode()).decode(),
    ],
)
def test_a_sign_in_that_can_t_be_read_is_named_and_not_quoted(written: str) -> None:
    found = from_text(task("from: a/b, platform: all", source=f", auth: {written}"))
    assert not found.secrets
    assert "transship login old.example" in notes(found, NoteKind.LEFT_OUT)[1]
    assert written not in str(found.notes)


def test_pinned_tags_alone_make_a_plan_of_copies() -> None:
    found = from_text(task(f"from: a/b, to: c/d, tags: ['1.0@{DIGEST}', '2.0'], platform: all"))
    assert copies(found) == [
        ("old.example/a/b:2.0", "new.example/c/d:2.0"),
        (f"old.example/a/b:1.0@{DIGEST}", "new.example/c/d:1.0"),
    ]


def test_digests_stand_beside_tags_that_are_chosen() -> None:
    found = from_text(
        task(f"from: a/b, tags: ['regex: v.*'], digests: ['{DIGEST}'], platform: all")
    )
    assert [rule["tags"] for rule in rules(found)] == [
        {"include": ["regex:v.*"]},
        {"digests": [DIGEST]},
    ]


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ("from: a/b, platform: linux", "not a platform"),
        ("from: a/b, digests: [x]", "not a digest"),
        ("from: a/b, tags: ['semver: nonsense']", "after semver: can't be said"),
        ("from: a/b, tags: ['regex: (']", "after regex: can't be said"),
        ("from: a/b, tags: ['a b']", "not a tag"),
        ("from: a/b, to: 'regex:a'", "nothing to put in"),
        ("from: a/b, to: 'regex:(,x'", "means something else"),
        ("from: a/b, to: 'regex:a,$7'", "means something else"),
        ("from: a/b, to: 'regex:.*,'", "no name"),
        ("from: A/b", "lower case"),
        ("from: 'regex:a/.*', to: 'A/b'", "no name"),
        (f"from: 'regex:a/.*', tags: ['1@{DIGEST}']", "in many repositories"),
        ("from: a/b, preserve-digests: true, speed: high", "doesn't know the key"),
    ],
)
def test_what_a_mapping_can_t_keep_is_named(mapping: str, why: str) -> None:
    assert why in notes(from_text(task(mapping)), NoteKind.LEFT_OUT)[1]


def test_tags_of_which_none_can_be_read_select_nothing_rather_than_all() -> None:
    assert from_text(task("from: a/b, tags: ['v.*'], platform: all")).plan is None
    [rule] = rules(from_text(task("from: a/b, tags: ['keep: v.*'], platform: all")))
    assert "tags" not in rule


def test_a_task_without_a_registry_is_named() -> None:
    found = from_text(
        "tasks: [{name: x, source: {registry: a b}, target: {registry: new.example}}]"
    )
    assert "is no registry" in notes(found, NoteKind.LEFT_OUT)[1]


def test_a_public_registry_with_an_account_in_front() -> None:
    text = task("from: a/b, platform: all").replace("old.example", "12345@public.ecr.aws")
    [rule] = rules(from_text(text))
    assert rule["from"] == "public.ecr.aws"
