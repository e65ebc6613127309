"""Odd cases that the tools' own documentation names: each is in the plan, or in a note."""

from __future__ import annotations

from typing import Any

import pytest

from samples.configs import DIGEST, copies, from_text, notes, rules
from transship.plans.importers.draft import NoteKind

OTHER_DIGEST = "sha256:" + "b" * 64
WAY = {"from": "old.example", "to": "new.example"}
A = WAY | {"repositories": ["t/a"]}


def syncer(line: str) -> str:
    """Return a file that can only be image-syncer's."""
    return f"{line}\nold.example/t/c:/^x$/: new.example/t/c\n"


@pytest.mark.parametrize(
    ("line", "made", "left_out"),
    [
        (
            f"old.example/t/a@{DIGEST}: [new.example/t/a, backup.example/b/a]",
            [
                A | {"tags": {"digests": [DIGEST]}},
                A | {"to": "backup.example", "tags": {"digests": [DIGEST]}, "map": "b/a"},
            ],
            "",
        ),
        (
            f"old.example/t/a@{DIGEST}: new.example/t/a@{OTHER_DIGEST}",
            [],
            "a digest goes to the same digest only",
        ),
        (
            '"old.example/t/a:v1,v2": ["new.example/t/a:r1,r2", backup.example/t/a]',
            [
                A | {"tags": {"exact": ["v1"]}, "map": "{repository}:r1"},
                A | {"tags": {"exact": ["v2"]}, "map": "{repository}:r2"},
                A | {"to": "backup.example", "tags": {"exact": ["v1", "v2"]}},
            ],
            "",
        ),
        (
            "old.example/t/a:/v1,v2/: new.example/t/a",
            [A | {"tags": {"include": ["regex:.*v1,v2.*"]}}],
            "",
        ),
    ],
)  # fmt: skip
def test_image_syncer(line: str, made: list[dict[str, Any]], left_out: str) -> None:
    found = from_text(syncer(line))
    assert sorted(map(str, rules(found)[:-1])) == sorted(map(str, made))
    assert left_out in notes(found, NoteKind.LEFT_OUT).get(1, "")


def test_a_target_that_a_comma_has_made_of_a_tag_is_asked_about() -> None:
    """In YAML a list without quotes ends an item at each comma; the tool would push there, too."""
    found = from_text(syncer("old.example/t/a:v1: [new.example/t/a:r1,r2]"))
    assert "'r2' names no host, which means Docker Hub" in notes(found, NoteKind.TO_DO)[1]


@pytest.mark.parametrize(
    ("line", "made", "noted"),
    [
        ("'old.example/t/a:1.0, 1.1': new.example/t/a", [A | {"tags": {"exact": ["1.0", "1.1"]}}],
         "tags with commas"),
        ("old.example/t/a:1.0,1.1: new.example/t/a:x", [], "several tags can't go to one"),
        ("old.example/t/a:1.0,: new.example/t/a", [], "something else than tags"),
    ],
)  # fmt: skip
def test_image_transfer(line: str, made: list[dict[str, Any]], noted: str) -> None:
    found = from_text(line, tool="image-transfer")
    assert (rules(found) if found.plan else []) == made
    assert any(noted in note.text for note in found.notes)


class TestRegsync:
    def test_several_ranges_and_sets_for_a_whole_registry(self) -> None:
        found = from_text(
            """
            sync:
              - source: old.example
                target: new.example
                type: registry
                repos: {allow: ["a.*"]}
                tags: {semverRange: [">=1 <2", "^3"]}
                tagSets: [{allow: [latest]}]
            """
        )
        some = WAY | {"repositories": ["regex:a.*"]}
        assert rules(found) == [
            some | {"tags": {"semver": ">=1 <2"}},
            some | {"tags": {"semver": "^3"}},
            some | {"tags": {"include": ["regex:latest"]}},
        ]

    def test_sets_without_tags_beside_them_select_no_more(self) -> None:
        found = from_text(
            """
            sync:
              - source: old.example/t/a
                target: new.example/t/a
                type: repository
                tagSets: [{semverRange: ["^1"]}, {allow: [x.*], deny: [xy]}]
            """
        )
        assert rules(found) == [
            A | {"tags": {"semver": "^1"}},
            A | {"tags": {"include": ["regex:x.*"], "exclude": ["regex:xy"]}},
        ]

    def test_two_entries_of_one_source_are_a_rule_with_two_targets(self) -> None:
        steps = "".join(
            f"  - {{source: old.example/t/a, target: {to}/t/a, type: repository}}\n"
            for to in ("new.example", "backup.example")
        )
        [rule] = rules(from_text(f"sync:\n{steps}"))
        assert rule == A | {"to": ["new.example", "backup.example"]}

    def test_an_image_with_a_tag_and_a_digest_is_that_digest(self) -> None:
        found = from_text(
            f"sync: [{{source: 'old.example/t/a:v1@{DIGEST}', target: 'new.example/t/a:v1', "
            "type: image}]"
        )
        assert copies(found) == [(f"old.example/t/a:v1@{DIGEST}", "new.example/t/a:v1")]

    @pytest.mark.parametrize(
        "key",
        ["hostname: h", "pathPrefix: p", "mirrors: [m]", "credHelper: x", "blobChunk: 1",
         "blobMax: 2", "apiOpts: {disableHead: 'true'}", "repoAuth: true", "credExpire: 1h"],
    )  # fmt: skip
    def test_every_key_of_a_registry_is_named(self, key: str) -> None:
        found = from_text(
            f"creds: [{{registry: old.example, {key}}}]\n"
            "sync: [{source: old.example/t/a, target: new.example/t/a, type: repository}]"
        )
        assert rules(found) == [A]
        assert key.partition(":")[0] in notes(found, NoteKind.LEFT_OUT)[1]

    @pytest.mark.parametrize(
        "key", ["forceRecursive: true", "fastCheck: true", "mediaTypes: [x]", "backup: b",
                "referrerSource: x.example/a", "referrerTarget: x.example/a", "referrerSlow: true"],
    )  # fmt: skip
    def test_every_key_of_a_step_is_named(self, key: str) -> None:
        found = from_text(
            f"sync: [{{source: old.example/t/a, target: new.example/t/a, type: repository, {key}}}]"
        )
        assert rules(found) == [A]
        assert key.partition(":")[0] in notes(found, NoteKind.LEFT_OUT)[1]


def test_skopeo_takes_ranges_with_or_and_digests_beside_tags() -> None:
    found = from_text(
        f"""
        old.example:
          images: {{t/a: ["1.0", "{DIGEST}"]}}
          images-by-semver: {{t/a: ">=1 <2 || ^3"}}
          images-by-tag-regex: {{t/a: "^v(1|2),x$"}}
        """,
        to="new.example/t",
    )
    one = WAY | {"to": "new.example/t", "repositories": ["t/a"]}
    tags = [{"exact": ["1.0"], "digests": [DIGEST]}, {"include": ["regex:v(1|2),x"]},
            {"semver": ">=1 <2 || ^3"}]  # fmt: skip
    assert rules(found) == [one | {"tags": each, "map": "{name}"} for each in tags]


def test_dregsy_names_what_it_prunes_and_pins_beside_patterns() -> None:
    found = from_text(
        f"""
        relay: skopeo
        tasks:
          - name: a
            source: {{registry: old.example}}
            target: {{registry: new.example}}
            mappings:
              - from: t/a
                platform: all
                tags: ["v1@{DIGEST}", "semver: >=1 <2", "regex: v.*", "keep: latest 3"]
        """
    )
    assert rules(found) == [
        A | {"tags": {"include": ["regex:v.*"]}},
        A | {"tags": {"semver": ">=1 <2", "prereleases": True}},
    ]
    left = [note.text for note in found.notes if note.kind is NoteKind.LEFT_OUT]
    assert any("keeps the newest in another way" in text for text in left)
    assert any(f"transship copy old.example/t/a:v1@{DIGEST}" in text for text in left)
