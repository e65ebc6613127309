"""image-syncer: several targets, tags in order, digests, expressions and variables."""

from __future__ import annotations

import pytest

from samples.configs import DIGEST, from_text, imported, notes, rules
from transship.plans.importers.draft import NoteKind

OLD = {"from": "old.example", "to": "new.example"}


def test_every_image_is_in_the_plan_or_in_a_note() -> None:
    found = imported("image-syncer-images.yaml")

    assert found.tool == "image-syncer"
    assert rules(found) == [
        OLD | {"repositories": ["t/web"]},
        OLD | {"repositories": ["t/api"], "tags": {"exact": ["v1"]}, "map": "{repository}:rel1"},
        OLD | {"repositories": ["t/api"], "tags": {"exact": ["v2"]}, "map": "{repository}:rel2"},
        OLD | {"repositories": ["t/db"], "tags": {"exact": ["1.0", "1.1"]}},
        OLD | {"repositories": ["t/job"], "tags": {"include": ["regex:v[0-9]+"]}},
        {
            "from": "old.example",
            "to": "backup.example",
            "repositories": ["t/job"],
            "tags": {"include": ["regex:v[0-9]+"]},
            "map": "jobs/job",
        },
        OLD | {"repositories": ["t/base", "t/cli"], "tags": {"digests": [DIGEST]}},
        {"from": "old.example", "to": "backup.example", "repositories": ["t/env"]},
        {
            "from": "docker.io",
            "to": "new.example",
            "repositories": ["library/busybox"],
            "map": "hub/busybox",
        },
    ]
    left = notes(found, NoteKind.LEFT_OUT)
    assert {line: why.rpartition(": ")[2] for line, why in left.items()} == {
        7: "a digest goes to the same digest only",
        8: "the target '${MIRROR}/t/env' names a variable of the environment; write it out",
        9: "it has no target",
        10: "source and target don't name the same number of tags",
        11: "its regular expression means something else here, or nothing",
        12: "tags that an expression finds can't be given new names",
    }
    assert "stands there twice" in notes(found, NoteKind.CHANGED)[4]


def test_json_with_several_targets() -> None:
    found = imported("image-syncer-images.json")
    assert rules(found) == [
        {
            "from": "old.example",
            "to": ["new.example", "backup.example"],
            "repositories": ["t/web"],
        },
        OLD | {"repositories": ["t/api"], "tags": {"exact": ["v1", "v2"]}},
    ]
    assert not found.notes


def test_the_old_file_has_both_and_no_variables() -> None:
    found = imported("image-syncer-config.json")
    [login] = found.secrets

    assert found.tool == "image-syncer"
    assert login.secret == "pa$$word"
    assert len(rules(found)) == 2
    assert notes(found, NoteKind.LEFT_OUT) == {9: "proc: this importer doesn't know the key"}


def test_sign_ins_beside_the_images() -> None:
    found = imported("image-syncer-images.json", "image-syncer-auth.json")
    [login] = found.secrets
    left = notes(found, NoteKind.LEFT_OUT)

    assert (login.host, login.username) == ("old.example", "alice")
    assert "variable of the environment" in left[3]
    assert "transship login new.example" in left[3]
    assert "_json_key" in left[4]


@pytest.mark.parametrize("user", ["$USER", "${USER}", "a${B}c"])
def test_a_variable_is_never_taken_for_a_password(user: str) -> None:
    text = f"old.example/a: {{username: alice, password: '{user}'}}"
    assert not from_text(text, tool="image-syncer").secrets
    assert from_text(text, tool="image-transfer").secrets[0].secret == user


def test_two_sign_ins_for_one_place_are_named() -> None:
    found = from_text(
        """
        auth:
          old.example: {username: alice, password: one}
          https://old.example/: {username: bob, password: two}
        images: {old.example/t/web: new.example/t/web}
        """
    )
    [login] = found.secrets
    assert login.username == "alice"
    assert "another sign-in for old.example" in notes(found, NoteKind.LEFT_OUT)[4]


def test_many_images_alike_make_few_rules() -> None:
    lines = [f"old.example/t/app{n}: new.example/m/t/app{n}" for n in range(300)]
    [rule] = rules(from_text("\n".join(lines)))
    assert rule["to"] == "new.example/m"
    assert len(rule["repositories"]) == 300
