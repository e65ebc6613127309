"""image-transfer: rules of one target each, and what the tool itself gets wrong."""

from __future__ import annotations

import pytest

from samples.configs import DIGEST, copies, from_text, imported, notes, rules
from transship.errors import BadFile
from transship.plans.importers.draft import NoteKind
from transship.plans.importers.importer import import_files
from transship.registry.credential import Tls


def test_every_rule_is_in_the_plan_or_in_a_note() -> None:
    found = imported("transfer-rule.yaml", "registry-secret.yaml")
    old = {"from": "old.example", "to": "new.example"}
    hub = {"from": "docker.io", "to": "new.example"}

    assert found.tool == "image-transfer"
    assert rules(found) == [
        old | {"repositories": ["team1/web"], "tags": {"exact": ["v1"]}, "map": "t1/web"},
        old | {"repositories": ["team1/api"], "map": "t1/api"},
        old | {"to": "new.example/mirror", "repositories": ["team1/jobs"]},
        old | {"repositories": ["team1/db"], "tags": {"exact": ["1.0", "1.10"]}, "map": "t1/db"},
        old | {"repositories": ["team1/cache"], "tags": {"exact": ["7"]}, "map": "t1/cache"},
        old | {"repositories": ["team1/web"], "tags": {"exact": ["v2"]}, "map": "t1/web:release"},
        hub | {"repositories": ["library/nginx"], "tags": {"exact": ["1.27"]}, "map": "hub/nginx"},
        hub | {"repositories": ["bitnami/redis"], "tags": {"exact": ["7.2"]}, "map": "hub/redis"},
        hub | {"repositories": ["grafana/loki"], "map": "hub/loki"},
        {"from": "localhost:5000", "to": "new.example/t1", "repositories": ["app"]},
        old | {"repositories": ["team1/base"], "tags": {"digests": [DIGEST]}, "map": "t1/base"},
    ]
    assert notes(found, NoteKind.CHANGED) == {
        7: "old.example/team1/db:1.0,1.10: the tool fails on tags with commas; "
        "the plan copies each",
        9: "old.example/team1/cache:7: the tool fails on a target without a tag; "
        "the plan keeps the source's",
        19: "localhost:5000/app: the tool looks for it on Docker Hub; the plan asks localhost:5000",
        21: f"old.example/team1/base@{DIGEST}: the tool can't read digests; the plan copies it",
    }
    left = notes(found, NoteKind.LEFT_OUT)
    assert left.keys() == {13, 23, 24}
    assert "--registry" in left[13]
    assert "lower case" in left[23]
    assert "the same repository" in left[24]


def test_an_empty_target_goes_where_it_is_said_to_go() -> None:
    found = from_text('old.example/team1/job: ""\nold.example/x/y:1:\n', to="new.example/m")
    assert rules(found) == [
        {"from": "old.example", "to": "new.example/m", "repositories": ["team1/job"]},
        {
            "from": "old.example",
            "to": "new.example/m",
            "repositories": ["x/y"],
            "tags": {"exact": ["1"]},
        },
    ]
    assert not found.notes


def test_a_digest_that_gets_a_tag_makes_a_plan_of_copies() -> None:
    found = from_text(
        f"""
        old.example/t/web@{DIGEST}: new.example/t/web:1.0
        old.example/t/api:v1: new.example/t/api:v2
        old.example/t/all: new.example/mirror/t/all
        """,
        tool="image-transfer",
    )
    assert copies(found) == [
        ("old.example/t/api:v1", "new.example/t/api:v2"),
        ("old.example/t/all", "new.example/mirror/t/all"),
        (f"old.example/t/web@{DIGEST}", "new.example/t/web:1.0"),
    ]


def test_several_tags_have_no_room_in_one() -> None:
    found = from_text("old.example/t/a:1,2: new.example/t/a:3\nold.example/t/b: new.example/b:1\n")
    assert found.plan is None
    assert notes(found, NoteKind.LEFT_OUT).keys() == {1, 2}


def test_sign_ins_for_a_registry_and_for_a_part_of_one() -> None:
    found = imported("registry-secret.yaml")
    whole, part = found.secrets

    assert found.plan is None
    assert (whole.host, whole.namespace, whole.username) == ("old.example", "", "alice")
    assert whole.tls == Tls(insecure=True)
    assert (part.host, part.namespace, part.username) == ("new.example", "t1", "robot$t1+push")
    assert part.secret == "correct-horse-2"
    assert "login old.example --insecure" in notes(found, NoteKind.TO_DO)[1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("old.example: {username: a}", "half of a sign-in"),
        ("old.example: {password: a}", "half of a sign-in"),
        ("'not a host': {username: a, password: b}", "not a registry"),
    ],
)
def test_a_sign_in_that_nobody_can_use_is_named(text: str, why: str) -> None:
    found = from_text(text)
    assert not found.secrets
    assert why in notes(found, NoteKind.LEFT_OUT)[1]


def test_keys_of_the_cloud_are_no_sign_ins() -> None:
    found = imported("tencentcloud-secret.yaml")
    assert (found.tool, found.plan, found.secrets) == ("image-transfer", None, ())
    assert "they sign in to no registry" in notes(found, NoteKind.LEFT_OUT)[1]


def test_names_that_are_words_of_a_map_stay_names() -> None:
    found = from_text("old.example/t/a: new.example/flatten\nold.example/t/b:1: new.example/keep:2")
    assert [rule["map"] for rule in rules(found)] == ["/flatten", "/keep:2"]


def test_a_user_in_an_address_is_not_repeated() -> None:
    found = from_text("alice:hunter2@old.example/t/web: new.example/t/web", tool="image-transfer")
    assert "hunter2" not in str(found.notes)


def test_a_file_of_something_else_is_refused() -> None:
    with pytest.raises(BadFile, match="is no file of image-transfer"):
        from_text("tasks: [{name: x}]", tool="image-transfer")


def test_a_slip_among_sign_ins_is_named_and_the_rest_is_read() -> None:
    found = from_text(
        """
        old.example:
          username: a
          password: b
          secure: false
        """
    )
    assert (found.tool, len(found.secrets)) == ("image-transfer", 1)
    assert notes(found, NoteKind.LEFT_OUT) == {
        5: "old.example.secure: this importer doesn't know the key"
    }


def test_files_are_known_by_the_names_that_the_tool_gives_them() -> None:
    rule = b"old.example/t/web:1:\n  - new.example/t/web\n  - new.example/u/web:2\n"
    found = import_files([("conf/transfer-rule.yaml", rule)])

    assert found.tool == "image-transfer"
    assert [str(note.kind) for note in found.notes] == ["changed", "changed"]
    assert "one target for each source" in found.notes[0].text
    assert {rule.targets[0].registry for rule in found.plan.rules} == {"new.example"}
    assert len(found.plan.rules) == 2
