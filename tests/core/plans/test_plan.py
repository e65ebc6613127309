"""Plans: what can be asked for."""

from __future__ import annotations

import pytest

from transship.errors import BadRequest
from transship.oci.reference import parse_reference
from transship.plans.plan import wanted

DIGEST = f"sha256:{'a' * 64}"


def asked(source: str, target: str) -> tuple[str, str]:
    """Return both sides of what is wanted, written down."""
    copy = wanted(parse_reference(source), parse_reference(target))
    return str(copy.source), str(copy.target)


@pytest.mark.parametrize(
    ("source", "target", "becomes"),
    [
        ("a.example/web", "b.example/app", "b.example/app"),
        ("a.example/web:1", "b.example/app", "b.example/app:1"),
        ("a.example/web:1", "b.example/app:2", "b.example/app:2"),
        (f"a.example/web@{DIGEST}", "b.example/app", f"b.example/app@{DIGEST}"),
        (f"a.example/web@{DIGEST}", "b.example/app:2", "b.example/app:2"),
        (f"a.example/web:1@{DIGEST}", "b.example/app", "b.example/app:1"),
        ("a.example/web:1", "a.example/web:2", "a.example/web:2"),
        ("a.example/team/web:1", "layout:folder", "layout:folder//team/web:1"),
        ("a.example/team/web", "layout:folder", "layout:folder//team/web"),
        ("layout:folder", "b.example/mirror", "b.example/mirror"),
        ("layout:folder", "layout:other", "layout:other"),
        ("layout:folder//:1", "b.example/app", "b.example/app:1"),
    ],
)
def test_what_is_left_out_of_the_target_comes_from_the_source(
    source: str, target: str, becomes: str
) -> None:
    assert asked(source, target) == (source, becomes)


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("a.example", "b.example/app", "whole registry"),
        ("a.example/web", "b.example", "names no repository"),
        ("layout:folder", "b.example", "needs a repository"),
        ("a.example/web", "b.example/app:1", "all its tags"),
        ("a.example/web:1", f"b.example/app@{DIGEST}", "comes from the content"),
        ("a.example/web", "a.example/web", "the same repository"),
        ("a.example/web:1", "a.example/web", "the same"),
        (f"a.example/web@{DIGEST}", "a.example/web", "the same"),
        ("layout:folder", "layout:./folder", "the same repository"),
        ("layout:folder//web", "layout:folder", "the same repository"),
    ],
)
def test_what_does_not_go_together_is_refused(source: str, target: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        asked(source, target)
