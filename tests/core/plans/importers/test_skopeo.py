"""skopeo sync: sources in a file, the target on its command line."""

from __future__ import annotations

from typing import Any

import pytest

from samples.configs import DIGEST, from_text, imported, notes, rules
from transship.errors import BadRequest
from transship.plans.importers.draft import NoteKind
from transship.registry.credential import Tls


def rule(repository: str, **tags: Any) -> dict[str, Any]:
    found = {"from": "old.example:5000", "to": "new.example/mirror", "repositories": [repository]}
    return found | ({"tags": tags} if tags else {}) | {"map": "{name}"}


def test_every_image_is_in_the_plan_or_in_a_note() -> None:
    found = imported("skopeo-sync.yaml", to="new.example/mirror")

    assert found.tool == "skopeo"
    assert rules(found) == [
        rule("team/web"),
        rule("team/db", exact=["1.0"], digests=[DIGEST]),
        rule("team/tools", exact=["1.10", "latest"]),
        rule("team/api", include=[r"regex:v1\..*"]),
        rule("team/job", include=["regex:.*(?:rc|beta).*"]),
        rule("team/base", semver=">= 3.12.0"),
        rule("team/next", semver=">=4.0.0-0", prereleases=True),
        rule("library/nginx", exact=["1.27"]) | {"from": "docker.io"},
    ]
    left = notes(found, NoteKind.LEFT_OUT)
    assert left.keys() == {6, 10, 14, 23}
    assert "neither a tag nor a digest" in left[6]
    assert "means something else" in left[10]
    assert "can't be said" in left[14]
    assert "it names no images" in left[23]
    platforms, scoped = (note.text for note in found.notes if note.kind is NoteKind.CHANGED)
    assert "--all" in platforms
    assert "--scoped" in scoped


def test_certificates_and_the_sign_in_are_for_an_account() -> None:
    found = imported("skopeo-sync.yaml", to="new.example")
    [login] = found.secrets
    todo = notes(found, NoteKind.TO_DO)

    assert (login.host, login.username) == ("old.example:5000", "alice")
    assert login.tls == Tls(insecure=True)
    assert "--insecure" in todo[18]
    assert "--client-cert" in todo[19]


def test_without_a_target_it_is_asked_for() -> None:
    with pytest.raises(BadRequest, match="doesn't say where its images go") as error:
        imported("skopeo-sync.yaml")
    assert "--to HOST" in error.value.remedy


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("old.example: {images: {'web:1': []}}", "a tag in it"),
        ("old.example: {images: {Web: []}}", "lower case"),
        ("'not a host': {images: {web: []}}", "not a host name"),
        ("old.example: {images: {web: []}, credentials: {identitytoken: x}}", "doesn't know"),
        ("old.example: {images: {web: []}, speed: high}", "doesn't know"),
    ],
)
def test_what_has_no_place_in_a_plan_is_named(text: str, why: str) -> None:
    found = from_text(text, to="new.example")
    assert why in notes(found, NoteKind.LEFT_OUT)[1]
